"""Priorities of a report, from the first served to the last."""

from __future__ import annotations

from typing import Final, Literal

Priority = Literal["urgent", "high", "normal", "low"]

PRIORITIES: Final[tuple[Priority, ...]] = ("urgent", "high", "normal", "low")
