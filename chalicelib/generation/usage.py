"""What a report has used: tokens, calls and money."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from chalicelib.domain.price import Price, parse_prices, price_of

__all__ = ["Price", "Usage", "estimated_tokens", "parse_prices", "price_of"]

# Natural text of any script needs about this many UTF-8 bytes for a token.
USUAL_BYTES_A_TOKEN = 4.0


@dataclass(frozen=True)
class Usage:
    """Tokens read and written by the model, requests sent to it, and what they cost.

    ``cost_usd`` is None where it is not known: one of the models used has no price.
    """

    tokens_in: int = 0
    tokens_out: int = 0
    calls: int = 0
    cost_usd: float | None = 0.0

    def __add__(self, other: Usage) -> Usage:
        known = self.cost_usd is not None and other.cost_usd is not None
        return Usage(
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            self.calls + other.calls,
            (self.cost_usd or 0.0) + (other.cost_usd or 0.0) if known else None,
        )

    def priced(self, model: str, prices: Mapping[str, Price]) -> Usage:
        """Return this usage with its cost at the price of ``model``; None where it has none."""
        price = price_of(model, prices)
        return replace(self, cost_usd=price.cost(self.tokens_in, self.tokens_out) if price else None)


def estimated_tokens(text: str) -> int:
    """Return about how many tokens ``text`` has, for endpoints that do not say."""
    return math.ceil(len(text.encode(errors="replace")) / USUAL_BYTES_A_TOKEN)
