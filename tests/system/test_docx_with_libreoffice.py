"""Word files read by a word processor that is not ours: LibreOffice (Debian package libreoffice-writer-nogui).

A missing tool is a failure.
"""

from __future__ import annotations

import re
import subprocess
import zipfile
from pathlib import Path
from typing import Final

import pytest
from lxml import etree
from pypdf import PdfReader

from chalicelib.rendering.parse_markdown import parse_markdown
from chalicelib.rendering.render import render
from tests.unit.rendering.rich_document import rich_document
from tests.unit.rendering.samples import words_of

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("libreoffice"), pytest.mark.timeout(300)]

# Opens a file, brings its contents up to date as "Tools, Update, Indexes" does, and saves it as PDF.
MACRO: Final = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">
<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Module1" script:language="StarBasic">
Sub UpdateAndPrint(source As String, target As String)
  Dim hidden(0) As New com.sun.star.beans.PropertyValue
  hidden(0).Name = "Hidden"
  hidden(0).Value = True
  Dim saved(0) As New com.sun.star.beans.PropertyValue
  saved(0).Name = "FilterName"
  saved(0).Value = "writer_pdf_Export"
  report = StarDesktop.loadComponentFromURL(source, "_blank", 0, hidden())
  report.getDocumentIndexes().getByIndex(0).update()
  report.storeToURL(target, saved())
  report.close(True)
End Sub
</script:module>
"""


class Office:
    """LibreOffice with a profile of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # The first start makes the profile, an empty macro module included.
        self.run("--terminate_after_init")
        (folder / "profile" / "user" / "basic" / "Standard" / "Module1.xba").write_text(MACRO)

    def run(self, *arguments: str) -> None:
        subprocess.run(
            ["soffice", f"-env:UserInstallation={(self.folder / 'profile').as_uri()}", "--headless", *arguments],
            cwd=self.folder,
            capture_output=True,
            check=True,
            timeout=200,
        )

    def convert(self, source: Path, extension: str) -> Path:
        self.run("--convert-to", extension, source.name)
        made = source.with_suffix(f".{extension}")
        assert made.exists(), "LibreOffice could not read the file"
        return made


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return Office(tmp_path_factory.mktemp("office"))


@pytest.fixture(scope="module")
def report(office: Office) -> Path:
    document = rich_document()
    filler = document.sections[2].model_copy(
        update={"title": "Filler", "blocks": parse_markdown("More text.\n\n" * 80)}
    )
    document = document.model_copy(update={"sections": (document.sections[0], filler, *document.sections[1:])})
    path = office.folder / "report.docx"
    path.write_bytes(render(document, "docx").content)
    return path


@pytest.fixture(scope="module")
def pages(office: Office, report: Path) -> list[str]:
    return [page.extract_text() for page in PdfReader(office.convert(report, "pdf")).pages]


@pytest.fixture(scope="module")
def odt(office: Office, report: Path) -> etree._Element:
    with zipfile.ZipFile(office.convert(report, "odt")) as archive:
        return etree.fromstring(archive.read("content.xml"))


def found(tree: etree._Element, name: str) -> list[etree._Element]:
    """Return LibreOffice's own elements of that name, for instance ``text:h``."""
    return list(tree.iterfind(f".//{name}", namespaces={k: v for k, v in tree.nsmap.items() if k}))


def text_of(element: etree._Element) -> str:
    return "".join(element.itertext())


def test_every_word_is_there(pages: list[str]) -> None:
    text = "".join("".join(pages).split())
    # Right-to-left text comes out of a PDF as it is drawn; numbers of notes stand between words and commas.
    words = [word.strip(".,") for word in words_of(rich_document()) if word.isascii()]
    assert [word for word in words if word not in text] == []
    for note in ("A note with a link", "called by a note", "nobody calls this one"):
        assert "".join(note.split()) in text


def test_pages_are_numbered_from_the_second_on(pages: list[str]) -> None:
    assert len(pages) >= 4
    assert "page" not in pages[0]
    for number, page in enumerate(pages[1:], start=2):
        assert f"page {number} of {len(pages)}" in page


def test_headings_are_headings(odt: etree._Element) -> None:
    headings = [text_of(heading) for heading in found(odt, "text:h")]
    assert headings[:3] == ["Summary", "Findings", "Filler"]
    assert {"Details & more", "Charts", "Tables", "References", "Notes"} <= set(headings)


def test_the_contents_are_a_table_of_contents_with_links(odt: etree._Element) -> None:
    (contents,) = found(odt, "text:table-of-content")
    entries = [text_of(entry).strip() for entry in found(contents, "text:p")]
    assert entries[:3] == ["Contents", "Summary", "Findings"]
    assert len(found(contents, "text:a")) >= 7


def test_its_page_numbers_are_filled_in_when_it_is_brought_up_to_date(office: Office, report: Path) -> None:
    target = office.folder / "updated.pdf"
    office.run(f'macro:///Standard.Module1.UpdateAndPrint("{report.as_uri()}","{target.as_uri()}")')
    pages = [page.extract_text() for page in PdfReader(target).pages]
    contents = next(page for page in pages if "Contents" in page)
    numbers = dict(re.findall(r"^(Summary|Filler|Details & more|References)[ .\t]*(\d+)\s*$", contents, re.MULTILINE))
    assert len(numbers) == 4, contents
    for title, number in numbers.items():
        assert title in pages[int(number) - 1]


def test_lists_tables_and_footnotes_are_what_they_are_called(odt: etree._Element) -> None:
    assert len(found(odt, "text:list")) >= 3
    tables = found(odt, "table:table")
    assert len(tables) == 7
    assert all(found(table, "table:table-header-rows") for table in tables)
    notes = [text_of(body) for body in found(odt, "text:note-body")]
    assert len(notes) == 2
    assert "A note with a link" in notes[0]


def test_captions_are_numbered_by_a_field(odt: etree._Element) -> None:
    assert [text_of(field) for field in found(odt, "text:sequence")] == ["1", "1", "1", "2"]
