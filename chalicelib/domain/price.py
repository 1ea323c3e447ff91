"""What a model's tokens cost: a table from model names to prices in US dollars."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

ANY_MODEL = "*"
PER = 1_000_000


@dataclass(frozen=True)
class Price:
    """US dollars for a million tokens read (``input_per_million``) and written."""

    input_per_million: float
    output_per_million: float

    def cost(self, tokens_in: int, tokens_out: int) -> float:
        """Return US dollars for so many tokens read and written."""
        return (tokens_in * self.input_per_million + tokens_out * self.output_per_million) / PER


def parse_prices(text: str) -> Mapping[str, Price]:
    """Read a price table: ``{"some-model": [2.5, 10], "*": [1, 4]}``, dollars per million tokens.

    ``*`` is the price of every model that has no entry of its own. An empty text is an empty table.

    Raises:
        ValueError: the text is no such table; the message names the entry.
    """
    if not text.strip():
        return {}
    try:
        table = json.loads(text)
    except ValueError:
        raise ValueError('the price table is not JSON like {"model": [2.5, 10]}') from None
    if not isinstance(table, dict):
        raise ValueError('the price table is not a JSON object like {"model": [2.5, 10]}')
    return {model: _price(model, entry) for model, entry in table.items()}


def price_of(model: str, prices: Mapping[str, Price]) -> Price | None:
    """Return the price of ``model``, else that of ``*``, else None: not known."""
    return prices.get(model) or prices.get(ANY_MODEL)


def _price(model: str, entry: object) -> Price:
    if not isinstance(entry, list) or len(entry) != 2 or not all(map(_is_amount, entry)):
        raise ValueError(
            f"the price of {model!r} is not [input, output] in US dollars per million tokens, each at least 0"
        )
    return Price(float(entry[0]), float(entry[1]))


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
