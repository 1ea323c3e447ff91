"""What a report says of its citations: the list of its sources, and on its last page what came of checking them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from chalicelib.domain.citations import Citations, Unsupported
from chalicelib.domain.document import Block, Emphasis, ListBlock, ListItem, Paragraph, Reference, Section, Text
from chalicelib.domain.wording import counted
from chalicelib.generation.sources import SourceBook

TITLE: Final = "About the citations"
_HOW: Final = (
    "Each sentence that cites a source was compared with it: numbers and units, names, what is denied, opposites, who "
    "does what, and how many of its words stand there. That finds what a model adds or changes; it does not prove that "
    "a sentence is true, and sentences without a citation were not compared with anything."
)


def references_of(book: SourceBook, numbers: Mapping[int, int]) -> tuple[Reference, ...]:
    """Return the sources that a document cites, in the order of their numbers there.

    Args:
        book: the report's sources.
        numbers: which number each of those that are cited has in the document.
    """
    return tuple(
        Reference(number=shown, title=one.title or "Untitled", href=one.href, detail=one.detail)
        for number, shown in sorted(numbers.items(), key=lambda pair: pair[1])
        if (one := book.source(number)) is not None
    )


def citations_section(citations: Citations, uncited: Sequence[str], quotes: int = 0) -> Section:
    """Return the section on what came of checking the citations.

    Args:
        citations: that.
        uncited: the parts in which nothing cites a source.
        quotes: how many of the sentences that cite one are quotes from it.
    """
    return Section(id="about-the-citations", title=TITLE, blocks=tuple(_blocks(citations, uncited, quotes)))


def _blocks(citations: Citations, uncited: Sequence[str], quotes: int) -> Iterator[Block]:
    yield _paragraph(_result(citations))
    if citations.unsupported:
        yield ListBlock(ordered=False, items=tuple(map(_item, citations.unsupported)))
        rest = citations.claims - citations.supported - len(citations.unsupported)
        if rest:
            yield _paragraph(f"{counted(rest, 'more sentence')} {'is' if rest == 1 else 'are'} marked in the text.")
    if citations.removed:
        removed = counted(citations.removed, "citation")
        yield _paragraph(
            f"{removed[:1].upper()}{removed[1:]} named no source of this report, and {_was(citations.removed)} removed."
        )
    if uncited:
        yield _paragraph(f"Nothing cites a source in: {'; '.join(uncited)}.")
    if quotes:
        yield _paragraph(f"Of these, {counted(quotes, 'sentence')} {_is(quotes)} quoted word for word.")
    if quotes < citations.claims or not citations.claims:
        yield _paragraph(_HOW)


def _result(citations: Citations) -> str:
    if not citations.claims:
        return "No sentence of this report cites a source."
    sentences = f"{citations.claims:,} {'sentence cites' if citations.claims == 1 else 'sentences cite'} a source"
    if citations.supported == citations.claims:
        return (
            f"{sentences}, and {'it is' if citations.claims == 1 else 'all of them are'} supported by what they cite."
        )
    wrong = citations.claims - citations.supported
    if not citations.supported:
        none = "but is not supported by it" if wrong == 1 else "but none of them is supported by it"
        return f"{sentences}, {none}; marked in the text:"
    return (
        f"{sentences}. {citations.supported:,} of them {_is(citations.supported)} supported by what they cite; "
        f"{wrong:,} {_is(wrong)} not, and {_is(wrong)} marked in the text:"
    )


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _item(one: Unsupported) -> ListItem:
    said = Text(text=f"“{one.sentence}” ")
    why = Emphasis(children=(Text(text=f"{one.source}: {one.reason}."),))
    return ListItem(children=(Paragraph(children=(said, why)),))


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _paragraph(text: str) -> Paragraph:
    return Paragraph(children=(Text(text=text),))
