"""The evidence as a model sees it: the gravest findings under short names, as much as fits; the rest as counts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from chalicelib.domain.bulletin import LONGEST_NAME, LONGEST_TITLE, Facts, ratings
from chalicelib.domain.finding import Finding
from chalicelib.domain.safe_text import plain_line
from chalicelib.domain.wording import counted, date, listed_shortly, percent
from chalicelib.generation.material import as_material

BYTES_A_TOKEN: Final = 3
MOST_SHOWN: Final = 150
"""Findings that a model is shown at most: nobody, and no model, keeps more apart."""

_MOST_NODES: Final = 8
_MOST_TAGS: Final = 8
_MOST_STEPS: Final = 6
_LONGEST_TAG: Final = 80
_LONGEST_STEP: Final = 300
_SHORTEST_TEXT: Final = 160
_LONGEST_TEXT: Final = 3000
_TEXT_SHARE: Final = 0.2
_ENDPOINTS_TOLD: Final = 12
# What in a finding's own text could pass for one of our citations.
_CITATION_LIKE = re.compile(r"[\[(]\s*(F\d+|fnd_\w+)\s*[\])]", re.IGNORECASE)


@dataclass(frozen=True)
class Shown:
    """What a model is shown: the findings as text, and which short name stands for which finding."""

    text: str
    aliases: Mapping[str, Finding]


def shown(facts: Facts, most_tokens: int, *, with_steps: bool) -> Shown:
    """Return the findings of ``facts``, the gravest first, in about ``most_tokens`` tokens; at least one.

    Args:
        facts: the snapshot's.
        most_tokens: length of the text.
        with_steps: whether the reasoning of each finding is shown too.
    """
    room = most_tokens * BYTES_A_TOKEN
    longest_text = min(_LONGEST_TEXT, max(_SHORTEST_TEXT, int(room * _TEXT_SHARE)))
    blocks: list[str] = []
    aliases: dict[str, Finding] = {}
    for number, finding in enumerate(facts.findings[:MOST_SHOWN], start=1):
        block = _block(f"F{number}", finding, longest_text, with_steps=with_steps)
        size = len(block.encode(errors="replace"))
        if blocks and size > room:
            break
        blocks.append(block)
        aliases[f"F{number}"] = finding
        room -= size
    if rest := facts.findings[len(blocks) :]:
        blocks.append(f"Not shown: {counted(len(rest), 'more finding')}, {ratings(rest)}.")
    return Shown("\n\n".join(blocks), aliases)


def certain(facts: Facts) -> str:
    """Return the facts that a narrative may state without a citation, a line for each."""
    lines = [
        f"Overall severity: {facts.severity}. {facts.reason}",
        f"Findings: {len(facts.findings)} ({ratings(facts.findings)}).",
    ]
    if facts.endpoints:
        named = [f"{_clean(e.name or e.node_id, LONGEST_NAME)} ({len(e.finding_ids)})" for e in facts.endpoints]
        lines.append(f"Nodes and how many findings each has: {listed_shortly(named, _ENDPOINTS_TOLD, 'node')}.")
    return as_material("\n".join(lines))


def _block(alias: str, finding: Finding, longest_text: int, *, with_steps: bool) -> str:
    lines = [
        f"[{alias}] {_clean(finding.title, LONGEST_TITLE)}",
        f"severity: {finding.severity}; confidence: {percent(finding.confidence)}; "
        f"discovered: {date(finding.discovered_at)}",
    ]
    if finding.nodes:
        nodes = [f"{_clean(n.type, _LONGEST_TAG)} {_clean(n.name or n.node_id, LONGEST_NAME)}" for n in finding.nodes]
        lines.append(f"nodes: {listed_shortly(nodes, _MOST_NODES, 'node')}")
    if finding.tags:
        tags = [f"{_clean(name, _LONGEST_TAG)}={_clean(value, _LONGEST_TAG)}" for name, value in finding.tags.items()]
        lines.append(f"tags: {', '.join(sorted(tags)[:_MOST_TAGS])}")
    if summary := _clean(finding.summary, longest_text):
        lines.append(f"says: {summary}")
    if with_steps:
        lines.extend(_steps(finding))
    return as_material("\n".join(lines))


def _steps(finding: Finding) -> Sequence[str]:
    return [f"step {step.step}: {_clean(step.observation, _LONGEST_STEP)}" for step in finding.reasoning_chain][
        :_MOST_STEPS
    ]


def _clean(text: str, longest: int) -> str:
    """Return text of a finding for the prompt: one line, in which nothing looks like a citation of ours."""
    return _CITATION_LIKE.sub(r"\1", plain_line(text, longest))
