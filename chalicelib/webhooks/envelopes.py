"""What webhooks of the Reports API say: a report's record as an event (Standard Webhooks payload)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

from chalicelib.domain.clock import public_time, stamp
from chalicelib.domain.progress import stage_of
from chalicelib.domain.report import Report, Status

ReportEvent = Literal["report.completed", "report.failed", "report.cancelled", "report.progress"]

REPORT_EVENTS: Final[tuple[ReportEvent, ...]] = (
    "report.completed",
    "report.failed",
    "report.cancelled",
    "report.progress",
)
REPORT_ENDS: Final[tuple[ReportEvent, ...]] = ("report.completed", "report.failed", "report.cancelled")
"""The events after which a report is not worked on, unless somebody retries it."""

_EVENT_OF: Final[Mapping[Status, ReportEvent]] = {
    "completed": "report.completed",
    "failed": "report.failed",
    "cancelled": "report.cancelled",
    "processing": "report.progress",
}


def report_event(report: Report) -> ReportEvent | None:
    """Return the event that a report's state is, or None for a state that is none."""
    return _EVENT_OF.get(report.status)


def report_envelope(report: Report, occurred_at: datetime) -> dict[str, Any]:
    """Return the event of a report's present state. ``report.completed`` has no link yet (``with_download``).

    Args:
        report: the record as the event left it.
        occurred_at: when that was.

    Raises:
        ValueError: its state is no event.
    """
    event = report_event(report)
    if event is None:
        raise ValueError(f"a report that is {report.status} is no event")
    data = _common(report) | _particular(event, report)
    return {"type": event, "timestamp": stamp(occurred_at), "data": data}


def with_download(envelope: Mapping[str, Any], url: str, expires_at: datetime) -> dict[str, Any]:
    """Return a ``report.completed`` envelope with a link to the document; it is put in when it is sent.

    Args:
        envelope: as ``report_envelope`` made it.
        url: a presigned link.
        expires_at: when the link ends.
    """
    link = {"url": url, "expires_at": public_time(stamp(expires_at))}
    return {**envelope, "data": {**envelope["data"], "download": link}}


def body_of(envelope: Mapping[str, Any]) -> bytes:
    """Return the bytes that are signed and sent."""
    return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _common(report: Report) -> dict[str, Any]:
    return {
        "report_id": report.id,
        "title": report.title,
        "status": report.status,
        "priority": report.priority,
        "template_id": report.template_id,
        "template_name": report.template_name,
        "output_format": report.output_format,
        "conversation_id": report.conversation_id or None,
        "progress_percentage": report.progress,
        "retry_count": report.retry_count,
        "attempt": report.attempt,
        "created_at": public_time(report.created_at),
        "started_at": public_time(report.started_at),
        "ended_at": public_time(report.completed_at),
    }


def _particular(event: ReportEvent, report: Report) -> dict[str, Any]:
    match event:
        case "report.completed":
            return _completed(report)
        case "report.failed":
            return {"error_message": report.error_message}
        case "report.progress":
            return {
                "progress_stage": stage_of(report),
                "progress_message": report.message,
                "words_written": report.words,
            }
        case "report.cancelled":
            return {}


def _completed(report: Report) -> dict[str, Any]:
    view: dict[str, Any] = {
        "completed_at": public_time(report.completed_at),
        "download_url": f"/api/reports/{report.id}/download",
        "download": None,
    }
    outcome = report.outcome
    if outcome is None:
        return view
    artifact = outcome.artifact
    return view | {
        "content_type": artifact.content_type,
        "file_size_bytes": artifact.size_bytes,
        "sha256": artifact.sha256,
        "page_count": artifact.pages,
        "word_count": outcome.word_count,
        "model": outcome.model,
        "detected_style": outcome.style,
    }
