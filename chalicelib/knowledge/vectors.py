"""Vectors of meaning, kept small: a byte for each number, and a bit for the first look.

The sign of each number, as the bits of one large integer, gives a first order by the count of bits that differ: a
fraction of a microsecond for each chunk. The nearest of these are then compared by the numbers themselves.
"""

from __future__ import annotations

import heapq
import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import mul
from typing import Final

Vector = Sequence[float]

_LARGEST: Final = 127
# So many of the nearest by bits are compared by numbers: that takes about a tenth of a millisecond each.
_CANDIDATES: Final = 300

# A byte as a signed number is positive from 1 to 127.
_SIGN: Final = bytes(ord("1") if 1 <= byte <= _LARGEST else ord("0") for byte in range(256))


def quantised(vector: Vector) -> array[int]:
    """Return a vector as whole numbers from -127 to 127; only its direction is kept.

    Raises:
        ValueError: it has no direction, or is not of numbers.
    """
    largest = max(map(abs, vector), default=0.0)
    if not math.isfinite(largest) or largest == 0 or not all(map(math.isfinite, vector)):
        raise ValueError("a vector has a finite number that is not 0")
    return array("b", [round(number / largest * _LARGEST) for number in vector])


def _signs(numbers: bytes) -> int:
    return int(numbers.translate(_SIGN) or b"0", 2)


def _length(numbers: Sequence[int]) -> float:
    return math.sqrt(sum(map(mul, numbers, numbers))) or 1.0


@dataclass(frozen=True)
class Vectors:
    """The vectors of some chunks.

    Args:
        model: what made them; empty where there are none.
        dimensions: how many numbers each has.
        numbers: one vector after the other.
        rows: the chunk of each vector, ascending.
    """

    model: str
    dimensions: int
    numbers: array[int]
    rows: array[int]

    @classmethod
    def none(cls) -> Vectors:
        """Return no vectors."""
        return cls("", 0, array("b"), array("I"))

    @classmethod
    def of(cls, model: str, vectors: Sequence[Vector | None], chunks: int) -> Vectors:
        """Return the vectors of ``chunks`` chunks; None for one without.

        Raises:
            ValueError: they are not as many, or of different lengths.
        """
        if not any(vectors):
            return cls.none()
        if len(vectors) != chunks or len({len(vector) for vector in vectors if vector}) != 1:
            raise ValueError("each chunk needs a vector, and all of them as many numbers")
        numbers, rows = array("b"), array("I")
        for row, vector in enumerate(vectors):
            if vector:
                numbers.extend(quantised(vector))
                rows.append(row)
        return cls(model, len(numbers) // len(rows), numbers, rows)

    @classmethod
    def from_parts(cls, model: str, dimensions: int, numbers: bytes, rows: bytes) -> Vectors:
        """Return vectors as they were stored.

        Raises:
            ValueError: the parts do not fit together.
        """
        found = cls(model, dimensions, array("b", numbers), array("I", rows))
        if len(found.numbers) != dimensions * len(found.rows):
            raise ValueError("vectors are missing")
        return found

    @classmethod
    def joined(cls, parts: Sequence[Vectors], kept: Sequence[Sequence[int]]) -> Vectors:
        """Return the vectors of a merged segment: of each part those of the chunks that were kept, in their order.

        Vectors of different models cannot be compared: those of the last part that has any stay.
        """
        last = next((part for part in reversed(parts) if part.model), None)
        if last is None:
            return cls.none()
        numbers, rows, at = array("b"), array("I"), 0
        for part, chunks in zip(parts, kept, strict=True):
            if (part.model, part.dimensions) == (last.model, last.dimensions):
                place = {chunk: row for row, chunk in enumerate(part.rows)}
                for new, chunk in enumerate(chunks):
                    if chunk in place:
                        start = place[chunk] * part.dimensions
                        numbers.extend(part.numbers[start : start + part.dimensions])
                        rows.append(at + new)
            at += len(chunks)
        return cls(last.model, last.dimensions, numbers, rows) if rows else cls.none()

    @cached_property
    def bits(self) -> list[int]:
        """The signs of each vector, as the bits of a number."""
        size, whole = self.dimensions, self.numbers.tobytes()
        return [_signs(whole[at : at + size]) for at in range(0, len(whole), size)] if size else []

    def row(self, number: int) -> array[int]:
        """Return one vector."""
        return self.numbers[number * self.dimensions : (number + 1) * self.dimensions]


def nearest(parts: Sequence[Vectors], wanted: Vector, model: str, count: int) -> list[tuple[float, int, int]]:
    """Return what has the most similar direction among several parts: similarity (-1 to 1), part and chunk.

    Nothing is found by a vector of another model or length. The first look is at the signs of all of them, and a good
    part of the nearest by that is then compared exactly: nearly always those are the nearest.
    """
    query = quantised(wanted)
    bits, length = _signs(query.tobytes()), _length(query)
    rows: list[tuple[int, int, int]] = []
    for number, part in enumerate(parts):
        if part.rows and (part.model, part.dimensions) == (model, len(query)):
            far = [((own ^ bits).bit_count(), number, row) for row, own in enumerate(part.bits)]
            rows += heapq.nsmallest(max(_CANDIDATES, count * 2), far)
    found = []
    for _, number, row in heapq.nsmallest(max(_CANDIDATES, count * 2), rows):
        own = parts[number].row(row)
        found.append((sum(map(mul, query, own)) / (length * _length(own)), number, parts[number].rows[row]))
    return heapq.nsmallest(count, found, key=lambda one: (-one[0], one[1], one[2]))
