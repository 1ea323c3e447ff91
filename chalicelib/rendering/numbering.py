"""Numbers that every format shares: footnotes, and figures, tables and listings with a caption."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from chalicelib.domain.document import (
    Chart,
    Citation,
    Document,
    Figure,
    FootnoteMark,
    Table,
    walk_inlines,
)

FIGURE_WORDS: Final = {"chart": "Figure", "table": "Table", "code_block": "Listing"}
"""How a caption begins, for each kind of content; the same words make a Figure in Markdown."""


def footnote_numbers(document: Document) -> dict[str, int]:
    """Return the number of every footnote by its id: in the order of the first marks, the unmarked ones last."""
    notes = {note.id: note for note in document.footnotes}
    order: dict[str, int] = {}
    if not notes:
        return order
    waiting = [section.blocks for section in document.sections]
    while waiting:
        found = [
            node.id
            for blocks in waiting
            for node in walk_inlines(blocks)
            if isinstance(node, FootnoteMark) and node.id in notes and node.id not in order
        ]
        found = list(dict.fromkeys(found))
        order.update({identifier: len(order) + number for number, identifier in enumerate(found, start=1)})
        # Footnotes may have marks of their own.
        waiting = [notes[identifier].children for identifier in found]
    for note in document.footnotes:
        order.setdefault(note.id, len(order) + 1)
    return order


def reference_numbers(document: Document) -> frozenset[int]:
    """Return the numbers that citations can link to."""
    return frozenset(reference.number for reference in document.references) | source_numbers(document)


def source_numbers(document: Document) -> frozenset[int]:
    """Return the numbers of the sources that stand in the text and not in the list of references."""
    inlines = walk_inlines(block for section in document.sections for block in section.blocks)
    return frozenset(node.number for node in inlines if isinstance(node, Citation) and node.is_source)


class FigureCounter:
    """Counts figures, tables and listings apart, in the order in which they are asked for."""

    def __init__(self, words: Mapping[str, str] = FIGURE_WORDS) -> None:
        self._words = words
        self._counts: Counter[str] = Counter()

    def label(self, figure: Figure) -> str:
        """Return the next label for ``figure``, for instance ``Table 3``."""
        self._counts[figure.content.kind] += 1
        return f"{self._words[figure.content.kind]} {self._counts[figure.content.kind]}"


def chart_table(chart: Chart) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Return header and rows of the table that says what ``chart`` shows; gaps are empty.

    The header begins with the unit, which may be empty, and goes on with the names of the series.
    """
    only = chart.title if len(chart.series) == 1 else ""
    names = (series.name or only or f"Series {number}" for number, series in enumerate(chart.series, start=1))
    header = (chart.unit, *names)
    rows = tuple(
        (label, *(format_number(series.values[index]) for series in chart.series))
        for index, label in enumerate(chart.labels)
    )
    return header, rows


def format_number(value: float | None) -> str:
    """Return ``value`` as people write it, in at most ten significant digits: commas, a true minus, no exponent.

    Only what would need more than ten decimals keeps its exponent.
    """
    if value is None:
        return ""
    shown = f"{value:,.0f}" if abs(value) >= 1e10 else f"{value:,.10g}"
    if "e" in shown and abs(value) >= 1e-10:
        shown = f"{value:,.10f}".rstrip("0").rstrip(".")
    return shown.replace("-", "\N{MINUS SIGN}")


def is_table(figure: Figure) -> bool:
    """Tell whether ``figure`` holds a table: its caption stands above it, others stand below."""
    return isinstance(figure.content, Table)
