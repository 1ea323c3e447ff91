"""What the sources of a report say themselves: quotes for its sections, where the model is too small to cite."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Final

from chalicelib.domain.document import BlockQuote, Paragraph, Text
from chalicelib.generation.digest import Digest, Extract, Quote, Wanted, digest
from chalicelib.generation.outline_styles import is_closing, own_words
from chalicelib.generation.report_parts import Slot
from chalicelib.generation.source import Source
from chalicelib.generation.sources import SourceBook
from chalicelib.generation.topic import Topic

NOTICE: Final = (
    "Indented sentences are quoted word for word from the sources that they cite, and were chosen by rules. The text "
    "around them was written by a model; what cites nothing there was compared with nothing."
)
SECTION_WORDS: Final = 80
"""Words that are quoted in one section, at most."""

# Numbers in brackets would be taken for citations of this report.
_NUMBER: Final = re.compile(r"[\[\u3010\uff3b][^\w\]]{0,3}\d")


def quotes_for(
    sections: Sequence[Sequence[Slot]], topic: Topic, book: SourceBook, section_words: int = SECTION_WORDS
) -> list[Digest]:
    """Return quotes for each section of a report, in their order; some may have none. They depend on nothing else.

    Args:
        sections: the parts of each.
        topic: what the report is about.
        book: its sources, and which part was given which.
        section_words: words that are quoted in one section, at most.
    """
    chosen = digest(topic.phrase, [_wanted(slots, topic, book, section_words) for slots in sections])
    return [Digest(section.title, tuple(_usable(section))) for section in chosen]


def as_block(section: Digest) -> BlockQuote:
    """Return a section's quotes as a block of a document, each followed by its citation, as text: ``[3]``."""
    return BlockQuote(children=tuple(_paragraph(quotes) for quotes in section.paragraphs))


def quotes_in(sections: Iterable[Digest]) -> list[Quote]:
    """Return all quotes of some sections, in their order."""
    return [quote for section in sections for quotes in section.paragraphs for quote in quotes]


def _wanted(slots: Sequence[Slot], topic: Topic, book: SourceBook, section_words: int) -> Wanted:
    title = slots[0].section.title
    is_named = title in topic.named
    found = {source.number: source for source in chain.from_iterable(book.of(slot.key) for slot in slots)}
    passages = [(_extract(source), 1 / place) for place, source in enumerate(found.values(), start=1)]
    return Wanted(
        title,
        " ".join(own_words(slot.part.brief) for slot in slots),
        section_words,
        # Quotes draw no conclusions.
        passages if is_named or not is_closing(title) else [],
        of_topic=not is_named,
    )


def _extract(source: Source) -> Extract:
    headings = (source.detail,) if source.detail else ()
    return Extract(source.number, source.href or source.title, source.number, source.text, headings, source.title)


def _usable(section: Digest) -> Iterator[tuple[Quote, ...]]:
    """Yield the paragraphs of a section without what cannot be quoted, and without what leans on that."""
    is_gone = False
    for quotes in section.paragraphs:
        usable = []
        for quote in quotes:
            follows_nothing = quote.follows and is_gone
            is_gone = not quote.stands_there or bool(_NUMBER.search(quote.text)) or (quote.leans and follows_nothing)
            if not is_gone:
                usable.append(replace(quote, follows=False) if follows_nothing else quote)
        if usable:
            yield tuple(usable)


def _paragraph(quotes: Sequence[Quote]) -> Paragraph:
    told = [f"{' ' if quote.follows else ' … '}{quote.text} [{quote.extract.key}]" for quote in quotes]
    return Paragraph(children=(Text(text="".join(told).removeprefix(" … ").strip()),))
