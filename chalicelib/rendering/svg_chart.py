"""A chart as an SVG picture inside an HTML page: shapes and texts, in colours that the page's style sheet sets."""

from __future__ import annotations

from typing import Final, assert_never

from markupsafe import Markup

from chalicelib.domain.document import Chart
from chalicelib.rendering.chart_layout import (
    Bar,
    Dot,
    Rule,
    Shape,
    Trace,
    Wedge,
    Words,
    lay_out_chart,
    rough_width,
    wedge_path,
)
from chalicelib.rendering.visible_text import visible

WIDTH: Final = 520.0
"""How wide a chart is laid out, in points; the page scales it to its column."""

_KINDS: Final = {"bar": "Bar chart", "stacked_bar": "Stacked bar chart", "line": "Line chart", "donut": "Ring chart"}
_MOST_NAMES: Final = 6


def svg_chart(chart: Chart, title_id: str) -> Markup:
    """Return ``chart`` as an ``svg`` element; ``title_id`` becomes the id of its title, and part of its description's.

    All text goes through Markup's formatting, which escapes it.
    """
    layout = lay_out_chart(chart, WIDTH, rough_width)
    opening = Markup(
        '<svg role="img" viewBox="0 0 {} {}" aria-labelledby="{} {}-text">'
        '<title id="{}">{}</title><desc id="{}-text">{}</desc>'
    ).format(
        *(_number(layout.width), _number(layout.height), title_id, title_id, title_id),
        *(visible(chart.title) or _KINDS[chart.type], title_id, visible(chart_description(chart))),
    )
    return opening + Markup("").join(map(_shape, layout.shapes)) + Markup("</svg>")


def chart_description(chart: Chart) -> str:
    """Return what ``chart`` shows, in a sentence or two."""
    names = [series.name for series in chart.series if series.name]
    parts = [f"{_KINDS[chart.type]} of {len(chart.labels)} values" if len(chart.labels) > 1 else _KINDS[chart.type]]
    if len(chart.series) > 1:
        parts.append(f" in {len(chart.series)} series")
    if names:
        more = ", and more" if len(names) > _MOST_NAMES else ""
        parts.append(f": {', '.join(names[:_MOST_NAMES])}{more}")
    unit = f" Unit: {chart.unit}." if chart.unit else ""
    return f"{''.join(parts)}.{unit} The numbers are in the table below the picture."


def _shape(shape: Shape) -> Markup:
    match shape:
        case Bar():
            return Markup('<rect class="s{}" x="{}" y="{}" width="{}" height="{}"/>').format(
                shape.color, *map(_number, (shape.x, shape.y, shape.width, shape.height))
            )
        case Rule():
            return Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
                shape.role, *map(_number, (shape.x1, shape.y1, shape.x2, shape.y2))
            )
        case Trace():
            points = " ".join(f"{_number(x)},{_number(y)}" for x, y in shape.points)
            return Markup('<polyline class="s{}" points="{}"/>').format(shape.color, points)
        case Dot():
            return Markup('<circle class="s{}" cx="{}" cy="{}" r="{}"/>').format(
                shape.color, *map(_number, (shape.x, shape.y, shape.radius))
            )
        case Wedge():
            path = " ".join(f"{command}{' '.join(map(_number, points))}" for command, points in wedge_path(shape))
            return Markup('<path class="s{}" d="{}"/>').format(shape.color, path)
        case Words():
            return _words(shape)
        case _:
            assert_never(shape)


def _words(words: Words) -> Markup:
    names = [name for name, applies in (("bold", words.bold), ("muted", words.muted)) if applies]
    kind = Markup(' class="{}"').format(" ".join(names)) if names else ""
    anchor = Markup(' text-anchor="{}"').format(words.anchor) if words.anchor != "start" else ""
    return Markup('<text x="{}" y="{}" font-size="{}"{}{}>{}</text>').format(
        *map(_number, (words.x, words.y, words.size)), anchor, kind, visible(words.text)
    )


def _number(value: float) -> str:
    """Return a coordinate with two digits after the point at most."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
