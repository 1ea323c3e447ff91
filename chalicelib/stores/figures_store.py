"""Queue figures in DynamoDB: one item of counters, changed next to each transition.

The counters may drift by what a crash between two writes leaves; the sweep
counts the reports themselves and sets them right (see ``correct``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from chalicelib.domain.clock import day, now
from chalicelib.domain.figures import Day, Figures
from chalicelib.domain.priority import PRIORITIES
from chalicelib.domain.report import Report
from chalicelib.stores.dynamodb import Item, Table, batch_get
from chalicelib.stores.report_store import report_key, to_report

FIGURES_KEY: Final = ("FIGURES", "now")


def to_figures(item: Item | None, at: datetime) -> Figures:
    """Return the figures that the item holds for the moment ``at``; absent counters are 0."""
    item = item or {}

    def count(name: str) -> int:
        return max(0, int(item.get(name, 0)))

    def figures_of(utc_day: str) -> Day:
        return Day(count(f"completed_{utc_day}"), count(f"failed_{utc_day}"), count(f"milliseconds_{utc_day}"))

    return Figures(
        waiting={p: count(f"waiting_{p}") for p in PRIORITIES},
        running={p: count(f"running_{p}") for p in PRIORITIES},
        today=figures_of(day(at)),
        yesterday=figures_of(day(at - timedelta(days=1))),
    )


class FiguresStore:
    """The queue figures. One AWS call each."""

    def __init__(self, access_table: str, reports_table: str) -> None:
        self._table = Table(access_table)
        self._reports_table = reports_table

    def get(self) -> Figures:
        """Return the figures as they are now."""
        return to_figures(self._table.get(FIGURES_KEY), now())

    def get_with_report(self, report_id: str) -> tuple[Report | None, Figures]:
        """Return a report (a consistent read) and the figures, both in one call."""
        found = batch_get({self._reports_table: [report_key(report_id)], self._table.name: [FIGURES_KEY]})
        reports, figures = found[self._reports_table], found[self._table.name]
        return (to_report(reports[0]) if reports else None), to_figures(figures[0] if figures else None, now())

    def add(self, changes: Mapping[str, int]) -> Figures:
        """Add to the counters (``waiting_normal``, ``completed_2026-01-20`` …) and return them."""
        return to_figures(self._table.update(FIGURES_KEY, add=changes), now())

    def counters(self) -> Item:
        """Return the raw counters, name → value (a consistent read)."""
        item = self._table.get(FIGURES_KEY, consistent=True) or {}
        return {name: value for name, value in item.items() if name not in ("pk", "sk")}

    def correct(self, drift: Mapping[str, int], outdated: Sequence[str]) -> None:
        """Add ``drift`` to the counters and drop the ``outdated`` ones."""
        self._table.update(FIGURES_KEY, add=drift, remove=outdated)
