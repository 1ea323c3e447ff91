"""A Document as one self-contained, semantic HTML file into which no text can break out."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from chalicelib.domain.document import CodeBlock, Document, Link, Paragraph, Section, Text
from chalicelib.rendering.page_style import page_style
from chalicelib.rendering.parse_markdown import parse_markdown, parse_with_footnotes
from chalicelib.rendering.render_html import render_html
from chalicelib.rendering.theme import Theme, contrast_with_white, parse_themes
from tests.unit.rendering.rich_document import rich_document
from tests.unit.rendering.samples import RICH_MARKDOWN, document, is_subsequence, words_of

_VOID = {"meta", "br", "hr", "img"}


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
    def links(self) -> list[dict[str, str | None]]:
        """All links but the one that skips what stands before the text."""
        return [attributes for attributes in self.named("a") if attributes.get("class") != "skip"]

    @property
    def ids(self) -> list[str]:
        return [str(attributes["id"]) for _, attributes in self.tags if "id" in attributes]

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
    targets = [attributes["href"] for attributes in html.links]
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
    (link,) = page(document("[a](https://x.org/?a=1&b=2)")).links
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
    assert all(str(attributes["href"]).startswith("#section-") for attributes in html.links)
    assert "\n</code></pre><script>{{7*7}}" in html.text


def test_it_has_print_and_dark_styles() -> None:
    html = render_html(document("x")).decode()
    assert "@media print" in html
    assert "prefers-color-scheme: dark" in html


def test_the_policy_allows_our_style_sheet_alone() -> None:
    written = render_html(document("x")).decode()
    style = re.search(r"<style>(.*?)</style>", written, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    (policy,) = (str(meta["content"]) for meta in page(document("x")).named("meta") if "http-equiv" in meta)
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_no_level_of_headings_is_left_out() -> None:
    html = page(document("##### deep\n\nx\n\n### up\n\nx\n\n###### down\n\nx"))
    levels = [int(tag[1]) for tag, _ in html.tags if re.fullmatch("h[1-6]", tag)]
    assert levels == [1, 2, 3, 3, 4]


def test_a_link_to_a_heading_finds_it() -> None:
    html = page(document("### The method\n\n[see](#the-method)"))
    assert "the-method" in html.ids
    assert html.links[-1]["href"] == "#the-method"


def test_a_link_to_a_section_of_another_script_finds_it() -> None:
    sections = tuple(Section(id=i, title=i, blocks=parse_markdown("[see](#\u03b2)")) for i in ("a", "\u03b2"))
    html = page(document("", sections=sections))
    assert {str(link["href"]) for link in html.links} >= {"#section-2"}
    assert "#%CE%B2" not in {link["href"] for link in html.links}


def test_footnotes_lead_there_and_back() -> None:
    html = page(rich_document())
    for mark in (link for link in html.links if link.get("role") == "doc-noteref"):
        assert str(mark["href"])[1:] in html.ids
        assert any(link["href"] == f"#{mark['id']}" for link in html.links), mark
    assert "A note with" in html.text
    assert "nobody calls this one" in html.text
    assert "missing[^gone]" in html.text


def test_citations_lead_to_references_and_back() -> None:
    html = page(rich_document())
    citations = [link for link in html.links if link.get("class") == "citation"]
    assert [link["href"] for link in citations] == ["#reference-1", "#reference-1"]
    backs = [link["href"] for link in html.links if link.get("class") == "back"]
    assert {f"#{link['id']}" for link in citations} <= set(backs)
    assert "uncertain[7]" in html.text


def test_every_id_is_there_once_and_every_link_inside_the_report_has_its_place() -> None:
    html = page(rich_document())
    assert len(html.ids) == len(set(html.ids))
    inside = [str(link["href"])[1:] for link in html.named("a") if str(link["href"]).startswith("#")]
    # These lead nowhere in the text already.
    assert set(inside) - set(html.ids) == {"nowhere", "method"}


def test_figures_are_numbered_by_kind_with_tables_captioned_above() -> None:
    written = render_html(rich_document()).decode()
    captions = re.findall(r"<figcaption><b>(.*?)</b>", written)
    assert captions == ["Figure 1:", "Table 1:", "Listing 1:", "Table 2:"]
    assert re.search(r"<figure id=\"table-1\">\s*<figcaption>", written)


def test_no_two_elements_have_one_id_whatever_headings_are_called() -> None:
    chart = json.dumps({"type": "bar", "labels": ["a"], "series": [{"name": "s", "values": [1]}]})
    ids = page(document(f"### Chart 1 text\n\n### Chart 2\n\n```chart\n{chart}\n```")).ids
    assert "chart-3-text" in ids or "chart-2-text" not in ids
    assert len(ids) == len(set(ids))


def test_a_heading_that_is_a_mark_alone_keeps_it() -> None:
    blocks, footnotes = parse_with_footnotes("### [^a]\n\nText.\n\n[^a]: The note.")
    sections = (Section(id="s", title="S", blocks=blocks),)
    html = render_html(document("", sections=sections, footnotes=footnotes)).decode()
    assert re.search(r"<h3[^>]*>.*?note-1", html)


def test_a_chart_is_a_picture_with_a_name_a_description_and_its_numbers() -> None:
    html = page(rich_document())
    pictures = html.named("svg")
    assert len(pictures) == 4
    for picture in pictures:
        assert picture["role"] == "img"
        assert set(str(picture["aria-labelledby"]).split()) <= set(html.ids)
    assert len(html.named("details")) == 4
    for number in ("1,234.5", "\N{MINUS SIGN}7"):
        assert number in html.text


def test_columns_without_a_heading_have_no_empty_heading() -> None:
    html = page(document("| a |  |\n|-|-|\n| b | c |"))
    assert len(html.named("th")) == 1
    assert len(html.named("td")) == 3


def test_the_theme_colours_light_and_dark_so_that_both_can_be_read() -> None:
    theme = parse_themes('{"accent": "#7a1020", "link": "#1a2b3c", "palette": ["#101010"]}').default
    style = page_style(theme)
    assert style.count("--accent: #7a1020") == 1
    dark = re.search(r"dark\) \{ :root \{ (.*?) \} \}", style)
    assert dark is not None
    for name, color in re.findall(r"--(\w+): (#\w{6});", dark[1]):
        channels = (int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16))
        ratio = contrast_with_white((0x15, 0x18, 0x1C)) / contrast_with_white(channels)
        assert ratio >= (4.5 if name in ("accent", "link") else 3.0), (name, color)


def test_a_logo_is_in_the_file_and_the_policy_lets_it_be_shown() -> None:
    theme = Theme(organisation="<b>Example</b>", logo=b"\x89PNG\r\n\x1a\n...")
    written = render_html(document("x"), theme).decode()
    assert '<img src="data:image/png;base64,' in written
    assert "img-src data:;" in written
    assert "&lt;b&gt;Example&lt;/b&gt;" in written
    assert "img-src" not in render_html(document("x")).decode()


def test_right_to_left_languages_run_from_the_right() -> None:
    assert page(document("x", language="ar-EG")).named("html") == [{"lang": "ar-EG", "dir": "rtl"}]
