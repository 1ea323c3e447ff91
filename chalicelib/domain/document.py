"""The Document: one tree from which every output format is rendered.

Model output is Markdown; it is parsed once into these nodes. A renderer reads
the nodes and never sees the Markdown. The tree is stored as JSON beside the
artifact, so any format of a finished report can be had without writing it again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal, Self, Union

from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_CHART_LABELS = 200
MAX_CHART_SERIES = 12


class Node(BaseModel):
    """Base of every node: immutable, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Text(Node):
    """A run of plain text. It is never markup, whatever it looks like."""

    kind: Literal["text"] = "text"
    text: str


class CodeSpan(Node):
    """Inline code."""

    kind: Literal["code_span"] = "code_span"
    text: str


class LineBreak(Node):
    """A hard line break inside a paragraph."""

    kind: Literal["line_break"] = "line_break"


class Emphasis(Node):
    """Emphasised (italic) text."""

    kind: Literal["emphasis"] = "emphasis"
    children: tuple[Inline, ...]


class Strong(Node):
    """Strongly emphasised (bold) text."""

    kind: Literal["strong"] = "strong"
    children: tuple[Inline, ...]


class Strikethrough(Node):
    """Struck text."""

    kind: Literal["strikethrough"] = "strikethrough"
    children: tuple[Inline, ...]


class Link(Node):
    """A link. Images become links too, so that no renderer ever fetches a URL.

    ``href`` is one of http, https, mailto or a fragment (``#id``); the parser
    turns every other scheme into plain text.
    """

    kind: Literal["link"] = "link"
    href: str
    children: tuple[Inline, ...]


class FootnoteMark(Node):
    """Where a footnote is called; ``id`` names one of the document's footnotes.

    A mark whose footnote is not there is shown as the text ``[^id]``.
    """

    kind: Literal["footnote_mark"] = "footnote_mark"
    id: Annotated[str, Field(min_length=1)]


class Citation(Node):
    """A reference cited: ``[number]``, linked to the document's reference of that number if there is one.

    With ``is_source`` it is itself the place that citations of this number lead to: the text beside it is the
    source, as in a table of sources, and the list of references need not repeat it.
    """

    kind: Literal["citation"] = "citation"
    number: Annotated[int, Field(ge=1)]
    is_source: bool = False


Inline = Annotated[
    Union[Text, CodeSpan, LineBreak, Emphasis, Strong, Strikethrough, Link, FootnoteMark, Citation],
    Field(discriminator="kind"),
]


class Heading(Node):
    """A heading inside a section, level 3 to 6 (1 is the title, 2 the section)."""

    kind: Literal["heading"] = "heading"
    level: Annotated[int, Field(ge=3, le=6)]
    children: tuple[Inline, ...]


class Paragraph(Node):
    """A paragraph of inline nodes."""

    kind: Literal["paragraph"] = "paragraph"
    children: tuple[Inline, ...]


class CodeBlock(Node):
    """A block of code; white space and line ends are kept as they are."""

    kind: Literal["code_block"] = "code_block"
    text: str
    language: str = ""


class BlockQuote(Node):
    """A quotation holding blocks."""

    kind: Literal["block_quote"] = "block_quote"
    children: tuple[Block, ...]


class ListItem(Node):
    """One item of a list, holding blocks."""

    children: tuple[Block, ...]


class ListBlock(Node):
    """A bulleted or numbered list; ``start`` is the first number of a numbered one."""

    kind: Literal["list"] = "list"
    ordered: bool
    start: int = 1
    items: tuple[ListItem, ...]


class TableCell(Node):
    """One cell of a table."""

    children: tuple[Inline, ...]


Alignment = Literal["left", "center", "right"]


class Table(Node):
    """A table: every row has as many cells as ``header``."""

    kind: Literal["table"] = "table"
    header: tuple[TableCell, ...]
    alignments: tuple[Alignment, ...]
    rows: tuple[tuple[TableCell, ...], ...]

    @model_validator(mode="after")
    def _is_a_grid(self) -> Self:
        columns = len(self.header)
        if not columns or len(self.alignments) != columns or any(len(row) != columns for row in self.rows):
            raise ValueError("every row of a table has as many cells as its header, and that has at least one")
        return self


class Rule(Node):
    """A thematic break."""

    kind: Literal["rule"] = "rule"


class Series(Node):
    """A row of numbers in a chart, one for each label; ``None`` is a gap."""

    name: str = ""
    values: tuple[float | None, ...]


ChartType = Literal["bar", "stacked_bar", "line", "donut"]


class Chart(Node):
    """Numbers shown as a picture. In Markdown: a fence with the info string ``chart`` that holds this as JSON.

    ``unit`` is what every number counts, for instance ``%`` or ``million EUR``. A donut has one
    series of shares, none negative; the numbers of stacked bars are not negative either.
    """

    kind: Literal["chart"] = "chart"
    type: ChartType
    title: str = ""
    labels: Annotated[tuple[str, ...], Field(min_length=1, max_length=MAX_CHART_LABELS)]
    series: Annotated[tuple[Series, ...], Field(min_length=1, max_length=MAX_CHART_SERIES)]
    unit: str = ""

    @model_validator(mode="after")
    def _can_be_drawn(self) -> Self:
        values = [value for series in self.series for value in series.values if value is not None]
        if any(len(series.values) != len(self.labels) for series in self.series):
            raise ValueError("every series of a chart has one value for each label")
        if not all(math.isfinite(value) and abs(value) <= 1e15 for value in values):
            raise ValueError("the values of a chart are finite, and at most 1e15")
        if not values:
            raise ValueError("a chart has at least one value")
        if self.type in ("donut", "stacked_bar") and min(values) < 0:
            raise ValueError("shares and stacked bars are not negative")
        if self.type == "donut" and (len(self.series) != 1 or sum(values) <= 0):
            raise ValueError("a donut has one series whose sum is greater than zero")
        return self


class Figure(Node):
    """A chart, table or listing with a caption and a number.

    In Markdown: the content, and right after it a paragraph that begins with ``Figure:``,
    ``Table:`` or ``Listing:`` (the word for the kind of content). Numbers are given by the
    renderers, per kind, in reading order; ``id`` is what ``#id`` links to.
    """

    kind: Literal["figure"] = "figure"
    id: str
    caption: tuple[Inline, ...]
    content: Annotated[Chart | Table | CodeBlock, Field(discriminator="kind")]


Block = Annotated[
    Union[Heading, Paragraph, CodeBlock, BlockQuote, ListBlock, Table, Rule, Chart, Figure],
    Field(discriminator="kind"),
]


class Section(Node):
    """A titled part of the report.

    ``degraded`` marks a section that could not be written and says so in its text.
    """

    id: str
    title: str
    blocks: tuple[Block, ...]
    degraded: bool = False


class Footnote(Node):
    """A note at the foot of the page; ``id`` is what marks name."""

    id: Annotated[str, Field(min_length=1)]
    children: tuple[Block, ...]


class Reference(Node):
    """A source: cited by ``number``; ``href`` is http, https or empty; ``detail`` names page, publisher or date."""

    number: Annotated[int, Field(ge=1)]
    title: str
    href: str = ""
    detail: str = ""


class Document(Node):
    """A finished report, ready to be rendered.

    ``title`` and ``description`` are the user's own words and never changed.
    ``created_at`` is UTC, ISO 8601 with ``Z``. ``language`` is a BCP 47 tag.
    ``notices`` are plain sentences the reader must see (for instance that a
    small model wrote the text, or that a section is missing).
    ``closing`` are sections on the report itself; they stand behind the references.
    ``author``, ``subject`` and ``keywords`` are for the file's own information; an empty
    author is the model, an empty subject the description. A reader sees the author, too.
    """

    report_id: str
    title: str
    description: str = ""
    template_name: str = ""
    style: str = ""
    language: str = "en"
    created_at: str
    model: str
    notices: tuple[str, ...] = ()
    sections: tuple[Section, ...]
    author: str = ""
    subject: str = ""
    keywords: tuple[str, ...] = ()
    footnotes: tuple[Footnote, ...] = ()
    references: tuple[Reference, ...] = ()
    closing: tuple[Section, ...] = ()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        if len({note.id for note in self.footnotes}) < len(self.footnotes):
            raise ValueError("no two footnotes have the same id")
        if len({reference.number for reference in self.references}) < len(self.references):
            raise ValueError("no two references have the same number")
        return self


def plain_text(nodes: tuple[Inline, ...]) -> str:
    """Return the text of inline nodes without any markup; footnote marks have none."""
    parts: list[str] = []
    for node in nodes:
        if isinstance(node, (Text, CodeSpan)):
            parts.append(node.text)
        elif isinstance(node, LineBreak):
            parts.append("\n")
        elif isinstance(node, Citation):
            parts.append(f"[{node.number}]")
        elif not isinstance(node, FootnoteMark):
            parts.append(plain_text(node.children))
    return "".join(parts)


def block_texts(blocks: tuple[Block, ...]) -> list[str]:
    """Return the text of every leaf block, in reading order; charts give title, names and labels."""
    texts: list[str] = []
    for block in blocks:
        if isinstance(block, (Heading, Paragraph)):
            texts.append(plain_text(block.children))
        elif isinstance(block, CodeBlock):
            texts.append(block.text)
        elif isinstance(block, BlockQuote):
            texts.extend(block_texts(block.children))
        elif isinstance(block, ListBlock):
            for item in block.items:
                texts.extend(block_texts(item.children))
        elif isinstance(block, Table):
            for row in (block.header, *block.rows):
                texts.extend(plain_text(cell.children) for cell in row)
        elif isinstance(block, Chart):
            texts.extend(text for text in (block.title, block.unit, *block.labels) if text)
            texts.extend(series.name for series in block.series if series.name)
        elif isinstance(block, Figure):
            texts.extend(block_texts((block.content,)))
            texts.append(plain_text(block.caption))
    return texts


def walk_blocks(blocks: Iterable[Block]) -> Iterator[Block]:
    """Yield ``blocks`` and every block inside them, in reading order."""
    for block in blocks:
        yield block
        if isinstance(block, BlockQuote):
            yield from walk_blocks(block.children)
        elif isinstance(block, ListBlock):
            for item in block.items:
                yield from walk_blocks(item.children)
        elif isinstance(block, Figure):
            yield block.content


def walk_inlines(blocks: Iterable[Block]) -> Iterator[Inline]:
    """Yield every inline node of ``blocks`` and inside them, in reading order."""
    for block in walk_blocks(blocks):
        if isinstance(block, (Heading, Paragraph)):
            yield from _inlines(block.children)
        elif isinstance(block, Table):
            for row in (block.header, *block.rows):
                for cell in row:
                    yield from _inlines(cell.children)
        elif isinstance(block, Figure):
            yield from _inlines(block.caption)


def _inlines(nodes: tuple[Inline, ...]) -> Iterator[Inline]:
    for node in nodes:
        yield node
        if isinstance(node, (Emphasis, Strong, Strikethrough, Link)):
            yield from _inlines(node.children)


def word_count(document: Document) -> int:
    """Count the words of the sections: titles and all text, white-space separated."""
    total = 0
    for section in document.sections:
        for text in (section.title, *block_texts(section.blocks)):
            total += len(text.split())
    return total
