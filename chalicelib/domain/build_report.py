"""One version of an investigation's report, from its snapshot and its narrative."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from chalicelib.domain.bulletin import MOST_ENDPOINTS, facts_of
from chalicelib.domain.finding import Finding
from chalicelib.domain.investigation import (
    Change,
    Endpoint,
    FindingSummary,
    Investigation,
    InvestigationReport,
    Narrative,
    Tier,
)
from chalicelib.domain.safe_text import plain_line

LONGEST_TITLE: Final = 300
LONGEST_SUMMARY: Final = 2_000
_MOST_PAIRS: Final = 20_000
"""Mentions of nodes by findings, and of findings by endpoints, that are kept whatever their number per item."""
_FEWEST_PER_ITEM: Final = 3


def build_report(
    investigation: Investigation,
    findings: Sequence[Finding],
    narrative: Narrative,
    *,
    tier: Tier,
    version: int,
    generated_at: str,
    evidence_revision: int,
    input_digest: str,
    change: Change | None = None,
) -> InvestigationReport:
    """Return a version of the report: everything but the narrative is computed here from the findings.

    Args:
        investigation: whose report it is.
        findings: the snapshot; dismissed findings do not count.
        narrative: what was written about it.
        tier: the tier of the model that was asked for.
        version: 1 for the first.
        generated_at: when, in milliseconds.
        evidence_revision: that of the snapshot.
        input_digest: of what the narrative was written from.
        change: how the version differs from the one before it.
    """
    facts = facts_of(findings, len(findings))
    endpoints = facts.endpoints[:MOST_ENDPOINTS]
    return InvestigationReport(
        investigation_id=investigation.id,
        version=version,
        query=investigation.query,
        narrative=narrative.text,
        severity=facts.severity,
        findings_summary=tuple(_summary(f, _share(len(facts.findings))) for f in facts.findings),
        recommended_actions=facts.actions,
        generated_at=generated_at,
        model=tier,
        model_name=narrative.model_name,
        degraded=narrative.degraded,
        endpoints=tuple(_bounded(endpoint, _share(len(endpoints))) for endpoint in endpoints),
        citation_check=narrative.citation_check,
        input_digest=input_digest,
        evidence_revision=evidence_revision,
        change=change,
        notices=(*narrative.notices, *_left_out(len(facts.endpoints))),
    )


def _summary(finding: Finding, most_nodes: int) -> FindingSummary:
    return FindingSummary(
        finding_id=finding.id,
        title=plain_line(finding.title, LONGEST_TITLE),
        summary=_cut(finding.summary, LONGEST_SUMMARY),
        severity=finding.severity,
        confidence=finding.confidence,
        nodes=finding.nodes[:most_nodes],
    )


def _share(items: int) -> int:
    return max(_FEWEST_PER_ITEM, _MOST_PAIRS // max(1, items))


def _bounded(endpoint: Endpoint, most_ids: int) -> Endpoint:
    return replace(endpoint, finding_ids=endpoint.finding_ids[:most_ids])


def _left_out(endpoints: int) -> tuple[str, ...]:
    if endpoints <= MOST_ENDPOINTS:
        return ()
    return (f"Of {endpoints:,} endpoints, the {MOST_ENDPOINTS:,} with the gravest findings are listed.",)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
