"""Markdown becomes a tree, and nothing a reader could see is lost on the way."""

from __future__ import annotations

import sys

import pytest

from chalicelib.domain.document import (
    Block,
    BlockQuote,
    CodeBlock,
    CodeSpan,
    Document,
    Emphasis,
    Heading,
    Inline,
    LineBreak,
    Link,
    ListBlock,
    ListItem,
    Paragraph,
    Rule,
    Section,
    Strikethrough,
    Strong,
    Table,
    Text,
    block_texts,
    plain_text,
)
from chalicelib.rendering.parse_markdown import MAX_DEPTH, parse_markdown


def only(source: str) -> Block:
    (block,) = parse_markdown(source)
    return block


def inlines(source: str) -> tuple[Inline, ...]:
    block = only(source)
    assert isinstance(block, Paragraph)
    return block.children


def shown(source: str) -> str:
    return "\n".join(block_texts(parse_markdown(source)))


def test_marks_code_links_and_breaks_become_nodes() -> None:
    assert inlines("a *b* **c** ~~d~~ `e` [f](https://x.org/)\\\ng") == (
        Text(text="a "),
        Emphasis(children=(Text(text="b"),)),
        Text(text=" "),
        Strong(children=(Text(text="c"),)),
        Text(text=" "),
        Strikethrough(children=(Text(text="d"),)),
        Text(text=" "),
        CodeSpan(text="e"),
        Text(text=" "),
        Link(href="https://x.org/", children=(Text(text="f"),)),
        LineBreak(),
        Text(text="g"),
    )


def test_marks_have_one_nesting_whatever_the_source_had() -> None:
    assert inlines("*a **b***") == (
        Emphasis(children=(Text(text="a "),)),
        Strong(children=(Emphasis(children=(Text(text="b"),)),)),
    )
    assert inlines("***x***") == (Strong(children=(Emphasis(children=(Text(text="x"),)),)),)
    assert inlines("**a **b** c**") == (Strong(children=(Text(text="a b c"),)),)


def test_blocks_become_nodes() -> None:
    blocks = parse_markdown("### H\n\n> q\n\n3. a\n4. b\n\n***\n\n```py\nx  y\n```\n\n    indented\n")
    assert blocks == (
        Heading(level=3, children=(Text(text="H"),)),
        BlockQuote(children=(Paragraph(children=(Text(text="q"),)),)),
        ListBlock(
            ordered=True,
            start=3,
            items=tuple(ListItem(children=(Paragraph(children=(Text(text=t),)),)) for t in "ab"),
        ),
        Rule(),
        CodeBlock(text="x  y", language="py"),
        CodeBlock(text="indented"),
    )


def test_a_table_has_alignments_and_as_many_cells_in_each_row_as_in_its_header() -> None:
    table = only("| a | b | c |\n|:--|:-:|--:|\n| 1 |\n| 1 | 2 | 3 |\n")
    assert isinstance(table, Table)
    assert table.alignments == ("left", "center", "right")
    assert [[plain_text(cell.children) for cell in row] for row in table.rows] == [["1", "", ""], ["1", "2", "3"]]


def test_cells_beyond_the_last_column_stay_in_it() -> None:
    table = only("> | a | b |\n> |---|---|\n> | 1 | 2 | **3** | 4 |\n").children[0]  # type: ignore[union-attr]
    assert isinstance(table, Table)
    assert [plain_text(cell.children) for cell in table.rows[0]] == ["1", "2 | 3 | 4"]


@pytest.mark.parametrize(
    ("source", "levels"),
    [
        ("# a\n## b\n#### c", [3, 4, 6]),
        ("## a\n### b", [3, 4]),
        ("#### a\n###### b", [4, 6]),
        ("# a\n###### b", [3, 6]),
    ],
)
def test_headings_move_down_together_to_levels_three_to_six(source: str, levels: list[int]) -> None:
    assert [block.level for block in parse_markdown(source) if isinstance(block, Heading)] == levels


@pytest.mark.parametrize("html", ["<b>bold</b>", "<script>alert(1)</script>", "<!-- note -->", "<img src=x onerror=y>"])
def test_html_stays_visible_as_text(html: str) -> None:
    assert inlines(html) == (Text(text=html),)
    assert inlines(f"a {html} b") == (Text(text=f"a {html} b"),)


@pytest.mark.parametrize(
    "href", ["http://a.org/", "https://a.org/?q=1&r=2#f", "mailto:a@b.org", "#part", "HTTPS://A.ORG"]
)
def test_web_mail_and_fragment_targets_are_links(href: str) -> None:
    (link,) = inlines(f"[text]({href})")
    assert isinstance(link, Link)
    assert link.href.lower() == href.lower()


@pytest.mark.parametrize(
    "target",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:x",
        "file:///etc/passwd",
        "data:text/html,x",
        "vbscript:x",
        "/local",
        "//evil.org",
    ],
)
def test_any_other_target_is_shown_beside_its_text(target: str) -> None:
    assert inlines(f"see [**the** text]({target}).") == (
        Text(text="see "),
        Strong(children=(Text(text="the"),)),
        Text(text=f" text ({target})."),
    )


def test_an_autolink_to_another_scheme_shows_its_target_once() -> None:
    assert inlines("<javascript:x>") == (Text(text="javascript:x"),)


def test_images_become_links() -> None:
    assert inlines("![a cat](https://x.org/c.png)") == (
        Link(href="https://x.org/c.png", children=(Text(text="a cat"),)),
    )
    assert inlines("![](https://x.org/c.png)") == (
        Link(href="https://x.org/c.png", children=(Text(text="https://x.org/c.png"),)),
    )
    assert inlines("![a](data:image/png;base64,AA)") == (Text(text="a (data:image/png;base64,AA)"),)


def test_a_linked_image_keeps_both_targets() -> None:
    assert inlines("[![badge](https://x.org/b.png)](https://x.org/)") == (
        Link(href="https://x.org/b.png", children=(Text(text="badge"),)),
        Text(text=" (https://x.org/)"),
    )


def test_a_link_title_and_an_unused_definition_stay_visible() -> None:
    assert shown('[a](https://x.org "the title")') == "a (the title)"
    assert shown("text\n\n[1]: https://x.org/source") == "text\n[1]: https://x.org/source"
    assert shown("[text][1]\n\n[1]: https://x.org/source") == "text"


def test_the_users_characters_are_not_prettified() -> None:
    source = '"quotes" -- dashes --- (c) ... $5 million … $12 million'
    assert shown(source) == source


def test_controls_and_lone_surrogates_do_not_get_through() -> None:
    assert shown("a\x00b\x1b[31mc\x7f \ud800 d\ufffe") == "ab[31mc \ufffd d\ufffd"


@pytest.mark.parametrize(
    "nested",
    [
        ">" * 5000 + " needle",
        "> " * 5000 + "needle",
        "- " * 5000 + "needle",
        "1. " * 5000 + "needle",
        "\n".join("  " * level + "- item" for level in range(400)) + " needle",
        "\n".join(">" * level + " line" for level in range(1, 200)) + " needle",
        "![" * 3000 + "needle" + "](https://x.org)" * 3000,
        "[" * 5000 + "needle" + "](https://x.org)" * 5000,
        "*a **b " * 2000 + "needle" + " b** a*" * 2000,
    ],
    ids=["quotes", "spaced quotes", "bullets", "numbers", "indented", "growing", "images", "links", "marks"],
)
def test_deep_nesting_is_cut_and_keeps_its_text(nested: str) -> None:
    blocks = parse_markdown(nested)
    assert "needle" in "".join(block_texts(blocks))
    assert depth(blocks) <= MAX_DEPTH
    document = Document(
        report_id="r", title="t", created_at="", model="m", sections=(Section(id="s", title="s", blocks=blocks),)
    )
    assert Document.model_validate_json(document.model_dump_json()) == document


def depth(blocks: tuple[Block, ...]) -> int:
    deepest = 0
    for block in blocks:
        if isinstance(block, BlockQuote):
            deepest = max(deepest, 1 + depth(block.children))
        elif isinstance(block, ListBlock):
            deepest = max(deepest, *(2 + depth(item.children) for item in block.items))
    return deepest


@pytest.mark.parametrize(
    "pattern",
    [
        "![[]()",
        "[a](<",
        "*a **a ",
        "`a``",
        "<a ",
        "&",
        "[a][b",
        "|",
        "~~a",
        "a**b",
        "\\",
        "[[]()",
        "- a\n",
        "[a]: <b\n",
    ],
)
def test_work_grows_at_most_with_the_square_of_the_input(pattern: str) -> None:
    def calls(times: int) -> int:
        """Return how many functions are called: unlike seconds, the same on every machine."""
        count = 0

        def note(_frame: object, event: str, _argument: object) -> None:
            nonlocal count
            count += event in ("call", "c_call")

        before = sys.getprofile()
        sys.setprofile(note)
        try:
            text = shown(pattern * times + "needle")
        finally:
            sys.setprofile(before)
        assert "needle" in text
        return count

    assert calls(600) < 17 * calls(150)
