"""What a sentence says in numbers, and how often and of how much it says something, against its sources."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import Final

from chalicelib.generation.claim_parts import Number, Parts
from chalicelib.generation.claim_words import meanings
from chalicelib.generation.known_sources import Known, common, equal_numbers, subject_of

_ABOUT: Final = frozenset(["about", "around", "roughly", "approximately", "nearly", "almost", "some", "circa", "ca"])
_AT_LEAST = re.compile(
    r"\b(?:at least|no (?:less|fewer) than|not (?:less|fewer) than|minimum(?: of)?|more than|over|above|from|"
    r"(?:longer|larger|greater|higher|bigger) than|exceed(?:s|ed|ing)?)\s*(?:about\s*|the\s*)?(?:\W\s*)?$"
)
_AT_MOST = re.compile(
    r"\b(?:at most|no more than|not more than|up to|maximum(?: of)?|max\.?|less than|fewer than|under|below|"
    r"(?:shorter|smaller|lower) than|within|capped at|limited to|as much as)\s*(?:about\s*|the\s*)?(?:\W\s*)?$"
)
_RATE = re.compile(
    r"\b(?:every|each|an?|per)\s+(?P<half>half\s+)?(?P<each>minute|hour|day|night|week|month|quarter|year)\b"
    r"|\b(?P<adverb>hourly|daily|nightly|weekly|monthly|quarterly|yearly|annually|annual)\b"
)
_RATES: Final = {
    "hourly": "hour",
    "daily": "day",
    "nightly": "day",
    "night": "day",
    "weekly": "week",
    "monthly": "month",
    "quarterly": "quarter",
    "yearly": "year",
    "annually": "year",
    "annual": "year",
}
_ALL = re.compile(r"\b(?:all|every|always|everyone|everybody|entire|entirely|completely|without exception)\b")
_WHOLE: Final = frozenset(["all", "every"])
_SOME: Final = frozenset(["some", "most", "many", "few", "several"])
_MOST_NUMBERS: Final = 12
_PORTION: Final = ("part", "%")
_MUST = re.compile(r"\b(?:must|shall|has to|have to|had to|required|mandatory|obliged)\b")
_MAY = re.compile(r"\b(?:may|can|could|might|optional(?:ly)?|voluntar\w+|free to)\b")


def wrong_number(claim: Parts, known: Known) -> str:
    """Return a problem where a number does not stand in the sources, or of something else."""
    for at, number in enumerate(claim.numbers):
        equal = _equal(number, known, about=is_rough(claim, number))
        if not equal:
            return f"the number {number.said} does not stand there"
        if number.unit and not any(same_unit(number, other) for other in equal):
            return f"{number.said} is of something else there"
        if at >= _MOST_NUMBERS:
            continue
        if reason := _wrong_bound(claim, number, known):
            return reason
        if reason := _number_of_another(claim, number, known):
            return reason
    return ""


def _equal(number: Number, known: Known, *, about: bool) -> Sequence[Number]:
    """Return the numbers of the sources that are the same; where there are none, those that come near enough."""
    found = known.numbers.get(number.value, ())
    if found and number.unit not in _PORTION:
        return found
    return [other for others in known.numbers.values() for other in others if equal_numbers(number, other, about=about)]


def same_unit(one: Number, other: Number) -> bool:
    """Tell whether two numbers may be of the same unit."""
    return one.unit == other.unit or not other.unit or {one.unit, other.unit} == {"part", "%"}


def is_rough(claim: Parts, number: Number) -> bool:
    """Tell whether a number is said to be about so large."""
    return any(word.lowered in _ABOUT for word in claim.words[max(0, number.place - 4) : number.place])


def _wrong_bound(claim: Parts, number: Number, known: Known) -> str:
    said = _bound(claim, number)
    if not said:
        return ""
    bounds = {
        _bound(sentence, other)
        for sentence in known.sentences
        for other in sentence.numbers
        if equal_numbers(number, other, about=False) and same_unit(number, other)
    }
    return f"the bound of {number.said} is the opposite there" if bounds == {-said} else ""


def _bound(sentence: Parts, number: Number) -> int:
    """Return 1 where a number is the least, -1 where it is the most, 0 where it is neither."""
    first = number.place - len(number.said.split()) + 1
    before = " ".join(word.lowered for word in sentence.words[max(0, first - 5) : first])
    if _AT_MOST.search(before):
        return -1
    if _AT_LEAST.search(before):
        return 1
    after = " ".join(word.lowered for word in sentence.words[number.place + 1 : number.place + 5])
    if re.search(r"\bat (?:the )?most\b|\bor (?:less|fewer)\b", after):
        return -1
    return 1 if re.search(r"\bat least\b|\bor more\b", after) else 0


def _number_of_another(claim: Parts, number: Number, known: Known) -> str:
    """Return a problem where the source says what a clause says of its number of another one."""
    clause = claim.segment_at(number.place)
    own = [other.value for other in claim.numbers if claim.segment_at(other.place) is clause]
    wanted = [meanings(stem) for stem in clause.stems]
    best, best_other = -1, -1
    about = is_rough(claim, number)
    for sentence in known.sentences:
        for other in sentence.numbers:
            near = common(wanted, sentence.segment_at(other.place).stems)
            if equal_numbers(number, other, about=about):
                best = max(best, near)
            elif other.unit == number.unit and other.value not in own and _alike(number, other):
                best_other = max(best_other, near)
    return f"{number.said} is said of something else there" if best_other >= best + 2 and best >= 0 else ""


def _alike(one: Number, other: Number) -> bool:
    """Tell whether two numbers could count the same; a year is no count."""
    return _is_year(one) == _is_year(other)


def _is_year(number: Number) -> bool:
    return not number.unit and 1500 <= number.value <= 2100 and number.value == int(number.value)


def crossed_numbers(claim: Parts, known: Known) -> str:
    """Return a problem where two things have each other's numbers."""
    if len(claim.numbers) < 2:
        return ""
    for one, two in permutations(claim.numbers[:_MOST_NUMBERS], 2):
        mine, theirs = claim.segment_at(one.place), claim.segment_at(two.place)
        if mine is theirs or one.value == two.value:
            continue
        first, second = subject_of(mine), subject_of(theirs)
        if first is None or second is None or meanings(first.stem) & meanings(second.stem):
            continue
        is_crossed = known.goes_with(first, two) and known.goes_with(second, one)
        if is_crossed and not (known.goes_with(first, one) or known.goes_with(second, two)):
            return f"“{first.text}” and “{second.text}” have each other's numbers"
    return ""


def wrong_rate(claim: Parts, known: Known) -> str:
    """Return a problem where something is said to happen more or less often than there."""
    said = _rates(claim.text)
    if not said:
        return ""
    there = [_rates(sentence.text) for sentence in known.near]
    every = set().union(*there) if there else set()
    return "" if not every or said & every else "it is said to happen more or less often there"


def _rates(text: str) -> set[str]:
    found = set()
    for rate in _RATE.finditer(text.casefold()):
        word = rate["adverb"] or rate["each"]
        found.add((rate["half"] or "") + _RATES.get(word, word))
    return found


def wrong_extent(claim: Parts, known: Known) -> str:
    """Return a problem where all is said of what the source says of a part, or must of what it says may."""
    text = claim.text.casefold()
    near = _best(claim, known)
    if near is None:
        return ""
    there = near.text.casefold()
    portions = [number for number in near.numbers if number.unit in _PORTION and 0 < number.value < 100]
    if _ALL.search(text) and not _ALL.search(there) and portions and not claim.numbers:
        return "there it is said of a part"
    if _ALL.search(text) and portions and not any(number.unit in _PORTION for number in claim.numbers):
        return "there it is said of a part"
    if any(meanings(one) & meanings(other) for one in _of_which(claim, _WHOLE) for other in _of_which(near, _SOME)):
        return "there it is said of a part"
    if _MUST.search(text) and not _MUST.search(there) and _MAY.search(there):
        return "there it may be so, and need not"
    return ""


def _of_which(sentence: Parts, quantity: frozenset[str]) -> Iterator[str]:
    """Yield the stems of what a word of quantity is said of: ``some of the users``."""
    for at, word in enumerate(sentence.words):
        if word.lowered in quantity:
            after = (one for one in sentence.words[at + 1 : at + 4] if one.stem or one.is_stop)
            if (one := next(after, None)) is not None and one.stem:
                yield one.stem


def _best(claim: Parts, known: Known) -> Parts | None:
    wanted = [meanings(stem) for stem in claim.stems]
    return max(known.near, key=lambda one: common(wanted, one.stems), default=None)
