"""Numbers in a narrative: in digits, words and signs; which of them stand in the findings, or count them rightly."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from chalicelib.domain.bulletin import Facts, type_words
from chalicelib.domain.finding import SEVERITIES, Finding
from chalicelib.generation.narrative_words import word_set
from chalicelib.generation.number_words import IN_WORDS, value_of, word_list

_DIGITS: Final = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
NUMBER: Final = re.compile(_DIGITS)
"""A number in digits, with or without separators and decimals."""


# Amounts that nobody can check: they may only be said where the findings say them.
_VAGUE = re.compile(
    r"\b(?:dozens|tens|hundreds|thousands|millions|billions|half|halves|quarters?|thirds|a third of|scores of|"
    r"countless|the majority|double[ds]?|tripled?)\b",
    re.IGNORECASE,
)
_ROMAN = re.compile(r"\b(?=[ivxlcdm]{2})m{0,3}(?:c[md]|d?c{0,3})(?:x[cl]|l?x{0,3})(?:i[xv]|v?i{0,3})\b")
_NO_ROMAN: Final = word_set("mix vi cd cc md mm ml di dc mi li")
_MONTH: Final = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:tember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)\b"
)
_OF_A_DATE: Final = (
    re.compile(rf"(?:st|nd|rd|th)?(?:\s+of)?\s+{_MONTH}", re.IGNORECASE),
    re.compile(rf"\b{_MONTH}(?:\s+\d{{1,2}}(?:st|nd|rd|th)?,?)?\s+$", re.IGNORECASE),
)
# Parts of times, versions and names are no numbers.
_STANDING = re.compile(rf"(?<![\w.-])(?<!\d:)(?:{_DIGITS})(?![\w-]|\.\d|:\d)")

_FINDING_NOUNS: Final = ("finding", "issue", "alert", "detection")
_NODE_NOUNS: Final = word_list(
    "node host server endpoint machine system workstation laptop computer device container pod cluster file package "
    "library module repository image bucket database mailbox process service application account user role identity "
    "address domain network subnet place location asset"
)


def _plural(noun: str) -> str:
    return f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}es" if noun.endswith("s") else f"{noun}s"


_SINGULAR: Final = {form: noun for noun in (*_FINDING_NOUNS, *_NODE_NOUNS) for form in (noun, _plural(noun))}
_LEAD: Final = (
    r"\s+(?:of (?:the|them|these|those|all)\b\s*(?:\w+\s+)?)?"
    r"(?:(?:other|further|more|additional|different|distinct|separate|remaining|gravest)\s+)*"
)
_RATED = re.compile(rf"{_LEAD}(critical|high|medium|low)\b", re.IGNORECASE)
_COUNTED = re.compile(rf"{_LEAD}(?:[\w-]+\s+)??({'|'.join(_SINGULAR)})\b", re.IGNORECASE)
_TIMES = re.compile(r"\s+times\b", re.IGNORECASE)
_STANDS_FOR_FINDINGS = re.compile(
    r"\s+(?:of (?:them|these|those|which)|are|were|is|was|have|has|concern|name|affect|involve)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class _Number:
    said: str
    value: float
    end: int
    of_date: bool = False


def wrong_number(text: str, pool: str, findings: Sequence[Finding], facts: Facts, *, only_said: bool) -> str:
    """Return a number of a sentence that neither stands in ``pool`` nor counts findings or nodes rightly, or nothing.

    Args:
        text: the sentence, without what it quotes and without names that have digits in them.
        pool: the text that it rests on, folded.
        findings: those that it cites.
        facts: the snapshot's.
        only_said: whether a number must stand in ``pool``, whatever it counts.
    """
    for found in (*_VAGUE.finditer(text), *_romans(text)):
        if not re.search(rf"\b{re.escape(found[0].casefold())}\b", pool):
            return found[0]
    for sign in filter(_is_sign, text):
        if sign not in pool:
            return sign
    dates, others = _said_in(pool)
    for number in _numbers(text, NUMBER):
        if number.value in (dates if number.of_date else others):
            continue
        if only_said or number.value not in _counts(number, text, findings, facts):
            return number.said
    return ""


@lru_cache(maxsize=4)
def _said_in(pool: str) -> tuple[frozenset[float], frozenset[float]]:
    """Return the numbers of dates in a text, and its others: the 5th of May does not make anything five."""
    known = list(_numbers(pool, _STANDING))
    dates = frozenset(number.value for number in known if number.of_date)
    return dates, frozenset(number.value for number in known if not number.of_date)


def _romans(text: str) -> Iterator[re.Match[str]]:
    return (found for found in _ROMAN.finditer(text) if found[0] not in _NO_ROMAN)


def _is_sign(character: str) -> bool:
    """Tell whether a character is a number of its own, such as ½, ⑤ and ²."""
    return unicodedata.category(character) in ("No", "Nl")


def _numbers(text: str, digits: re.Pattern[str]) -> Iterator[_Number]:
    for found in digits.finditer(text):
        of_date = _OF_A_DATE[0].match(text, found.end()) or _OF_A_DATE[1].search(
            text[max(0, found.start() - 30) : found.start()]
        )
        yield _Number(found[0], float(found[0].replace(",", "")), found.end(), bool(of_date))
    for found in IN_WORDS.finditer(text):
        if found[0].casefold() != "one":
            yield _Number(found[0], float(value_of(found[0])), found.end())


def _counts(number: _Number, text: str, findings: Sequence[Finding], facts: Facts) -> set[int]:
    """Return what a number may be by what it counts: findings, those of a severity, nodes, or times."""
    rest = text[number.end :]
    if found := _COUNTED.match(rest):
        noun = _SINGULAR[found[1].lower()]
        if rated := _RATED.match(rest):
            return _of_severity(rated[1].lower(), findings, facts)
        return _of_findings(findings, facts) if noun in _FINDING_NOUNS else _of_nodes(noun, findings, facts)
    if rated := _RATED.match(rest):
        return _of_severity(rated[1].lower(), findings, facts)
    word = number.said.casefold()
    if word in ("twice", "thrice") or _TIMES.match(rest):
        return _times(findings, facts)
    if word == "both" and (re.search(r"\band\b", rest) or len(findings) == 2):
        return {2}
    if _STANDS_FOR_FINDINGS.match(rest):
        return _of_findings(findings, facts) | _of_nodes("node", findings, facts)
    return set()


def _of_severity(severity: str, findings: Sequence[Finding], facts: Facts) -> set[int]:
    return {_rated_so(severity, findings), _rated_so(severity, facts.findings)}


def _of_findings(findings: Sequence[Finding], facts: Facts) -> set[int]:
    """Return how many findings there are: in all, cited, of a severity, of a node, and different ones."""
    counts = {len(facts.findings), facts.looked_at, len(facts.issues), len(findings), *facts.counts.values()}
    counts |= {_rated_so(severity, findings) for severity in SEVERITIES}
    return counts | {len(endpoint.finding_ids) for endpoint in facts.endpoints}


def _of_nodes(noun: str, findings: Sequence[Finding], facts: Facts) -> set[int]:
    """Return how many nodes there are of what ``noun`` names, in the snapshot and in the cited findings."""
    everywhere = _kinds(endpoint.type for endpoint in facts.endpoints)
    cited = _kinds({node.node_id: node.type for finding in findings for node in finding.nodes}.values())
    if noun in everywhere:
        return {everywhere.count(noun), cited.count(noun)}
    return {len(everywhere), len(cited), *map(everywhere.count, everywhere), *map(cited.count, cited)}


def _kinds(types: Iterable[str]) -> list[str]:
    return [type_words([name])[0].rpartition(" ")[2] for name in types]


def _times(findings: Sequence[Finding], facts: Facts) -> set[int]:
    """Return how often the cited findings were made, where they are all of one title."""
    ids = {finding.id for finding in findings}
    for issue in facts.issues:
        members = {finding.id for finding in issue.findings}
        if ids and ids <= members:
            return {len(members)}
    return set()


def _rated_so(severity: str, findings: Sequence[Finding]) -> int:
    return sum(finding.severity == severity for finding in findings)
