"""Hypothesis strategies for Documents in their normal form, made to be hard to write as Markdown."""

from __future__ import annotations

from hypothesis import strategies as st

from chalicelib.domain.document import (
    Block,
    BlockQuote,
    CodeBlock,
    Document,
    Heading,
    Inline,
    ListBlock,
    ListItem,
    Paragraph,
    Rule,
    Section,
    Table,
    TableCell,
)
from chalicelib.rendering.inline_runs import BREAK, Marks, Run, assemble, without_breaks

# Texts that mean something in Markdown, beside plain words and characters of other scripts.
_TRICKY = [
    "word", "a", "B", "7", " ", "  ", "\t", "\u00a0", "é", "Ж", "中", "😀", "$5 million", "$", "1.", "12)", "-",
    "+", "*", "**", "***", "_", "__", "snake_case", "~", "~~", "~~~", "`", "``", "```", "#", "##", "# ", "=",
    "==", "---", "- ", "+ ", "|", "||", "|-|-|", ":-:", ">", "> ", "<b>", "</b>", "<!--", "<http://x>", "&",
    "&amp;", "&#65;", "&copy", "[", "]", "](", "[x]: y", "[a](b)", "!", "![", "\\", "\\\\", "\\*", "/", "…",
    "“quoted”", "€", ".", ",", "(", ")", "'", "\"", "{{7*7}}", "%", "^", "^1",
]  # fmt: skip

_TEXTS = st.lists(st.sampled_from(_TRICKY), min_size=1, max_size=5).map("".join)
_HREFS = st.sampled_from(
    ["https://example.org/", "http://x.org/a_(b)", "https://x.org/?a=1&copy=2&amp;b", "mailto:a@b.org", "#part-1"]
)
_MARKS = st.builds(
    Marks,
    bold=st.booleans(),
    italic=st.booleans(),
    strike=st.booleans(),
    code=st.booleans(),
    href=st.just("") | _HREFS,
    line_break=st.just(False),
)


def _visible_link(run: Run) -> Run:
    return Run(run.text + "w", run.marks) if run.marks.href and not run.text.strip() else run


_MARKED = st.tuples(_TEXTS, _MARKS).map(Run._make).map(_visible_link)
_RUNS = st.lists(_MARKED | _TEXTS.map(Run) | st.just(BREAK), max_size=6)


def _has_text(nodes: tuple[Inline, ...]) -> bool:
    return bool(nodes)


INLINES = _RUNS.map(assemble)
LINES = _RUNS.map(without_breaks).map(assemble)

_CODE_LINES = st.lists(_TEXTS | st.sampled_from(["", "    indented", "````", "~~~~"]), max_size=4).map("\n".join)
_LEAVES: st.SearchStrategy[Block] = st.one_of(
    st.builds(Paragraph, children=INLINES.filter(_has_text)),
    st.builds(Heading, level=st.integers(3, 6), children=LINES.filter(_has_text)),
    st.builds(CodeBlock, text=_CODE_LINES, language=st.sampled_from(["", "python", "a`b", "~x", "c++ x&amp;y"])),
    st.builds(Rule),
)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Return a table whose rows all have the header's number of cells."""
    columns = draw(st.integers(1, 4))
    cells = st.builds(TableCell, children=LINES)
    row = st.lists(cells, min_size=columns, max_size=columns).map(tuple)
    alignments = st.lists(st.sampled_from(["left", "center", "right"]), min_size=columns, max_size=columns)
    return Table(header=draw(row), alignments=tuple(draw(alignments)), rows=tuple(draw(st.lists(row, max_size=3))))


def _containers(children: st.SearchStrategy[Block]) -> st.SearchStrategy[Block]:
    blocks = st.lists(children, max_size=3).map(tuple)
    items = st.lists(st.builds(ListItem, children=blocks), min_size=1, max_size=3).map(tuple)
    return st.one_of(
        st.builds(BlockQuote, children=blocks),
        st.builds(ListBlock, ordered=st.just(False), items=items),
        st.builds(ListBlock, ordered=st.just(True), start=st.integers(0, 999_999_999), items=items),
    )


BLOCK = st.recursive(_LEAVES | tables(), _containers, max_leaves=8)
BLOCKS = st.lists(BLOCK, max_size=4).map(tuple)
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
