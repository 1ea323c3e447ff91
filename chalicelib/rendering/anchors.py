"""Names that links inside a report can point to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from chalicelib.domain.document import Section

_SAFE_ID = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}")
_NO_WORD = re.compile(r"[^a-z0-9]+")
_MOST_SLUG = 60


class Anchors:
    """Hands out names, each once."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)

    def take(self, wanted: str, otherwise: str) -> str:
        """Return ``wanted`` if it is a valid name that is free, else a name that begins with ``otherwise``."""
        anchor = wanted if _SAFE_ID.fullmatch(wanted) and wanted not in self._taken else otherwise
        number = 2
        while anchor in self._taken:
            anchor = f"{otherwise}-{number}"
            number += 1
        self._taken.add(anchor)
        return anchor

    def take_all(self, names: Sequence[str]) -> bool:
        """Take ``names`` if all of them are free, or none of them, and tell."""
        if self._taken.intersection(names):
            return False
        self._taken.update(names)
        return True


def section_anchors(sections: Sequence[Section]) -> list[str]:
    """Return one anchor for each section: its id where that is a valid and unused name."""
    anchors: list[str] = []
    taken: set[str] = set()
    for number, section in enumerate(sections, start=1):
        anchor = section.id
        if not _SAFE_ID.fullmatch(anchor) or anchor in taken:
            anchor = f"section-{number}"
        while anchor in taken:
            anchor += "-"
        taken.add(anchor)
        anchors.append(anchor)
    return anchors


def slug(text: str) -> str:
    """Return ``text`` as a name made of its Latin letters and digits; empty if it has none."""
    return _NO_WORD.sub("-", text.lower())[:_MOST_SLUG].strip("-")
