"""Investigations and findings as tests start from them."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.finding import FindingNode, NewFinding
from chalicelib.domain.investigation import Investigation, InvestigationScope
from chalicelib.domain.report import Report
from chalicelib.services.investigations import NewInvestigation, create_investigation, get_investigation
from chalicelib.services.narrative_jobs import job
from tests.support.service import Service

ACCOUNT = "acme"

_FINDING = NewFinding(
    title="Telnet is reachable from the internet",
    summary="Port 23 of gw-1 answers from outside.",
    severity="high",
    confidence=0.9,
    nodes=(FindingNode("host-1", "host", "gw-1"),),
)
_REQUEST = NewInvestigation(
    query="Which hosts are exposed?",
    depth="standard",
    scope=InvestigationScope(),
    mode="auto",
    agent_ids=(),
    evidence="pushed",
    findings=(_FINDING,),
    auto_regenerate=False,
    idempotency_key=None,
    body_digest="digest",
)


def new_finding(title: str = _FINDING.title, **fields: Any) -> NewFinding:
    """Return a finding as it is sent in."""
    return NewFinding(**(vars(_FINDING) | {"title": title} | fields))


def request(**fields: Any) -> NewInvestigation:
    """Return what a valid request with one finding asks for."""
    return NewInvestigation(**(vars(_REQUEST) | fields))


def started(**fields: Any) -> Investigation:
    """Start an investigation, with one finding if nothing else is said."""
    return create_investigation(ACCOUNT, request(**fields)).investigation


def completed(service: Service, **fields: Any) -> Investigation:
    """Start an investigation and write its report."""
    investigation = started(**fields)
    service.work()
    finished = get_investigation(ACCOUNT, investigation.id)
    assert finished.status == "completed", finished
    return finished


def job_of(investigation: Investigation) -> Report:
    """Return an investigation's newest job as it is now."""
    assert investigation.job_id is not None
    return job(ACCOUNT, investigation.job_id)
