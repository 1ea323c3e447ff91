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
from chalicelib.rendering.pdf_text import Ink, Line, LineBreaker, Stretch, draw_line, leading
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
        texts = list(self._stretches(note.children)) or [[Stretch("", _INK)]]
        for position, stretches in enumerate(texts):
            lines = self._breaker.lines(stretches, inner.width) or [Line((), 0.0)]
            for index, line in enumerate(lines):
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
        inside = [stretch.ink.footnote for stretches in texts for stretch in stretches if stretch.ink.footnote]
        return made + [line for other in inside for line in self.lines(other, column)]

    def left_over(self, column: Column) -> list[NoteLine]:
        """Return the lines of all footnotes that nothing marked, by their numbers."""
        return [line for i in sorted(self._notes, key=lambda i: self._numbers[i]) for line in self.lines(i, column)]

    def _number(self, number: int) -> Line:
        ink = self._setting.inlines.mark_ink(_INK)._replace(href=f"#{mark_anchor(number)}")
        return self._breaker.lines([Stretch(str(number), ink)], float("inf"))[0]

    def _stretches(self, blocks: Sequence[Block], prefix: str = "") -> Iterator[list[Stretch]]:
        """Yield every paragraph of ``blocks``: notes have small print and no room for anything else."""
        for block in blocks:
            if isinstance(block, Paragraph | Heading):
                yield self._paragraph(block.children, prefix)
            elif isinstance(block, CodeBlock):
                code = _INK._replace(style=Style(mono=True))
                for line in visible(block.text).split("\n"):
                    yield [Stretch(prefix + line, code)]
            elif isinstance(block, BlockQuote):
                yield from self._stretches(block.children, prefix)
            elif isinstance(block, ListBlock):
                for index, item in enumerate(block.items):
                    marker = f"{block.start + index}." if block.ordered else BULLETS[0]
                    yield from self._stretches(item.children, f"{prefix}{marker} ")
            elif isinstance(block, Table):
                for row in (block.header, *block.rows):
                    yield [
                        stretch for cell in row for stretch in (*self._paragraph(cell.children), Stretch("  ", _INK))
                    ]
            elif isinstance(block, Chart):
                header, rows = chart_table(block)
                for texts in ((block.title,), header, *rows):
                    yield self._paragraph((Text(text="  ".join(texts)),))
            elif isinstance(block, Figure):
                yield from self._stretches((block.content, Paragraph(children=block.caption)), prefix)
            prefix = ""

    def _paragraph(self, children: tuple[Inline, ...], prefix: str = "") -> list[Stretch]:
        before = [Stretch(prefix, _INK)] if prefix else []
        return [*before, *self._setting.inlines.stretches(children, _INK)]
