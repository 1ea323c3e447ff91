"""The Document: one tree from which every output format is rendered.

Model output is Markdown; it is parsed once into these nodes. A renderer reads
the nodes and never sees the Markdown. The tree is stored as JSON beside the
artifact, so any format of a finished report can be had without writing it again.
"""

from __future__ import annotations

from typing import Annotated, Literal, Union

from pydantic import BaseModel, ConfigDict, Field


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


Inline = Annotated[
    Union[Text, CodeSpan, LineBreak, Emphasis, Strong, Strikethrough, Link],
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


class Rule(Node):
    """A thematic break."""

    kind: Literal["rule"] = "rule"


Block = Annotated[
    Union[Heading, Paragraph, CodeBlock, BlockQuote, ListBlock, Table, Rule],
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


class Document(Node):
    """A finished report, ready to be rendered.

    ``title`` and ``description`` are the user's own words and never changed.
    ``created_at`` is UTC, ISO 8601 with ``Z``. ``language`` is a BCP 47 tag.
    ``notices`` are plain sentences the reader must see (for instance that a
    small model wrote the text, or that a section is missing).
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


def plain_text(nodes: tuple[Inline, ...]) -> str:
    """Return the text of inline nodes without any markup."""
    parts: list[str] = []
    for node in nodes:
        if isinstance(node, (Text, CodeSpan)):
            parts.append(node.text)
        elif isinstance(node, LineBreak):
            parts.append("\n")
        else:
            parts.append(plain_text(node.children))
    return "".join(parts)


def block_texts(blocks: tuple[Block, ...]) -> list[str]:
    """Return the text of every leaf block, in reading order."""
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
    return texts


def word_count(document: Document) -> int:
    """Count the words of the sections: titles and all text, white-space separated."""
    total = 0
    for section in document.sections:
        for text in (section.title, *block_texts(section.blocks)):
            total += len(text.split())
    return total
