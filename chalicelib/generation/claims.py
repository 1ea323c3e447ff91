"""Sentences that cite sources, and where they stand in the Markdown of a part."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from chalicelib.generation.citation_marks import citations_in, with_code, without_citations
from chalicelib.generation.claim_parts import LONGEST_SENTENCE, SENTENCE_END
from chalicelib.generation.markdown_text import heading_title
from chalicelib.generation.source_check import says_something

_ITEM = re.compile(r"\s*(?:>\s*)*(?:[-*+]|\d{1,9}[.)])\s+")
_QUOTE = re.compile(r"(?m)^\s*(?:>\s*)+")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*(?:\s+\"[^\"]*\")?\)")
_EMPHASIS = re.compile(r"(\*{1,3}|_{2,3}|~~)(?=\S)(.{1,400}?)(?<=\S)\1")
_SPACES = re.compile(r"[^\S\n]+")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_LONGEST_BLOCK: Final = 20_000
# Markup and addresses included; what is longer than that is cut, and too long to be compared even so.
_LONGEST_MARKDOWN: Final = 3 * LONGEST_SENTENCE


@dataclass(frozen=True)
class Claim:
    """A sentence that cites sources: as plain text without citations, their numbers, and where the last of them ends.

    ``start`` and ``end`` are where the sentence itself stands.
    """

    sentence: str
    numbers: tuple[int, ...]
    marked_at: int
    start: int
    end: int


def claims_in(text: str) -> Iterator[Claim]:
    """Yield the claims of a text whose citations have the one form; headings and code make none."""
    marks = list(citations_in(text))
    if not marks:
        return
    places = [place for place, _, _ in marks]
    for start, end in _sentences(text):
        inside = marks[bisect_left(places, start) : bisect_left(places, end)]
        if not inside:
            continue
        sentence = plain_sentence(text[start:end])
        if says_something(sentence):
            numbers = tuple(dict.fromkeys(number for _, _, cited in inside for number in cited))
            yield Claim(sentence, numbers, _place_of_mark(text, start, end, inside[-1]), start, end)


def _place_of_mark(text: str, start: int, end: int, last: tuple[int, int, tuple[int, ...]]) -> int:
    """Return where something can be said of a sentence: behind its last citation, or at its end if that opens it."""
    if re.search(r"[^\W\d_]", text[start : last[0]]):
        return last[1]
    return start + len(text[start:end].rstrip().rstrip(".!?\u3002*_| "))


def plain_sentence(markdown: str) -> str:
    """Return a sentence of Markdown as a reader sees it, without its citations; one that is too long, as it is."""
    markdown = _SPACES.sub(" ", markdown)
    if len(markdown) > _LONGEST_MARKDOWN:
        return " ".join(markdown[:_LONGEST_MARKDOWN].split())
    text = without_citations(_QUOTE.sub("", markdown))
    text = _ITEM.sub("", _LINK.sub(r"\1", text), count=1) if _ITEM.match(text) else _LINK.sub(r"\1", text)
    text = _EMPHASIS.sub(r"\2", _EMPHASIS.sub(r"\2", text)).replace("`", "")
    if text.lstrip().startswith("|"):
        text = "; ".join(cell.strip() for cell in text.strip().strip("|").split("|"))
    return " ".join(_ESCAPED.sub(r"\1", text).split())


def without_sentences(text: str, claims: list[Claim]) -> str:
    """Return a text without the sentences of some of its claims."""
    kept, end = [], 0
    for claim in sorted(claims, key=lambda one: one.start):
        kept.append(text[end : claim.start])
        end = max(end, claim.end)
    return "".join([*kept, text[end:]])


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    for start, end in _blocks(text):
        position = start
        for stop in SENTENCE_END.finditer(text[start:end]):
            yield position, start + stop.start()
            position = start + stop.end()
        if text[position:end].strip():
            yield position, end


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Yield from where to where paragraphs, items of lists and rows of tables go; not where code does."""
    start, place = -1, 0
    for line, is_code in with_code(text.split("\n")):
        end = place + len(line)
        is_row = line.lstrip().startswith("|")
        alone = is_code or is_row or heading_title(line) is not None
        if start >= 0 and (alone or not line.strip() or _ITEM.match(line) or place - start > _LONGEST_BLOCK):
            yield start, place - 1
            start = -1
        if alone:
            if not (is_code or line.lstrip().startswith("#")):
                yield place, end  # a line that is bold as a whole may be a sentence
        elif line.strip() and start < 0:
            start = place
        place = end + 1
    if start >= 0:
        yield start, len(text)
