"""Small readings of Markdown as text that cleaning, judging and cutting share."""

from __future__ import annotations

import re
from collections.abc import Iterator

WORDS_PER_IDEOGRAPH = 0.6

_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")
_FENCE = re.compile(r"^ {0,3}(?P<mark>`{3,}|~{3,})(?P<info>[^\n]*)$")
_SENTENCE_END = re.compile(r"(?<=[.!?\u3002\uff01\uff1f\u2026])[\"\u201d\u2019\u00bb)\]*_]*(?:\s+|$)")
_CLOSED = re.compile(r"[.!?\u3002\uff01\uff1f\u2026:;\u061f\u0964][\"'\u201d\u2019\u00bb)\]*_`]*$")
_LIST_MARK = re.compile(r"^\s*(?:[-*+]|\d{1,9}[.)])\s")
_HEADING = re.compile(r" {0,3}#{1,6}(?:\s+(?P<title>\S.*)|\s+)$", re.DOTALL)
_BOLD_LINE = re.compile(r"(?P<mark>\*\*|__)(?P<title>[^*_\n]+?):?(?P=mark):?")
_CODE_SPAN = re.compile(r"(?<!`)(?P<mark>`+)(?!`).+?(?<!`)(?P=mark)(?!`)")


def normal(text: str) -> str:
    """Return words only, in lower case: for telling whether two lines say the same."""
    return " ".join(re.findall(r"\w+", text.lower()))


def fenced_lines(text: str) -> Iterator[tuple[str, bool]]:
    """Yield every line and whether it belongs to fenced code, the fences themselves included."""
    return ((line, fenced) for line, fenced, _ in _fences(text))


def _fences(text: str) -> Iterator[tuple[str, bool, bool]]:
    """Yield every line, whether it belongs to fenced code, and whether such code is open behind it."""
    fence = ""
    for line in text.splitlines():
        mark = _FENCE.match(line)
        fenced = bool(fence or mark)
        if not fence:
            fence = mark["mark"] if mark else ""
        elif mark and mark["mark"].startswith(fence) and not mark["info"].strip():
            fence = ""
        yield line, fenced, bool(fence)


def prose_lines(text: str) -> list[str]:
    """Return the lines outside fenced code and tables, where repetition means something."""
    return [line for line, fenced in fenced_lines(text) if not fenced and not line.lstrip().startswith("|")]


def without_code(text: str) -> str:
    """Return the text with fenced and indented code left out and code spans emptied, for judging only."""
    kept: list[str] = []
    indented, blank = False, True
    for line, fenced in fenced_lines(text):
        is_indented = line.startswith(("    ", "\t")) and bool(line.strip())
        indented = is_indented and (blank or indented)
        blank = not line.strip()
        if not fenced and not indented:
            kept.append(_CODE_SPAN.sub("``", line))
    return "\n".join(kept)


def open_fence(text: str) -> bool:
    """Tell whether the text ends inside a fenced code block."""
    return any([is_open for _, _, is_open in _fences(text)][-1:])


def heading_title(line: str) -> str | None:
    """Return the title where the line is a heading ("## …" or a line that is bold as a whole), else None."""
    if found := _HEADING.match(line):
        title = (found["title"] or "").rstrip()
        bare = title.rstrip("#")
        return bare.rstrip() if bare[-1:].isspace() else title
    bold = _BOLD_LINE.fullmatch(line.strip())
    return bold["title"].strip() if bold else None


def sentences(text: str) -> list[str]:
    """Return the sentences of the prose; a line end ends a sentence too."""
    found = (part.strip() for line in prose_lines(text) for part in _SENTENCE_END.split(line))
    return [sentence for sentence in found if sentence]


def words(text: str) -> int:
    """Count words: separated by white space, or estimated for scripts written without it."""
    unspaced = len(_UNSPACED.findall(text))
    return len(text.split()) + round(unspaced * WORDS_PER_IDEOGRAPH)


def is_unfinished(text: str) -> bool:
    """Tell whether the text ends in the middle of something: a sentence, a heading without text, open code."""
    stripped = text.rstrip()
    if not stripped:
        return False
    if open_fence(stripped):
        return True
    last, fenced = list(fenced_lines(stripped))[-1]
    if fenced or last.lstrip().startswith("|"):
        return False
    if heading_title(last) is not None or last.endswith((",", ":", " -", " \u2013")):
        return True
    if _LIST_MARK.match(last):  # the items of a list often are no sentences
        return len(_LIST_MARK.sub("", last).split()) > 12 and not _CLOSED.search(last)
    # Where no sentence has an end that we know, the last one needs none either.
    return not _CLOSED.search(last) and any(map(_SENTENCE_END.search, prose_lines(stripped)))


def without_last_heading(text: str) -> str:
    """Return the text without headings at its end that nothing follows."""
    kept = text.rstrip()
    while "\n" in kept and not open_fence(kept) and heading_title(kept[kept.rfind("\n") + 1 :]) is not None:
        kept = kept[: kept.rfind("\n")].rstrip()
    return kept


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


def to_finished(text: str) -> str:
    """Return the text up to the last thing that is complete: no half sentence, no announcement of nothing."""
    kept = text.rstrip()
    while kept and is_unfinished(kept) and not open_fence(kept):
        shorter = to_last_sentence(kept)
        if shorter == kept:  # a heading, an announcement, or a line that is no sentence at all
            shorter = kept[: kept.rfind("\n") + 1].rstrip()
        kept = shorter
    return kept


def cut_to(text: str, most_words: int) -> str:
    """Return whole blocks, and of the last one whole sentences, that have at most ``most_words`` words.

    Code and tables are kept whole or not at all; a heading never stands at the end. The first
    sentence is kept however long it is.
    """
    kept: list[str] = []
    left = most_words
    for block in _blocks(text):
        if words(block) > left:
            kept.append(_first_sentences(block, left))
            break
        kept.append(block)
        left -= words(block)
    cut = to_finished("\n\n".join(block for block in kept if block))
    return cut or next(iter(sentences(text)), "")


def _blocks(text: str) -> Iterator[str]:
    block: list[str] = []
    for line, fenced in fenced_lines(text):
        if line.strip() or fenced:
            block.append(line)
        elif block:
            yield "\n".join(block)
            block = []
    if block:
        yield "\n".join(block)


def _first_sentences(block: str, most_words: int) -> str:
    if block != "\n".join(prose_lines(block)):
        return ""
    end = 0
    for match in re.finditer(rf"{_SENTENCE_END.pattern}|\n", block):
        if words(block[: match.end()]) > most_words:
            break
        end = match.end()
    return block[:end].rstrip()
