"""The routes that show what is private in a text: what they answer, and what they keep to themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from chalicelib.api.pii import MAX_CHARACTERS
from chalicelib.privacy.pii_type import PiiType
from chalicelib.privacy.rules import Rules
from chalicelib.services.detectors import detector
from chalicelib.settings import settings
from tests.conftest import service_here
from tests.model_server import ModelServer
from tests.support.no_limits import NO_LIMITS
from tests.support.service import Service, counted_calls

TEXT = "Write to anna.kern@example.org or pay 4539 1488 0343 6467."


@pytest.fixture(scope="module")
def here() -> Iterator[Service]:
    with pytest.MonkeyPatch.context() as patched, ModelServer() as model, service_here(patched, model) as made:
        yield made


def detected(service: Service, **body: Any) -> Any:
    answer = service.post("/api/pii/detect", {"text": TEXT} | body)
    assert answer.status == 200, answer.body
    return answer.json()["data"]


def test_detections_have_places_and_masks_and_no_values(here: Service) -> None:
    data = detected(here)
    assert [(d["pii_type"], TEXT[d["start_position"] : d["end_position"]]) for d in data["detections"]] == [
        ("email", "anna.kern@example.org"),
        ("payment_card", "4539 1488 0343 6467"),
    ]
    assert [d["masked_value"] for d in data["detections"]] == ["a***.****@*******.***", "**** **** **** 6467"]
    assert all(0.5 <= d["confidence"] <= 1 for d in data["detections"])
    assert "value" not in data["detections"][0]
    assert (data["total_detections"], data["risk_level"]) == (2, "high")
    assert data["by_type"] == {"email": 1, "payment_card": 1}


def test_values_are_shown_to_who_asks_for_them(here: Service) -> None:
    assert detected(here, mask_results=False)["detections"][0]["value"] == "anna.kern@example.org"


def test_the_threshold_leaves_out_what_is_less_certain(here: Service) -> None:
    text = "Anna Kern has the mail anna.kern@example.org."
    everything = detected(here, text=text, confidence_threshold=0)
    certain = detected(here, text=text, confidence_threshold=0.97)
    assert set(everything["by_type"]) == {"email", "person"}
    assert set(certain["by_type"]) == {"email"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "text"),
        ({"text": "  "}, "text"),
        ({"text": 7}, "text"),
        ({"text": "a" * (MAX_CHARACTERS + 1)}, "text"),
        ({"text": "a", "confidence_threshold": 1.1}, "confidence_threshold"),
        ({"text": "a", "confidence_threshold": True}, "confidence_threshold"),
        ({"text": "a", "confidence_threshold": 10**400}, "confidence_threshold"),
        ({"text": "a", "mask_results": "yes"}, "mask_results"),
    ],
)
def test_a_body_that_is_none_is_answered_with_its_field(here: Service, body: dict[str, Any], field: str) -> None:
    answer = here.post("/api/pii/detect", body)
    assert answer.status == 400
    assert [detail["field"] for detail in answer.json()["details"]] == [field]
    assert TEXT not in answer.body.decode()


def test_the_longest_text_is_answered(here: Service) -> None:
    data = detected(here, text="a@b.example. a@c.example; " * (MAX_CHARACTERS // 26))
    assert data["total_detections"] > len(data["detections"]) == 5_000
    assert data["truncated"]


def test_every_type_that_is_looked_for_is_told(here: Service) -> None:
    data = here.get("/api/pii/patterns").json()["data"]
    assert [pattern["pii_type"] for pattern in data["patterns"]] == [kind.value for kind in PiiType]
    assert all(pattern["description"] for pattern in data["patterns"])
    assert data["engine"] == "rules"


def test_a_text_costs_no_call_but_that_of_its_limit(here: Service) -> None:
    detected(here)
    with counted_calls() as calls:
        detected(here)
    assert calls.total() <= 1


def test_no_log_has_the_text_even_where_something_breaks(
    here: Service, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(_: Rules, text: str) -> None:
        raise ValueError(text)

    monkeypatch.setattr(Rules, "detect", broken)
    answer = here.post("/api/pii/detect", {"text": TEXT})
    assert answer.status == 503
    said = "".join(capfd.readouterr()) + answer.body.decode()
    assert "anna.kern" not in said


def test_texts_are_counted_against_the_limit_of_reading(here: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE_LIMIT_LIST", "2/minute")
    settings.cache_clear()
    here_again = here.new_key("limited")
    statuses = [here.post("/api/pii/detect", {"text": TEXT}, key=here_again).status for _ in range(3)]
    monkeypatch.setenv("RATE_LIMIT_LIST", NO_LIMITS["RATE_LIMIT_LIST"])
    settings.cache_clear()
    assert statuses == [200, 200, 429]


class Analyzer:
    """A Presidio analyzer that finds one name, in this process; it keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.status = 200
        analyzer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                analyzer.asked.append((self.path, body))
                place = body["text"].find("Zaphod")
                found = [{"entity_type": "PERSON", "start": place, "end": place + 6, "score": 0.85}]
                content = json.dumps(found if place >= 0 else []).encode()
                self.send_response(analyzer.status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/api"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def analyzer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Analyzer]:
    made = Analyzer()
    monkeypatch.setenv("PII_ENGINE", "presidio")
    monkeypatch.setenv("PRESIDIO_URL", made.url)
    settings.cache_clear()
    detector.cache_clear()
    yield made
    made.close()
    monkeypatch.undo()
    settings.cache_clear()
    detector.cache_clear()


def test_a_presidio_analyzer_adds_what_it_finds(service: Service, analyzer: Analyzer) -> None:
    data = detected(service, text="Zaphod has the mail a@example.org 😀.")
    assert set(data["by_type"]) == {"person", "email"}
    assert analyzer.asked[0][0] == "/api/analyze"
    assert service.get("/api/pii/patterns").json()["data"]["engine"] == "presidio"


def test_a_report_with_an_analyzer_hides_what_that_finds(
    service: Service, analyzer: Analyzer, model_server: ModelServer
) -> None:
    report_id = service.create(parameters={"user_query": "Write 300 words for Zaphod."}, output_format="md")
    report = service.finish(report_id)
    assert report["pii"]["by_type"] == {"person": 1}
    assert all("Zaphod" not in request.prompt for request in model_server.requests())
    # Each text once, whatever number of requests it went into.
    assert len(analyzer.asked) <= 4


def test_an_analyzer_that_is_down_ends_the_report_before_anything_is_sent(
    service: Service, analyzer: Analyzer, model_server: ModelServer
) -> None:
    analyzer.status = 500
    report_id = service.create(parameters={"user_query": "Write 300 words for Zaphod."}, output_format="md")
    service.work()
    report = service.report(report_id)
    assert report["status"] == "failed"
    assert "could not be searched for private data" in report["error_message"]
    assert model_server.requests() == []
    assert service.post("/api/pii/detect", {"text": TEXT}).status == 503
