"""Text of both directions: which way each character runs, and in which order a line shows them.

The levels are those of the Unicode Bidirectional Algorithm (UAX #9): even ones run
left to right, odd ones right to left, and higher ones lie inside lower ones.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from unicodedata import bidirectional

from fpdf.bidi import BidiParagraph
from fpdf.enums import TextDirection

# Letters of the right-to-left blocks, and the controls that turn text round.
_RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u08ff\u200f\u202b\u202e\u2067\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_PARAGRAPH_ENDS = str.maketrans("\n\r\x1c\x1d\x1e\x85\u2029", "       ")


class Levels(NamedTuple):
    """The level of a paragraph, and of each of its characters."""

    base: int
    levels: list[int]


def has_right_to_left(text: str) -> bool:
    """Tell whether any part of ``text`` may run from right to left."""
    return not text.isascii() and _RIGHT_TO_LEFT.search(text) is not None


def is_right_to_left(text: str) -> bool:
    """Tell whether a paragraph of ``text`` begins at the right: its first letter decides."""
    if not has_right_to_left(text):
        return False
    classes = map(bidirectional, text)
    return next((found for found in classes if found in ("L", "R", "AL")), "L") != "L"


def embedding_levels(text: str, base: int | None = None) -> Levels:
    """Return the levels of ``text``; its first letter decides on the paragraph's unless ``base`` is given."""
    direction = None if base is None else TextDirection.RTL if base else TextDirection.LTR
    paragraph = BidiParagraph(text.translate(_PARAGRAPH_ENDS), direction)
    known = {character.character_index: character.embedding_level for character in paragraph.get_characters()}
    levels: list[int] = []
    for index in range(len(text)):
        # Joiners and embedding controls have no level of their own; they stay with what they follow.
        levels.append(known.get(index, levels[-1] if levels else paragraph.base_embedding_level))
    return Levels(paragraph.base_embedding_level, levels)


def visual_order(levels: Sequence[int]) -> list[int]:
    """Return the indices of ``levels`` in the order in which a line shows them, from left to right."""
    order = list(range(len(levels)))
    lowest_odd = min((level for level in levels if level % 2), default=1)
    for level in range(max(levels, default=0), lowest_odd - 1, -1):
        start = 0
        while start < len(order):
            end = start
            while end < len(order) and levels[order[end]] >= level:
                end += 1
            order[start:end] = order[start:end][::-1]
            start = end + 1
    return order
