"""What a report's writer is shown of a honey jar: passages for a section, with where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chalicelib.domain.honey_jar import Reader
from chalicelib.knowledge.ranking import diverse, within
from chalicelib.services.search_knowledge import Found, search

_CANDIDATES: Final = 60
_FIRST_WORDS: Final = 8
_FIRST_CHARACTERS: Final = 80


@dataclass(frozen=True)
class Passage:
    """A piece of a document.

    Args:
        document_id: whose.
        document: that document's title.
        filename: that document's file.
        page: the page on which it begins, from 1; None without pages.
        last_page: the page on which it ends.
        headings: what it stands under, the outermost first.
        text: its words, as they stand there: private values are in it.
        start: where it begins in the document's text, in characters.
        end: where it ends, exclusive.
        score: how well it fits, comparable within one retrieval alone.
        url: where the document is on the web (http or https), if its owner said so.
    """

    document_id: str
    document: str
    filename: str
    page: int | None
    last_page: int | None
    headings: tuple[str, ...]
    text: str
    start: int
    end: int
    score: float
    url: str = ""

    @property
    def link(self) -> str:
        """The address of its document, of a PDF with the page; empty: it has none."""
        has_pages = self.page is not None and self.filename.casefold().endswith(".pdf")
        return f"{self.url}#page={self.page}" if self.url and has_pages and "#" not in self.url else self.url

    @property
    def place(self) -> str:
        """Where in its document it stands: pages and headings, or else how it begins."""
        pages = ""
        if self.page is not None:
            is_one = self.last_page in (None, self.page)
            pages = f"page {self.page}" if is_one else f"pages {self.page}-{self.last_page}"
        headings = [heading for heading in self.headings if heading != self.document]
        # Not the lines that are drawn around headings; and in some scripts a sentence is one word.
        words = [word for word in self.text.split() if any(map(str.isalnum, word))][:_FIRST_WORDS]
        beginning = f"\u201c{' '.join(words)[:_FIRST_CHARACTERS].rstrip()} \u2026\u201d"
        return ", ".join(filter(None, [pages, ": ".join(headings)])) or beginning


def retrieve(
    reader: Reader, jar_id: str, query: str, budget_tokens: int, private: Sequence[tuple[str, str]] = ()
) -> list[Passage]:
    """Return the passages of a jar that fit a query, the best first, from several documents where several fit.

    One AWS call in a warm process. Whether they may read the jar is looked at now.

    Args:
        reader: for whom a report is written.
        jar_id: which jar.
        query: what a section is about.
        budget_tokens: how many tokens of a model all passages may take.
        private: values in the query that no embeddings endpoint may see, as pairs of type and value, besides those
            that are found in it.

    Raises:
        HoneyJarNotFoundError: there is no such jar for them (any more).
    """
    found = _without_repetitions(search(reader, query, _CANDIDATES, [jar_id], private).found)
    ordered = diverse(found, lambda one: one.score, lambda one: one.document.id)
    return [_passage(one) for one in within(budget_tokens, ordered, lambda one: one.chunk.text)]


def _without_repetitions(found: tuple[Found, ...]) -> list[Found]:
    """Return what was found without pieces that say the same, or that lie in one that stands before."""
    kept: list[Found] = []
    texts: set[str] = set()
    for one in found:
        text = " ".join(one.chunk.text.casefold().split())
        if text in texts or any(_lies_in(one, other) for other in kept):
            continue
        texts.add(text)
        kept.append(one)
    return kept


def _lies_in(one: Found, other: Found) -> bool:
    if one.document.id != other.document.id:
        return False
    common = min(one.chunk.end, other.chunk.end) - max(one.chunk.start, other.chunk.start)
    return common > 0.5 * (one.chunk.end - one.chunk.start)


def _passage(found: Found) -> Passage:
    chunk = found.chunk
    return Passage(
        document_id=found.document.id,
        document=found.document.title,
        filename=found.document.filename,
        page=chunk.page,
        last_page=chunk.last_page,
        headings=chunk.headings,
        text=chunk.text,
        start=chunk.start,
        end=chunk.end,
        score=found.score,
        url=found.document.url,
    )
