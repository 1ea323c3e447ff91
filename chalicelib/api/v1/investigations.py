"""The routes of investigations."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from chalicelib.api.envelope import json_response
from chalicelib.api.idempotency import REPLAYED
from chalicelib.api.limits import count_request, uncount_request
from chalicelib.api.problems import ProblemError, invalid
from chalicelib.api.routing import ANY_TYPE, query_of, request_of
from chalicelib.api.v1 import requests
from chalicelib.api.v1.access import account_with
from chalicelib.api.v1.cursors import read_cursor, write_cursor
from chalicelib.api.v1.problems import busy, idempotency_conflict, not_completed
from chalicelib.api.v1.views import created_view, investigation_view, page_view
from chalicelib.domain.investigation import Investigation
from chalicelib.services import findings as findings_service
from chalicelib.services import investigations as service
from chalicelib.services.idempotency import IdempotencyConflictError
from chalicelib.services.not_found import NotFoundError
from chalicelib.stores.investigation_store import HeadConflictError
from chalicelib.stores.narrative_store import TooManyInFlightError
from chalicelib.stores.report_store import StateConflictError

investigations = Blueprint(__name__)
_request = request_of(investigations)

# Where no body is read, whatever type a client says it has is fine.


def _with_estimate(investigation: Investigation, status: int = 200) -> Response:
    return json_response(investigation_view(investigation, service.estimated_completion(investigation)), status)


@investigations.route("/v1/investigations", methods=["POST"])
def trigger() -> Response:
    """Trigger an investigation."""
    # Only routes that check a body pay for pydantic.
    from chalicelib.api.v1.bodies import parse_create

    account = account_with(_request(), "investigations:trigger")
    new = parse_create(requests.json_body(_request()), _request().headers.get("idempotency-key"))
    if new.findings is not None:
        account_with(_request(), "findings:write")
    try:
        created = _create(account, new)
    except IdempotencyConflictError:
        uncount_request(_request(), "v1_trigger")
        raise idempotency_conflict() from None
    except findings_service.EvidenceFullError as full:
        raise invalid(full.path, str(full)) from None
    except findings_service.EvidenceBusyError:
        uncount_request(_request(), "v1_trigger")
        raise busy() from None
    if created.replayed:
        uncount_request(_request(), "v1_trigger")
    return json_response(created_view(created.investigation), 202, REPLAYED if created.replayed else None)


def _create(account: str, new: service.NewInvestigation) -> service.CreatedInvestigation:
    try:
        count_request(_request(), account, "v1_trigger")
    except ProblemError:
        # What was started before the limit was reached is told once more.
        replayed = service.replayed_investigation(account, new)
        if replayed is None:
            raise
        return service.CreatedInvestigation(replayed, replayed=True)
    return service.create_investigation(account, new)


@investigations.route("/v1/investigations", methods=["GET"], content_types=ANY_TYPE)
def list_investigations() -> Response:
    """List the account's investigations, newest first."""
    account = account_with(_request(), "investigations:read")
    query = requests.investigations_query(query_of(_request()))
    start = read_cursor(account, query.filters, query.cursor)
    found, following = service.list_investigations(account, query.status, query.limit, start)
    rows = [investigation_view(i) for i in found]
    return json_response(page_view("investigations", rows, write_cursor(account, query.filters, following)))


@investigations.route("/v1/investigations/{investigation_id}", methods=["GET"], content_types=ANY_TYPE)
def get_investigation(investigation_id: str) -> Response:
    """Show an investigation."""
    account = account_with(_request(), "investigations:read")
    try:
        return _with_estimate(service.get_investigation(account, requests.investigation_id(investigation_id)))
    except NotFoundError:
        raise requests.not_found("investigation") from None


@investigations.route("/v1/investigations/{investigation_id}", methods=["DELETE"], content_types=ANY_TYPE)
def cancel_investigation(investigation_id: str) -> Response:
    """Cancel an investigation; one that has ended stays as it is."""
    account = account_with(_request(), "investigations:trigger")
    try:
        return json_response(
            investigation_view(service.cancel_investigation(account, requests.investigation_id(investigation_id)))
        )
    except NotFoundError:
        raise requests.not_found("investigation") from None
    except (HeadConflictError, StateConflictError):
        raise busy() from None


@investigations.route("/v1/investigations/{investigation_id}/complete", methods=["POST"], content_types=ANY_TYPE)
def complete_investigation(investigation_id: str) -> Response:
    """Close the evidence and write the report."""
    account = account_with(_request(), "findings:write")
    try:
        found, job_id = service.complete_investigation(account, requests.investigation_id(investigation_id))
    except NotFoundError:
        raise requests.not_found("investigation") from None
    except service.ClosedError:
        raise not_completed("The investigation failed or was cancelled: it gets no report") from None
    except (HeadConflictError, TooManyInFlightError):
        raise busy() from None
    view = investigation_view(found, service.estimated_completion(found))
    return json_response(view | {"job_id": job_id}, 202)
