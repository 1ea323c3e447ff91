"""From what was used to what it costs, by the list prices in prices.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PRICES = Path(__file__).with_name("prices.json")

Usage = Mapping[str, float]


@dataclass(frozen=True)
class Price:
    """``dollars`` for every ``per`` units; ``name`` is for the reader."""

    name: str
    dollars: float
    per: float


@dataclass(frozen=True)
class PriceList:
    """Prices by unit, for one region at one time."""

    region: str
    as_of: str
    prices: Mapping[str, Price]


@dataclass(frozen=True)
class Line:
    """One line of a bill: how many units of what, and their price in dollars."""

    name: str
    units: float
    dollars: float


def read_prices(path: Path = PRICES) -> PriceList:
    """Read a price list.

    Raises:
        OSError, ValueError, KeyError: the file is missing or malformed.
    """
    found = json.loads(path.read_text("utf-8"))
    return PriceList(found["region"], found["as_of"], {unit: Price(**p) for unit, p in found["prices"].items()})


def bill(usage: Usage, prices: Mapping[str, Price]) -> list[Line]:
    """Return the lines of a bill, the dearest first.

    Raises:
        KeyError: something was used that has no price.
    """
    lines = [Line(prices[u].name, used, used / prices[u].per * prices[u].dollars) for u, used in usage.items()]
    return sorted(lines, key=lambda line: -line.dollars)


def total(lines: list[Line]) -> float:
    """Return the sum of a bill in dollars."""
    return sum(line.dollars for line in lines)


def times(usage: Usage, number: float) -> dict[str, float]:
    """Return ``number`` times ``usage``."""
    return {unit: used * number for unit, used in usage.items()}


def together(*usages: Usage) -> dict[str, float]:
    """Return the sum of several usages."""
    units = dict.fromkeys(unit for usage in usages for unit in usage)
    return {unit: sum(usage.get(unit, 0) for usage in usages) for unit in units}
