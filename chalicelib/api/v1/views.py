"""Answers of ``/v1``: how investigations, findings, reports and jobs look to their account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from chalicelib.domain.clock import now, parse_stamp, public_time, stamp
from chalicelib.domain.finding import Finding
from chalicelib.domain.freshness import freshness
from chalicelib.domain.investigation import Change, Investigation, InvestigationReport, scope_view
from chalicelib.domain.narrative_job import investigation_id_of, tier_of
from chalicelib.domain.report import Report
from chalicelib.services.investigation_reports import CurrentReport
from chalicelib.stores.investigation_store import VersionRecord

_JOB_STATUS: Final = {
    "pending": "queued",
    "queued": "queued",
    "processing": "running",
    "completed": "succeeded",
    "failed": "failed",
    "cancelled": "failed",
}


def created_view(created: Investigation) -> dict[str, Any]:
    """Return an investigation as the request that made it is answered, the first time and each time after."""
    estimated = parse_stamp(created.first_estimate) if created.first_estimate else None
    return investigation_view(created, estimated, parse_stamp(created.created_at))


def investigation_view(
    investigation: Investigation, estimated: datetime | None = None, at: datetime | None = None
) -> dict[str, Any]:
    """Return an investigation.

    Args:
        investigation: which.
        estimated: when it will be completed, if that can be told.
        at: the moment that the age of its evidence is told for; None for now.
    """
    return {
        "id": investigation.id,
        "investigation_id": investigation.id,
        "status": investigation.status,
        "query": investigation.query,
        "depth": investigation.depth,
        "mode": investigation.mode,
        "scope": scope_view(investigation.scope),
        "queued_at": public_time(investigation.queued_at),
        "estimated_completion_at": public_time(stamp(estimated)) if estimated else None,
        "freshness": _freshness_view(investigation, at or now()),
        "agent_ids": list(investigation.agent_ids),
        "evidence": investigation.evidence,
        "finding_count": investigation.evidence_count,
        "severity": investigation.severity,
        "job_id": investigation.job_id,
        "report_version": investigation.version or None,
        "generated_at": investigation.generated_at or None,
        "stale": investigation.stale,
        "stale_reason": investigation.stale_reason if investigation.stale else None,
        "auto_regenerate": investigation.auto_regenerate,
        "created_at": public_time(investigation.created_at),
        "completed_at": public_time(investigation.completed_at),
        "failure_reason": investigation.failure or None,
    }


def _freshness_view(investigation: Investigation, at: datetime) -> dict[str, Any]:
    found = freshness(investigation, at)
    return {
        "newest_evidence_at": public_time(found.newest_evidence_at),
        "age_seconds": found.age_seconds,
        "recommendation": {
            "should_rerun_live": found.should_rerun_live,
            "recommended_scope": scope_view(investigation.scope) if found.should_rerun_live else None,
        },
    }


def finding_view(finding: Finding) -> dict[str, Any]:
    """Return a finding. ``truncated`` is there where a list shows the short form of a very large one."""
    view: dict[str, Any] = {
        "id": finding.id,
        "investigation_id": finding.investigation_id,
        "external_id": finding.external_id,
        "title": finding.title,
        "summary": finding.summary,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "reasoning_chain": [asdict(step) for step in finding.reasoning_chain],
        "nodes": [asdict(node) for node in finding.nodes],
        "tags": dict(finding.tags),
        "discovered_at": precise_time(finding.discovered_at),
        "dismissed": finding.dismissed,
        "dismissal": None,
    }
    if finding.truncated:
        view["truncated"] = True
    if finding.dismissal is not None:
        view["dismissal"] = asdict(finding.dismissal) | {"dismissed_at": public_time(finding.dismissal.dismissed_at)}
    return view


def precise_time(text: str) -> str:
    """Return a stored time as it was sent in: with the fraction of its second, where it has one."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}Z" if fraction else f"{whole}Z"


def taken_view(finding: Finding) -> dict[str, Any]:
    """Return a finding as the answer to a batch names it."""
    return {
        "id": finding.id,
        "external_id": finding.external_id,
        "title": finding.title,
        "severity": finding.severity,
        "discovered_at": precise_time(finding.discovered_at),
    }


def change_view(change: Change | None) -> dict[str, Any] | None:
    """Return how a version differs from the one before it; None for the first."""
    return asdict(change) if change is not None else None


def version_view(version: VersionRecord) -> dict[str, Any]:
    """Return a version as the history of a report shows it."""
    return {
        "version": version.version,
        "generated_at": version.generated_at,
        "severity": version.severity,
        "model": version.model,
        "model_name": version.model_name or None,
        "degraded": version.degraded,
        "input_digest": version.input_digest,
        "job_id": version.job_id,
        "change_summary": version.change.summary if version.change else None,
        "changes": change_view(version.change),
    }


def current_report_view(current: CurrentReport) -> dict[str, Any]:
    """Return an investigation's report: its current version, and whether that still shows the evidence."""
    stale_reason = current.investigation.stale_reason
    return report_view(current.report) | {"stale": bool(stale_reason), "stale_reason": stale_reason or None}


def report_view(report: InvestigationReport) -> dict[str, Any]:
    """Return a version of a report: the documented fields first, then ours."""
    return {
        "narrative": report.narrative,
        "severity": report.severity,
        "findings_summary": [asdict(summary) for summary in report.findings_summary],
        "recommended_actions": [asdict(action) for action in report.recommended_actions],
        "generated_at": report.generated_at,
        "model": report.model,
        "investigation_id": report.investigation_id,
        "version": report.version,
        "degraded": report.degraded,
        "endpoints": [asdict(endpoint) for endpoint in report.endpoints],
        "citation_check": asdict(report.citation_check),
        "input_digest": report.input_digest,
        "change_summary": report.change.summary if report.change else None,
        "changes": change_view(report.change),
        "model_name": report.model_name or None,
        "notices": list(report.notices),
    }


def job_view(job: Report) -> dict[str, Any]:
    """Return a job; ``generated_at`` and ``report_version`` are of the version that it wrote."""
    outcome = job.outcome if job.status == "completed" else None
    cancelled = job.status == "cancelled"
    return {
        "id": job.id,
        "job_id": job.id,
        "investigation_id": investigation_id_of(job),
        "status": _JOB_STATUS[job.status],
        "progress": job.progress,
        "message": job.message or None,
        "error": "cancelled" if cancelled else job.error_message,
        "generated_at": outcome.generated_at if outcome else None,
        "report_version": outcome.version if outcome else None,
        "model": tier_of(job),
        "model_name": outcome.model or None if outcome else None,
        "attempt": job.attempt,
        "created_at": public_time(job.created_at),
        "started_at": public_time(job.started_at),
        "ended_at": public_time(job.completed_at),
    }


def accepted_view(job: Report) -> dict[str, Any]:
    """Return the answer to what starts a job."""
    return {"job_id": job.id, "status": _JOB_STATUS[job.status]}


def page_view(name: str, rows: Sequence[dict[str, Any]], cursor: str | None) -> dict[str, Any]:
    """Return a page of a list and where it goes on."""
    return {name: list(rows), "next_cursor": cursor}
