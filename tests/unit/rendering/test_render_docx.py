"""A Document as a Word file: real headings, lists, tables, notes and links, and the same bytes every time."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, datetime
from typing import Any

import docx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from lxml import etree
from PIL import Image

from chalicelib.domain.document import (
    Document,
    Link,
    ListBlock,
    ListItem,
    Paragraph,
    Section,
    Table,
    TableCell,
    Text,
)
from chalicelib.rendering.parse_markdown import parse_markdown
from chalicelib.rendering.render_docx import render_docx
from chalicelib.rendering.theme import Theme
from tests.unit.rendering.document_strategies import DOCUMENTS
from tests.unit.rendering.rich_document import rich_document
from tests.unit.rendering.samples import RICH_MARKDOWN, document, is_subsequence, words_of

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


class Word:
    """A Word file, opened."""

    def __init__(self, content: bytes) -> None:
        self.zip = zipfile.ZipFile(io.BytesIO(content))
        assert self.zip.testzip() is None
        for name in self.zip.namelist():
            if name.endswith((".xml", ".rels")):
                etree.fromstring(self.zip.read(name))
        self.opened = docx.Document(io.BytesIO(content))
        self.body = etree.fromstring(self.zip.read("word/document.xml"))

    def part(self, name: str) -> Any:
        return etree.fromstring(self.zip.read(f"word/{name}.xml"))

    @property
    def text(self) -> str:
        return " ".join(_text(paragraph) for paragraph in self.body.iter(f"{W}p"))

    def paragraphs(self, style: str) -> list[Any]:
        return [p for p in self.body.iter(f"{W}p") if p.find(f"{W}pPr/{W}pStyle").get(f"{W}val") == style]

    def texts(self, style: str) -> list[str]:
        return [_text(paragraph) for paragraph in self.paragraphs(style)]


def _text(element: Any) -> str:
    shown = {f"{W}t": None, f"{W}tab": "\t", f"{W}br": "\n"}
    pieces = (shown[piece.tag] or piece.text for piece in element.iter(*shown) if piece.getparent().tag == f"{W}r")
    return "".join(filter(None, pieces))


def word(written: Document, theme: Theme | None = None) -> Word:
    return Word(render_docx(written, theme))


def test_every_word_is_there_in_order() -> None:
    written = document(RICH_MARKDOWN, "Second part.")
    assert is_subsequence(words_of(written), word(written).text)


def test_the_same_document_gives_the_same_bytes() -> None:
    assert render_docx(rich_document()) == render_docx(rich_document())
    assert render_docx(rich_document()) != render_docx(rich_document(title="Another"))


@settings(max_examples=25, deadline=None, phases=(Phase.generate,), suppress_health_check=[HealthCheck.too_slow])
@given(DOCUMENTS)
def test_every_document_can_be_opened(written: Document) -> None:
    word(written)


def test_titles_and_headings_have_their_styles_and_no_level_is_left_out() -> None:
    found = word(document("##### deep\n\nx\n\n### up\n\nx", "y"))
    assert found.texts("Title") == ["A title"]
    assert found.texts("Heading1") == ["Part 1", "Part 2"]
    assert found.texts("Heading2") == ["deep", "up"]


def test_the_contents_are_a_field_with_an_entry_for_every_heading() -> None:
    found = word(rich_document())
    assert [code.text.strip() for code in found.body.iter(f"{W}instrText") if "TOC" in code.text] == [
        'TOC \\o "1-3" \\h'
    ]
    assert [text.strip() for text in found.texts("TOC1")] == [
        *("Summary", "Details & more", "\u0645\u0631\u062d\u0628\u0627", "References", "Notes")
    ]
    marks = {mark.get(f"{W}name") for mark in found.body.iter(f"{W}bookmarkStart")}
    anchors = [link.get(f"{W}anchor") for p in found.paragraphs("TOC1") for link in p.iter(f"{W}hyperlink")]
    assert anchors
    assert set(anchors) <= marks
    assert found.part("settings").find(f"{W}updateFields") is not None


def test_a_single_section_has_no_contents() -> None:
    assert word(document("x")).texts("TOC1") == []


def test_lists_are_lists_whose_numbers_begin_where_they_should() -> None:
    found = word(document("7. a\n8. b\n   - c\n\nx\n\n1. d"))
    items = found.paragraphs("ListParagraph")
    assert [_text(item) for item in items] == ["a", "b", "c", "d"]
    numbers = [item.find(f".//{W}numId").get(f"{W}val") for item in items]
    levels = [item.find(f".//{W}ilvl").get(f"{W}val") for item in items]
    assert levels == ["0", "0", "1", "0"]
    assert numbers[0] == numbers[1] != numbers[3]
    starts = {
        number.get(f"{W}numId"): number.find(f".//{W}startOverride").get(f"{W}val")
        for number in found.part("numbering").iter(f"{W}num")
        if number.find(f".//{W}startOverride") is not None
    }
    assert (starts[numbers[0]], starts[numbers[3]]) == ("7", "1")


def test_numbers_that_the_format_cannot_count_are_written() -> None:
    items = tuple(ListItem(children=(Paragraph(children=(Text(text=name),)),)) for name in "ab")
    section = Section(id="s", title="S", blocks=(ListBlock(ordered=True, start=999_999_998, items=items),))
    assert word(document(sections=(section,))).texts("ListParagraph") == ["999999998.\ta", "999999999.\tb"]


def test_deep_lists_and_quotations_stay_on_the_page() -> None:
    found = word(document("\n".join("  " * depth + "- x" for depth in range(12)) + "\n\n" + "> " * 18 + "y"))
    assert len(found.texts("ListParagraph")) + len(found.texts("Quote")) >= 11
    lefts = [int(indent.get(f"{W}left")) for indent in found.body.iter(f"{W}ind")]
    assert max(lefts) <= 5400
    levels = [int(level.get(f"{W}val")) for level in found.body.iter(f"{W}ilvl")]
    assert max(levels) <= 8


def test_the_header_row_of_a_table_is_repeated_and_columns_are_aligned() -> None:
    (table,) = word(document("| a | b |\n|---|--:|\n| c | 1 |")).opened.tables
    assert [cell.text for cell in table.rows[0].cells] == ["a", "b"]
    assert table.rows[0]._tr.find(f"{W}trPr/{W}tblHeader") is not None
    assert table.rows[1]._tr.find(f"{W}trPr/{W}tblHeader") is None
    assert table.cell(1, 1).paragraphs[0]._p.find(f"{W}pPr/{W}jc").get(f"{W}val") == "right"


def test_a_table_of_many_columns_becomes_several_that_word_can_open() -> None:
    cells = tuple(TableCell(children=(Text(text=f"c{number}"),)) for number in range(200))
    wide = Table(header=cells, alignments=("left",) * 200, rows=(cells,))
    found = word(document(sections=(Section(id="s", title="S", blocks=(wide,)),)))
    assert all(len(table.columns) <= 63 for table in found.opened.tables)
    shown = [cell.text for row in (0, 1) for table in found.opened.tables for cell in table.rows[row].cells]
    assert shown == [f"c{number}" for number in range(200)] * 2


def test_footnotes_are_footnotes_and_none_is_lost() -> None:
    found = word(rich_document())
    calls = [call.get(f"{W}id") for call in found.body.iter(f"{W}footnoteReference")]
    notes = {note.get(f"{W}id"): _text(note) for note in found.part("footnotes")}
    assert calls == ["1", "2"]
    assert "A note with a link" in notes["1"]
    assert "It has a note3" in notes["2"]
    assert "missing[^gone]" in found.text
    assert "3. called by a note" in found.text
    assert "4. nobody calls this one" in found.text
    links = found.zip.read("word/_rels/footnotes.xml.rels").decode()
    assert 'Target="https://example.org/n"' in links


def test_citations_lead_to_references_and_back() -> None:
    found = word(rich_document())
    marks = {mark.get(f"{W}name") for mark in found.body.iter(f"{W}bookmarkStart")}
    sources = found.texts("Bibliography")
    assert sources == [
        "[1]\tA source, page 3 https://example.org/s?a=1&b=2 \u2191",
        "[2]\tAn uncited source not an address",
    ]
    (source, _) = found.paragraphs("Bibliography")
    assert {link.get(f"{W}anchor") for link in source.iter(f"{W}hyperlink")} - {None} <= marks
    cited = [link for link in found.body.iter(f"{W}hyperlink") if _text(link) == "[1]"]
    assert len(cited) == 2
    assert {link.get(f"{W}anchor") for link in cited} <= marks


def test_figures_have_captions_that_word_counts_and_charts_are_tables() -> None:
    found = word(rich_document())
    captions = found.texts("Caption")
    assert [caption.partition(":")[0] for caption in captions] == ["Figure 1", "Table 1", "Listing 1", "Table 2"]
    codes = [code.text.strip() for code in found.body.iter(f"{W}instrText") if "SEQ" in code.text]
    assert codes == [f"SEQ {word} \\* ARABIC" for word in ("Figure", "Table", "Listing", "Table")]
    assert found.texts("ChartTitle") == [f"Sales as {kind}" for kind in ("bar", "stacked_bar", "line", "donut")]
    assert found.opened.tables[1].cell(0, 0).text == "million EUR"
    assert found.opened.tables[1].cell(0, 1).text == "North"
    assert "1,234.5" in found.text


def test_links_go_where_they_should_and_bad_addresses_stay_text() -> None:
    hrefs = [
        "https://x.org/a b?q=\u00e9",
        "http://[::bad",
        "https://x.org:99999/",
        "mailto:a@b.org",
        "https://x.org/" + "a" * 3000,
    ]
    children = tuple(Link(href=href, children=(Text(text=f"l{n}"),)) for n, href in enumerate(hrefs))
    section = Section(id="s", title="S", blocks=(Paragraph(children=children),))
    found = word(document(sections=(section,)))
    targets = re.findall(
        r'Target="([^"]*)" TargetMode="External"', found.zip.read("word/_rels/document.xml.rels").decode()
    )
    assert sorted(targets) == ["https://x.org/a%20b?q=%C3%A9", "mailto:a@b.org"]
    for number in range(len(hrefs)):
        assert f"l{number}" in found.text
    assert "http://[::bad" in found.text


def test_links_inside_the_report_lead_to_sections_and_headings_that_are_there() -> None:
    text = "### My heading\n\n[see](#my-heading), [there](#over-there), [nowhere](#nowhere)\n\n### My heading\n\nEnd."
    blocks = parse_markdown(text)
    found = Word(render_docx(document("", sections=(Section(id="over-there", title="There", blocks=blocks),))))
    bookmarks = {mark.get(f"{W}name") for mark in found.body.iter(f"{W}bookmarkStart")}
    links = {_text(link): link.get(f"{W}anchor") for link in found.body.iter(f"{W}hyperlink")}
    assert links.keys() >= {"see", "there"}
    assert "nowhere" not in links
    assert "nowhere" in found.text
    assert set(links.values()) <= bookmarks


def test_numbers_of_an_arabic_table_stand_under_their_headers() -> None:
    found = Word(render_docx(document("| الاسم | القيمة |\n|---|--:|\n| سعر | ثمن |")))
    sides = [side.get(f"{W}val") for side in found.body.iter(f"{W}jc")]
    assert sides == ["left", "left"]  # of a paragraph from right to left: where its lines end


def test_the_file_says_what_it_is() -> None:
    properties = word(rich_document()).opened.core_properties
    assert (properties.title, properties.author, properties.subject) == ("A title", "Ann Author", "A subject")
    assert (properties.keywords, properties.language, properties.identifier) == ("one, two", "en-GB", "rep-1")
    assert properties.created == properties.modified == datetime(2026, 1, 20, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize(("language", "stored"), [("de-CH", "de-CH"), ('"><x', "en"), ("", "en")])
def test_all_text_has_the_documents_language(language: str, stored: str) -> None:
    found = word(document("x", language=language))
    assert found.part("styles").find(f"{W}docDefaults/{W}rPrDefault/{W}rPr/{W}lang").get(f"{W}val") == stored


def test_long_fields_are_shortened_only_where_the_format_has_a_limit() -> None:
    found = word(document("x", title="t" * 2000, description="d" * 2000))
    assert found.texts("Title") == ["t" * 2000]
    assert found.texts("Subtitle") == ["d" * 2000]
    assert len(found.opened.core_properties.title) == 255


def test_pages_have_a_running_title_and_numbers_but_the_first() -> None:
    found = word(document("x"))
    section = found.opened.sections[0]
    assert section.different_first_page_header_footer
    assert section.header.paragraphs[0].text == "A title"
    codes = [code.text.strip() for code in section.footer._element.iter(f"{W}instrText")]
    assert codes == ["PAGE", "NUMPAGES"]


def test_right_to_left_text_runs_from_the_right() -> None:
    found = word(document("\u05e9\u05dc\u05d5\u05dd 123\n\nabc \u05e9"))
    hebrew, latin = found.paragraphs("Normal")
    assert hebrew.find(f"{W}pPr/{W}bidi") is not None
    assert latin.find(f"{W}pPr/{W}bidi") is None


def test_nothing_that_belongs_to_the_template_is_left() -> None:
    names = word(document("x")).zip.namelist()
    assert not [name for name in names if name.endswith((".jpeg", ".jpg", ".png"))]


def test_a_logo_is_shown_with_the_organisations_name() -> None:
    picture = io.BytesIO()
    Image.new("RGB", (40, 20)).save(picture, "PNG")
    found = word(document("x"), Theme(organisation="Example", logo=picture.getvalue()))
    (drawing,) = (e for e in found.body.iter() if e.tag.endswith("}docPr"))
    assert drawing.get("descr") == "Example"
    assert [name for name in found.zip.namelist() if name.endswith(".png")] == ["word/media/image1.png"]


def test_a_theme_sets_paper_and_colours() -> None:
    found = word(document("x"), Theme(page="letter", accent=(122, 16, 32), font="serif", organisation="Example <Ltd>"))
    faces = found.part("styles").find(f"{W}docDefaults/{W}rPrDefault/{W}rPr/{W}rFonts")
    assert faces.get(f"{W}ascii") == "Cambria"
    assert found.opened.sections[0].page_width.twips == 12240
    assert found.texts("Organisation") == ["Example <Ltd>"]
    assert found.opened.styles["Title"].font.color.rgb == docx.shared.RGBColor(122, 16, 32)
