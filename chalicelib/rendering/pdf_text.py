"""Breaking text into lines and placing them.

A word's width is measured once per document and style, and lines are placed whole:
that, not cleverness, is what makes this fast. Words are never hyphenated; one that is
wider than its column is cut between characters. A paragraph with right-to-left letters is
broken in reading order, and each line then put into the order in which it is seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from typing import Literal, NamedTuple
from unicodedata import bidirectional

from chalicelib.rendering.bidi import embedding_levels, has_right_to_left, visual_order
from chalicelib.rendering.line_breaks import unbreakable_parts
from chalicelib.rendering.pdf_fonts import FontBook, Piece, Style
from chalicelib.rendering.pdf_pages import Anchor, Column, FillBox, Flow, LinkArea, Page, ShowGlyphs, ShowText
from chalicelib.rendering.pdf_shaping import GlyphRun, joined_runs
from chalicelib.rendering.pdf_structure import Element
from chalicelib.rendering.theme import Color

_SPACES = re.compile("([ \t\n\u2028\u2029]+|\u200b)")
_ASCENT = 0.8
_LEADING = 1.45
_TOLERANCE = 0.01
# Where a path, an address or a name in code is best cut: behind these.
_PATH_SIGNS = frozenset("/\\_-.?&=:,;")

Align = Literal["left", "center", "right"]


class Ink(NamedTuple):
    """How a stretch of text looks; ``size`` is in points, ``href`` makes it clickable.

    ``rise`` is how far above the baseline it stands, in points. ``footnote`` is the id of a
    footnote that this text marks: the note goes to the foot of the same page. ``anchor`` is a
    name that links can lead to.
    """

    style: Style
    size: float
    color: Color
    ground: Color | None = None
    strike: bool = False
    href: str = ""
    rise: float = 0.0
    footnote: str = ""
    anchor: str = ""


class Span(NamedTuple):
    """Part of a line in one face; ``width`` is in points.

    ``level`` is odd where text runs from right to left; ``run`` has the glyphs of shaped text.
    """

    text: str
    width: float
    face: str
    ink: Ink
    level: int = 0
    run: GlyphRun | None = None


class Line(NamedTuple):
    """Spans side by side, as they are seen from left to right, and their width together in points.

    ``right_to_left`` is whether the paragraph begins at the right.
    """

    spans: tuple[Span, ...]
    width: float
    right_to_left: bool = False


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
                paragraph = _levelled(list(group))
                lines.extend(self._fill(self._clusters(paragraph), width, paragraph.right_to_left))
        return lines

    def shortened(self, text: str, ink: Ink, width: float) -> str:
        """Return ``text``, cut with an ellipsis if it is wider than ``width`` points on one line."""
        if self.natural_width([Stretch(text, ink)]) <= width:
            return text
        fitting, too_long = 0, len(text)
        while too_long - fitting > 1:
            middle = (fitting + too_long) // 2
            if self.natural_width([Stretch(text[:middle].rstrip() + "…", ink)]) <= width:
                fitting = middle
            else:
                too_long = middle
        whole_words = text[:fitting].rpartition(" ")[0] if text[fitting] != " " else ""
        return (whole_words or text[:fitting]).rstrip() + "…"

    def widest_word(self, stretches: Iterable[Stretch]) -> float:
        """Return the width of the widest unbreakable part, in points."""
        return max((cluster.width for cluster in self._clusters(_levelled(list(stretches)))), default=0.0)

    def natural_width(self, stretches: Iterable[Stretch]) -> float:
        """Return the width of the text on one line, in points."""
        clusters = self._clusters(_levelled(list(stretches)))
        return sum(cluster.width + (cluster.space.width if cluster.space else 0.0) for cluster in clusters)

    def code_lines(self, text: str, ink: Ink, width: float) -> list[Line]:
        """Return the lines of ``text`` with their white space kept, cut where they are too wide."""
        lines: list[Line] = []
        for source in text.expandtabs(4).split("\n"):
            cluster = _Cluster(None)
            for part in _levelled([Stretch(source, ink)], base=0).parts:
                self._add_word(cluster, part.text, ink, part.level)
            lines.extend(self._fill([cluster], width) if cluster.spans else [Line((), 0.0)])
        return lines

    def _clusters(self, paragraph: _Paragraph) -> list[_Cluster]:
        clusters: list[_Cluster] = []
        space: Span | None = None
        glued = False
        for text, ink, level in paragraph.parts:
            for part in _SPACES.split(text):
                if not part:
                    continue
                if _SPACES.match(part):
                    space = None if part == "\u200b" else self._space(ink, level)
                    glued = False
                    continue
                for word in (part,) if part.isascii() else unbreakable_parts(part):
                    if not glued:
                        clusters.append(_Cluster(space))
                    self._add_word(clusters[-1], word, ink, level)
                    if space and clusters[-1].spans[:1] and clusters[-1].spans[0].run:
                        clusters[-1].space = self._shaped_space(space, clusters[-1].spans[0])
                    glued, space = False, None
                glued = True
        return clusters

    def _space(self, ink: Ink, level: int) -> Span:
        piece = self._fonts.word(" ", ink.style).pieces[0]
        return Span(" ", piece.width * ink.size / 1000, piece.face, ink, level)

    def _shaped_space(self, space: Span, word: Span) -> Span:
        piece = self._fonts.space(word.face, space.level % 2 == 1)
        return space._replace(width=piece.width * space.ink.size / 1000, face=piece.face, run=piece.run)

    def _add_word(self, cluster: _Cluster, text: str, ink: Ink, level: int) -> None:
        for piece in self._fonts.word(text, ink.style, level % 2 == 1).pieces:
            cluster.add(Span(piece.text, piece.width * ink.size / 1000, piece.face, ink, level, piece.run))

    def _fill(self, clusters: list[_Cluster], width: float, right_to_left: bool = False) -> list[Line]:
        """Fill lines with as many clusters as fit, one after the other."""
        lines: list[Line] = []
        spans: list[Span] = []
        used = 0.0
        limit = width + _TOLERANCE
        for cluster in clusters:
            space = cluster.space
            gap = space.width if space and spans else 0.0
            if spans and used + gap + cluster.width > limit:
                lines.append(self._line(spans, right_to_left))
                spans, used, gap = [], 0.0, 0.0
            if space and spans:
                spans.append(space)
                used += gap
            if cluster.width <= limit:
                spans.extend(cluster.spans)
                used += cluster.width
            else:
                *full, rest = self._cut(cluster, width)
                lines.extend(self._line(row, right_to_left) for row in full)
                spans, used = rest, sum(span.width for span in rest)
        if spans:
            lines.append(self._line(spans, right_to_left))
        return lines

    def _line(self, spans: Sequence[Span], right_to_left: bool) -> Line:
        """Join neighbours of the same look, as one text operation places them, and put all into visual order."""
        joined: list[Span] = []
        for (face, ink, level, is_shaped, _), group in groupby(spans, key=_look):
            members = list(group)
            if len(members) == 1:
                joined.append(members[0])
            else:
                text = "".join([span.text for span in members])
                run = joined_runs([span.run for span in members if span.run]) if is_shaped else None
                joined.append(Span(text, sum([span.width for span in members]), face, ink, level, run))
        width = sum([span.width for span in joined])
        if any(span.level for span in joined):
            seen = [joined[index] for index in visual_order([span.level for span in joined])]
            joined = self._with_direction_marks(seen, right_to_left)
        return Line(tuple(joined), width, right_to_left)

    def _with_direction_marks(self, spans: list[Span], right_to_left: bool) -> list[Span]:
        """Add a mark wherever a reader who sees only the line could not tell which way its spaces and signs run."""
        marked = spans[:1]
        for left, right in pairwise(spans):
            if _needs_direction_mark(left, right, right_to_left):
                run = self._fonts.direction_mark(right.face, right_to_left)
                marked.append(Span(run.text, 0.0, right.face, right.ink, right.level, run))
            marked.append(right)
        return marked

    def _cut(self, cluster: _Cluster, width: float) -> list[list[Span]]:
        """Cut a cluster that is wider than a line between its characters: of paths and addresses, behind a sign."""
        rows: list[list[Span]] = [[]]
        used = 0.0
        for span in cluster.spans:
            placed: list[tuple[str, float]] = []
            for part, part_width in self._parts(span):
                if used + part_width > width and used > 0:
                    end = _end_of_row(placed)
                    if placed:
                        rows[-1].extend(self._joined(span, placed[:end]))
                    rows.append([])
                    placed = placed[end:]
                    used = sum(each for _, each in placed)
                placed.append((part, part_width))
                used += part_width
            rows[-1].extend(self._joined(span, placed))
        return rows

    def _joined(self, span: Span, parts: Sequence[tuple[str, float]]) -> list[Span]:
        return self._part(span, "".join(text for text, _ in parts), sum(width for _, width in parts))

    def _parts(self, span: Span) -> list[tuple[str, float]]:
        parts = self._fonts.parts(Piece(span.text, span.width, span.face, span.run))
        return [(text, width * span.ink.size / 1000) for text, width in parts]

    def _part(self, span: Span, text: str, width: float) -> list[Span]:
        """Return the spans of ``text``, a part of ``span``; shaped text is shaped anew."""
        if not span.run:
            return [span._replace(text=text, width=width)]
        cluster = _Cluster(None)
        self._add_word(cluster, text, span.ink, span.level)
        return cluster.spans


class _Part(NamedTuple):
    """Text of one look and one level."""

    text: str
    ink: Ink
    level: int


class _Paragraph(NamedTuple):
    """A text between forced breaks."""

    parts: list[_Part]
    right_to_left: bool = False


def _end_of_row(parts: Sequence[tuple[str, float]]) -> int:
    """Return how many of ``parts`` stay on a line: to the last sign of a path in its second half, or all."""
    signs = [place for place, (text, _) in enumerate(parts, start=1) if text in _PATH_SIGNS]
    return signs[-1] if signs and 2 * signs[-1] > len(parts) else len(parts)


def _levelled(stretches: list[Stretch], base: int | None = None) -> _Paragraph:
    """Return ``stretches`` cut where the direction changes."""
    if not any(has_right_to_left(stretch.text) for stretch in stretches):
        return _Paragraph([_Part(stretch.text, stretch.ink, 0) for stretch in stretches])
    # A forced break, where the whole text is only measured, is white space here.
    base, levels = embedding_levels("".join([stretch.text for stretch in stretches]), base)
    parts: list[_Part] = []
    start = 0
    for text, ink, _ in stretches:
        end = start + len(text)
        for level, group in groupby(range(start, end), key=levels.__getitem__):
            places = list(group)
            parts.append(_Part(text[places[0] - start : places[-1] + 1 - start], ink, level))
        start = end
    return _Paragraph(parts, base % 2 == 1)


def _look(span: Span) -> tuple[str, Ink, int, bool, int]:
    """Return what spans must share to be joined; right-to-left ones share it with none."""
    return span.face, span.ink, span.level, span.run is not None, id(span) if span.level % 2 else 0


def _needs_direction_mark(left: Span, right: Span, right_to_left: bool) -> bool:
    """Tell whether what is neutral between ``left`` and ``right`` would be taken to run the other way.

    It is where something against the paragraph's direction ends before anything but a letter,
    and, as readers take them for parts of numbers, after signs such as a comma.
    """
    if not right_to_left:
        return left.level % 2 == 1 and right.level % 2 == 0 and bidirectional(right.text[0]) != "L"
    if bidirectional(left.text[0]) in ("R", "AL"):
        return False
    return right.level % 2 == 0 or bidirectional(right.text[-1]) in ("CS", "ES", "ET")


def leading(size: float) -> float:
    """Return the height of a line of font size ``size``, in points."""
    return size * _LEADING


def place_lines(flow: Flow, lines: Sequence[Line], column: Column, size: float, align: Align = "left") -> None:
    """Place ``lines`` down the flow, never leaving a single line of several at a page's end or start.

    The footnotes that a line marks go to the foot of its page.
    """
    height = leading(size)
    flow.need(height * (len(lines) if len(lines) <= 3 else 2))
    for index, line in enumerate(lines):
        notes = flow.note_lines(marked_footnotes(line)) if flow.has_notes else []
        needed = height + flow.notes_need(notes)
        is_last_but_one = index == len(lines) - 2
        room = flow.room + _TOLERANCE
        if room < needed or (is_last_but_one and index > 1 and room < needed + height):
            flow.need(needed + height * is_last_but_one)
        if notes:
            flow.add_notes(notes, height)
        baseline = flow.y + (height - size) / 2 + size * _ASCENT
        flow.baseline(baseline)
        flow.mark()
        draw_line(flow.page, line, column, baseline, align)
        flow.advance(height)


def marked_footnotes(line: Line) -> list[str]:
    """Return the ids of the footnotes that ``line`` marks."""
    return [span.ink.footnote for span in line.spans if span.ink.footnote]


def draw_line(page: Page, line: Line, column: Column, baseline: float, align: Align = "left") -> None:
    """Draw ``line`` with its baseline at ``baseline``, and what belongs to it: ground, strike, link, anchor."""
    x = column.left
    if align == "left" and line.right_to_left:
        align = "right"
    if align != "left":
        x += (column.width - line.width) / (2 if align == "center" else 1)
    element = page.element
    href, link = "", None
    for span in line.spans:
        size, top = span.ink.size, baseline - span.ink.size * 0.95 - span.ink.rise
        if span.ink.href != href:
            href = span.ink.href
            link = Element("Link", element) if href and element is not None else None
            page.mark(link or element)
        if span.ink.ground:
            page.ground.append(FillBox(x - 1.5, top, span.width + 3, size * 1.25, span.ink.ground))
        if span.run:
            page.ink.append(ShowGlyphs(x, baseline - span.ink.rise, span.run, span.face, size, span.ink.color))
        else:
            page.ink.append(ShowText(x, baseline - span.ink.rise, span.text, span.face, size, span.ink.color))
        if span.ink.strike:
            page.ink.append(FillBox(x, baseline - size * 0.3, span.width, size * 0.06, span.ink.color))
        if link is not None:  # a header that is only repeated leads nowhere
            page.ink.append(LinkArea(x, top, span.width, size * 1.25, href, span.text, link))
        if span.ink.anchor and element is not None:
            page.ink.append(Anchor(top, span.ink.anchor))
        x += span.width
    page.mark(element)
