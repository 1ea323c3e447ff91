"""Markdown (CommonMark, tables, strikethrough) into the blocks of a Document.

Nothing a reader could see in the source gets lost: raw HTML, links to schemes we
do not follow, cells beyond a table's last column, link definitions nobody uses and
nesting beyond the limit all stay as text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.common.utils import unescapeAll
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock, blockquote, list_block, table
from markdown_it.rules_block.table import escapedSplit, getLine
from markdown_it.rules_inline import StateInline, image
from markdown_it.token import Token

from chalicelib.domain.document import (
    Alignment,
    Block,
    BlockQuote,
    CodeBlock,
    Heading,
    Inline,
    ListBlock,
    ListItem,
    Paragraph,
    Rule,
    Table,
    TableCell,
)
from chalicelib.rendering.inline_runs import BREAK, PLAIN, Marks, Run, assemble, is_followed, join_runs, without_breaks
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


def parse_markdown(source: str) -> tuple[Block, ...]:
    """Parse ``source`` into blocks.

    Headings start at level 3: if the highest one in ``source`` is above that, all
    move down together, and none goes below level 6.
    """
    tokens = _parser().parse(visible(source))
    return tuple(_BlockReader(tokens).blocks())


class _Parser(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802 - overrides the library's name
        """Accept every target: which ones become links is decided when the tree is built."""
        return True


@cache
def _parser() -> MarkdownIt:
    options = {"html": False, "maxNesting": _PARSER_NESTING, "inline_definitions": True}
    parser = _Parser("commonmark", options)
    parser.enable(["table", "strikethrough"])
    interrupts: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote"]}
    parser.block.ruler.at("blockquote", _bounded_blockquote, interrupts)
    parser.block.ruler.at("list", _bounded_list, interrupts)
    parser.block.ruler.at("table", _table_with_every_cell, {"alt": ["paragraph", "reference"]})
    parser.inline.ruler.at("image", _bounded_image)
    return parser


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
    """Reads markdown-it's flat tokens into nested blocks."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = iter(tokens)
        self._linked = {
            str(child.attrs.get("href") or child.attrs.get("src"))
            for token in tokens
            for child in token.children or ()
            if child.type in ("link_open", "image")
        }
        highest = min((int(token.tag[1]) for token in tokens if token.type == "heading_open"), default=_TOP_LEVEL)
        self._heading_shift = max(0, _TOP_LEVEL - highest)

    def blocks(self, until: str = "") -> Iterator[Block]:
        for token in self._tokens:
            if token.type == until:
                return
            block = self._block(token)
            if block is not None:
                yield block

    def _block(self, token: Token) -> Block | None:
        match token.type:
            case "paragraph_open":
                return _paragraph(self._runs("paragraph_close"))
            case "heading_open":
                return self._heading(token)
            case "fence" | "code_block":
                text = token.content.removesuffix("\n")
                return CodeBlock(text=text, language=one_line(unescapeAll(token.info)))
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
        return join_runs(runs)

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
    raise AssertionError(f"unknown inline token {token.type}")


def _linked(label: list[Run], token: Token, attribute: str, marks: Marks) -> list[Run]:
    """Return ``label`` as a link to the token's target, or followed by the target as text.

    A label that holds links already (images are links) keeps them.
    """
    href = str(token.attrs.get(attribute) or "")
    title = str(token.attrs.get("title") or "")
    shown = "".join(run.text for run in label)
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
    return run if run.marks.line_break else Run(run.text, run.marks._replace(href=href))
