"""Hypothesis strategies for Documents in their normal form, made to be hard to write as Markdown."""

from __future__ import annotations

from collections import Counter
from itertools import product

from hypothesis import strategies as st

from chalicelib.domain.document import (
    Block,
    BlockQuote,
    Chart,
    CodeBlock,
    Document,
    Figure,
    Footnote,
    FootnoteMark,
    Heading,
    Inline,
    ListBlock,
    ListItem,
    Paragraph,
    Rule,
    Section,
    Series,
    Table,
    TableCell,
    walk_inlines,
)
from chalicelib.rendering.inline_runs import BREAK, Marks, Run, assemble, flatten, footnote_run, without_breaks
from chalicelib.rendering.numbering import FIGURE_WORDS

# Texts that mean something in Markdown, beside plain words and characters of other scripts.
_TRICKY = [
    "word", "a", "B", "7", " ", "  ", "\t", "\u00a0", "é", "Ж", "中", "😀", "$5 million", "$", "1.", "12)", "-",
    "+", "*", "**", "***", "_", "__", "snake_case", "~", "~~", "~~~", "`", "``", "```", "#", "##", "# ", "=",
    "==", "---", "- ", "+ ", "|", "||", "|-|-|", ":-:", ">", "> ", "<b>", "</b>", "<!--", "<http://x>", "&",
    "&amp;", "&#65;", "&copy", "[", "]", "](", "[x]: y", "[a](b)", "!", "![", "\\", "\\\\", "\\*", "/", "…",
    "“quoted”", "€", ".", ",", "(", ")", "'", "\"", "{{7*7}}", "%", "^", "^1",
]  # fmt: skip

FOOTNOTE_IDS = ["a", "1", "long.name-2"]

_TEXTS = st.lists(st.sampled_from(_TRICKY), min_size=1, max_size=5).map("".join)
_HREFS = ["https://example.org/", "http://x.org/a_(b)", "https://x.org/?a=1&copy=2&amp;b", "mailto:a@b.org", "#part-1"]
_TURNS = [False, True]
# One choice instead of one for each mark: half of the runs have no link.
_MARKS = st.sampled_from(
    [
        Marks(bold=bold, italic=italic, strike=strike, code=code, href=href)
        for href in [*[""] * len(_HREFS), *_HREFS]
        for bold, italic, strike, code in product(_TURNS, repeat=4)
    ]
)


def _visible_link(run: Run) -> Run:
    return Run(run.text + "w", run.marks) if run.marks.href and not run.text.strip() else run


_MARKED = st.tuples(_TEXTS, _MARKS).map(Run._make).map(_visible_link)
_CITED = st.sampled_from([1, 12]).map(lambda number: Run(f"[{number}]", Marks(citation=number)))
_CALLS = st.sampled_from(FOOTNOTE_IDS).map(footnote_run)
_RUNS = st.lists(_MARKED | _TEXTS.map(Run) | st.just(BREAK) | _CITED, max_size=6)
_RUNS_WITH_CALLS = st.lists(_MARKED | _TEXTS.map(Run) | st.just(BREAK) | _CITED | _CALLS, max_size=6)


def _has_text(nodes: tuple[Inline, ...]) -> bool:
    return bool(nodes)


INLINES = _RUNS.map(assemble)
LINES = _RUNS.map(without_breaks).map(assemble)

_CODE_LINES = st.lists(_TEXTS | st.sampled_from(["", "    indented", "````", "~~~~"]), max_size=4).map("\n".join)
_CODE = st.builds(CodeBlock, text=_CODE_LINES, language=st.sampled_from(["", "python", "a`b", "~x", "c++ x&amp;y"]))
_NAMES = _TEXTS.map(lambda text: " ".join(text.split()))
_NUMBERS = st.integers(0, 1000).map(float) | st.sampled_from([0.5, 12.25, 1e-3, 1e15])


@st.composite
def charts(draw: st.DrawFn) -> Chart:
    """Return a chart that can be drawn."""
    kind = draw(st.sampled_from(["bar", "stacked_bar", "line", "donut"]))
    labels = draw(st.lists(_NAMES, min_size=1, max_size=4))
    # The first number is greater than zero, so that there is something to show in a ring.
    numbers = st.lists(_NUMBERS | st.none(), min_size=len(labels) - 1, max_size=len(labels) - 1)
    series = st.builds(Series, name=_NAMES, values=numbers.map(lambda values: (3.0, *values)))
    listed = draw(st.lists(series, min_size=1, max_size=1 if kind == "donut" else 3))
    return Chart(type=kind, title=draw(_NAMES), labels=tuple(labels), series=tuple(listed), unit=draw(_NAMES))


@st.composite
def _tables(draw: st.DrawFn, lines: st.SearchStrategy[tuple[Inline, ...]]) -> Table:
    columns = draw(st.integers(1, 4))
    cells = st.builds(TableCell, children=lines)
    row = st.lists(cells, min_size=columns, max_size=columns).map(tuple)
    alignments = st.lists(st.sampled_from(["left", "center", "right"]), min_size=columns, max_size=columns)
    return Table(header=draw(row), alignments=tuple(draw(alignments)), rows=tuple(draw(st.lists(row, max_size=3))))


def tables() -> st.SearchStrategy[Table]:
    """Return tables whose rows all have the header's number of cells."""
    return _tables(LINES)


def _containers(children: st.SearchStrategy[Block]) -> st.SearchStrategy[Block]:
    blocks = st.lists(children, max_size=3).map(tuple)
    items = st.lists(st.builds(ListItem, children=blocks), min_size=1, max_size=3).map(tuple)
    return st.one_of(
        st.builds(BlockQuote, children=blocks),
        st.builds(ListBlock, ordered=st.just(False), items=items),
        st.builds(ListBlock, ordered=st.just(True), start=st.integers(0, 999_999_999), items=items),
    )


def _blocks(
    runs: st.SearchStrategy[list[Run]], with_figures: bool = True, min_size: int = 0
) -> st.SearchStrategy[tuple[Block, ...]]:
    inlines, lines = runs.map(assemble), runs.map(without_breaks).map(assemble)
    content = st.one_of(_tables(lines), _CODE, charts())
    figures = st.builds(Figure, id=st.just(""), caption=lines.map(_without_space_before), content=content)
    leaves: st.SearchStrategy[Block] = st.one_of(
        st.builds(Paragraph, children=inlines.filter(_has_text)),
        st.builds(Heading, level=st.integers(3, 6), children=lines.filter(_has_text)),
        st.builds(Rule),
        content,
        *([figures] if with_figures else []),
    )
    trees = st.recursive(leaves, _containers, max_leaves=8)
    return st.lists(trees, min_size=min_size, max_size=4).map(tuple).map(with_figure_ids)


def _without_space_before(caption: tuple[Inline, ...]) -> tuple[Inline, ...]:
    first, *rest = flatten(caption) or [Run("")]
    return assemble([Run(first.text.lstrip(), first.marks) if first.marks == Marks() else first, *rest])


def with_figure_ids(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """Return ``blocks`` with the ids that figures get from the parser: their kind and number."""
    return _numbered(blocks, Counter())


def _numbered(blocks: tuple[Block, ...], counts: Counter[str]) -> tuple[Block, ...]:
    return tuple(_numbered_block(block, counts) for block in blocks)


def _numbered_block(block: Block, counts: Counter[str]) -> Block:
    if isinstance(block, Figure):
        word = FIGURE_WORDS[block.content.kind].lower()
        counts[word] += 1
        return block.model_copy(update={"id": f"{word}-{counts[word]}"})
    if isinstance(block, BlockQuote):
        return BlockQuote(children=_numbered(block.children, counts))
    if isinstance(block, ListBlock):
        items = tuple(ListItem(children=_numbered(item.children, counts)) for item in block.items)
        return block.model_copy(update={"items": items})
    return block


BLOCKS = _blocks(_RUNS)
_CALLING_BLOCKS = _blocks(_RUNS_WITH_CALLS)
# Figures are numbered over the blocks and the footnotes together: here only the blocks have some.
_FOOTNOTE_BLOCKS = _blocks(_RUNS, with_figures=False, min_size=1)


@st.composite
def blocks_with_footnotes(draw: st.DrawFn) -> tuple[tuple[Block, ...], tuple[Footnote, ...]]:
    """Return blocks that call footnotes, and the footnotes that they call."""
    blocks = draw(_CALLING_BLOCKS)
    called = {node.id for node in walk_inlines(blocks) if isinstance(node, FootnoteMark)}
    ids = draw(st.permutations(sorted(called)))
    return blocks, tuple(Footnote(id=identifier, children=draw(_FOOTNOTE_BLOCKS)) for identifier in ids)


WORDS = st.text(max_size=40)
DOCUMENTS = st.builds(
    Document,
    report_id=st.just("r-1"),
    title=WORDS,
    description=WORDS,
    created_at=st.just("2026-01-20T15:30:00Z"),
    model=WORDS,
    notices=st.lists(WORDS, max_size=2).map(tuple),
    sections=st.lists(
        st.builds(Section, id=st.sampled_from(["a", "b", "", "x y"]), title=WORDS, blocks=BLOCKS), max_size=3
    ).map(tuple),
)
