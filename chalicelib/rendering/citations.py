"""Citations written as ``[3]`` in a text become nodes that link to their reference."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from chalicelib.domain.document import (
    Block,
    BlockQuote,
    Figure,
    Heading,
    Inline,
    ListBlock,
    ListItem,
    Paragraph,
    Table,
    TableCell,
)
from chalicelib.rendering.inline_runs import Marks, Run, assemble, flatten

_CITED = re.compile(r"\[(\d{1,4}(?:\s?[,;]\s?\d{1,4}){0,9})\]", re.ASCII)


def with_citations(blocks: Iterable[Block], numbers: Collection[int]) -> tuple[Block, ...]:
    """Return ``blocks`` with every ``[3]`` or ``[1, 4]`` whose numbers are all in ``numbers`` as citations.

    Code, links and captions of code stay as they are. Where ``numbers`` is a mapping, a citation gets the number
    that it has for the one that is written.
    """
    return tuple(_block(block, numbers) for block in blocks)


def _block(block: Block, numbers: Collection[int]) -> Block:
    if isinstance(block, Paragraph | Heading):
        return block.model_copy(update={"children": _inlines(block.children, numbers)})
    if isinstance(block, BlockQuote):
        return BlockQuote(children=with_citations(block.children, numbers))
    if isinstance(block, ListBlock):
        items = tuple(ListItem(children=with_citations(item.children, numbers)) for item in block.items)
        return block.model_copy(update={"items": items})
    if isinstance(block, Table):
        return _table(block, numbers)
    if isinstance(block, Figure):
        content = _table(block.content, numbers) if isinstance(block.content, Table) else block.content
        return block.model_copy(update={"caption": _inlines(block.caption, numbers), "content": content})
    return block


def _table(table: Table, numbers: Collection[int]) -> Table:
    rows = tuple(tuple(_cell(cell, numbers) for cell in row) for row in table.rows)
    return table.model_copy(update={"header": tuple(_cell(cell, numbers) for cell in table.header), "rows": rows})


def _cell(cell: TableCell, numbers: Collection[int]) -> TableCell:
    return TableCell(children=_inlines(cell.children, numbers))


def _inlines(children: tuple[Inline, ...], numbers: Collection[int]) -> tuple[Inline, ...]:
    return assemble(piece for run in flatten(children) for piece in _runs(run, numbers))


def _runs(run: Run, numbers: Collection[int]) -> Iterator[Run]:
    if run.marks.code or run.marks.href or run.marks.line_break or run.marks.footnote or run.marks.citation:
        yield run
        return
    end = 0
    for found in _CITED.finditer(run.text):
        cited = [int(number) for number in re.findall(r"\d+", found[1])]
        if not all(number in numbers for number in cited):
            continue
        yield Run(run.text[end : found.start()], run.marks)
        for position, number in enumerate(cited):
            if position:
                yield Run(" ", run.marks)
            shown = numbers[number] if isinstance(numbers, Mapping) else number
            yield Run(f"[{shown}]", Marks(citation=shown))
        end = found.end()
    yield Run(run.text[end:], run.marks)
