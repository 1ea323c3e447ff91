"""What is logged: JSON that carries the request, and nothing of what somebody wrote, showed or knows."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chalicelib import log
from chalicelib.services import create_report
from chalicelib.settings import settings
from chalicelib.stores.stores import stores
from tests.model_server import ModelServer
from tests.support.scripted_receiver import ScriptedReceiver, answering
from tests.support.service import Context, Service, new_report
from tests.support.v1_callers import Account, new_finding

SECRET_WORD = "Nordlichtgeheimnis"
COOKIE = "cookieNordlichtgeheimnis"


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Return what Lambda's log would have so far, each line as the object it must be."""
    log.set_up()
    # Even what libraries say while somebody debugs.
    before = logging.getLogger().level
    logging.getLogger().setLevel(logging.INFO)
    seen: list[dict[str, Any]] = []

    def so_far() -> list[dict[str, Any]]:
        seen.extend(json.loads(line) for line in capsys.readouterr().out.splitlines())
        return seen

    yield so_far
    logging.getLogger().setLevel(before)


def text_of(lines: Callable[[], list[dict[str, Any]]]) -> str:
    return json.dumps(lines(), ensure_ascii=False)


def create(service: Service, **fields: Any) -> Any:
    body = new_report(
        f"Title {SECRET_WORD}",
        description=f"About {SECRET_WORD}",
        parameters={
            "user_query": f"Write a 300 word overview of {SECRET_WORD}.",
            "context": {"note": SECRET_WORD},
            "conversation_id": SECRET_WORD,
        },
    )
    return service.post(f"/api/reports?note={SECRET_WORD}", body | fields, headers={"Cookie": f"a={COOKIE}"})


def test_a_report_s_whole_way_is_told_with_its_request_and_without_its_words(
    service: Service, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    created = create(service, output_format="pdf")
    report_id = created.json()["data"]["report"]["id"]
    service.finish(report_id)
    service.get(f"/api/reports/{report_id}/download?format=html")
    service.get(f"/api/reports/{report_id}/download?delivery=link&note={SECRET_WORD}")
    told = [line for line in lines() if report_id in line["message"]]
    assert told
    for line in told:
        assert line["report_id"] == report_id
        assert line["request_id"] == created.headers["x-request-id"]
    assert SECRET_WORD not in text_of(lines)
    assert service.key not in text_of(lines)


@pytest.mark.parametrize("status", [400, 401, 404, 500])
def test_a_model_that_quotes_what_it_was_sent_is_not_quoted(
    service: Service, model_server: ModelServer, lines: Callable[[], list[dict[str, Any]]], status: int
) -> None:
    model_server.fault("error", status=status, times=None, message=f"no: {SECRET_WORD}", retry_after=0)
    report_id = create(service).json()["data"]["report"]["id"]
    service.work()
    assert service.report(report_id)["status"] == "failed"
    assert any("REPORT_FAILED" in line["message"] for line in lines())
    assert SECRET_WORD not in text_of(lines)


def test_of_an_error_of_ours_there_is_where_and_not_what(
    service: Service, lines: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        try:
            int(SECRET_WORD)
        except ValueError as error:
            raise RuntimeError(f"{SECRET_WORD} and {service.key}") from error

    monkeypatch.setattr(create_report, "create_report", broken)
    answer = create(service)
    assert answer.status == 500
    (line,) = [line for line in lines() if line["level"] == "ERROR"]
    assert line["request_id"] == answer.headers["x-request-id"]
    assert line["route"] == "/api/reports"
    assert (line["key_id"], line["caller_kind"]) == (_key_id(service), "key")
    assert line["exception_name"] == "RuntimeError"
    assert "builtins.ValueError" in line["exception"]
    assert "test_logs.py" in line["exception"]
    assert SECRET_WORD not in text_of(lines)
    assert service.key not in text_of(lines)


def _key_id(service: Service) -> str:
    from chalicelib.services.keys import caller_of

    caller = caller_of(service.key)
    assert caller is not None
    return caller.key_id


def test_a_worker_s_error_tells_of_the_report_and_the_request(
    service: Service, lines: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.workers import generate

    def broken(*_: Any, **__: Any) -> None:
        raise KeyError(SECRET_WORD)

    monkeypatch.setattr(generate, "write_report", broken)
    created = create(service)
    service.work()
    (line,) = [line for line in lines() if line.get("exception_name") == "KeyError"]
    assert line["report_id"] == created.json()["data"]["report"]["id"]
    assert line["request_id"] == created.headers["x-request-id"]
    assert SECRET_WORD not in text_of(lines)


def test_one_request_s_keys_do_not_stay_for_the_next(
    service: Service, lines: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("chalicelib.api.reports.queue_figures", broken)
    service.get("/api/reports")
    service.get("/api/reports/queue/status", key=None)
    (line,) = [line for line in lines() if line["level"] == "ERROR"]
    assert "key_id" not in line


def test_findings_and_their_questions_are_not_told(service: Service, lines: Callable[[], list[dict[str, Any]]]) -> None:
    account = Account(service)
    finding = new_finding(f"Title {SECRET_WORD}", summary=SECRET_WORD, external_id=SECRET_WORD)
    investigation_id = account.completed(finding, query=f"Was it {SECRET_WORD}?")
    account.get(f"/investigations/{investigation_id}/report?format=pdf")
    account.post(f"/investigations/{investigation_id}/report/regenerate", {"instructions": SECRET_WORD})
    service.work()
    assert lines()
    assert SECRET_WORD not in text_of(lines)
    assert account.key not in text_of(lines)


def test_a_session_that_cannot_be_checked_is_told_without_its_cookie(
    service: Service, lines: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedReceiver(answering("500 Oops", body=COOKIE.encode())) as kratos:
        monkeypatch.setenv("KRATOS_PUBLIC_URL", f"http://127.0.0.1:{kratos.port}")
        settings.cache_clear()
        cookies = {"Cookie": f"ory_kratos_session={COOKIE}"}
        assert service.get("/api/reports", headers=cookies, key=None).status == 503
    assert any("500" in line["message"] for line in lines())
    assert COOKIE not in text_of(lines)


def test_a_store_that_fails_is_told_by_its_error_code(
    service: Service, lines: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores().reports._table, "name", "no-such-table")
    assert create(service).status == 500
    (line,) = [line for line in lines() if line["level"] == "ERROR" and "storing report" in line["message"]]
    assert "ResourceNotFoundException" in line["exception"]
    assert SECRET_WORD not in text_of(lines)


def test_a_broken_message_is_not_quoted(service: Service, lines: Callable[[], list[dict[str, Any]]]) -> None:
    service.deliver("normal", json.dumps({"oops": SECRET_WORD}))
    service.app.dead_letters({"Records": [{"body": f"{{{SECRET_WORD}"}]}, Context())
    assert len(lines()) == 2
    assert SECRET_WORD not in text_of(lines)
