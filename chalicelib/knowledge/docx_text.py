"""Reads DOCX files: a zip file with XML in it, from whoever uploaded it, so both are read with bounds.

No document type is accepted, so no entity can be declared, and nothing that is named elsewhere is fetched.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any, Final

from lxml import etree

from chalicelib.knowledge.blocks import Block, BlockKind, ReadDocument, UnreadableError, bounded, cleaned, one_line

_MAX_ENTRIES: Final = 5_000
_MAX_PART_BYTES: Final = 100 * 1024 * 1024
# Real documents shrink to a tenth, very regular ones to a fiftieth.
_MAX_RATIO: Final = 200
_OLD_OFFICE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_TEXTS: Final = tuple(f"{_W}{name}" for name in ("t", "tab", "br", "cr", "noBreakHyphen"))
_INSTEAD: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_TITLE: Final = "{http://purl.org/dc/elements/1.1/}title"


def read_docx(content: bytes) -> ReadDocument:
    """Return the text of a DOCX file. It has pages where the program that wrote it noted where they broke.

    Raises:
        UnreadableError: it cannot be read.
    """
    if content.startswith(_OLD_OFFICE):
        raise UnreadableError("encrypted", "The document is encrypted, or in the format of old Word versions (.doc).")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check(archive)
            body = _xml(archive, "word/document.xml")
            if body is None:
                raise UnreadableError("damaged", "The file is not a Word document: it has no text part.")
            levels = _heading_levels(_xml(archive, "word/styles.xml"))
            title = _title(_xml(archive, "docProps/core.xml"))
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, ValueError) as error:
        raise UnreadableError("damaged", "The file is damaged, or not a Word document.") from error
    except RuntimeError as error:
        raise UnreadableError("encrypted", "The document is encrypted.") from error
    reader = _Reader(levels)
    blocks = bounded(reader.blocks(body))
    if reader.title and not title:
        title = reader.title
    return ReadDocument(blocks, title=title[:200], pages=reader.page if reader.has_pages else None)


def _check(archive: zipfile.ZipFile) -> None:
    """Refuse what is made to fill memory, by what the archive says of itself; what it lies about is met in reading."""
    entries = archive.infolist()
    size, packed = sum(e.file_size for e in entries), sum(e.compress_size for e in entries)
    if len(entries) > _MAX_ENTRIES or (size > _MAX_PART_BYTES / 10 and size > packed * _MAX_RATIO):
        raise UnreadableError("unsafe", "The file unpacks to far more than it holds (a zip bomb); it was not read.")


def _xml(archive: zipfile.ZipFile, name: str) -> Any:
    try:
        entry = archive.getinfo(name)
    except KeyError:
        return None
    if entry.flag_bits & 1:
        raise UnreadableError("encrypted", "The document is encrypted.")
    with archive.open(entry) as part:
        content = part.read(_MAX_PART_BYTES + 1)
    if len(content) > _MAX_PART_BYTES:
        raise UnreadableError("too_large", "The document unpacks to more than 100 MB of text.")
    # The parser refuses some declarations by itself, and cannot say which; in text this would be escaped.
    if b"<!DOCTYPE" in content:
        raise _declares_a_type()
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False
    )
    try:
        tree = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise UnreadableError("damaged", "The file is damaged: its text is not well-formed XML.") from error
    document_type = tree.getroottree().docinfo.internalDTD
    if document_type is not None:
        raise _declares_a_type()
    return tree


def _declares_a_type() -> UnreadableError:
    return UnreadableError("unsafe", "The file declares a document type, which no Word document does.")


def _heading_levels(styles: Any) -> Mapping[str, int]:
    """Return the level of every style that is a heading, by the style's id; 0 for that of the title."""
    levels: dict[str, int] = {}
    for style in styles.iter(f"{_W}style") if styles is not None else ():
        name = style.find(f"{_W}name")
        said = (name.get(f"{_W}val") or "").lower() if name is not None else ""
        identifier = style.get(f"{_W}styleId") or ""
        if said == "title":
            levels[identifier] = 0
        elif said.startswith("heading ") and said[8:9].isdigit():
            levels[identifier] = int(said[8:9])
        else:
            outline = style.find(f"{_W}pPr/{_W}outlineLvl")
            value = outline.get(f"{_W}val") if outline is not None else None
            if value and value.isdigit() and int(value) < 9:
                levels[identifier] = int(value) + 1
    return levels


def _title(properties: Any) -> str:
    return one_line(properties.findtext(_TITLE) or "") if properties is not None else ""


class _Reader:
    def __init__(self, levels: Mapping[str, int]) -> None:
        self._levels = levels
        self.page = 1
        self.has_pages = False
        self.title = ""
        self._begins_on: int | None = None

    def blocks(self, document: Any) -> Iterator[Block]:
        self.has_pages = next(document.iter(f"{_W}lastRenderedPageBreak"), None) is not None
        body = document.find(f"{_W}body")
        if body is None:
            raise UnreadableError("damaged", "The file is not a Word document: it has no text part.")
        # Content controls wrap paragraphs; a walk finds these wherever they are, but not inside of tables.
        walker = etree.iterwalk(body, events=("start",), tag=(f"{_W}p", f"{_W}tbl"))
        for _, element in walker:
            walker.skip_subtree()
            self._begins_on = None
            if element.tag == f"{_W}tbl":
                yield Block("table", self._table(element), self._first_page())
                continue
            text = self._text(element)
            page = self._first_page()
            kind, level = self._kind(element)
            if kind == "heading":
                text = one_line(text)
            yield Block(kind, f"- {text}" if kind == "list" and text.strip() else text, page, level)

    def _first_page(self) -> int | None:
        """Return the page on which what was read last begins, with its first letter."""
        return (self._begins_on or self.page) if self.has_pages else None

    def _kind(self, paragraph: Any) -> tuple[BlockKind, int]:
        style = paragraph.find(f"{_W}pPr/{_W}pStyle")
        level = self._levels.get(style.get(f"{_W}val") or "") if style is not None else None
        if level == 0:
            self.title = self.title or one_line(self._plain(paragraph))
            return "heading", 1
        if level is not None:
            return "heading", level
        return ("list", 0) if paragraph.find(f"{_W}pPr/{_W}numPr") is not None else ("paragraph", 0)

    def _plain(self, element: Any) -> str:
        return "".join(part.text or "" for part in element.iter(f"{_W}t"))

    def _text(self, element: Any) -> str:
        pieces: list[str] = []
        parts = (*_TEXTS, f"{_W}p", f"{_W}lastRenderedPageBreak", _INSTEAD)
        walker = etree.iterwalk(element, events=("start",), tag=parts)
        for _, part in walker:
            if part.tag == _INSTEAD:
                # The same once more, for programs that are older.
                walker.skip_subtree()
            elif part.tag == f"{_W}p":
                # Paragraphs of a cell, or of a box in a paragraph.
                pieces.append("\n" if pieces else "")
            elif part.tag == f"{_W}t":
                pieces.append(part.text or "")
                if part.text and self._begins_on is None:
                    self._begins_on = self.page
            elif part.tag == f"{_W}lastRenderedPageBreak":
                self.page += 1
            elif part.tag == f"{_W}tab":
                pieces.append(" ")
            elif part.tag == f"{_W}noBreakHyphen":
                pieces.append("-")
            else:
                pieces.append("\n")
        return cleaned("".join(pieces)).strip()

    def _table(self, table: Any) -> str:
        rows = []
        for row in _own(table, f"{_W}tr"):
            cells = [one_line(self._text(cell)) for cell in _own(row, f"{_W}tc")]
            if any(cells):
                rows.append(" | ".join(cells))
        return "\n".join(rows)


def _own(element: Any, tag: str) -> Iterator[Any]:
    """Yield the rows of a table, or the cells of a row, but not those of tables in it; content controls wrap some."""
    walker = etree.iterwalk(element, events=("start",), tag=tag)
    for _, inner in walker:
        yield inner
        walker.skip_subtree()
