"""What a webhook of the Reports API says."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chalicelib.domain.report import Artifact, Outcome, Report, Status
from chalicelib.webhooks.envelopes import REPORT_EVENTS, body_of, report_envelope, report_event, with_download

AT = datetime(2026, 1, 20, 15, 42, 0, 123456, tzinfo=UTC)
REPORT = Report(
    id="991a8dca-b90c-406d-9a64-dcc9b1bec33c",
    owner="alice",
    created_at="2026-01-20T15:30:00.000000Z",
    title="Prüfung 東京",
    description="secret description",
    template_id="t1",
    template_name="Bee Conversational Report",
    priority="normal",
    output_format="pdf",
    scrambling_enabled=True,
    honey_jar_id=None,
    parameters={"user_query": "secret query", "conversation_id": "c1"},
    warnings=(),
    status="completed",
    queued_at="2026-01-20T15:30:00.000000Z",
    attempt=1,
    progress=100,
    started_at="2026-01-20T15:31:00.000000Z",
    completed_at="2026-01-20T15:42:00.123456Z",
    outcome=Outcome(
        artifact=Artifact("reports/key", "application/pdf", 2457600, "ab" * 32, pages=12),
        document_key="reports/document",
        word_count=4512,
        model="scripted",
        style="technical",
        usage={},
        summary="secret summary",
    ),
)

COMMON = {
    "report_id": REPORT.id,
    "title": "Prüfung 東京",
    "priority": "normal",
    "template_id": "t1",
    "template_name": "Bee Conversational Report",
    "output_format": "pdf",
    "conversation_id": "c1",
    "retry_count": 0,
    "attempt": 1,
    "created_at": "2026-01-20T15:30:00Z",
    "started_at": "2026-01-20T15:31:00Z",
}


def test_a_completed_report_tells_what_came_of_it() -> None:
    assert report_envelope(REPORT, AT) == {
        "type": "report.completed",
        "timestamp": "2026-01-20T15:42:00.123456Z",
        "data": COMMON
        | {
            "status": "completed",
            "progress_percentage": 100,
            "ended_at": "2026-01-20T15:42:00Z",
            "completed_at": "2026-01-20T15:42:00Z",
            "download_url": f"/api/reports/{REPORT.id}/download",
            "download": None,
            "content_type": "application/pdf",
            "file_size_bytes": 2457600,
            "sha256": "ab" * 32,
            "page_count": 12,
            "word_count": 4512,
            "model": "scripted",
            "detected_style": "technical",
        },
    }


def test_the_link_is_put_in_when_the_webhook_is_sent() -> None:
    stored = report_envelope(REPORT, AT)
    sent = with_download(stored, "https://bucket/key?X-Amz-Signature=1", AT)
    assert sent["data"]["download"] == {
        "url": "https://bucket/key?X-Amz-Signature=1",
        "expires_at": "2026-01-20T15:42:00Z",
    }
    assert sent["data"] | {"download": None} == stored["data"]
    assert stored["data"]["download"] is None


def test_a_failed_report_tells_why() -> None:
    failed = replace(REPORT, status="failed", outcome=None, progress=40, error_message="The model was down")
    envelope = report_envelope(failed, AT)
    assert envelope["type"] == "report.failed"
    assert envelope["data"] == COMMON | {
        "status": "failed",
        "progress_percentage": 40,
        "ended_at": "2026-01-20T15:42:00Z",
        "error_message": "The model was down",
    }


def test_progress_tells_how_far_it_is() -> None:
    running = replace(
        REPORT, status="processing", outcome=None, completed_at=None, progress=40, message="writing 3/8", words=900
    )
    envelope = report_envelope(running, AT)
    assert envelope["type"] == "report.progress"
    assert envelope["data"] == COMMON | {
        "status": "processing",
        "progress_percentage": 40,
        "ended_at": None,
        "progress_stage": "writing",
        "progress_message": "writing 3/8",
        "words_written": 900,
    }


@pytest.mark.parametrize(
    ("status", "event"),
    [
        ("pending", None),
        ("queued", None),
        ("processing", "report.progress"),
        ("completed", "report.completed"),
        ("failed", "report.failed"),
        ("cancelled", "report.cancelled"),
    ],
)
def test_every_state_is_its_event_or_none(status: Status, event: str | None) -> None:
    report = replace(REPORT, status=status)
    assert report_event(report) == event
    if event is None:
        with pytest.raises(ValueError, match=status):
            report_envelope(report, AT)
    else:
        assert event in REPORT_EVENTS
        assert report_envelope(report, AT)["type"] == event


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled", "processing"])
def test_no_event_holds_queries_texts_or_owners(status: Status) -> None:
    body = body_of(report_envelope(replace(REPORT, status=status), AT)).decode()
    assert "secret" not in body
    assert "alice" not in body
    assert "reports/key" not in body


def test_the_body_is_compact_json_in_utf_8() -> None:
    body = body_of({"type": "report.completed", "data": {"title": "Prüfung 東京"}})
    assert body == '{"type":"report.completed","data":{"title":"Prüfung 東京"}}'.encode()


def test_a_title_with_half_a_character_is_still_sent() -> None:
    assert json.loads(body_of({"title": "a\ud800b"})) == {"title": "a?b"}
