"""Reading documents: their text in order, with pages and headings, and a clear word about those that are none."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import chalicelib
from chalicelib.domain.honey_jar import DOCUMENT_FORMATS, DocumentFormat, format_of
from chalicelib.knowledge.blocks import ReadDocument, UnreadableError
from chalicelib.knowledge.pdf_text import without_running_lines
from chalicelib.knowledge.read_content import read_content
from chalicelib.knowledge.read_document import Bounds, read_document
from tests.support.documents import (
    docx,
    docx_bomb,
    docx_with,
    encrypted_pdf,
    entity_docx,
    laughs,
    pdf,
    texts_of,
)

ROOT = Path(chalicelib.__file__).resolve().parent.parent
SECRET = "the-content-of-a-file-here"


def kinds(read: ReadDocument) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for block in read.blocks]


def problem_of(content: bytes, document_format: DocumentFormat) -> str:
    with pytest.raises(UnreadableError) as error:
        read_content(content, document_format)
    assert str(error.value).endswith((".", ")"))
    return error.value.problem


# Formats


def test_markdown_is_its_text_without_the_marks() -> None:
    content = (
        "---\ntitle: x\n---\n# Bees *and* [hives](https://example.com)\n\nFirst `line`\nsecond.\n\n- one\n- two\n\n"
        "| A | B |\n|---|---|\n| 1 | 2 |\n\n```\ncode\n```\n\n<b>shown</b>\n\n<script>hidden()</script>\n"
    )
    read = read_content(content.encode(), "md")
    assert read.title == "Bees and hives"
    assert kinds(read) == [
        ("heading", "Bees and hives"),
        ("paragraph", "First line second."),
        ("list", "- one"),
        ("list", "- two"),
        ("table", "A | B\n1 | 2"),
        ("code", "code"),
        ("paragraph", "shown"),
    ]


def test_html_is_what_is_seen() -> None:
    content = (
        "<!doctype html><title>Bees &amp; hives</title><style>p{}</style><body><nav>Menu</nav><h2>Winter</h2>"
        "<p>One<br>two <b>bold</b></p><div>loose<p>inner</p>tail</div><ul><li>a<li><p>b</p></ul>"
        "<table><tr><th>Month<td>Yield</tr><tr><td>June<td>12<script>x</script></tr></table><script>evil()</script>"
        "<pre>  code\n  more</pre><!-- hidden --></body>"
    )
    read = read_content(content.encode(), "html")
    assert read.title == "Bees & hives"
    assert kinds(read) == [
        ("heading", "Winter"),
        ("paragraph", "One\ntwo bold"),
        ("paragraph", "loose"),
        ("paragraph", "inner"),
        ("paragraph", "tail"),
        ("list", "- a"),
        ("list", "- b"),
        ("table", "Month | Yield\nJune | 12"),
        ("code", "  code\n  more"),
    ]


def test_a_sign_that_links_to_its_own_heading_is_no_text() -> None:
    content = '<h2>Winter<a class="headerlink" href="#winter">¶</a></h2><p>See <a href="#b">below</a>.</p>'
    assert kinds(read_content(content.encode(), "html")) == [("heading", "Winter"), ("paragraph", "See below.")]


@pytest.mark.parametrize(
    ("head", "encoding"), [('<meta charset="iso-8859-1">', "latin-1"), ("", "utf-8"), ("", "utf-16")]
)
def test_html_in_its_own_encoding(head: str, encoding: str) -> None:
    read = read_content(f"<html><head>{head}</head><body><p>Größe</p></body></html>".encode(encoding), "html")
    assert texts_of(read) == ["Größe"]


def test_json_is_its_values_with_their_paths() -> None:
    read = read_content(b'{"title": "Hives", "hives": [{"id": 7, "place": "mill"}], "empty": null}', "json")
    assert read.title == "Hives"
    assert texts_of(read) == ["title: Hives\nhives[0].id: 7\nhives[0].place: mill\nempty: null"]


def test_large_json_is_divided_where_its_objects_are() -> None:
    notes = [{"place": f"mill {number}", "note": "words " * 60} for number in range(20)]
    import json

    read = read_content(json.dumps({"hives": notes}).encode(), "json")
    assert read.blocks[0].kind == "heading"
    assert [block.text.split("\n")[0] for block in read.blocks[1:]] == [
        f"hives[{number}].place: mill {number}" for number in range(20)
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "utf-32"])
def test_text_in_any_usual_encoding(encoding: str) -> None:
    read = read_content("Über Bienen\n===========\n\nEins\r\nzwei.\n\n\nDrei.".encode(encoding), "txt")
    assert kinds(read) == [("heading", "Über Bienen"), ("paragraph", "Eins\nzwei."), ("paragraph", "Drei.")]


def test_what_an_escape_in_json_stands_for_may_be_no_text() -> None:
    read = read_content(b'{"a": "one\\ud800two\\u0000three"}', "json")
    assert kinds(read) == [("paragraph", "a: one\ufffdtwothree")]


def test_a_blank_text_in_large_json_is_left_out() -> None:
    read = read_content(json.dumps({"a": "x" * 2000, "b": " ", "c": "", "d": "end"}).encode(), "json")
    assert kinds(read)[1:] == [("paragraph", "d: end")]


def test_html_whose_text_lies_in_a_form_or_in_tables_for_the_looks() -> None:
    page = "<form><h1>Bees</h1><p>In a form.</p><select><option>no</option></select></form>"
    page += "<table><tr><td><h2>Layout</h2><p>One.</p><p>Two.</p><table><caption>Yield</caption><tr><td>June</td>"
    page += "<td>12</td></tr></table></td><td>Aside</td></tr></table>"
    assert kinds(read_content(page.encode(), "html")) == [
        ("heading", "Bees"),
        ("paragraph", "In a form."),
        ("heading", "Layout"),
        ("paragraph", "One."),
        ("paragraph", "Two."),
        ("table", "Yield\nJune | 12"),
        ("paragraph", "Aside"),
    ]


def test_a_break_in_markdown_divides_words() -> None:
    assert kinds(read_content(b"one<br>two<BR/>three", "md")) == [("paragraph", "one\ntwo\nthree")]


@pytest.mark.parametrize("content", [pdf(["Bees"]), docx(("Bees", "")), b"\xff\xd8\xff\xe0 JFIF", b"{\\rtf1 bees}"])
@pytest.mark.parametrize("document_format", ["txt", "md", "html", "json"])
def test_what_is_no_text_is_not_read_as_text(content: bytes, document_format: DocumentFormat) -> None:
    assert problem_of(content, document_format) == "damaged"


def test_docx_has_headings_lists_and_tables_in_order() -> None:
    content = docx(
        ("Keeping bees", "Title"),
        ("Winter", "Heading 1"),
        ("Feed them.", ""),
        ("Sugar", "List Bullet"),
        table=[["Month", "Yield"], ["June", "12"]],
    )
    read = read_content(content, "docx")
    assert read.title == "Keeping bees"
    assert [(b.kind, b.text, b.level) for b in read.blocks][:3] == [
        ("heading", "Keeping bees", 1),
        ("heading", "Winter", 1),
        ("paragraph", "Feed them.", 0),
    ]
    assert ("table", "Month | Yield\nJune | 12") in kinds(read)


def test_docx_has_pages_where_they_were_noted() -> None:
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    text = "".join(
        f"<w:p><w:r>{break_}<w:t>{word}</w:t></w:r></w:p>"
        for word, break_ in (("one", ""), ("two", "<w:lastRenderedPageBreak/>"), ("three", ""))
    )
    content = docx_with(f'<w:document xmlns:w="{space}"><w:body>{text}</w:body></w:document>'.encode())
    read = read_content(content, "docx")
    assert (read.pages, [block.page for block in read.blocks]) == (2, [1, 2, 2])


def test_a_table_in_a_table_is_read_once_and_its_pages_are_counted_once() -> None:
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"

    def paragraph(text: str) -> str:
        return f"<w:p><w:r>{text}</w:r></w:p>"

    inner = f"<w:tbl><w:tr><w:tc>{paragraph('<w:lastRenderedPageBreak/><w:t>inner</w:t>')}</w:tc></w:tr></w:tbl>"
    wrapped = f"<w:sdt><w:sdtContent><w:tc>{paragraph('<w:t>wrapped</w:t>')}</w:tc></w:sdtContent></w:sdt>"
    table = f"<w:tbl><w:tr><w:tc>{paragraph('<w:t>outer</w:t>')}{inner}</w:tc>{wrapped}</w:tr></w:tbl>"
    text = f'<w:document xmlns:w="{space}"><w:body>{table}{paragraph("<w:t>after</w:t>")}</w:body></w:document>'
    read = read_content(docx_with(text.encode()), "docx")
    assert kinds(read) == [("table", "outer inner | wrapped"), ("paragraph", "after")]
    assert (read.pages, read.blocks[1].page) == (2, 2)


def test_what_docx_holds_twice_for_old_programs_is_read_once() -> None:
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    mc = "http://schemas.openxmlformats.org/markup-compatibility/2006"
    box = "<w:txbxContent><w:p><w:r><w:t>In a box</w:t></w:r></w:p></w:txbxContent>"
    both = f"<mc:AlternateContent><mc:Choice>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback></mc:AlternateContent>"
    text = f'<w:document xmlns:w="{word}" xmlns:mc="{mc}"><w:body><w:p><w:r><w:t>Before</w:t></w:r>{both}</w:p>'
    read = read_content(docx_with(f"{text}</w:body></w:document>".encode()), "docx")
    assert kinds(read) == [("paragraph", "Before\nIn a box")]


def test_pdf_has_pages_paragraphs_and_the_headings_of_its_outline() -> None:
    first = "Bees are kept in hives, and a hive has a queen who lays all of the eggs in the spring.\n\nA second one."
    content = pdf([first, "Feed them in au-\ntumn, before the first frost."], [("Winter stores", 2)], title="Bees")
    read = read_content(content, "pdf")
    assert (read.title, read.pages) == ("Bees", 2)
    assert [(b.kind, b.page) for b in read.blocks][-2:] == [("heading", 2), ("paragraph", 2)]
    assert texts_of(read)[-2:] == ["Winter stores", "Feed them in autumn, before the first frost."]


def test_what_stands_above_and_below_the_text_of_each_page_is_left_out() -> None:
    pages = {
        page: ["The Book of Bees", f"Exercise {page}", "", "Text", f"Page {page + 4} of 9", f"- {page + 4} -"]
        for page in range(5)
    }
    assert list(without_running_lines(pages).values()) == [
        ["The Book of Bees", "Exercise 0", "", "Text"],
        *([f"Exercise {page}", "", "Text"] for page in range(1, 5)),
    ]


def test_a_head_with_the_number_of_its_page_is_left_out() -> None:
    texts = ["one", "two", "three", "four", "five", "six"]
    pages = {
        page: [f"Chapter {page // 3}: Bees {page + 7}", text, "", f"{page + 7} The Book"]
        for page, text in enumerate(texts)
    }
    assert list(without_running_lines(pages).values()) == [[text, ""] for text in texts]
    for told in ((1903, 1909, 1911, 1912, 1918), range(1990, 1995)):
        years = {page: [f"Yield of {year}", texts[page]] for page, year in enumerate(told)}
        assert without_running_lines(years) == years


def test_wide_gaps_at_an_edge_are_read_in_time() -> None:
    started = time.process_time()
    without_running_lines({0: [f"A book{' ' * 30_000}of bees"]})
    assert time.process_time() - started < 2


def test_a_number_at_an_edge_that_is_no_page_number_stays() -> None:
    pages = {page: [str(year), "Yield", f"1{page}.5", "kg"] for page, year in enumerate((1903, 1909, 1911, 1912, 1918))}
    assert [lines[0] for lines in without_running_lines(pages).values()] == [lines[0] for lines in pages.values()]
    few = {0: ["1", "a", "b", "2"], 1: ["2", "a", "c", "3"]}
    assert without_running_lines(few) == few


def test_a_pdf_that_is_encrypted_with_no_password_is_read() -> None:
    assert "old mill" in texts_of(read_content(encrypted_pdf(""), "pdf"))[0]


@pytest.mark.parametrize(
    ("path", "pages"),
    [("docs/architecture.md", None), ("LICENSE", None)],
)
def test_real_documents(path: str, pages: int | None) -> None:
    document_format = format_of(path) or "txt"
    read = read_content((ROOT / path).read_bytes(), document_format)
    assert read.pages == pages
    assert len(read.blocks) > 20


# What cannot be read


@pytest.mark.parametrize("document_format", DOCUMENT_FORMATS)
@pytest.mark.parametrize("content", [b"", b" \n\t "])
def test_nothing_is_empty(content: bytes, document_format: DocumentFormat) -> None:
    assert problem_of(content, document_format) == "empty"


@pytest.mark.parametrize(
    ("content", "document_format", "problem"),
    [
        (encrypted_pdf("secret"), "pdf", "encrypted"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "docx", "encrypted"),
        (pdf(["text"])[:300], "pdf", "damaged"),
        (b"%PDF-1.7\nnothing else", "pdf", "damaged"),
        (b"no pdf at all", "pdf", "damaged"),
        (b"PK\x03\x04broken", "docx", "damaged"),
        (docx_with(b"<not closed"), "docx", "damaged"),
        (docx_with(b"<a/>", other=b"x"), "docx", "damaged"),
        (b'{"a": ', "json", "damaged"),
        (b"\x00\x01binary", "txt", "damaged"),
        (b"\xff\xfe\x00", "txt", "damaged"),
        (pdf([""]), "pdf", "no_text"),
        (docx(), "docx", "empty"),
        (b"<html><script>x</script></html>", "html", "empty"),
        (b"[]", "json", "empty"),
        (docx_bomb(15), "docx", "unsafe"),
        (entity_docx(laughs()), "docx", "unsafe"),
        (entity_docx('<!ENTITY e SYSTEM "file:///etc/passwd">'), "docx", "unsafe"),
        (entity_docx('<!ENTITY % p SYSTEM "http://127.0.0.1:1/x"> %p;', ""), "docx", "unsafe"),
        (b"[" * 5_000 + b"]" * 5_000, "json", "unsafe"),
        (b"[" * 100 + b"1" + b"]" * 100, "json", "unsafe"),
    ],
    # Not the bytes of a file: some have the time in them.
    ids=lambda value: None if isinstance(value, bytes) else value,
)
def test_what_cannot_be_read_says_why(content: bytes, document_format: DocumentFormat, problem: str) -> None:
    assert problem_of(content, document_format) == problem


def test_external_entities_bring_nothing_in(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    page = f'<!DOCTYPE html [<!ENTITY e SYSTEM "{secret.as_uri()}">]><p>shown &e;</p><img src="{secret.as_uri()}">'
    assert SECRET not in str(read_content(page.encode(), "html"))
    assert problem_of(entity_docx(f'<!ENTITY e SYSTEM "{secret.as_uri()}">'), "docx") == "unsafe"


def test_five_hundred_pages() -> None:
    read = read_content(pdf([f"Page {number} tells of hive {number}." for number in range(1, 501)]), "pdf")
    assert read.pages == 500
    assert [block.page for block in read.blocks] == list(range(1, 501))


def test_a_damaged_page_leaves_the_others() -> None:
    broken = pdf(["first page", "second page"]).replace(b"/FlateDecode", b"/NoSuchCode", 1)
    read = read_content(broken, "pdf")
    assert texts_of(read) == ["second page"]
    assert read.notices == ("Pages that could not be read: 1",)


@given(st.binary(max_size=400), st.sampled_from(DOCUMENT_FORMATS), st.sampled_from([b"", b"%PDF-1.7\n", b"PK\x03\x04"]))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_bytes_come_there_is_a_text_or_a_reason(
    content: bytes, document_format: DocumentFormat, start: bytes
) -> None:
    try:
        read = read_content(start + content, document_format)
    except UnreadableError:
        return
    assert all(block.text.strip() for block in read.blocks)
    str(texts_of(read)).encode("utf-8")


# In a process of its own


def test_the_child_returns_the_same() -> None:
    content = docx(("Keeping bees", "Title"), ("Feed them.", ""))
    assert read_document(content, "docx") == read_content(content, "docx")


def test_the_child_tells_why_not() -> None:
    with pytest.raises(UnreadableError) as error:
        read_document(b"%PDF-1.7 nonsense", "pdf")
    assert error.value.problem == "damaged"


def test_the_child_has_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess

    real, environments = subprocess.run, list[Any]()

    def noted(*given: Any, **how: Any) -> Any:
        environments.append(how["env"])
        return real(*given, **how)

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    monkeypatch.setattr(subprocess, "run", noted)
    read_document(b"text", "txt")
    assert "hidden" not in str(environments)
    assert not [name for name in environments[0] if name.startswith(("AWS", "LLM"))]


def test_too_little_time_is_a_reason() -> None:
    started = time.monotonic()
    with pytest.raises(UnreadableError) as error:
        read_document(b"text", "txt", Bounds(seconds=0.01))
    assert error.value.problem == "timeout"
    assert time.monotonic() - started < 5


def test_too_little_memory_is_a_reason() -> None:
    content = b"[" + b'"many small texts that each take their memory",' * 400_000 + b'"end"]'
    with pytest.raises(UnreadableError) as error:
        read_document(content, "json", Bounds(seconds=60, memory_mb=120))
    assert error.value.problem == "too_large"
