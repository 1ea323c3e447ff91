"""Tables in a PDF: column widths, wrapped cells, and a header that returns on every page.

A table with more columns than the page can hold is set as records instead: each row
becomes a list of "column: value".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from chalicelib.domain.document import Inline, Table, TableCell
from chalicelib.rendering.pdf_fonts import Style
from chalicelib.rendering.pdf_pages import BODY_HEIGHT, Color, Column, FillBox, Flow
from chalicelib.rendering.pdf_text import Ink, Line, LineBreaker, Stretch, draw_line, leading, place_lines

_SIZES: Final = (0.92, 0.84, 0.76)
_PADDING_X = 5.0
_PADDING_Y = 3.5
_LEAST_COLUMN = 26.0
_MAX_WORD = 110.0
_CUTTABLE_COLUMN = 50.0
_HEADER_GROUND: Final[Color] = (233, 238, 244)
_RULE: Final[Color] = (201, 207, 214)
_SAMPLE_ROWS = 200

Inlines = tuple[Inline, ...]


class _Grid(NamedTuple):
    """The columns of a table and the font size that lets its words fit them."""

    columns: tuple[Column, ...]
    size: float


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

    def place(self, table: Table) -> None:
        """Place ``table`` as a grid, or as records if its columns do not fit the page."""
        grid = self._grid(table)
        if grid:
            self._place_grid(table, grid)
        else:
            self._place_records(table)

    # Column widths

    def _grid(self, table: Table) -> _Grid | None:
        """Return the largest grid that keeps words whole, else one that cuts some, else nothing."""
        fair_share = self._column.width / len(table.header) - 2 * _PADDING_X
        if fair_share < _LEAST_COLUMN:
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
        available = self._column.width - 2 * _PADDING_X * count
        # The widths of a very long table are taken from its first rows.
        rows = [(self._header_ink(size), table.header)]
        rows += [(self._ink._replace(size=size), row) for row in table.rows[:_SAMPLE_ROWS]]
        least, natural = [_LEAST_COLUMN] * count, [_LEAST_COLUMN] * count
        for ink, row in rows:
            for index, cell in enumerate(row):
                stretches = self._stretches(cell.children, ink)
                least[index] = max(least[index], min(self._breaker.widest_word(stretches), widest))
                natural[index] = max(natural[index], self._breaker.natural_width(stretches))
        if sum(least) > available + 0.01:
            return ()
        return self._placed(_shared(least, natural, available))

    def _placed(self, widths: Sequence[float]) -> tuple[Column, ...]:
        columns: list[Column] = []
        left = self._column.left
        for width in widths:
            columns.append(Column(left + _PADDING_X, width))
            left += width + 2 * _PADDING_X
        return tuple(columns)

    # A grid

    def _place_grid(self, table: Table, grid: _Grid) -> None:
        header = self._row_lines(table.header, grid, self._header_ink(grid.size))
        header_height = _height(header, grid.size)
        repeats = header_height < BODY_HEIGHT / 4
        rows = [self._row_lines(row, grid, self._ink._replace(size=grid.size)) for row in table.rows]
        first_row = _height(rows[0], grid.size) if rows else 0.0
        self._flow.need(header_height + min(first_row, 4 * leading(grid.size)))
        self._place_row(header, table, grid, ground=_HEADER_GROUND)
        for row in rows:
            height = _height(row, grid.size)
            if self._flow.room < min(height, BODY_HEIGHT / 3):
                self._flow.break_page()
                if repeats:
                    self._place_row(header, table, grid, ground=_HEADER_GROUND)
            self._place_row(row, table, grid)

    def _row_lines(self, row: Sequence[TableCell], grid: _Grid, ink: Ink) -> list[list[Line]]:
        return [
            self._breaker.lines(self._stretches(cell.children, ink), column.width)
            for cell, column in zip(row, grid.columns, strict=True)
        ]

    def _place_row(self, cells: list[list[Line]], table: Table, grid: _Grid, ground: Color | None = None) -> None:
        """Place a row; one that does not fit the page goes on where the page ends."""
        height = leading(grid.size)
        done = 0
        total = max((len(lines) for lines in cells), default=0)
        while True:
            count = max(1, min(total - done, int((self._flow.room - 2 * _PADDING_Y) / height)))
            part = [lines[done : done + count] for lines in cells]
            self._draw_row(part, table, grid, ground)
            done += count
            if done >= total:
                return
            self._flow.break_page()

    def _draw_row(self, cells: list[list[Line]], table: Table, grid: _Grid, ground: Color | None) -> None:
        page, top = self._flow.page, self._flow.y
        height = _height(cells, grid.size)
        left = self._column.left
        width = grid.columns[-1].left + grid.columns[-1].width + _PADDING_X - left
        if ground:
            page.ground.append(FillBox(left, top, width, height, ground))
        page.ground.append(FillBox(left, top + height - 0.3, width, 0.6, _RULE))
        first_baseline = top + _PADDING_Y + leading(grid.size) * 0.75
        self._flow.baseline(first_baseline)
        for lines, column, align in zip(cells, grid.columns, table.alignments, strict=True):
            for index, line in enumerate(lines):
                draw_line(page, line, column, first_baseline + index * leading(grid.size), align)
        self._flow.advance(height)

    def _header_ink(self, size: float) -> Ink:
        return self._ink._replace(size=size, style=Style(bold=True))

    # Records

    def _place_records(self, table: Table) -> None:
        ink = self._ink._replace(size=self._ink.size * _SIZES[0])
        if not table.rows:
            for cell in table.header:
                self._place_paragraph(self._stretches(cell.children, self._header_ink(ink.size)), ink.size)
        for row in table.rows:
            self._flow.gap(10)
            self._flow.need(3 * leading(ink.size))
            self._flow.page.ground.append(FillBox(self._column.left, self._flow.y, self._column.width, 0.6, _RULE))
            self._flow.advance(3)
            for name, cell in zip(table.header, row, strict=True):
                label = self._stretches(name.children, self._header_ink(ink.size))
                colon = Stretch(": ", self._header_ink(ink.size))
                self._place_paragraph([*label, colon, *self._stretches(cell.children, ink)], ink.size)

    def _place_paragraph(self, stretches: list[Stretch], size: float) -> None:
        place_lines(self._flow, self._breaker.lines(stretches, self._column.width), self._column, size)


def _height(cells: list[list[Line]], size: float) -> float:
    return max([1, *(len(lines) for lines in cells)]) * leading(size) + 2 * _PADDING_Y


def _shared(least: Sequence[float], natural: Sequence[float], available: float) -> list[float]:
    """Share ``available`` points: what a column needs first, then in proportion to what it would like."""
    spare = available - sum(least)
    wishes = [wish - need for wish, need in zip(natural, least, strict=True)]
    wished = sum(wishes)
    if wished <= spare:
        extra = (spare - wished) / len(least)
        return [need + wish + extra for need, wish in zip(least, wishes, strict=True)]
    return [need + spare * wish / wished for need, wish in zip(least, wishes, strict=True)]
