"""Text from users and models on its way into a prompt: bounded, readable, and unable to leave its place.

A prompt puts such text between tags (``<request> … </request>``). What looks like one of these
tags inside the text is defused, and so are characters that a reader of the text cannot see.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

from chalicelib.generation.assignment import EarlierReport
from chalicelib.privacy.token_map import OPENING

TAGS = (
    "title",
    "request",
    "context",
    "conversation",
    "outline",
    "statements",
    "finding",
    "findings",
    "facts",
    "wishes",
    "sources",
    "source",
)
CUT = " … (cut)"
LONGEST_EARLIER_TITLE = 200
LONGEST_EARLIER_SUMMARY = 800
DEEPEST = 6

# A joiner, which some scripts need, does not make "</request>" another word for a model.
_GAP = r"[\s\u200c\u200d/\\]*"
_LESS_THAN = "<\uff1c\ufe64"
_TAG = re.compile(rf"[{_LESS_THAN}](?={_GAP}(?:{'|'.join(map(_GAP.join, TAGS))})(?![\w-]))", re.IGNORECASE)
# Control characters, marks of writing direction, and the invisible alphabet of "tags".
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)
_BRACKETED = re.compile(r"[\[\u3010]\s*(\^?\d{1,3}(?:\s*[,;\u2013-]\s*\d{1,3})*)\s*[\]\u3011]")
_TORN_TOKEN = re.compile(f"{OPENING}[A-Z_0-9]{{0,40}}$")
_QUOTES = str.maketrans({"\u201c": "'", "\u201d": "'", "\u201e": "'", '"': "'", "<": "\u2039", ">": "\u203a"})


def as_material(text: str, longest: int | None = None) -> str:
    """Return text that cannot close the tags it is put between, cut to ``longest`` characters."""
    text = _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _TAG.sub("\u2039", bounded(text, longest) if longest else text)


def as_line(text: str, longest: int) -> str:
    """Return text for the middle of a prompt's own sentence: one line, without quotes and tags."""
    return bounded(" ".join(_UNSEEN.sub("", text).split()).translate(_QUOTES), longest)


def bounded(text: str, longest: int) -> str:
    """Return text of at most ``longest`` characters, cut between words, and with a mark where it was cut.

    A token that stands for a private value is never cut: nobody would know the rest of it.
    """
    if len(text) <= longest:
        return text
    room = max(0, longest - len(CUT))
    head = text[:room]
    whole = head[: max(head.rfind(" "), head.rfind("\n"))] if re.search(r"\s", head[room // 2 :]) else head
    return (_TORN_TOKEN.sub("", whole).rstrip() + CUT)[:longest]


def readable(context: str) -> str:
    """Return background as a reader would write it down: JSON as lines of "name: value", other text as it is."""
    try:
        value = json.loads(context)
    except (ValueError, RecursionError):
        return context
    if not isinstance(value, dict | list):
        return context
    return "\n".join(_lines(value, 0))


def source_text(text: str, longest: int) -> str:
    """Return a passage of a source: as other material, and nothing in it looks like a citation of ours."""
    return _BRACKETED.sub(r"(\1)", as_material(text, longest))


def earlier_reports(conversation: Sequence[EarlierReport], longest: int) -> str:
    """Return titles and summaries of earlier reports, the oldest first; of too many, the latest.

    Args:
        conversation: the reports, the oldest first.
        longest: characters for all of them together.
    """
    told: list[str] = []
    for report in reversed(conversation):
        title = as_line(report.title, LONGEST_EARLIER_TITLE)
        text = f"- {title}\n  {bounded(' '.join(report.summary.split()), LONGEST_EARLIER_SUMMARY)}".rstrip()
        if sum(map(len, told)) + len(text) > longest:
            break
        told.insert(0, text)
    return "\n".join(told)


def has_letters(text: str) -> bool:
    """Tell whether there is anything to read in a text."""
    return any(unicodedata.category(character)[0] in "LN" for character in text)


def _lines(value: Any, depth: int) -> Iterator[str]:
    indent = "  " * depth
    entries = value.items() if isinstance(value, dict) else ((None, item) for item in value)
    for name, item in entries:
        lead = f"{indent}- " if name is None else f"{indent}{' '.join(str(name).split())}: "
        if not isinstance(item, dict | list) or not item:
            yield lead + _scalar(item, indent)
        elif depth >= DEEPEST:
            yield lead + "…"
        else:
            yield lead.rstrip()
            yield from _lines(item, depth + 1)


def _scalar(value: Any, indent: str) -> str:
    if isinstance(value, str):
        return value.strip().replace("\n", f"\n{indent}  ")
    return {True: "yes", False: "no", None: "none"}[value] if isinstance(value, bool | None) else _plain(value)


def _plain(value: Any) -> str:
    return "none" if value in ([], {}) else str(value)
