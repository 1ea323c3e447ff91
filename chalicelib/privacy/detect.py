"""Finds private values in a text: what a detection is, and the built-in engine that puts the detectors together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from chalicelib.privacy.pii_type import PRIORITY, PiiType


@dataclass(frozen=True)
class Detection:
    """A private value in a text: ``text`` stands at characters ``start`` to ``end`` (exclusive).

    ``confidence`` is between 0 and 1: 0.9 and more where a checksum or an unmistakable form tells,
    less where only words around it or a list of names do.
    """

    type: PiiType
    start: int
    end: int
    text: str
    confidence: float


class Detector(Protocol):
    """Finds private values."""

    def detect(self, text: str) -> list[Detection]:
        """Return the private values of ``text`` in the order of the text, none overlapping another."""
        ...


@cache
def rules() -> Detector:
    """Return the built-in engine; its patterns and lists are loaded by the first call alone."""
    from chalicelib.privacy.rules import Rules  # loads lists of names and phone numbers' metadata

    return Rules()


def without_overlaps(text: str, found: Iterable[Detection]) -> list[Detection]:
    """Return detections that do not overlap and cover every character that one of ``found`` covers.

    Where some overlap, their union is one detection, of the type that the longest of them has:
    cutting one short would let a part of a value through.
    """
    ordered = sorted(found, key=lambda one: (one.start, -one.end, PRIORITY[one.type]))
    apart: list[list[Detection]] = []
    end = 0
    for one in ordered:
        if not apart or one.start >= end:
            apart.append([])
        apart[-1].append(one)
        end = max(end, one.end)
    return [_union(text, overlapping) if len(overlapping) > 1 else overlapping[0] for overlapping in apart]


def _union(text: str, overlapping: list[Detection]) -> Detection:
    start, end = overlapping[0].start, max(one.end for one in overlapping)
    longest = max(overlapping, key=lambda one: (one.end - one.start, -PRIORITY[one.type]))
    return Detection(longest.type, start, end, text[start:end], max(one.confidence for one in overlapping))
