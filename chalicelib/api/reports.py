"""The routes of the Reports API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from chalice.app import Blueprint, Response

from chalicelib.api.authentication import report_user
from chalicelib.api.cost_limit import check_cost_limit
from chalicelib.api.envelope import json_response
from chalicelib.api.idempotency import REPLAYED, idempotency_conflict, request_name
from chalicelib.api.json_body import read_json_object
from chalicelib.api.limits import count_request, uncount_request
from chalicelib.api.ordered_sources import check_sources
from chalicelib.api.problems import ProblemError
from chalicelib.api.report_requests import (
    parse_delivery,
    parse_format,
    parse_known_versions,
    parse_list_query,
    parse_report_id,
    parse_wait,
)
from chalicelib.api.report_views import (
    created_view,
    detail_view,
    link_view,
    queue_view,
    requeued_view,
    row_view,
    template_view,
)
from chalicelib.api.routing import ANY_TYPE, query_of, request_of
from chalicelib.api.webhook_requests import refused_target
from chalicelib.domain.caller import Caller
from chalicelib.domain.template import templates_in
from chalicelib.services import change_report, create_report, download_report, read_reports
from chalicelib.services.honey_jars import HoneyJarNotFoundError, readable_jar, reader_of
from chalicelib.services.idempotency import IdempotencyConflictError, RequestName
from chalicelib.services.queue_figures import queue_figures, workers
from chalicelib.services.wait_for_report import version_of, wait_for_change
from chalicelib.webhooks.target import TargetError

reports = Blueprint(__name__)
_request = request_of(reports)

# Somebody else's words went into the file: a browser may save it and nothing else.
_DOWNLOAD_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox",
    "Cache-Control": "private, no-store",
}

# What stays of the function's time to look for the last time and to answer.
_ANSWER_SECONDS: Final = 5.0

# Where no body is read, whatever type a client says it has is fine.


@reports.route("/api/reports/templates", methods=["GET"], content_types=ANY_TYPE)
def list_templates() -> Response:
    """List the templates the caller may use."""
    caller = report_user(_request())
    found = templates_in(query_of(_request()).get("category"), caller.role)
    data = {"templates": [template_view(t) for t in found], "count": len(found), "user_role": caller.role}
    return json_response({"success": True, "data": data})


@reports.route("/api/reports", methods=["POST"])
def create() -> Response:
    """Queue a new report."""
    caller = report_user(_request())
    body = read_json_object(_request().raw_body)
    name = request_name(_request(), caller, "POST /api/reports", body)
    new = _new_report(caller, body)
    try:
        created = _create(caller, new, name)
    except create_report.QueueFailedError:
        raise ProblemError(500, "Failed to queue report") from None
    except TargetError as error:
        raise refused_target(error, "webhook_url") from None
    except IdempotencyConflictError:
        uncount_request(_request(), "create")
        raise idempotency_conflict() from None
    headers = None
    if created.replayed:
        uncount_request(_request(), "create")
        headers = REPLAYED
    return json_response({"success": True, "data": created_view(created)}, 201, headers)


def _create(caller: Caller, new: create_report.NewReport, name: RequestName | None) -> create_report.CreatedReport:
    try:
        ticket = count_request(_request(), caller.account, "create")
    except ProblemError:
        # What was created before the limit was reached is told once more.
        replayed = create_report.replayed_report(name) if name else None
        if replayed is None:
            raise
        return replayed
    return create_report.create_report(caller, new, name, ticket)


def _new_report(caller: Caller, body: Mapping[str, Any]) -> create_report.NewReport:
    # The only routes that check a body: no other request's cold start pays for pydantic.
    from chalicelib.api.create_request import parse_create

    new = parse_create(caller, body)
    check_cost_limit(new)
    check_sources(new)
    if new.honey_jar_id is not None:
        _check_honey_jar(caller, new.honey_jar_id)
    return new


def _check_honey_jar(caller: Caller, jar_id: str) -> None:
    from chalicelib.api.knowledge_requests import is_jar_id

    try:
        if not is_jar_id(jar_id):
            raise HoneyJarNotFoundError
        readable_jar(reader_of(caller), jar_id)
    except HoneyJarNotFoundError:
        raise ProblemError(404, "Honey jar not found") from None


@reports.route("/api/reports/estimate", methods=["POST"])
def estimate() -> Response:
    """Say what a report would take and cost; nothing is stored."""
    # Planning is imported with the first estimate: no other request's cold start pays for it.
    from chalicelib.api.estimate import estimate_view

    caller = report_user(_request())
    new = _new_report(caller, read_json_object(_request().raw_body))
    return json_response({"success": True, "data": {"estimate": estimate_view(caller, new)}})


@reports.route("/api/reports", methods=["GET"], content_types=ANY_TYPE)
def list_() -> Response:
    """List the caller's reports, newest first."""
    caller = report_user(_request())
    query = parse_list_query(query_of(_request()))
    count_request(_request(), caller.account, "list")
    page = read_reports.list_reports(caller, query.limit, query.offset, query.status, query.search)
    data = {
        "reports": [row_view(r) for r in page.reports],
        "pagination": {"total": page.total, "limit": query.limit, "offset": query.offset},
    }
    return json_response({"success": True, "data": data})


@reports.route("/api/reports/{report_id}", methods=["GET"], content_types=ANY_TYPE)
def detail(report_id: str) -> Response:
    """Show one report; with ``wait``, as soon as it changes."""
    caller = report_user(_request())
    seconds, wanted = parse_wait(query_of(_request())), parse_report_id(report_id)
    known = parse_known_versions(_request().headers.get("if-none-match"))
    try:
        if seconds:
            found = wait_for_change(caller, wanted, min(seconds, _seconds_to_wait()), known)
        else:
            found = read_reports.report_detail(caller, wanted)
    except read_reports.ReportNotFoundError:
        raise _not_found() from None
    version = version_of(found.report)
    tag = {"ETag": f'W/"{version}"'}
    # A place in the queue moves on without a new version: what waits is always shown.
    if version in known and not seconds and not found.report.is_waiting:
        return Response(body="", status_code=304, headers={**tag, "Cache-Control": "no-store"})
    view = detail_view(found)
    # The page shows ``report``, the other endpoints ``data``: clients of either kind are served.
    return json_response({"success": True, "report": view, "data": {"report": view}}, headers=tag)


def _seconds_to_wait() -> float:
    """Return how long this function may wait and still answer."""
    context: Any = _request().lambda_context
    left: float = context.get_remaining_time_in_millis() / 1000
    return max(0.0, left - _ANSWER_SECONDS)


@reports.route("/api/reports/{report_id}/download", methods=["GET"], content_types=ANY_TYPE)
def download(report_id: str) -> Response:
    """Hand out a report's document in any format, or a link to it."""
    caller = report_user(_request())
    delivery, wanted_format = parse_delivery(query_of(_request())), parse_format(query_of(_request()))
    wanted = parse_report_id(report_id)
    count_request(_request(), caller.account, "download")
    try:
        if delivery == "link":
            link = download_report.download_link(caller, wanted, wanted_format)
            return json_response({"success": True, "data": link_view(link)})
        found = download_report.download_report(caller, wanted, wanted_format)
    except read_reports.ReportNotFoundError:
        raise _not_found() from None
    except download_report.NotReadyError:
        raise ProblemError(400, "Report not ready for download") from None
    if found.link is not None:
        return Response(body="", status_code=302, headers={"Location": found.link, "Cache-Control": "no-store"})
    return _file_response(found)


def _file_response(found: download_report.Download) -> Response:
    content_type = found.artifact.content_type
    # Chalice sends text as text and everything else base64-coded; both arrive as the same bytes.
    content = found.content or b""
    body: Any = content.decode("utf-8") if content_type.startswith("text/") else content
    headers: dict[str, str | list[str]] = {
        **_DOWNLOAD_HEADERS,
        "Content-Type": content_type,
        "Content-Disposition": found.disposition,
        "ETag": f'"{found.artifact.sha256}"',
    }
    return Response(body=body, status_code=200, headers=headers)


@reports.route("/api/reports/{report_id}/cancel", methods=["POST"], content_types=ANY_TYPE)
def cancel(report_id: str) -> Response:
    """Cancel a report that has not ended."""
    caller = report_user(_request())
    try:
        change_report.cancel_report(caller, parse_report_id(report_id))
    except read_reports.ReportNotFoundError:
        raise _not_found() from None
    except change_report.NotCancellableError:
        raise ProblemError(400, "Report cannot be cancelled") from None
    return json_response({"success": True, "message": "Report cancelled successfully"})


@reports.route("/api/reports/{report_id}/retry", methods=["POST"], content_types=ANY_TYPE)
def retry(report_id: str) -> Response:
    """Queue a failed report again."""
    caller = report_user(_request())
    try:
        requeued = change_report.retry_report(caller, parse_report_id(report_id))
    except read_reports.ReportNotFoundError:
        raise _not_found() from None
    except change_report.NotRetryableError:
        raise ProblemError(400, "Report cannot be retried") from None
    except change_report.NotPermittedError:
        raise ProblemError(403, "Insufficient permissions") from None
    except create_report.QueueFailedError:
        raise ProblemError(500, "Failed to queue report") from None
    return json_response(
        {
            "success": True,
            "report_id": requeued.report.id,
            "status": requeued.report.status,
            "message": "Report requeued for processing",
            "data": requeued_view(requeued),
        }
    )


@reports.route("/api/reports/queue/status", methods=["GET"], content_types=ANY_TYPE)
@reports.route("/api/reports/public/queue/status", methods=["GET"], content_types=ANY_TYPE)
def queue_status() -> Response:
    """Show the state of the queues; open to everyone."""
    return json_response({"success": True, "data": queue_view(queue_figures(), workers())})


def _not_found() -> ProblemError:
    return ProblemError(404, "Report not found")
