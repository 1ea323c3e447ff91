"""Text without the characters that no file format can carry or show."""

from __future__ import annotations

import re

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

_LINE_ENDS = re.compile("\r\n?|\x85")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_UNENCODABLE = re.compile("[\ud800-\udfff\ufffe\uffff]")


def visible(text: str) -> str:
    """Return ``text`` without control characters; line feeds and tabs stay.

    Lone surrogates and non-characters, which UTF-8 or XML refuse, become U+FFFD.
    Every line end becomes one line feed.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _LINE_ENDS.sub("\n", text)
    return _UNENCODABLE.sub(REPLACEMENT, _CONTROLS.sub("", text))


def one_line(text: str) -> str:
    """Return ``text`` as :func:`visible` does, with every run of white space as one space."""
    return " ".join(visible(text).split())
