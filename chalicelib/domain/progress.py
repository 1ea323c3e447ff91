"""What a report's progress message says, as one of a few words that a client can rely on."""

from __future__ import annotations

from typing import Final, Literal

from chalicelib.domain.report import Report

Stage = Literal["planning", "writing", "summarising", "checking", "rendering"]

# How the messages of each stage begin; the first that fits counts.
_BEGINNINGS: Final[tuple[tuple[str, Stage], ...]] = (
    ("writing the executive summary", "summarising"),
    ("writing", "writing"),
    ("checking", "checking"),
    ("rendering", "rendering"),
)


def stage_of(report: Report) -> Stage | None:
    """Return what is being done with a report, or None while nobody works on it."""
    if report.status != "processing":
        return None
    return next((stage for beginning, stage in _BEGINNINGS if report.message.startswith(beginning)), "planning")
