"""A finished report in a few sentences, for the reports that follow it in a conversation."""

from __future__ import annotations

from typing import Final

from chalicelib.domain.document import Document, block_texts

MAX_SUMMARY_CHARACTERS: Final = 1500

# Where a text may be cut, the best first, and how much of it must stay.
_ENDS: Final = (". ", "! ", "? ", "。", "\n", " ")
_KEPT: Final = 0.5


def summary_of(document: Document, at_most: int = MAX_SUMMARY_CHARACTERS) -> str:
    """Return the beginning of a document: its executive summary where it has one, else its first section.

    Args:
        document: a finished report. A section that could not be written is passed over.
        at_most: characters; a longer text is cut, after a whole sentence if there is one.
    """
    for section in document.sections:
        text = "" if section.degraded else "\n".join(filter(None, map(str.strip, block_texts(section.blocks))))
        if text:
            return _cut(text, at_most)
    return ""


def _cut(text: str, at_most: int) -> str:
    if len(text) <= at_most:
        return text
    head = text[:at_most]
    for end in _ENDS:
        place = head.rfind(end)
        if place >= at_most * _KEPT:
            return head[: place + len(end)].rstrip()
    return head
