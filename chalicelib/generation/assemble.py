"""Puts written pieces together into the Document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chalicelib.domain.document import (
    Block,
    BlockQuote,
    Footnote,
    Heading,
    ListBlock,
    ListItem,
    Paragraph,
    Section,
    Text,
)
from chalicelib.generation.outline import PlannedSection
from chalicelib.generation.writer import Piece
from chalicelib.rendering.parse_markdown import parse_with_footnotes

SUMMARY_TITLE = "Executive Summary"


@dataclass(frozen=True)
class WrittenSection:
    """A planned section and the pieces written for its parts, in the same order."""

    plan: PlannedSection
    pieces: Sequence[Piece]


class Assembled(NamedTuple):
    """The document's sections, and the footnotes that they mark."""

    sections: tuple[Section, ...]
    footnotes: tuple[Footnote, ...]


def assemble_sections(summary: Piece | None, sections: Sequence[WrittenSection]) -> Assembled:
    """Return the document's sections, the summary first, then all others in outline order, and their footnotes."""
    made: list[Section] = []
    footnotes: list[Footnote] = []
    used: set[str] = set()
    if summary is not None:
        made.append(_section(_unique("executive-summary", used), SUMMARY_TITLE, [("", summary)], footnotes))
    for section in sections:
        parts = section.plan.parts
        titles = [part.title for part in parts] if len(parts) > 1 else [""]
        identifier = _unique(_slug(section.plan.title), used)
        pieces = list(zip(titles, section.pieces, strict=True))
        made.append(_section(identifier, section.plan.title, pieces, footnotes))
    return Assembled(tuple(made), tuple(footnotes))


def missing_sentence(reason: str) -> str:
    """Return the sentence that stands where a piece could not be written."""
    return f"This part could not be written: {reason}."


def digest(sections: Sequence[WrittenSection], most_words: int) -> str:
    """Return the first sentences of every section, in fair shares of ``most_words`` words."""
    texts = [(s.plan.title, " ".join(p.text for p in s.pieces if p.text)) for s in sections]
    texts = [(title, text) for title, text in texts if text]
    share = max(12, most_words // max(1, len(texts)))
    return "\n".join(f"- {title}: {_opening(text, share)}" for title, text in texts)


def _section(identifier: str, title: str, pieces: Sequence[tuple[str, Piece]], footnotes: list[Footnote]) -> Section:
    blocks: list[Block] = []
    for number, (heading, piece) in enumerate(pieces, start=1):
        if heading:
            blocks.append(Heading(level=3, children=(Text(text=heading),)))
        if piece.missing:
            blocks.append(Paragraph(children=(Text(text=missing_sentence(piece.missing)),)))
        else:
            # Pieces are written apart, so each may have a footnote 1: the prefix tells them apart.
            parsed = parse_with_footnotes(piece.text, f"{identifier}-{number}-")
            blocks.extend(_lowered(parsed.blocks, 4 if heading else 3))
            footnotes.extend(parsed.footnotes)
    return Section(id=identifier, title=title, blocks=tuple(blocks), degraded=any(piece.missing for _, piece in pieces))


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
    return re.sub(r"[^\w]+", "-", title.lower()).strip("-") or "section"


def _unique(identifier: str, used: set[str]) -> str:
    candidate, number = identifier, 2
    while candidate in used:
        candidate, number = f"{identifier}-{number}", number + 1
    used.add(candidate)
    return candidate
