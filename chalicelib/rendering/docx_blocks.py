"""The blocks of a Document as elements of a Word document."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple, assert_never
from urllib.parse import unquote

from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml.xmlchemy import BaseOxmlElement as Element

from chalicelib.domain.document import (
    Block,
    BlockQuote,
    Chart,
    CodeBlock,
    Document,
    Figure,
    Heading,
    Inline,
    ListBlock,
    ListItem,
    Paragraph,
    Rule,
    Table,
    TableCell,
    Text,
    plain_text,
    walk_blocks,
)
from chalicelib.rendering.anchors import section_anchors, slug
from chalicelib.rendering.docx_styles import BULLETS, INDENT, LEVELS, Lists
from chalicelib.rendering.docx_xml import (
    element,
    field,
    is_right_to_left,
    link_target,
    paragraph,
    run,
    with_relation,
)
from chalicelib.rendering.inline_runs import Marks, Run, flatten
from chalicelib.rendering.numbering import (
    FIGURE_WORDS,
    FigureCounter,
    chart_table,
    footnote_numbers,
    is_table,
    reference_numbers,
)
from chalicelib.rendering.visible_text import one_line

TEXT_WIDTH: Final = 9070
"""Between the margins, in twentieths of a point."""

MOST_COLUMNS: Final = 20
"""Word opens no table with more than 63 columns, and people read none with half as many."""

_SMALL_FROM: Final = 9
_MOST_INDENT: Final = 15 * INDENT
_MOST_NUMBER: Final = 32_767
_CONTENTS_LEVELS: Final = 3
_LOWEST_HEADING: Final = 5
_SAMPLED_ROWS: Final = 200
# Before the anchors of headings, so that no name in a text is one of them.
_HEADING: Final = " heading"


class Entry(NamedTuple):
    """A heading, for the contents."""

    level: int
    text: str
    bookmark: str


class Place(NamedTuple):
    """Where blocks stand: how far in (in twentieths of a point), in which list level, in which style."""

    indent: int = 0
    level: int = 0
    style: str = "Normal"

    def deeper(self, style: str, levels: int = 0) -> Place:
        """Return the place one step further in."""
        return Place(min(self.indent + INDENT, _MOST_INDENT), self.level + levels, style)


class Shared:
    """What the parts of one Word document have in common: numbers, names, and the headings so far."""

    def __init__(self, document: Document, lists: Lists) -> None:
        self.lists = lists
        self.figures = FigureCounter()
        self.notes = footnote_numbers(document)
        self.references = reference_numbers(document)
        self.entries: list[Entry] = []
        self.called: dict[str, str] = {}
        self.cited: dict[int, str] = {}
        self._names: dict[str, str] = {}
        self._marks = 0
        self._targets = _targets(document)
        self._placed: set[str] = set()

    def heading_anchor(self, text: str) -> str:
        """Return the anchor of the next heading: the first with a text is what a link to its slug means."""
        wanted = f"{_HEADING} {slug(text)}"
        anchor = wanted if wanted not in self._placed else f"{wanted} {len(self._placed)}"
        self._placed.add(anchor)
        return anchor

    def target(self, fragment: str) -> str | None:
        """Return the bookmark that a link to ``fragment`` leads to, or None if nothing has that name."""
        anchor = self._targets.get(unquote(fragment))
        return None if anchor is None else self.name(anchor)

    def name(self, anchor: str) -> str:
        """Return the bookmark for ``anchor``: a word processor takes few characters in such names."""
        return self._names.setdefault(anchor, f"_Ref{len(self._names) + 1:06}")

    def bookmark(self, name: str, content: Iterable[Element]) -> list[Element]:
        """Return ``content`` between the ends of a bookmark."""
        self._marks += 1
        number = str(self._marks)
        return [element("bookmarkStart", id=number, name=name), *content, element("bookmarkEnd", id=number)]


def _targets(document: Document) -> dict[str, str]:
    """Return the anchors by the names that links inside the report use: of sections, figures and headings."""
    targets: dict[str, str] = {}
    for block in walk_blocks(block for section in document.sections for block in section.blocks):
        if isinstance(block, Heading) and (name := slug(one_line(plain_text(block.children)))):
            targets.setdefault(name, f"{_HEADING} {name}")
    for block in walk_blocks(block for section in document.sections for block in section.blocks):
        if isinstance(block, Figure):
            targets[block.id] = block.id
    anchors = section_anchors(document.sections)
    return targets | {section.id: anchor for section, anchor in zip(document.sections, anchors, strict=True)}


class PartWriter:
    """Writes blocks into one part of the document: its body, or its footnotes."""

    def __init__(self, part: Any, shared: Shared, *, is_body: bool) -> None:
        self._part = part
        self._shared = shared
        self._is_body = is_body
        self._relations: dict[str, str] = {}
        self._heading_level = 1

    def section_title(self, title: str, anchor: str) -> Element:
        """Return a heading of the first level."""
        self._heading_level = 1
        return self._titled("Heading1", 1, [Run(one_line(title))], anchor)

    def _titled(
        self, style: str, level: int, runs: Sequence[Run], anchor: str, properties: Iterable[Element] = ()
    ) -> Element:
        text = one_line("".join(part.text for part in runs))
        bookmark = self._shared.name(anchor)
        if level <= _CONTENTS_LEVELS and text:
            self._shared.entries.append(Entry(level, text, bookmark))
        content = self._shared.bookmark(bookmark, self.inline(runs))
        return paragraph(style, *content, properties=[*properties, *_direction(text)])

    def blocks(self, blocks: Iterable[Block], place: Place = Place()) -> Iterator[Element]:  # noqa: B008 - immutable
        """Yield the elements of ``blocks``."""
        for block in blocks:
            yield from self._block(block, place)

    def _block(self, block: Block, place: Place) -> Iterator[Element]:
        match block:
            case Paragraph():
                yield self._text(block.children, place)
            case Heading():
                yield self._heading(block, place)
            case CodeBlock():
                yield paragraph("Code", run(block.text), properties=_indented(place))
            case BlockQuote():
                yield from self.blocks(block.children, place.deeper("Quote"))
            case ListBlock():
                yield from self._list(block, place)
            case Table():
                yield from self._table(block.header, block.rows, block.alignments, place)
            case Rule():
                yield paragraph("Rule")
            case Chart():
                yield from self._chart(block, place)
            case Figure():
                yield from self._figure(block, place)
            case _:
                assert_never(block)

    def _text(self, children: tuple[Inline, ...], place: Place, numbering: Sequence[Element] = ()) -> Element:
        properties = [*numbering, *_direction(plain_text(children)), *_indented(place, hanging=bool(numbering))]
        return paragraph(place.style, *self.inline(flatten(children)), properties=properties)

    def _heading(self, block: Heading, place: Place, numbering: Sequence[Element] = ()) -> Element:
        runs = flatten(block.children)
        if not self._is_body:
            bold = [Run(part.text, part.marks._replace(bold=not part.marks.line_break)) for part in runs]
            return paragraph(place.style, *self.inline(bold), properties=[*numbering, *_indented(place)])
        # No level is skipped on the way down, whatever the text had.
        level = min(block.level - 1, self._heading_level + 1, _LOWEST_HEADING)
        self._heading_level = level
        anchor = self._shared.heading_anchor(one_line(plain_text(block.children)))
        return self._titled(f"Heading{level}", level, runs, anchor, numbering)

    # Lists

    def _list(self, block: ListBlock, place: Place) -> Iterator[Element]:
        inside = place.deeper("ListParagraph", levels=1)
        level = min(place.level, LEVELS - 1)
        start = max(block.start, 0)
        literal = block.ordered and start + len(block.items) > _MOST_NUMBER
        number = self._shared.lists.numbered(level, start) if block.ordered and not literal else BULLETS
        for position, item in enumerate(block.items):
            label = run(f"{start + position}.\t") if literal else None
            numbering = [] if literal else [_numbering(level, number)]
            yield from self._item(item, inside, numbering, label)

    def _item(
        self, item: ListItem, place: Place, numbering: Sequence[Element], label: Element | None
    ) -> Iterator[Element]:
        first = item.children[0] if item.children else None
        if isinstance(first, Paragraph):
            opening = self._text(first.children, place, numbering)
        elif isinstance(first, Heading):
            opening = self._heading(first, place, numbering)
        else:
            opening = paragraph(place.style, properties=[*numbering, *_indented(place, hanging=True)])
        if label is not None:
            opening.insert(1, label)
        yield opening
        rest = item.children[1:] if isinstance(first, (Paragraph, Heading)) else item.children
        yield from self.blocks(rest, place)

    # Tables

    def _table(
        self,
        header: Sequence[TableCell],
        rows: Sequence[Sequence[TableCell]],
        alignments: Sequence[str],
        place: Place,
    ) -> Iterator[Element]:
        for first in range(0, len(header), MOST_COLUMNS):
            part = slice(first, first + MOST_COLUMNS)
            yield self._table_part(header[part], [row[part] for row in rows], alignments[part], place)
            yield paragraph("Spacer")

    def _table_part(
        self,
        header: Sequence[TableCell],
        rows: Sequence[Sequence[TableCell]],
        alignments: Sequence[str],
        place: Place,
    ) -> Element:
        widths = _column_widths([header, *rows[:_SAMPLED_ROWS]], TEXT_WIDTH - place.indent)
        columns = [_Column(str(width), alignment) for width, alignment in zip(widths, alignments, strict=True)]
        style = "SmallCell" if len(columns) >= _SMALL_FROM else "Cell"
        table = element(
            "tbl",
            element(
                "tblPr",
                element("tblStyle", val="ReportTable"),
                element("tblW", w=str(sum(widths)), type_="dxa"),
                element("tblInd", w=str(place.indent), type_="dxa"),
                element("tblLayout", type_="fixed"),
                element("tblLook", val="0020", firstRow="1", noVBand="1", noHBand="1"),
            ),
            element("tblGrid", *(element("gridCol", w=column.width) for column in columns)),
        )
        heading = self._row(header, columns, style)
        heading.insert(0, element("trPr", element("cantSplit"), element("tblHeader")))
        table.append(heading)
        table.extend(self._row(row, columns, style) for row in rows)
        return table

    def _row(self, cells: Sequence[TableCell], columns: Sequence[_Column], style: str) -> Element:
        row = element("tr")
        for cell, column in zip(cells, columns, strict=True):
            properties = list(_direction(plain_text(cell.children)))
            if column.alignment != "left":
                # In a paragraph from right to left, "right" is the side where its lines end: the left one.
                end = "left" if properties else "right"
                properties.append(element("jc", val=end if column.alignment == "right" else column.alignment))
            shown = paragraph(style, *self.inline(flatten(cell.children)), properties=properties)
            row.append(element("tc", element("tcPr", element("tcW", w=column.width, type_="dxa")), shown))
        return row

    # Charts and figures

    def _chart(self, chart: Chart, place: Place) -> Iterator[Element]:
        """Yield a chart as the table of what it shows, which every word processor can show and read out."""
        header, rows = chart_table(chart)
        if chart.title:
            title = one_line(chart.title)
            yield paragraph("ChartTitle", run(title), properties=[*_direction(title), *_indented(place)])
        alignments = ["left", *["right"] * len(chart.series)]
        cells = [[_plain_cell(text) for text in row] for row in rows]
        yield from self._table([_plain_cell(text) for text in header], cells, alignments, place)

    def _figure(self, figure: Figure, place: Place) -> Iterator[Element]:
        if is_table(figure):
            yield self._caption(figure, place, above=True)
            yield from self._block(figure.content, place)
        else:
            yield from self._block(figure.content, place)
            yield self._caption(figure, place, above=False)

    def _caption(self, figure: Figure, place: Place, *, above: bool) -> Element:
        word = FIGURE_WORDS[figure.content.kind]
        number = self._shared.figures.label(figure).removeprefix(word).strip()
        label = [run(f"{word} ", _bold()), *field(f"SEQ {word} \\* ARABIC", number, _bold())]
        content = self._shared.bookmark(self._shared.name(figure.id), label)
        caption = flatten(figure.caption)
        if caption:
            content += [run(": ", _bold()), *self.inline(caption)]
        keep = [element("keepNext")] if above else []
        direction = _direction(plain_text(figure.caption))
        return paragraph("Caption", *content, properties=[*keep, *direction, *_indented(place)])

    # Text

    def inline(self, runs: Iterable[Run]) -> list[Element]:
        """Return the elements of inline ``runs``."""
        elements: list[Element] = []
        for href, group in groupby(runs, key=_href):
            inner = [piece for part in group for piece in self._run(part)]
            elements.extend(self._link(href, inner) if href else inner)
        return elements

    def _run(self, part: Run) -> list[Element]:
        marks = part.marks
        if marks.line_break:
            return [element("r", element("br"))]
        if marks.footnote:
            return self._footnote_mark(marks.footnote, part.text)
        if marks.is_source:
            return self._shared.bookmark(self._shared.name(f" reference {marks.citation}"), [run(part.text)])
        if marks.citation:
            return self._citation(marks.citation, part.text)
        return [run(part.text, _properties(marks))]

    def _link(self, href: str, inner: list[Element]) -> list[Element]:
        if href.startswith("#"):
            bookmark = self._shared.target(href[1:])
            return inner if bookmark is None else [element("hyperlink", *inner, anchor=bookmark)]
        target = link_target(href)
        if target is None:
            return [*inner, run(f" ({href})")]
        return [with_relation("hyperlink", self._relation(target), *inner)]

    def _relation(self, target: str) -> str:
        found = self._relations.get(target)
        if found is None:
            found = self._relations[target] = f"rIdLink{len(self._relations) + 1}"
            self._part.rels.add_relationship(RELATIONSHIP_TYPE.HYPERLINK, target, found, is_external=True)
        return found

    def _footnote_mark(self, identifier: str, text: str) -> list[Element]:
        number = self._shared.notes.get(identifier)
        if number is None:
            return [run(text)]
        style = element("rStyle", val="FootnoteReference")
        if self._is_body and identifier not in self._shared.called:
            name = self._shared.called[identifier] = self._shared.name(f" call of {identifier}")
            # Word counts notes itself, in the order of their first marks: that is the order of our numbers.
            note = len(self._shared.called)
            mark = element("r", element("rPr", style), element("footnoteReference", id=str(note)))
            return self._shared.bookmark(name, [mark])
        # A note has one mark of its own, and none inside other notes: this is a link.
        name = self._shared.called.get(identifier) or self._shared.name(f" note {identifier}")
        return [element("hyperlink", run(str(number), [style]), anchor=name)]

    def _citation(self, number: int, text: str) -> list[Element]:
        if number not in self._shared.references:
            return [run(text)]
        link = element("hyperlink", run(text, [_HYPERLINK()]), anchor=self._shared.name(f" reference {number}"))
        if number in self._shared.cited:
            return [link]
        name = self._shared.cited[number] = self._shared.name(f" citation of {number}")
        return self._shared.bookmark(name, [link])


class _Column(NamedTuple):
    width: str
    alignment: str


def _href(part: Run) -> str:
    return part.marks.href


_HYPERLINK: Final[Callable[[], Element]] = lambda: element("rStyle", val="Hyperlink")  # noqa: E731


def _bold() -> list[Element]:
    return [element("b"), element("bCs")]


def _properties(marks: Marks) -> Iterator[Element]:
    """Yield what the marks of a run mean, in the schema's order."""
    if marks.href:
        yield _HYPERLINK()
    elif marks.code:
        yield element("rStyle", val="CodeSpan")
    if marks.href and marks.code:
        yield element("rFonts", ascii="Consolas", hAnsi="Consolas", cs="Consolas")
    if marks.bold:
        yield from _bold()
    if marks.italic:
        yield element("i")
        yield element("iCs")
    if marks.strike:
        yield element("strike")


def _numbering(level: int, number: int) -> Element:
    return element("numPr", element("ilvl", val=str(level)), element("numId", val=str(number)))


def _direction(text: str) -> list[Element]:
    return [element("bidi")] if is_right_to_left(text) else []


def _indented(place: Place, *, hanging: bool = False) -> list[Element]:
    if hanging:
        return [element("ind", left=str(place.indent), hanging=str(INDENT))]
    return [element("ind", left=str(place.indent))] if place.indent else []


def _plain_cell(text: str) -> TableCell:
    return TableCell(children=(Text(text=text),) if text else ())


def _column_widths(rows: Sequence[Sequence[TableCell]], available: int) -> list[int]:
    """Return a width for each column by the length of its texts, so that all of them together are ``available``."""
    columns = len(rows[0])
    weights = [4] * columns
    for row in rows:
        for index, cell in enumerate(row):
            weights[index] = max(weights[index], min(len(plain_text(cell.children)), 40))
    # Half is shared out equally: a short column beside long ones still takes its words.
    total = sum(weights)
    return [int(available * (0.5 / columns + 0.5 * weight / total)) for weight in weights]
