"""The lines of footnotes, as they stand at the foot of a PDF's pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from chalicelib.domain.document import (
    Block,
    BlockQuote,
    Chart,
    CodeBlock,
    Figure,
    Footnote,
    Heading,
    Inline,
    ListBlock,
    Paragraph,
    Table,
    Text,
)
from chalicelib.rendering.numbering import chart_table
from chalicelib.rendering.pdf_blocks import BULLETS, MUTED, SMALL_SIZE, Typesetting
from chalicelib.rendering.pdf_fonts import Style
from chalicelib.rendering.pdf_inlines import mark_anchor, note_anchor
from chalicelib.rendering.pdf_pages import Anchor, Column, NoteLine, Page
from chalicelib.rendering.pdf_structure import Element
from chalicelib.rendering.pdf_text import Ink, Line, LineBreaker, Stretch, draw_line, leading, marked_footnotes
from chalicelib.rendering.visible_text import visible

_INK: Final = Ink(Style(), SMALL_SIZE, MUTED)
_INDENT = 12.0
_GAP = 2.0


@dataclass(frozen=True)
class _Line:
    """A line of a note, with the note's number if it is the first."""

    line: Line
    column: Column
    height: float
    element: Element
    number: Line | None = None
    anchor: str = ""

    def draw(self, page: Page, top: float) -> None:
        baseline = top + self.height - leading(SMALL_SIZE) * 0.28
        page.mark(self.element)
        if self.anchor:
            page.ink.append(Anchor(top, self.anchor))
        mirrored = self.line.right_to_left
        if self.number:
            whole = Column(self.column.left, self.column.width + _INDENT)
            draw_line(page, self.number, whole, baseline, "right" if mirrored else "left")
        left = self.column.left + (0.0 if mirrored else _INDENT)
        draw_line(page, self.line, Column(left, self.column.width), baseline)


class NoteSetter:
    """Sets each footnote once, when its first mark is placed."""

    def __init__(
        self, notes: Sequence[Footnote], numbers: dict[str, int], setting: Typesetting, parent: Callable[[], Element]
    ) -> None:
        self._notes = {note.id: note for note in notes}
        self._numbers = numbers
        self._setting = setting
        self._breaker = LineBreaker(setting.fonts)
        self._parent = parent

    def lines(self, identifier: str, column: Column) -> list[NoteLine]:
        """Return the lines of a footnote, and those of the footnotes marked in it; none if it was set before."""
        note = self._notes.pop(identifier, None)
        if note is None:
            return []
        number = self._numbers[identifier]
        element = Element("Note", self._parent(), identifier=note_anchor(number))
        inner = Column(column.left, column.width - _INDENT)
        made: list[NoteLine] = []
        paragraphs = list(self._paragraphs(note.children, inner.width)) or [[]]
        for position, lines in enumerate(paragraphs):
            for index, line in enumerate(lines or [Line((), 0.0)]):
                gap = _GAP if index == 0 else 0.0
                is_first = position == index == 0
                made.append(
                    _Line(
                        line,
                        inner,
                        leading(SMALL_SIZE) + gap,
                        element,
                        self._number(number) if is_first else None,
                        note_anchor(number) if is_first else "",
                    )
                )
        inside = [other for lines in paragraphs for line in lines for other in marked_footnotes(line)]
        return made + [line for other in inside for line in self.lines(other, column)]

    def left_over(self, column: Column) -> list[NoteLine]:
        """Return the lines of all footnotes that nothing marked, by their numbers."""
        return [line for i in sorted(self._notes, key=lambda i: self._numbers[i]) for line in self.lines(i, column)]

    def _number(self, number: int) -> Line:
        ink = self._setting.inlines.mark_ink(_INK)._replace(href=f"#{mark_anchor(number)}")
        return self._breaker.lines([Stretch(str(number), ink)], float("inf"))[0]

    def _paragraphs(self, blocks: Sequence[Block], width: float, prefix: str = "") -> Iterator[list[Line]]:
        """Yield the lines of every paragraph of ``blocks``: notes have small print and no room for anything else."""
        for block in blocks:
            if isinstance(block, Paragraph | Heading):
                yield self._lines(block.children, width, prefix)
            elif isinstance(block, CodeBlock):
                code = _INK._replace(style=Style(mono=True))
                yield self._breaker.code_lines(prefix + visible(block.text), code, width)
            elif isinstance(block, BlockQuote):
                yield from self._paragraphs(block.children, width, prefix)
            elif isinstance(block, ListBlock):
                for index, item in enumerate(block.items):
                    marker = f"{block.start + index}." if block.ordered else BULLETS[0]
                    yield from self._paragraphs(item.children, width, f"{prefix}{marker} ")
            elif isinstance(block, Table):
                for row in (block.header, *block.rows):
                    yield self._lines(tuple(node for cell in row for node in (*cell.children, Text(text="  "))), width)
            elif isinstance(block, Chart):
                header, rows = chart_table(block)
                for texts in ((block.title,), header, *rows):
                    yield self._lines((Text(text="  ".join(texts)),), width)
            elif isinstance(block, Figure):
                yield from self._paragraphs((block.content, Paragraph(children=block.caption)), width, prefix)
            prefix = ""

    def _lines(self, children: tuple[Inline, ...], width: float, prefix: str = "") -> list[Line]:
        before = [Stretch(prefix, _INK)] if prefix else []
        return self._breaker.lines([*before, *self._setting.inlines.stretches(children, _INK)], width)
