"""Runs of digits and the separators between them: the candidates for phone numbers, cards and national numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.privacy.prepared_text import PreparedText

_SEPARATORS = " \u00a0\u202f.()/+\\-\u2010-\u2013"
# Starts with a digit, so that the search leaps over prose; each separator can be read in one way only.
_RUN = re.compile(rf"[0-9](?:[{_SEPARATORS}]{{0,3}}[0-9]){{5,}}")
_GROUP = re.compile(r"[0-9]+")
# What may follow a phone number without a space.
EXTENSION = re.compile(r" ?(?:x|ext\.? ?|extension )[0-9]{1,6}(?!\w)", re.IGNORECASE)
_MOST_DIGITS = 19
MOST_GROUPS = 9
# A dash or dot here ties a group to the next: a window may not end there.
_TIES = frozenset("-./\u2010\u2011\u2012\u2013")


@dataclass(frozen=True)
class Window:
    """Neighbouring groups of digits: characters ``start`` to ``end``; ``first`` where no group precedes it."""

    start: int
    end: int
    digits: str
    shape: tuple[int, ...]
    separators: frozenset[str]
    first: bool


def number_windows(prepared: PreparedText) -> Iterator[list[Window]]:
    """Yield for each group of digits what can be read from it on, the longest first.

    A group is part of at most ``MOST_GROUPS`` windows that start at it, so the whole is linear in the text.
    """
    text = prepared.text
    for run in _RUN.finditer(text):
        groups = [(m.start(), m.end()) for m in _GROUP.finditer(text, *run.span())]
        if not prepared.starts_word(groups[0][0]):
            del groups[0]
        if groups and not prepared.ends_word(groups[-1][1]) and not EXTENSION.match(text, groups[-1][1]):
            del groups[-1]
        for first in range(len(groups)):
            if first and _ties(text, groups[first - 1][1], groups[first][0]):
                continue
            if windows := _windows_from(text, groups, first):
                yield windows


def _windows_from(text: str, groups: list[tuple[int, int]], first: int) -> list[Window]:
    found: list[Window] = []
    digits = ""
    separators: set[str] = set()
    start = groups[first][0]
    for place in range(first, min(first + MOST_GROUPS, len(groups))):
        group_start, group_end = groups[place]
        if len(digits) + group_end - group_start > _MOST_DIGITS:
            break
        if place > first:
            separator = text[groups[place - 1][1] : group_start]
            if "+" in separator:
                break  # the next number
            separators.add(separator)
        digits += text[group_start:group_end]
        if len(digits) < 7 or (place + 1 < len(groups) and _ties(text, group_end, groups[place + 1][0])):
            continue
        shape = tuple(e - s for s, e in groups[first : place + 1])
        found.append(Window(start, group_end, digits, shape, frozenset(separators), first == 0))
    found.reverse()
    return found


def _ties(text: str, end: int, start: int) -> bool:
    return end < start and text[end:start].strip("()") in _TIES
