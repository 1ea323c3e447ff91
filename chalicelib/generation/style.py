"""Which style a query asks for: whole words with weights, or what the caller says.

What counts is the request itself. "Compare", at the head of a sentence, is an order, and so is
"a technical comparison" after "write"; the same words elsewhere may only belong to the subject.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

USE_CASE = "use_case"
COMPARISON = "comparison"
SUMMARY = "summary"
TECHNICAL = "technical"
STYLES = (USE_CASE, COMPARISON, SUMMARY, TECHNICAL)
DEFAULT_STYLE = TECHNICAL

HEAD_BONUS = 4
ORDERED_BONUS = 2
# Whatever follows is material that was pasted in, not the request.
LONGEST_REQUEST = 3000

_STYLE_NAMES = {USE_CASE: "use case", COMPARISON: "comparison", SUMMARY: "summary", TECHNICAL: "technical"}

_POLITE = (
    r"(?:please\s+|then\s+|also\s+|next,?\s+|finally,?\s+|kindly\s+"
    r"|(?:can|could|would|will) you\s+(?:please\s+)?|help (?:me|us)\s+(?:to\s+)?"
    r"|(?:i|we)(?:['\u2019]d like| want| need| would like)(?: you)? to\s+)*"
)
_START = r"(?:^|[.!?:;\n]\s*)(?:[-*\u2022]\s+|\d{1,2}[.)]\s+)?"
# "Analyse and compare …": both verbs are the request.
_HEAD = re.compile(rf"{_START}{_POLITE}(?:[a-z]+ly\s+)?(?:[a-z]+,?\s+and\s+)?$", re.IGNORECASE)
# What an order like "Write …" asks for stands before the first preposition: "a technical report | on …".
_ORDERED = re.compile(
    rf"{_START}{_POLITE}(?:(?:provide|write|create|give(?:\s+(?:me|us))?|produce|prepare|generate|draft|make"
    r"|deliver|do|explain|describe|discuss|show|outline|list|analy[sz]e|explore|examine|what (?:is|are)"
    r"|(?:i|we) (?:need|want)|tell (?:me|us))\b|(?=an?\s))"
    r"(?P<thing>(?:(?!\b(?:of|on|about|for|between|in|into|regarding|concerning|covering|that|which|with|to)\b)"
    r"[^.!?:;\n]){0,160})",
    re.IGNORECASE,
)
_NEGATED = re.compile(
    r"(?:\bnot|n['\u2019]t|\bno|\bnever|\bwithout|\bavoid(?:ing)?|\brather than|\binstead of)\s+"
    r"(?:be\s+|do\s+|use\s+|make\s+|write\s+)?(?:an?\s+|any\s+|the\s+|too\s+|overly\s+)*(?:(?:brief|short|long|detailed|technical)\s+)?$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Keyword:
    """A word or phrase that speaks for a style, and how strongly.

    ``firm`` ones count more where they are the request itself; "analyse" is in every other request.
    """

    pattern: str
    style: str
    weight: int
    firm: bool = True


# "implementation" and "deployment" are missing on purpose: as nouns they name a subject,
# they do not ask for a scenario. "How do vaccines work" asks for an explanation, "how do we" for steps.
_WHO = r"(?:we|i|you|one|they|companies|organi[sz]ations|businesses|teams|people)"
KEYWORDS: Sequence[Keyword] = (
    Keyword(r"use[ -]?cases?", USE_CASE, 4),
    Keyword(rf"how (?:can|could|should|might)|how (?:do|would|shall) (?={_WHO}\b)", USE_CASE, 3),
    Keyword(r"how to", USE_CASE, 3),
    Keyword(r"implement(?:ing)?", USE_CASE, 2),
    Keyword(r"deploy(?:ing)?", USE_CASE, 2),
    Keyword(r"roll(?:ing)? out", USE_CASE, 2),
    Keyword(r"case stud(?:y|ies)", USE_CASE, 3),
    Keyword(r"scenarios?", USE_CASE, 1),
    Keyword(r"compar(?:e|es|ing|ison|isons|ative)", COMPARISON, 4),
    Keyword(r"versus|vs\.?", COMPARISON, 4),
    Keyword(r"differences?|differs?|differing", COMPARISON, 3),
    Keyword(r"side[ -]by[ -]side", COMPARISON, 3),
    Keyword(r"contrast(?:ing)?", COMPARISON, 2),
    Keyword(r"pros and cons|advantages and disadvantages", COMPARISON, 2),
    Keyword(r"better than|alternatives? to", COMPARISON, 2),
    Keyword(r"summar(?:ize|ise|izing|ising)", SUMMARY, 4),
    # An executive summary is asked for as a part of any report.
    Keyword(r"(?<!executive )summary", SUMMARY, 4),
    Keyword(r"executive summary", SUMMARY, 1),
    Keyword(r"overview", SUMMARY, 3),
    Keyword(r"brief|briefly|briefing", SUMMARY, 3),
    Keyword(r"in short|tl;dr", SUMMARY, 3),
    Keyword(r"technical(?:ly)?", TECHNICAL, 3),
    Keyword(r"architectur(?:e|es|al)", TECHNICAL, 2),
    Keyword(r"deep[ -]dive", TECHNICAL, 4),
    Keyword(r"internals|in[ -]depth", TECHNICAL, 2),
    Keyword(r"analysis|analy[sz]e", TECHNICAL, 1, firm=False),
)
_COMPILED = [(re.compile(rf"(?<![\w-])(?:{k.pattern})(?![\w-])", re.IGNORECASE), k) for k in KEYWORDS]


@dataclass(frozen=True)
class Detected:
    """A style and, in words for the user, why it was taken."""

    style: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class _Sign:
    """A keyword found in the request: as it stands there, and how much it counts."""

    word: str
    style: str
    points: int
    heads: bool


def parse_style(name: str) -> str | None:
    """Return the style called ``name`` ("Use Case", "use-case", "COMPARISON"), or None."""
    normal = re.sub(r"[\s_-]+", "_", name.strip().lower())
    return normal if normal in STYLES else None


def detect_style(query: str, override: str | None = None) -> Detected:
    """Return the style that ``query`` asks for.

    Args:
        query: the user's request; what follows its first 3,000 characters is not looked at.
        override: the caller's own choice; it wins where it names a style.
    """
    chosen = parse_style(override) if override else None
    if chosen:
        return Detected(chosen, ("chosen in report_style",))
    signs = list(_signs(" ".join(query[:LONGEST_REQUEST].split(" "))))
    scores = {style: sum(sign.points for sign in signs if sign.style == style) for style in STYLES}
    best = max(STYLES, key=lambda style: scores[style])
    if not scores[best]:
        return Detected(DEFAULT_STYLE, ("no word in the request asks for a style: technical is the default",))
    ours = [_reason(sign) for sign in signs if sign.style == best]
    theirs = [f'against "{s.word}" ({_STYLE_NAMES[s.style]})' for s in signs if s.style != best]
    return Detected(best, (*ours, *theirs))


def _signs(request: str) -> Iterator[_Sign]:
    """Return the keywords of the request, each once: where it counts most."""
    ordered = [match.span("thing") for match in _ORDERED.finditer(request)]
    for pattern, keyword in _COMPILED:
        found: list[_Sign] = []
        for match in pattern.finditer(request):
            before = request[max(0, match.start() - 80) : match.start()]
            if _NEGATED.search(before):
                continue
            heads = bool(_HEAD.search(before)) and _begins_here(request, match.start(), before)
            bonus = HEAD_BONUS if heads else 0
            if not heads and any(start <= match.start() < end for start, end in ordered):
                bonus = ORDERED_BONUS
            word = " ".join(match.group(0).lower().split())
            found.append(_Sign(word, keyword.style, keyword.weight + bonus * keyword.firm, heads))
        if found:
            yield max(found, key=lambda sign: sign.points)


def _begins_here(request: str, start: int, before: str) -> bool:
    """Tell whether ``^`` in what stands before was the beginning of the request, not of a cutting."""
    return start <= len(before) or bool(re.search(r"[.!?:;\n]", before))


def _reason(sign: _Sign) -> str:
    return f'the request begins with "{sign.word}"' if sign.heads else f'"{sign.word}" in the request'
