"""The routes of findings. Imports from files are in ``imports``."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from chalicelib.api.envelope import json_response
from chalicelib.api.idempotency import REPLAYED
from chalicelib.api.problems import invalid
from chalicelib.api.routing import ANY_TYPE, query_of, request_of
from chalicelib.api.v1 import requests
from chalicelib.api.v1.access import account_with
from chalicelib.api.v1.cursors import read_cursor, write_cursor
from chalicelib.api.v1.idempotency import request_name
from chalicelib.api.v1.problems import busy, idempotency_conflict, not_completed
from chalicelib.api.v1.views import finding_view, page_view, taken_view
from chalicelib.services import findings as service
from chalicelib.services.idempotency import IdempotencyConflictError
from chalicelib.services.named_batches import ingest_once
from chalicelib.services.not_found import NotFoundError

findings = Blueprint(__name__)
_request = request_of(findings)


@findings.route("/v1/investigations/{investigation_id}/findings", methods=["POST"])
def add_findings(investigation_id: str) -> Response:
    """Take in a batch of findings: all of them or none."""
    # Only routes that check a body pay for pydantic.
    from chalicelib.api.v1.bodies import parse_findings

    account = account_with(_request(), "findings:write")
    wanted = requests.investigation_id(investigation_id)
    body = requests.json_body(_request())
    name = request_name(_request(), account, f"POST /v1/investigations/{wanted}/findings", body)
    new = parse_findings(body)
    try:
        taken = ingest_once(account, wanted, new, name)
    except NotFoundError:
        raise requests.not_found("investigation") from None
    except service.InvestigationClosedError as closed:
        raise not_completed(f"The investigation is {closed.status}: it takes no findings") from None
    except service.EvidenceFullError as full:
        raise invalid(full.path, str(full)) from None
    except service.EvidenceBusyError:
        raise busy() from None
    except IdempotencyConflictError:
        raise idempotency_conflict() from None
    answer = {
        "investigation_id": wanted,
        "created": taken.created,
        "duplicates": taken.duplicates,
        "findings": [taken_view(f) for f in taken.findings],
    }
    return json_response(answer, 201, REPLAYED if taken.replayed else None)


@findings.route("/v1/findings", methods=["GET"], content_types=ANY_TYPE)
def list_findings() -> Response:
    """List the account's findings, the newest discovery first."""
    account = account_with(_request(), "findings:read")
    query = requests.findings_query(query_of(_request()))
    if query.investigation_id is not None and not requests.is_investigation_id(query.investigation_id):
        # What is no id is nobody's investigation, and may be longer than a key can be.
        return json_response(page_view("findings", [], None))
    page = service.findings_page(
        account,
        severity=query.severity,
        investigation_id=query.investigation_id,
        dismissed=query.dismissed,
        limit=query.limit,
        start=read_cursor(account, query.filters, query.cursor),
    )
    rows = [finding_view(f) for f in page.findings]
    return json_response(page_view("findings", rows, write_cursor(account, query.filters, page.next_start)))


@findings.route("/v1/findings/{finding_id}", methods=["GET"], content_types=ANY_TYPE)
def get_finding(finding_id: str) -> Response:
    """Show a finding, whole."""
    account = account_with(_request(), "findings:read")
    try:
        return json_response(finding_view(service.finding(account, requests.finding_id(finding_id))))
    except NotFoundError:
        raise requests.not_found("finding") from None


@findings.route("/v1/findings/{finding_id}/dismiss", methods=["POST"])
def dismiss_finding(finding_id: str) -> Response:
    """Say that a finding does not count any more, and why."""
    from chalicelib.api.v1.bodies import parse_dismissal

    account = account_with(_request(), "findings:dismiss")
    wanted = requests.finding_id(finding_id)
    reason, notes = parse_dismissal(requests.json_body(_request()))
    try:
        return json_response(finding_view(service.dismiss(account, wanted, reason, notes)))
    except NotFoundError:
        raise requests.not_found("finding") from None
    except service.EvidenceBusyError:
        raise busy() from None
