"""Where the parts of a chart go: one geometry, drawn alike in a PDF and as SVG.

Lengths are in points; x grows to the right and y downwards from the top left corner.
Whoever calls says how wide a text is, and draws the shapes.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from chalicelib.domain.document import Chart
from chalicelib.rendering.numbering import chart_table, format_number
from chalicelib.rendering.visible_text import one_line

Measure = Callable[[str, float, bool], float]
"""Returns the width in points of a text at a font size in points, bold or not."""

TEXT_SIZE: Final = 8.0
TITLE_SIZE: Final = 10.0

_PLOT_RATIO = 0.33
_LEAST_BAR_ROW = 15.0
_SERIES_ROW = 9.0
_MOST_HEIGHT = 460.0
_MOST_SLICES = 10
_GAP = 6.0
_KEY = 7.0
_LINE = TEXT_SIZE * 1.3
_ELLIPSIS = "…"
_MOST_TITLE_LINES = 3
_MOST_LEGEND_LINES = 6
_LEAST_SPAN = 1e-200
_BOLD_SCALE = 1.12
# What is much wider or narrower than other characters of its kind.
_ROUGH_EMS: Final = {
    " .,:;'|!/\\()[]{}-\u00a0\u00b7\u2018\u2019fijlrtIJ": 0.42,
    "%@&mwMW\u00e6\u0153\u00c6\u0152\u2014\u2026жшщюфмыњљ\u041cФЫ": 1.0,
    "ЖШЩЮЉЊ": 1.1,
    "\u2030": 1.35,
}


class Bar(NamedTuple):
    """A filled rectangle in the colour of a series."""

    x: float
    y: float
    width: float
    height: float
    color: int


class Rule(NamedTuple):
    """A straight line of the grid or an axis."""

    x1: float
    y1: float
    x2: float
    y2: float
    role: Literal["grid", "axis"]


class Trace(NamedTuple):
    """The line through the points of a series."""

    points: tuple[tuple[float, float], ...]
    color: int


class Dot(NamedTuple):
    """A point of a series."""

    x: float
    y: float
    radius: float
    color: int


class Wedge(NamedTuple):
    """A slice of a ring, clockwise from angle ``start`` to ``end`` in radians; 0 is at the top."""

    x: float
    y: float
    outer: float
    inner: float
    start: float
    end: float
    color: int


class Words(NamedTuple):
    """A text with its baseline at ``y``; ``anchor`` is the part of it that stands at ``x``."""

    x: float
    y: float
    text: str
    size: float
    anchor: Literal["start", "middle", "end"] = "start"
    bold: bool = False
    muted: bool = False


Shape = Bar | Rule | Trace | Dot | Wedge | Words


class ChartLayout(NamedTuple):
    """The shapes of a chart in the order of drawing.

    ``complete`` tells that every label and value can be read in it; if not, a table has to say them.
    """

    width: float
    height: float
    shapes: tuple[Shape, ...]
    complete: bool


def lay_out_chart(chart: Chart, width: float, measure: Measure) -> ChartLayout:
    """Lay out ``chart`` in ``width`` points; its height follows from what it shows."""
    return _Layout(chart, width, measure).made()


def rough_width(text: str, size: float, bold: bool) -> float:
    """Estimate the width of ``text`` for whoever has no font at hand; rather too wide than too narrow."""
    return sum(map(_rough_ems, text)) * size * (_BOLD_SCALE if bold else 1.0)


@lru_cache(maxsize=4096)
def _rough_ems(character: str) -> float:
    """Return how many times its font size ``character`` is wide in the wider ones of the usual sans-serif fonts."""
    for characters, ems in _ROUGH_EMS.items():
        if character in characters:
            return ems
    category = unicodedata.category(character)
    if category in ("Mn", "Me", "Cf"):
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return 1.35 if category == "So" else 1.0  # emoji are wider than ideographs
    if category in ("Lu", "Lt", "Lo"):
        return 0.8
    return 0.85 if category.startswith("S") else 0.65


def nice_ticks(low: float, high: float, most: int = 6, *, whole: bool = False) -> list[float]:
    """Return round numbers, evenly spaced, from at or below ``low`` to at or above ``high``: 2 to ``most`` + 1.

    Where ``whole`` things are counted, all of them are whole, and there may be fewer.
    """
    if high - low < _LEAST_SPAN:
        reach = abs(high) if abs(high) > _LEAST_SPAN else 1.0
        low, high = low - reach / 2, high + reach / 2
    rough = (high - low) / most
    magnitude = 10.0 ** math.floor(math.log10(rough))
    steps = [factor * magnitude for factor in (1, 2, 2.5, 5, 10) if factor * magnitude >= rough * (1 - 1e-9)]
    step = next((one for one in steps if not whole or one.is_integer()), 1.0)
    digits = min(300, max(0, 1 - math.floor(math.log10(step))))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, digits) for number in range(first, last + 1)]


def wedge_path(wedge: Wedge) -> list[tuple[str, tuple[float, ...]]]:
    """Return the outline of ``wedge`` as path commands (``M``, ``L``, ``C``, ``Z``) with their coordinates."""
    path: list[tuple[str, tuple[float, ...]]] = [("M", _on_circle(wedge, wedge.outer, wedge.start))]
    path += _arc(wedge, wedge.outer, wedge.start, wedge.end)
    path.append(("L", _on_circle(wedge, wedge.inner, wedge.end)))
    path += _arc(wedge, wedge.inner, wedge.end, wedge.start)
    path.append(("Z", ()))
    return path


def arc_points(x: float, y: float, radius: float, start: float, end: float) -> list[tuple[float, float]]:
    """Return points along a circle, at most two degrees apart: too close to see the corners."""
    count = max(1, math.ceil(abs(end - start) / math.radians(2)))
    angles = [start + (end - start) * number / count for number in range(count + 1)]
    return [(x + radius * math.sin(angle), y - radius * math.cos(angle)) for angle in angles]


def _on_circle(wedge: Wedge, radius: float, angle: float) -> tuple[float, float]:
    return wedge.x + radius * math.sin(angle), wedge.y - radius * math.cos(angle)


def _arc(wedge: Wedge, radius: float, start: float, end: float) -> list[tuple[str, tuple[float, ...]]]:
    """Return Bézier curves along a circle, each for at most an eighth of it."""
    count = max(1, math.ceil(abs(end - start) / (math.pi / 4)))
    turn = (end - start) / count
    reach = radius * 4 / 3 * math.tan(turn / 4)
    curves: list[tuple[str, tuple[float, ...]]] = []
    for index in range(count):
        a, b = start + index * turn, start + (index + 1) * turn
        (ax, ay), (bx, by) = _on_circle(wedge, radius, a), _on_circle(wedge, radius, b)
        first = (ax + reach * math.cos(a), ay + reach * math.sin(a))
        second = (bx - reach * math.cos(b), by - reach * math.sin(b))
        curves.append(("C", (*first, *second, bx, by)))
    return curves


class _Scale(NamedTuple):
    """Where values lie on an axis."""

    ticks: list[float]
    start: float
    length: float

    def at(self, value: float) -> float:
        low, high = self.ticks[0], self.ticks[-1]
        return self.start + self.length * (value - low) / (high - low)


class _Layout:
    def __init__(self, chart: Chart, width: float, measure: Measure) -> None:
        self._chart = chart
        self._width = width
        self._measure = measure
        self._labels = [one_line(label) for label in chart.labels]
        self._unit = one_line(chart.unit)
        self._shapes: list[Shape] = []
        self._y = 0.0
        self._complete = True

    def made(self) -> ChartLayout:
        self._title()
        if self._chart.type == "donut":
            self._donut()
        else:
            self._legend()
            if self._chart.type == "line" or not self._lies_down():
                self._upright()
            else:
                self._lying_bars()
        return ChartLayout(self._width, self._y, tuple(self._shapes), self._complete)

    # Texts

    def _title(self) -> None:
        title = one_line(self._chart.title)
        unit = self._unit if self._short_unit() == "" else ""
        for line in self._wrapped(title, self._width, TITLE_SIZE, _MOST_TITLE_LINES, bold=True):
            self._shapes.append(Words(0, self._y + TITLE_SIZE, line, TITLE_SIZE, bold=True))
            self._y += TITLE_SIZE * 1.35
        for line in self._wrapped(unit, self._width, TEXT_SIZE, 2):
            self._shapes.append(Words(0, self._y + TEXT_SIZE, line, TEXT_SIZE, muted=True))
            self._y += _LINE
        if self._y:
            self._y += 4

    def _short_unit(self) -> str:
        return self._unit if self._unit in ("%", "‰", "°") else ""

    def _shown(self, value: float) -> str:
        return format_number(value) + self._short_unit()

    def _text_width(self, text: str, bold: bool = False) -> float:
        return self._measure(text, TEXT_SIZE, bold)

    def _wrapped(self, text: str, width: float, size: float, most: int, bold: bool = False) -> list[str]:
        """Return ``text`` as at most ``most`` lines; what does not fit ends in an ellipsis and is noted."""
        lines: list[str] = []
        for word in text.split():
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and self._measure(longer, size, bold) <= width:
                lines[-1] = longer
            else:
                lines.append(word)
        shown = [self._fitted(line, width, size, bold) for line in lines[:most]]
        if len(lines) > most:
            self._complete = False
            shown[-1] = self._fitted(lines[most - 1] + _ELLIPSIS, width, size, bold)
        return shown

    def _fitted(self, text: str, width: float, size: float = TEXT_SIZE, bold: bool = False) -> str:
        """Return ``text``, cut with an ellipsis if it is wider than ``width``."""
        if self._measure(text, size, bold) <= width:
            return text
        self._complete = False
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            if self._measure(text[:middle].rstrip() + _ELLIPSIS, size, bold) <= width:
                low = middle
            else:
                high = middle - 1
        return text[:low].rstrip() + _ELLIPSIS

    def _legend(self) -> None:
        """Place a key and a name for every series, in as many rows as they need."""
        names = list(map(one_line, chart_table(self._chart)[0][1:]))
        if len(names) == 1:
            return
        x, rows = 0.0, 1
        for index, name in enumerate(names):
            shown = self._fitted(name, self._width - _KEY - 5)
            needed = _KEY + 4 + self._text_width(shown)
            if x and x + needed > self._width:
                x, rows = 0.0, rows + 1
                self._y += _LINE + 2
            if rows > _MOST_LEGEND_LINES:
                self._complete = False
                break
            self._shapes.append(Bar(x, self._y + 1, _KEY, _KEY, index))
            self._shapes.append(Words(x + _KEY + 4, self._y + TEXT_SIZE, shown, TEXT_SIZE))
            x += needed + 14
        self._y += _LINE + 6

    # Upright bars and lines

    def _values(self) -> list[float]:
        return [value for series in self._chart.series for value in series.values if value is not None]

    def _reach(self) -> tuple[float, float]:
        """Return the smallest and the greatest number that the axis must hold."""
        if self._chart.type == "stacked_bar":
            sums = [sum(s.values[n] or 0.0 for s in self._chart.series) for n in range(len(self._labels))]
            return 0.0, max(sums) or 1.0
        low, high = min(self._values()), max(self._values())
        if self._chart.type == "line" and (low > 0.5 * high > 0 or high < 0.5 * low < 0):
            return low, high
        low, high = min(low, 0.0), max(high, 0.0)
        return (low, high) if low < high else (0.0, 1.0)

    def _counts(self) -> bool:
        """Tell whether every number is whole, so that a half on the axis would be of nothing."""
        return all(value.is_integer() for value in self._values())

    def _upright(self) -> None:
        ticks = nice_ticks(*self._reach(), whole=self._counts())
        left = max(self._text_width(self._shown(tick)) for tick in ticks) + _GAP
        plot_width = self._width - left
        top = self._y + (_LINE if self._shows_values() else TEXT_SIZE / 2)
        height = max(90.0, min(180.0, self._width * _PLOT_RATIO))
        scale = _Scale(ticks, top + height, -height)
        for tick in ticks:
            y = scale.at(tick)
            self._shapes.append(Rule(left, y, self._width, y, "axis" if tick == 0 else "grid"))
            self._shapes.append(Words(left - _GAP, y + 2.8, self._shown(tick), TEXT_SIZE, "end", muted=True))
        hangs = self._shows_values() and min(self._values()) < 0  # numbers of these stand below their bars
        self._y = top + height + 4 + (_LINE if hangs else 0.0)
        slot = plot_width / len(self._labels)
        if self._chart.type == "line":
            self._traces(scale, left, slot)
        elif self._chart.type == "stacked_bar":
            self._stacks(scale, left, slot)
        else:
            self._bars(scale, left, slot)
        self._axis_labels(left, slot)

    def _shows_values(self) -> bool:
        """Tell whether every bar has room for its number."""
        if self._chart.type != "bar" or len(self._chart.series) > 1:
            return False
        slot = (self._width - 60) / len(self._labels)
        return max(self._text_width(self._shown(value)) for value in self._values()) <= slot - 4

    def _bars(self, scale: _Scale, left: float, slot: float) -> None:
        count = len(self._chart.series)
        group = min(slot * 0.76, 52.0 * count)
        bar = group / count
        shows = self._shows_values()
        self._complete &= shows
        for place, series in enumerate(self._chart.series):
            for index, value in enumerate(series.values):
                if value is None:
                    continue
                x = left + slot * index + (slot - group) / 2 + bar * place
                zero, end = scale.at(0.0), scale.at(value)
                thickness = bar * (0.92 if count > 1 else 1)
                self._shapes.append(Bar(x, min(zero, end), thickness, abs(end - zero), place))
                if shows:
                    y = end - 3 if value >= 0 else end + TEXT_SIZE
                    self._shapes.append(Words(x + thickness / 2, y, self._shown(value), TEXT_SIZE, "middle"))

    def _stacks(self, scale: _Scale, left: float, slot: float) -> None:
        self._complete = False
        thickness = min(slot * 0.7, 60.0)
        for index in range(len(self._labels)):
            total = 0.0
            for place, series in enumerate(self._chart.series):
                value = series.values[index] or 0.0
                low, high = scale.at(total), scale.at(total + value)
                x = left + slot * index + (slot - thickness) / 2
                # A hair of ground between the parts tells them apart without colour.
                height = max(low - high - 0.6, min(low - high, 0.3))
                if value:
                    self._shapes.append(Bar(x, high, thickness, height, place))
                total += value

    def _traces(self, scale: _Scale, left: float, slot: float) -> None:
        self._complete = False
        for place, series in enumerate(self._chart.series):
            points: list[tuple[float, float]] = []
            for index, value in enumerate((*series.values, None)):
                if value is not None:
                    points.append((left + slot * (index + 0.5), scale.at(value)))
                    continue
                if len(points) > 1:
                    self._shapes.append(Trace(tuple(points), place))
                if len(points) == 1 or slot >= 9:
                    self._shapes.extend(Dot(x, y, 2.2, place) for x, y in points)
                points = []

    def _axis_labels(self, left: float, slot: float) -> None:
        """Place the labels below the plot: all of them in up to three lines, or every so many in one."""
        if all(self._fits_slot(label, slot) for label in self._labels):
            lines = [self._wrapped(label, slot - 4, TEXT_SIZE, 3) for label in self._labels]
            for index, parts in enumerate(lines):
                for row, part in enumerate(parts):
                    x = left + slot * (index + 0.5)
                    self._shapes.append(Words(x, self._y + TEXT_SIZE + row * _LINE, part, TEXT_SIZE, "middle"))
            self._y += _LINE * max(1, *map(len, lines)) + 4
            return
        widest = min(90.0, max(map(self._text_width, self._labels)))
        step = max(1, math.ceil((widest + 8) / slot))
        self._complete &= step == 1
        for index in range(0, len(self._labels), step):
            x = left + slot * (index + 0.5)
            shown = self._fitted(self._labels[index], max(widest, slot - 4))
            half = self._text_width(shown) / 2
            x = min(max(x, half), self._width - half)
            self._shapes.append(Words(x, self._y + TEXT_SIZE, shown, TEXT_SIZE, "middle"))
        self._y += _LINE + 4

    def _fits_slot(self, label: str, slot: float) -> bool:
        """Tell whether ``label`` fits a slot in three lines with its words whole."""
        width = slot - 4
        if any(self._text_width(word) > width for word in label.split()):
            return False
        before = self._complete
        self._complete = True
        self._wrapped(label, width, TEXT_SIZE, 3)
        fits, self._complete = self._complete, before
        return fits

    # Lying bars, for labels that are too long to stand beside one another

    def _row_height(self) -> float:
        if self._chart.type == "stacked_bar":
            return _LEAST_BAR_ROW + 4
        return max(_LEAST_BAR_ROW, _SERIES_ROW * len(self._chart.series)) + 5

    def _lies_down(self) -> bool:
        if self._row_height() * len(self._labels) > _MOST_HEIGHT:
            return False
        slot = (self._width - 40) / len(self._labels)
        return not all(self._fits_slot(label, slot) for label in self._labels)

    def _lying_bars(self) -> None:
        row = self._row_height()
        most_lines = max(1, int(row / (TEXT_SIZE * 1.12)))
        shows = self._chart.type == "bar" and len(self._chart.series) == 1
        number_room = max(self._text_width(self._shown(v)) for v in self._values()) + 6 if shows else 0.0
        label_width = min(self._width * 0.36, max(map(self._text_width, self._labels)))
        left = label_width + _GAP + (number_room if min(self._values()) < 0 else 0.0)
        scale = self._lying_scale(left, number_room)
        top, bottom = self._y, self._y + row * len(self._labels)
        free_from = -math.inf
        for tick in scale.ticks:
            x, half = scale.at(tick), self._text_width(self._shown(tick)) / 2
            self._shapes.append(Rule(x, top, x, bottom, "axis" if tick == 0 else "grid"))
            if x - half >= free_from:
                self._shapes.append(Words(x, bottom + _LINE, self._shown(tick), TEXT_SIZE, "middle", muted=True))
                free_from = x + half + _GAP
        self._complete &= shows
        for index, label in enumerate(self._labels):
            y = top + row * index
            parts = self._wrapped(label, label_width, TEXT_SIZE, most_lines)
            first = y + row / 2 + 2.8 - (len(parts) - 1) * TEXT_SIZE * 1.12 / 2
            for number, part in enumerate(parts):
                baseline = first + number * TEXT_SIZE * 1.12
                self._shapes.append(Words(label_width, baseline, part, TEXT_SIZE, "end"))
            self._lying_row(scale, index, y + 2.5, row - 5, shows)
        self._y = bottom + _LINE + 6

    def _lying_scale(self, left: float, number_room: float) -> _Scale:
        """Return the scale with as many ticks, up to six, as have room for their numbers."""
        for most in (5, 4, 3, 2):
            ticks = nice_ticks(*self._reach(), most=most, whole=self._counts())
            widths = [self._text_width(self._shown(tick)) for tick in ticks]
            right = self._width - max(number_room, widths[-1] / 2)
            scale = _Scale(ticks, left, max(40.0, right - left))
            if scale.length / (len(ticks) - 1) >= max(widths) + _GAP:
                break
        return scale

    def _lying_row(self, scale: _Scale, index: int, y: float, height: float, shows: bool) -> None:
        total = 0.0
        stacked = self._chart.type == "stacked_bar"
        thickness = height if stacked else height / len(self._chart.series)
        for place, series in enumerate(self._chart.series):
            value = series.values[index]
            if value is None:
                continue
            start, end = scale.at(total), scale.at(total + value)
            top = y if stacked else y + thickness * place
            gap = 0.6 if stacked else 0.0
            x, length = min(start, end), abs(end - start)
            self._shapes.append(Bar(x, top, max(length - gap, min(length, 0.3)), thickness * 0.94, place))
            if stacked:
                total += value
            elif shows:
                baseline, shown = top + thickness / 2 + 2.8, self._shown(value)
                if value >= 0:
                    self._shapes.append(Words(end + 3, baseline, shown, TEXT_SIZE))
                else:
                    self._shapes.append(Words(end - 3, baseline, shown, TEXT_SIZE, "end"))

    # Rings

    def _slices(self) -> list[tuple[str, float]]:
        """Return label and value of every slice; beyond ten, the smallest are one."""
        values = [value or 0.0 for value in self._chart.series[0].values]
        slices = list(zip(self._labels, values, strict=True))
        if len(slices) <= _MOST_SLICES:
            return slices
        self._complete = False
        order = sorted(range(len(slices)), key=lambda index: -values[index])
        kept = sorted(order[: _MOST_SLICES - 1])
        rest = sum(values[index] for index in order[_MOST_SLICES - 1 :])
        return [*(slices[index] for index in kept), (f"{len(slices) - len(kept)} others", rest)]

    def _donut(self) -> None:
        slices = self._slices()
        total = sum(value for _, value in slices)
        outer = min(66.0, self._width * 0.2)
        rows_height = len(slices) * (_LINE + 4)
        height = max(outer * 2, rows_height) + 8
        center = (outer + 4, self._y + height / 2)
        angle = 0.0
        for index, (_, value) in enumerate(slices):
            turn = 2 * math.pi * value / total
            if value:
                self._shapes.append(Wedge(*center, outer, outer * 0.58, angle, angle + turn, index))
            angle += turn
        if self._unit != "%":
            shown = self._fitted(self._shown(total), outer * 1.1, TITLE_SIZE, True)
            self._shapes.append(Words(center[0], center[1] + 3.5, shown, TITLE_SIZE, "middle", bold=True))
        self._slice_legend(slices, total, outer * 2 + 28, self._y + (height - rows_height) / 2)
        self._y += height

    def _slice_legend(self, slices: Sequence[tuple[str, float]], total: float, x: float, top: float) -> None:
        shares = [f"{value / total:.1%}" for _, value in slices]
        # Shares that are percentages already are not said twice.
        numbers = ["" if self._unit == "%" and abs(total - 100) < 0.05 else format_number(v) for _, v in slices]
        share_width = max(map(self._text_width, shares))
        number_width = max(map(self._text_width, numbers))
        room = self._width - x - _KEY - 5 - share_width - number_width - 24
        name_width = min(room, max(self._text_width(label) for label, _ in slices))
        for index, (label, _) in enumerate(slices):
            baseline = top + index * (_LINE + 4) + TEXT_SIZE + 2
            self._shapes.append(Bar(x, baseline - _KEY + 0.6, _KEY, _KEY, index))
            self._shapes.append(Words(x + _KEY + 5, baseline, self._fitted(label, name_width), TEXT_SIZE))
            right = x + _KEY + 5 + name_width + 12 + number_width
            if numbers[index]:
                self._shapes.append(Words(right, baseline, numbers[index], TEXT_SIZE, "end"))
            right += share_width + (12 if number_width else 0)
            self._shapes.append(Words(right, baseline, shares[index], TEXT_SIZE, "end", muted=True))
