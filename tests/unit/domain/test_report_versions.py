"""Versions of an investigation's report: what is stored of one, and how two differ."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.finding import SEVERITIES, FindingNode
from chalicelib.domain.investigation import (
    CitationCheck,
    Endpoint,
    FindingSummary,
    InvestigationReport,
    RecommendedAction,
)
from chalicelib.domain.report_body import MAX_BODY_BYTES, from_body, to_body
from chalicelib.domain.report_change import change_between

ids = st.integers(0, 9).map(lambda number: f"fnd_{number}")
some_ids = st.lists(ids, unique=True).map(tuple)
nodes = st.builds(FindingNode, st.text(), st.text(), st.text())
findings = st.builds(
    FindingSummary,
    ids,
    st.text(),
    st.text(),
    st.sampled_from(SEVERITIES),
    st.floats(0, 1),
    st.lists(nodes, max_size=2).map(tuple),
)
actions = st.builds(RecommendedAction, st.integers(1, 9), st.sampled_from("abcdef"), st.text(), some_ids)
endpoints = st.builds(Endpoint, st.text(), st.text(), st.text(), st.sampled_from(SEVERITIES), some_ids, st.text())
reports = st.builds(
    InvestigationReport,
    investigation_id=st.just("inv_1"),
    version=st.integers(1, 9),
    query=st.text(),
    narrative=st.text(),
    severity=st.sampled_from(SEVERITIES),
    findings_summary=st.lists(findings, unique_by=lambda f: f.finding_id, max_size=5).map(tuple),
    recommended_actions=st.lists(actions, max_size=4).map(tuple),
    generated_at=st.just("2026-01-02T03:04:05.678Z"),
    model=st.just("standard"),
    model_name=st.text(),
    degraded=st.booleans(),
    endpoints=st.lists(endpoints, max_size=3).map(tuple),
    citation_check=st.just(CitationCheck(2, 1)),
    input_digest=st.just("digest"),
    evidence_revision=st.integers(0, 9),
    notices=st.lists(st.text(), max_size=2).map(tuple),
)


def report(*finding_ids: str, **fields: Any) -> InvestigationReport:
    listed = tuple(FindingSummary(i, i, "", "high", 1.0) for i in finding_ids)
    made = InvestigationReport(
        investigation_id="inv_1",
        version=1,
        query="q",
        narrative="n",
        severity="high",
        findings_summary=listed,
        recommended_actions=(),
        generated_at="2026-01-02T03:04:05.678Z",
        model="standard",
        model_name="m",
        degraded=False,
        endpoints=(),
        citation_check=CitationCheck(1, 1),
        input_digest="digest",
        evidence_revision=1,
    )
    return replace(made, **fields)


def action(text: str) -> RecommendedAction:
    return RecommendedAction(1, text, "", ())


@settings(max_examples=25)
@given(reports, reports)
def test_what_is_stored_is_what_is_read(before: InvestigationReport, after: InvestigationReport) -> None:
    stored = replace(after, change=change_between(before, after))
    assert from_body(to_body(stored)) == stored


def test_a_lone_surrogate_costs_itself_alone() -> None:
    assert from_body(to_body(report(narrative="a\ud800b"))).narrative == "a?b"


def test_a_body_fits_one_answer_whatever_its_findings_are_like() -> None:
    node = FindingNode("\x01" * 64, "host", "漢" * 64)
    finding = FindingSummary("fnd_" + "0" * 42, "漢" * 300, "漢" * 200, "high", 1.0, (node,))
    endpoint = Endpoint(node.node_id, node.type, node.name, "high", ("fnd_" + "0" * 42,) * 20, "漢" * 500)
    full = report(findings_summary=(finding,) * 5_000, endpoints=(endpoint,) * 300, narrative="word " * 5_000)
    body = to_body(full)
    assert len(body) <= MAX_BODY_BYTES
    read = from_body(body)
    assert [f.finding_id for f in read.findings_summary] == [f.finding_id for f in full.findings_summary]
    assert read.narrative == full.narrative


def test_quotation_marks_take_more_room_in_an_answer_than_in_the_body() -> None:
    finding = FindingSummary("fnd_" + "0" * 42, '"' * 300, '"' * 600, "high", 1.0, ())
    body = to_body(report(findings_summary=(finding,) * 2_000))
    assert len(json.dumps(body.decode(), ensure_ascii=False).encode()) < 6_000_000
    assert len(from_body(body).findings_summary) == 2_000


@settings(max_examples=25)
@given(reports, reports)
def test_a_difference_leads_from_one_version_to_the_other(
    before: InvestigationReport, after: InvestigationReport
) -> None:
    change = change_between(before, after)
    old, new = ({f.finding_id for f in r.findings_summary} for r in (before, after))
    assert (old - set(change.removed)) | set(change.added) == new
    assert not set(change.added) & old
    old, new = ({a.action for a in r.recommended_actions} for r in (before, after))
    assert (old - set(change.actions_removed)) | set(change.actions_added) == new
    assert (change.severity_before, change.severity_after) == (before.severity, after.severity)


def test_a_difference_is_told_in_words() -> None:
    before = report("a", "b", recommended_actions=(action("Close the port"),))
    after = report("b", "c", "d", severity="medium", recommended_actions=(action("Renew the key"),))
    assert change_between(before, after).summary == (
        "2 findings are new; 1 finding does not count any more; severity fell from high to medium; "
        "1 action was added; 1 action was dropped"
    )
    assert change_between(after, after).summary == "Findings, severity and actions are the same"
