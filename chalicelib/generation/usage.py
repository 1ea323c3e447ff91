"""What a report has cost: tokens and calls."""

from __future__ import annotations

import threading
from dataclasses import dataclass


@dataclass(frozen=True)
class Usage:
    """Tokens read and written by the model, and the number of requests sent to it."""

    tokens_in: int = 0
    tokens_out: int = 0
    calls: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.tokens_in + other.tokens_in, self.tokens_out + other.tokens_out, self.calls + other.calls)


class UsageMeter:
    """Adds up usage from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._total = Usage()

    def add(self, usage: Usage) -> None:
        """Add the usage of one request."""
        with self._lock:
            self._total = self._total + usage

    @property
    def total(self) -> Usage:
        """The sum so far."""
        return self._total
