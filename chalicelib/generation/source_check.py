"""Checks whether a sentence is supported by the sources that it cites.

What can be compared for certain is: numbers with their units, names, what is denied, opposites, and who does what to
whom. Beyond that a sentence is taken for supported if enough of its words, or words of the same meaning, stand in
the part of the source that fits it best. That finds what a model adds or changes; it proves nothing, and what is in
between is undecided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chalicelib.generation.claim_denials import wrong_denial, wrong_direction, wrong_side
from chalicelib.generation.claim_numbers import crossed_numbers, wrong_extent, wrong_number, wrong_rate
from chalicelib.generation.claim_parts import LONGEST_SENTENCE, Parts, Word, parts_of, readable_form
from chalicelib.generation.claim_roles import (
    said_of_another,
    swapped,
    turned_comparison,
    wrong_name,
    wrong_object,
    wrong_sequence,
)
from chalicelib.generation.claim_words import meanings
from chalicelib.generation.known_sources import Known, SourceText

__all__ = ["SourceText", "Verdict", "says_something", "touches", "verify"]


SUPPORTED_FROM: Final = 0.62
"""A sentence of whose words at least this share stands in the source is supported."""

UNSUPPORTED_BELOW: Final = 0.45
"""One of whose words less than this share stands there is not; what is in between is undecided."""

_FEWEST_OF_A_CLAUSE: Final = 0.34
_CLAUSE_WORDS: Final = 3
_FEWEST_OF_A_SOURCE: Final = 0.25
# Of sources that are cited at once; who names them all points at none.
_MOST_SOURCES: Final = 12


@dataclass(frozen=True)
class Verdict:
    """What is known of a sentence: supported, not, or (None) undecided; ``reason`` says why not, for model and reader.

    ``likely`` is the better guess of an undecided one.
    """

    supported: bool | None
    reason: str = ""
    likely: bool = True

    @property
    def holds(self) -> bool:
        """Whether it is taken for supported where nobody else is asked."""
        return self.likely if self.supported is None else self.supported


def verify(sentence: str, sources: Sequence[SourceText]) -> Verdict:
    """Return whether the sources, taken together, support a sentence.

    Args:
        sentence: plain text, without its citations.
        sources: those that it cites, at least one.
    """
    if len(sentence) > LONGEST_SENTENCE or len(readable_form(sentence)) > LONGEST_SENTENCE:
        return Verdict(False, "it is too long to be compared")
    if len(sources) > _MOST_SOURCES:
        return Verdict(False, f"it cites {len(sources)} sources at once")
    claim = parts_of(sentence)
    if not claim.stems and not claim.numbers:
        return Verdict(True)
    if any(source.has_sentence(sentence) for source in sources):
        return Verdict(True)
    known = Known(claim, sources)
    reason = _contradiction(claim, known)
    if reason:
        return Verdict(False, reason)
    return _covered(claim, known)


def says_something(sentence: str) -> bool:
    """Tell whether there is anything in a sentence that a source could support."""
    claim = parts_of(sentence)
    return len(claim.stems) >= 2 or bool(claim.numbers)


def touches(sentence: str, source: SourceText) -> bool:
    """Tell whether a source has anything to do with a sentence that it is cited for with others."""
    claim = parts_of(sentence)
    there = source.about.meanings.union(*(one.meanings for one in source.sentences))
    numbers = {number.value for one in source.sentences for number in one.numbers}
    share = _share(claim.words, there, frozenset())[0]
    return share >= _FEWEST_OF_A_SOURCE or any(number.value in numbers for number in claim.numbers)


def _contradiction(claim: Parts, known: Known) -> str:
    """Return what in a sentence its sources do not say, or say otherwise; nothing if there is no such thing."""
    return (
        wrong_name(claim, known)
        or wrong_number(claim, known)
        or wrong_rate(claim, known)
        or wrong_denial(claim, known)
        or wrong_direction(claim, known)
        or wrong_extent(claim, known)
        or wrong_side(claim, known)
        or crossed_numbers(claim, known)
        or said_of_another(claim, known)
        or wrong_object(claim, known)
        or swapped(claim, known)
        or turned_comparison(claim, known)
        or wrong_sequence(claim, known)
    )


def _covered(claim: Parts, known: Known) -> Verdict:
    there = frozenset(meaning for sentence in known.near for meaning in sentence.meanings)
    share, missing = _share(claim.words, there, known.about)
    if not known.near or share < UNSUPPORTED_BELOW:
        return Verdict(False, f"the source says little of it: it does not speak of {_quoted(missing)}")
    for clause in claim.clauses:
        part, lacking = _share(clause.words, there, known.about)
        if len(clause.stems) >= _CLAUSE_WORDS and part < _FEWEST_OF_A_CLAUSE:
            return Verdict(None, f"the source does not speak of {_quoted(lacking)}", likely=False)
    if share >= SUPPORTED_FROM:
        return Verdict(True)
    return Verdict(None, f"the source does not speak of {_quoted(missing)}", likely=False)


def _share(words: Sequence[Word], there: frozenset[str], about: frozenset[str]) -> tuple[float, list[str]]:
    """Return how much of some words stands in the source, those in its title counting half, and which do not."""
    wanted = {word.stem: word.text for word in words if word.stem}
    if not wanted:
        return 1.0, []
    missing = [stem for stem in wanted if not meanings(stem) & there]
    half = sum(bool(meanings(stem) & about) for stem in missing)
    return 1 - (len(missing) - half / 2) / len(wanted), [wanted[stem] for stem in missing]


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(f"“{word}”" for word in words[:3]) or "it"
