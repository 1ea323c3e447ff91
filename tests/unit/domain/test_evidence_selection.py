"""Which of the stored findings are an investigation's evidence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.evidence_selection import selection_of, words_of
from chalicelib.domain.finding import Dismissal, Finding, FindingNode
from chalicelib.domain.investigation import Investigation, InvestigationScope

CREATED = "2026-05-10T12:00:00.000000Z"

OPENSSL = Finding(
    id="fnd_1",
    investigation_id="inv_1",
    account="acme",
    title="Outdated OpenSSL library",
    summary="openssl-1.0.2k is installed on web-01.example.com (CVE-2021-3711).",
    severity="high",
    confidence=0.9,
    discovered_at="2026-05-09T12:00:00.000000Z",
    nodes=(FindingNode("agent-7", "host", "web-01.example.com"),),
    tags={"env": "prod", "team": "web"},
)


def investigation(query: str = "what is going on?", **fields: object) -> Investigation:
    base = Investigation(
        id="inv_2",
        account="acme",
        status="queued",
        query=query,
        depth="quick",
        mode="auto",
        scope=InvestigationScope(),
        created_at=CREATED,
        queued_at=CREATED,
    )
    return replace(base, **fields)  # type: ignore[arg-type]


def takes(finding: Finding, query: str = "what is going on?", **fields: object) -> bool:
    return selection_of(investigation(query, **fields)).takes(finding)


@pytest.mark.parametrize(
    "query",
    [
        "Which hosts still run an outdated OpenSSL?",
        "CVE-2021-3711",
        "show me everything about web-01.example.com",
        "web-01",
        "library problems",
        "libraries",
        "installing software",
        "ＯＰＥＮＳＳＬ",
    ],
)
def test_a_finding_that_a_specific_word_names_is_evidence(query: str) -> None:
    assert takes(OPENSSL, query)


@pytest.mark.parametrize(
    "query",
    ["Are there failed logins?", "CVE-2021-3712", "web-02", "log4j", "example.org", "Is Kerberos used anywhere?"],
)
def test_a_finding_that_no_specific_word_names_is_not(query: str) -> None:
    assert not takes(OPENSSL, query)


@pytest.mark.parametrize(
    "query", ["What happened last week?", "Are our servers secure?", "", "?!", "Summarise the risks of the fleet"]
)
def test_a_query_without_a_specific_word_takes_every_finding(query: str) -> None:
    assert words_of(query) == frozenset()
    assert takes(OPENSSL, query)


def test_scripts_without_spaces_match_by_pairs_of_characters() -> None:
    finding = replace(OPENSSL, summary="古い証明書が使われています")
    assert takes(finding, "証明書の期限")
    assert not takes(finding, "監査")


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"env": "prod"}, True),
        ({"env": "prod", "team": "web"}, True),
        ({"env": "test"}, False),
        ({"env": "prod", "region": "eu"}, False),
    ],
)
def test_every_tag_of_the_scope_is_asked_for(tags: dict[str, str], expected: bool) -> None:
    assert takes(OPENSSL, scope=InvestigationScope("selector", tags)) is expected


@pytest.mark.parametrize(
    ("within", "expected"),
    [("24h", True), ("86399s", False), ("1d", True), ("23h", False), ("1440m", True), ("9" * 400 + "d", True)],
)
def test_what_was_seen_last_is_counted_back_from_the_request(within: str, expected: bool) -> None:
    assert takes(OPENSSL, scope=InvestigationScope("selector", {}, within)) is expected


def test_an_agent_is_a_node_or_a_tag() -> None:
    assert takes(OPENSSL, agent_ids=("agent-9", "agent-7"))
    assert takes(replace(OPENSSL, nodes=(), tags={"agent_id": "agent-9"}), agent_ids=("agent-9",))
    assert not takes(OPENSSL, agent_ids=("agent-9",))


def test_what_is_dismissed_is_no_evidence() -> None:
    assert not takes(replace(OPENSSL, dismissal=Dismissal("resolved", "", CREATED)))


@given(st.text(max_size=300))
def test_a_finding_is_always_found_by_its_own_title(title: str) -> None:
    assert takes(replace(OPENSSL, title=title), title)


@given(st.lists(st.sampled_from(["hosts", "Find", "any", "issues", "security", "machines", "reported"])))
def test_general_words_in_any_order_stay_general(words: list[str]) -> None:
    assert words_of(" ".join(words)) == frozenset()
