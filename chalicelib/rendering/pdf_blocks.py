"""Sets the blocks of a Document into the flow of a PDF's pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, assert_never

from chalicelib.domain.document import (
    Block,
    BlockQuote,
    CodeBlock,
    Heading,
    Inline,
    ListBlock,
    ListItem,
    Paragraph,
    Rule,
    Table,
    plain_text,
)
from chalicelib.rendering.inline_runs import flatten
from chalicelib.rendering.pdf_fonts import FontBook, Style
from chalicelib.rendering.pdf_pages import Anchor, Bookmark, Color, Column, FillBox, Flow, Page
from chalicelib.rendering.pdf_table import TableSetter
from chalicelib.rendering.pdf_text import Ink, LineBreaker, Stretch, draw_line, leading, place_lines
from chalicelib.rendering.visible_text import one_line, visible

BODY_SIZE: Final = 10.0
SECTION_SIZE: Final = 17.0
BLACK: Final[Color] = (28, 30, 33)
ACCENT: Final[Color] = (24, 62, 105)
MUTED: Final[Color] = (96, 103, 112)
LINK: Final[Color] = (16, 84, 158)
LINE: Final[Color] = (201, 207, 214)
CODE_GROUND: Final[Color] = (243, 244, 246)

_CODE_SCALE = 0.9
_CODE_PADDING = 7.0
_PARAGRAPH_GAP = 7.0
_ITEM_GAP = 2.5
_QUOTE_INDENT = 14.0
_MARKER_SPACE = 6.0
_LEAST_INDENT = 15.0
_HEADINGS: Final = {
    3: Ink(Style(bold=True), 12.5, ACCENT),
    4: Ink(Style(bold=True), 11.0, ACCENT),
    5: Ink(Style(bold=True), 10.0, BLACK),
    6: Ink(Style(bold=True, italic=True), 10.0, MUTED),
}
BULLETS: Final = ("\N{BULLET}", "\N{EN DASH}", "\N{BLACK SMALL SQUARE}")


class BlockSetter:
    """Places sections and blocks, one after the other, into a flow."""

    def __init__(self, flow: Flow, fonts: FontBook) -> None:
        self._flow = flow
        self._fonts = fonts
        self._breaker = LineBreaker(fonts)
        self._depth_of_outline = 0

    def section_title(self, title: str, anchor: str, column: Column) -> None:
        """Place a section's title, with its bookmark and anchor."""
        ink = Ink(Style(bold=True), SECTION_SIZE, ACCENT)
        title = one_line(title)
        lines = self._breaker.lines([Stretch(title, ink)], column.width)
        self._flow.gap(24)
        self._flow.need(leading(SECTION_SIZE) * min(len(lines), 4) + 5 * leading(BODY_SIZE))
        self._flow.page.ink += [Anchor(self._flow.y, anchor), Bookmark(self._flow.y, title, 0)]
        self._depth_of_outline = 0
        place_lines(self._flow, lines, column, SECTION_SIZE)
        self._flow.gap(8)

    def blocks(self, blocks: Sequence[Block], column: Column, ink: Ink, gap: float = _PARAGRAPH_GAP) -> None:
        """Place ``blocks``; ``ink`` is the look of plain text, ``gap`` the space between them in points."""
        for block in blocks:
            self._flow.gap(gap)
            self._block(block, column, ink)
            self._flow.gap(gap)

    def text(self, children: tuple[Inline, ...], column: Column, ink: Ink) -> None:
        """Place inline nodes as one paragraph."""
        place_lines(self._flow, self._breaker.lines(inline_stretches(children, ink), column.width), column, ink.size)

    def _block(self, block: Block, column: Column, ink: Ink) -> None:
        match block:
            case Paragraph():
                self.text(block.children, column, ink)
            case Heading():
                self._heading(block, column)
            case CodeBlock():
                self._code(block, column, ink)
            case BlockQuote():
                self._quote(block, column, ink)
            case ListBlock():
                self._list(block, column, ink)
            case Table():
                TableSetter(self._flow, self._breaker, column, ink, inline_stretches).place(block)
            case Rule():
                self._rule(column)
            case _:
                assert_never(block)

    def _heading(self, heading: Heading, column: Column) -> None:
        ink = _HEADINGS[heading.level]
        lines = self._breaker.lines(inline_stretches(heading.children, ink), column.width)
        self._flow.gap(14)
        self._flow.need(leading(ink.size) * min(len(lines), 4) + 5 * leading(BODY_SIZE))
        self._depth_of_outline = min(heading.level - 2, self._depth_of_outline + 1)
        title = one_line(plain_text(heading.children))
        self._flow.page.ink.append(Bookmark(self._flow.y, title, self._depth_of_outline))
        place_lines(self._flow, lines, column, ink.size)
        self._flow.gap(4)

    def _code(self, block: CodeBlock, column: Column, ink: Ink) -> None:
        code = Ink(Style(mono=True), ink.size * _CODE_SCALE, BLACK)
        inner = Column(column.left + _CODE_PADDING, column.width - 2 * _CODE_PADDING)
        lines = self._breaker.code_lines(visible(block.text), code, inner.width)
        height = leading(code.size)
        self._flow.need(2 * _CODE_PADDING + height * min(len(lines), 3))
        start = self._flow.position()
        self._flow.advance(_CODE_PADDING)
        place_lines(self._flow, lines, inner, code.size)
        self._flow.advance(_CODE_PADDING)
        for page, top, bottom in self._flow.stretches(start):
            page.ground.append(FillBox(column.left, top, column.width, bottom - top, CODE_GROUND))

    def _quote(self, quote: BlockQuote, column: Column, ink: Ink) -> None:
        self._flow.need(leading(ink.size))
        start = self._flow.position()
        self._flow.advance(2)
        self._flow.no_gap()
        self.blocks(quote.children, column.indented(_QUOTE_INDENT), ink._replace(color=MUTED))
        self._flow.advance(2)
        for page, top, bottom in self._flow.stretches(start):
            page.ground.append(FillBox(column.left, top, 2.5, bottom - top, LINE))

    def _list(self, block: ListBlock, column: Column, ink: Ink, depth: int = 0) -> None:
        markers = _markers(block, depth)
        widest = max((self._fonts.width(marker, ink.style, ink.size) for marker in markers), default=0.0)
        inner = column.indented(max(_LEAST_INDENT, widest + _MARKER_SPACE))
        gap = _ITEM_GAP if all(_is_short(item) for item in block.items) else _PARAGRAPH_GAP * 0.7
        for marker, item in zip(markers, block.items, strict=True):
            self._flow.gap(gap)
            self._item(marker, item, column, inner, ink, depth)

    def _item(self, marker: str, item: ListItem, column: Column, inner: Column, ink: Ink, depth: int) -> None:
        if inner == column:  # no room left to stand beside the text, so it stands before it
            self.text_line(marker, column, ink)
        else:
            self._await_marker(marker, column, inner, ink)
        for block in item.children:
            self._flow.gap(_ITEM_GAP)
            if isinstance(block, ListBlock):
                self._list(block, inner, ink, depth + 1)
            else:
                self._block(block, inner, ink)
            self._flow.gap(_ITEM_GAP)
        if self._flow.awaits_baseline:
            place_lines(self._flow, self._breaker.code_lines("", ink, inner.width), inner, ink.size)

    def _await_marker(self, marker: str, column: Column, inner: Column, ink: Ink) -> None:
        marker_ink = ink._replace(style=Style(), href="", strike=False)
        (line,) = self._breaker.lines([Stretch(marker, marker_ink)], 1000.0)
        left = inner.left - _MARKER_SPACE - line.width

        def draw(page: Page, baseline: float) -> None:
            draw_line(page, line, Column(max(left, column.left), line.width), baseline)

        self._flow.at_next_baseline(draw)

    def text_line(self, text: str, column: Column, ink: Ink) -> None:
        """Place plain ``text`` as a paragraph."""
        place_lines(self._flow, self._breaker.lines([Stretch(text, ink)], column.width), column, ink.size)

    def _rule(self, column: Column) -> None:
        self._flow.need(leading(BODY_SIZE))
        middle = self._flow.y + leading(BODY_SIZE) / 2
        self._flow.page.ink.append(FillBox(column.left + column.width * 0.35, middle, column.width * 0.3, 0.7, LINE))
        self._flow.advance(leading(BODY_SIZE))


def _markers(block: ListBlock, depth: int) -> list[str]:
    if not block.ordered:
        return [BULLETS[depth % len(BULLETS)]] * len(block.items)
    return [f"{number}." for number in range(block.start, block.start + len(block.items))]


def _is_short(item: ListItem) -> bool:
    return all(isinstance(block, Paragraph | ListBlock) for block in item.children) and len(item.children) <= 2


def inline_stretches(children: tuple[Inline, ...], ink: Ink) -> list[Stretch]:
    """Return inline nodes as stretches, each with its look derived from ``ink``."""
    stretches: list[Stretch] = []
    for text, marks in flatten(children):
        style = Style(ink.style.bold or marks.bold, ink.style.italic or marks.italic, marks.code)
        look = ink._replace(
            style=style,
            size=ink.size * _CODE_SCALE if marks.code else ink.size,
            color=LINK if marks.href else ink.color,
            ground=CODE_GROUND if marks.code else None,
            strike=marks.strike,
            href=marks.href,
        )
        stretches.append(Stretch(visible(text), look, marks.line_break))
    return stretches
