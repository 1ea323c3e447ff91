"""What a reader finds in a rendering, whatever its format."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Final

from lxml import etree

from chalicelib.domain.output_format import OutputFormat
from tests.unit.rendering.samples import pdf_text

_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False

    def handle_data(self, data: str) -> None:
        if not self._in_style:
            self.texts.append(data)


def html_text(content: bytes) -> str:
    """Return the text of an HTML page, that of its title included."""
    page = _Texts()
    page.feed(content.decode())
    page.close()
    return "".join(page.texts)


def docx_text(content: bytes) -> str:
    """Return the text of body and footnotes of a Word file."""
    pieces: list[str] = []
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for part in ("document", "footnotes"):
            for paragraph in etree.fromstring(archive.read(f"word/{part}.xml")).iter(f"{_W}p"):
                pieces += [piece.text or "" for piece in paragraph.iter(f"{_W}t")]
                pieces.append("\n")
    return "".join(pieces)


TEXT_OF: Final[dict[OutputFormat, Callable[[bytes], str]]] = {
    "pdf": pdf_text,
    "md": bytes.decode,
    "html": html_text,
    "docx": docx_text,
}


def squeezed(text: str) -> str:
    """Return ``text`` without white space, which formats break lines at and add."""
    return "".join(text.split())
