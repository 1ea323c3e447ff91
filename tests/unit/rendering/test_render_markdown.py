"""A Document as Markdown reads well and parses back into the same tree."""

from __future__ import annotations

import json
import re

from hypothesis import HealthCheck, Phase, given, settings
from markdown_it import MarkdownIt

from chalicelib.domain.document import Block, Document, Footnote, FootnoteMark, Paragraph, Text, walk_blocks
from chalicelib.rendering.parse_markdown import parse_markdown, parse_with_footnotes
from chalicelib.rendering.render_markdown import blocks_to_markdown, render_markdown
from chalicelib.rendering.visible_text import one_line
from tests.unit.rendering.document_strategies import BLOCKS, DOCUMENTS, blocks_with_footnotes
from tests.unit.rendering.rich_document import rich_document
from tests.unit.rendering.samples import HOSTILE_WORDS, RICH_MARKDOWN, document

# Making a failing tree smaller takes longer than a test may.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)


@settings(max_examples=100, deadline=None, phases=PHASES, suppress_health_check=[HealthCheck.too_slow])
@given(BLOCKS)
def test_every_tree_parses_back_into_itself(blocks: tuple[Block, ...]) -> None:
    assert parse_markdown(blocks_to_markdown(blocks)) == blocks


@settings(max_examples=40, deadline=None, phases=PHASES, suppress_health_check=[HealthCheck.too_slow])
@given(blocks_with_footnotes())
def test_footnotes_and_their_marks_parse_back(written: tuple[tuple[Block, ...], tuple[Footnote, ...]]) -> None:
    blocks, footnotes = written
    assert parse_with_footnotes(blocks_to_markdown(blocks, footnotes)) == (blocks, footnotes)


@settings(max_examples=20, deadline=None, phases=PHASES, suppress_health_check=[HealthCheck.too_slow])
@given(DOCUMENTS)
def test_titles_are_the_only_headings_of_the_first_two_levels(written: Document) -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(render_markdown(written).decode())
    headings = [
        (token.tag, "".join(child.content for child in tokens[index + 1].children or ()))
        for index, token in enumerate(tokens)
        if token.type == "heading_open" and token.level == 0 and token.tag in ("h1", "h2")
    ]
    sections = [("h2", one_line(section.title)) for section in written.sections]
    assert headings == [("h1", one_line(written.title)), *sections]


def test_a_parsed_report_survives_the_round_trip() -> None:
    blocks = parse_markdown(RICH_MARKDOWN)
    assert parse_markdown(blocks_to_markdown(blocks)) == blocks


def test_plain_prose_is_not_littered_with_escapes() -> None:
    prose = "It grew from $5 million (2019) to $12 million; that is 140 %! See “Sales” & more: a/b, c+d, e=f, #1 - ok."
    assert blocks_to_markdown(parse_markdown(prose)) == prose


def test_front_matter_is_readable() -> None:
    written = render_markdown(
        document("Text.", description="About *it*", style="summary", template_name="Basic", notices=("Beware.",))
    ).decode()
    assert written == (
        "# A title\n\nAbout \\*it\\*\n\n"
        "- **Date:** 20 January 2026, 15:30 UTC\n- **Template:** Basic\n- **Style:** summary\n"
        "- **Written by:** tiny-model-1\n- **Report:** rep-1\n\n"
        "> **Note:** Beware.\n\n## Part 1\n\nText.\n"
    )


def test_everything_that_a_report_may_hold_survives_the_round_trip() -> None:
    written = rich_document()
    blocks, footnotes = written.sections[1].blocks, written.footnotes
    parsed = parse_with_footnotes(render_markdown(written).decode())
    assert {note.id: note for note in parsed.footnotes} == {note.id: note for note in footnotes if note.id != "fourth"}
    kinds = {type(block) for block in walk_blocks(blocks)}
    assert kinds <= {type(block) for block in walk_blocks(parsed.blocks)}


def test_references_stand_at_the_end_with_their_addresses() -> None:
    text = render_markdown(rich_document()).decode()
    assert "\n## References\n\n\\[1\\] A source, page 3 [https://example.org/s?a=1" in text
    assert "\\[2\\] An uncited source not an address" in text
    assert "Cited [\\[1\\]](#reference-1) and" in text
    assert "uncertain\\[7\\]" in text


def test_a_chart_is_json_in_a_fence() -> None:
    fences = re.findall(r"^```chart\n(.*?)^```$", render_markdown(rich_document()).decode(), re.DOTALL | re.MULTILINE)
    assert [json.loads(fence)["type"] for fence in fences] == ["bar", "stacked_bar", "line", "donut"]


def test_a_footnote_whose_id_cannot_be_a_label_gets_another() -> None:
    blocks = (Paragraph(children=(Text(text="x"), FootnoteMark(id="a b]"))),)
    notes = (Footnote(id="a b]", children=(Paragraph(children=(Text(text="y"),)),)),)
    assert blocks_to_markdown(blocks, notes) == "x[^note-1]\n\n[^note-1]: y"


def test_a_hostile_title_stays_one_heading_of_plain_text() -> None:
    written = render_markdown(document("x", title="a\n# b <script>" + HOSTILE_WORDS.replace("\ud800", "")))
    html = MarkdownIt("commonmark").render(written.decode())
    assert html.count("<h1>") == 1
    assert "<script" not in html
    assert "{{7*7}}" in html
