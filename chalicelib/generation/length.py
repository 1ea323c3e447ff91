"""How long a report should be, in words: what the query asks for, within what the template allows."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chalicelib.generation.style import COMPARISON, SUMMARY, TECHNICAL, USE_CASE

WORDS_PER_PAGE = 450
TOKENS_PER_WORD = 1.4
SHORTEST = 150
DEFAULT_WORDS = {USE_CASE: 2500, COMPARISON: 2500, SUMMARY: 900, TECHNICAL: 3500}

_SPELLED = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "twelve": 12, "fifteen": 15, "twenty": 20,
}  # fmt: skip
_NUMBER = r"(?P<number>\d{1,3}(?:[,.\u00a0\u202f ]\d{3})+|\d+(?:\.\d+)?\s?k|\d+|" + "|".join(_SPELLED) + ")"
_RANGE = r"(?:\d[\d,]*\s?k?\s*(?:-|\u2013|to)\s*)?"
# "the 300-page standard" is something to read, not a length to write.
_NOT_THE_SOURCE = r"(?<!\w)(?P<source>(?:the|this|that|these|our|my|attached|existing)\s+)?"
_WORDS = re.compile(_NOT_THE_SOURCE + _RANGE + _NUMBER + r"\s?\+?[\s-]*(?:plus\s+)?words?\b", re.IGNORECASE)
_PAGES = re.compile(_NOT_THE_SOURCE + _RANGE + _NUMBER + r"\s?\+?[\s-]*pages?\b", re.IGNORECASE)


@dataclass(frozen=True)
class TargetLength:
    """The words to write, and a sentence for the reader where less was allowed than asked."""

    words: int
    notice: str = ""


def target_length(query: str, style: str, max_output_tokens: int) -> TargetLength:
    """Return the length to aim at.

    Args:
        query: the user's request; "4500+ word", "5,000 words", "two pages" are understood.
        style: decides the length where the query names none.
        max_output_tokens: what the template allows for the whole report, in tokens.
    """
    asked = asked_words(query)
    wanted = asked if asked is not None else DEFAULT_WORDS.get(style, DEFAULT_WORDS[TECHNICAL])
    allowed = max(SHORTEST, int(max_output_tokens / TOKENS_PER_WORD))
    if wanted <= allowed:
        return TargetLength(max(SHORTEST, wanted))
    if asked is None:
        return TargetLength(allowed)
    return TargetLength(
        allowed,
        f"The request asked for about {asked:,} words; "
        f"the template's limit of {max_output_tokens:,} tokens allows about {allowed:,}.",
    )


def asked_words(query: str) -> int | None:
    """Return the number of words that the query asks for, or None."""
    for pattern, factor in ((_WORDS, 1), (_PAGES, WORDS_PER_PAGE)):
        for match in pattern.finditer(query):
            if not match.group("source"):
                return _value(match.group("number")) * factor
    return None


def _value(text: str) -> int:
    text = text.lower()
    if text in _SPELLED:
        return _SPELLED[text]
    if text.endswith("k"):
        return int(float(text[:-1]) * 1000)
    return int(re.sub(r"\D", "", text))
