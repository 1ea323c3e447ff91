"""A Document as Markdown that reads well and parses back into the same tree."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Any, Final, Literal, NamedTuple, assert_never
from urllib.parse import quote

from chalicelib.domain.document import (
    Block,
    BlockQuote,
    Chart,
    CodeBlock,
    Document,
    Figure,
    Footnote,
    Heading,
    Inline,
    ListBlock,
    ListItem,
    Paragraph,
    Reference,
    Rule,
    Table,
    TableCell,
)
from chalicelib.rendering.front_matter import front_matter
from chalicelib.rendering.inline_runs import PLAIN, Marks, Run, flatten, is_followed, join_runs, without_breaks
from chalicelib.rendering.numbering import FIGURE_WORDS, footnote_numbers, reference_numbers
from chalicelib.rendering.visible_text import one_line, visible

_MAX_LIST_NUMBER = 999_999_999


def render_markdown(document: Document) -> bytes:
    """Render ``document`` as UTF-8 encoded Markdown.

    The title is the only level 1 heading, each section's title is a level 2 heading,
    notices are block quotes below the facts about the report. References have a section of their
    own, what is said on the report itself follows them, and footnotes stand at the end.
    """
    writer = _Writer(_footnote_labels(footnote_numbers(document)), reference_numbers(document))
    parts = [f"# {_escaped_line(document.title)}"]
    if description := one_line(document.description):
        parts.append(_escaped_line(description))
    facts = [f"- **{label}:** {_escaped_line(value)}" for label, value in front_matter(document)]
    parts.append("\n".join(facts))
    parts.extend(f"> **Note:** {_escaped_line(notice)}" for notice in document.notices)
    for section in document.sections:
        parts.append(f"## {_escaped_line(section.title)}")
        parts.append(writer.blocks(section.blocks))
    if document.references:
        parts.append("## References")
        parts.extend(map(_source, document.references))
    for section in document.closing:
        parts.append(f"## {_escaped_line(section.title)}")
        parts.append(writer.blocks(section.blocks))
    parts.extend(map(writer.footnote, document.footnotes))
    return ("\n\n".join(part for part in parts if part) + "\n").encode()


def blocks_to_markdown(blocks: Sequence[Block], footnotes: Sequence[Footnote] = ()) -> str:
    """Return the Markdown of ``blocks`` and their ``footnotes``, without a line end after the last one."""
    writer = _Writer(_footnote_labels(dict.fromkeys(note.id for note in footnotes)), None)
    return "\n\n".join(filter(None, (writer.blocks(blocks), *map(writer.footnote, footnotes))))


def _source(reference: Reference) -> str:
    detail = one_line(reference.detail)
    runs = [Run(f"[{reference.number}] {one_line(reference.title)}{', ' if detail else ''}{detail}")]
    if reference.href:
        href = one_line(reference.href)
        runs += [Run(" "), Run(href, Marks(href=href if is_followed(href) else ""))]
    return _inline(runs)


class _Writer:
    """Writes blocks; knows the labels of footnotes, and which references there are (None: whatever is cited)."""

    def __init__(self, labels: Mapping[str, str], references: Collection[int] | None) -> None:
        self._labels = labels
        self._references = references

    def blocks(self, blocks: Sequence[Block]) -> str:
        return "\n\n".join(self._chunks(blocks))

    def footnote(self, footnote: Footnote) -> str:
        """Return the definition of a footnote: what follows its first line is indented."""
        lines = self.blocks(footnote.children).split("\n")
        begins_with_text = bool(footnote.children) and isinstance(footnote.children[0], Paragraph)
        # Columns count in all other blocks, and the label would shift their first line.
        first = f" {lines.pop(0)}" if begins_with_text else ""
        indented = [f"    {line}" if line else line for line in lines]
        return "\n".join((f"[^{self._labels[footnote.id]}]:{first}", *indented))

    def _chunks(self, blocks: Sequence[Block], alternate: bool = False) -> list[str]:
        """Return the Markdown of each block; ``alternate`` asks for the other marker if a list comes first."""
        chunks: list[str] = []
        previous: Block | None = None
        for block in blocks:
            if isinstance(previous, ListBlock):
                # Two lists in a row stay two lists only if their markers differ.
                follows = isinstance(block, ListBlock) and previous.ordered == block.ordered
                alternate = follows and not alternate
            chunks.append(self._list(block, alternate) if isinstance(block, ListBlock) else self._block(block))
            previous = block
        return chunks

    def _block(self, block: Block) -> str:
        match block:
            case Paragraph():
                return self._text(block.children)
            case Heading():
                return f"{'#' * block.level} {self._line(block.children)}".rstrip(" ")
            case CodeBlock():
                return _code_block(block.text, block.language)
            case BlockQuote():
                return _prefixed(self.blocks(block.children))
            case Table():
                return self._table(block)
            case Rule():
                return "___"  # dashes or stars could join a list marker before them
            case Chart():
                return _code_block(_chart_json(block), "chart")
            case Figure():
                caption = without_breaks(self._marked(block.caption))
                label = Run(f"{FIGURE_WORDS[block.content.kind]}:{' ' if caption else ''}")
                return f"{self._block(block.content)}\n\n{_inline([label, *caption])}"
            case ListBlock():
                return self._list(block, alternate=False)
            case _:
                assert_never(block)

    def _marked(self, children: tuple[Inline, ...]) -> list[Run]:
        """Return runs with marks that lead somewhere; those that do not are the text that they stand for."""
        return [self._known(run) for run in flatten(children)]

    def _known(self, run: Run) -> Run:
        if run.marks.footnote:
            label = self._labels.get(run.marks.footnote)
            return Run(f"[^{label}]", run.marks) if label else Run(run.text)
        if run.marks.is_source:
            return Run(run.text)
        if run.marks.citation:
            known = self._references is None or run.marks.citation in self._references
            link = f"[\\[{run.marks.citation}\\]](#reference-{run.marks.citation})"
            return Run(link, run.marks) if known else Run(run.text)
        return run

    def _text(self, children: tuple[Inline, ...]) -> str:
        return _inline(self._marked(children))

    def _line(self, children: tuple[Inline, ...]) -> str:
        return _inline(without_breaks(self._marked(children)))

    def _list(self, block: ListBlock, alternate: bool) -> str:
        separator = "\n" if all(_is_single_paragraph(item) for item in block.items) else "\n\n"
        return separator.join(
            # A list that begins an item takes the other bullet: a line like "- - -" would be a rule.
            _item(_marker(block, position, alternate), self._chunks(item.children, not block.ordered and not alternate))
            for position, item in enumerate(block.items)
        )

    def _table(self, table: Table) -> str:
        rules = "| " + " | ".join(_RULES[alignment] for alignment in table.alignments) + " |"
        return "\n".join([self._row(table.header), rules, *map(self._row, table.rows)])

    def _row(self, cells: Sequence[TableCell]) -> str:
        # A row is split at its bars before anything else is read, code included.
        return "| " + " | ".join(self._line(cell.children).replace("|", "\\|") for cell in cells) + " |"


def _footnote_labels(identifiers: Iterable[str]) -> dict[str, str]:
    """Return a label for every footnote: its id where that can be one."""
    listed = list(identifiers)
    labels = {identifier: identifier for identifier in listed if _LABEL.fullmatch(identifier)}
    taken = set(labels)
    for number, identifier in enumerate(listed, start=1):
        if identifier not in labels:
            label = f"note-{number}"
            while label in taken:
                label += "-"
            labels[identifier] = label
            taken.add(label)
    return labels


def _chart_json(chart: Chart) -> str:
    """Return ``chart`` as JSON, one line for each of its parts."""
    fields: dict[str, Any] = {"type": chart.type}
    if title := one_line(chart.title):
        fields["title"] = title
    if unit := one_line(chart.unit):
        fields["unit"] = unit
    fields["labels"] = [one_line(label) for label in chart.labels]
    lines = [f"  {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items()]
    series = ",\n    ".join(
        json.dumps({"name": one_line(s.name), "values": list(map(_shortest, s.values))}, ensure_ascii=False)
        for s in chart.series
    )
    return "\n".join(("{", ",\n".join([*lines, f'  "series": [\n    {series}\n  ]']), "}"))


def _shortest(value: float | None) -> float | int | None:
    return int(value) if value is not None and value.is_integer() else value


def _prefixed(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() if not line else f"> {line}" for line in text.split("\n"))


def _code_block(source: str, info: str) -> str:
    text = visible(source)
    language = re.sub(r"([\\&])", r"\\\1", one_line(info))
    mark = "~" if "`" in language else "`"
    longest = max((len(run) for run in re.findall(f"{mark}+", text)), default=0)
    fence = mark * max(3, longest + 1)
    info = f" {language}" if language.startswith(mark) else language
    return f"{fence}{info}\n{text}\n{fence}" if text else f"{fence}{info}\n{fence}"


def _is_single_paragraph(item: ListItem) -> bool:
    return len(item.children) == 1 and isinstance(item.children[0], Paragraph)


def _marker(block: ListBlock, position: int, alternate: bool) -> str:
    if not block.ordered:
        return "*" if alternate else "-"
    number = min(max(block.start, 0) + position, _MAX_LIST_NUMBER)
    return f"{number}{')' if alternate else '.'}"


def _item(marker: str, chunks: list[str]) -> str:
    indent = " " * (len(marker) + 1)
    first, *rest = "\n\n".join(chunks).split("\n")
    lines = [f"{marker} {first}".rstrip() if not first else f"{marker} {first}"]
    lines.extend(indent + line if line else line for line in rest)
    return "\n".join(lines)


_RULES: Final = {"left": "---", "center": ":---:", "right": "---:"}


def _escaped_line(text: str) -> str:
    return _inline([Run(one_line(text))])


# Inline text is written as pieces: texts and code spans, and the delimiters between
# them. A delimiter opens or closes depending on its neighbours; where they do not suit,
# a neighbour is written as a character reference, whose ampersand and semicolon count
# as punctuation on either side.


class _Piece(NamedTuple):
    kind: Literal["text", "code", "open", "close", "break", "mark"]
    source: str

    @property
    def is_flanking(self) -> bool:
        return self.kind in ("open", "close") and self.source in ("**", "_", "~~")


_BREAK = _Piece("break", "\\\n")
_OPENING: Final = {"href": "[", "bold": "**", "italic": "_", "strike": "~~"}

_SPECIAL = re.compile(r"[\\`*_~\[\]<]|&(?=[#0-9A-Za-z])")
_LINE_START = re.compile(r"[#>=:|-]|\+(?=\s|$)")
_LIST_NUMBER = re.compile(r"(\d{1,9})([.)])", re.ASCII)
_LABEL = re.compile(r"[\w.-]{1,100}")
_PLAIN_DESTINATION = re.compile(r"[^\s()<>\\&]+")


def _inline(runs: Iterable[Run]) -> str:
    """Return the Markdown of ``runs``: one line for each stretch without a break."""
    pieces = _pieces(join_runs(Run(visible(text), marks) for text, marks in runs))
    return "".join(_text(pieces, index) if piece.kind == "text" else piece.source for index, piece in enumerate(pieces))


def _pieces(runs: list[Run]) -> list[_Piece]:
    pieces: list[_Piece] = []
    marks = PLAIN
    for run in runs:
        pieces.extend(_transition(marks, run.marks))
        marks = run.marks
        if marks.line_break:
            pieces.append(_BREAK)
        elif marks.footnote or marks.citation:
            pieces.append(_Piece("mark", run.text))
        else:
            pieces.append(_Piece("code", _code_span(run.text)) if marks.code else _Piece("text", run.text))
    return pieces + _transition(marks, PLAIN)


def _transition(old: Marks, new: Marks) -> list[_Piece]:
    """Close the marks that end, innermost first, and open the ones that begin."""
    names = list(_OPENING)
    while names and getattr(old, names[0]) == getattr(new, names[0]):
        del names[0]
    closed = [_closing(name, old) for name in reversed(names) if getattr(old, name)]
    return closed + [_Piece("open", _OPENING[name]) for name in names if getattr(new, name)]


def _closing(name: str, marks: Marks) -> _Piece:
    return _Piece("close", f"]({_destination(marks.href)})" if name == "href" else _OPENING[name])


def _code_span(text: str) -> str:
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    spaced = text[0] == text[-1] == " " and text.strip(" ")
    pad = " " if spaced or "`" in (text[0], text[-1]) else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _destination(href: str) -> str:
    href = re.sub(r"\s", lambda match: quote(match.group()), visible(href))
    if _PLAIN_DESTINATION.fullmatch(href):
        return href
    return "<" + re.sub(r"[<>\\&]", lambda match: "\\" + match.group(), href) + ">"


def _text(pieces: list[_Piece], index: int) -> str:
    """Escape the text piece at ``index`` so that it reads as its text between its neighbours."""
    text = pieces[index].source
    before, after = _neighbours(pieces, index, -1), _neighbours(pieces, index, 1)
    first = _needs_reference(text[0], before, inside="open")
    last = _needs_reference(text[-1], after, inside="close")
    if len(text) == 1 and (first or last):
        return _reference(text)
    body = text[first : len(text) - last]
    escaped = _SPECIAL.sub(lambda match: "\\" + match.group(), body).replace("\t", "&#9;")
    if not first and _at_line_edge(before):
        escaped = _escaped_line_start(body, escaped)
    closes_heading = escaped.endswith("#") and _at_line_edge(after)
    makes_image = escaped.endswith("!") and (after[:1] == [_Piece("open", "[")] or _is_mark(after))
    if not first and _is_mark(before) and escaped[0] in "(:":
        # A mark and an address would be a link, a mark and a colon the footnote itself.
        escaped = "\\" + escaped
    if not last and (closes_heading or makes_image) and escaped != "\\#":
        escaped = f"{escaped[:-1]}\\{escaped[-1]}"
    return (_reference(text[0]) if first else "") + escaped + (_reference(text[-1]) if last else "")


def _neighbours(pieces: Sequence[_Piece], index: int, step: Literal[-1, 1]) -> list[_Piece]:
    """Return the pieces next to ``index``, outwards to the first that is no delimiter: none beyond it matters."""
    found: list[_Piece] = []
    index += step
    while 0 <= index < len(pieces):
        found.append(pieces[index])
        if not pieces[index].is_flanking:
            break
        index += step
    return found


def _escaped_line_start(text: str, escaped: str) -> str:
    if _LINE_START.match(text):
        return "\\" + escaped
    return _LIST_NUMBER.sub(r"\1\\\2", escaped, count=1) if _LIST_NUMBER.match(text) else escaped


def _reference(character: str) -> str:
    return f"&#{ord(character)};"


def _is_mark(neighbours: Sequence[_Piece]) -> bool:
    return bool(neighbours) and neighbours[0].kind == "mark"


def _at_line_edge(neighbours: Sequence[_Piece]) -> bool:
    return not neighbours or neighbours[0].kind == "break"


def _needs_reference(character: str, neighbours: Sequence[_Piece], inside: str) -> bool:
    """Tell whether ``character``, at the edge of its text, must be written as a reference.

    ``neighbours`` are the pieces from that edge outwards; ``inside`` is the kind of a
    delimiter there that has the text inside its mark.
    """
    if _at_line_edge(neighbours):
        return character.isspace()
    delimiters = list(takewhile(lambda piece: piece.is_flanking, neighbours))
    if not delimiters:
        return False
    touches_inside = any(piece.kind == inside for piece in delimiters)
    if character.isspace():
        return touches_inside
    if not character.isalnum():
        return not character.isascii()  # libraries differ on what else is punctuation
    beyond = neighbours[len(delimiters)] if len(delimiters) < len(neighbours) else _BREAK
    edge = beyond.source[0 if inside == "close" else -1] if beyond.kind == "text" else " "
    works_inside_words = len(delimiters) == 1 and delimiters[0].source != "_" and edge.isalnum()
    return not touches_inside and not works_inside_words
