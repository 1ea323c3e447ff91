"""Charts are laid out so that they can be read: round ticks, texts that do not touch, nothing outside."""

from __future__ import annotations

import math
from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from chalicelib.domain.document import Chart, Series
from chalicelib.rendering.chart_layout import (
    Bar,
    Dot,
    Rule,
    Trace,
    Wedge,
    Words,
    lay_out_chart,
    nice_ticks,
    rough_width,
    wedge_path,
)
from chalicelib.rendering.numbering import chart_table, format_number

WIDTH = 455.0


def chart(kind: str, values: list[float | None], labels: list[str] | None = None, **fields: Any) -> Chart:
    names = labels or [f"L{n}" for n in range(len(values))]
    return Chart.model_validate({"type": kind, "labels": names, "series": [{"name": "s", "values": values}], **fields})


def shapes(made: Chart, kind: type) -> list[Any]:
    return [shape for shape in lay_out_chart(made, WIDTH, rough_width).shapes if isinstance(shape, kind)]


def box(words: Words) -> tuple[float, float, float, float]:
    width = rough_width(words.text, words.size, words.bold)
    left = words.x - {"start": 0.0, "middle": width / 2, "end": width}[words.anchor]
    return left, words.y - words.size * 0.8, left + width, words.y + words.size * 0.2


def overlaps(a: Words, b: Words) -> bool:
    left, top, right, bottom = box(a)
    other_left, other_top, other_right, other_bottom = box(b)
    across = min(right, other_right) - max(left, other_left) > 0.5
    return across and min(bottom, other_bottom) - max(top, other_top) > 0.5


LABELS = st.lists(
    st.sampled_from(
        ["2021", "Q1", "A longer label", "Waiting for a connection to the grid", "x" * 60, "日本語の長い名前"]
    ),
    min_size=1,
    max_size=30,
)
VALUES = st.none() | st.floats(-1e6, 1e6, allow_nan=False) | st.integers(0, 100).map(float)


@st.composite
def charts(draw: st.DrawFn) -> Chart:
    kind = draw(st.sampled_from(["bar", "stacked_bar", "line", "donut"]))
    labels = draw(LABELS)
    count = 1 if kind == "donut" else draw(st.integers(1, 5))
    values = VALUES if kind in ("bar", "line") else st.integers(0, 1000).map(float)
    rows = [draw(st.lists(values, min_size=len(labels), max_size=len(labels))) for _ in range(count)]
    rows[0][0] = 5.0
    series = tuple(Series(name=f"series {n}", values=tuple(row)) for n, row in enumerate(rows))
    return Chart(
        type=kind, title="A title", unit=draw(st.sampled_from(["", "%", "EUR"])), labels=tuple(labels), series=series
    )


@given(charts())
def test_texts_never_touch_one_another(made: Chart) -> None:
    words = shapes(made, Words)
    touching = [(a.text, b.text) for a, b in combinations(words, 2) if overlaps(a, b)]
    assert touching == []


@given(charts())
def test_nothing_stands_outside(made: Chart) -> None:
    layout = lay_out_chart(made, WIDTH, rough_width)
    for shape in layout.shapes:
        if isinstance(shape, Words):
            left, top, right, bottom = box(shape)
        elif isinstance(shape, Bar):
            left, top, right, bottom = shape.x, shape.y, shape.x + shape.width, shape.y + shape.height
            assert shape.width >= 0
            assert shape.height >= 0
        else:
            continue
        assert left >= -1
        assert right <= WIDTH + 1
        assert top >= -1
        assert bottom <= layout.height + 1


@given(charts())
def test_what_the_picture_leaves_out_is_known(made: Chart) -> None:
    layout = lay_out_chart(made, WIDTH, rough_width)
    if layout.complete:
        shown = " ".join(shape.text for shape in layout.shapes if isinstance(shape, Words))
        assert all(word in shown for label in made.labels for word in label.split())
        assert all(format_number(value) in shown for value in made.series[0].values if value is not None)


@given(st.floats(-1e12, 1e12, allow_nan=False), st.floats(-1e12, 1e12, allow_nan=False))
def test_ticks_are_round_even_and_hold_both_ends(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    ticks = nice_ticks(low, high)
    assert 2 <= len(ticks) <= 9
    steps = [after - before for before, after in pairwise(ticks)]
    assert min(steps) > 0
    assert max(steps) - min(steps) <= 1e-6 * max(steps) + 1e-9 * max(abs(low), abs(high))
    assert ticks[0] <= low + 1e-6 * steps[0] + 1e-9 * abs(low)
    assert ticks[-1] >= high - 1e-6 * steps[0] - 1e-9 * abs(high)


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 100, [0, 20, 40, 60, 80, 100]),
        (0, 7.3, [0, 2, 4, 6, 8]),
        (-3, 9, [-4, -2, 0, 2, 4, 6, 8, 10]),
        (0, 0.3, [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3]),
        (5, 5, [2, 3, 4, 5, 6, 7, 8]),
    ],
)
def test_ticks_are_what_people_would_draw(low: float, high: float, ticks: list[float]) -> None:
    assert nice_ticks(low, high) == pytest.approx(ticks)


@pytest.mark.parametrize("high", [1, 2, 3, 13, 128])
def test_an_axis_of_counts_has_no_halves(high: int) -> None:
    ticks = nice_ticks(0, high, whole=True)
    assert all(tick.is_integer() for tick in ticks)
    assert ticks[-1] >= high
    assert len(ticks) == len(set(ticks)) >= 2


@pytest.mark.parametrize("value", [0.0, 1e15, -1e15, 5e-324, 1e-12, 123456.789])
def test_extreme_numbers_are_drawn(value: float) -> None:
    layout = lay_out_chart(chart("bar", [value, 1.0, None]), WIDTH, rough_width)
    for shape in layout.shapes:
        assert all(math.isfinite(part) for part in shape if isinstance(part, float))


def test_bars_begin_at_zero_and_negative_ones_hang() -> None:
    zero = next(rule.y1 for rule in shapes(chart("bar", [4, -2]), Rule) if rule.role == "axis")
    up, down = shapes(chart("bar", [4, -2]), Bar)
    assert up.y + up.height == pytest.approx(zero)
    assert down.y == pytest.approx(zero)
    assert up.height == pytest.approx(2 * down.height)


def test_wide_and_narrow_characters_are_told_apart_where_no_font_is_at_hand() -> None:
    widths = {text: rough_width(text, 10.0, False) for text in ("40%", "WWW", "iii", "日本語", "ĉe\u0301x")}
    assert widths["40%"] >= 22  # as wide as in the widest of the usual fonts
    assert widths["iii"] < widths["ĉe\u0301x"] < widths["40%"] < widths["WWW"] == widths["日本語"] == 30
    assert rough_width("WWW", 10.0, True) > 32


def test_long_labels_lay_the_bars_down() -> None:
    long = [f"A label of several words that is far too long number {n}" for n in range(9)]
    bars = shapes(chart("bar", [float(n + 1) for n in range(9)], long), Bar)
    assert len({round(bar.x, 3) for bar in bars}) == 1
    assert len({round(bar.y, 3) for bar in bars}) == 9


def test_a_gap_breaks_the_line() -> None:
    assert [len(t.points) for t in shapes(chart("line", [1, 2, None, 3, 4, 5]), Trace)] == [2, 3]
    assert len(shapes(chart("line", [1, None, 2]), Dot)) == 2


def test_many_labels_of_a_line_are_thinned_out() -> None:
    made = chart("line", [float(n) for n in range(200)], [f"2024-01-{n}" for n in range(200)])
    shown = [w.text for w in shapes(made, Words) if w.text.startswith("2024")]
    assert 3 <= len(shown) < 20


def test_shares_fill_the_ring_and_say_their_percentages() -> None:
    made = chart("donut", [1, 1, 2])
    wedges = shapes(made, Wedge)
    assert sum(w.end - w.start for w in wedges) == pytest.approx(2 * math.pi)
    assert [w.text for w in shapes(made, Words) if "%" in w.text] == ["25.0%", "25.0%", "50.0%"]


def test_small_shares_beyond_ten_become_one() -> None:
    made = chart("donut", [float(n) for n in range(1, 31)])
    assert len(shapes(made, Wedge)) == 10
    assert "21 others" in [w.text for w in shapes(made, Words)]


def test_a_wedge_is_a_closed_path() -> None:
    path = wedge_path(Wedge(50, 50, 40, 20, 0, math.pi, 0))
    assert [command for command, _ in path] == ["M", *"CCCC", "L", *"CCCC", "Z"]
    assert path[0][1] == pytest.approx((50, 10))
    assert path[4][1][-2:] == pytest.approx((50, 90))


def test_the_table_of_a_chart_says_everything() -> None:
    header, rows = chart_table(chart("bar", [1.5, None], ["a", "b"], unit="EUR"))
    assert header == ("EUR", "s")
    assert rows == (("a", "1.5"), ("b", ""))


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.1 + 0.2, "0.3"), (1234567.5, "1,234,567.5"), (-5, "−5"), (1e15, "1,000,000,000,000,000"), (1e-7, "0.0000001"),
     (None, ""), (1e-12, "1e−12")],
)  # fmt: skip
def test_numbers_are_written_as_people_write_them(value: float | None, shown: str) -> None:
    assert format_number(value) == shown


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "pie", "labels": ["a"], "series": [{"values": [1]}]},
        {"type": "bar", "labels": [], "series": [{"values": []}]},
        {"type": "bar", "labels": ["a"], "series": []},
        {"type": "bar", "labels": ["a"], "series": [{"values": [1, 2]}]},
        {"type": "bar", "labels": ["a"], "series": [{"values": [math.nan]}]},
        {"type": "bar", "labels": ["a"], "series": [{"values": [math.inf]}]},
        {"type": "bar", "labels": ["a"], "series": [{"values": [None]}]},
        {"type": "bar", "labels": ["a"] * 201, "series": [{"values": [1] * 201}]},
        {"type": "bar", "labels": ["a"], "series": [{"values": [1]}] * 13},
        {"type": "donut", "labels": ["a"], "series": [{"values": [-1]}]},
        {"type": "donut", "labels": ["a"], "series": [{"values": [0]}]},
        {"type": "donut", "labels": ["a"], "series": [{"values": [1]}, {"values": [1]}]},
        {"type": "stacked_bar", "labels": ["a"], "series": [{"values": [-1]}]},
        {"type": "bar", "labels": ["a"], "series": [{"values": [1]}], "image": "http://example.org/x.png"},
    ],
)
def test_a_chart_that_cannot_be_drawn_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Chart.model_validate(fields)
