"""The sources of one sentence, what of them is nearest to it, and where its words stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Final

from chalicelib.generation.claim_parts import (
    LONGEST_SENTENCE,
    SENTENCE_END,
    Clause,
    Number,
    Parts,
    Word,
    is_english,
    is_written_with_capitals,
    months_of,
    parts_of,
    readable_form,
)
from chalicelib.generation.claim_words import are_opposite, meanings

_WINDOW: Final = 2
_LONGEST_SOURCE: Final = 20_000
_LONGEST_TITLE: Final = 1_000
_MOST_NEAR: Final = 60
_MOST_PLACES: Final = 400
_MOST_SENTENCES: Final = 200
_ROUNDED: Final = 0.05
_FRACTION_ROUNDED: Final = 0.012
_ENDS: Final = frozenset(".!?\u2026")


class SourceText:
    """A source as it is compared with sentences; its sentences are taken to pieces once."""

    def __init__(self, text: str, about: str = "") -> None:
        """Prepare a source.

        Args:
            text: its words.
            about: title and headings: names in these count, and so do their words, a little.
        """
        self.text = readable_form(text[:_LONGEST_SOURCE])[:_LONGEST_SOURCE]
        self._about = readable_form(about[:_LONGEST_TITLE])

    @cached_property
    def sentences(self) -> tuple[Parts, ...]:
        """Its sentences, as many as are looked at."""
        lines = (line for line in re.split(r"\n\s*\n|\n(?=\s*(?:[-*•|]|\d+[.)]))", self.text) if line.strip())
        whole = (part for line in lines for part in SENTENCE_END.split(line) if part and part.strip())
        split = (piece for part in whole for piece in _pieces(part))
        return tuple(parts_of(part) for _, part in zip(range(_MOST_SENTENCES), split, strict=False))

    @cached_property
    def about(self) -> Parts:
        """Its title and headings."""
        return parts_of(self._about)

    @cached_property
    def folded(self) -> str:
        """Everything in it, for looking up names; of dates in digits the months."""
        return f"{self.text}\n{self._about}\n{' '.join(months_of(self.text))}".replace("\u2019", "'").casefold()

    @cached_property
    def _on_a_line(self) -> str:
        return " ".join(self.text.split()).casefold()

    def has_sentence(self, sentence: str) -> bool:
        """Tell whether a sentence stands in it word for word, from the beginning of a sentence to its end."""
        wanted = " ".join(readable_form(sentence).split()).casefold()
        if wanted[-1:] not in _ENDS:
            return False
        at = self._on_a_line.find(wanted)
        while at >= 0:
            before = self._on_a_line[:at].rstrip().rstrip("\"')]\u201d\u2019")
            if not before or before[-1] in _ENDS:
                return True
            at = self._on_a_line.find(wanted, at + 1)
        return False

    @cached_property
    def has_capitals(self) -> bool:
        """Whether all nouns have capitals in its language."""
        return is_written_with_capitals(self.text)


class Known:
    """The sources of one sentence, and what of them is nearest to it."""

    def __init__(self, claim: Parts, sources: Sequence[SourceText]) -> None:
        self.sources = sources
        self.sentences = [sentence for source in sources for sentence in source.sentences]
        self.clauses = [clause for sentence in self.sentences for clause in sentence.clauses]
        self.about = frozenset(meaning for source in sources for meaning in source.about.meanings)
        self.has_capitals = any(source.has_capitals for source in sources) and not is_english(claim)
        self.near = tuple(self._nearest(claim))
        self.segments = [segment for sentence in self.sentences for segment in sentence.segments]
        self.meanings = self.about.union(*(sentence.meanings for sentence in self.sentences))

    @cached_property
    def numbers(self) -> Mapping[float, Sequence[Number]]:
        """All numbers of the sources and their titles, by their values."""
        found: dict[float, list[Number]] = {}
        for parts in (*self.sentences, *(source.about for source in self.sources)):
            for number in parts.numbers:
                found.setdefault(number.value, []).append(number)
        return found

    def occurrences(self, word: Word) -> tuple[list[tuple[Parts, int]], list[tuple[Parts, int]]]:
        """Return where a word is said, and where it is denied; of its meaning, where it does not stand itself."""
        said: list[tuple[Parts, int]] = []
        denied: list[tuple[Parts, int]] = []
        found = list(islice(self.places(word.stem), _MOST_PLACES))
        root = root_of(word)
        same = [(one, at) for one, at in found if root_of(one.words[at]) == root]
        for sentence, place in same or found:
            (denied if place in sentence.denied else said).append((sentence, place))
        return said, denied

    def has_root(self, word: Word) -> bool:
        """Tell whether a word itself stands in a source, in any form."""
        return any(root_of(one) == root_of(word) for sentence in self.near for one in sentence.words if one.stem)

    def places(self, stem: str) -> Iterator[tuple[Parts, int]]:
        """Yield where a word, or one of its meaning, stands."""
        wanted = meanings(stem)
        for sentence in self.sentences:
            if wanted & sentence.all_meanings:
                for place, word in enumerate(sentence.words):
                    if not word.is_stop and wanted & meanings(word.stem or word.lowered):
                        yield sentence, place

    def has_opposite(self, words: Sequence[Word], claim: Parts) -> bool:
        """Tell whether the opposite of one of some words stands in a source, and not in the claim that has them."""
        return any(
            are_opposite(word.stem, other.stem)
            for word in words
            for one in self.near
            for other in one.words
            if other.stem and not meanings(other.stem) & claim.meanings
        )

    def goes_with(self, word: Word, number: Number) -> bool:
        """Tell whether a word stands in the same segment as a number."""
        return any(
            equal_numbers(number, other, about=False)
            and any(same_thing(word, one) for one in sentence.segment_at(other.place).words if one.stem)
            for sentence in self.sentences
            for other in sentence.numbers
        )

    def has_name(self, name: str) -> bool:
        """Tell whether a name, or a form of it, stands in a source."""
        wanted = name.casefold()
        return any(_stands(wanted, source.folded) for source in self.sources)

    def _nearest(self, claim: Parts) -> Iterator[Parts]:
        """Yield the sentences that each clause has most in common with, and their neighbours."""
        places: set[int] = set()
        for stems in (claim.stems, *(tuple(clause.stems) for clause in claim.clauses)):
            wanted = [meanings(stem) for stem in stems]
            scores = [
                (sum(bool(one & sentence.meanings) for one in wanted), -place)
                for place, sentence in enumerate(self.sentences)
            ]
            for score, place in sorted(scores, reverse=True)[:_WINDOW]:
                if score:
                    places.add(-place)
        for number in claim.numbers:
            if len(places) >= _MOST_NEAR:
                break
            places |= {
                place
                for place, sentence in enumerate(self.sentences)
                if any(equal_numbers(number, other, about=True) for other in sentence.numbers)
            }
        yield from (self.sentences[place] for place in sorted(places)[:_MOST_NEAR])


def _pieces(sentence: str) -> Iterator[str]:
    """Yield a sentence, in pieces if it is longer than one may be: lists and tables may have no ends of sentences."""
    while len(sentence) > LONGEST_SENTENCE:
        end = sentence.rfind(" ", LONGEST_SENTENCE // 2, LONGEST_SENTENCE)
        end = end if end > 0 else LONGEST_SENTENCE
        yield sentence[:end]
        sentence = sentence[end:]
    yield sentence


def _stands(name: str, text: str) -> bool:
    """Tell whether a name stands in a text, also without its ending: Swiss, Switzerland's."""
    if name.startswith("\u27e6"):
        return re.search(rf"{re.escape(name[:-1])}[a-z]*\u27e7", text) is not None
    if re.search(rf"(?<!\w){re.escape(name)}(?!\w|\.\d)", text):
        return True
    stem = name[: max(5, len(name) - 2)]
    return name.isalpha() and len(name) > 5 and re.search(rf"(?<!\w){re.escape(stem)}\w{{0,3}}(?!\w)", text) is not None


def root_of(word: Word) -> frozenset[str]:
    """Return a word's root, without what else means the same."""
    return frozenset(one for one in meanings(word.stem) if not one.startswith("="))


def equal_numbers(one: Number, other: Number, *, about: bool) -> bool:
    """Tell whether two numbers are the same: a fraction and its percentage are, and with ``about`` what is near."""
    values = [(one.value, other.value)]
    if "part" in (one.unit, other.unit) and "%" in (one.unit, other.unit):
        values.append(
            (one.value * (100 if one.unit == "part" else 1), other.value * (100 if other.unit == "part" else 1))
        )
    if any(abs(a - b) <= 1e-9 * max(1.0, abs(a)) for a, b in values):
        return True
    if len(values) > 1:
        a, b = values[1]
        return abs(a - b) <= _FRACTION_ROUNDED * max(a, b)
    return about and abs(one.value - other.value) <= _ROUNDED * max(abs(one.value), abs(other.value))


def same_thing(one: Word, other: Word) -> bool:
    """Tell whether two words name the same."""
    if one.lowered == other.lowered:
        return True
    if one.text.isalpha() and len(one.lowered) > 4 and one.lowered[:5] == other.lowered[:5]:
        return True
    return bool(other.stem) and bool(meanings(one.stem) & meanings(other.stem))


def subject_of(clause: Clause) -> Word | None:
    """Return the first word that carries weight: in most clauses what they are about."""
    return next((word for word in clause.words if word.stem), None)


def common(wanted: Iterable[frozenset[str]], stems: Iterable[str]) -> int:
    """Return how many of some words, each with what means the same, are among some stems."""
    there = frozenset(meaning for stem in stems for meaning in meanings(stem))
    return sum(bool(one & there) for one in wanted)
