"""Small readings of Markdown as text that cleaning and judging share."""

from __future__ import annotations

import re

WORDS_PER_IDEOGRAPH = 0.6

_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")
_FENCE = re.compile(r"^ {0,3}(?P<mark>`{3,}|~{3,})(?P<info>[^\n]*)$")
_SENTENCE_END = re.compile(r"(?<=[.!?\u3002\uff01\uff1f])[\"\u201d\u2019)\]*_]*(?:\s+|$)")


def normal(text: str) -> str:
    """Return words only, in lower case: for telling whether two lines say the same."""
    return " ".join(re.findall(r"\w+", text.lower()))


def prose_lines(text: str) -> list[str]:
    """Return the lines outside fenced code and tables, where repetition means something."""
    lines: list[str] = []
    fence = ""
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if fence:
            if mark and mark["mark"].startswith(fence) and not mark["info"].strip():
                fence = ""
        elif mark:
            fence = mark["mark"]
        elif not line.lstrip().startswith("|"):
            lines.append(line)
    return lines


def open_fence(text: str) -> bool:
    """Tell whether the text ends inside a fenced code block."""
    fence = ""
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if fence:
            if mark and mark["mark"].startswith(fence) and not mark["info"].strip():
                fence = ""
        elif mark:
            fence = mark["mark"]
    return bool(fence)


def sentences(text: str) -> list[str]:
    """Return the sentences of the prose; a line end ends a sentence too."""
    found = (part.strip() for line in prose_lines(text) for part in _SENTENCE_END.split(line))
    return [sentence for sentence in found if sentence]


def words(text: str) -> int:
    """Count words: separated by white space, or estimated for scripts written without it."""
    unspaced = len(_UNSPACED.findall(text))
    return len(text.split()) + round(unspaced * WORDS_PER_IDEOGRAPH)


def to_last_sentence(text: str) -> str:
    """Return the text without an unfinished last sentence; code, tables and headings are kept."""
    stripped = text.rstrip()
    last_line_start = stripped.rfind("\n") + 1
    last_line = stripped[last_line_start:]
    if open_fence(stripped) or last_line.lstrip().startswith("|"):
        return stripped
    ends = [len(last_line[: match.end()].rstrip()) for match in _SENTENCE_END.finditer(last_line)]
    if ends:
        return stripped[: last_line_start + max(ends)]
    return stripped[:last_line_start].rstrip() or stripped
