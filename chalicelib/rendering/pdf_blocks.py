"""Sets the blocks of a Document into the flow of a PDF's pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, assert_never

from chalicelib.domain.document import (
    Block,
    BlockQuote,
    Chart,
    CodeBlock,
    Figure,
    Heading,
    Inline,
    ListBlock,
    ListItem,
    Paragraph,
    Rule,
    Table,
    TableCell,
    Text,
    plain_text,
)
from chalicelib.rendering.bidi import is_right_to_left
from chalicelib.rendering.numbering import FigureCounter, chart_table, is_table
from chalicelib.rendering.pdf_anchors import PlaceNames
from chalicelib.rendering.pdf_chart import ChartDrawer, spoken_chart
from chalicelib.rendering.pdf_fonts import FontBook, Style
from chalicelib.rendering.pdf_inlines import CODE_GROUND, CODE_SCALE, InlineSetter
from chalicelib.rendering.pdf_pages import Anchor, Bookmark, Column, FillBox, Flow, Page
from chalicelib.rendering.pdf_structure import Element
from chalicelib.rendering.pdf_table import TableSetter
from chalicelib.rendering.pdf_text import Ink, Line, LineBreaker, Stretch, draw_line, leading, place_lines
from chalicelib.rendering.theme import Color, Theme
from chalicelib.rendering.visible_text import one_line, visible

BODY_SIZE: Final = 10.0
SMALL_SIZE: Final = 8.0
SECTION_SIZE: Final = 17.0
BLACK: Final[Color] = (28, 30, 33)
MUTED: Final[Color] = (96, 103, 112)
LINE: Final[Color] = (201, 207, 214)
PLAIN: Final = Ink(Style(), BODY_SIZE, BLACK)

_CODE_PADDING = 7.0
_PARAGRAPH_GAP = 7.0
_FIGURE_GAP = 13.0
_ITEM_GAP = 2.5
_QUOTE_INDENT = 14.0
_QUOTE_BAR = 2.5
_MARKER_SPACE = 6.0
_LEAST_INDENT = 15.0
_NUMBERS_GAP = 6.0
_MOST_COLUMNS = 14
_MOST_KEPT_ROWS = 13
_HEADING_SIZES: Final = {3: 12.5, 4: 11.0, 5: 10.0, 6: 10.0}
BULLETS: Final = ("\N{BULLET}", "\N{EN DASH}", "\N{BLACK SMALL SQUARE}")


@dataclass
class Typesetting:
    """What the parts of one PDF share: fonts, theme, inline looks, names and counters."""

    fonts: FontBook
    theme: Theme
    inlines: InlineSetter
    names: PlaceNames
    figures: FigureCounter = field(default_factory=FigureCounter)
    contents: list[ContentsEntry] = field(default_factory=list)

    def heading_ink(self, level: int) -> Ink:
        """Return the look of a heading inside a section."""
        colors = {5: BLACK, 6: MUTED}
        return Ink(Style(bold=True, italic=level == 6), _HEADING_SIZES[level], colors.get(level, self.theme.accent))


@dataclass(frozen=True)
class ContentsEntry:
    """A heading as the contents list it; ``level`` 0 is a section."""

    title: str
    level: int
    anchor: str


class BlockSetter:
    """Places sections and blocks, one after the other, into a flow."""

    def __init__(self, flow: Flow, setting: Typesetting) -> None:
        self._flow = flow
        self._setting = setting
        self._fonts = setting.fonts
        self._breaker = LineBreaker(setting.fonts)
        self._depth_of_outline = 0

    def section_title(self, title: str, anchor: str, column: Column) -> None:
        """Place a section's title, with its bookmark, anchor and entry in the contents."""
        ink = Ink(Style(bold=True), SECTION_SIZE, self._setting.theme.accent)
        title = one_line(title)
        lines = self._breaker.lines([Stretch(title, ink)], column.width)
        self._flow.gap(26)
        self._flow.need(leading(SECTION_SIZE) * min(len(lines), 4) + 5 * leading(BODY_SIZE))
        self._flow.page.ink.append(Anchor(self._flow.y, anchor))
        self._depth_of_outline = 0 if title else -1  # without a title, the headings inside are the highest
        if title:
            self._enter(title, anchor)
            with self._flow.within("H2"):
                place_lines(self._flow, lines, column, SECTION_SIZE)
        self._flow.gap(8)

    def _enter(self, title: str, anchor: str) -> None:
        self._flow.page.ink.append(Bookmark(self._flow.y, title, self._depth_of_outline))
        self._setting.contents.append(ContentsEntry(title, self._depth_of_outline, anchor))

    def blocks(self, blocks: Sequence[Block], column: Column, ink: Ink, gap: float = _PARAGRAPH_GAP) -> None:
        """Place ``blocks``; ``ink`` is the look of plain text, ``gap`` the space between them in points."""
        for block in blocks:
            self._flow.gap(gap)
            self._block(block, column, ink)
            self._flow.gap(gap)

    def text(self, children: tuple[Inline, ...], column: Column, ink: Ink, role: str = "P") -> None:
        """Place inline nodes as one paragraph, in an element of ``role``."""
        lines = self._breaker.lines(self._setting.inlines.stretches(children, ink), column.width)
        with self._flow.within(role):
            place_lines(self._flow, lines, column, ink.size)

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
                with self._flow.within("Table"):
                    self._table(block, column, ink)
            case Rule():
                self._rule(column)
            case Chart():
                self._chart(block, column)
            case Figure():
                self._figure(block, column, ink)
            case _:
                assert_never(block)

    def _heading(self, heading: Heading, column: Column) -> None:
        name = self._setting.names.next_heading()
        ink = self._setting.heading_ink(heading.level)
        lines = self._breaker.lines(self._setting.inlines.stretches(heading.children, ink), column.width)
        if not lines:
            return
        self._flow.gap(14)
        self._flow.need(leading(ink.size) * min(len(lines), 4) + 5 * leading(BODY_SIZE))
        # Levels in outline and structure have no gaps, whatever the text's have.
        self._depth_of_outline = min(heading.level - 2, self._depth_of_outline + 1)
        anchor = name or f"/heading/{len(self._setting.contents)}"
        self._flow.page.ink.append(Anchor(self._flow.y, anchor))
        self._enter(one_line(plain_text(heading.children)), anchor)
        with self._flow.within(f"H{self._depth_of_outline + 2}"):
            place_lines(self._flow, lines, column, ink.size)
        self._flow.gap(4)

    def _code(self, block: CodeBlock, column: Column, ink: Ink) -> None:
        code = Ink(Style(mono=True), ink.size * CODE_SCALE, BLACK)
        inner = Column(column.left + _CODE_PADDING, column.width - 2 * _CODE_PADDING)
        lines = self._breaker.code_lines(visible(block.text), code, inner.width)
        height = leading(code.size)
        self._flow.need(2 * _CODE_PADDING + height * min(len(lines), 3))
        start = self._flow.position()
        self._flow.advance(_CODE_PADDING)
        with self._flow.within("P"), self._flow.within("Code"):
            place_lines(self._flow, lines, inner, code.size)
        self._flow.advance(_CODE_PADDING)
        for page, top, bottom in self._flow.stretches(start):
            page.ground.append(FillBox(column.left, top, column.width, bottom - top, CODE_GROUND))

    def _quote(self, quote: BlockQuote, column: Column, ink: Ink) -> None:
        at_right = _begins_at_right(quote)
        self._flow.need(leading(ink.size))
        start = self._flow.position()
        self._flow.advance(2)
        self._flow.no_gap()
        with self._flow.within("BlockQuote"):
            inner = column.indented(_QUOTE_INDENT, at_right=at_right)
            self.blocks(quote.children, inner, ink._replace(color=MUTED))
        self._flow.advance(2)
        left = column.right - _QUOTE_BAR if at_right else column.left
        for page, top, bottom in self._flow.stretches(start):
            page.ground.append(FillBox(left, top, _QUOTE_BAR, bottom - top, LINE))

    # Lists

    def _list(self, block: ListBlock, column: Column, ink: Ink, depth: int = 0) -> None:
        markers = _markers(block, depth)
        widest = max((self._fonts.width(marker, ink.style, ink.size) for marker in markers), default=0.0)
        inner = column.indented(max(_LEAST_INDENT, widest + _MARKER_SPACE), at_right=_begins_at_right(block))
        gap = _ITEM_GAP if all(_is_short(item) for item in block.items) else _PARAGRAPH_GAP * 0.7
        with self._flow.within("L", attributes=f"/O/List/ListNumbering/{'Decimal' if block.ordered else 'Disc'}"):
            for marker, item in zip(markers, block.items, strict=True):
                self._flow.gap(gap)
                with self._flow.within("LI"):
                    self._item(marker, item, column, inner, ink, depth)

    def _item(self, marker: str, item: ListItem, column: Column, inner: Column, ink: Ink, depth: int) -> None:
        if inner == column:  # no room left to stand beside the text, so it stands before it
            self.text_line(marker, column, ink, role="Lbl")
        else:
            self._await_marker(marker, column, inner, ink)
        with self._flow.within("LBody"):
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
        left = inner.left - _MARKER_SPACE - self._fonts.width(marker, marker_ink.style, marker_ink.size)
        if inner.right < column.right:
            left = inner.right + _MARKER_SPACE
        self.await_label(marker, Column(max(left, column.left), column.width), marker_ink)

    def await_label(self, text: str, column: Column, ink: Ink = PLAIN) -> None:
        """Place ``text`` as a label at the left of ``column``, on the line that is placed next."""
        label = Element("Lbl", self._flow.element)
        lines = self._breaker.lines([Stretch(text, ink)], float("inf"))

        def draw(page: Page, baseline: float) -> None:
            page.mark(label)
            for line in lines[:1]:
                draw_line(page, line, column, baseline)

        self._flow.at_next_baseline(draw)

    # Charts, figures, tables

    def _table(self, table: Table, column: Column, ink: Ink) -> None:
        self._table_setter(column, ink).place(table)

    def _table_setter(self, column: Column, ink: Ink) -> TableSetter:
        return TableSetter(self._flow, self._breaker, column, ink, self._setting.inlines.stretches)

    def _chart(self, chart: Chart, column: Column, kept: float = 0.0) -> None:
        """Place a chart, and below it the numbers that it does not show; ``kept`` points after it stay on its page."""
        drawer = ChartDrawer(self._fonts, self._setting.theme)
        layout = drawer.layout(chart, column.width)
        small = self._table_setter(column, Ink(Style(), SMALL_SIZE, MUTED))
        numbers = None if layout.complete else _numbers(chart, small)
        self._flow.gap(_FIGURE_GAP)
        self._flow.need(layout.height + kept + (_kept_height(numbers, small) if numbers else 0.0))
        top = self._flow.y
        with self._flow.within("Figure", alt=spoken_chart(chart), attributes=self._bounds(column, layout.height)):
            self._flow.mark()
            drawer.draw(layout, self._flow.page, column.left, top)
        self._flow.advance(layout.height)
        if numbers:
            self._flow.gap(_NUMBERS_GAP)
            with self._flow.within("Table"):
                small.place(numbers)
        self._flow.gap(_FIGURE_GAP)

    def _bounds(self, column: Column, height: float) -> str:
        """Return the attributes of a figure that begins here: where it is, counted from the page's lower left."""
        top = self._flow.sheet.height - self._flow.y
        box = f"{column.left:.1f} {top - height:.1f} {column.right:.1f} {top:.1f}"
        return f"/O/Layout/Placement/Block/BBox[{box}]"

    def _figure(self, figure: Figure, column: Column, ink: Ink) -> None:
        """Place a figure with its caption: above a table, below anything else."""
        label = self._setting.figures.label(figure)
        caption = self._caption(figure, label, column)
        height = leading(SMALL_SIZE) * min(len(caption), 3) + 6
        self._flow.gap(_FIGURE_GAP)
        if is_table(figure):
            self._flow.need(height + 4 * leading(BODY_SIZE))
            self._anchor(figure)
            with self._flow.within("Table"):
                self._place_caption(caption, column)
                self._flow.gap(4)
                assert isinstance(figure.content, Table)
                self._table(figure.content, column, ink)
        else:
            with self._flow.within("Div"):
                if isinstance(figure.content, Chart):
                    self._chart(figure.content, column, kept=height)
                else:
                    self._block(figure.content, column, ink)
                self._anchor(figure)
                self._flow.no_gap()
                self._flow.advance(4)
                self._place_caption(caption, column)
        self._flow.gap(_FIGURE_GAP)

    def _anchor(self, figure: Figure) -> None:
        if name := self._setting.names.figure(figure):
            self._flow.page.ink.append(Anchor(self._flow.y, name))

    def _caption(self, figure: Figure, label: str, column: Column) -> list[Line]:
        ink = Ink(Style(), SMALL_SIZE, MUTED)
        heading = Stretch(f"{label}. " if figure.caption else label, ink._replace(style=Style(bold=True)))
        return self._breaker.lines([heading, *self._setting.inlines.stretches(figure.caption, ink)], column.width)

    def _place_caption(self, lines: list[Line], column: Column) -> None:
        with self._flow.within("Caption"):
            place_lines(self._flow, lines, column, SMALL_SIZE)

    def text_line(self, text: str, column: Column, ink: Ink, role: str = "P") -> None:
        """Place plain ``text`` as a paragraph, in an element of ``role``."""
        with self._flow.within(role):
            place_lines(self._flow, self._breaker.lines([Stretch(text, ink)], column.width), column, ink.size)

    def _rule(self, column: Column) -> None:
        self._flow.need(leading(BODY_SIZE))
        middle = self._flow.y + leading(BODY_SIZE) / 2
        box = FillBox(column.left + column.width * 0.35, middle, column.width * 0.3, 0.7, LINE)
        self._flow.page.ground.append(box)
        self._flow.advance(leading(BODY_SIZE))


def _numbers(chart: Chart, small: TableSetter) -> Table:
    """Return the numbers of ``chart`` as a table: with a row for each series if that fits, else one for each label."""
    names, rows = chart_table(chart)
    upright = _number_table(names, rows)
    if len(rows) <= _MOST_COLUMNS:
        header, *turned = zip(names, *rows, strict=True)
        table = _number_table(header, turned)
        if small.fits(table):
            return table
    return upright


def _number_table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    return Table(
        header=tuple(map(_plain_cell, names)),
        alignments=("left", *("right" for _ in names[1:])),
        rows=tuple(tuple(map(_plain_cell, row)) for row in rows),
    )


def _kept_height(numbers: Table, small: TableSetter) -> float:
    """Return the height of a table of ``numbers`` that should not leave its chart: none if it is long."""
    return small.height(numbers) + _NUMBERS_GAP if len(numbers.rows) <= _MOST_KEPT_ROWS else 0.0


def _plain_cell(text: str) -> TableCell:
    return TableCell(children=(Text(text=text),) if text else ())


def _begins_at_right(block: Block) -> bool:
    """Tell whether the first paragraph in a list or quotation runs from right to left."""
    while True:
        if isinstance(block, Paragraph | Heading):
            return is_right_to_left(plain_text(block.children))
        blocks = block.children if isinstance(block, BlockQuote) else ()
        if isinstance(block, ListBlock) and block.items:
            blocks = block.items[0].children
        if not blocks:
            return False
        block = blocks[0]


def _markers(block: ListBlock, depth: int) -> list[str]:
    if not block.ordered:
        return [BULLETS[depth % len(BULLETS)]] * len(block.items)
    return [f"{number}." for number in range(block.start, block.start + len(block.items))]


def _is_short(item: ListItem) -> bool:
    return all(isinstance(block, Paragraph | ListBlock) for block in item.children) and len(item.children) <= 2
