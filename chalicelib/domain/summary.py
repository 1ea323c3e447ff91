"""A finished report in a few sentences, for the reports that follow it in a conversation."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable
from typing import Final

from chalicelib.domain.document import Document, block_texts

MAX_SUMMARY_CHARACTERS: Final = 1500

# Where a text may be cut, the best first, and how much of it must stay.
_ENDS: Final = (". ", "! ", "? ", "。", "\n", " ")
_KEPT: Final = 0.5
_CITATIONS = re.compile(r"\s*(?:\[[0-9]{1,3}\])+")


def summary_of(
    document: Document,
    at_most: int = MAX_SUMMARY_CHARACTERS,
    indivisible: Callable[[str], Iterable[str]] = lambda text: (),
) -> str:
    """Return the beginning of a document: its executive summary where it has one, else its first section.

    Args:
        document: a finished report. A section that could not be written is passed over.
        at_most: characters; a longer text is cut, after a whole sentence if there is one, else after a word.
        indivisible: returns what of a text is not cut: private values, a part of which nobody would know for private.
    """
    for section in document.sections:
        text = "" if section.degraded else "\n".join(filter(None, map(_told, block_texts(section.blocks))))
        if text:
            return text if len(text) <= at_most else _cut(text, at_most, _spans(text, at_most, indivisible))
    return ""


def _spans(text: str, at_most: int, indivisible: Callable[[str], Iterable[str]]) -> list[tuple[int, int]]:
    """Return from where to where the values of a text go that begin before the place where it must end."""
    values = sorted(set(filter(None, indivisible(text))), key=len, reverse=True)
    found = re.finditer("|".join(map(re.escape, values)), text) if values else ()
    return [one.span() for one in itertools.takewhile(lambda one: one.start() < at_most, found)]


def _told(text: str) -> str:
    """Return a text without citations: their numbers mean nothing in another report."""
    return _CITATIONS.sub("", text).strip()


def _cut(text: str, at_most: int, spans: list[tuple[int, int]]) -> str:
    head = text[: _before(at_most, spans)]
    for end in _ENDS:
        place = head.rfind(end)
        while place >= at_most * _KEPT:
            if _before(place + len(end.rstrip()), spans) == place + len(end.rstrip()):
                return head[: place + len(end)].rstrip()
            place = head.rfind(end, 0, place)
    return head.rstrip()


def _before(place: int, spans: list[tuple[int, int]]) -> int:
    """Return the place where a text may end: before a value, if it lies inside of that."""
    return next((start for start, end in spans if start < place < end), place)
