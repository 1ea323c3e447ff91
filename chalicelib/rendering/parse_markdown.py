"""Markdown (CommonMark, tables, strikethrough, footnotes, charts, captions) into the blocks of a Document.

Nothing a reader could see in the source gets lost: raw HTML, links to schemes we
do not follow, cells beyond a table's last column, definitions of links and footnotes
nobody uses, charts that are not sound and nesting beyond the limit all stay as text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.common.utils import unescapeAll
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock, blockquote, list_block, table
from markdown_it.rules_block.table import escapedSplit, getLine
from markdown_it.rules_inline import StateInline, image
from markdown_it.token import Token
from mdit_py_plugins.footnote.index import footnote_def
from pydantic import ValidationError

from chalicelib.domain.document import (
    Alignment,
    Block,
    BlockQuote,
    Chart,
    CodeBlock,
    Figure,
    Footnote,
    Heading,
    Inline,
    ListBlock,
    ListItem,
    Paragraph,
    Rule,
    Table,
    TableCell,
    Text,
)
from chalicelib.rendering.inline_runs import (
    BREAK,
    PLAIN,
    Marks,
    Run,
    assemble,
    flatten,
    footnote_run,
    is_followed,
    join_runs,
    without_breaks,
)
from chalicelib.rendering.numbering import FIGURE_WORDS
from chalicelib.rendering.visible_text import one_line, visible

MAX_DEPTH = 20
"""Levels of quotes (1 each) and lists (2 each: list and item); deeper markers stay text."""

_MAX_IMAGE_DEPTH = 4
_MAX_IMAGE_FAILURES = 50
# markdown-it's own limit: for blocks it drops what is deeper, so ours must bite first;
# for inline text it bounds the recursion.
_PARSER_NESTING = 3 * MAX_DEPTH
_TOP_LEVEL = 3
_BOTTOM_LEVEL = 6
_MAX_LIST_START = 999_999_999
_FOOTNOTE_MARK = re.compile(r"\[\^([^\s\[\]]{1,100})\]")
_FOOTNOTE_DEFINITION = re.compile(_FOOTNOTE_MARK.pattern + ":")
# A link as a citation is written: "[3]" that leads to the third reference.
_CITATION = re.compile(r"\[([1-9][0-9]{0,8})\]\(#reference-\1\)")


class Parsed(NamedTuple):
    """Blocks and the footnotes that they mark."""

    blocks: tuple[Block, ...]
    footnotes: tuple[Footnote, ...]


def parse_markdown(source: str) -> tuple[Block, ...]:
    """Parse ``source`` into blocks; footnotes are what CommonMark makes of them: links or text.

    Headings start at level 3: if the highest one in ``source`` is above that, all
    move down together, and none goes below level 6.
    """
    return tuple(_BlockReader(_parser().parse(visible(source))).blocks())


def parse_with_footnotes(source: str, prefix: str = "") -> Parsed:
    """Parse ``source`` as :func:`parse_markdown` does, with ``[^label]`` as footnotes.

    ``prefix`` is put before the ids of footnotes and figures, so that texts that become one
    document do not share any.
    """
    reader = _BlockReader(_parser(footnotes=True).parse(visible(source)), prefix)
    blocks = tuple(reader.blocks())
    return Parsed(blocks, tuple(reader.footnotes))


class _Parser(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802 - overrides the library's name
        """Accept every target: which ones become links is decided when the tree is built."""
        return True


@cache
def _parser(footnotes: bool = False) -> MarkdownIt:
    options = {"html": False, "maxNesting": _PARSER_NESTING, "inline_definitions": True}
    parser = _Parser("commonmark", options)
    parser.enable(["table", "strikethrough"])
    interrupts: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote"]}
    parser.block.ruler.at("blockquote", _bounded_blockquote, interrupts)
    parser.block.ruler.at("list", _bounded_list, interrupts)
    parser.block.ruler.at("table", _table_with_every_cell, {"alt": ["paragraph", "reference"]})
    parser.inline.ruler.at("image", _bounded_image)
    if footnotes:
        parser.block.ruler.before("reference", "footnote", _footnote, {"alt": ["paragraph", "reference"]})
        parser.inline.ruler.before("link", "footnote", _footnote_mark)
    return parser


def _footnote(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse the definition of a footnote whose label is not taken."""
    line = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
    found = _FOOTNOTE_DEFINITION.match(line)
    defined: set[str] = state.env.setdefault("footnote_labels", set())
    if not found or found[1] in defined or state.level >= MAX_DEPTH:
        return False
    if not footnote_def(state, start, end, silent):
        return False
    if not silent:
        defined.add(found[1])
    return True


def _footnote_mark(state: StateInline, silent: bool) -> bool:
    """Parse a mark whose footnote is defined."""
    found = _FOOTNOTE_MARK.match(state.src, state.pos, state.posMax)
    if not found or found[1] not in state.env.get("footnote_labels", ()):
        return False
    if not silent:
        state.push("footnote_ref", "", 0).meta = {"label": found[1]}
    state.pos = found.end()
    return True


def _bounded_blockquote(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    return state.level < MAX_DEPTH and blockquote(state, start, end, silent)


def _bounded_list(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    return state.level < MAX_DEPTH and list_block(state, start, end, silent)


def _bounded_image(state: StateInline, silent: bool) -> bool:
    """Parse an image whose description may hold images, in bounded depth and time.

    Each ``![`` that never closes makes the rule read to the end of the text, so
    after some of those the rest of that text is not searched for images any more.
    """
    failures: Counter[str] = state.env.setdefault("image_failures", Counter())
    depth: int = state.env.get("image_depth", 0)
    if depth >= _MAX_IMAGE_DEPTH or failures[state.src] >= _MAX_IMAGE_FAILURES:
        return False
    state.env["image_depth"] = depth + 1
    try:
        found = image(state, silent)
    finally:
        state.env["image_depth"] = depth
    if not found and state.src.startswith("![", state.pos):
        failures[state.src] += 1
    return found


def _table_with_every_cell(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse a table and keep cells beyond its last column, which GFM drops, in that column."""
    first = len(state.tokens)
    if not table(state, start, end, silent):
        return False
    columns = sum(token.type == "th_open" for token in state.tokens[first:])
    last_cell: Token | None = None
    line = start
    for token in state.tokens[first:]:
        if token.type == "tr_open" and token.map:
            line = token.map[0]
        elif token.type == "inline":
            last_cell = token
        elif token.type == "tr_close" and last_cell is not None:
            surplus = _row_cells(getLine(state, line))[columns:]
            last_cell.content = " | ".join((last_cell.content, *surplus))
    return True


def _row_cells(line: str) -> list[str]:
    cells = escapedSplit(line.strip(" \t"))
    if cells and not cells[0]:
        cells = cells[1:]
    if cells and not cells[-1]:
        cells = cells[:-1]
    return [cell.strip(" \t") for cell in cells]


class _BlockReader:
    """Reads markdown-it's flat tokens into nested blocks, and the marked footnotes on the way."""

    def __init__(self, tokens: list[Token], prefix: str = "") -> None:
        self._tokens = iter(tokens)
        self._prefix = prefix
        self.footnotes: list[Footnote] = []
        self._marked = set(_marked_footnotes(tokens))
        self._figures: Counter[str] = Counter()
        self._linked = {
            str(child.attrs.get("href") or child.attrs.get("src"))
            for token in tokens
            for child in token.children or ()
            if child.type in ("link_open", "image")
        }
        highest = min((int(token.tag[1]) for token in tokens if token.type == "heading_open"), default=_TOP_LEVEL)
        self._heading_shift = max(0, _TOP_LEVEL - highest)

    def blocks(self, until: str = "") -> Iterator[Block]:
        """Yield the blocks up to the token ``until``; content and the caption after it are one."""
        content: Block | None = None
        for block in self._plain_blocks(until):
            figure = self._figure(content, block)
            if figure:
                yield figure
                content = None
                continue
            if content:
                yield content
            content = block
        if content:
            yield content

    def _plain_blocks(self, until: str) -> Iterator[Block]:
        for token in self._tokens:
            if token.type == until:
                return
            if token.type == "footnote_reference_open":
                yield from self._footnote(str(token.meta["label"]))
                continue
            block = self._block(token)
            if block is not None:
                yield block

    def _footnote(self, label: str) -> Iterator[Block]:
        """Keep a marked footnote; yield one that nobody marks, for it would be lost."""
        children = tuple(self.blocks("footnote_reference_close"))
        if label in self._marked:
            self.footnotes.append(Footnote(id=self._prefix + label, children=children))
            return
        shown = Run(f"[^{label}]: ")
        if children and isinstance(children[0], Paragraph):
            yield Paragraph(children=assemble([shown, *flatten(children[0].children)]))
            yield from children[1:]
        else:
            yield Paragraph(children=(Text(text=shown.text.rstrip()),))
            yield from children

    def _figure(self, content: Block | None, caption: Block) -> Figure | None:
        """Return ``content`` with its caption, if ``caption`` is one for that kind of content."""
        if not isinstance(content, Chart | Table | CodeBlock) or not isinstance(caption, Paragraph):
            return None
        word = FIGURE_WORDS[content.kind]
        first, *rest = without_breaks(flatten(caption.children))
        if first.marks != PLAIN or not first.text.startswith(f"{word}:"):
            return None
        text = first.text.removeprefix(f"{word}:").lstrip()
        self._figures[word] += 1
        identifier = f"{self._prefix}{word.lower()}-{self._figures[word]}"
        return Figure(id=identifier, caption=assemble([Run(text), *rest]), content=content)

    def _block(self, token: Token) -> Block | None:
        match token.type:
            case "paragraph_open":
                return _paragraph(self._runs("paragraph_close"))
            case "heading_open":
                return self._heading(token)
            case "fence" | "code_block":
                text = token.content.removesuffix("\n")
                language = one_line(unescapeAll(token.info))
                return (_chart(text) if language == "chart" else None) or CodeBlock(text=text, language=language)
            case "blockquote_open":
                return BlockQuote(children=tuple(self.blocks("blockquote_close")))
            case "bullet_list_open":
                return ListBlock(ordered=False, items=tuple(self._items("bullet_list_close")))
            case "ordered_list_open":
                start = min(int(token.attrs.get("start", 1)), _MAX_LIST_START)
                return ListBlock(ordered=True, start=start, items=tuple(self._items("ordered_list_close")))
            case "table_open":
                return self._table()
            case "hr":
                return Rule()
            case "definition":
                return self._definition(token)
        raise AssertionError(f"unknown block token {token.type}")

    def _runs(self, until: str) -> list[Run]:
        runs: list[Run] = []
        for token in self._tokens:
            if token.type == until:
                break
            runs.extend(_inline_runs(token.children or (), PLAIN))
        return join_runs(self._with_prefix(run) for run in runs)

    def _with_prefix(self, run: Run) -> Run:
        return footnote_run(self._prefix + run.marks.footnote) if run.marks.footnote else run

    def _heading(self, token: Token) -> Block | None:
        level = min(int(token.tag[1]) + self._heading_shift, _BOTTOM_LEVEL)
        children = assemble(without_breaks(self._runs("heading_close")))
        return Heading(level=level, children=children) if children else None

    def _items(self, until: str) -> Iterator[ListItem]:
        for token in self._tokens:
            if token.type == until:
                return
            yield ListItem(children=tuple(self.blocks("list_item_close")))

    def _table(self) -> Block:
        rows: list[tuple[TableCell, ...]] = []
        cells: list[TableCell] = []
        alignments: list[Alignment] = []
        for token in self._tokens:
            if token.type == "table_close":
                break
            if token.type == "tr_close":
                rows.append(tuple(cells))
                cells = []
            elif token.type in ("th_open", "td_open"):
                if token.type == "th_open":
                    alignments.append(_alignment(token))
                runs = self._runs(token.type.replace("open", "close"))
                cells.append(TableCell(children=assemble(without_breaks(runs))))
        return Table(header=rows[0], alignments=tuple(alignments), rows=tuple(rows[1:]))

    def _definition(self, token: Token) -> Block | None:
        """Return an unused link definition as a paragraph: its target is all it shows."""
        href = str(token.meta["url"])
        if href in self._linked:
            return None
        target = Run(href, Marks(href=href if is_followed(href) else ""))
        title = Run(f" ({token.meta['title']})" if token.meta["title"] else "")
        return _paragraph([Run(f"[{token.meta['label']}]: "), target, title])


def _marked_footnotes(tokens: Iterable[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type == "footnote_ref":
            yield str(token.meta["label"])
        yield from _marked_footnotes(token.children or ())


def _chart(text: str) -> Chart | None:
    """Return the chart that ``text`` describes in JSON, or nothing if it is not a sound one."""
    try:
        chart = Chart.model_validate_json(text)
    except ValidationError:
        return None
    return chart.model_copy(
        update={
            "title": one_line(chart.title),
            "unit": one_line(chart.unit),
            "labels": tuple(map(one_line, chart.labels)),
            "series": tuple(s.model_copy(update={"name": one_line(s.name)}) for s in chart.series),
        }
    )


def _paragraph(runs: Iterable[Run]) -> Block | None:
    children: tuple[Inline, ...] = assemble(runs)
    return Paragraph(children=children) if children else None


def _alignment(token: Token) -> Alignment:
    style = str(token.attrs.get("style", ""))
    if style.endswith("center"):
        return "center"
    return "right" if style.endswith("right") else "left"


_MARK: dict[str, Callable[[Marks], Marks]] = {
    "strong_open": lambda marks: marks._replace(bold=True),
    "em_open": lambda marks: marks._replace(italic=True),
    "s_open": lambda marks: marks._replace(strike=True),
    "link_open": lambda marks: marks,  # applied when it closes, once its label is known
}


def _inline_runs(tokens: Iterable[Token], marks: Marks) -> list[Run]:
    """Return the runs of inline tokens; ``marks`` are the marks that surround them."""
    runs: list[Run] = []
    opened: list[tuple[Token, Marks, int]] = []
    for token in tokens:
        if token.type in _MARK:
            opened.append((token, marks, len(runs)))
            marks = _MARK[token.type](marks)
        elif token.nesting < 0:
            opening, marks, start = opened.pop()
            if opening.type == "link_open":
                runs[start:] = _linked(runs[start:], opening, "href", marks)
        else:
            runs.extend(_leaf_runs(token, marks))
    return runs


def _leaf_runs(token: Token, marks: Marks) -> list[Run]:
    match token.type:
        case "text" | "text_special":
            return [Run(token.content, marks)]
        case "code_inline":
            return [Run(token.content, marks._replace(code=True))]
        case "softbreak":
            return [Run(" ", marks)]
        case "hardbreak":
            return [BREAK]
        case "image":
            return _linked(_inline_runs(token.children or (), marks), token, "src", marks)
        case "footnote_ref":
            return [footnote_run(str(token.meta["label"]))]
    raise AssertionError(f"unknown inline token {token.type}")


def _linked(label: list[Run], token: Token, attribute: str, marks: Marks) -> list[Run]:
    """Return ``label`` as a link to the token's target, or followed by the target as text.

    A label that holds links already (images are links) keeps them.
    """
    href = str(token.attrs.get(attribute) or "")
    title = str(token.attrs.get("title") or "")
    shown = "".join(run.text for run in label)
    if cited := _CITATION.fullmatch(f"{shown}({href})"):
        return [Run(shown, Marks(citation=int(cited[1])))]
    after = [Run(f" ({title})", marks)] if title else []
    if not shown.strip():
        label = [Run(href, marks)]
        shown = href
    if is_followed(href) and not any(run.marks.href for run in label):
        return [*(_with_href(run, href) for run in label), *after]
    if href and href != shown:
        after.insert(0, Run(f" ({href})", marks))
    return [*label, *after]


def _with_href(run: Run, href: str) -> Run:
    if run.marks.line_break or run.marks.footnote or run.marks.citation:
        return run
    return Run(run.text, run.marks._replace(href=href))
