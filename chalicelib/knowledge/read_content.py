"""Which reader a document is for."""

from __future__ import annotations

from typing import Final

from chalicelib.domain.honey_jar import DocumentFormat
from chalicelib.knowledge.blocks import ReadDocument, UnreadableError

# How files begin that hold no text as such. Read as text they would be found by all kinds of nonsense.
_BEGINNINGS: Final = (
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a zip file, as those of Word are,"),
    (b"\xd0\xcf\x11\xe0", "a file of an old Office program"),
    (b"\x1f\x8b", "a compressed file"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF89a", "a picture"),
    (b"{\\rtf", "an RTF file"),
)


def read_content(content: bytes, document_format: DocumentFormat) -> ReadDocument:
    """Return a document's text. For files of strangers call ``read_document``, which does this in a child.

    Raises:
        UnreadableError: it cannot be read.
    """
    if not content.strip():
        raise UnreadableError("empty", "The file is empty.")
    if document_format not in ("pdf", "docx") and (kind := _kind_of(content)):
        raise UnreadableError("damaged", f"The file is {kind} and not what its name says.")
    # Each reader's library is loaded for its own files alone.
    if document_format == "pdf":
        from chalicelib.knowledge.pdf_text import read_pdf

        return read_pdf(content)
    if document_format == "docx":
        from chalicelib.knowledge.docx_text import read_docx

        return read_docx(content)
    if document_format == "html":
        from chalicelib.knowledge.html_text import read_html

        return read_html(content)
    if document_format == "md":
        from chalicelib.knowledge.markdown_source import read_markdown

        return read_markdown(content)
    if document_format == "json":
        from chalicelib.knowledge.json_text import read_json_file

        return read_json_file(content)
    from chalicelib.knowledge.plain_text import read_text

    return read_text(content)


def _kind_of(content: bytes) -> str | None:
    beginning = content[:1024].lstrip()
    return next((kind for start, kind in _BEGINNINGS if beginning.startswith(start)), None)
