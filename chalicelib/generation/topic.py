"""What a query is about: its subject as a phrase, the things it compares, the sections it names."""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST_TOPIC = 160
LONGEST_NAME = 90
MOST_NAMED = 12

_KIND = (
    r"(?:analys[ie]s|reports?|overview|summary|comparison|guide|study|review|assessment|deep[ -]dive|"
    r"explanation|description|discussion|examination|evaluation|paper|document|briefing|brief|use cases?)"
)
_ORDER = re.compile(
    r"^(?:please\s+|can you\s+|could you\s+|i (?:want|need|would like)(?: you to)?\s+)*"
    r"(?:provide|write|create|give(?: me| us)?|produce|prepare|generate|draft|make|deliver|do)\s+"
    rf"(?:[^.:;]*?\b)??{_KIND}\s+(?:of|on|about|for|regarding|concerning|covering|into|that (?:covers|describes))"
    r"\s+",
    re.IGNORECASE,
)
_NOUN_ORDER = re.compile(rf"^(?:an?\s+|the\s+)?(?:[\w,+-]+\s+){{0,5}}{_KIND}\s+(?:of|on|about)\s+", re.IGNORECASE)
_VERB_ORDER = re.compile(
    r"^(?:please\s+|can you\s+|could you\s+)*(?:briefly\s+)?"
    r"(?:summari[sz]e|analy[sz]e|compare|explain|describe|discuss|explore|examine|evaluate|assess|review|outline|"
    r"(?:write|tell me|report)\b.*?\b(?:about|on))\s+",
    re.IGNORECASE,
)
_LIST = re.compile(
    r"(?:,\s*|\s+|^|\.\s+)(?:and\s+)?"
    r"(?:including|covering|cover|includes?|with (?:separate )?sections? (?:on|about|for)|"
    r"(?:with (?:a )?)?focus(?:ing|ed|es)? on|sections?:|addressing)"
    r":?\s+(?:the following(?: topics| sections)?:?\s+)?(?P<list>[^.;:\n?!]+(?:\.\w[^.;:\n?!]*)*)",
    re.IGNORECASE,
)
_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+(?P<item>\S.*)$", re.MULTILINE)
_QUESTION = re.compile(
    r"^how (?:(?:can|could|do|should|would|might) (?:we|i|you|one|they|companies|organi[sz]ations)"
    r"|to)\s+(?P<verb>[a-z]+)\b",
    re.IGNORECASE,
)
_DIFFERENCE = re.compile(r"^(?:what (?:is|are)\s+)?(?:the\s+)?differences?\s+between\s+", re.IGNORECASE)
_ASKED_COMPARISON = re.compile(
    r"^(?:please\s+)?compare\s+|\bdifferences?\s+between\s+|\bcomparison (?:of|between)\s+", re.I
)
_VERSUS = re.compile(r"\s+(?:versus|vs\.?|against|compared (?:to|with))\s+", re.IGNORECASE)
_LENGTH = re.compile(
    r"\s*,?\s*\b(?:in|of|with|at least|about|around|approximately|roughly)?\s*"
    r"(?:(?:\d[\d,.]*\s?k?\s*(?:-|\u2013|to)\s*)?\d[\d,.]*\s?k?|one|two|three|four|five|six|seven|eight|nine|ten)\s?\+?[\s-]*(?:words?|pages?)\b"
    r"(?: long| in length)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Topic:
    """The subject of a report.

    ``phrase`` reads well after "about"; ``named`` are sections the user asked for by name;
    ``compared`` are the two or more things to compare, where the query says so.
    """

    phrase: str
    named: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()


def find_topic(query: str, title: str) -> Topic:
    """Return what ``query`` is about, falling back on ``title`` where no phrase is left."""
    named = _named_sections(query)
    first = _first_sentence(_BULLET.sub("", query))
    without_list = _LIST.sub("", first) if named else first
    phrase = _subject(without_list) or title.strip()
    return Topic(_bounded(phrase, LONGEST_TOPIC), named, _compared(phrase, bool(_ASKED_COMPARISON.search(first))))


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.!?])(?<!\bvs\.)(?<!\be\.g\.)(?<!\bi\.e\.)\s+(?=[A-Z])|\n", text.strip(), maxsplit=1)[
        0
    ].rstrip(" .!?:…")


def _subject(sentence: str) -> str:
    phrase = sentence
    for pattern in (_ORDER, _NOUN_ORDER, _VERB_ORDER):
        shorter = pattern.sub("", phrase, count=1)
        if shorter != phrase and shorter.strip():
            phrase = shorter
            break
    phrase = _LENGTH.sub("", phrase)
    phrase = _DIFFERENCE.sub("", _QUESTION.sub(lambda match: _gerund(match["verb"]), phrase))
    phrase = re.sub(r"\s+(?:briefly|in detail|in depth|in short)$", "", phrase, flags=re.IGNORECASE)
    return phrase.strip(" ,.;:-…")


def _gerund(verb: str) -> str:
    """Return "deploying" for "deploy", so that the phrase can stand where a noun does."""
    if re.search(r"[^eoy]e$", verb):
        return verb[:-1] + "ing"
    if re.fullmatch(r"(?:[^aeiou]*[aeiou][bdgmnprt])", verb):
        return verb + verb[-1] + "ing"
    return verb + "ing"


def _compared(phrase: str, comparison: bool) -> tuple[str, ...]:
    parts = _VERSUS.split(phrase)
    if len(parts) < 2 and comparison:
        parts = [item for item in _split_list(phrase) if item]
        parts = re.split(r"\s+(?:and|with|to)\s+", phrase, maxsplit=1) if len(parts) < 2 else parts
    if len(parts) < 2:
        return ()
    # "A versus B for C": what follows the last of them belongs to both.
    parts[-1] = re.split(r"\s+(?:for|in|on|when|as)\s+", parts[-1], maxsplit=1)[0]
    return tuple(_bounded(part.strip(" ,"), LONGEST_NAME) for part in parts if part.strip(" ,"))


def _named_sections(query: str) -> tuple[str, ...]:
    bullets = [match.group("item") for match in _BULLET.finditer(query)]
    if len(bullets) >= 2:
        return _cleaned(bullets)
    for match in _LIST.finditer(query):
        items = _split_list(match.group("list"))
        if items:
            return _cleaned(items)
    return ()


def _split_list(text: str) -> list[str]:
    """Split "A, B, and C"; without a comma "and" may belong to one name, so it is kept."""
    items = [item.strip() for item in text.split(",")]
    if len(items) == 1:
        return items
    last = items[-1]
    if re.match(r"(?:and|or|as well as)\s+", last, re.IGNORECASE):
        items[-1] = re.sub(r"^(?:and|or|as well as)\s+", "", last, flags=re.IGNORECASE)
    else:
        items[-1:] = re.split(r"\s+(?:and|as well as)\s+", last, maxsplit=1)
    return items


def _cleaned(items: list[str]) -> tuple[str, ...]:
    names: list[str] = []
    for item in items:
        name = _LENGTH.sub("", item).strip(" .,;:-*_#")
        name = name[:1].upper() + name[1:]
        if name and len(name) <= LONGEST_NAME and name.lower() not in {n.lower() for n in names}:
            names.append(name)
    return tuple(names[:MOST_NAMED])


def _bounded(text: str, limit: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else text[:limit].rsplit(" ", 1)[0]
