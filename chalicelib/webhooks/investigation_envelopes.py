"""What webhooks of the investigation API say.

The functions take plain values, each named as its field in the event; times are stamps (see ``clock``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from chalicelib.domain.clock import public_time, stamp

InvestigationEvent = Literal[
    "investigation.queued",
    "investigation.completed",
    "investigation.failed",
    "investigation.cancelled",
    "finding.discovered",
    "report.regenerated",
]

INVESTIGATION_EVENTS: Final[tuple[InvestigationEvent, ...]] = (
    "investigation.queued",
    "investigation.completed",
    "investigation.failed",
    "investigation.cancelled",
    "finding.discovered",
    "report.regenerated",
)
MAX_TEXT_CHARACTERS: Final = 4_000
"""The longest free text in an event; the API has the whole."""


def investigation_envelope(
    event_id: str, event_type: InvestigationEvent, emitted_at: datetime, data: Mapping[str, Any]
) -> dict[str, Any]:
    """Return an event as it is sent.

    Args:
        event_id: ``evt_…``; the same for every delivery.
        event_type: what happened.
        emitted_at: when.
        data: what one of the functions below returned.
    """
    return {
        "event_id": event_id,
        "event_type": event_type,
        "emitted_at": public_time(stamp(emitted_at)),
        "api_version": "v1",
        "data": dict(data),
    }


def queued_data(investigation_id: str, query: str, scope: Mapping[str, Any], queued_at: str) -> dict[str, Any]:
    """Return the data of ``investigation.queued``; ``scope`` is as the API shows it."""
    return {
        "investigation_id": investigation_id,
        "query": shortened(query),
        "scope": dict(scope),
        "severity": None,
        "queued_at": public_time(queued_at),
    }


def completed_data(
    investigation_id: str, query: str, severity: str, finding_count: int, summary: str
) -> dict[str, Any]:
    """Return the data of ``investigation.completed``."""
    return {
        "investigation_id": investigation_id,
        "query": shortened(query),
        "severity": severity,
        "finding_count": finding_count,
        "summary": shortened(summary),
    }


def failed_data(investigation_id: str, query: str, reason: str) -> dict[str, Any]:
    """Return the data of ``investigation.failed``."""
    return {
        "investigation_id": investigation_id,
        "query": shortened(query),
        "severity": None,
        "reason": shortened(reason),
    }


def cancelled_data(investigation_id: str, query: str) -> dict[str, Any]:
    """Return the data of ``investigation.cancelled``."""
    return {"investigation_id": investigation_id, "query": shortened(query), "severity": None}


def discovered_data(
    finding_id: str,
    investigation_id: str,
    title: str,
    summary: str,
    severity: str,
    confidence: float,
    nodes: Sequence[Mapping[str, Any]],
    tags: Mapping[str, str],
    discovered_at: str,
) -> dict[str, Any]:
    """Return the data of ``finding.discovered``; ``confidence`` is from 0 to 1, ``nodes`` as the API shows them."""
    return {
        "finding_id": finding_id,
        "investigation_id": investigation_id,
        "title": shortened(title),
        "summary": shortened(summary),
        "severity": severity,
        "confidence": confidence,
        "nodes": [dict(node) for node in nodes],
        "tags": dict(tags),
        "discovered_at": public_time(discovered_at),
    }


def regenerated_data(
    investigation_id: str, job_id: str, version: int, severity: str, generated_at: str, change_summary: str
) -> dict[str, Any]:
    """Return the data of ``report.regenerated``; ``generated_at`` keeps its milliseconds, which tell versions apart."""
    return {
        "investigation_id": investigation_id,
        "job_id": job_id,
        "version": version,
        "severity": severity,
        "generated_at": generated_at,
        "change_summary": shortened(change_summary),
    }


def shortened(text: str) -> str:
    """Return a text, or its beginning with an ellipsis where it is longer than an event carries."""
    return text if len(text) <= MAX_TEXT_CHARACTERS else text[: MAX_TEXT_CHARACTERS - 1] + "…"
