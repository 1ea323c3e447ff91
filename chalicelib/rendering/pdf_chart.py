"""A chart's shapes as operations of a PDF page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, assert_never

from chalicelib.domain.document import Chart
from chalicelib.rendering.chart_layout import (
    Bar,
    ChartLayout,
    Dot,
    Rule,
    Shape,
    Trace,
    Wedge,
    Words,
    arc_points,
    lay_out_chart,
)
from chalicelib.rendering.numbering import chart_table
from chalicelib.rendering.pdf_fonts import FontBook, Style
from chalicelib.rendering.pdf_pages import Column, FillBox, FillShape, Page, StrokeLine
from chalicelib.rendering.pdf_text import Ink, LineBreaker, Stretch, draw_line
from chalicelib.rendering.theme import Color, Theme

_GRID: Final[Color] = (226, 230, 235)
_AXIS: Final[Color] = (120, 127, 136)
_TEXT: Final[Color] = (45, 48, 53)
_MUTED: Final[Color] = (96, 103, 112)
# As the style sheet of the HTML report has them.
_DASHES: Final = ((), (6.0, 2.0), (2.0, 2.0), (8.0, 2.0, 2.0, 2.0))
_KINDS: Final = {
    "bar": "Bar chart",
    "stacked_bar": "Stacked bar chart",
    "line": "Line chart",
    "donut": "Ring chart",
}


class ChartDrawer:
    """Lays out charts with the fonts of a PDF, and draws them."""

    def __init__(self, fonts: FontBook, theme: Theme) -> None:
        self._fonts = fonts
        self._breaker = LineBreaker(fonts)
        self._theme = theme

    def layout(self, chart: Chart, width: float) -> ChartLayout:
        """Return the layout of ``chart`` in ``width`` points."""
        return lay_out_chart(chart, width, lambda text, size, bold: self._fonts.width(text, Style(bold=bold), size))

    def draw(self, layout: ChartLayout, page: Page, left: float, top: float) -> None:
        """Draw ``layout`` with its top left corner at ``left`` and ``top``."""
        for shape in layout.shapes:
            self._draw(shape, page, left, top)

    def _draw(self, shape: Shape, page: Page, left: float, top: float) -> None:
        color: Callable[[int], Color] = self._theme.series_color
        match shape:
            case Bar(x, y, width, height, number):
                page.ink.append(FillBox(left + x, top + y, width, height, color(number)))
            case Rule(x1, y1, x2, y2, role):
                points = ((left + x1, top + y1), (left + x2, top + y2))
                page.ink.append(StrokeLine(points, 0.5, _AXIS if role == "axis" else _GRID))
            case Trace(line, number):
                trace = tuple((left + x, top + y) for x, y in line)
                page.ink.append(StrokeLine(trace, 1.6, color(number), _DASHES[number % len(_DASHES)]))
            case Dot(x, y, radius, number):
                ring = arc_points(left + x, top + y, radius, 0.0, 6.2831853)
                page.ink.append(FillShape(tuple(ring), color(number)))
            case Wedge(x, y, outer, inner, start, end, number):
                edge = arc_points(left + x, top + y, outer, start, end)
                edge += arc_points(left + x, top + y, inner, end, start)
                page.ink.append(FillShape(tuple(edge), color(number)))
                page.ink.append(StrokeLine((*edge, edge[0]), 0.8, (255, 255, 255)))
            case Words():
                self._words(shape, page, left, top)
            case _:
                assert_never(shape)

    def _words(self, words: Words, page: Page, left: float, top: float) -> None:
        ink = Ink(Style(bold=words.bold), words.size, _MUTED if words.muted else _TEXT)
        share = {"start": 0.0, "middle": 0.5, "end": 1.0}[words.anchor]
        for line in self._breaker.lines([Stretch(words.text, ink)], float("inf")):
            draw_line(page, line, Column(left + words.x - line.width * share, line.width), top + words.y)


def spoken_chart(chart: Chart) -> str:
    """Return what ``chart`` shows in words, every label and number: its alternative text."""
    header, rows = chart_table(chart)
    names = header[1:]
    told = []
    for label, *values in rows:
        numbers = [f"{name} {value}" if len(names) > 1 else value for name, value in zip(names, values, strict=True)]
        told.append(f"{label}: {', '.join(numbers)}")
    unit = f", in {chart.unit}" if chart.unit else ""
    return f"{_KINDS[chart.type]}: {chart.title or ', '.join(names)}{unit}. {'; '.join(told)}."
