"""Symbol fonts cut down to a few characters and turned into TrueType.

The symbol fonts have PostScript outlines, which fpdf2 embeds under a type that strict
readers refuse. A report needs only a handful of their glyphs, so these are redrawn
with TrueType's curves; converting a whole font would take seconds.
"""

from __future__ import annotations

import io
from collections.abc import Collection

from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont, newTable

_MAX_ERROR = 1.0  # font units, of a thousand to the em: invisible
_KEPT_TABLES = frozenset({"head", "hhea", "hmtx", "maxp", "name", "OS/2", "post", "cmap", "CFF ", "GlyphOrder"})


def truetype_subset(content: bytes, characters: Collection[int]) -> bytes:
    """Return the PostScript-flavoured font ``content`` as TrueType with only ``characters`` (code points)."""
    font = TTFont(io.BytesIO(content), recalcTimestamp=False)
    for tag in set(font.keys()) - _KEPT_TABLES:
        del font[tag]
    subsetter = Subsetter(Options(notdef_outline=True, hinting=False, name_IDs=["*"]))
    subsetter.populate(unicodes=characters)
    subsetter.subset(font)
    _redraw(font)
    output = io.BytesIO()
    font.save(output)
    return output.getvalue()


def _redraw(font: TTFont) -> None:
    """Replace the cubic outlines of ``font`` by quadratic ones."""
    order = font.getGlyphOrder()
    outlines = font.getGlyphSet()
    glyf = newTable("glyf")
    glyf.glyphOrder, glyf.glyphs = order, {}
    for name in order:
        pen = TTGlyphPen(outlines)
        outlines[name].draw(Cu2QuPen(pen, _MAX_ERROR, reverse_direction=True))
        glyf.glyphs[name] = pen.glyph()
    font["loca"], font["glyf"] = newTable("loca"), glyf
    del font["CFF "]
    glyf.compile(font)
    for name in order:
        font["hmtx"][name] = (font["hmtx"][name][0], getattr(glyf.glyphs[name], "xMin", 0))
    _complete_maxp(font)
    post = font["post"]
    post.formatType, post.extraNames, post.mapping, post.glyphOrder = 2.0, [], {}, order
    font.sfntVersion = "\000\001\000\000"


def _complete_maxp(font: TTFont) -> None:
    maxp = font["maxp"]
    maxp.tableVersion = 0x00010000
    maxp.maxZones = 1
    for name in (
        *("maxTwilightPoints", "maxStorage", "maxFunctionDefs", "maxInstructionDefs", "maxStackElements"),
        *("maxSizeOfInstructions", "maxComponentElements", "maxPoints", "maxContours"),
        *("maxCompositePoints", "maxCompositeContours", "maxComponentDepth"),
    ):
        setattr(maxp, name, 0)
    maxp.recalc(font)
