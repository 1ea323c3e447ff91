"""Tables in a PDF: column widths, wrapped cells, and a header that returns on every page.

A table with more columns than the page can hold is set as records instead: each row
becomes a list of "column: value".
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from chalicelib.domain.document import Inline, Table, TableCell, plain_text
from chalicelib.rendering.pdf_fonts import Style
from chalicelib.rendering.pdf_pages import Column, FillBox, Flow, NoteLine
from chalicelib.rendering.pdf_structure import Element
from chalicelib.rendering.pdf_text import (
    Ink,
    Line,
    LineBreaker,
    Stretch,
    draw_line,
    leading,
    marked_footnotes,
    place_lines,
)
from chalicelib.rendering.theme import Color

_SIZES: Final = (0.92, 0.84, 0.76)
_FULL_SIZE = 10.0
_PADDING_X = 5.0
_PADDING_Y = 3.5
_LEAST_COLUMN = 26.0
_MAX_WORD = 110.0
_CUTTABLE_COLUMN = 50.0
_HEADER_GROUND: Final[Color] = (233, 238, 244)
_RULE: Final[Color] = (201, 207, 214)
_EDGE: Final[Color] = (120, 130, 142)
_SAMPLE_ROWS = 200
_MAX_NUMBER = 30
_SMALL_TABLE = 6
_COLUMN_HEADER = "/O/Table/Scope/Column"

# A sign or currency before the digits, a unit after them.
_NUMBER = re.compile(
    r"[~≈<>≤≥±]?\s?[+\-−–]?(?:[$€£¥₹₩]|[A-Z]{3}\s)?[+\-−–]?\d[\d.,'\u00a0\u202f ]*"  # noqa: RUF001
    r"(?:\s?[%‰°€$£¥kKMBT]|\s[^\W\d]{1,4}|\s?°[CF])?"
)
_MISSING: Final = frozenset({"", "-", "\u2013", "\u2014", "\u2212", "n/a", "N/A", "?", "\u2026"})

Inlines = tuple[Inline, ...]


class _Numbers(NamedTuple):
    """A column of numbers; ``tail`` is the widest part after a decimal point, nothing where there is no room."""

    tail: float | None


class _Grid(NamedTuple):
    """The columns of a table and the font size that lets its words fit them.

    ``numbers`` says of every column whether and how its numbers stand below one another.
    """

    columns: tuple[Column, ...]
    size: float
    numbers: tuple[_Numbers | None, ...] = ()


class _Cell(NamedTuple):
    """A cell's lines; ``tail`` is the width of what stands after the decimal point of a number."""

    lines: list[Line]
    tail: float = 0.0


class _Row(NamedTuple):
    cells: list[_Cell]
    is_header: bool = False


class TableSetter:
    """Places tables into a flow."""

    def __init__(
        self,
        flow: Flow,
        breaker: LineBreaker,
        column: Column,
        ink: Ink,
        stretches: Callable[[Inlines, Ink], list[Stretch]],
    ) -> None:
        self._flow = flow
        self._breaker = breaker
        self._column = column
        self._ink = ink
        self._stretches = stretches
        scale = ink.size / _FULL_SIZE
        self._padding_x, self._padding_y = _PADDING_X * scale, _PADDING_Y * scale**2
        self._least_column = _LEAST_COLUMN * scale

    def fits(self, table: Table) -> bool:
        """Tell whether ``table`` can be placed as a grid."""
        return self._grid(table) is not None

    def height(self, table: Table) -> float:
        """Return the height of ``table`` as a grid on one page, in points."""
        grid = self._grid(table)
        if not grid:
            return 0.0
        grid = self._with_numbers(table, grid)
        header = self._row(table.header, grid, self._header_ink(grid.size), is_header=True)
        rows = [self._row(row, grid, self._ink._replace(size=grid.size)) for row in table.rows]
        return sum(self._height(row, grid.size) for row in (header, *rows))

    def place(self, table: Table) -> None:
        """Place ``table`` as a grid, or as records if its columns do not fit the page."""
        grid = self._grid(table)
        if grid:
            self._place_grid(table, self._with_numbers(table, grid))
        else:
            self._place_records(table)

    # Column widths

    def _grid(self, table: Table) -> _Grid | None:
        """Return the largest grid that keeps words whole, else one that cuts some, else nothing."""
        fair_share = self._column.width / len(table.header) - 2 * self._padding_x
        if fair_share < self._least_column:
            return None
        attempts = [(scale, _MAX_WORD) for scale in _SIZES]
        if fair_share >= _CUTTABLE_COLUMN:
            attempts.append((_SIZES[-1], fair_share))
        for scale, widest in attempts:
            size = self._ink.size * scale
            columns = self._columns(table, size, widest)
            if columns:
                return _Grid(columns, size)
        return None

    def _columns(self, table: Table, size: float, widest: float) -> tuple[Column, ...]:
        """Return the columns at font size ``size``, or nothing if words up to ``widest`` points do not fit."""
        count = len(table.header)
        available = self._column.width - 2 * self._padding_x * count
        # The widths of a very long table are taken from its first rows.
        rows = [(self._header_ink(size), table.header)]
        rows += [(self._ink._replace(size=size), row) for row in table.rows[:_SAMPLE_ROWS]]
        least, natural = [self._least_column] * count, [self._least_column] * count
        for ink, row in rows:
            for index, cell in enumerate(row):
                stretches = self._stretches(cell.children, ink)
                least[index] = max(least[index], min(self._breaker.widest_word(stretches), widest))
                # A header wraps rather than take room from the text below it.
                if row is not table.header or not table.rows:
                    natural[index] = max(natural[index], self._breaker.natural_width(stretches))
        if sum(least) > available + 0.01:
            return ()
        return self._placed(_shared(least, natural, available))

    def _placed(self, widths: Sequence[float]) -> tuple[Column, ...]:
        columns: list[Column] = []
        left = self._column.left
        for width in widths:
            columns.append(Column(left + self._padding_x, width))
            left += width + 2 * self._padding_x
        return tuple(columns)

    # Numbers

    def _with_numbers(self, table: Table, grid: _Grid) -> _Grid:
        numbers = [self._numbers(table, index, grid) for index in range(len(table.header))]
        return grid._replace(numbers=tuple(numbers))

    def _numbers(self, table: Table, index: int, grid: _Grid) -> _Numbers | None:
        """Return how the numbers of a column are set, or nothing if not all its cells are numbers."""
        tail = head = 0.0
        found = False
        for row in table.rows:
            text = plain_text(row[index].children).strip()
            if text in _MISSING:
                continue
            if len(text) > _MAX_NUMBER or not _NUMBER.fullmatch(text):
                return None
            found = True
            own_tail = self._tail_width(text, grid.size)
            tail = max(tail, own_tail)
            head = max(head, self._text_width(text, grid.size) - own_tail)
        if not found:
            return None
        return _Numbers(tail if head + tail <= grid.columns[index].width + self._padding_x / 2 else None)

    def _text_width(self, text: str, size: float) -> float:
        return self._breaker.natural_width([Stretch(text, self._ink._replace(size=size))])

    def _tail_width(self, text: str, size: float) -> float:
        return self._text_width(decimal_tail(text).replace(" ", "\u00a0"), size)

    # A grid

    def _place_grid(self, table: Table, grid: _Grid) -> None:
        header = self._row(table.header, grid, self._header_ink(grid.size), is_header=True)
        header_height = self._height(header, grid.size)
        repeated = header if header_height < self._flow.sheet.body_height / 4 else None
        ink = self._ink._replace(size=grid.size)
        first = [self._height(self._row(row, grid, ink), grid.size) for row in table.rows[:_SMALL_TABLE]]
        is_small = len(table.rows) <= _SMALL_TABLE and sum(first) < self._flow.sheet.body_height / 3
        self._flow.need(header_height + (sum(first) if is_small else self._room_to_begin(first[0])))
        self._place_row(header, table, grid, self._elements(header))
        for cells in table.rows:
            row = self._row(cells, grid, ink)
            height = self._height(row, grid.size)
            notes = self._notes(row)
            needed = self._room_to_begin(height) + self._flow.notes_need(notes)
            if self._flow.room < needed and not self._flow.is_at_top:
                self._break_page(table, grid, repeated)
            if notes:
                self._flow.add_notes(notes, height)
            self._place_row(row, table, grid, self._elements(row), repeated)

    def _room_to_begin(self, height: float) -> float:
        """Return the room that a row of ``height`` points needs to begin on a page: a long one goes on at the next."""
        return min(height, self._flow.sheet.body_height / 3)

    def _notes(self, row: _Row) -> list[NoteLine]:
        if not self._flow.has_notes:
            return []
        return self._flow.note_lines([i for cell in row.cells for line in cell.lines for i in marked_footnotes(line)])

    def _row(self, row: Sequence[TableCell], grid: _Grid, ink: Ink, is_header: bool = False) -> _Row:
        cells = []
        for cell, column, numbers in zip(row, grid.columns, grid.numbers, strict=True):
            lines = self._breaker.lines(self._stretches(cell.children, ink), column.width)
            tail = 0.0
            if numbers and numbers.tail and not is_header and len(lines) == 1:
                tail = self._tail_width(plain_text(cell.children).strip(), ink.size)
            cells.append(_Cell(lines, tail))
        return _Row(cells, is_header)

    def _break_page(self, table: Table, grid: _Grid, header: _Row | None) -> None:
        """Go on at the top of a new page, below ``header``: decoration, for its text is in the structure already."""
        self._flow.break_page()
        if header:
            self._place_row(header, table, grid, [None] * len(header.cells))

    def _place_row(
        self, row: _Row, table: Table, grid: _Grid, elements: Sequence[Element | None], header: _Row | None = None
    ) -> None:
        """Place a row; one that does not fit the page goes on where the page ends, below ``header`` again."""
        height = leading(grid.size)
        done = 0
        total = max((len(cell.lines) for cell in row.cells), default=0)
        while True:
            count = max(1, min(total - done, int((self._flow.room - 2 * self._padding_y + 0.01) / height)))
            part = _Row([cell._replace(lines=cell.lines[done : done + count]) for cell in row.cells], row.is_header)
            self._draw_row(part, table, grid, elements)
            done += count
            if done >= total:
                return
            self._break_page(table, grid, header)

    def _elements(self, row: _Row) -> Sequence[Element | None]:
        parent = Element("TR", self._flow.element)
        if row.is_header:
            return [Element("TH", parent, attributes=_COLUMN_HEADER) for _ in row.cells]
        return [Element("TD", parent) for _ in row.cells]

    def _draw_row(self, row: _Row, table: Table, grid: _Grid, elements: Sequence[Element | None]) -> None:
        page, top = self._flow.page, self._flow.y
        height = self._height(row, grid.size)
        left = self._column.left
        width = grid.columns[-1].right + self._padding_x - left
        if row.is_header:
            page.ground.append(FillBox(left, top, width, height, _HEADER_GROUND))
            page.ground.append(FillBox(left, top + height - 0.4, width, 0.8, _EDGE))
        else:
            page.ground.append(FillBox(left, top + height - 0.25, width, 0.5, _RULE))
        first_baseline = top + self._padding_y + leading(grid.size) * 0.75
        self._flow.baseline(first_baseline)
        for index, (cell, column, element) in enumerate(zip(row.cells, grid.columns, elements, strict=True)):
            page.mark(element)
            numbers, align = grid.numbers[index], table.alignments[index]
            if numbers and align == "left":
                align = "right"
            place = column
            if numbers and numbers.tail and align == "right" and not row.is_header:
                # The points of all numbers stand below one another.
                place = Column(column.left, column.width - numbers.tail + cell.tail)
            for number, line in enumerate(cell.lines):
                draw_line(page, line, place, first_baseline + number * leading(grid.size), align)
        self._flow.advance(height)

    def _height(self, row: _Row, size: float) -> float:
        return max([1, *(len(cell.lines) for cell in row.cells)]) * leading(size) + 2 * self._padding_y

    def _header_ink(self, size: float) -> Ink:
        return self._ink._replace(size=size, style=Style(bold=True))

    # Records

    def _place_records(self, table: Table) -> None:
        ink = self._ink._replace(size=self._ink.size * _SIZES[0])
        if not table.rows:
            with self._flow.within("TR"):
                for cell in table.header:
                    with self._flow.within("TH", attributes=_COLUMN_HEADER):
                        self._place_paragraph(self._stretches(cell.children, self._header_ink(ink.size)), ink.size)
        for row in table.rows:
            self._flow.gap(10)
            self._flow.need(3 * leading(ink.size))
            self._flow.page.ground.append(FillBox(self._column.left, self._flow.y, self._column.width, 0.6, _RULE))
            self._flow.advance(3)
            with self._flow.within("TR"):
                for name, cell in zip(table.header, row, strict=True):
                    label = self._stretches(name.children, self._header_ink(ink.size))
                    colon = Stretch(": ", self._header_ink(ink.size))
                    with self._flow.within("TD"):
                        self._place_paragraph([*label, colon, *self._stretches(cell.children, ink)], ink.size)

    def _place_paragraph(self, stretches: list[Stretch], size: float) -> None:
        place_lines(self._flow, self._breaker.lines(stretches, self._column.width), self._column, size)


def decimal_tail(text: str) -> str:
    """Return the part of the number ``text`` from its decimal point or comma on, or what follows its last digit."""
    digits = re.search(r"\d[\d.,'\u00a0\u202f ]*", text)
    if not digits:
        return ""
    number = digits.group().rstrip(" \u00a0\u202f")
    rest = text[digits.start() + len(number) :]
    point = max(number.rfind("."), number.rfind(","))
    if point < 0:
        return rest
    mark, decimals = number[point], number[point + 1 :]
    # "1,234" and "1,234,567" hold thousands; "1.234" holds decimals unless the mark comes twice.
    groups = number.count(mark) > 1 or (mark == "," and len(decimals) == 3 and "." not in number)
    return rest if groups or not decimals.isdigit() else number[point:] + rest


def _shared(least: Sequence[float], natural: Sequence[float], available: float) -> list[float]:
    """Share ``available`` points: what a column needs first, then what it would like, the modest ones first.

    Of those that cannot have what they would like, one with four times as much text becomes twice as wide: a row
    is as high as its highest cell.
    """
    spare = available - sum(least)
    wishes = [max(0.0, wish - need) for wish, need in zip(natural, least, strict=True)]
    widths = list(least)
    weights = [math.sqrt(wish) for wish in wishes]
    waiting = sum(weights)
    for index in sorted(range(len(least)), key=wishes.__getitem__):
        given = min(wishes[index], spare * weights[index] / waiting) if waiting > 0 else 0.0
        widths[index] += given
        spare -= given
        waiting -= weights[index]
    return [width + spare / len(widths) for width in widths]
