"""Reads text files: paragraphs are what empty lines separate."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Final

from chalicelib.knowledge.blocks import Block, ReadDocument, UnreadableError, bounded, cleaned

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BETWEEN: Final = re.compile(r"\n[ \t]*\n\s*")
_UNDERLINE: Final = re.compile(r"(=|-|~|\*)\1{2,}")
_LONGEST_HEADING: Final = 120
# A line that has so much of the widest one's length, and so many letters, was full.
_FULL: Final = 0.7
_NARROW: Final = 50
_ITEM: Final = re.compile(r"\s*(?:[-*+\u2022]|\(?(?:\d{1,3}|[A-Za-z])[.)])\s")


def decoded(content: bytes) -> str:
    """Return a file's text: UTF-8, what its byte order mark says, or else Windows-1252.

    Raises:
        UnreadableError: it is no text.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            try:
                return cleaned(content.decode(encoding))
            except UnicodeDecodeError as error:
                raise UnreadableError("damaged", f"The file begins like {encoding.upper()} and is not.") from error
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")
    if "\x00" in text[:10_000]:
        raise UnreadableError("damaged", "The file is not text.")
    return cleaned(text)


def read_text(content: bytes) -> ReadDocument:
    """Return the paragraphs of a text file; a short line that is underlined is a heading.

    Raises:
        UnreadableError: it is no text, or there is none.
    """
    return ReadDocument(bounded(_paragraphs(decoded(content))))


def _paragraphs(text: str) -> Iterator[Block]:
    for paragraph in _BETWEEN.split(text):
        lines = paragraph.strip("\n").split("\n")
        if len(lines) > 1 and len(lines[0]) <= _LONGEST_HEADING and _UNDERLINE.fullmatch(lines[1].strip()):
            yield Block("heading", lines[0].strip(), level=1 if lines[1].strip()[0] == "=" else 2)
            lines = lines[2:]
        yield Block("paragraph", "\n".join(_unwrapped(lines)).strip())


def _unwrapped(lines: list[str]) -> list[str]:
    """Return lines without the ends that an editor has put into a paragraph: full ones go on in the next."""
    widest = max(map(len, lines), default=0)
    joined: list[str] = []
    length = 0
    for line in lines:
        if joined and length >= max(_NARROW, widest * _FULL) and not _ITEM.match(line) and "  " not in line.strip():
            joined[-1] += f" {line.strip()}"
        else:
            joined.append(line)
        length = len(line)
    return joined
