"""The font files we ship: which characters each has, and TrueType files cut down to a few of them.

HarfBuzz cuts: it takes a weight out of a variable font and a thousand glyphs out of a
collection of 65,000 in milliseconds, where fontTools needs seconds.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Collection
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple

import uharfbuzz as hb
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen

# fpdf2 lets fontTools cut every font once more; it warns of tables that only help to draw the whole font.
logging.getLogger("fontTools.subset").setLevel(logging.ERROR)

_MAX_ERROR = 1.0  # font units, of a thousand to the em: invisible
_NOTDEF = ".notdef"
_NO_DATE = 0x7C25B080  # 1970 in seconds since 1904: the same characters always give the same file
_UNUSED_TABLES: Final = ("STAT", "BASE", "VORG", "vhea", "vmtx", "DSIG", "gasp", "fpgm", "prep", "cvt ")


class _Source(NamedTuple):
    """Where a face is: a file of a package, its number in a collection, and its weight if that can vary."""

    package: str
    file: str
    number: int = 0
    weight: int = 0


def _noto(name: str, weight: int) -> _Source:
    return _Source("manimgx_fonts", f"{name}[wght].ttf", weight=weight)


def _serif(file: str, weight: int) -> _Source:
    return _Source("fontpkg_noto_serif", f"files/{file}[wdth,wght].ttf", weight=weight)


_CJK_FILE: Final = "NotoSansCJK-VF.otf.ttc"
CJK_FACES: Final = ("NotoSansCJKjp", "NotoSansCJKkr", "NotoSansCJKsc", "NotoSansCJKtc", "NotoSansCJKhk")
SCRIPT_FACES: Final = tuple(
    f"NotoSans{script}"
    for script in (
        *("Arabic", "Hebrew", "Devanagari", "Thai", "Bengali", "Tamil", "Telugu", "Gujarati", "Kannada"),
        *("Malayalam", "Gurmukhi", "Oriya", "Sinhala", "Khmer", "Lao", "Myanmar", "Georgian", "Armenian"),
        "Ethiopic",
    )
)
EMOJI_FACE: Final = "NotoEmoji"
_WEIGHTS: Final = {"Regular": 400, "Bold": 700}

_SOURCES: Final[dict[str, _Source]] = {
    **{f"{name}_{style}": _noto(name, weight) for name in SCRIPT_FACES for style, weight in _WEIGHTS.items()},
    **{f"{EMOJI_FACE}_{style}": _noto(EMOJI_FACE, weight) for style, weight in _WEIGHTS.items()},
    **{
        f"{name}_{style}": _Source("manimgx_fonts_cjk", _CJK_FILE, index, weight)
        for index, name in enumerate(CJK_FACES)
        for style, weight in _WEIGHTS.items()
    },
    "NotoSerif_Regular": _serif("NotoSerif", 400),
    "NotoSerif_Bold": _serif("NotoSerif", 700),
    "NotoSerif_Italic": _serif("NotoSerif-Italic", 400),
    "NotoSerif_BoldItalic": _serif("NotoSerif-Italic", 700),
}


@cache
def _face(name: str) -> Any:
    source = _SOURCES.get(name)
    if source is None:
        return hb.Face(hb.Blob(import_module(f"pymupdf_fonts.{name}").fontbuffer))
    spec = find_spec(source.package)
    assert spec is not None
    assert spec.origin is not None
    # Mapped, not read: of the 33 MB for Chinese, Japanese and Korean only the pages in use take memory.
    return hb.Face(hb.Blob.from_file_path(Path(spec.origin).parent / source.file), source.number)


@cache
def coverage(name: str) -> Collection[int]:
    """Return the code points that the face ``name`` has."""
    covered: Collection[int] = _face(name).unicodes
    return covered


def cut_font(name: str, characters: Collection[int]) -> bytes:
    """Return the face ``name`` as a TrueType font with only ``characters`` (code points), and what shaping them needs.

    PostScript outlines are redrawn with TrueType's curves: fpdf2 embeds those under
    a type that strict readers refuse.
    """
    face = _face(name)
    if {"CFF ", "CFF2"} & set(face.table_tags):
        return _redrawn(name, characters)
    wanted = hb.SubsetInput()
    wanted.unicode_set.update(characters)
    wanted.flags = hb.SubsetFlags.NO_HINTING | hb.SubsetFlags.NOTDEF_OUTLINE
    wanted.drop_table_tag_set.update(int.from_bytes(tag.encode(), "big") for tag in _UNUSED_TABLES)
    weight = _weight(name)
    if weight:
        wanted.pin_all_axes_to_default(face)
        wanted.pin_axis_location(face, "wght", weight)
    content: bytes = hb.subset(face, wanted).blob.data
    return content


def _weight(name: str) -> int:
    return _SOURCES[name].weight if name in _SOURCES else 0


def _redrawn(name: str, characters: Collection[int]) -> bytes:
    face = _face(name)
    font = hb.Font(face)
    if weight := _weight(name):
        font.set_variations({"wght": weight})
    glyphs = {_NOTDEF: 0}
    mapping: dict[int, str] = {}
    for code in sorted(characters):
        glyph = font.get_nominal_glyph(code)
        if glyph:
            mapping[code] = f"glyph{glyph:05}"
            glyphs[mapping[code]] = glyph
    builder = FontBuilder(face.upem)
    builder.font.recalcTimestamp = False
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap(mapping)
    outlines = {glyph_name: _outline(font, glyph) for glyph_name, glyph in glyphs.items()}
    builder.setupGlyf(outlines)
    builder.setupHorizontalMetrics(
        {
            glyph_name: (font.get_glyph_h_advance(glyph), getattr(outlines[glyph_name], "xMin", 0))
            for glyph_name, glyph in glyphs.items()
        }
    )
    extents = font.get_font_extents("ltr")
    builder.setupHorizontalHeader(ascent=extents.ascender, descent=extents.descender)
    builder.setupNameTable({"familyName": name, "styleName": "Regular", "fullName": name, "psName": name})
    builder.setupOS2(sTypoAscender=extents.ascender, sTypoDescender=extents.descender, usWeightClass=weight or 400)
    builder.setupPost(keepGlyphNames=False)
    builder.font["head"].created = builder.font["head"].modified = _NO_DATE
    output = io.BytesIO()
    builder.font.save(output)
    return output.getvalue()


def _outline(font: Any, glyph: int) -> Any:
    pen = TTGlyphPen(None)
    font.draw_glyph_with_pen(glyph, Cu2QuPen(pen, _MAX_ERROR, reverse_direction=True))
    return pen.glyph()
