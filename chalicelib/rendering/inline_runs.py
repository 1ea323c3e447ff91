"""Inline nodes as flat runs, and back.

Nested marks say little that a flat list of runs does not, and flat runs have one
spelling only. ``assemble(flatten(nodes))`` is therefore the normal form of inline
nodes: at most one link, strong, emphasis and strikethrough around a text, in that
order, whatever depth the source had.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from chalicelib.domain.document import (
    Citation,
    CodeSpan,
    Emphasis,
    FootnoteMark,
    Inline,
    LineBreak,
    Link,
    Strikethrough,
    Strong,
    Text,
)


class Marks(NamedTuple):
    """What applies to a run; ``line_break`` makes it a break instead of text.

    ``footnote`` (an id) and ``citation`` (a number) make the run a mark; its text is ``[^id]``
    or ``[number]``, and nothing else applies to it but ``is_source``, of a citation that others lead to.
    """

    bold: bool = False
    italic: bool = False
    strike: bool = False
    code: bool = False
    href: str = ""
    line_break: bool = False
    footnote: str = ""
    citation: int = 0
    is_source: bool = False


PLAIN = Marks()


class Run(NamedTuple):
    """A stretch of text with the same marks."""

    text: str
    marks: Marks = PLAIN


_FOLLOWED_HREF = re.compile(r"(?:https?://|mailto:|#)\S", re.IGNORECASE)


def is_followed(href: str) -> bool:
    """Tell whether ``href`` may be a link: http, https, mailto or a fragment."""
    return _FOLLOWED_HREF.match(href) is not None


BREAK = Run("\n", Marks(line_break=True))


def footnote_run(identifier: str) -> Run:
    """Return the run that marks the footnote ``identifier``."""
    return Run(f"[^{identifier}]", Marks(footnote=identifier))


def flatten(nodes: Iterable[Inline]) -> list[Run]:
    """Return the runs of ``nodes`` in reading order, neighbours with equal marks joined."""
    return join_runs(_walk(nodes, PLAIN))


def _walk(nodes: Iterable[Inline], marks: Marks) -> Iterator[Run]:
    for node in nodes:
        if isinstance(node, Text):
            yield Run(node.text, marks)
        elif isinstance(node, CodeSpan):
            yield Run(node.text, marks._replace(code=True))
        elif isinstance(node, LineBreak):
            yield BREAK
        elif isinstance(node, FootnoteMark):
            yield footnote_run(node.id)
        elif isinstance(node, Citation):
            yield Run(f"[{node.number}]", Marks(citation=node.number, is_source=node.is_source))
        else:
            yield from _walk(node.children, _marked(node, marks))


def _marked(node: Emphasis | Strong | Strikethrough | Link, marks: Marks) -> Marks:
    if isinstance(node, Strong):
        return marks._replace(bold=True)
    if isinstance(node, Emphasis):
        return marks._replace(italic=True)
    if isinstance(node, Strikethrough):
        return marks._replace(strike=True)
    return marks._replace(href=marks.href or node.href) if is_followed(node.href) else marks


def _marks_of(run: Run) -> Marks:
    return run.marks


def join_runs(runs: Iterable[Run]) -> list[Run]:
    """Join neighbouring runs with equal marks; drop empty runs and breaks at either end.

    Line feeds inside a text are spaces: only a break breaks a line.
    """
    joined: list[Run] = []
    for marks, group in groupby((run for run in runs if run.text), key=_marks_of):
        if marks.footnote or marks.citation:
            joined.extend(group)
        elif not marks.line_break:
            text = "".join([run.text for run in group])
            joined.append(Run(text.replace("\n", " "), marks))
        elif joined:
            joined.extend(group)
    while joined and joined[-1].marks.line_break:
        joined.pop()
    return joined


def without_breaks(runs: Iterable[Run]) -> list[Run]:
    """Return ``runs`` with a space in place of every line break."""
    return [Run(" ") if run.marks.line_break else run for run in runs]


def assemble(runs: Iterable[Run]) -> tuple[Inline, ...]:
    """Return the inline nodes of ``runs`` in their normal form."""
    return _group(join_runs(runs), 0)


class _Level(NamedTuple):
    mark: Callable[[Run], bool | str]
    wrap: Callable[[Run, tuple[Inline, ...]], Inline]


_LEVELS = (
    _Level(lambda run: run.marks.href, lambda run, inner: Link(href=run.marks.href, children=inner)),
    _Level(lambda run: run.marks.bold, lambda _, inner: Strong(children=inner)),
    _Level(lambda run: run.marks.italic, lambda _, inner: Emphasis(children=inner)),
    _Level(lambda run: run.marks.strike, lambda _, inner: Strikethrough(children=inner)),
)


def _group(runs: list[Run], depth: int) -> tuple[Inline, ...]:
    if depth == len(_LEVELS):
        return tuple(_leaf(run) for run in runs)
    level = _LEVELS[depth]
    nodes: list[Inline] = []
    for value, members in groupby(runs, key=level.mark):
        group = list(members)
        children = _group(group, depth + 1)
        nodes.extend((level.wrap(group[0], children),) if value else children)
    return tuple(nodes)


def _leaf(run: Run) -> Inline:
    if run.marks.line_break:
        return LineBreak()
    if run.marks.footnote:
        return FootnoteMark(id=run.marks.footnote)
    if run.marks.citation:
        return Citation(number=run.marks.citation, is_source=run.marks.is_source)
    return CodeSpan(text=run.text) if run.marks.code else Text(text=run.text)
