"""Documents as users have them, and as an attacker makes them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Any

from docx import Document
from fpdf import FPDF
from pypdf import PdfReader, PdfWriter


def pdf(pages: Sequence[str], headings: Sequence[tuple[str, int]] = (), title: str = "") -> bytes:
    """Return a PDF with a text on each page; ``headings`` (title and page, from 1) are in its outline."""
    made = FPDF()
    made.set_font("helvetica", size=11)
    if title:
        made.set_title(title)
    for number, text in enumerate(pages, start=1):
        made.add_page()
        for name, page in headings:
            if page == number:
                made.start_section(name)
                made.cell(text=name)
                made.ln(12)
        made.multi_cell(0, 6, text)
    return bytes(made.output())


def encrypted_pdf(password: str) -> bytes:
    """Return a PDF that opens with a password alone; an empty one opens it for everybody."""
    writer = PdfWriter()
    writer.append(PdfReader(io.BytesIO(pdf(["The hive is at the old mill."]))))
    writer.encrypt(password, "owner", algorithm="AES-256")
    kept = io.BytesIO()
    writer.write(kept)
    return kept.getvalue()


def docx(*paragraphs: tuple[str, str], table: Sequence[Sequence[str]] = ()) -> bytes:
    """Return a DOCX of paragraphs, each with the name of its style (empty for the usual one), and a table."""
    made = Document()
    for text, style in paragraphs:
        made.add_paragraph(text, style=style or None)
    if table:
        grid = made.add_table(len(table), len(table[0]))
        for row, cells in enumerate(table):
            for column, cell in enumerate(cells):
                grid.cell(row, column).text = cell
    kept = io.BytesIO()
    made.save(kept)
    return kept.getvalue()


def docx_with(document_xml: bytes, **others: bytes) -> bytes:
    """Return a zip file that passes for a DOCX, with this text part."""
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", document_xml)
        for name, content in others.items():
            archive.writestr(name.replace("__", "/") + ".xml", content)
    return kept.getvalue()


def docx_bomb(megabytes: int) -> bytes:
    """Return a DOCX of a few kilobytes whose text part unpacks to many megabytes."""
    return docx_with(b"<w:p>" + b"\0" * (megabytes * 1024 * 1024))


def entity_docx(declaration: str, use: str = "&e;") -> bytes:
    """Return a DOCX whose text part declares an entity and uses it."""
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    text = f'<w:document xmlns:w="{space}"><w:body><w:p><w:r><w:t>x{use}</w:t></w:r></w:p></w:body></w:document>'
    return docx_with(f'<?xml version="1.0"?><!DOCTYPE d [{declaration}]>{text}'.encode())


def laughs(levels: int = 12) -> str:
    """Return declarations of entities that grow tenfold with each level."""
    declared = ['<!ENTITY e0 "ha">'] + [f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, levels)]
    return "".join([*declared, f'<!ENTITY e "&e{levels - 1};">'])


def texts_of(read: Any) -> list[str]:
    """Return the texts of a document's blocks."""
    return [block.text for block in read.blocks]
