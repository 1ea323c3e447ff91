"""Chooses sentences of sources for the sections of a report, so that one can be put together without a model.

A sentence goes where it fits best, is quoted whole and once, and so is what says nearly the same. What counts: how
well its passage was found for the section, the words that it has in common with what the section is about, how
much it says of what the sources say together, and how little of what was chosen already. One that leans on the
sentence before it is quoted with that or not at all.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from chalicelib.generation.markdown_text import words
from chalicelib.generation.quotable import Sentence, quotable_sentences
from chalicelib.knowledge.words import words_of

_FOUND, _ABOUT, _CENTRAL = 0.4, 0.4, 0.2
# Of two sentences one is left out if they have this much in common (cosine), and less counts against the second.
_SAME: Final = 0.7
_REPETITION: Final = 0.5
# A sentence of few words has little to say, however much of it is asked for.
_SHORT: Final = 0.65
_LONG_ENOUGH: Final = 14
# How much of one of the things that a title names a sentence has to say, in words weighed by their rareness.
_NAMED: Final = 0.35
# A sentence that follows one of the section is understood the better for it.
_FOLLOWING: Final = 1.15
# Each further quote of the same document counts for this much of the one before.
_AGAIN: Final = 0.97
# What leans on a sentence that fits this well may be quoted with it.
_FIRM: Final = 0.4
_LENT: Final = 0.5
_MOST_CANDIDATES: Final = 2_000
_QUESTION_WORDS: Final = 2
_BETWEEN_THINGS: Final = re.compile(r",|;|/|&|\band\b|\bor\b|\bversus\b|\bvs\b", re.IGNORECASE)
# What stands under these is no part of what a document says.
_APART: Final = frozenset(
    [
        "acknowledgements",
        "acknowledgments",
        "bibliography",
        "contents",
        "further reading",
        "index",
        "list of figures",
        "list of tables",
        "literature",
        "references",
        "see also",
        "table of contents",
        "works cited",
    ]
)
# Nor is this, unless it is asked for.
_LEGAL: Final = frozenset(["copyrig", "licens", "licence"])
_LONGEST_LEGAL_HEADING: Final = 3
_NUMBERING: Final = re.compile(r"^[\dA-Z]?[\d.]*[.)]?\s+|[^\w\s]")
# A paragraph goes on with another passage, under the same heading, up to so many words; and is divided where it has so
# many, or twice as many if the sentences follow each other.
_SHORT_PARAGRAPH: Final = 60
_LONG_PARAGRAPH: Final = 130
# "Redistribution" is about who redistributes: words of which so much is the same are one.
_ROOT: Final = 7
_ASKED_OF_ALL: Final = (
    "mean matter concrete step lead good usually go wrong help decide work tell telling example enough main need "
    "people system use used way thing kind first large small important know known one two give gives given make makes "
    "take takes show shows part parts point points does done say says"
)
"""What the questions of outlines ask about anything at all."""


@dataclass(frozen=True)
class Extract:
    """A passage of a source.

    ``key`` names the passage and ``document`` its source, which has a ``title``; ``start`` is where it begins there, in
    characters; ``headings`` are what it stands under, and count as words of its sentences.
    """

    key: Hashable
    document: str
    start: int
    text: str
    headings: tuple[str, ...] = ()
    title: str = ""


@dataclass(frozen=True)
class Wanted:
    """What a section is to hold: about ``words`` words on ``title`` and ``question``.

    ``found`` are passages with their scores, the best first. A ``general`` section takes whatever is about the
    topic and fits nowhere else; what others leave of their words is for it. A section ``of_topic``, as any report has
    it, takes nothing of documents and passages that never mention the topic.
    """

    title: str
    question: str
    words: int
    found: Sequence[tuple[Extract, float]]
    general: bool = False
    of_topic: bool = False


@dataclass(frozen=True)
class Quote:
    """A sentence, word for word, and the passage that it is from.

    ``follows`` says that it goes on from the last, ``leans`` that it may not be understood without that.
    """

    text: str
    extract: Extract
    follows: bool = False
    leans: bool = False

    @property
    def stands_there(self) -> bool:
        """Whether it stands in its passage, letter by letter, white space aside."""
        return " ".join(self.text.split()) in " ".join(self.extract.text.split())


@dataclass(frozen=True)
class Digest:
    """A section: quotes in paragraphs, those of a source together and in its order."""

    title: str
    paragraphs: tuple[tuple[Quote, ...], ...]


def digest(topic: str, sections: Sequence[Wanted]) -> list[Digest]:
    """Return the sections with what was chosen for them, in the same order; some may be empty.

    Args:
        topic: what all of it is about, as a phrase.
        sections: what is wanted; at most one is general.
    """
    pool = _Pool(topic, sections)
    chosen: dict[int, list[_Candidate]] = {number: [] for number in range(len(sections))}
    special = [number for number, section in enumerate(sections) if not section.general]
    _choose(pool, special, [sections[number].words for number in special], chosen)
    general = [number for number, section in enumerate(sections) if section.general]
    if general:
        unused = sum(section.words for section in sections) - sum(
            candidate.words for number in special for candidate in chosen[number]
        )
        _choose(pool, general, [unused], chosen)
    return [Digest(section.title, _paragraphs(chosen[number])) for number, section in enumerate(sections)]


@dataclass(eq=False)
class _Candidate:
    """A sentence; ``fits`` tells for each section that it may go to how well it does, from 0 to 1."""

    sentence: Sentence
    extract: Extract
    stems: Counter[str]
    vector: dict[str, float] = field(default_factory=dict)
    central: float = 0.0
    fits: dict[int, float] = field(default_factory=dict)
    repeats: float = 0.0

    @cached_property
    def words(self) -> int:
        return words(self.sentence.text)

    @cached_property
    def extract_stems(self) -> frozenset[str]:
        return frozenset(_roots(" ".join(self.extract.headings)))

    @cached_property
    def title_stems(self) -> frozenset[str]:
        return frozenset(_roots(self.extract.title))


def _roots(text: str) -> list[str]:
    return [word[:_ROOT] if word.isascii() else word for word in words_of(text)]


_COMMON: Final = frozenset(_roots(_ASKED_OF_ALL))


class _Pool:
    """All sentences that were found, with what is known about each."""

    def __init__(self, topic: str, sections: Sequence[Wanted]) -> None:
        self.topic = frozenset(_roots(topic))
        self.candidates = _candidates(topic, sections)
        self._by_place = {(one.extract.key, one.sentence.place): one for one in self.candidates}
        self._weights = _rareness([candidate.stems.keys() for candidate in self.candidates])
        self._weights_in_place = _rareness(
            [candidate.stems.keys() | candidate.extract_stems for candidate in self.candidates]
        )
        for candidate in self.candidates:
            candidate.vector = self._vector(candidate.stems)
        self._note_centrality()
        for number, section in enumerate(sections):
            self._note_fits(number, section)

    def note(self, chosen: _Candidate) -> None:
        """Take note of a sentence that will be quoted: every other one counts less, the more it says the same."""
        for candidate in self.candidates:
            candidate.repeats = max(candidate.repeats, _alike(candidate.vector, chosen.vector))

    def after(self, candidate: _Candidate) -> list[_Candidate]:
        """Return what leans on a sentence, if it can be quoted."""
        after = self._by_place.get(_next_to(candidate))
        return [after] if after and after.sentence.leans else []

    def _vector(self, stems: Mapping[str, int]) -> dict[str, float]:
        raw = {stem: (1 + math.log(count)) * self._weights.get(stem, 0.0) for stem, count in stems.items()}
        length = math.sqrt(math.fsum(value * value for value in raw.values()))
        return {stem: value / length for stem, value in raw.items()} if length else {}

    def _note_centrality(self) -> None:
        centre: dict[str, float] = {}
        for candidate in self.candidates:
            for stem, value in candidate.vector.items():
                centre[stem] = centre.get(stem, 0.0) + value
        near = [_alike(candidate.vector, centre) for candidate in self.candidates]
        most = max(near, default=0.0) or 1.0
        for candidate, value in zip(self.candidates, near, strict=True):
            candidate.central = value / most

    def _note_fits(self, number: int, section: Wanted) -> None:
        things = self._things(section.title)
        title = frozenset().union(*things)
        question = frozenset(_roots(section.question)) - _COMMON
        asked = self._vector(Counter([*title, *question, *self.topic]))
        scores = {extract.key: score for extract, score in section.found}
        most = max(scores.values(), default=0.0) or 1.0
        fitting = [
            (candidate, _alike(candidate.vector, asked))
            for candidate in self.candidates
            if candidate.extract.key in scores
            and self._belongs(candidate, section, things, question - title - self.topic)
        ]
        closest = max((about for _, about in fitting), default=0.0) or 1.0
        for candidate, about in fitting:
            found = max(0.0, scores[candidate.extract.key]) / most
            value = _FOUND * found + _ABOUT * about / closest + _CENTRAL * candidate.central
            candidate.fits[number] = value * (_SHORT + (1 - _SHORT) * min(1.0, candidate.words / _LONG_ENOUGH))

    def _things(self, title: str) -> list[frozenset[str]]:
        """Return the words of each thing that a title names, but those of the topic where it has others."""
        things = [frozenset(_roots(thing)) for thing in _BETWEEN_THINGS.split(title)]
        return [own for own in (thing - self.topic for thing in things) if own] or [thing for thing in things if thing]

    def _belongs(
        self, candidate: _Candidate, section: Wanted, things: Sequence[frozenset[str]], question: frozenset[str]
    ) -> bool:
        """Tell whether a sentence says something on a section, and not merely on the topic."""
        stems = candidate.stems.keys() | candidate.extract_stems
        if section.general:
            return not self.topic or bool(stems & self.topic)
        if section.of_topic and self.topic and not self.topic & (stems | candidate.title_stems):
            return False
        answers = len(stems & question)
        return answers >= _QUESTION_WORDS or any(
            self._part(thing, stems) >= _NAMED or (answers and stems & thing) for thing in things
        )

    def _part(self, thing: frozenset[str], stems: AbstractSet[str]) -> float:
        """Return how much of a thing's words some words have, weighed by how rare they are in what was found."""
        weights = self._weights_in_place
        whole = math.fsum(weights.get(stem, 0.0) for stem in thing)
        return math.fsum(weights.get(stem, 0.0) for stem in thing & stems) / whole if whole else 0.0


def _candidates(topic: str, sections: Sequence[Wanted]) -> list[_Candidate]:
    extracts = {extract.key: extract for section in sections for extract, _ in section.found}
    asked = frozenset(_roots(" ".join([topic, *(f"{section.title} {section.question}" for section in sections)])))
    made: dict[str, _Candidate] = {}
    for extract in extracts.values():
        if _is_apart(extract, asked):
            continue
        for sentence in quotable_sentences(extract.text):
            # What stands in two passages, or twice in a source, is quoted where it was found first.
            made.setdefault(_plain(sentence.text), _Candidate(sentence, extract, Counter(_roots(sentence.text))))
    return [candidate for candidate in made.values() if candidate.stems][:_MOST_CANDIDATES]


def _is_apart(extract: Extract, asked: frozenset[str]) -> bool:
    heading = " ".join(_NUMBERING.sub("", extract.headings[-1]).casefold().split()) if extract.headings else ""
    roots = _roots(heading)
    is_legal = 0 < len(roots) <= _LONGEST_LEGAL_HEADING and not _LEGAL.isdisjoint(roots) and _LEGAL.isdisjoint(asked)
    return heading in _APART or is_legal


def _plain(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _rareness(sentences: Sequence[AbstractSet[str]]) -> dict[str, float]:
    """Return how much a word tells: the rarer in what was found, the more."""
    having = Counter(stem for stems in sentences for stem in stems)
    return {stem: math.log(1 + len(sentences) / count) for stem, count in having.items()}


def _alike(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    if len(other) < len(one):
        one, other = other, one
    return math.fsum(value * other[stem] for stem, value in one.items() if stem in other)


def _choose(
    pool: _Pool, sections: Sequence[int], budgets: Sequence[int], chosen: Mapping[int, list[_Candidate]]
) -> None:
    """Give the best sentence to its best section, again and again, until all are full or nothing fits."""
    left = dict(zip(sections, budgets, strict=True))
    waiting = [one for one in pool.candidates if one.repeats < _SAME and not left.keys().isdisjoint(one.fits)]
    # What follows a quote, and in which section.
    follows = {_next_to(candidate): number for number, own in chosen.items() for candidate in own}
    quoted: Counter[tuple[int, str]] = Counter()
    while waiting:
        best, number, most = None, -1, -math.inf
        for candidate in waiting:
            behind = follows.get((candidate.extract.key, candidate.sentence.place))
            for section, fit in candidate.fits.items():
                if candidate.words > left.get(section, 0) or (candidate.sentence.leans and behind != section):
                    continue
                bonus = _FOLLOWING if behind == section else 1.0
                again = _AGAIN ** quoted[section, candidate.extract.document]
                value = fit * bonus * again - _REPETITION * candidate.repeats
                if value > most:
                    best, number, most = candidate, section, value
        if best is None:
            return
        chosen[number].append(best)
        left[number] -= best.words
        quoted[number, best.extract.document] += 1
        follows[_next_to(best)] = number
        pool.note(best)
        waiting += [one for one in pool.after(best) if _lends(best, one, number) and one not in waiting]
        waiting = [candidate for candidate in waiting if candidate.repeats < _SAME]


def _lends(chosen: _Candidate, neighbour: _Candidate, section: int) -> bool:
    """Let a sentence go to a section for the sake of its neighbour there, and tell whether it may."""
    if section in neighbour.fits or chosen.fits[section] < _FIRM:
        return False
    neighbour.fits[section] = _LENT * chosen.fits[section]
    return True


def _next_to(candidate: _Candidate) -> tuple[Hashable, int]:
    return candidate.extract.key, candidate.sentence.place + 1


def _paragraphs(chosen: Sequence[_Candidate]) -> tuple[tuple[Quote, ...], ...]:
    """Return the quotes of each source together; the source with the best of them stands first."""
    by_document: dict[str, list[_Candidate]] = {}
    for candidate in chosen:  # the best first
        by_document.setdefault(candidate.extract.document, []).append(candidate)
    return tuple(
        tuple(paragraph) for candidates in by_document.values() for paragraph in _divided(_in_order(candidates))
    )


def _in_order(candidates: Sequence[_Candidate]) -> Iterator[Quote]:
    ordered = sorted(candidates, key=lambda one: (one.extract.start, one.sentence.start))
    expected: tuple[Hashable, int] | None = None
    for candidate in ordered:
        here = candidate.extract.key, candidate.sentence.place
        yield Quote(candidate.sentence.text, candidate.extract, here == expected, candidate.sentence.leans)
        expected = _next_to(candidate)


def _divided(quotes: Iterable[Quote]) -> Iterator[list[Quote]]:
    """Yield the quotes of a source in paragraphs: one for each passage, or for a few short ones under one heading."""
    paragraph: list[Quote] = []
    size = 0
    for quote in quotes:
        if paragraph and _begins_anew(paragraph[-1], quote, size):
            yield paragraph
            paragraph, size = [], 0
        paragraph.append(quote)
        size += words(quote.text)
    if paragraph:
        yield paragraph


def _begins_anew(before: Quote, quote: Quote, size: int) -> bool:
    if before.extract.key == quote.extract.key:
        return size >= (2 * _LONG_PARAGRAPH if quote.follows else _LONG_PARAGRAPH)
    return size >= _SHORT_PARAGRAPH or before.extract.headings != quote.extract.headings
