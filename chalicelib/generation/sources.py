"""The sources of one report: passages that were found for its parts, numbered once, the same for all parts.

The pipeline knows nothing of honey jars or of the web: what finds passages comes in as a ``Retriever``. What is kept
of them here has tokens for private values, as everything has on its way to a model and into checkpoints.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Protocol

from chalicelib.generation.journal import Journal
from chalicelib.generation.outline_styles import own_words
from chalicelib.generation.report_parts import Slot
from chalicelib.generation.scrambling import Texts
from chalicelib.generation.source import Source
from chalicelib.generation.watch import Watch

SOURCES_KEY: Final = "sources"
# A checkpoint is one item of at most 400 KB; a letter may take four bytes.
_LONGEST_CHECKPOINT: Final = 80_000
# Passages of one report; more than these nobody would look up.
MOST_SOURCES: Final = 400
_LONGEST_QUERY: Final = 600


@dataclass(frozen=True)
class Passage:
    """A piece of somebody else's text that was found.

    Args:
        key: what tells it from all others: the same passage has the same key whenever it is found.
        title: of the document or page that it is from.
        text: its words, as they stand there.
        detail: where in it, in words: page, headings.
        href: its address, http or https, or nothing.
    """

    key: str
    title: str
    text: str
    detail: str = ""
    href: str = ""


class Retriever(Protocol):
    """Finds passages, and knows whether they may still be read. Whatever these raise ends the report."""

    def find(self, query: str, budget_tokens: int) -> Sequence[Passage]:
        """Return the passages that fit, the best first.

        Args:
            query: what a part is about, with tokens for private values.
            budget_tokens: how many tokens of a model all of them may take.

        Raises:
            SourcesGone: they may not be read (any more).
        """

    def check(self) -> None:
        """Raise ``SourcesGone`` if the sources may not be read any more."""

    @property
    def notices(self) -> Sequence[str]:
        """What the reader must know of how it went, in sentences."""


class SourceBook:
    """The sources of one report, and which parts were given which."""

    def __init__(self, sources: Iterable[Source], by_part: Mapping[str, Sequence[int]], notices: Sequence[str]) -> None:
        self._sources = {source.number: source for source in sources}
        self._by_part = {key: tuple(numbers) for key, numbers in by_part.items()}
        self.notices = tuple(notices)

    def of(self, key: str) -> tuple[Source, ...]:
        """Return what the part with this checkpoint key was given, the best first."""
        return tuple(self._sources[number] for number in self._by_part.get(key, ()))

    def source(self, number: int) -> Source | None:
        """Return the source of a number, if there is one."""
        return self._sources.get(number)

    @property
    def numbers(self) -> frozenset[int]:
        """The numbers of all sources."""
        return frozenset(self._sources)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found for any part."""
        return not self._sources

    def to_json(self) -> str:
        """Return the book as text, to be kept as a checkpoint."""
        fields = {
            "sources": [asdict(source) for source in self._sources.values()],
            "by_part": self._by_part,
            "notices": self.notices,
        }
        return json.dumps(fields, ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> SourceBook:
        """Read what ``to_json`` wrote.

        Raises:
            ValueError: the text is not a book.
        """
        try:
            raw = json.loads(text)
            return SourceBook([Source(**source) for source in raw["sources"]], raw["by_part"], raw["notices"])
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"not a book of sources: {error}") from error


def sources_of(
    slots: Sequence[Slot],
    topic: str,
    retriever: Retriever,
    budget_tokens: int,
    checkpoints: Mapping[str, str],
    journal: Journal,
    texts: Texts,
    watch: Watch,
) -> SourceBook:
    """Return the sources of a report: those of an earlier attempt, with its numbers, else what is found now.

    Args:
        slots: the parts, in the report's order, which is that of the numbers.
        topic: what the report is about.
        retriever: finds passages.
        budget_tokens: how many tokens the passages of one part may take.
        checkpoints: what an earlier attempt stored.
        journal: where they are kept for a later one.
        texts: hides what is private in them.
        watch: may stop it before each part.

    Raises:
        SourcesGone: they may not be read (any more), those of an earlier attempt included.
        Exception: whatever stopped it.
    """
    if stored := _stored(checkpoints):
        retriever.check()
        return stored
    found = []
    for slot in slots:
        watch.check_now()
        found.append((slot.key, list(retriever.find(_query(slot, topic), budget_tokens))))
    book = _numbered(found, texts, retriever.notices)
    _keep(book.to_json(), journal)
    return book


def has_sources(checkpoints: Mapping[str, str]) -> bool:
    """Tell whether an earlier attempt has left its sources: without them nobody knows what its pieces cite."""
    return _stored(checkpoints) is not None


def _query(slot: Slot, topic: str) -> str:
    """Return what a part is about: what the questions of all parts ask finds the same passages for each."""
    told = dict.fromkeys((slot.section.title, slot.part.title, topic, own_words(slot.part.brief)))
    return ". ".join(filter(None, told))[:_LONGEST_QUERY]


def _numbered(found: Sequence[tuple[str, Sequence[Passage]]], texts: Texts, notices: Sequence[str]) -> SourceBook:
    passages = {passage.key: passage for _, some in found for passage in some}
    chosen = dict(list(passages.items())[:MOST_SOURCES])
    # Who is known from one passage is known in all.
    texts.learn(text for passage in chosen.values() for text in (passage.title, passage.detail, passage.text))
    sources = {
        key: _hidden(number, passage, texts.hide) for number, (key, passage) in enumerate(chosen.items(), start=1)
    }
    by_part = {key: [sources[one.key].number for one in some if one.key in sources] for key, some in found}
    return SourceBook(sources.values(), by_part, notices)


def _hidden(number: int, passage: Passage, hide: Callable[[str], str]) -> Source:
    return Source(number, hide(passage.title), hide(passage.text), hide(passage.detail), hide(passage.href))


# In several checkpoints, as one is bounded; the one that counts them is written last, and without it there are none.


def _keep(text: str, journal: Journal) -> None:
    pieces = [text[at : at + _LONGEST_CHECKPOINT] for at in range(0, len(text), _LONGEST_CHECKPOINT)]
    for number, piece in enumerate(pieces, start=1):
        journal.keep(_key(number), piece)
    journal.keep(SOURCES_KEY, json.dumps({"pieces": len(pieces)}))


def _stored(checkpoints: Mapping[str, str]) -> SourceBook | None:
    try:
        count = int(json.loads(checkpoints[SOURCES_KEY])["pieces"])
        return SourceBook.from_json("".join(_pieces(checkpoints, count)))
    except (KeyError, ValueError, TypeError):
        return None


def _pieces(checkpoints: Mapping[str, str], count: int) -> Iterator[str]:
    return (checkpoints[_key(number)] for number in range(1, count + 1))


def _key(number: int) -> str:
    return f"{SOURCES_KEY}-{number:02}"
