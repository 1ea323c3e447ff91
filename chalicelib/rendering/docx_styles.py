"""Styles, lists and settings of a Word document."""

from __future__ import annotations

from typing import Any, Final

from docx.oxml.ns import nsdecls
from docx.oxml.parser import parse_xml
from docx.oxml.xmlchemy import BaseOxmlElement as Element

from chalicelib.rendering.docx_xml import element
from chalicelib.rendering.theme import Color, Theme

# Stand for the colours of a theme, until a style is made with it.
ACCENT: Final = "ACCENT"
_LINK: Final = "LINKED"
MUTED: Final = "5C646D"
LINE: Final = "CDD3DA"
# What word processors have; others put a face of the same widths in their place.
_FONTS: Final = {"sans": "Calibri", "serif": "Cambria"}
_MONOSPACED: Final = "Consolas"

LEVELS: Final = 9
"""Levels that a list can have in this format."""

INDENT: Final = 360
"""How far a level of a list or quotation goes in, in twentieths of a point."""

BULLETS: Final = 1
_NUMBERS: Final = 2
_BULLET_SIGNS: Final = ("•", "◦", "▪")

# Each style: kind, id, name, based on, next, paragraph properties, run properties.
_STYLES: Final = (
    ("paragraph", "Title", "Title", "Normal", "Subtitle",
     '<w:keepNext/><w:spacing w:before="2400" w:after="240" w:line="240" w:lineRule="auto"/>',
     f'<w:b/><w:bCs/><w:color w:val="{ACCENT}"/><w:sz w:val="52"/><w:szCs w:val="52"/>'),
    ("paragraph", "Subtitle", "Subtitle", "Normal", "Normal",
     '<w:spacing w:after="360"/>',
     f'<w:color w:val="{MUTED}"/><w:sz w:val="26"/><w:szCs w:val="26"/>'),
    *(
        ("paragraph", f"Heading{level}", f"heading {level}", "Normal", "Normal",
         f'<w:keepNext/><w:keepLines/><w:spacing w:before="{before}" w:after="100"/>'
         f'<w:outlineLvl w:val="{level - 1}"/>',
         f'<w:b/><w:bCs/><w:color w:val="{ACCENT}"/><w:sz w:val="{size}"/><w:szCs w:val="{size}"/>')
        for level, (before, size) in enumerate(((420, 34), (320, 28), (260, 24), (220, 22), (200, 21)), start=1)
    ),
    ("paragraph", "ContentsTitle", "Contents Title", "Normal", "Normal",
     '<w:keepNext/><w:spacing w:before="240" w:after="160"/>',
     f'<w:b/><w:bCs/><w:color w:val="{ACCENT}"/><w:sz w:val="30"/><w:szCs w:val="30"/>'),
    *(
        ("paragraph", f"TOC{level}", f"toc {level}", "Normal", "Normal",
         f'<w:tabs><w:tab w:val="right" w:leader="dot" w:pos="9070"/></w:tabs>'
         f'<w:spacing w:after="60"/><w:ind w:left="{240 * (level - 1)}"/>', "")
        for level in (1, 2, 3)
    ),
    ("paragraph", "Organisation", "Organisation", "Normal", "Normal",
     '<w:spacing w:after="120"/>', f'<w:color w:val="{MUTED}"/>'),
    ("paragraph", "Facts", "Facts", "Normal", "Facts",
     '<w:tabs><w:tab w:val="left" w:pos="1700"/></w:tabs><w:spacing w:after="40"/>'
     '<w:ind w:left="1700" w:hanging="1700"/>', ""),
    ("paragraph", "Notice", "Notice", "Normal", "Normal",
     '<w:pBdr><w:left w:val="single" w:sz="24" w:space="8" w:color="B98900"/></w:pBdr>'
     '<w:shd w:val="clear" w:color="auto" w:fill="FFF7E0"/><w:spacing w:before="160" w:after="160"/>'
     '<w:ind w:left="180"/>', ""),
    ("paragraph", "ListParagraph", "List Paragraph", "Normal", "ListParagraph", '<w:spacing w:after="60"/>', ""),
    ("paragraph", "Quote", "Quote", "Normal", "Quote",
     f'<w:pBdr><w:left w:val="single" w:sz="18" w:space="10" w:color="{LINE}"/></w:pBdr>',
     f'<w:color w:val="{MUTED}"/>'),
    ("paragraph", "Code", "Code", "Normal", "Code",
     '<w:shd w:val="clear" w:color="auto" w:fill="F3F4F6"/>'
     '<w:spacing w:before="60" w:after="160" w:line="240" w:lineRule="auto"/>',
     f'<w:rFonts w:ascii="{_MONOSPACED}" w:hAnsi="{_MONOSPACED}" w:cs="{_MONOSPACED}"/><w:noProof/>'
     '<w:sz w:val="18"/><w:szCs w:val="18"/>'),
    ("paragraph", "Caption", "caption", "Normal", "Normal",
     '<w:spacing w:before="60" w:after="200"/>', f'<w:color w:val="{MUTED}"/><w:sz w:val="20"/><w:szCs w:val="20"/>'),
    ("paragraph", "ChartTitle", "Chart Title", "Normal", "Normal",
     '<w:keepNext/><w:spacing w:before="160" w:after="80"/>', "<w:b/><w:bCs/>"),
    ("paragraph", "Cell", "Cell", "Normal", "Cell",
     '<w:spacing w:before="30" w:after="30" w:line="240" w:lineRule="auto"/>',
     '<w:sz w:val="20"/><w:szCs w:val="20"/>'),
    ("paragraph", "SmallCell", "Small Cell", "Cell", "SmallCell", "", '<w:sz w:val="15"/><w:szCs w:val="15"/>'),
    ("paragraph", "Spacer", "Spacer", "Normal", "Normal",
     '<w:spacing w:after="0" w:line="200" w:lineRule="exact"/>', '<w:sz w:val="12"/><w:szCs w:val="12"/>'),
    ("paragraph", "Rule", "Rule", "Normal", "Normal",
     f'<w:pBdr><w:bottom w:val="single" w:sz="6" w:space="1" w:color="{LINE}"/></w:pBdr>'
     '<w:spacing w:before="120" w:after="240"/><w:ind w:left="2800" w:right="2800"/>', ""),
    ("paragraph", "Bibliography", "Bibliography", "Normal", "Bibliography",
     '<w:spacing w:after="100"/><w:ind w:left="560" w:hanging="560"/>', ""),
    ("paragraph", "FootnoteText", "footnote text", "Normal", "FootnoteText",
     '<w:spacing w:after="40" w:line="240" w:lineRule="auto"/>', '<w:sz w:val="18"/><w:szCs w:val="18"/>'),
    ("paragraph", "Header", "header", "Normal", "Header",
     '<w:tabs><w:tab w:val="right" w:pos="9070"/></w:tabs><w:spacing w:after="0"/>',
     f'<w:color w:val="{MUTED}"/><w:sz w:val="17"/><w:szCs w:val="17"/>'),
    ("paragraph", "Footer", "footer", "Normal", "Footer",
     '<w:tabs><w:tab w:val="right" w:pos="9070"/></w:tabs><w:spacing w:after="0"/>',
     f'<w:color w:val="{MUTED}"/><w:sz w:val="17"/><w:szCs w:val="17"/>'),
    ("character", "FootnoteReference", "footnote reference", "", "", "", '<w:vertAlign w:val="superscript"/>'),
    ("character", "Hyperlink", "Hyperlink", "", "", "", f'<w:color w:val="{_LINK}"/><w:u w:val="single"/>'),
    ("character", "CodeSpan", "Code Span", "", "", "",
     f'<w:rFonts w:ascii="{_MONOSPACED}" w:hAnsi="{_MONOSPACED}" w:cs="{_MONOSPACED}"/><w:noProof/>'
     '<w:sz w:val="20"/><w:szCs w:val="20"/><w:shd w:val="clear" w:color="auto" w:fill="F3F4F6"/>'),
)  # fmt: skip

_TABLE_STYLE: Final = f"""
<w:style {nsdecls("w")} w:type="table" w:customStyle="1" w:styleId="ReportTable">
<w:name w:val="Report Table"/><w:basedOn w:val="TableNormal"/><w:uiPriority w:val="59"/><w:qFormat/>
<w:tblPr><w:tblBorders>
<w:top w:val="single" w:sz="6" w:space="0" w:color="{LINE}"/>
<w:bottom w:val="single" w:sz="6" w:space="0" w:color="{LINE}"/>
<w:insideH w:val="single" w:sz="4" w:space="0" w:color="{LINE}"/>
</w:tblBorders></w:tblPr>
<w:tblStylePr w:type="firstRow"><w:rPr><w:b/><w:bCs/></w:rPr>
<w:tcPr><w:shd w:val="clear" w:color="auto" w:fill="E9EEF4"/></w:tcPr></w:tblStylePr>
</w:style>"""


def set_styles(styles: Element, theme: Theme, language: str) -> None:
    """Replace what the template says of our styles, and set face, size and language of all text."""
    colors = {ACCENT: _hex(theme.accent), _LINK: _hex(theme.link)}
    for kind, identifier, name, based_on, following, paragraphs, runs in _STYLES:
        style = _style(kind, identifier, name, based_on, following, paragraphs, runs)
        for stand_in, color in colors.items():
            style = style.replace(f'"{stand_in}"', f'"{color}"')
        _replace(styles, identifier, parse_xml(style))
    _replace(styles, "ReportTable", parse_xml(_TABLE_STYLE))
    _replace(styles, "Normal", parse_xml(_NORMAL))
    font = _FONTS[theme.font]
    defaults = _find(styles, "docDefaults/rPrDefault/rPr")
    defaults.clear()
    defaults.extend(
        (
            element("rFonts", ascii=font, hAnsi=font, eastAsia=font, cs=font),
            element("sz", val="22"),
            element("szCs", val="22"),
            element("lang", val=language, eastAsia=language, bidi=language),
        )
    )


_NORMAL: Final = f"""
<w:style {nsdecls("w")} w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/><w:qFormat/>
<w:pPr><w:widowControl/><w:spacing w:before="0" w:after="140" w:line="288" w:lineRule="auto"/></w:pPr></w:style>"""


def _style(kind: str, identifier: str, name: str, based_on: str, following: str, paragraphs: str, runs: str) -> str:
    custom = ' w:customStyle="1"' if name[:1].isupper() and identifier in _OUR_OWN else ""
    parts = [
        f'<w:style {nsdecls("w")} w:type="{kind}"{custom} w:styleId="{identifier}"><w:name w:val="{name}"/>',
        f'<w:basedOn w:val="{based_on}"/>' if based_on else "",
        f'<w:next w:val="{following}"/>' if following else "",
        "<w:qFormat/>",
        f"<w:pPr>{paragraphs}</w:pPr>" if paragraphs else "",
        f"<w:rPr>{runs}</w:rPr>" if runs else "",
        "</w:style>",
    ]
    return "".join(parts)


_OUR_OWN: Final = frozenset(
    {
        "ContentsTitle",
        "Organisation",
        "Facts",
        "Notice",
        "Code",
        "ChartTitle",
        "Cell",
        "SmallCell",
        "Spacer",
        "Rule",
        "CodeSpan",
    }
)


def _hex(color: Color) -> str:
    red, green, blue = color
    return f"{red:02X}{green:02X}{blue:02X}"


def _replace(styles: Element, identifier: str, style: Element) -> None:
    for old in list(styles):
        if old.get(_W + "styleId") == identifier:
            styles.replace(old, style)
            return
    styles.append(style)


_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def _find(parent: Element, path: str) -> Element:
    found: Element | None = parent.find("/".join(_W + step for step in path.split("/")))
    assert found is not None
    return found


class Lists:
    """The numbering part: bullets once, and a definition of its own for each numbered list."""

    def __init__(self, part: Element) -> None:
        self._part = part
        part[:] = []
        part.append(_abstract(BULLETS, bulleted=True))
        part.append(_abstract(_NUMBERS, bulleted=False))
        part.append(element("num", element("abstractNumId", val=str(BULLETS)), numId=str(BULLETS)))
        self._next = _NUMBERS

    def numbered(self, level: int, start: int) -> int:
        """Return the id of a new numbered list that begins at ``start`` on ``level``."""
        identifier = self._next
        self._next += 1
        self._part.append(
            element(
                "num",
                element("abstractNumId", val=str(_NUMBERS)),
                element("lvlOverride", element("startOverride", val=str(start)), ilvl=str(level)),
                numId=str(identifier),
            )
        )
        return identifier


def _abstract(identifier: int, *, bulleted: bool) -> Element:
    levels = [_level(level, bulleted=bulleted) for level in range(LEVELS)]
    return element("abstractNum", element("multiLevelType", val="multilevel"), *levels, abstractNumId=str(identifier))


def _level(level: int, *, bulleted: bool) -> Element:
    sign = _BULLET_SIGNS[level % len(_BULLET_SIGNS)] if bulleted else f"%{level + 1}."
    return element(
        "lvl",
        element("start", val="1"),
        element("numFmt", val="bullet" if bulleted else "decimal"),
        element("lvlText", val=sign),
        element("lvlJc", val="left"),
        element("pPr", element("ind", left=str(INDENT * (level + 1)), hanging=str(INDENT))),
        ilvl=str(level),
    )


def set_settings(settings: Any) -> None:
    """Set a current document (no compatibility mode), whose contents are worked out when it is opened."""
    replaced = {_W + name for name in ("updateFields", "hdrShapeDefaults", "footnotePr", "compat")}
    for old in [old for old in settings if old.tag in replaced]:
        settings.remove(old)
    mode = element("compatSetting", name="compatibilityMode", uri="http://schemas.microsoft.com/office/word", val="15")
    new = (
        # Nobody knows the page numbers before a word processor has set the pages. Word asks first; others wait for
        # "update indexes", and show the contents without numbers until then.
        element("updateFields", val="true"),
        element("footnotePr", element("footnote", id="-1"), element("footnote", id="0")),
        element("compat", mode),
    )
    names = [old.tag.rpartition("}")[2] for old in settings]
    position = next((index for index, name in enumerate(names) if name in _AFTER_COMPAT), len(names))
    settings[position:position] = new


_AFTER_COMPAT: Final = frozenset(
    {"rsids", "mathPr", "themeFontLang", "clrSchemeMapping", "shapeDefaults", "decimalSymbol", "listSeparator"}
)
