"""Bodies of ``/v1``: what is taken, what is refused, and what a refusal says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.api.problems import ProblemError
from chalicelib.api.v1.bodies import MAX_BATCH, parse_create, parse_dismissal, parse_findings, parse_regenerate
from chalicelib.domain.clock import now
from chalicelib.domain.finding import FindingNode, NewFinding, Step
from chalicelib.domain.investigation import InvestigationScope

FINDING = {"title": "Unknown login", "severity": "high"}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)


def refused(call: Callable[[], object]) -> tuple[str, dict[str, str]]:
    """Return the code of a 400 and its issues."""
    with pytest.raises(ProblemError) as problem:
        call()
    assert problem.value.status == 400
    assert problem.value.details
    return problem.value.code or "validation_error", {d.field: d.message for d in problem.value.details}


def taken(**fields: Any) -> NewFinding:
    (finding,) = parse_findings({"findings": [FINDING | fields]})
    return finding


class _Refused(Exception):  # noqa: N818 - not an error
    pass


@contextmanager
def a_400_with_issues() -> Iterator[None]:
    try:
        yield
    except ProblemError as problem:
        if problem.status == 400 and problem.details:
            raise _Refused from problem
        raise


class TestCreate:
    def test_a_question_that_one_record_has_no_room_for_is_refused(self) -> None:
        agents = ["\u6f22" * 250 + str(n) for n in range(300)]
        code, issues = refused(lambda: parse_create({"query": "q", "agent_ids": agents}, None))
        assert code == "validation_error"
        assert "200000 bytes" in issues["agent_ids"]
        assert len(parse_create({"query": "q", "agent_ids": agents[:250]}, None).agent_ids) == 250
        tags = {f"{n:02}" + "\u6f22" * 250: "\u6f22" * 256 for n in range(50)}
        scope = {"type": "selector", "filter": {"tags": tags}}
        assert parse_create({"query": "q", "scope": scope}, None).scope.tags == tags
        _, issues = refused(lambda: parse_create({"query": "q", "scope": scope, "agent_ids": agents[:200]}, None))
        assert list(issues) == ["agent_ids"]

    def test_a_query_is_enough(self) -> None:
        new = parse_create({"query": " Who logged in? "}, None)
        assert (new.query, new.depth, new.mode, new.evidence) == ("Who logged in?", "standard", "auto", "stored")
        assert (new.scope, new.agent_ids, new.findings) == (InvestigationScope("fleet"), (), None)
        assert (new.auto_regenerate, new.idempotency_key) == (False, None)

    def test_every_documented_field_is_read(self) -> None:
        body = {
            "query": "q",
            "depth": "deep",
            "scope": {"type": "selector", "filter": {"tags": {"env": "prod"}, "last_seen_within": "24h"}},
            "mode": "cached",
            "agent_ids": ["a1"],
            "idempotency_key": "k",
            "findings": [FINDING],
            "auto_regenerate": True,
        }
        new = parse_create(body, None)
        assert new.scope == InvestigationScope("selector", {"env": "prod"}, "24h")
        assert (new.depth, new.mode, new.agent_ids, new.idempotency_key) == ("deep", "cached", ("a1",), "k")
        assert new.findings is not None
        assert new.findings[0].title == "Unknown login"
        assert new.auto_regenerate

    def test_findings_may_be_none_at_all(self) -> None:
        assert parse_create({"query": "q", "findings": []}, None).findings == ()

    @pytest.mark.parametrize("body", [{}, {"query": None}])
    def test_without_a_query_a_required_field_is_missing(self, body: dict[str, Any]) -> None:
        assert refused(lambda: parse_create(body, None)) == ("missing_required_field", {"query": "is required"})

    @pytest.mark.parametrize(
        ("path", "fields"),
        [
            ("query", {"query": "  "}),
            ("query", {"query": 5}),
            ("query", {"query": "q" * 4_001}),
            ("depth", {"depth": "shallow"}),
            ("mode", {"mode": "offline"}),
            ("scope.type", {"scope": {"type": "planet"}}),
            ("scope", {"scope": "fleet"}),
            ("scope.filter.last_seen_within", {"scope": {"type": "selector", "filter": {"last_seen_within": "1w"}}}),
            ("scope.filter.last_seen_within", {"scope": {"type": "selector", "filter": {"last_seen_within": "1d\n"}}}),
            (
                "scope.filter.last_seen_within",
                {"scope": {"type": "selector", "filter": {"last_seen_within": "999999999d"}}},
            ),
            ("scope.filter.tags", {"scope": {"type": "selector", "filter": {"tags": ["prod"]}}}),
            ("agent_ids.0", {"agent_ids": [""]}),
            ("evidence", {"evidence": "invented"}),
            ("findings", {"findings": [FINDING] * (MAX_BATCH + 1)}),
            ("findings.0.severity", {"findings": [FINDING | {"severity": "info"}]}),
            ("auto_regenerate", {"auto_regenerate": "yes"}),
        ],
    )
    def test_what_is_wrong_is_named(self, path: str, fields: dict[str, Any]) -> None:
        code, issues = refused(lambda: parse_create({"query": "q"} | fields, None))
        assert (code, list(issues)) == ("validation_error", [path])

    def test_bodies_are_the_same_whatever_their_order_and_key(self) -> None:
        one = parse_create({"query": "q", "depth": "quick", "idempotency_key": "a"}, None)
        other = parse_create({"depth": "quick", "query": "q"}, "b")
        third = parse_create({"query": "q"}, "a")
        assert one.body_digest == other.body_digest != third.body_digest

    @given(st.dictionaries(st.sampled_from(["query", "depth", "scope", "findings", "mode", "x"]), json_values))
    def test_any_json_object_is_taken_or_refused_with_issues(self, body: dict[str, Any]) -> None:
        with suppress(_Refused), a_400_with_issues():
            parse_create(body, None)


class TestFindings:
    def test_a_whole_finding(self) -> None:
        finding = taken(
            summary="S",
            confidence=1,
            external_id="scan-7",
            reasoning_chain=[{"observation": "a"}, {"step": 5, "observation": "b", "evidence_ref": "log:1"}],
            nodes=[{"node_id": "n1", "type": "server", "name": "build-01"}, {"node_id": "n2"}],
            tags={"env": "prod"},
            discovered_at="2026-05-03T16:22:01+02:00",
        )
        assert finding == NewFinding(
            title="Unknown login",
            summary="S",
            severity="high",
            confidence=1.0,
            external_id="scan-7",
            reasoning_chain=(Step(1, "a"), Step(5, "b", "log:1")),
            nodes=(FindingNode("n1", "server", "build-01"), FindingNode("n2", "endpoint", "n2")),
            tags={"env": "prod"},
            discovered_at="2026-05-03T14:22:01.000000Z",
        )

    def test_title_and_severity_are_enough(self) -> None:
        assert taken() == NewFinding("Unknown login", "", "high", 0.5)

    def test_null_is_as_good_as_absent(self) -> None:
        optional = ("summary", "confidence", "external_id", "reasoning_chain", "nodes", "tags", "discovered_at")
        assert taken(**dict.fromkeys(optional)) == taken()

    @pytest.mark.parametrize("name", ["title", "severity"])
    @pytest.mark.parametrize("absent", [True, False])
    def test_title_and_severity_are_required(self, name: str, absent: bool) -> None:
        finding = {k: v for k, v in FINDING.items() if k != name} | ({} if absent else {name: None})
        code, issues = refused(lambda: parse_findings({"findings": [finding]}))
        assert (code, issues) == ("missing_required_field", {f"findings.0.{name}": "is required"})

    def test_a_batch_has_findings(self) -> None:
        assert refused(lambda: parse_findings({})) == ("missing_required_field", {"findings": "is required"})
        assert refused(lambda: parse_findings({"findings": []}))[0] == "validation_error"
        assert refused(lambda: parse_findings({"findings": FINDING}))[0] == "validation_error"

    def test_a_batch_holds_500(self) -> None:
        assert len(parse_findings({"findings": [FINDING] * MAX_BATCH})) == MAX_BATCH
        assert list(refused(lambda: parse_findings({"findings": [FINDING] * (MAX_BATCH + 1)}))[1]) == ["findings"]

    @pytest.mark.parametrize(
        ("path", "fields"),
        [
            ("title", {"title": ""}),
            ("title", {"title": "t" * 501}),
            ("summary", {"summary": "s" * 1_000_001}),
            ("confidence", {"confidence": 1.01}),
            ("confidence", {"confidence": -0.1}),
            ("confidence", {"confidence": "high"}),
            ("confidence", {"confidence": True}),
            ("external_id", {"external_id": "x" * 257}),
            ("nodes.0.type", {"nodes": [{"node_id": "n", "type": ""}]}),
            ("nodes", {"nodes": [{"node_id": "n"}] * 101}),
            ("reasoning_chain.0.step", {"reasoning_chain": [{"step": -1, "observation": "o"}]}),
            ("tags", {"tags": {str(number): "x" for number in range(51)}}),
            ("tags.env", {"tags": {"env": 5}}),
            ("discovered_at", {"discovered_at": "yesterday"}),
            ("discovered_at", {"discovered_at": "2026-05-03T14:22:01"}),
            ("discovered_at", {"discovered_at": "1969-12-31T23:59:59Z"}),
            ("discovered_at", {"discovered_at": "0001-01-01T00:00:00+23:00"}),
            ("discovered_at", {"discovered_at": 1777818121}),
        ],
    )
    def test_bounds_are_named(self, path: str, fields: dict[str, Any]) -> None:
        code, issues = refused(lambda: taken(**fields))
        assert (code, list(issues)) == ("validation_error", [f"findings.0.{path}"])

    def test_a_finding_of_the_far_future_would_head_every_list(self) -> None:
        taken(discovered_at=(now() + timedelta(hours=1)).isoformat())
        issues = refused(lambda: taken(discovered_at=(now() + timedelta(days=2)).isoformat()))[1]
        assert list(issues) == ["findings.0.discovered_at"]

    def test_there_are_never_more_issues_than_a_client_would_read(self) -> None:
        issues = refused(lambda: parse_findings({"findings": [{}] * MAX_BATCH}))[1]
        assert len(issues) == 100


class TestOtherBodies:
    def test_a_dismissal(self) -> None:
        assert parse_dismissal({"reason": "duplicate"}) == ("duplicate", "")
        assert parse_dismissal({"reason": "resolved", "notes": "n"}) == ("resolved", "n")
        assert refused(lambda: parse_dismissal({}))[0] == "missing_required_field"
        assert list(refused(lambda: parse_dismissal({"reason": "boring"}))[1]) == ["reason"]

    def test_a_regenerate(self) -> None:
        assert parse_regenerate({}) == (None, "")
        assert parse_regenerate({"model": "deep", "instructions": " short "}) == ("deep", "short")
        assert list(refused(lambda: parse_regenerate({"model": "gpt"}))[1]) == ["model"]
