"""What is told of an investigation: each event with its data, as ``investigation_outbox`` takes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from chalicelib.domain.investigation import Investigation, InvestigationReport, scope_view
from chalicelib.domain.narrative_job import is_first
from chalicelib.domain.report import Report
from chalicelib.webhooks.investigation_envelopes import (
    InvestigationEvent,
    cancelled_data,
    completed_data,
    failed_data,
    queued_data,
    regenerated_data,
)

Events = Mapping[InvestigationEvent, Mapping[str, Any]]

_HEADING: Final = re.compile(r"^#{1,6} .*$", re.MULTILINE)


def queued_event(investigation: Investigation) -> Events:
    """Return that an investigation is queued."""
    scope = scope_view(investigation.scope)
    return {
        "investigation.queued": queued_data(
            investigation.id, investigation.query, scope, investigation.queued_at or investigation.created_at
        )
    }


def report_event(report: InvestigationReport, job: Report) -> Events:
    """Return that a job's version of a report is stored: the investigation's first one completes it."""
    if is_first(job):
        return {
            "investigation.completed": completed_data(
                report.investigation_id,
                report.query,
                report.severity,
                len(report.findings_summary),
                _first_section(report.narrative),
            )
        }
    change = report.change.summary if report.change else ""
    return {
        "report.regenerated": regenerated_data(
            report.investigation_id, job.id, report.version, report.severity, report.generated_at, change
        )
    }


def failed_event(investigation: Investigation, reason: str) -> Events:
    """Return that an investigation failed, with its reason in one word."""
    return {"investigation.failed": failed_data(investigation.id, investigation.query, reason)}


def cancelled_event(investigation: Investigation) -> Events:
    """Return that an investigation was cancelled."""
    return {"investigation.cancelled": cancelled_data(investigation.id, investigation.query)}


def _first_section(narrative: str) -> str:
    """Return what a narrative says first, without its heading."""
    return next((part.strip() for part in _HEADING.split(narrative) if part.strip()), "")
