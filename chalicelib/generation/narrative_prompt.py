"""The requests for the sections of a narrative."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from chalicelib.domain.bulletin import Facts
from chalicelib.domain.deterministic_narrative import SECTIONS
from chalicelib.domain.investigation import MAX_INSTRUCTIONS, MAX_QUERY, Tier
from chalicelib.generation.chat import Message
from chalicelib.generation.material import as_material
from chalicelib.generation.narrative_evidence import Shown, certain, shown
from chalicelib.generation.prompt import Detail, fill

_EVIDENCE_TOKENS: Final[Mapping[Tier, int]] = {"fast": 2_500, "standard": 6_000, "deep": 16_000}
_WORDS: Final[Mapping[Tier, int]] = {"fast": 80, "standard": 130, "deep": 220}
_SHARE: Final = {Detail.FULL: 1.0, Detail.SHORT: 0.35, Detail.BARE: 0.1}
_COMPACT_TOKENS: Final = 250
_COMPACT_WORDS: Final = 45

BRIEFS: Final[Mapping[str, str]] = {
    "happened": "Tell what the findings show, the gravest first, and how they belong together where the findings "
    "themselves show it.",
    "severity": "Say how bad it is and why: what gives the report its severity, how certain the sources are, and which "
    "consequences the findings themselves name.",
    "where": "Say which hosts, files or accounts are concerned and what was found on each, those with the gravest "
    "findings first.",
    "unknown": "Say what the findings leave open: what is in doubt, what they do not show, which places they do not "
    "name. Guess nothing.",
}
"""What each section that a model writes is to say. What to do first is never left to a model."""

# How long a section is, as a share of the usual.
_LENGTHS: Final[Mapping[str, float]] = {"happened": 1.5, "severity": 0.8, "where": 1.0, "unknown": 0.6}


@dataclass(frozen=True)
class NarrativePrompts:
    """The requests of one narrative; ``instructions`` are the reader's wishes."""

    query: str
    instructions: str
    tier: Tier
    facts: Facts

    @cached_property
    def evidence(self) -> Mapping[Detail, Shown]:
        """What the model is shown, by the detail of the request."""
        tokens = _EVIDENCE_TOKENS[self.tier]
        return {
            detail: shown(self.facts, int(tokens * share), with_steps=self.tier != "fast" and detail is Detail.FULL)
            for detail, share in _SHARE.items()
        }

    def words(self, key: str) -> int:
        """Return how long a section is to be."""
        return round(_WORDS[self.tier] * _LENGTHS[key])

    def section(self, key: str, detail: Detail, problems: Sequence[str] = ()) -> list[Message]:
        """Return the request for a section; ``problems`` are what was wrong with an earlier answer to it."""
        asked = fill(
            "narrative_part.j2",
            query=as_material(self.query, MAX_QUERY),
            facts=certain(self.facts),
            findings=self.evidence[detail].text,
            wishes=as_material(self.instructions, MAX_INSTRUCTIONS),
            headings=list(SECTIONS.values()),
            heading=SECTIONS[key],
            brief=BRIEFS[key],
            words=self.words(key),
            problems=list(problems),
        )
        return [{"role": "system", "content": fill("narrative_system.j2")}, {"role": "user", "content": asked}]


@dataclass(frozen=True)
class CompactPrompts:
    """The requests to very small models, each on one finding; a longer one they would not follow."""

    facts: Facts

    @property
    def words(self) -> int:
        """How long the text on one finding is to be."""
        return _COMPACT_WORDS

    def finding(self, place: int, detail: Detail) -> list[Message]:
        """Return the request to explain the first finding of the issue at ``place``, counted from 0."""
        issue = self.facts.issues[place]
        one = shown(_only(self.facts, place), int(_COMPACT_TOKENS * _SHARE[detail]), with_steps=False)
        words = self.words if len(issue.gravest.summary) > len(issue.gravest.title) else self.words // 2
        asked = fill("narrative_compact.j2", finding=one.text.replace("[F1] ", ""), words=words)
        return [{"role": "system", "content": fill("narrative_system_compact.j2")}, {"role": "user", "content": asked}]


def _only(facts: Facts, place: int) -> Facts:
    return replace(facts, findings=(facts.issues[place].gravest,))
