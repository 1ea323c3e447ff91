"""Findings as a model may see them: the same in everything but their private values, for which tokens stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from chalicelib.domain.bulletin import Facts, facts_of
from chalicelib.domain.finding import Finding, by_weight
from chalicelib.generation.narrative_evidence import MOST_SHOWN
from chalicelib.generation.scrambling import Texts

# A model is shown at most 3,000 characters of a text. More is hidden first, so that no value is cut into two there;
# what a cut here leaves of one lies in the last characters, which go.
_LONGEST: Final = 40_000
_TORN: Final = 500


def hidden_facts(findings: Sequence[Finding], looked_at: int, others: Sequence[str], texts: Texts) -> Facts:
    """Return the facts of findings with tokens for their private values; who is known from one is known in all.

    Args:
        findings: the snapshot.
        looked_at: how many findings were looked at to select it.
        others: texts of the same request that will be hidden, too.
        texts: hides them.
    """
    # Of the rest, a model is only told titles and names.
    in_full = {finding.id for finding in by_weight(f for f in findings if not f.dismissed)[:MOST_SHOWN]}
    told = [
        finding if finding.id in in_full else replace(finding, summary="", reasoning_chain=()) for finding in findings
    ]
    texts.learn(others)
    # Of all, in full: what a title says is private at times because the text under it says so.
    for finding in findings:
        texts.learn(_texts(finding))
    return facts_of([_hidden(finding, texts) for finding in told], looked_at)


def _texts(finding: Finding) -> list[str]:
    named = [text for node in finding.nodes for text in (node.name, node.node_id, _tag((node.type, node.name)))]
    said = [step.observation[:_LONGEST] for step in finding.reasoning_chain]
    return [finding.title, finding.summary[:_LONGEST], *named, *map(_tag, finding.tags.items()), *said]


def _tag(tag: tuple[str, str]) -> str:
    """Return a tag, or a node, as a field: its name may tell what its value is."""
    return f"{tag[0]}={tag[1]}"


def _hidden(finding: Finding, texts: Texts) -> Finding:
    return replace(
        finding,
        title=texts.hide(finding.title),
        summary=_bounded(finding.summary, texts),
        nodes=tuple(
            replace(node, node_id=texts.hide(node.node_id), type=texts.hide(node.type), name=texts.hide(node.name))
            for node in finding.nodes
        ),
        tags={texts.hide(name): texts.hide(value) for name, value in finding.tags.items()},
        reasoning_chain=tuple(
            replace(step, observation=_bounded(step.observation, texts)) for step in finding.reasoning_chain
        ),
    )


def _bounded(text: str, texts: Texts) -> str:
    hidden = texts.hide(text[:_LONGEST])
    return hidden if len(text) <= _LONGEST else hidden[:-_TORN]
