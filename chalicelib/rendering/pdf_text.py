"""Breaking text into lines and placing them.

A word's width is measured once per document and style, and lines are placed whole:
that, not cleverness, is what makes this fast. Words are never hyphenated; one that is
wider than its column is cut between characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Literal, NamedTuple

from chalicelib.rendering.pdf_fonts import FontBook, Piece, Style
from chalicelib.rendering.pdf_pages import Color, Column, FillBox, Flow, LinkArea, Page, ShowText

_SPACES = re.compile("([ \t\n\u2028\u2029]+|\u200b)")
_ASCENT = 0.8
_LEADING = 1.45
_TOLERANCE = 0.01

Align = Literal["left", "center", "right"]


class Ink(NamedTuple):
    """How a stretch of text looks; ``size`` is in points, ``href`` makes it clickable."""

    style: Style
    size: float
    color: Color
    ground: Color | None = None
    strike: bool = False
    href: str = ""


class Span(NamedTuple):
    """Part of a line in one face; ``width`` is in points."""

    text: str
    width: float
    face: str
    ink: Ink


class Line(NamedTuple):
    """Spans side by side, and their width together in points."""

    spans: tuple[Span, ...]
    width: float


class Stretch(NamedTuple):
    """A text in one look; ``breaks`` marks a forced line break instead."""

    text: str
    ink: Ink
    breaks: bool = False


class _Cluster:
    """Spans that must stay on one line, and the space before them."""

    __slots__ = ("space", "spans", "width")

    def __init__(self, space: Span | None) -> None:
        self.space = space
        self.spans: list[Span] = []
        self.width = 0.0

    def add(self, span: Span) -> None:
        self.spans.append(span)
        self.width += span.width


class LineBreaker:
    """Turns stretches of text into lines of a given width."""

    def __init__(self, fonts: FontBook) -> None:
        self._fonts = fonts

    def lines(self, stretches: Iterable[Stretch], width: float) -> list[Line]:
        """Return the lines of ``stretches``, none wider than ``width`` points."""
        lines: list[Line] = []
        for breaks, group in groupby(stretches, key=lambda stretch: stretch.breaks):
            if breaks:
                lines.extend(Line((), 0.0) for _ in list(group)[1:])
            else:
                lines.extend(self._fill(self._clusters(group), width))
        return lines

    def widest_word(self, stretches: Iterable[Stretch]) -> float:
        """Return the width of the widest unbreakable part, in points."""
        return max((cluster.width for cluster in self._clusters(stretches)), default=0.0)

    def natural_width(self, stretches: Iterable[Stretch]) -> float:
        """Return the width of the text on one line, in points."""
        clusters = self._clusters(stretches)
        return sum(cluster.width + (cluster.space.width if cluster.space else 0.0) for cluster in clusters)

    def code_lines(self, text: str, ink: Ink, width: float) -> list[Line]:
        """Return the lines of ``text`` with their white space kept, cut where they are too wide."""
        lines: list[Line] = []
        for source in text.expandtabs(4).split("\n"):
            cluster = _Cluster(None)
            self._add_word(cluster, source, ink)
            lines.extend(self._fill([cluster], width) if cluster.spans else [Line((), 0.0)])
        return lines

    def _clusters(self, stretches: Iterable[Stretch]) -> list[_Cluster]:
        clusters: list[_Cluster] = []
        space: Span | None = None
        glued = False
        for stretch in stretches:
            for part in _SPACES.split(stretch.text):
                if not part:
                    continue
                if _SPACES.match(part):
                    space = None if part == "\u200b" else self._space(stretch.ink)
                    glued = False
                    continue
                if not glued:
                    clusters.append(_Cluster(space))
                self._add_word(clusters[-1], part, stretch.ink)
                glued = True
        return clusters

    def _space(self, ink: Ink) -> Span:
        piece = self._fonts.word(" ", ink.style).pieces[0]
        return Span(" ", piece.width * ink.size / 1000, piece.face, ink)

    def _add_word(self, cluster: _Cluster, text: str, ink: Ink) -> None:
        for piece in self._fonts.word(text, ink.style).pieces:
            cluster.add(Span(piece.text, piece.width * ink.size / 1000, piece.face, ink))

    def _fill(self, clusters: list[_Cluster], width: float) -> list[Line]:
        """Fill lines with as many clusters as fit, one after the other."""
        lines: list[Line] = []
        spans: list[Span] = []
        used = 0.0
        limit = width + _TOLERANCE
        for cluster in clusters:
            space = cluster.space
            gap = space.width if space and spans else 0.0
            if spans and used + gap + cluster.width > limit:
                lines.append(_line(spans))
                spans, used, gap = [], 0.0, 0.0
            if space and spans:
                spans.append(space)
                used += gap
            if cluster.width <= limit:
                spans.extend(cluster.spans)
                used += cluster.width
            else:
                *full, rest = self._cut(cluster, width)
                lines.extend(map(_line, full))
                spans, used = rest, sum(span.width for span in rest)
        if spans:
            lines.append(_line(spans))
        return lines

    def _cut(self, cluster: _Cluster, width: float) -> list[list[Span]]:
        """Cut a cluster that is wider than a line between its characters."""
        rows: list[list[Span]] = [[]]
        used = 0.0
        for span in cluster.spans:
            start, before = 0, used
            for end, letter in enumerate(self._letters(span)):
                if used + letter > width and used > 0:
                    if end > start:
                        rows[-1].append(span._replace(text=span.text[start:end], width=used - before))
                    rows.append([])
                    start, used, before = end, 0.0, 0.0
                used += letter
            rows[-1].append(span._replace(text=span.text[start:], width=used - before))
        return rows

    def _letters(self, span: Span) -> list[float]:
        widths = self._fonts.letters(Piece(span.text, span.width, span.face))
        return [width * span.ink.size / 1000 for width in widths]


def _line(spans: Sequence[Span]) -> Line:
    """Join neighbouring spans of the same look: one text operation places them."""
    joined: list[Span] = []
    for (face, ink), group in groupby(spans, key=lambda span: (span.face, span.ink)):
        members = list(group)
        text = "".join([span.text for span in members])
        joined.append(Span(text, sum([span.width for span in members]), face, ink))
    return Line(tuple(joined), sum([span.width for span in joined]))


def leading(size: float) -> float:
    """Return the height of a line of font size ``size``, in points."""
    return size * _LEADING


def place_lines(flow: Flow, lines: Sequence[Line], column: Column, size: float, align: Align = "left") -> None:
    """Place ``lines`` down the flow, never leaving a single line of several at a page's end or start."""
    height = leading(size)
    flow.need(height * min(len(lines), 2))
    for index, line in enumerate(lines):
        left = len(lines) - index
        fits = int((flow.room + _TOLERANCE) / height)
        if fits < 1 or (left == 2 and fits == 1 and index > 1):
            flow.need(height * min(left, 2))
        baseline = flow.y + (height - size) / 2 + size * _ASCENT
        flow.baseline(baseline)
        draw_line(flow.page, line, column, baseline, align)
        flow.advance(height)


def draw_line(page: Page, line: Line, column: Column, baseline: float, align: Align = "left") -> None:
    """Draw ``line`` with its baseline at ``baseline``, and what belongs to it: ground, strike, link."""
    x = column.left
    if align != "left":
        x += (column.width - line.width) / (2 if align == "center" else 1)
    for span in line.spans:
        size, top = span.ink.size, baseline - span.ink.size * 0.95
        if span.ink.ground:
            page.ground.append(FillBox(x - 1.5, top, span.width + 3, size * 1.25, span.ink.ground))
        page.ink.append(ShowText(x, baseline, span.text, span.face, size, span.ink.color))
        if span.ink.strike:
            page.ink.append(FillBox(x, baseline - size * 0.3, span.width, size * 0.06, span.ink.color))
        if span.ink.href:
            page.ink.append(LinkArea(x, top, span.width, size * 1.25, span.ink.href))
        x += span.width
