"""Which style a query asks for: whole words with weights, or what the caller says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

USE_CASE = "use_case"
COMPARISON = "comparison"
SUMMARY = "summary"
TECHNICAL = "technical"
STYLES = (USE_CASE, COMPARISON, SUMMARY, TECHNICAL)
DEFAULT_STYLE = TECHNICAL

# A verb at the head of a sentence is the request itself ("Compare …", "Please implement …").
HEAD_BONUS = 2
_HEAD = re.compile(r"(?:^|[.!?:]\s+)(?:please\s+|can you\s+|could you\s+)?$", re.IGNORECASE)


@dataclass(frozen=True)
class Keyword:
    """A word or phrase that speaks for a style, and how strongly."""

    pattern: str
    style: str
    weight: int


# "implementation" and "deployment" are missing on purpose: as nouns they name a subject,
# they do not ask for a scenario.
KEYWORDS: Sequence[Keyword] = (
    Keyword(r"use[ -]cases?", USE_CASE, 4),
    Keyword(r"how (?:can|could|do|should|would|might)", USE_CASE, 3),
    Keyword(r"how to", USE_CASE, 3),
    Keyword(r"implement(?:ing)?", USE_CASE, 2),
    Keyword(r"deploy(?:ing)?", USE_CASE, 2),
    Keyword(r"roll(?:ing)? out", USE_CASE, 2),
    Keyword(r"compar(?:e|es|ing|ison|isons|ative)", COMPARISON, 4),
    Keyword(r"versus|vs\.?", COMPARISON, 4),
    Keyword(r"differences?|differ", COMPARISON, 3),
    Keyword(r"side[ -]by[ -]side", COMPARISON, 3),
    Keyword(r"better than|alternatives? to", COMPARISON, 2),
    Keyword(r"summar(?:ize|ise|y|izing|ising)", SUMMARY, 4),
    Keyword(r"overview", SUMMARY, 3),
    Keyword(r"brief|briefly|briefing", SUMMARY, 3),
    Keyword(r"in short|tl;dr", SUMMARY, 3),
    Keyword(r"technical(?:ly)?", TECHNICAL, 3),
    Keyword(r"architectur(?:e|es|al)", TECHNICAL, 2),
    Keyword(r"deep[ -]dive", TECHNICAL, 4),
    Keyword(r"internals|in[ -]depth", TECHNICAL, 2),
    Keyword(r"analysis|analy[sz]e", TECHNICAL, 1),
)


@dataclass(frozen=True)
class DetectedStyle:
    """A style and the words that spoke for it."""

    style: str
    reasons: tuple[str, ...]


def parse_style(name: str) -> str | None:
    """Return the style called ``name`` ("Use Case", "use-case", "COMPARISON"), or None."""
    normal = re.sub(r"[\s_-]+", "_", name.strip().lower())
    return normal if normal in STYLES else None


def detect_style(query: str, override: str | None = None) -> DetectedStyle:
    """Return the style that ``query`` asks for.

    Args:
        query: the user's request.
        override: the caller's own choice; it wins where it names a style.
    """
    chosen = parse_style(override) if override else None
    if chosen:
        return DetectedStyle(chosen, ("chosen by the caller",))
    scores = dict.fromkeys(STYLES, 0)
    reasons: list[str] = []
    for keyword in KEYWORDS:
        for match in re.finditer(rf"(?<![\w-])(?:{keyword.pattern})(?![\w-])", query, re.IGNORECASE):
            points = keyword.weight + (HEAD_BONUS if _HEAD.search(query[: match.start()]) else 0)
            scores[keyword.style] += points
            reasons.append(f"{match.group(0).lower()!r} speaks for {keyword.style} (+{points})")
    best = max(STYLES, key=lambda style: scores[style])
    if not scores[best]:
        return DetectedStyle(DEFAULT_STYLE, ("no keyword; the default",))
    return DetectedStyle(best, tuple(reasons))
