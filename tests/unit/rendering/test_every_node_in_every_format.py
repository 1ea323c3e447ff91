"""Every renderer knows every node: each kind leaves its text in each format."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from chalicelib.domain.document import (
    Block,
    BlockQuote,
    Chart,
    Citation,
    CodeBlock,
    CodeSpan,
    Document,
    Emphasis,
    Figure,
    Footnote,
    FootnoteMark,
    Heading,
    Inline,
    LineBreak,
    Link,
    ListBlock,
    ListItem,
    Node,
    Paragraph,
    Reference,
    Rule,
    Section,
    Series,
    Strikethrough,
    Strong,
    Table,
    TableCell,
    Text,
)
from chalicelib.domain.output_format import OUTPUT_FORMATS, OutputFormat
from chalicelib.rendering.render import render
from tests.unit.rendering.format_texts import TEXT_OF, squeezed
from tests.unit.rendering.samples import document

SHOWN = (Text(text="shown"),)
CELLS = (TableCell(children=SHOWN), TableCell(children=()))
CHART = Chart(type="bar", title="shown", labels=("one", "two"), series=(Series(name="s", values=(1, None)),))

# Each kind of node, in a block that has the word "shown" only by it.
INLINES: dict[type[Node], Any] = {
    Text: SHOWN[0],
    CodeSpan: CodeSpan(text="shown"),
    LineBreak: LineBreak(),
    Emphasis: Emphasis(children=SHOWN),
    Strong: Strong(children=SHOWN),
    Strikethrough: Strikethrough(children=SHOWN),
    Link: Link(href="https://example.org/", children=SHOWN),
    FootnoteMark: FootnoteMark(id="note"),
    Citation: Citation(number=1),
}
BLOCKS: dict[type[Node], Any] = {
    Heading: Heading(level=4, children=SHOWN),
    Paragraph: Paragraph(children=SHOWN),
    CodeBlock: CodeBlock(text="shown", language="python"),
    BlockQuote: BlockQuote(children=(Paragraph(children=SHOWN),)),
    ListBlock: ListBlock(ordered=True, start=3, items=(ListItem(children=(Paragraph(children=SHOWN),)),)),
    Table: Table(header=CELLS, alignments=("left", "right"), rows=(CELLS,)),
    Rule: Rule(),
    Chart: CHART,
    Figure: Figure(id="figure-1", caption=SHOWN, content=CHART),
}
SILENT = {LineBreak, Rule}
PLACES = ("section", "quotation", "list", "footnote")


def placed(block: Any, place: str) -> Document:
    """Return a document that has ``block`` in that place."""
    note = Footnote(id="note", children=(Paragraph(children=SHOWN),))
    around = Footnote(id="place", children=(block,) if place == "footnote" else (Paragraph(children=()),))
    inside: dict[str, Any] = {
        "section": block,
        "quotation": BlockQuote(children=(block,)),
        "list": ListBlock(ordered=False, items=(ListItem(children=(block,)),)),
        "footnote": Paragraph(children=(Text(text="x"), FootnoteMark(id="place"))),
    }
    return document(
        sections=(Section(id="s", title="S", blocks=(inside[place],)),),
        footnotes=(note, around),
        references=(Reference(number=1, title="shown", href="https://example.org/"),),
    )


def members(union: Any) -> set[type[Node]]:
    return set(get_args(get_args(union)[0]))


def test_no_kind_is_forgotten_here() -> None:
    assert set(INLINES) == members(Inline)
    assert set(BLOCKS) == members(Block)


@pytest.mark.parametrize("output_format", OUTPUT_FORMATS)
@pytest.mark.parametrize("kind", [*INLINES, *BLOCKS])
@pytest.mark.parametrize("place", PLACES)
def test_it_leaves_its_text(kind: type[Node], place: str, output_format: OutputFormat) -> None:
    block = BLOCKS[kind] if kind in BLOCKS else Paragraph(children=(Text(text="before "), INLINES[kind]))
    content = render(placed(block, place), output_format).content
    text = squeezed(TEXT_OF[output_format](content))
    assert "shown" in text or kind in SILENT
    assert "before" in text or kind in BLOCKS
