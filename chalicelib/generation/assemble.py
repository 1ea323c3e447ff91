"""Puts written pieces together into the Document."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from chalicelib.domain.document import (
    Block,
    BlockQuote,
    Citation,
    Emphasis,
    Footnote,
    Heading,
    ListBlock,
    ListItem,
    Paragraph,
    Section,
    Text,
    walk_inlines,
)
from chalicelib.generation.citation_marks import with_literal_citations
from chalicelib.generation.outline import PlannedSection
from chalicelib.generation.writer import Piece
from chalicelib.privacy.token_map import CLOSING, OPENING
from chalicelib.rendering.citations import with_citations
from chalicelib.rendering.parse_markdown import parse_with_footnotes

SUMMARY_TITLE = "Executive Summary"


@dataclass(frozen=True)
class WrittenSection:
    """A planned section and the pieces written for its parts, in the same order.

    ``lead`` is said before them, and then ``quotes``, in which ``[3]`` cites a source: where a report has any,
    nothing that the pieces say is indented as quotes are.
    """

    plan: PlannedSection
    pieces: Sequence[Piece]
    lead: str = ""
    quotes: BlockQuote | None = None


class Assembled(NamedTuple):
    """The document's sections, and the footnotes that they mark.

    ``numbers`` has for each source that they cite, by the number that the pieces cite it by, the one that it has in
    them: 1, 2, 3 … in the order in which a reader meets them.
    """

    sections: tuple[Section, ...]
    footnotes: tuple[Footnote, ...]
    numbers: Mapping[int, int]


def assemble_sections(
    summary: Piece | None, sections: Sequence[WrittenSection], references: Collection[int] = ()
) -> Assembled:
    """Return the document's sections, the summary first, then all others in outline order, and their footnotes.

    Args:
        summary: the executive summary, if there is one.
        sections: all others.
        references: the numbers of sources: ``[3]`` in a piece cites one.
    """
    made: list[Section] = []
    footnotes: list[Footnote] = []
    used: set[str] = set()
    written = _unindented if any(section.quotes for section in sections) else tuple
    if summary is not None:
        summary = _literal(summary, references)
        made.append(_section(_unique("executive-summary", used), SUMMARY_TITLE, [("", summary)], footnotes, written))
    for section in sections:
        parts = section.plan.parts
        titles = [part.title for part in parts] if len(parts) > 1 else [""]
        identifier = _unique(_slug(section.plan.title), used)
        pieces = [(title, _literal(piece, references)) for title, piece in zip(titles, section.pieces, strict=True)]
        lead: list[Block] = [section.quotes] if section.quotes else []
        if section.lead:
            lead.insert(0, Paragraph(children=(Emphasis(children=(Text(text=section.lead),)),)))
        made.append(_section(identifier, section.plan.title, pieces, footnotes, written, lead))
    texts = [*(section.blocks for section in made), *(note.children for note in footnotes)]
    numbers = _in_order(texts, references)
    if numbers:
        made = [one.model_copy(update={"blocks": with_citations(one.blocks, numbers)}) for one in made]
        footnotes = [one.model_copy(update={"children": with_citations(one.children, numbers)}) for one in footnotes]
    return Assembled(tuple(made), tuple(footnotes), numbers)


def _literal(piece: Piece, references: Collection[int]) -> Piece:
    return replace(piece, text=with_literal_citations(piece.text, references)) if references else piece


def _in_order(texts: Sequence[tuple[Block, ...]], references: Collection[int]) -> dict[int, int]:
    """Return new numbers for the sources that texts cite, without gaps: the one cited first is 1."""
    if not references:
        return {}
    nodes = (node for blocks in texts for node in walk_inlines(with_citations(blocks, references)))
    cited = dict.fromkeys(node.number for node in nodes if isinstance(node, Citation))
    return {number: place for place, number in enumerate(cited, start=1)}


def missing_sentence(reason: str) -> str:
    """Return the sentence that stands where a piece could not be written."""
    return f"This part could not be written: {reason}."


def digest(sections: Sequence[WrittenSection], most_words: int) -> str:
    """Return the first sentences of every section, in fair shares of ``most_words`` words."""
    texts = [(s.plan.title, " ".join(p.text for p in s.pieces if p.text)) for s in sections]
    texts = [(title, text) for title, text in texts if text]
    share = max(12, most_words // max(1, len(texts)))
    return "\n".join(f"- {title}: {_opening(text, share)}" for title, text in texts)


def _section(
    identifier: str,
    title: str,
    pieces: Sequence[tuple[str, Piece]],
    footnotes: list[Footnote],
    written: Callable[[Iterable[Block]], tuple[Block, ...]],
    lead: Sequence[Block] = (),
) -> Section:
    blocks = [*lead]
    for number, (heading, piece) in enumerate(pieces, start=1):
        if heading:
            blocks.append(Heading(level=3, children=(Text(text=heading),)))
        if piece.missing:
            blocks.append(Paragraph(children=(Text(text=missing_sentence(piece.missing)),)))
        else:
            # Pieces are written apart, so each may have a footnote 1: the prefix tells them apart.
            parsed = parse_with_footnotes(piece.text, f"{identifier}-{number}-")
            blocks.extend(written(_lowered(parsed.blocks, 4 if heading else 3)))
            footnotes.extend(one.model_copy(update={"children": written(one.children)}) for one in parsed.footnotes)
    return Section(id=identifier, title=title, blocks=tuple(blocks), degraded=any(piece.missing for _, piece in pieces))


def _unindented(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """Return blocks with what quotations hold in their places."""
    return tuple(one for block in blocks for one in _without_indent(block))


def _without_indent(block: Block) -> tuple[Block, ...]:
    if isinstance(block, BlockQuote):
        return _unindented(block.children)
    if isinstance(block, ListBlock):
        items = tuple(ListItem(children=_unindented(item.children)) for item in block.items)
        return (block.model_copy(update={"items": items}),)
    return (block,)


def _lowered(blocks: tuple[Block, ...], highest: int) -> tuple[Block, ...]:
    """Shift headings so that the highest has level ``highest``; the order among them is kept."""
    levels = [block.level for block in _headings(blocks)]
    if not levels:
        return blocks
    shift = highest - min(levels)
    return tuple(_shifted(block, shift) for block in blocks)


def _headings(blocks: Iterable[Block]) -> Iterable[Heading]:
    for block in blocks:
        if isinstance(block, Heading):
            yield block
        elif isinstance(block, BlockQuote):
            yield from _headings(block.children)
        elif isinstance(block, ListBlock):
            for item in block.items:
                yield from _headings(item.children)


def _shifted(block: Block, shift: int) -> Block:
    if isinstance(block, Heading):
        return block.model_copy(update={"level": min(6, max(3, block.level + shift))})
    if isinstance(block, BlockQuote):
        return BlockQuote(children=tuple(_shifted(child, shift) for child in block.children))
    if isinstance(block, ListBlock):
        items = tuple(ListItem(children=tuple(_shifted(c, shift) for c in i.children)) for i in block.items)
        return block.model_copy(update={"items": items})
    return block


def _opening(text: str, most_words: int) -> str:
    """Return whole sentences from the beginning of the prose, at least one."""
    from chalicelib.generation.markdown_text import sentences

    kept: list[str] = []
    for sentence in sentences(text):
        if sentence.startswith("#"):
            continue
        if kept and sum(len(s.split()) for s in kept) + len(sentence.split()) > most_words:
            break
        kept.append(sentence)
    return " ".join(kept)


def _slug(title: str) -> str:
    """Return a name for a link to the section; neither private values nor their tokens belong into an address."""
    title = re.sub(f"{OPENING}[^{CLOSING}]*{CLOSING}", " ", title)
    return re.sub(r"[^\w]+", "-", title.lower()).strip("-") or "section"


def _unique(identifier: str, used: set[str]) -> str:
    candidate, number = identifier, 2
    while candidate in used:
        candidate, number = f"{identifier}-{number}", number + 1
    used.add(candidate)
    return candidate
