"""A text as its reader sees it: without signs that nobody sees, and with one form for each letter, digit and space.

What was copied from a PDF, a web page or a phone has no-break spaces, soft hyphens, full-width or Arabic digits and
accents as signs of their own. Nobody sees the difference, so it must not decide on what is found.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_UNSEEN: Final = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff"
_SPACES: Final = "\u00a0\u2000-\u200a\u202f\u205f\u3000"
# Decimal digits of scripts that have their own, at the code of their zero.
_ZEROES: Final = (0x0660, 0x06F0, 0x0966, 0x09E6, 0x0E50, 0x1040)
_DIGITS: Final = "".join(f"{chr(zero)}-{chr(zero + 9)}" for zero in _ZEROES)
_ACCENTS: Final = "\u0300-\u036f"
# One class, so that the search leaps over all else.
_ODD: Final = re.compile(rf"[{_UNSEEN}{_ACCENTS}{_SPACES}\u2010\u2011\uff01-\uff5e{_DIGITS}]")
_ACCENT_RUN: Final = re.compile(f"[{_ACCENTS}]+")
_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]+")
_FIRST_WIDE, _LAST_WIDE, _WIDE_BY = "\uff01", "\uff5e", 0xFEE0


@dataclass(frozen=True)
class PlainView:
    """A text in its plain form; ``places`` says where each of its characters stands in the text, None if there too."""

    text: str
    places: Sequence[int] | None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where characters ``start`` to ``end`` of the plain form stand in the text."""
        if self.places is None:
            return start, end
        return self.places[start], self.places[end]


def plain_view(text: str) -> PlainView:
    """Return the plain form of a text."""
    # In prose few characters are not ASCII, and they are the same ones again and again.
    if not _ODD.search("".join({character for run in _NOT_ASCII.findall(text) for character in run})):
        return PlainView(text, None)
    parts: list[str] = []
    places: list[int] = []
    position = 0
    moved = False
    for match in _ODD.finditer(text):
        if match.start() < position:
            continue
        start, end, plain = _plain(text, match.start(), position)
        parts += text[position:start], plain
        places.extend(range(position, start))
        places.extend([start] * len(plain) if len(plain) != end - start else range(start, end))
        moved = moved or len(plain) != end - start
        position = end
    parts.append(text[position:])
    places.extend(range(position, len(text) + 1))
    return PlainView("".join(parts), places if moved else None)


def _plain(text: str, place: int, low: int) -> tuple[int, int, str]:
    """Return what is seen of one odd piece, and where that starts, not before ``low``, and ends."""
    character = text[place]
    if accents := _ACCENT_RUN.match(text, place):
        start = place - 1
        if start >= low and text[start].isalpha():
            composed = unicodedata.normalize("NFC", text[start : accents.end()])
            if len(composed) == 1:
                return start, accents.end(), composed
        return place, accents.end(), accents.group()
    if _FIRST_WIDE <= character <= _LAST_WIDE:
        return place, place + 1, chr(ord(character) - _WIDE_BY)
    if character.isdecimal():
        return place, place + 1, str(unicodedata.decimal(character))
    if character in "\u2010\u2011":
        return place, place + 1, "-"
    return place, place + 1, " " if character.isspace() else ""
