"""Text that others wrote, made fit for one of our sentences: one line, bounded, visible, and no markup."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

CUT: Final = "…"

# Control characters, marks of writing direction, halves of pairs, and the invisible alphabet of "tags".
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)
_QUOTES = str.maketrans({'"': "'", "\u201c": "'", "\u201d": "'", "\u201e": "'", "\u00ab": "'", "\u00bb": "'"})
_ALWAYS_MARKUP = re.compile(r"[\\`*\[\]<>~|]")
# All of them in ``__init__``, none in ``snake_case``.
_UNDERSCORE_AT_EDGE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_ENTITY = re.compile(r"&(?=#?\w{1,32};)")
# What would pass for the id of a finding, of which only real ones may stand in a narrative.
_ID = re.compile(r"fnd_", re.IGNORECASE)
_LINE_START = re.compile(r"^(\d{0,9})(?=[-+#=.)])")
_WORD = re.compile(r"[^\s“”]+")
# What some readers of Markdown make a link of without being told to; and paths and names whose underscores or
# backslashes would have to be escaped, and would then be hard to read; other paths of files look like them.
_AS_CODE = re.compile(
    r"[a-z][a-z0-9+.-]{1,20}://|\bwww\.|[\w.+-]@[\w-]+\.|[/\\]_|__|\\|[\w.-]/[^.]*\.\w", re.IGNORECASE
)
_BEFORE_CODE: Final = "([,;'"
_AFTER_CODE: Final = ")],;.:!?'…"
_SENTENCE_END = re.compile(r"(?<=[.!?。])\s+(?=\S)")
_SCRIPTS: Final = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "FULLWIDTH", "MATHEMATICAL")


def plain_line(text: str, longest: int) -> str:
    """Return ``text`` as one visible line of at most ``longest`` characters, cut between words where it can be."""
    # A prefix is enough for the line, however long the text is.
    line = " ".join(_UNSEEN.sub(" ", text[: longest * 4 + 200]).split())
    if len(line) <= longest:
        return line
    head = line[: max(0, longest - 1)]
    space = head.rfind(" ")
    return (head[:space] if space > longest // 2 else head).rstrip(" ,;:.") + CUT


def quoted(text: str, longest: int) -> str:
    """Return ``text`` as a quotation for a sentence of ours, without a quotation mark or full stop of its own."""
    return f"“{plain_line(text, longest).translate(_QUOTES).strip(' .') or 'untitled'}”"


def as_markdown(text: str) -> str:
    """Return plain text as Markdown that shows exactly it: nothing in it is markup, a citation or a link."""
    parts: list[str] = []
    end = 0
    for word in _WORD.finditer(text):
        if _AS_CODE.search(word[0]):
            start = word.end() - len(word[0].lstrip(_BEFORE_CODE))
            stop = max(start, word.start() + len(word[0].rstrip(_AFTER_CODE)))
            parts.extend((_escaped(text[end:start]), _code(text[start:stop])))
            end = stop
    parts.append(_escaped(text[end:]))
    return _LINE_START.sub(r"\1\\", "".join(parts))


def first_sentence(text: str, longest: int) -> str:
    """Return the first sentence of ``text`` as one line of at most ``longest`` characters."""
    line = plain_line(text, max(longest, 1) * 2)
    return plain_line(_SENTENCE_END.split(line, maxsplit=1)[0], longest)


def mixes_alphabets(name: str) -> bool:
    """Tell whether ``name`` has letters of alphabets that look alike, so that it may pass for another name."""
    return len(_alphabets(name)) > 1 or bool(_alphabets(name) & {"FULLWIDTH", "MATHEMATICAL"})


def any_mixed(names: Iterable[str]) -> list[str]:
    """Return the names that mix alphabets, each once, in their order."""
    return [name for name in dict.fromkeys(names) if mixes_alphabets(name)]


def _alphabets(name: str) -> set[str]:
    words = (unicodedata.name(letter, "").split(" ")[0] for letter in name if letter.isalpha())
    return {word for word in words if word in _SCRIPTS}


def _escaped(text: str) -> str:
    text = _ALWAYS_MARKUP.sub(lambda mark: f"\\{mark[0]}", text)
    text = _ID.sub(lambda found: f"{found[0][:-1]}\\_", _UNDERSCORE_AT_EDGE.sub(r"\\_", text))
    return _ENTITY.sub(r"\\&", text)


def _code(text: str) -> str:
    """Return text as a code span, in which nothing is a link; what closes it has another look."""
    if not text:
        return ""
    return f"`{_ID.sub(lambda found: found[0][:-1] + '-', text.replace('`', chr(0x2BC)))}`"
