"""Every script in a PDF: its glyphs are there, in the right font and order, and its text can be read back."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
import regex
from fpdf import FPDF
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf.generic import ContentStream

from chalicelib.rendering.pdf_fonts import FontBook, Style, Word
from chalicelib.rendering.pdf_shaping import needs_shaping
from chalicelib.rendering.pdf_text import Ink, Line, LineBreaker, Stretch
from chalicelib.rendering.render import render
from chalicelib.rendering.render_pdf import render_pdf
from tests.unit.rendering.samples import document, pdf_reader, pdf_text
from tests.unit.rendering.scripts import SENTENCES

INK = Ink(Style(), 10.0, (0, 0, 0))
FACES = {
    "Latin": {"NotoSans"},
    "Greek": {"NotoSans"},
    "Cyrillic": {"NotoSans"},
    "Arabic": {"FiraGO", "NotoSans"},
    "Hebrew": {"NotoSansHebrew", "NotoSans"},
    "Devanagari": {"NotoSansDevanagari", "NotoSans"},
    "Thai": {"NotoSansThai", "NotoSans"},
    "Chinese": {"NotoSansCJKsc", "NotoSans"},
    "Japanese": {"NotoSansCJKjp", "NotoSans"},
    "Korean": {"NotoSansCJKkr", "NotoSans"},
    "emoji": {"NotoEmoji", "NotoSans"},
}


def is_invisible(character: str) -> bool:
    return regex.match(r"\p{Default_Ignorable_Code_Point}", character) is not None


def font_book(*texts: str, language: str = "") -> FontBook:
    return FontBook(FPDF(), texts, language)


def line_of(text: str, *, language: str = "") -> Line:
    (line,) = LineBreaker(font_book(text, language=language)).lines([Stretch(text, INK)], float("inf"))
    return line


def shown(word: Word) -> str:
    return "".join(piece.text for piece in word.pieces)


def actual_texts(content: bytes) -> Iterator[str]:
    """Yield what the marked content of every page stands for."""
    reader = pdf_reader(content)
    for page in reader.pages:
        for operands, operator in ContentStream(page.get_contents(), reader).operations:
            if operator == b"BDC" and "/ActualText" in operands[1]:
                yield str(operands[1]["/ActualText"])


def faces_of(text: str) -> set[str]:
    return {re.sub(r"_.*", "", span.face) for span in line_of(text).spans if span.text.strip()}


@pytest.mark.parametrize("script", SENTENCES)
def test_no_character_is_missing_in_any_style(script: str) -> None:
    book = font_book(SENTENCES[script])
    for style in (Style(), Style(bold=True), Style(italic=True), Style(bold=True, italic=True), Style(mono=True)):
        for word in SENTENCES[script].split():
            assert "[U+" not in shown(book.word(word, style))
    assert book.missing_characters == ()


@pytest.mark.parametrize("script", FACES)
def test_every_script_is_set_in_its_own_font(script: str) -> None:
    assert faces_of(SENTENCES[script]) == FACES[script]


@pytest.mark.parametrize("script", SENTENCES)
def test_what_shaping_shows_is_a_real_glyph(script: str) -> None:
    for span in line_of(SENTENCES[script]).spans:
        for cluster in span.run.clusters if span.run else ():
            assert cluster.glyphs
            assert all(glyph.code for glyph in cluster.glyphs)


@pytest.mark.parametrize("script", SENTENCES)
def test_a_line_is_as_wide_as_its_spans_and_keeps_every_character(script: str) -> None:
    line = line_of(SENTENCES[script])
    assert line.width == pytest.approx(sum(span.width for span in line.spans))
    marks = {"\u200e", "\u200f"}
    characters = sorted("".join(span.text for span in line.spans if span.text not in marks))
    assert characters == sorted(unicodedata.normalize("NFC", SENTENCES[script]))


@pytest.mark.parametrize("script", ["Devanagari", "Thai", "Bengali", "Tamil", "Khmer", "Burmese", "combining"])
def test_shaped_runs_say_what_they_stand_for(script: str) -> None:
    found = "".join("".join(actual_texts(render_pdf(document(SENTENCES[script])).content)).split())
    letters = [word for word in unicodedata.normalize("NFC", SENTENCES[script]).split() if needs_shaping(word)]
    assert letters
    for word in letters:
        assert all(character in found for character in word if needs_shaping(character))


def test_a_run_from_left_to_right_carries_its_text_as_a_whole() -> None:
    assert "क्षत्रिय" in list(actual_texts(render_pdf(document("क्षत्रिय")).content))


def test_a_letter_with_points_stands_for_the_letter_and_each_point_for_itself() -> None:
    (span,) = line_of("שָׁ").spans
    assert span.run
    (cluster,) = span.run.clusters
    assert cluster.text == unicodedata.normalize("NFC", "שָׁ")
    assert len(cluster.blanks) == len(cluster.text)
    assert "ש" in list(actual_texts(render_pdf(document("שָׁ")).content))


def test_an_arabic_word_is_set_in_one_font_even_where_the_first_lacks_a_letter() -> None:
    rare = "\u08a0"
    assert faces_of(f"بر{rare}ب") == {"NotoSansArabic"}
    assert faces_of("برب") == {"FiraGO"}


def test_a_ligature_from_right_to_left_keeps_a_place_for_each_of_its_letters() -> None:
    (span,) = line_of("لا").spans
    assert span.run
    (cluster,) = span.run.clusters
    assert (cluster.text, len(cluster.glyphs), len(cluster.blanks)) == ("لا", 1, 2)


def test_arabic_letters_are_joined() -> None:
    apart = [line_of(letter).width for letter in "بلب"]
    assert line_of("بلب").width < 0.8 * sum(apart)


def test_a_conjunct_is_narrower_than_its_letters() -> None:
    assert line_of("क्ष").width < line_of("क").width + line_of("ष").width


def test_a_mark_takes_no_room() -> None:
    assert line_of("x\u0302").width == pytest.approx(line_of("x").width, rel=0.01)
    assert line_of("ที่").width == pytest.approx(line_of("ท").width, rel=0.01)


@pytest.mark.parametrize("sequence", ["👩‍🚀", "🇩🇪", "👍🏽", "1️⃣", "👨‍👩‍👧‍👦", "🏳️‍🌈"])
def test_an_emoji_sequence_is_one_sign(sequence: str) -> None:
    (span,) = line_of(sequence).spans
    assert span.run
    assert span.text == sequence
    assert span.width < line_of("😀").width * 1.5


def test_plain_text_keeps_to_fpdf2_and_is_not_shaped() -> None:
    for script in ("Latin", "Greek", "Cyrillic", "Chinese", "Japanese", "Korean"):
        assert all(span.run is None for span in line_of(SENTENCES[script]).spans), script


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_composed_and_taken_apart_letters_look_alike(form: Any) -> None:
    (span,) = line_of(unicodedata.normalize(form, "é")).spans
    assert (span.text, span.run, span.face) == ("é", None, "NotoSans_Regular")


def seen(text: str) -> list[str]:
    """Return the texts of the spans of a line from left to right, without marks and spaces."""
    return [span.text.strip() for span in line_of(text).spans if span.text.strip(" \u200e\u200f")]


def test_a_right_to_left_line_is_seen_from_the_right() -> None:
    assert seen("שנת 2025 (גרסה Chalice 1.34)") == [")", "Chalice 1.34", "גרסה", "(", "2025", "שנת"]


def test_a_right_to_left_name_in_a_left_to_right_line_stays_in_its_place() -> None:
    assert seen("see שלום עולם now") == ["see", "עולם", "שלום", "now"]


def test_brackets_are_mirrored_from_right_to_left() -> None:
    book = font_book("()")
    shaped = {sign: book.word(sign, Style(), right_to_left=True).pieces[0] for sign in "()"}
    font = book._fonts["NotoSans_Regular"].font
    drawn = {
        sign: next(
            glyph.glyph_id for glyph, code in font.subset.items() if glyph and code == run.clusters[0].glyphs[0].code
        )
        for sign, (_, _, _, run) in shaped.items()
        if run
    }
    assert drawn == {"(": font.glyph_ids[ord(")")], ")": font.glyph_ids[ord("(")]}


def test_a_right_to_left_paragraph_begins_at_the_right() -> None:
    assert line_of("שלום world").right_to_left
    assert not line_of("hello שלום").right_to_left


def test_lines_of_a_right_to_left_paragraph_are_filled_in_reading_order() -> None:
    text = " ".join(f"מילה{number}" for number in range(60))
    lines = LineBreaker(font_book(text)).lines([Stretch(text, INK)], 200.0)
    assert len(lines) > 5
    numbers = [[int(span.text) for span in line.spans if span.text.isdigit()] for line in lines]
    assert [number for line in numbers for number in reversed(line)] == list(range(60))


@pytest.mark.parametrize("script", ["Arabic", "Thai", "Chinese", "emoji", "Hebrew with points"])
def test_a_narrow_column_cuts_and_loses_nothing(script: str) -> None:
    text = "".join(SENTENCES[script].split()) * 3
    for width in (12.0, 35.0, 90.0):
        lines = LineBreaker(font_book(text)).lines([Stretch(text, INK)], width)
        assert len(lines) > 2
        found = "".join(span.text for line in lines for span in line.spans if span.text not in ("\u200e", "\u200f"))
        assert sorted(found) == sorted(unicodedata.normalize("NFC", text))
        # The ends of letters that were joined before the cut stand out a little.
        assert all(line.width <= width + 4 or len(line.spans) == 1 for line in lines)


@pytest.mark.parametrize("missing", ["\u0378", "\U0001fbff", "\ue000", "\U0003fffd", "\U00013000"])
def test_a_character_no_font_has_is_shown_and_reported(missing: str) -> None:
    rendering = render(document(f"before {missing} after"), "pdf")
    placeholder = f"[U+{ord(missing):04X}]"
    assert f"before {placeholder} after" in pdf_text(rendering.content)
    assert any(placeholder[1:-1] in notice for notice in rendering.notices)


def test_a_report_whose_characters_all_have_glyphs_has_no_notice() -> None:
    assert render(document(" ".join(SENTENCES.values())), "pdf").notices == ()


def test_many_missing_characters_are_counted_not_listed() -> None:
    text = "".join(map(chr, range(0xE000, 0xE064)))
    (notice,) = render(document(text), "pdf").notices
    assert notice.endswith("and 80 more.")
    assert render_pdf(document(text)).missing_characters == tuple(text)


@pytest.mark.parametrize(
    ("language", "text", "face"),
    [
        ("ja", "直", "NotoSansCJKjp"),
        ("ko", "直", "NotoSansCJKkr"),
        ("zh", "直", "NotoSansCJKsc"),
        ("zh-Hant", "直", "NotoSansCJKtc"),
        ("zh-HK", "直", "NotoSansCJKhk"),
        ("en", "直", "NotoSansCJKsc"),
        ("en", "直の", "NotoSansCJKjp"),
        ("en", "直 한", "NotoSansCJKkr"),
    ],
)
def test_ideographs_have_the_form_of_their_language(language: str, text: str, face: str) -> None:
    assert line_of(text, language=language).spans[0].face == f"{face}_Regular"


def test_quotation_marks_are_as_wide_as_the_ideographs_they_stand_among() -> None:
    assert line_of("“中”").width == pytest.approx(30.0, abs=0.1)
    assert line_of("“a”").width < 20.0


@pytest.mark.parametrize("sign", ["≠", "∄", "é", "ǟ", "ḍ̇", "\u1e9b\u0323"])
def test_a_letter_or_sign_with_a_mark_is_whole(sign: str) -> None:
    content = render_pdf(document(f"before {sign} after")).content
    found = "".join(pdf_text(content).split())
    assert f"before{unicodedata.normalize('NFC', sign)}after" in unicodedata.normalize("NFC", found)


def test_a_text_that_was_not_announced_is_set_all_the_same() -> None:
    book = font_book("announced")
    for text in ("中", "文", "ไทย", "é"):
        assert shown(book.word(text, Style())) == text
    assert book.missing_characters == ()


VIETNAMESE = "Tiếng Việt là ngôn ngữ chính thức. Đây là tiếng mẹ đẻ của khoảng tám mươi lăm phần trăm dân cư."


@pytest.mark.parametrize("text", [VIETNAMESE, SENTENCES["Latin"], SENTENCES["Korean"]], ids=["vi", "pl", "ko"])
def test_a_text_taken_apart_into_letters_and_marks_needs_no_more_fonts(text: str) -> None:
    composed, apart = (render_pdf(document(unicodedata.normalize(form, text))).content for form in ("NFC", "NFD"))
    assert fonts_of(apart) == fonts_of(composed)
    assert len(apart) < 1.02 * len(composed)


def fonts_of(content: bytes) -> list[str]:
    """Return the names of the fonts of every page, sorted, without their subset tags."""
    fonts = {
        re.sub(r"^/\w+\+", "", str(font.get_object()["/BaseFont"]))
        for page in pdf_reader(content).pages
        for font in page["/Resources"]["/Font"].values()  # type: ignore[index]
    }
    return sorted(fonts)


def test_a_latin_report_holds_latin_fonts_only_and_stays_small() -> None:
    content = render_pdf(document("Plain words, naïve ones too. " * 200)).content
    assert {name.partition("_")[0] for name in fonts_of(content)} == {"NotoSans"}
    assert len(content) < 40_000


def test_a_chinese_report_holds_the_glyphs_it_shows_and_no_others() -> None:
    assert len(render_pdf(document(SENTENCES["Chinese"] * 20)).content) < 60_000


def test_a_deployment_may_choose_a_font_with_serifs() -> None:
    book = FontBook(FPDF(), ["word \u2026"], serif=True)
    faces = {
        style: book.word("word", style).pieces[0].face
        for style in (Style(), Style(bold=True), Style(italic=True), Style(bold=True, italic=True), Style(mono=True))
    }
    assert list(faces.values()) == [
        *("NotoSerif_Regular", "NotoSerif_Bold", "NotoSerif_Italic", "NotoSerif_BoldItalic", "CascadiaMono_Regular")
    ]


def bullet_place(markdown: str) -> float:
    """Return where the first bullet stands, in points from the left."""
    places: list[float] = []

    def visit(text: str, _: Any, matrix: list[float], *__: Any) -> None:
        if "\N{BULLET}" in text:
            places.append(matrix[4])

    pdf_reader(render_pdf(document(markdown)).content).pages[0].extract_text(visitor_text=visit)
    return places[0]


def test_markers_of_a_right_to_left_list_stand_at_the_right() -> None:
    assert bullet_place("- פריט") > 500
    assert bullet_place("- item") < 100


@pytest.mark.parametrize("script", ["Arabic", "Chinese", "emoji", "Thai"])
def test_the_same_text_gives_the_same_bytes(script: str) -> None:
    written = document(SENTENCES[script])
    assert render_pdf(written).content == render_pdf(written).content


# A process of its own, as a process cannot change the seed of its hashes.
RENDERED = """
import hashlib, sys
from chalicelib.domain.document import Document
from chalicelib.rendering.render_pdf import render_pdf
print(hashlib.sha256(render_pdf(Document.model_validate_json(sys.stdin.read())).content).hexdigest())
"""


def test_processes_with_other_hash_seeds_give_the_same_bytes() -> None:
    text = unicodedata.normalize("NFD", VIETNAMESE + SENTENCES["Latin"] + "한국어")
    digests = set()
    for seed in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", RENDERED],
            input=document(text).model_dump_json(),
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(done.stdout)
    assert len(digests) == 1


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=12))
def test_any_word_can_be_set_in_either_direction(text: str) -> None:
    book = font_book(text)
    for right_to_left in (False, True):
        word = book.word(text, Style(), right_to_left)
        shown_text = shown(word)
        for piece in word.pieces:
            assert piece.run or all(ord(character) in book._fonts[piece.face].font.cmap for character in piece.text)
        for character in unicodedata.normalize("NFC", text):
            assert character in shown_text or f"[U+{ord(character):04X}]" in shown_text or is_invisible(character)
