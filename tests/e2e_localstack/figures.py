"""What a run measured: shown at its end, judged by nobody, because the machines differ."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass
class Figures:
    """Seconds of each step; the first request in milliseconds, and how many of them were the function's imports; the
    milliseconds of each warm request, by what was asked; the table of rights, line by line."""

    steps: Mapping[str, float] = field(default_factory=dict)
    first_request_ms: float = math.nan
    init_ms: float = math.nan
    warm_ms: dict[str, list[float]] = field(default_factory=dict)
    rights: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """Yield the report, line by line."""
        for name, seconds in self.steps.items():
            yield f"{name:<32}{seconds:8.1f} s"
        if not math.isnan(self.first_request_ms):
            yield f"{'first request (cold start)':<32}{self.first_request_ms:8.0f} ms, {self.init_ms:.0f} of them init"
        for name, times in self.warm_ms.items():
            p50, p95 = percentile(times, 50), percentile(times, 95)
            yield f"{name + ', warm':<32}{p50:8.1f} ms p50 {p95:8.1f} ms p95 ({len(times)} requests)"


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that is at least as large as ``percent`` of all."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(len(ranked) * percent / 100) - 1)]
