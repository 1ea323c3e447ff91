"""Footnotes, charts, captions and citations in Markdown become nodes, numbered alike for every format."""

from __future__ import annotations

import json
import time

import pytest

from chalicelib.domain.document import (
    Chart,
    Citation,
    CodeBlock,
    Document,
    Figure,
    Footnote,
    FootnoteMark,
    Link,
    Paragraph,
    Reference,
    Section,
    Table,
    Text,
    block_texts,
    plain_text,
    walk_inlines,
)
from chalicelib.rendering.citations import with_citations
from chalicelib.rendering.numbering import FigureCounter, footnote_numbers
from chalicelib.rendering.parse_markdown import parse_markdown, parse_with_footnotes

CHART = {"type": "line", "labels": ["a", "b"], "series": [{"name": "s", "values": [1, None]}]}


def fenced(value: object) -> str:
    return f"```chart\n{json.dumps(value)}\n```"


def text_of(*blocks: object) -> str:
    return " ".join(block_texts(tuple(blocks)))  # type: ignore[arg-type]


# Footnotes


def test_a_mark_and_its_note_share_an_id_that_has_the_prefix() -> None:
    blocks, footnotes = parse_with_footnotes("Word[^n] more.\n\n[^n]: The *note*.", prefix="s1-")
    assert blocks == (Paragraph(children=(Text(text="Word"), FootnoteMark(id="s1-n"), Text(text=" more."))),)
    (note,) = footnotes
    assert note.id == "s1-n"
    assert text_of(*note.children) == "The note."


def test_a_note_may_hold_several_blocks() -> None:
    _, (note,) = parse_with_footnotes("x[^1]\n\n[^1]: One\n\n    two\n\n    - three\n")
    assert [block.kind for block in note.children] == ["paragraph", "paragraph", "list"]


def test_a_mark_without_note_and_a_note_without_mark_stay_text() -> None:
    blocks, footnotes = parse_with_footnotes("x[^gone]\n\n[^alone]: Nobody *marks* this.\n\n    Second.")
    assert footnotes == ()
    assert [plain_text(block.children) for block in blocks if isinstance(block, Paragraph)] == [
        "x[^gone]", "[^alone]: Nobody marks this.", "Second.",
    ]  # fmt: skip


def test_the_second_note_of_a_name_is_not_lost() -> None:
    blocks, footnotes = parse_with_footnotes("x[^1]\n\n[^1]: First.\n\n[^1]: Second.")
    assert text_of(*footnotes[0].children) == "First."
    assert "Second." in text_of(*blocks)


def test_marks_inside_marks_links_and_tables_are_found() -> None:
    source = "**bold[^1]**\n\n| a[^1] |\n|---|\n| b[^2] |\n\n[^1]: One[^2].\n[^2]: Two."
    blocks, footnotes = parse_with_footnotes(source)
    marks = [node.id for node in walk_inlines(blocks) if isinstance(node, FootnoteMark)]
    assert marks == ["1", "1", "2"]
    assert [note.id for note in footnotes] == ["1", "2"]


def test_a_text_parsed_without_footnotes_keeps_their_words() -> None:
    assert "Note." in text_of(*parse_markdown("a[^1]\n\n[^1]: Note."))


@pytest.mark.parametrize(
    "source",
    ["[^" * 3000 + "\n\n[^a]: x", "[^a]: " * 1000 + "x[^a]", "[^a]" * 3000 + "\n\n[^a]: x",
     "\n".join(f"[^n{n}]: x[^n{n + 1}]" for n in range(1000)), "> " * 300 + "[^a]: deep\n\nx[^a]"],
)  # fmt: skip
def test_hostile_footnotes_take_no_time_and_lose_nothing(source: str) -> None:
    start = time.perf_counter()
    blocks, footnotes = parse_with_footnotes(source)
    assert time.perf_counter() - start < 5
    assert "x" in text_of(*blocks, *(block for note in footnotes for block in note.children))


def test_notes_are_numbered_by_their_first_marks_and_the_unmarked_come_last() -> None:
    blocks, footnotes = parse_with_footnotes("a[^z] b[^a] c[^z]\n\n[^a]: A[^in].\n[^z]: Z.\n[^in]: Inside.")
    made = Document(
        report_id="r", title="t", created_at="2026-01-20T15:30:00Z", model="m",
        sections=(Section(id="s", title="S", blocks=blocks),),
        footnotes=(Footnote(id="lost", children=()), *footnotes),
    )  # fmt: skip
    assert footnote_numbers(made) == {"z": 1, "a": 2, "in": 3, "lost": 4}


# Charts and captions


def test_a_chart_fence_becomes_a_chart() -> None:
    (chart,) = parse_markdown(fenced(CHART | {"title": " two \u0007 lines\n", "unit": "%"}))
    assert isinstance(chart, Chart)
    assert (chart.title, chart.unit) == ("two lines", "%")
    assert chart.series[0].values == (1.0, None)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1]", json.dumps(CHART | {"type": "pie"}), json.dumps(CHART | {"href": "http://example.org"}),
     '{"type": "bar", "labels": ["a"], "series": [{"values": [NaN]}]}', "[" * 5000],
)  # fmt: skip
def test_a_chart_that_is_not_sound_stays_code(text: str) -> None:
    assert parse_markdown(f"```chart\n{text}\n```") == (CodeBlock(text=text, language="chart"),)


def test_content_and_the_caption_after_it_become_a_figure() -> None:
    table = "| a |\n|---|\n| 1 |"
    source = (
        f"{table}\n\nTable: With *marks*.\n\n{fenced(CHART)}\n\nFigure: A chart.\n\n```\nx\n```\n\nListing:\n\nTable: x"
    )
    blocks, _ = parse_with_footnotes(source, prefix="p-")
    assert [block.kind for block in blocks] == ["figure", "figure", "figure", "paragraph"]
    figures = [block for block in blocks if isinstance(block, Figure)]
    assert [figure.id for figure in figures] == ["p-table-1", "p-figure-1", "p-listing-1"]
    assert [plain_text(figure.caption) for figure in figures] == ["With marks.", "A chart.", ""]
    counter = FigureCounter()
    assert [counter.label(figure) for figure in figures * 2][-3:] == ["Table 2", "Figure 2", "Listing 2"]


def test_a_caption_of_another_kind_stays_a_paragraph() -> None:
    assert [block.kind for block in parse_markdown("| a |\n|---|\n\nFigure: not a table's word")] == [
        "table",
        "paragraph",
    ]


# Citations


def test_numbers_in_brackets_become_citations_where_a_reference_has_them() -> None:
    (paragraph,) = with_citations(parse_markdown("a [1], [2, 1] and [9] `[1]` [x [1]](https://e.org)"), {1, 2})
    assert isinstance(paragraph, Paragraph)
    assert [node.number for node in walk_inlines((paragraph,)) if isinstance(node, Citation)] == [1, 2, 1]
    assert plain_text(paragraph.children) == "a [1], [2] [1] and [9] [1] x [1]"
    assert isinstance(paragraph.children[-1], Link)


def test_citations_are_found_in_every_block() -> None:
    source = "### h [1]\n\n- i [1]\n\n> q [1]\n\n| t [1] |\n|---|\n| c [1] |\n\nTable: k [1]"
    blocks = with_citations(parse_markdown(source), {1})
    assert len([node for node in walk_inlines(blocks) if isinstance(node, Citation)]) == 6


# The tree


def test_trees_stored_before_these_nodes_still_load() -> None:
    old = {"report_id": "r", "title": "t", "created_at": "2026-01-20T15:30:00Z", "model": "m", "sections": []}
    loaded = Document.model_validate_json(json.dumps(old))
    assert (loaded.footnotes, loaded.references, loaded.keywords) == ((), (), ())


def test_a_document_comes_back_from_its_json() -> None:
    blocks, footnotes = parse_with_footnotes(f"a[^1]\n\n{fenced(CHART)}\n\nFigure: x\n\n[^1]: n")
    made = Document(
        report_id="r", title="t", created_at="2026-01-20T15:30:00Z", model="m", footnotes=footnotes,
        references=(Reference(number=1, title="R"),),
        sections=(Section(id="s", title="S", blocks=with_citations(blocks, {1})),),
    )  # fmt: skip
    assert Document.model_validate_json(made.model_dump_json()) == made


@pytest.mark.parametrize(
    "fields",
    [
        {"footnotes": (Footnote(id="a", children=()), Footnote(id="a", children=()))},
        {"references": (Reference(number=1, title="a"), Reference(number=1, title="b"))},
    ],
)
def test_names_are_unique(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="no two"):
        Document(report_id="r", title="t", created_at="x", model="m", sections=(), **fields)  # type: ignore[arg-type]


def test_a_table_whose_rows_differ_in_length_is_refused() -> None:
    cell = {"children": []}
    with pytest.raises(ValueError, match="as many cells"):
        Table.model_validate({"header": [cell], "alignments": ["left"], "rows": [[cell, cell]]})
