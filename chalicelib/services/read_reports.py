"""Use cases: look at reports (Reports API, "List Reports", "Get Report Details")."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.caller import Caller
from chalicelib.domain.clock import now, parse_stamp
from chalicelib.domain.figures import Figures, estimated_completion_of_running
from chalicelib.domain.report import Report, Status
from chalicelib.services.enqueue import Place, place_of
from chalicelib.services.queue_figures import remember_figures
from chalicelib.stores.stores import stores


class ReportNotFoundError(Exception):
    """There is no such report, or it is somebody else's (nobody learns which)."""


@dataclass(frozen=True)
class ReportPage:
    """One page of an owner's reports, and how many match in all."""

    reports: list[Report]
    total: int


@dataclass(frozen=True)
class ReportDetail:
    """A report with its place in the queue while it waits, and when it should be finished."""

    report: Report
    place: Place | None
    completion: datetime | None


def own_report(caller: Caller, report_id: str) -> Report:
    """Return the caller's report: one AWS call.

    Raises:
        ReportNotFoundError: there is none with this id, or it is not theirs.
    """
    return _theirs(caller, stores().reports.get(report_id))


def _theirs(caller: Caller, report: Report | None) -> Report:
    if report is None or report.owner != caller.owner or report.kind != "report":
        raise ReportNotFoundError
    return report


def list_reports(caller: Caller, limit: int, offset: int, status: Status | None, search: str | None) -> ReportPage:
    """Return the caller's reports, newest first.

    Three AWS calls (keys, total, records); two where the keys end on this page.
    A search reads every title and description of the caller: one call per MB.

    Args:
        caller: whose reports.
        limit: how many at most, 1 to 100.
        offset: how many of the newest to skip.
        status: only those in this status.
        search: only those with this text in title or description, whatever its case.
    """
    reports = stores().reports
    if search:
        ids = reports.search(caller.owner, search, status)
        return ReportPage(reports.get_many(ids[offset : offset + limit]), len(ids))
    ids, more = reports.newest(caller.owner, status, offset + limit)
    total = reports.total(caller.owner, status) if more else len(ids)
    page = reports.get_many(ids[offset:])
    # The index may lag behind a report that has just moved on.
    return ReportPage([r for r in page if status in (None, r.status)], total)


def report_detail(caller: Caller, report_id: str) -> ReportDetail:
    """Return a report as it is now: one AWS call, two while it waits.

    Raises:
        ReportNotFoundError: there is none with this id, or it is not theirs.
    """
    found, figures = stores().figures.get_with_report(report_id)
    remember_figures(figures)
    return detail_of(_theirs(caller, found), figures)


def detail_of(report: Report, figures: Figures) -> ReportDetail:
    """Return a report with its place and estimate: no AWS call, or one while it waits."""
    if report.is_waiting:
        place = place_of(report, figures)
        return ReportDetail(report, place, place.completion)
    if report.status == "processing" and report.started_at:
        started = parse_stamp(report.started_at)
        return ReportDetail(report, None, estimated_completion_of_running(started, report.progress, figures, now()))
    return ReportDetail(report, None, None)
