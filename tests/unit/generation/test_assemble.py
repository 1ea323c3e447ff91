"""Written pieces become sections, and what each piece numbered for itself stays apart."""

from __future__ import annotations

from chalicelib.domain.document import BlockQuote, FootnoteMark, Paragraph, Text, block_texts, walk_inlines
from chalicelib.generation.assemble import Assembled, WrittenSection, assemble_sections
from chalicelib.generation.outline import Part, PlannedSection
from chalicelib.generation.writer import Piece


def assembled(*texts: str) -> Assembled:
    plan = PlannedSection("Costs", tuple(Part(f"Part {n}", "", 100) for n in range(len(texts))))
    return assemble_sections(Piece("In short[^1].\n\n[^1]: Summary's."), [WrittenSection(plan, [*map(Piece, texts)])])


def test_each_piece_has_footnotes_of_its_own() -> None:
    made = assembled("a[^1]\n\n[^1]: First.", "b[^1]\n\n[^1]: Second.")
    marks = [
        node.id for section in made.sections for node in walk_inlines(section.blocks) if isinstance(node, FootnoteMark)
    ]
    assert marks == [note.id for note in made.footnotes]
    assert len(set(marks)) == 3
    assert [text for note in made.footnotes for text in block_texts(note.children)] == [
        "Summary's.",
        "First.",
        "Second.",
    ]


def test_a_chart_in_a_piece_is_a_chart_in_the_document() -> None:
    made = assembled('```chart\n{"type": "bar", "labels": ["a"], "series": [{"values": [1]}]}\n```')
    assert [block.kind for block in made.sections[1].blocks] == ["chart"]


def test_where_quotes_of_sources_are_indented_nothing_is_that_a_model_wrote() -> None:
    quotes = BlockQuote(children=(Paragraph(children=(Text(text="Bees eat. [7]"),)),))
    own = Piece("> “Bees fly.” [7]\n\n- a\n\n  > > b[^1]\n\n[^1]: c\n\n    > d")
    plan = PlannedSection("Costs", (Part("Part", "", 100),))
    made = assemble_sections(own, [WrittenSection(plan, [own], quotes=quotes), WrittenSection(plan, [own])], [7])
    dumped = made.sections[1].model_dump_json()
    assert dumped.count('"block_quote"') == 1
    assert [list(block_texts(section.blocks))[:2] for section in made.sections[:2]] == [
        ["“Bees fly.” [1]", "a"],
        ["Bees eat. [1]", "“Bees fly.” [1]"],
    ]
    others = (made.sections[0], made.sections[2], *made.footnotes)
    assert not any('"block_quote"' in one.model_dump_json() for one in others)
    assert '"block_quote"' in assemble_sections(own, []).sections[0].model_dump_json()
