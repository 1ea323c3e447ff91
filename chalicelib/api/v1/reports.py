"""The routes of an investigation's report: the documented two, and its earlier versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from chalice.app import Blueprint, Response

from chalicelib.api.application import ACCEPT
from chalicelib.api.envelope import json_response
from chalicelib.api.idempotency import REPLAYED
from chalicelib.api.routing import ANY_TYPE, query_of, request_of
from chalicelib.api.v1 import requests
from chalicelib.api.v1.access import account_with
from chalicelib.api.v1.cursors import read_cursor, write_cursor
from chalicelib.api.v1.idempotency import request_name
from chalicelib.api.v1.problems import busy, idempotency_conflict, not_completed
from chalicelib.api.v1.views import accepted_view, current_report_view, page_view, report_view, version_view
from chalicelib.services import investigation_reports, narrative_jobs
from chalicelib.services.download_report import Download
from chalicelib.services.idempotency import IdempotencyConflictError
from chalicelib.services.narrative_jobs import NotCompletedError
from chalicelib.services.not_found import NotFoundError
from chalicelib.stores.investigation_store import HeadConflictError
from chalicelib.stores.listing import ORDER
from chalicelib.stores.narrative_store import TooManyInFlightError

investigation_report = Blueprint(__name__)
_request = request_of(investigation_report)

_NOT_YET: Final = "The investigation is not completed: it has no report"

# Somebody else's words went into the file: a browser may save it and nothing else.
_FILE_HEADERS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox",
    "Cache-Control": "private, no-store",
    "Vary": "Accept, Authorization",
}


def _wanted_format() -> requests.ReportFormat:
    accept = str(_request().to_original_event().get(ACCEPT) or "")
    return requests.report_format(query_of(_request()), accept)


@investigation_report.route("/v1/investigations/{investigation_id}/report", methods=["GET"], content_types=ANY_TYPE)
def get_report(investigation_id: str) -> Response:
    """Show the report, or hand it out as a file."""
    account = account_with(_request(), "reports:read")
    wanted = requests.investigation_id(investigation_id)
    file_format = _wanted_format()
    try:
        if file_format != "json":
            return _file_response(investigation_reports.rendering(account, wanted, file_format))
        found = investigation_reports.current_report(account, wanted)
    except NotFoundError:
        raise requests.not_found("investigation") from None
    except NotCompletedError:
        raise not_completed(_NOT_YET) from None
    return json_response(current_report_view(found), headers={"Vary": "Accept"})


@investigation_report.route(
    "/v1/investigations/{investigation_id}/report/regenerate", methods=["POST"], content_types=ANY_TYPE
)
def regenerate(investigation_id: str) -> Response:
    """Write the narrative anew; the documented call has neither body nor Content-Type."""
    account = account_with(_request(), "reports:read")
    wanted = requests.investigation_id(investigation_id)
    body = requests.json_body(_request()) if _request().raw_body.strip() else {}
    name = request_name(_request(), account, f"POST /v1/investigations/{wanted}/report/regenerate", body)
    tier, instructions = None, ""
    if body:
        # Only a request with a body pays for pydantic.
        from chalicelib.api.v1.bodies import parse_regenerate

        tier, instructions = parse_regenerate(body)
    try:
        job, is_replayed = narrative_jobs.regenerate_once(account, wanted, tier, instructions, name)
    except NotFoundError:
        raise requests.not_found("investigation") from None
    except NotCompletedError:
        raise not_completed(_NOT_YET) from None
    except (HeadConflictError, TooManyInFlightError):
        raise busy() from None
    except IdempotencyConflictError:
        raise idempotency_conflict() from None
    return json_response(accepted_view(job), 202, REPLAYED if is_replayed else None)


@investigation_report.route(
    "/v1/investigations/{investigation_id}/report/versions", methods=["GET"], content_types=ANY_TYPE
)
def list_versions(investigation_id: str) -> Response:
    """List the versions of the report, newest first, each with what it changed."""
    account = account_with(_request(), "reports:read")
    wanted = requests.investigation_id(investigation_id)
    query = requests.versions_query(query_of(_request()))
    filters = {"list": "version", "investigation_id": wanted}
    start = read_cursor(account, filters, query.cursor)
    before = int(start[ORDER].rpartition("_")[2]) if start else None
    try:
        found, following = investigation_reports.versions(account, wanted, query.limit, before)
    except NotFoundError:
        raise requests.not_found("investigation") from None
    except NotCompletedError:
        raise not_completed(_NOT_YET) from None
    next_start = None if following is None else {ORDER: f"version_{following}"}
    rows = [version_view(v) for v in found]
    return json_response(page_view("versions", rows, write_cursor(account, filters, next_start)))


@investigation_report.route(
    "/v1/investigations/{investigation_id}/report/versions/{version}", methods=["GET"], content_types=ANY_TYPE
)
def get_version(investigation_id: str, version: str) -> Response:
    """Show one version of the report, or hand it out as a file."""
    account = account_with(_request(), "reports:read")
    wanted, number = requests.investigation_id(investigation_id), requests.version_number(version)
    file_format = _wanted_format()
    try:
        if file_format != "json":
            return _file_response(investigation_reports.rendering(account, wanted, file_format, number))
        report = investigation_reports.version(account, wanted, number)
    except (NotFoundError, NotCompletedError):
        raise requests.not_found("version") from None
    return json_response(report_view(report), headers={"Vary": "Accept"})


def _file_response(found: Download) -> Response:
    if found.link is not None:
        return Response(body="", status_code=302, headers={"Location": found.link, "Cache-Control": "no-store"})
    content_type = found.artifact.content_type
    # Chalice sends text as text and everything else base64-coded; both arrive as the same bytes.
    content = found.content or b""
    headers: dict[str, str | list[str]] = {
        **_FILE_HEADERS,
        "Content-Type": content_type,
        "Content-Disposition": found.disposition,
        "ETag": f'"{found.artifact.sha256}"',
    }
    body: Any = content.decode("utf-8") if content_type.startswith("text/") else content
    return Response(body=body, status_code=200, headers=headers)
