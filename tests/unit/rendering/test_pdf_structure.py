"""A PDF says what each of its texts is, and keeps the rules of PDF/UA-1 and PDF/A-2u that we check."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from chalicelib.domain.document import Document, Reference
from chalicelib.rendering.citations import with_citations
from chalicelib.rendering.parse_markdown import parse_with_footnotes
from chalicelib.rendering.render_pdf import render_pdf
from tests.unit.rendering.document_strategies import DOCUMENTS
from tests.unit.rendering.pdf_conformance import Node, structure, violations
from tests.unit.rendering.samples import RICH_MARKDOWN, document, pdf_reader

CHART = """```chart
{"type": "bar", "title": "Sales", "unit": "EUR", "labels": ["North", "South"],
 "series": [{"name": "2025", "values": [12.5, 7]}]}
```"""


def everything() -> Document:
    """Return a document with every kind of block and inline node."""
    figure = f"{CHART}\n\nFigure: Sales by region."
    parsed = parse_with_footnotes(f"{RICH_MARKDOWN}\n\nA claim[^1] with a source [1].\n\n{figure}\n\n[^1]: The note.")
    made = document("x", "More.", author="An author", keywords=("a", "b"), description="About it")
    section = made.sections[0].model_copy(update={"blocks": with_citations(parsed.blocks, {1})})
    return made.model_copy(
        update={
            "sections": (section, made.sections[1]),
            "footnotes": parsed.footnotes,
            "references": (Reference(number=1, title="A source", href="https://example.org/s", detail="p. 3"),),
        }
    )


@pytest.fixture(scope="module")
def content() -> bytes:
    return render_pdf(everything()).content


@pytest.fixture(scope="module")
def tree(content: bytes) -> Node:
    return structure(content)


def elements(tree: Node, role: str) -> list[Node]:
    return [node for node in tree.walk() if node.role == role]


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_no_rule_is_broken(content: bytes) -> None:
    assert violations(content) == []


def test_headings_have_levels_without_gaps(tree: Node) -> None:
    found = [(n.role, n.all_text()) for n in tree.walk() if re.fullmatch("H[1-6]", n.role)]
    assert [role for role, _ in found] == ["H1", "H2", "H3", "H2", "H2"]
    assert [squeezed(text) for _, text in found] == ["Atitle", "Part1", "Findings", "Part2", "References"]


def test_the_headings_of_an_untitled_section_take_its_place() -> None:
    made = document("### Inside", "x")
    sections = (made.sections[0].model_copy(update={"title": " "}), made.sections[1])
    content = render_pdf(made.model_copy(update={"sections": sections})).content
    assert violations(content) == []
    assert [entry.title for entry in pdf_reader(content).outline] == ["Inside", "Part 2"]  # type: ignore[union-attr]


def test_tables_have_header_cells_and_data_cells(tree: Node) -> None:
    table = elements(tree, "Table")[0]
    assert [[cell.role for cell in row.kids] for row in table.kids] == [["TH"] * 3, ["TD"] * 3, ["TD"] * 3]
    assert squeezed(table.kids[1].kids[1].all_text()) == "12,345"


def test_lists_nest_inside_their_items(tree: Node) -> None:
    outer = next(n for n in elements(tree, "L") if "Firstitem" in squeezed(n.all_text()))
    assert len(outer.kids) == 3
    assert [kid.role for kid in outer.kids[0].kids] == ["Lbl", "LBody"]
    assert len(elements(outer.kids[1].kids[1], "L")) == 1


def test_a_chart_is_a_figure_that_tells_its_numbers(tree: Node) -> None:
    (figure,) = elements(tree, "Figure")
    assert figure.alt == "Bar chart: Sales, in EUR. North: 12.5; South: 7."
    assert squeezed(elements(tree, "Caption")[0].all_text()) == "Figure1.Salesbyregion."


def test_a_note_stands_in_the_structure_where_it_is_marked(tree: Node) -> None:
    (paragraph,) = [n for n in elements(tree, "P") if "Aclaim" in squeezed(n.all_text())]
    (note,) = elements(paragraph, "Note")
    assert "Thenote." in squeezed(note.all_text())


def test_the_front_is_read_before_the_sections(tree: Node) -> None:
    text = squeezed(tree.all_text())
    places = [text.index(part) for part in ("Atitle", "Contents", "Salesgrewfrom", "More.", "Asource")]
    assert places == sorted(places)


def test_a_table_over_many_pages_has_one_header_row() -> None:
    rows = "".join(f"| {n} | b |\n" for n in range(200))
    tree = structure(render_pdf(document(f"| A | B |\n|---|---|\n{rows}")).content)
    (table,) = elements(tree, "Table")
    assert len(table.kids) == 201
    assert len(elements(table, "TH")) == 2


def test_a_repeated_header_has_no_links_of_its_own() -> None:
    rows = "".join(f"| {n} |\n" for n in range(200))
    content = render_pdf(document(f"| [A](https://example.org) |\n|---|\n{rows}")).content
    assert violations(content) == []
    assert sum(len(page.get("/Annots", [])) for page in pdf_reader(content).pages) == 1


def test_running_headers_and_page_numbers_are_decoration(tree: Node) -> None:
    text = squeezed(tree.all_text())
    assert text.count("20January2026") == 1  # among the facts, not at the foot of pages
    assert not re.search(r"page\d+of", text)


@pytest.mark.parametrize("language", ["de", "pt-BR"])
def test_the_language_is_said(language: str) -> None:
    reader = pdf_reader(render_pdf(document("x", language=language)).content)
    assert reader.trailer["/Root"]["/Lang"] == language  # type: ignore[index]


@settings(
    max_examples=15,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
)
@given(DOCUMENTS)
def test_no_document_breaks_a_rule(written: Document) -> None:
    assert violations(render_pdf(written).content) == []
