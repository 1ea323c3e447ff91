"""Checks of a PDF against rules of PDF/UA-1 and PDF/A-2u, and its structure read back.

Each check names the clause it comes from. This is not a validator: docs/document.md lists what is checked.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

from fontTools.ttLib import TTFont
from pypdf import PdfReader
from pypdf.generic import ContentStream

STANDARD_ROLES = frozenset((
    "Document", "Part", "Art", "Sect", "Div", "BlockQuote", "Caption", "TOC", "TOCI", "Index", "NonStruct", "Private",
    "P", "H1", "H2", "H3", "H4", "H5", "H6", "L", "LI", "Lbl", "LBody", "Table", "TR", "TH", "TD", "THead", "TBody",
    "TFoot", "Span", "Quote", "Note", "Reference", "BibEntry", "Code", "Link", "Annot", "Figure", "Formula",
))  # fmt: skip
_SHOWING = frozenset((b"Tj", b"TJ", b"'", b'"', b"f", b"F", b"f*", b"S", b"s", b"B", b"b", b"B*", b"b*", b"Do", b"sh"))
_CHILDREN = {
    "L": {"LI", "Caption"},
    "LI": {"Lbl", "LBody"},
    "Table": {"TR", "Caption"},
    "TR": {"TH", "TD"},
    "TOC": {"TOCI", "TOC", "Caption"},
}
_PARENTS = {"LI": {"L"}, "TR": {"Table"}, "TH": {"TR"}, "TD": {"TR"}, "TOCI": {"TOC"}, "LBody": {"LI"}}
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_PRINT, _HIDDEN = 4, 2 | 1 | 32


class Node(NamedTuple):
    """A structure element: its role, the text that belongs to it alone, its alternative text, and its kids."""

    role: str
    text: str
    alt: str
    kids: tuple[Node, ...]
    raw: Any

    def walk(self) -> Iterator[Node]:
        """Yield the element and all inside it, in reading order."""
        yield self
        for kid in self.kids:
            yield from kid.walk()

    def all_text(self) -> str:
        """Return the text of the element and all inside it."""
        return " ".join(node.text for node in self.walk() if node.text)


def structure(content: bytes) -> Node:
    """Return the root element of a PDF's structure, with text as pypdf reads it."""
    return _Structure(PdfReader(io.BytesIO(content), strict=True)).root()


class _Structure:
    def __init__(self, reader: PdfReader) -> None:
        self._pages = {page.indirect_reference.idnum: page for page in reader.pages}  # type: ignore[union-attr]
        self._texts: dict[int, dict[int, str]] = {}
        self._root = reader.trailer["/Root"]["/StructTreeRoot"]  # type: ignore[index]

    def root(self) -> Node:
        return self._node(self._root["/K"][0].get_object(), None)

    def _node(self, raw: Any, page: int | None) -> Node:
        own = raw.raw_get("/Pg").idnum if "/Pg" in raw else page
        texts: list[str] = []
        kids: list[Node] = []
        for kid in raw["/K"]:
            kid = kid.get_object()
            if isinstance(kid, int):
                assert own is not None
                texts.append(self._text(own, int(kid)))
            elif kid.get("/Type") == "/MCR":
                texts.append(self._text(kid.raw_get("/Pg").idnum, int(kid["/MCID"])))
            elif kid.get("/Type") != "/OBJR":
                kids.append(self._node(kid, own))
        return Node(raw["/S"][1:], " ".join(texts), str(raw.get("/Alt", "")), tuple(kids), raw)

    def _text(self, page: int, number: int) -> str:
        if page not in self._texts:
            self._texts[page] = _texts_by_number(self._pages[page])
        return self._texts[page].get(number, "")


def _texts_by_number(page: Any) -> dict[int, str]:
    """Return the text of every marked content of ``page``, through the fonts' own maps to Unicode."""
    maps = {name: _unicode_map(font.get_object()) for name, font in page["/Resources"].get("/Font", {}).items()}
    found: dict[int, list[str]] = {}
    stack: list[int | None] = []
    font: dict[int, str] = {}
    for operands, operator in page.get_contents().operations:
        if operator == b"BDC":
            stack.append(operands[1].get("/MCID") if isinstance(operands[1], dict) else None)
        elif operator == b"BMC":
            stack.append(None)
        elif operator == b"EMC":
            stack.pop()
        elif operator == b"Tf":
            font = maps[operands[0]]
        elif operator in (b"Tj", b"TJ"):
            number = next((n for n in reversed(stack) if n is not None), None)
            pieces = operands[0] if operator == b"TJ" else [operands[0]]
            text = "".join(_decoded(piece, font) for piece in pieces if not isinstance(piece, int | float))
            if number is not None:
                found.setdefault(int(number), []).append(text)
    return {number: " ".join(texts) for number, texts in found.items()}


def _decoded(piece: Any, font: dict[int, str]) -> str:
    raw = getattr(piece, "original_bytes", piece)
    return "".join(font.get(int.from_bytes(raw[i : i + 2], "big"), "\ufffd") for i in range(0, len(raw), 2))


def _unicode_map(font: Any) -> dict[int, str]:
    source = font["/ToUnicode"].get_object().get_data().decode("latin-1")
    pairs = re.findall(r"<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]+)>\s", source.replace("> <", "><").replace("><", "> <"))
    return {int(code, 16): bytes.fromhex(value).decode("utf-16-be") for code, value in pairs}


def violations(content: bytes) -> list[str]:
    """Return what breaks a rule, in words; nothing if all rules are kept."""
    reader = PdfReader(io.BytesIO(content), strict=True)
    found = [*_catalog(reader), *_metadata(reader), *_file(content, reader), *_fonts(reader), *_colors(reader)]
    found += [problem for number, page in enumerate(reader.pages, start=1) for problem in _content(page, number)]
    return [*found, *_tree(reader, structure(content)), *_links(reader)]


def _catalog(reader: PdfReader) -> Iterator[str]:
    root: Any = reader.trailer["/Root"]
    if root.get("/MarkInfo", {}).get("/Marked") is None or not bool(root["/MarkInfo"]["/Marked"]):
        yield "UA 6.2: the file does not say that it is tagged"
    if not root.get("/Lang"):
        yield "UA 7.2: no language"
    if not bool(root.get("/ViewerPreferences", {}).get("/DisplayDocTitle")):
        yield "UA 7.1: the title is not what a window shows"
    if root.get("/Names", {}).get("/JavaScript") or root.get("/AA"):
        yield "A 6.5: the file acts on its own"


def _metadata(reader: PdfReader) -> Iterator[str]:
    root: Any = reader.trailer["/Root"]
    if "/Metadata" not in root:
        yield "UA 7.1, A 6.6.2: no XMP metadata"
        return
    stream = root["/Metadata"].get_object()
    if "/Filter" in stream:
        yield "A 6.6.2: XMP metadata are compressed"
    tree = ET.fromstring(re.sub(rb"<\?xpacket.*?\?>", b"", stream.get_data()))
    title = tree.findtext(f".//{_DC}title/{_RDF}Alt/{_RDF}li")
    information = reader.metadata
    assert information is not None
    if title != information.title:
        yield f"A 6.6.3: titles differ: {title!r}, {information.title!r}"
    author = tree.findtext(f".//{_DC}creator/{_RDF}Seq/{_RDF}li")
    if author != information.author:
        yield f"A 6.6.3: authors differ: {author!r}, {information.author!r}"
    description = tree.findtext(f".//{_DC}description/{_RDF}Alt/{_RDF}li")
    if description != information.subject:
        yield f"A 6.6.3: subjects differ: {description!r}, {information.subject!r}"


def _file(content: bytes, reader: PdfReader) -> Iterator[str]:
    if not re.match(rb"%PDF-1\.[4-7]\n%[\x80-\xff]{4}", content):
        yield "A 6.1.2: the header is not that of a binary file"
    if "/ID" not in reader.trailer or "/Encrypt" in reader.trailer:
        yield "A 6.1.3: no file identifier, or encrypted"
    intents: Any = reader.trailer["/Root"].get("/OutputIntents", [])  # type: ignore[union-attr]
    if not any("/DestOutputProfile" in intent.get_object() for intent in intents):
        yield "A 6.2.3: no output intent with a profile"


def _fonts(reader: PdfReader) -> Iterator[str]:
    seen: set[int] = set()
    for page in reader.pages:
        for reference in page["/Resources"].get("/Font", {}).values():  # type: ignore[union-attr]
            if reference.idnum in seen:
                continue
            seen.add(reference.idnum)
            yield from _font(reference.get_object())


def _font(font: Any) -> Iterator[str]:
    name = font["/BaseFont"]
    inner = font["/DescendantFonts"][0].get_object()
    if "/FontFile2" not in inner["/FontDescriptor"].get_object():
        yield f"UA 7.21, A 6.2.11.4: {name} is not embedded"
        return
    if "/ToUnicode" not in font:
        yield f"UA 7.21.7, A 6.2.11.7: {name} has no map to Unicode"
    # Code 0 is the glyph for what is missing; no text uses it.
    elif any(code and text in ("", "\0", "\ufeff", "\ufffe") for code, text in _unicode_map(font).items()):
        yield f"A 6.2.11.7.2: {name} maps to what is no character"
    if "/CIDToGIDMap" not in inner:
        yield f"UA 7.21.3.2, A 6.2.11.3.2: {name} has no map to its glyphs"
    yield from _widths(name, inner)


def _widths(name: str, inner: Any) -> Iterator[str]:
    """Compare the widths in the file with those of the embedded font: they may differ by one thousandth."""
    program = TTFont(io.BytesIO(inner["/FontDescriptor"].get_object()["/FontFile2"].get_object().get_data()))
    scale = 1000 / program["head"].unitsPerEm
    order, metrics = program.getGlyphOrder(), program["hmtx"].metrics
    glyphs = inner["/CIDToGIDMap"]
    table = b"" if glyphs == "/Identity" else glyphs.get_object().get_data()
    for code, width in _listed_widths(inner["/W"]):
        glyph = int.from_bytes(table[2 * code : 2 * code + 2], "big") if table else code
        if glyph and abs(metrics[order[glyph]][0] * scale - width) > 1:
            yield f"UA 7.21.5, A 6.2.11.5: {name}: code {code} is {width} wide here and not in the font"
            return


def _listed_widths(array: Any) -> Iterator[tuple[int, float]]:
    items = [item.get_object() for item in array]
    index = 0
    while index < len(items):
        first = int(items[index])
        if isinstance(items[index + 1], list):
            yield from ((first + n, float(width)) for n, width in enumerate(items[index + 1]))
            index += 2
        else:
            yield from ((code, float(items[index + 2])) for code in range(first, int(items[index + 1]) + 1))
            index += 3


def _colors(reader: PdfReader) -> Iterator[str]:
    for number, page in enumerate(reader.pages, start=1):
        contents: Any = page.get_contents()
        for _, operator in contents.operations:
            if operator in (b"k", b"K"):
                yield f"A 6.2.4.3: page {number} has CMYK colours"
                return


def _content(page: Any, number: int) -> Iterator[str]:
    """Check that all that shows is either text of an element or decoration, and neither inside the other."""
    contents: ContentStream = page.get_contents()
    stack: list[str] = []
    numbers: Counter[int] = Counter()
    for operands, operator in contents.operations:
        if operator == b"BMC":
            stack.append(str(operands[0]))
        elif operator == b"BDC":
            tagged = isinstance(operands[1], dict) and "/MCID" in operands[1]
            if tagged:
                numbers[int(operands[1]["/MCID"])] += 1
            stack.append("tagged" if tagged else str(operands[0]))
        elif operator == b"EMC":
            stack.pop()
        elif operator in _SHOWING and not {"tagged", "/Artifact"} & set(stack):
            yield f"UA 7.1: page {number}: {operator.decode()} is neither text nor decoration"
            return
        if "tagged" in stack and "/Artifact" in stack:
            yield f"UA 7.1: page {number}: decoration and text are inside one another"
            return
    if stack:
        yield f"page {number}: marked content does not end"
    if any(count > 1 for count in numbers.values()):
        yield f"page {number}: a number of marked content is used twice"
    if numbers and "/StructParents" not in page:
        yield f"UA 7.1: page {number} does not lead to its elements"


def _tree(reader: PdfReader, document: Node) -> Iterator[str]:
    root: Any = reader.trailer["/Root"]["/StructTreeRoot"]  # type: ignore[index]
    entries = root["/ParentTree"]["/Nums"]
    parents = {int(entries[i]): entries[i + 1].get_object() for i in range(0, len(entries), 2)}
    for number, page in enumerate(reader.pages, start=1):
        if "/StructParents" not in page:
            continue
        elements = parents[int(page["/StructParents"])]  # type: ignore[call-overload]
        used = _texts_by_number(page)
        if any(index >= len(elements) for index in used):
            yield f"UA 7.1: page {number} has text that leads to no element"
    levels = [int(node.role[1]) for node in document.walk() if re.fullmatch(r"H[1-6]", node.role)]
    if levels and (levels[0] != 1 or any(after > before + 1 for before, after in pairwise(levels))):
        yield f"UA 7.4.2: heading levels leave one out: {levels}"
    for node in document.walk():
        yield from _element(node)
    identifiers = [str(node.raw["/ID"]) for node in document.walk() if "/ID" in node.raw]
    if len(set(identifiers)) < len(identifiers):
        yield "UA 7.9: two elements have one identifier"


def _element(node: Node) -> Iterator[str]:
    if node.role not in STANDARD_ROLES:
        yield f"UA 7.1: {node.role} is not a standard role"
    if node.role == "Figure" and not node.alt:
        yield "UA 7.3: a figure without alternative text"
    if node.role == "Note" and "/ID" not in node.raw:
        yield "UA 7.9: a note without identifier"
    if node.role == "TH" and node.raw.get("/A", {}).get("/Scope") != "/Column":
        yield "UA 7.5: a header cell that does not say what it heads"
    for kid in node.kids:
        if node.role in _CHILDREN and kid.role not in _CHILDREN[node.role]:
            yield f"UA 7.2: {kid.role} inside {node.role}"
        if kid.role in _PARENTS and node.role not in _PARENTS[kid.role]:
            yield f"UA 7.2: {kid.role} inside {node.role}"


def _links(reader: PdfReader) -> Iterator[str]:
    root: Any = reader.trailer["/Root"]["/StructTreeRoot"]  # type: ignore[index]
    entries = root["/ParentTree"]["/Nums"]
    parents = {int(entries[i]): entries[i + 1] for i in range(0, len(entries), 2)}
    for number, page in enumerate(reader.pages, start=1):
        annotations: Any = page.get("/Annots", [])
        if annotations and page.get("/Tabs") != "/S":
            yield f"UA 7.18.3: page {number} has links but no order for them"
        for reference in annotations:
            annotation = reference.get_object()
            flags = int(annotation.get("/F", 0))
            if not flags & _PRINT or flags & _HIDDEN:
                yield f"A 6.3.2: page {number}: a link that is not printed"
            if not annotation.get("/Contents"):
                yield f"UA 7.18.5: page {number}: a link without a description"
            element = parents.get(int(annotation.get("/StructParent", -1)))
            if element is None or element.get_object()["/S"] != "/Link":
                yield f"UA 7.18.5: page {number}: a link outside of the structure"
            if annotation.get("/A", {}).get("/S", "/URI") not in ("/URI", "/GoTo"):
                yield f"A 6.5.1: page {number}: an action that is not allowed"
