"""Names that links inside a report can point to."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chalicelib.domain.document import Section

_SAFE_ID = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}")


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
