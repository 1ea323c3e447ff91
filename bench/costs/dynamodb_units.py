"""How DynamoDB bills an on-demand call: capacity units from the sizes of items and index entries.

Items have DynamoDB's own form (attribute → {type: value}); sizes are in bytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Item = Mapping[str, Mapping[str, Any]]

WRITE_UNIT = 1024
READ_UNIT = 4096


@dataclass(frozen=True)
class Index:
    """A global secondary index: its key attributes, and what it holds besides keys (None: everything)."""

    name: str
    keys: tuple[str, ...]
    holds: frozenset[str] | None

    def entry(self, item: Item | None) -> Item | None:
        """Return what the index holds of an item; None where the item is not in it."""
        if item is None or any(key not in item for key in self.keys):
            return None
        return item if self.holds is None else {name: item[name] for name in item if name in self.holds}

    def write_units(self, before: Item | None, after: Item | None) -> int:
        """Return what a write costs in this index.

        Nothing where its entry stays as it is; where its key changes, deleting the old entry and putting the new one.
        """
        old, new = self.entry(before), self.entry(after)
        if old == new:
            return 0
        if old is not None and new is not None and any(old[key] != new[key] for key in self.keys):
            return write_units(old) + write_units(new)
        return write_units(old, new)


def value_size(value: Mapping[str, Any]) -> int:
    """Return the size of one attribute's value."""
    ((kind, content),) = value.items()
    if kind == "S":
        return len(str(content).encode())
    if kind == "N":
        digits = len(str(content).strip("-").replace(".", ""))
        return 1 + math.ceil(digits / 2) + int(str(content).startswith("-"))
    if kind == "L":
        return 3 + sum(1 + value_size(element) for element in content)
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + value_size(element) for name, element in content.items())
    if kind in ("BOOL", "NULL"):
        return 1
    raise ValueError(f"no size is known for values of type {kind}")


def item_size(item: Item) -> int:
    """Return the size of an item: the names of its attributes, and their values."""
    return sum(len(name.encode()) + value_size(value) for name, value in item.items())


def write_units(*states: Item | None) -> int:
    """Return what writing an item costs: by the larger of its states before and after, at least one unit."""
    return max(1, *(math.ceil(item_size(state) / WRITE_UNIT) for state in states if state is not None), 1)


def item_read_units(item: Item | None, *, consistent: bool) -> float:
    """Return what reading one item by its key costs; one that is absent costs the same as a small one."""
    units = max(1, math.ceil(item_size(item) / READ_UNIT)) if item else 1
    return units if consistent else units / 2


def query_read_units(items: Iterable[Item], *, consistent: bool) -> float:
    """Return what a query costs that reads ``items``, before it filters or counts them."""
    units = max(1, math.ceil(sum(map(item_size, items)) / READ_UNIT))
    return units if consistent else units / 2
