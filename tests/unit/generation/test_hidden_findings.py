"""Findings as a model sees them: what a field or a node is called tells whether its value is private."""

from __future__ import annotations

from chalicelib.domain.finding import FindingNode
from chalicelib.generation.hidden_findings import hidden_facts
from tests.support.bulletin_findings import a_finding
from tests.support.scrambled import scrambled


def test_who_a_node_or_a_tag_says_signed_in_is_hidden_everywhere() -> None:
    finding = a_finding(
        "sign-in",
        "Sign-in of akern",
        "high",
        summary="akern signed in on fin-lap-07, then bnovak did; svc-backup ran.",
        nodes=(FindingNode("n-1", "user", "akern"), FindingNode("n-2", "host", "fin-lap-07")),
        tags={"username": "bnovak", "process": "svchost.exe"},
    )
    (hidden,) = hidden_facts([finding], 1, (), scrambled()).findings
    assert hidden.title == "Sign-in of ⟦PERSON_1⟧"
    assert hidden.summary == "⟦PERSON_1⟧ signed in on fin-lap-07, then ⟦PERSON_2⟧ did; svc-backup ran."
    assert [node.name for node in hidden.nodes] == ["⟦PERSON_1⟧", "fin-lap-07"]
    assert hidden.tags == {"username": "⟦PERSON_2⟧", "process": "svchost.exe"}
