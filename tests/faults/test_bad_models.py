"""A model endpoint that misbehaves: the report completes or fails with a reason; it is never stuck."""

from __future__ import annotations

import pytest

from chalicelib.settings import settings
from tests.model_server import ModelServer
from tests.support.service import Service

pytestmark = pytest.mark.timeout(180)

# What the requests for the text say, and those for a plan or a summary do not.
PART = "Write the part"


@pytest.mark.parametrize(
    "fault", ["error", "drop", "empty", "refusal", "loop", "think", "echo", "fence", "heading", "short", "length"]
)
def test_one_bad_answer_does_not_spoil_a_report(service: Service, model_server: ModelServer, fault: str) -> None:
    model_server.fault(fault, match=PART)
    report_id = service.create(output_format="md")
    service.finish(report_id)
    text = service.get(f"/api/reports/{report_id}/download").body.decode()
    assert "<think>" not in text


@pytest.mark.parametrize(
    ("fault", "options"), [("empty", {}), ("refusal", {}), ("loop", {}), ("error", {"status": 401})]
)
def test_an_endpoint_that_never_answers_well_fails_the_report_with_a_reason(
    service: Service, model_server: ModelServer, fault: str, options: dict[str, int]
) -> None:
    model_server.fault(fault, times=None, **options)
    report_id = service.create(output_format="md")
    service.work()
    report = service.report(report_id)
    assert report["status"] == "failed"
    assert len(report["error_message"]) > 20
    assert report["download_url"] is None


def test_an_endpoint_that_is_not_there_fails_the_report_with_a_reason(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_BASE_URL", "http://127.0.0.1:9/v1")
    settings.cache_clear()
    report_id = service.create(output_format="md")
    service.work()
    assert service.report(report_id)["status"] == "failed"


def test_no_endpoint_at_all_says_what_to_set(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_BASE_URL", "")
    settings.cache_clear()
    report_id = service.create(output_format="md")
    service.work()
    assert "LLM_BASE_URL" in service.report(report_id)["error_message"]


def test_hostile_text_of_the_model_and_the_user_reaches_no_markup(service: Service, model_server: ModelServer) -> None:
    hostile = "The cost rose from $5 million <script>alert(1)</script> to $12 million. ![x](http://127.0.0.1:9/a.png)"
    model_server.fault(
        "text", match=PART, text=f"{hostile}\n\nThe plant was built in 1999 and has {{{{7*7}}}} units in two halls."
    )
    title = "</title><script>alert(1)</script> {{7*7}}"
    report_id = service.create(title, output_format="html")
    service.finish(report_id)
    page = service.get(f"/api/reports/{report_id}/download").body.decode()
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; {{7*7}}" in page
    assert "$5 million" in page
    assert "$12 million" in page
