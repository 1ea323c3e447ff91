"""Answers of the Reports API: what a report looks like to its owner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from chalicelib.domain.clock import public_time, stamp
from chalicelib.domain.figures import Figures, Workers, wait_until_start
from chalicelib.domain.priority import PRIORITIES
from chalicelib.domain.progress import stage_of
from chalicelib.domain.report import Report
from chalicelib.domain.risk_level import risk_level
from chalicelib.domain.template import Template
from chalicelib.services.create_report import CreatedReport
from chalicelib.services.download_report import Link
from chalicelib.services.enqueue import Place
from chalicelib.services.read_reports import ReportDetail


def template_view(template: Template) -> dict[str, Any]:
    """Return a template as "List Templates" shows it."""
    view = asdict(template)
    # The documented fields, and this one where it says something.
    if not template.strict_scrambling:
        del view["strict_scrambling"]
    return view


def _place(place: Place | None) -> dict[str, Any]:
    if place is None:
        return {"queue_position": None, "estimated_completion": None}
    view: dict[str, Any] = {
        "queue_position": place.position,
        "estimated_completion": public_time(stamp(place.completion)),
    }
    if place.is_estimate:
        view["queue_position_is_estimate"] = True
    return view


def created_view(created: CreatedReport) -> dict[str, Any]:
    """Return the ``data`` of "Create Report"."""
    report = created.report
    view = {
        "id": report.id,
        "title": report.title,
        "status": report.status,
        "priority": report.priority,
        "created_at": public_time(report.created_at),
        "output_format": report.output_format,
        "scrambling_enabled": report.scrambling_enabled,
    }
    if created.webhook_secret is not None:
        view["webhook_secret"] = created.webhook_secret
    return {"report": view, **_place(created.place), "warnings": list(report.warnings)}


def requeued_view(created: CreatedReport) -> dict[str, Any]:
    """Return the ``data`` of "Retry Failed Report"."""
    return _place(created.place)


def row_view(report: Report) -> dict[str, Any]:
    """Return a report as "List Reports" shows it."""
    artifact = report.outcome.artifact if report.outcome else None
    return {
        "id": report.id,
        "title": report.title,
        "description": report.description,
        "status": report.status,
        "priority": report.priority,
        "progress_percentage": report.progress,
        "created_at": public_time(report.created_at),
        "completed_at": public_time(report.completed_at) if report.status == "completed" else None,
        "output_format": report.output_format,
        "file_size_bytes": artifact.size_bytes if artifact else None,
        "template_name": report.template_name,
    }


def detail_view(detail: ReportDetail) -> dict[str, Any]:
    """Return a report as "Get Report Details" shows it."""
    report = detail.report
    view = row_view(report) | {
        "template_id": report.template_id,
        "progress_stage": stage_of(report),
        "progress_message": report.message,
        "words_written": report.words,
        "started_at": public_time(report.started_at),
        "ended_at": public_time(report.completed_at),
        "error_message": report.error_message,
        "retry_count": report.retry_count,
        "attempt": report.attempt,
        "scrambling_enabled": report.scrambling_enabled,
        "honey_jar_id": report.honey_jar_id,
        "parameters": report.parameters,
        "warnings": list(report.warnings),
        "webhook_url": report.webhook_url,
        "usage": _usage_view(report.usage),
        "pii": pii_view(report.pii),
        **_outcome_view(report),
        **_place(detail.place),
    }
    if detail.place is None and detail.completion is not None:
        view["estimated_completion"] = public_time(stamp(detail.completion))
    return view


def pii_view(counts: Mapping[str, int] | None) -> dict[str, Any] | None:
    """Return how many private values there are, by type, never which; None where nobody has looked yet."""
    if counts is None:
        return None
    return {"detected": sum(counts.values()), "by_type": dict(counts), "risk_level": risk_level(counts)}


def _usage_view(usage: Mapping[str, float | None] | None) -> dict[str, float | None] | None:
    if usage is None:
        return None
    cost = usage.get("cost_usd")
    return {**usage, "cost_usd": None if cost is None else round(cost, 6)}


def _outcome_view(report: Report) -> dict[str, Any]:
    outcome = report.outcome if report.status == "completed" else None
    if outcome is None:
        return {"result_file_id": None, "download_url": None}
    artifact = outcome.artifact
    return {
        "result_file_id": f"file-{artifact.sha256[:24]}",
        "download_url": f"/api/reports/{report.id}/download",
        "content_type": artifact.content_type,
        "sha256": artifact.sha256,
        "page_count": artifact.pages,
        "word_count": outcome.word_count,
        "model": outcome.model,
        "detected_style": outcome.style,
        "style_reasons": list(outcome.style_reasons),
        "usage": _usage_view(outcome.usage),
        "notices": list(outcome.notices),
        "citations": outcome.citations,
    }


def link_view(link: Link) -> dict[str, Any]:
    """Return the ``data`` of a download with ``delivery=link``."""
    return {
        "url": link.url,
        "expires_at": public_time(stamp(link.expires_at)),
        "content_type": link.artifact.content_type,
        "file_size_bytes": link.artifact.size_bytes,
        "sha256": link.artifact.sha256,
    }


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} minutes"


def queue_view(figures: Figures, workers: Workers) -> dict[str, Any]:
    """Return the ``data`` of "Get Queue Status": totals over all priorities, and each priority."""
    average, basis = figures.average()
    waits = {
        p: wait_until_start(p, max(0, figures.waiting[p]) + 1, figures, workers).total_seconds() for p in PRIORITIES
    }
    return {
        "queue_name": "default",
        "pending_reports": sum(figures.waiting.values()),
        "processing_reports": sum(figures.running.values()),
        "completed_today": figures.today.completed,
        "failed_today": figures.today.failed,
        "average_processing_time": _minutes(average.total_seconds()),
        "average_processing_time_basis": basis,
        "estimated_wait_time": _minutes(waits["normal"]),
        "priorities": {
            p: {
                "pending_reports": figures.waiting[p],
                "processing_reports": figures.running[p],
                "estimated_wait_time": _minutes(waits[p]),
            }
            for p in PRIORITIES
        },
    }
