"""A Document as one self-contained, semantic HTML file into which no text can break out."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from chalicelib.domain.document import CodeBlock, Document, Link, Paragraph, Section, Text
from chalicelib.rendering.render_html import render_html
from tests.unit.rendering.samples import RICH_MARKDOWN, document, is_subsequence, words_of

_VOID = {"meta", "br", "hr"}


class _Page(HTMLParser):
    """Records tags and text, and fails on tags that do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self) -> str:
        return "".join(self.texts)


def page(written: Document) -> _Page:
    return _Page(render_html(written).decode())


def test_it_is_semantic_and_keeps_every_word() -> None:
    written = document(RICH_MARKDOWN, "More.", language="en-GB", notices=("Beware.",))
    html = page(written)
    assert html.named("html") == [{"lang": "en-GB", "dir": "ltr"}]
    for tag in ("header", "nav", "main", "footer", "table", "thead", "tbody", "blockquote", "pre", "ol", "ul", "s"):
        assert html.named(tag), tag
    assert {attributes["scope"] for attributes in html.named("th")} == {"col"}
    assert [attributes["id"] for attributes in html.named("section")] == ["part-1", "part-2"]
    assert is_subsequence(words_of(written), html.text)
    for fact in ("20 January 2026", "tiny-model-1", "Beware."):
        assert fact in html.text


def test_contents_links_lead_to_sections() -> None:
    html = page(document("a", "b"))
    targets = [attributes["href"] for attributes in html.named("a")]
    assert targets == ["#part-1", "#part-2"]


def test_nothing_is_loaded_and_nothing_runs() -> None:
    source = RICH_MARKDOWN + "\n![x](https://evil.org/x.png) <img src=https://evil.org/y> [j](javascript:alert(1))"
    html = page(document(source))
    for tag in ("script", "link", "img", "iframe", "object", "embed", "base", "form", "svg"):
        assert html.named(tag) == [], tag
    assert all(name not in ("src", "srcset", "style") for _, attributes in html.tags for name in attributes)
    assert not any(name.startswith("on") for _, attributes in html.tags for name in attributes)
    style = re.search(r"<style>(.*?)</style>", render_html(document("x")).decode(), re.DOTALL)
    assert style is not None
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_links_say_nothing_about_the_reader() -> None:
    (link,) = page(document("[a](https://x.org/?a=1&b=2)")).named("a")
    assert link == {"href": "https://x.org/?a=1&b=2", "rel": "noopener noreferrer nofollow"}


@pytest.mark.parametrize("field", ["title", "description", "model", "language", "style", "template_name", "report_id"])
def test_no_field_breaks_out(field: str) -> None:
    hostile = """"><script>alert(1)</script></title></style>{{7*7}}{% x %}' onload='x\x00\x1b"""
    html = page(document("a", "b", **{field: hostile}))
    assert html.named("script") == []
    assert "49" not in html.text
    assert "\x00" not in html.text
    if field != "language":
        assert "<script>alert(1)</script></title></style>{{7*7}}{% x %}" in html.text


def test_a_hostile_section_is_only_text() -> None:
    section = Section(
        id='"><script>',
        title="</h2><script>",
        blocks=(
            CodeBlock(text="\n</code></pre><script>{{7*7}}"),
            Paragraph(children=(Link(href="javascript:alert(1)", children=(Text(text="click"),)),)),
        ),
    )
    html = page(document("x", sections=(section, section)))
    assert html.named("script") == []
    assert [attributes["id"] for attributes in html.named("section")] == ["section-1", "section-2"]
    assert all(str(attributes["href"]).startswith("#section-") for attributes in html.named("a"))
    assert "\n</code></pre><script>{{7*7}}" in html.text


def test_it_has_print_and_dark_styles() -> None:
    html = render_html(document("x")).decode()
    assert "@media print" in html
    assert "prefers-color-scheme: dark" in html


def test_right_to_left_languages_run_from_the_right() -> None:
    assert page(document("x", language="ar-EG")).named("html") == [{"lang": "ar-EG", "dir": "rtl"}]
