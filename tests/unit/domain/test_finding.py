"""Findings: what they weigh, and what their ids tell."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.finding import SEVERITIES, Dismissal, Finding, by_weight, overall_severity
from chalicelib.domain.identifiers import finding_id, investigation_of, sortable_id
from chalicelib.stores.finding_store import StoredFinding, Visibility, to_item, to_stored

BASE = Finding(
    id="",
    investigation_id="inv_1",
    account="acme",
    title="A title",
    summary="",
    severity="low",
    confidence=0.5,
    discovered_at="2026-05-01T00:00:00.000000Z",
)
DISMISSAL = Dismissal("resolved", "", "2026-05-02T00:00:00.000000Z")

findings = st.builds(
    lambda number, severity, confidence, dismissed: replace(
        BASE,
        id=f"fnd_{number}",
        severity=severity,
        confidence=confidence,
        dismissal=DISMISSAL if dismissed else None,
    ),
    st.integers(0, 10**6),
    st.sampled_from(SEVERITIES),
    st.floats(0, 1),
    st.booleans(),
)


@given(st.lists(findings, unique_by=lambda f: f.id), st.randoms(use_true_random=False))
def test_weight_orders_from_the_gravest_and_surest_however_they_came(given: list[Finding], chance: object) -> None:
    ordered = by_weight(given)
    weights = [(SEVERITIES.index(f.severity), f.confidence) for f in ordered]
    assert weights == sorted(weights, reverse=True)
    shuffled = list(given)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert by_weight(shuffled) == ordered


@given(st.lists(findings))
def test_overall_severity_is_the_gravest_that_counts(given: list[Finding]) -> None:
    counting = [SEVERITIES.index(f.severity) for f in given if not f.dismissed]
    assert overall_severity(given) == (SEVERITIES[max(counting)] if counting else "low")


@given(st.none() | st.text())
def test_a_findings_id_names_its_investigation(external_id: str | None) -> None:
    investigation = sortable_id("inv_")
    made = finding_id(investigation, external_id)
    assert investigation_of(made) == investigation
    assert (finding_id(investigation, external_id) == made) is (external_id is not None)


@given(st.text() | st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=42, max_size=42).map(lambda d: f"inv_{d}"))
def test_what_is_no_findings_id_names_nothing(text: str) -> None:
    assert investigation_of(text) is None


def test_ids_sort_by_the_time_they_were_made() -> None:
    earlier = [sortable_id("inv_") for _ in range(50)]
    assert len(set(earlier)) == 50
    assert [i[:14] for i in sorted(earlier)] == [i[:14] for i in earlier]


@given(st.text(max_size=50), st.floats(0, 1), st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=4))
def test_an_item_holds_a_finding_as_it_is(text: str, confidence: float, tags: dict[str, str]) -> None:
    finding = replace(
        BASE, id=finding_id(sortable_id("inv_"), text), summary=text, confidence=confidence, tags=tags, external_id=text
    )
    for stored in (
        StoredFinding(finding, 3, 100),
        StoredFinding(replace(finding, dismissal=DISMISSAL, truncated=True), 3, 10**6, "evidence/x"),
    ):
        assert to_stored(to_item(stored)) == stored


@pytest.mark.parametrize(("ingest", "shown"), [(1, True), (2, False), (3, True), (4, False)])
def test_a_batch_is_seen_if_it_was_committed_and_not_given_up(ingest: int, shown: bool) -> None:
    assert Visibility(3, frozenset({2})).shows(ingest) is shown
