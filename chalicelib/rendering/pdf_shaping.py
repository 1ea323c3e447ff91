"""Text whose glyphs depend on their neighbours: shaped by HarfBuzz, shown so that it can be read back.

What a PDF shows of such text are glyphs that no longer stand for one character each, so
the characters are given as ``/ActualText``. Left-to-right runs carry theirs as a whole.
Readers (Poppler, PDFium, and what is built on them) take a right-to-left line in the order in which
it is seen and turn it round, character by character, ``/ActualText`` included. There every character
keeps a place of its own: a glyph that stands for several, and a letter with its points, is the first
of them, and the others stand beside it as blanks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import regex
import uharfbuzz as hb
from fpdf.fonts import TTFFont

_COMPLEX: Final = regex.compile(
    r"[\p{M}\p{Cf}\p{Emoji_Modifier}\p{Regional_Indicator}\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7fb"
    r"\p{Arabic}\p{Hebrew}\p{Syriac}\p{Thaana}\p{Nko}"
    r"\p{Devanagari}\p{Bengali}\p{Gurmukhi}\p{Gujarati}\p{Oriya}\p{Tamil}\p{Telugu}\p{Kannada}\p{Malayalam}\p{Sinhala}"
    r"\p{Thai}\p{Lao}\p{Tibetan}\p{Myanmar}\p{Khmer}\p{Mongolian}]"
)
_NOTHING: Final = "\N{ZERO WIDTH SPACE}"  # what a glyph stands for whose meaning others have
_BLANK_STEP = 250.0  # the widest step between the characters of one glyph: more, and readers see two words
_MARK_STEP = 150.0  # nearer to the next character, and readers take the two for one shown twice
_LEAST_ADJUSTMENT = 0.5


class Glyph(NamedTuple):
    """A glyph as ``code`` of its font; lengths are in thousandths of the font size."""

    code: int
    width: float
    advance: float
    x: float
    y: float


class Cluster(NamedTuple):
    """Glyphs that stand for ``text`` together."""

    text: str
    glyphs: tuple[Glyph, ...]
    width: float
    blanks: tuple[Glyph, ...] = ()


class GlyphRun(NamedTuple):
    """Shaped text of one direction: its clusters in the order in which they are seen, from left to right."""

    text: str
    clusters: tuple[Cluster, ...]
    is_right_to_left: bool

    @property
    def width(self) -> float:
        """The width in thousandths of the font size."""
        return sum(cluster.width for cluster in self.clusters)

    def parts(self) -> list[tuple[str, float]]:
        """Return the text of each cluster and its width, in reading order."""
        clusters = reversed(self.clusters) if self.is_right_to_left else self.clusters
        return [(cluster.text, cluster.width) for cluster in clusters]


def joined_runs(runs: Sequence[GlyphRun]) -> GlyphRun:
    """Return left-to-right ``runs`` of one font, side by side, as one."""
    clusters = tuple(cluster for run in runs for cluster in run.clusters)
    return GlyphRun("".join(run.text for run in runs), clusters, False)


def needs_shaping(text: str) -> bool:
    """Tell whether any part of ``text`` cannot be set one character after the other."""
    return not text.isascii() and _COMPLEX.search(text) is not None


class Shaper:
    """Shapes text with one font of a PDF; ``content`` is the font's file."""

    def __init__(self, font: TTFFont, content: bytes) -> None:
        self._font = font
        face = hb.Face(hb.Blob(content))
        self._shape = hb.Font(face)
        self._scale = 1000 / face.upem

    def run(self, text: str, is_right_to_left: bool) -> GlyphRun | None:
        """Return ``text`` shaped, or nothing if the font lacks a glyph for any part of it."""
        buffer = hb.Buffer()
        buffer.add_str(text)
        buffer.guess_segment_properties()
        buffer.direction = "rtl" if is_right_to_left else "ltr"
        hb.shape(self._shape, buffer)
        infos, positions = buffer.glyph_infos, buffer.glyph_positions
        if not infos or any(info.codepoint == 0 for info in infos):
            return None
        starts = sorted({info.cluster for info in infos})
        ends = dict(zip(starts, [*starts[1:], len(text)], strict=True))
        clusters: list[Cluster] = []
        members: list[tuple[Any, Any]] = []
        for index, (info, position) in enumerate(zip(infos, positions, strict=True)):
            members.append((info, position))
            if index + 1 == len(infos) or infos[index + 1].cluster != info.cluster:
                clusters.append(self._cluster(text[info.cluster : ends[info.cluster]], members, is_right_to_left))
                members = []
        return GlyphRun(text, tuple(clusters), is_right_to_left)

    def direction_mark(self, sign: str) -> GlyphRun:
        """Return an invisible ``sign`` that tells readers which way neutral characters beside it run."""
        glyph = self._blank(sign)._replace(x=-_MARK_STEP)
        return GlyphRun(sign, (Cluster(sign, (glyph,), 0.0),), True)

    def _cluster(self, text: str, members: list[tuple[Any, Any]], is_right_to_left: bool) -> Cluster:
        # Of a right-to-left cluster the blanks carry all characters but the first.
        meanings = _meanings(text[:1] if is_right_to_left else text, len(members))
        glyphs = tuple(
            self._glyph(info.codepoint, meaning, position)
            for meaning, (info, position) in zip(meanings, members, strict=True)
        )
        blanks: tuple[Glyph, ...] = ()
        if is_right_to_left and (len(text) > 1 or len(glyphs) > 1):
            blanks = tuple(self._blank(character) for character in (_NOTHING, *text[1:]))
        return Cluster(text, glyphs, sum(glyph.advance for glyph in glyphs), blanks)

    def _glyph(self, number: int, meaning: str, position: Any) -> Glyph:
        scale = self._scale
        code, width = self._code(number, meaning)
        return Glyph(code, width, position.x_advance * scale, position.x_offset * scale, position.y_offset * scale)

    def _blank(self, meaning: str) -> Glyph:
        code, width = self._code(self._font.glyph_ids[0x20], meaning)
        return Glyph(code, width, 0.0, 0.0, 0.0)

    def _code(self, number: int, meaning: str) -> tuple[int, float]:
        """Return the PDF font's code for glyph ``number`` where it stands for ``meaning``, and the glyph's width."""
        name = self._font.ttfont.getGlyphName(number)
        width = round(self._font.scale * self._font.ttfont["hmtx"].metrics[name][0])
        glyph = self._font.subset.get_glyph(
            glyph=number, unicode=tuple(map(ord, meaning)), glyph_name=name, glyph_width=width
        )
        code = self._font.subset.pick_glyph(glyph)
        assert code is not None
        return code, width


def _meanings(text: str, count: int) -> list[str]:
    """Share ``text`` among ``count`` glyphs, for readers that know nothing of ``/ActualText``."""
    if len(text) < count:
        return [*text, *[_NOTHING] * (count - len(text))]
    return [*text[: count - 1], text[count - 1 :]]


class RunPainter:
    """Tells how glyphs are shown; words come again and again, and are put together once."""

    def __init__(self) -> None:
        # By identity: comparing two runs takes as long as putting one together. Runs are kept, and so are their ids.
        self._known: dict[tuple[int, float], tuple[GlyphRun, str]] = {}

    def operators(self, run: GlyphRun, x: float, y: float, size: float) -> str:
        """Return the PDF operators that show ``run`` with its origin at ``x``, ``y`` (points, y upwards)."""
        key = (id(run), size)
        known = self._known.get(key)
        if known is None:
            line = _Line(size)
            parts = _right_to_left(run, line) if run.is_right_to_left else _left_to_right(run, line)
            known = self._known[key] = (run, " ".join(parts))
        return f"BT {x:.2f} {y:.2f} Td {known[1]} ET"


def _left_to_right(run: GlyphRun, line: _Line) -> Iterator[str]:
    yield _begin_span(run.text)
    for cluster in run.clusters:
        line.add_cluster(cluster)
    yield line.flush()
    yield "EMC"


def _right_to_left(run: GlyphRun, line: _Line) -> Iterator[str]:
    for cluster in run.clusters:
        start = line.pen
        if not cluster.blanks:
            # One operator each: of several letters together PDFium thinks that they stand in reading order.
            line.add_cluster(cluster)
            yield line.flush()
            continue
        mark, *others = cluster.blanks
        step = min(cluster.width / len(cluster.blanks), _BLANK_STEP)
        for place, blank in enumerate(reversed(others)):
            line.add(blank, start + step * place)
            yield line.flush()
        # A reader takes the place of the text from the first glyph to the last.
        yield _begin_span(cluster.text[0])
        line.add(mark, start + step * len(others))
        line.add_cluster(cluster)
        line.add(mark, max(start, line.pen - mark.width))
        yield line.flush()
        yield "EMC"


class _Line:
    """Glyphs side by side as few operators: ``pen`` is where the next cluster goes, in thousandths of the size."""

    def __init__(self, size: float) -> None:
        self.pen = 0.0
        self._size = size
        self._cursor = 0.0
        self._rise = 0.0
        self._shown: list[str] = []
        self._done: list[str] = []

    def add_cluster(self, cluster: Cluster) -> None:
        for glyph in cluster.glyphs:
            self.add(glyph, self.pen + glyph.x)
            self.pen += glyph.advance

    def add(self, glyph: Glyph, place: float) -> None:
        if abs(glyph.y - self._rise) > _LEAST_ADJUSTMENT:
            self._close()
            self._rise = glyph.y
            self._done.append(f"{_number(glyph.y * self._size / 1000)} Ts")
        if abs(self._cursor - place) > _LEAST_ADJUSTMENT:
            self._shown.append(_number(self._cursor - place))
            self._cursor = place
        self._shown.append(f"<{glyph.code:04X}>")
        self._cursor += glyph.width

    def flush(self) -> str:
        """Return the operators for what was added since the last call."""
        self._close()
        if self._rise:
            self._done.append("0 Ts")
            self._rise = 0.0
        done, self._done = " ".join(self._done), []
        return done

    def _close(self) -> None:
        if self._shown:
            self._done.append(f"[{''.join(self._shown).replace('><', '')}] TJ")
            self._shown = []


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _begin_span(text: str) -> str:
    return f"/Span <</ActualText <FEFF{text.encode('utf-16-be').hex().upper()}>>> BDC"
