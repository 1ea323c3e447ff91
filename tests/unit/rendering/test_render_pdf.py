"""A Document as a PDF keeps its structure and every word of its text."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import fpdf
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from pypdf.generic import Destination

from chalicelib.domain.document import Document, Section
from chalicelib.rendering import render_pdf as render_pdf_module
from chalicelib.rendering.parse_markdown import parse_markdown
from chalicelib.rendering.render_pdf import render_pdf
from tests.unit.rendering.document_strategies import DOCUMENTS
from tests.unit.rendering.samples import (
    HOSTILE_WORDS,
    RICH_MARKDOWN,
    document,
    is_subsequence,
    page_texts,
    pdf_reader,
    pdf_text,
    words_of,
)

# A document takes tens of milliseconds to set, so making a failing one smaller takes minutes.
NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_every_word_is_there_in_order() -> None:
    written = document(RICH_MARKDOWN, "Second part.")
    assert is_subsequence(words_of(written), pdf_text(render_pdf(written).content))


def test_paragraphs_come_out_word_for_word() -> None:
    prose = " ".join(f"word{number} and-more, (so on) «{number}»." for number in range(700))
    assert prose in pdf_text(render_pdf(document(prose)).content)


def test_title_block_names_date_template_style_and_model() -> None:
    text = pdf_text(
        render_pdf(
            document("x", description="What it is about", template_name="Basic", style="summary", notices=("Beware.",))
        ).content
    )
    for shown in ("A title", "What it is about", "20 January 2026", "Basic", "summary", "tiny-model-1", "Beware."):
        assert shown in text


def test_contents_give_the_page_of_every_section() -> None:
    pages = page_texts(render_pdf(document(*["word " * 900] * 5)).content)
    contents = pages[1].split("Contents\n")[1].splitlines()
    assert len(contents) == 5
    for entry in contents:
        title, _, number = entry.rpartition(" ")
        assert f"{title}\n" in pages[int(number) - 1]


def test_every_page_but_the_cover_tells_its_number_and_how_many_there_are() -> None:
    pdf = render_pdf(document("word " * 2000, "word"))
    pages = [page.extract_text() for page in pdf_reader(pdf.content).pages]
    assert pdf.pages == len(pages) > 3
    for number, text in list(enumerate(pages, start=1))[1:]:
        assert text.endswith(f"page {number} of {len(pages)}")
    assert "page 1" not in pages[0]


def test_outline_has_sections_and_their_headings() -> None:
    outline = pdf_reader(render_pdf(document("### A\n\nx\n\n#### B\n\nx", "##### C\n\nx")).content).outline

    def titles(entries: list[Any]) -> list[Any]:
        return [titles(e) if isinstance(e, list) else e.title for e in entries if isinstance(e, Destination | list)]

    assert titles(outline) == ["Part 1", ["A", ["B"]], "Part 2", ["C"]]


def test_metadata_has_title_author_language_and_creation_date() -> None:
    reader = pdf_reader(render_pdf(document("x", language="de", description="About")).content)
    metadata = reader.metadata
    assert metadata is not None
    assert (metadata.title, metadata.author, metadata.subject) == ("A title", "tiny-model-1", "About")
    assert metadata.creation_date is not None
    assert metadata.creation_date.isoformat() == "2026-01-20T15:30:00+00:00"
    assert reader.trailer["/Root"]["/Lang"] == "de"  # type: ignore[index]


def test_the_same_document_gives_the_same_bytes() -> None:
    written = document(RICH_MARKDOWN, "x")
    assert render_pdf(written).content == render_pdf(written).content


def test_links_are_clickable_and_lead_where_they_say() -> None:
    source = "[web](https://x.org/a_(b)?q=ü) [mail](mailto:a@b.org) [in](#part-2) [nowhere](#none)"
    reader = pdf_reader(render_pdf(document(source, "b")).content)
    annotations = [a.get_object() for page in reader.pages for a in page.get("/Annots", [])]
    targets = {a["/A"]["/URI"] for a in annotations if "/A" in a}
    assert targets == {"https://x.org/a_(b)?q=%C3%BC", "mailto:a@b.org"}
    assert len([a for a in annotations if "/Dest" in a]) == 3  # two in the contents, one in the text


def test_all_fonts_are_embedded_as_truetype() -> None:
    reader = pdf_reader(render_pdf(document(RICH_MARKDOWN + "\n\n⇒ ★ ∈ שלום")).content)
    fonts = [
        font.get_object()["/DescendantFonts"][0].get_object()
        for page in reader.pages
        for font in page["/Resources"]["/Font"].values()  # type: ignore[index]
    ]
    assert fonts
    for font in fonts:
        assert font["/Subtype"] == "/CIDFontType2"
        assert "/FontFile2" in font["/FontDescriptor"].get_object()


def test_symbols_and_scripts_come_out_as_they_are() -> None:
    signs = "→ ← ✓ ✗ • \u2013 — “ ” € ≤ ≥ ≠ ∈ ⇒ ★ ☐ √ ∞ ½ ² ₂ αβγ Жизнь Ελλάδα Łódź Tiếng"
    assert signs in pdf_text(render_pdf(document(signs)).content)


def test_a_character_no_font_has_shows_its_code_point() -> None:
    assert "a [U+13000][U+13001] b [U+0378]" in pdf_text(render_pdf(document("a 𓀀𓀁 b \u0378")).content)


def test_code_keeps_its_white_space_and_wraps() -> None:
    code = "def f():\n    return  1\n\n" + "x" * 300
    text = "\n".join(p.extract_text() for p in pdf_reader(render_pdf(document(f"```\n{code}\n```")).content).pages)
    assert "    return  1" in text
    assert "x" * 300 in squeezed(text)


def test_numbered_lists_keep_their_numbers() -> None:
    text = pdf_text(render_pdf(document("7. a\n8. b\n   1. c\n   2. d\n\n- e\n-\n- g")).content)
    assert is_subsequence(["7.", "a", "8.", "b", "1.", "c", "2.", "d", "•", "e", "•", "•", "g"], text)


def test_a_long_table_repeats_its_header_on_every_page() -> None:
    rows = "".join(f"| cell{n}a | cell{n}b |\n" for n in range(3000))
    pdf = render_pdf(document(f"| Heading-A | Heading-B |\n|---|---|\n{rows}"))
    pages = [page.extract_text() for page in pdf_reader(pdf.content).pages]
    assert len(pages) > 50
    assert all(page.count("Heading-A") == 1 for page in pages)
    assert is_subsequence([f"cell{n}{c}" for n in range(3000) for c in "ab"], "".join(pages))


def test_a_table_of_sixty_columns_keeps_every_cell() -> None:
    header = "|".join(f"head{n}." for n in range(60))
    rows = "\n".join("|".join(f"r{row}c{n}." for n in range(60)) for row in range(5))
    text = pdf_text(render_pdf(document(f"|{header}|\n{'|-' * 60}|\n{rows}")).content)
    assert all(f"head{n}." in text for n in range(60))
    assert is_subsequence([f"r{row}c{n}." for row in range(5) for n in range(60)], text)


def test_a_few_columns_of_long_words_stay_a_table() -> None:
    row = "|".join(f"https://example.org/{'path/' * 8}{n}" for n in range(4))
    pages = page_texts(render_pdf(document(f"|A1|B2|C3|D4|\n|-|-|-|-|\n|{row}|\n|{row}|")).content)
    assert pages[0].count("A1") == 1
    assert squeezed(pages[0]).count("path/" * 8) == 8


def test_a_cell_taller_than_a_page_goes_on_over_the_pages() -> None:
    words = " ".join(f"w{n}." for n in range(4000))
    text = pdf_text(render_pdf(document(f"| a | b |\n|---|---|\n| {words} | x |")).content)
    assert is_subsequence(words.split(), text)


def test_a_word_of_five_thousand_characters_is_cut_not_lost() -> None:
    word = "".join(chr(97 + n % 26) for n in range(5000))
    source = f"before {word} after\n\n| {word} | b |\n|---|---|\n| `{word}` | x |\n\n- {word}"
    text = squeezed(pdf_text(render_pdf(document(source, title=word)).content))
    assert text.count(word) >= 3


@pytest.mark.parametrize("marker", ["> ", "- ", "1. "])
def test_deep_nesting_keeps_its_text(marker: str) -> None:
    text = pdf_text(render_pdf(document(marker * 2000 + "needle " * 30)).content)
    assert text.count("needle") == 30


def test_hostile_fields_are_shown_as_text() -> None:
    hostile = HOSTILE_WORDS.replace("\ud800", "")
    written = document("x", "y", title=hostile, description=hostile, notices=(hostile,), model=hostile, style=hostile)
    pdf = render_pdf(written)
    assert squeezed(pdf_text(pdf.content)).count("<script>alert(1)</script></title>{{7*7}}") >= 5
    assert pdf_reader(pdf.content).metadata.title.startswith("<script>")  # type: ignore[union-attr]


def test_no_picture_is_ever_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("an image was loaded")

    monkeypatch.setattr(fpdf.FPDF, "image", refuse)
    monkeypatch.setattr(fpdf.FPDF, "preload_image", refuse)
    text = pdf_text(
        render_pdf(document("![p](https://x.org/p.png) <img src='/etc/passwd'> ![](file:///etc/passwd)")).content
    )
    assert "<img src='/etc/passwd'>" in text


def test_a_document_without_sections_or_date_is_still_a_pdf() -> None:
    bare = Document(report_id="", title="", created_at="soon", model="", sections=())
    assert "soon" in pdf_text(render_pdf(bare).content)


def test_headings_do_not_stand_alone_at_the_end_of_a_page() -> None:
    source = "\n\n".join(f"### Heading{n}\n\n" + "text " * (20 + n) for n in range(120))
    for page in page_texts(render_pdf(document(source)).content):
        assert not page.strip().splitlines()[-1].startswith("Heading")


def test_fonts_are_released_after_each_document(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[weakref.ref[fpdf.FPDF]] = []
    real = render_pdf_module._new_pdf

    def remember(*args: Any) -> fpdf.FPDF:
        pdf = real(*args)
        made.append(weakref.ref(pdf))
        return pdf

    monkeypatch.setattr(render_pdf_module, "_new_pdf", remember)
    render_pdf(document("text"))
    gc.collect()
    assert made[0]() is None


@settings(max_examples=8, deadline=None, phases=NO_SHRINKING, suppress_health_check=[HealthCheck.too_slow])
@given(DOCUMENTS)
def test_any_document_can_be_set(written: Document) -> None:
    pdf = render_pdf(written)
    assert len(pdf_reader(pdf.content).pages) == pdf.pages


def test_a_section_of_many_blocks_stays_in_order() -> None:
    blocks = parse_markdown("\n\n".join(f"Paragraph number-{n} says little." for n in range(400)))
    written = document("x", sections=(Section(id="s", title="S", blocks=blocks),))
    assert is_subsequence(words_of(written), pdf_text(render_pdf(written).content))
