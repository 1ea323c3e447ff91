"""What a query is about: its subject as a phrase, the things it compares, the sections it names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chalicelib.generation.named_sections import (
    LONGEST_NAME,
    find_named_sections,
    listed_for_comparison,
    split_list,
    without_length,
    without_named_sections,
)

LONGEST_TOPIC = 160
LONGEST_REQUEST = 6000

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
# "… with the following sections": the announcement of a list that has been taken out.
_ANNOUNCEMENT = re.compile(
    r"[\s,(]{0,3}\b(?:(?:with|using|in|under|and|that|please|it should|must|has|have|into"
    r"|structured|divided|organi[sz]ed"
    r"|covering|cover|covers|including|include|addressing|address|discussing)\s+){1,4}"
    r"(?:the\s+)?(?:(?:following|these|separate|own)\s+)*(?:\w+\s+)?"
    r"(?:sections?|chapters?|headings|structure|parts|points|topics|aspects|areas|outline|questions|following|these)\s*:?\s*$",
    re.IGNORECASE,
)
# "The report should (include sections on …)": nothing is said about its subject.
_NO_SUBJECT = re.compile(
    rf"^(?:the|this|your|my)\s+{_KIND}\s+(?:\w+\s+)?(?:should|must|needs?|has|shall|will|is)\b", re.I
)
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


@dataclass(frozen=True)
class Topic:
    """The subject of a report.

    ``phrase`` reads well after "about"; ``named`` are sections the user asked for by name, with
    ``notes`` on them in the same order (none, or one for each, maybe empty); ``complete`` says that
    the user gave the whole structure with them; ``compared`` are the two or more things to
    compare, where the query says so.
    """

    phrase: str
    named: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    complete: bool = False


def find_topic(query: str, title: str) -> Topic:
    """Return what ``query`` is about, falling back on ``title`` where no phrase is left.

    What follows the first 6,000 characters of the query is not looked at.
    """
    request = re.sub(r"[^\S\n]+", " ", _with_plain_lines(query[:LONGEST_REQUEST]))
    found = find_named_sections(_with_plain_lines(query[:LONGEST_REQUEST]))
    listed = listed_for_comparison(request)
    first = _first_sentence(_ANNOUNCEMENT.sub("", _first_line(without_named_sections(request))))
    phrase = " versus ".join(listed) or _subject(first) or _bounded(title, LONGEST_TOPIC) or "the subject"
    compared = listed or _compared(phrase, bool(_ASKED_COMPARISON.search(first)))
    return Topic(_bounded(phrase, LONGEST_TOPIC), found.titles, compared, found.notes, found.complete)


def _with_plain_lines(text: str) -> str:
    """Return text with one kind of line end, and long runs of blanks cut: indents stay visible."""
    return re.sub(r"[^\S\n]{9,}", " " * 8, "\n".join(text.splitlines()))


def _first_line(text: str) -> str:
    return next((line.strip().rstrip(":") for line in text.split("\n") if line.strip()), "")


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.!?])(?<!\bvs\.)(?<!\be\.g\.)(?<!\bi\.e\.)\s+(?=[A-Z])|\n", text.strip(), maxsplit=1)[
        0
    ].rstrip(" .!?:…")


def _subject(sentence: str) -> str:
    if _NO_SUBJECT.match(sentence):
        return ""
    phrase = sentence
    for pattern in (_ORDER, _NOUN_ORDER, _VERB_ORDER):
        shorter = pattern.sub("", phrase, count=1)
        if shorter != phrase and shorter.strip():
            phrase = shorter
            break
    phrase = without_length(phrase)
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
        parts = [item for item in split_list(phrase) if item]
        parts = re.split(r"\s+(?:and|with|to)\s+", phrase, maxsplit=1) if len(parts) < 2 else parts
    if len(parts) < 2:
        return ()
    # "A versus B for C": what follows the last of them belongs to both.
    parts[-1] = re.split(r"\s+(?:for|in|on|when|as)\s+", parts[-1], maxsplit=1)[0]
    return tuple(_bounded(part.strip(" ,"), LONGEST_NAME) for part in parts if part.strip(" ,"))


def _bounded(text: str, limit: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else text[:limit].rsplit(" ", 1)[0]
