"""How long a report should be, in words: what the query asks for, within what the template allows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from chalicelib.generation.style import COMPARISON, SUMMARY, TECHNICAL, USE_CASE

WORDS_PER_PAGE = 450
TOKENS_PER_WORD = 1.4
SHORTEST = 150
# Nobody reads quotes by the thousand unless they ask for it.
DIGEST_WORDS = 1200
DEFAULT_WORDS = {USE_CASE: 2500, COMPARISON: 2500, SUMMARY: 900, TECHNICAL: 3500}
# "16 words per cache line" is no length of a report.
FEWEST_ASKED = 40
LONGEST_REQUEST = 6000
# Texts come out a little longer or shorter than planned: aim where both are still right.
AIM_ABOVE, AIM_BELOW = 1.05, 0.9

_SPELLED = {
    "half a": 0.5, "half": 0.5, "a single": 1, "a couple of": 2, "an": 1, "a": 1, "one": 1, "two": 2, "three": 3,
    "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twelve": 12, "fifteen": 15,
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50,
}  # fmt: skip
_FIGURE = r"(?:\d{1,3}(?:[,.\u00a0\u202f ]\d{3})+|\d{1,9}(?:\.\d{1,3})?)(?![\d,.]*\d)"
_SCALE = r"(?:\s?k\b|\s?k(?=\+|-)|\s(?:hundred|thousand)\b)"
_COUNT = rf"(?:(?:{_FIGURE}|\b(?:{'|'.join(_SPELLED)})\b){_SCALE}?)"
_LOW = rf"(?:(?P<low>{_COUNT})\s?(?:words?|pages?)?\s?(?:-|\u2013|\bto\b|\bor\b|\band\b)\s?)?"
_PLUS = r"(?P<plus>\s?\+|\s?plus\b|\s?or more\b)?"
_UNITS = {
    1: r"(?:words?|w\u00f6rter[n]?|mots|palabras|parole|palavras)",
    WORDS_PER_PAGE: r"(?:pages?|seiten|p\u00e1ginas|pagine)",
}
_PAPER = r"(?:(?:a4|full|printed|single-spaced|double-spaced)\s)?"
# "the 300-page standard" is something to read, not a length to write; nor is "a 300-page book".
_SOURCE = r"(?P<source>(?:the|this|that|these|our|my|your|his|their|attached|existing|current|original)\s)?"
_READ = (
    r"(?:standard|book|contract|manual|specification|spec|pdf|novel|thesis|regulation|transcript|directive"
    r"|vocabulary|dictionary|lexicon|corpus|file|window)s?\b"
    r"(?!\s(?:analysis|report|overview|review|summary|comparison|brief|guide)\b)"
)
_AFTER = rf"(?P<not_total>\s(?:per|each|apiece)\b)?(?P<read>[\s-](?:[\w-]+\s){{0,2}}?{_READ})?"
# "Write a 10-page manual" is an order all the same.
_ORDERED = re.compile(
    r"\b(?:write|create|produce|prepare|draft|generate|make|give me|need|want)\s(?:[\w-]+\s){0,2}$", re.IGNORECASE
)


def _pattern(unit: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?<![\w.,-]){_SOURCE}{_LOW}(?P<high>{_COUNT}){_PLUS}[\s-]?{_PAPER}(?:{unit})\b(?!-)"
        rf"(?P<more>\s(?:or more|minimum)\b)?{_AFTER}",
        re.IGNORECASE,
    )


_WORD_COUNT = re.compile(
    r"\b(?:word count|words|length in words)(?: limit| target)?\s?(?::|=|of|is)\s?"
    rf"(?P<high>{_COUNT}){_PLUS}(?![\w.,-]*\w)",
    re.IGNORECASE,
)
_PATTERNS = [*((_pattern(unit), factor) for factor, unit in _UNITS.items()), (_WORD_COUNT, 1)]
# "a page" by itself may be anything ("design a page"), "in a page" is a length.
_IN_A_PAGE = re.compile(r"\b(?:in|within|on|to|about)\s*$", re.IGNORECASE)
_AT_LEAST = re.compile(
    r"(?:at least|no fewer than|no less than|not less than|minimum(?: of)?|more than|over)\s*$", re.I
)
_AT_MOST = re.compile(
    r"(?:at most|no more than|not more than|not exceed(?:ing)?|up to"
    r"|maximum(?: of)?|max\.?|less than|fewer than|under|below|within)\s*$",
    re.I,
)


class Bound(Enum):
    """How a length is meant."""

    ABOUT = "about"
    AT_LEAST = "at least"
    AT_MOST = "at most"


@dataclass(frozen=True)
class TargetLength:
    """The words to write, and a sentence for the reader where less was allowed than asked."""

    words: int
    notice: str = ""


@dataclass(frozen=True)
class AskedLength:
    """A length that a query names, in words."""

    words: int
    bound: Bound = Bound.ABOUT

    @property
    def aim(self) -> int:
        """The words to plan for, so that the report comes out on the right side of the bound."""
        factor = {Bound.AT_LEAST: AIM_ABOVE, Bound.AT_MOST: AIM_BELOW}.get(self.bound, 1.0)
        return round(self.words * factor)


def target_length(query: str, style: str, max_output_tokens: int, template_default: int | None = None) -> TargetLength:
    """Return the length to aim at.

    Args:
        query: the user's request; "4500+ word", "5,000 words", "3-4 pages" are understood.
        style: decides the length where neither the query nor the template names one.
        max_output_tokens: what the template allows for the whole report, in tokens.
        template_default: the template's usual length in words, if it has one.
    """
    asked = asked_length(query)
    usual = template_default or DEFAULT_WORDS.get(style, DEFAULT_WORDS[TECHNICAL])
    allowed = max(SHORTEST, int(max_output_tokens / TOKENS_PER_WORD))
    wanted = asked.aim if asked else usual
    if asked is None or asked.words <= allowed:
        return TargetLength(min(allowed, max(SHORTEST, wanted)))
    return TargetLength(
        allowed,
        f"The request asked for about {asked.words:,} words; "
        f"the template's limit of {max_output_tokens:,} tokens allows about {allowed:,}.",
    )


def asked_words(query: str) -> int | None:
    """Return the number of words that the query asks for, or None."""
    asked = asked_length(query)
    return asked.words if asked else None


def asked_length(query: str) -> AskedLength | None:
    """Return the length that the query names first, in words before pages; the middle of a range.

    Lengths of something else ("the 300-page standard", "200 words per section") do not count.
    """
    text = " ".join(query[:LONGEST_REQUEST].split())
    for pattern, factor in _PATTERNS:
        for match in pattern.finditer(text):
            asked = _asked(match, factor, text[max(0, match.start() - 30) : match.start()])
            if asked and asked.words >= FEWEST_ASKED:
                return asked
    return None


def _asked(match: re.Match[str], factor: int, before: str) -> AskedLength | None:
    """Return the length that a match means, or None where it is that of something else."""
    found = match.groupdict()
    if found.get("source") or found.get("not_total"):
        return None
    if found.get("read") and not _ORDERED.search(before):
        return None
    if match["high"].lower() in ("a", "an") and not _IN_A_PAGE.search(before):
        return None
    low, high = found.get("low"), _value(match["high"])
    words = high if low is None else (_low_value(low, match["high"], high) + high) / 2
    bound = Bound.ABOUT
    if found.get("plus") or found.get("more") or _AT_LEAST.search(before):
        bound = Bound.AT_LEAST
    # "no more than" ends in "more than".
    if low is None and _AT_MOST.search(before):
        bound = Bound.AT_MOST
    return AskedLength(round(words * factor), bound)


def _low_value(low: str, high: str, high_value: float) -> float:
    """Return the lower end of a range: "2-3k" and "two to three thousand" leave its scale out."""
    value = _value(low)
    scale = re.search(_SCALE, high, re.IGNORECASE)
    if scale and not re.search(_SCALE, low, re.IGNORECASE) and value < high_value / 10:
        return value * _scale(scale.group(0))
    return min(value, high_value)


def _value(text: str) -> float:
    scale = re.search(rf"{_SCALE}$", text, re.IGNORECASE)
    number = text[: scale.start()] if scale else text
    return _plain(number.strip().lower()) * (_scale(scale.group(0)) if scale else 1)


def _plain(number: str) -> float:
    if number in _SPELLED:
        return _SPELLED[number]
    if re.fullmatch(r"\d{1,3}(?:[,.\u00a0\u202f ]\d{3})+", number):
        return float(re.sub(r"\D", "", number)[:9])
    return float(number)


def _scale(text: str) -> int:
    return 100 if "hundred" in text.lower() else 1000
