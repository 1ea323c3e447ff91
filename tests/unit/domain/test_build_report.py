"""A version of a report: computed from its findings but for the narrative, and bounded."""

from dataclasses import replace

from chalicelib.domain.build_report import build_report
from chalicelib.domain.bulletin import MOST_ENDPOINTS
from chalicelib.domain.deterministic_narrative import deterministic_narrative
from chalicelib.domain.finding import Finding, FindingNode
from chalicelib.domain.investigation import CitationCheck, InvestigationReport, Narrative
from chalicelib.domain.report_body import MAX_BODY_BYTES, from_body, to_body
from tests.support.bulletin_findings import DUMPING, FINDINGS, INVESTIGATION_ID, QUERY, a_finding, an_investigation


def built(findings: tuple[Finding, ...], narrative: Narrative | None = None) -> InvestigationReport:
    return build_report(
        an_investigation(),
        findings,
        narrative or deterministic_narrative(QUERY, findings, len(findings)),
        tier="standard",
        version=1,
        generated_at="2026-05-05T10:00:00.000Z",
        evidence_revision=4,
        input_digest="d",
    )


def test_a_report_lists_findings_endpoints_and_actions() -> None:
    report = built(FINDINGS)
    assert (report.investigation_id, report.query, report.severity) == (INVESTIGATION_ID, QUERY, "critical")
    assert [summary.finding_id for summary in report.findings_summary] == [finding.id for finding in FINDINGS]
    assert report.findings_summary[0].nodes == DUMPING.nodes
    assert len(report.recommended_actions) == len(report.endpoints) == 3
    assert (report.degraded, report.model, report.model_name) == (True, "standard", "")


def test_no_narrative_can_change_severity_or_actions() -> None:
    says_low = Narrative("## What happened\n\nThe severity is low.", False, "m", CitationCheck(1, 1), ("A notice.",))
    report = built(FINDINGS, says_low)
    assert report.severity == "critical"
    assert report.recommended_actions == built(FINDINGS).recommended_actions
    assert (report.model_name, report.notices) == ("m", ("A notice.",))


def test_the_largest_report_fits_into_one_answer_and_lists_every_finding() -> None:
    nodes = tuple(FindingNode(f"n{n}" + "x" * 200, "host", f"host-{n}" + "y" * 200) for n in range(100))
    node_lists = [tuple(replace(node, node_id=f"{node.node_id}-{n}") for node in nodes) for n in range(50)]
    findings = tuple(
        a_finding(str(n), f"Title {n} " + "ä" * 450, "low", summary="ü" * 5_000, nodes=node_lists[n % 50])
        for n in range(5_000)
    )
    narrative = Narrative("text", False, "m", CitationCheck(0, 0))
    report = built(findings, narrative)
    body = to_body(report)
    assert len(report.findings_summary) == 5_000
    assert len(report.endpoints) == MOST_ENDPOINTS
    assert "Of 5,000 endpoints, the 1,000 with the gravest findings are listed." in report.notices
    assert len(body) <= MAX_BODY_BYTES
    assert len(from_body(body).findings_summary) == 5_000
