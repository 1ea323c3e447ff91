"""Cuts a document into the pieces that it is found by: along its headings, paragraphs, tables and sentences.

The text of a document is that of its blocks, with an empty line between each two; offsets count its characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from chalicelib.knowledge.blocks import Block

WANTED_WORDS: Final = 220
"""A piece that has so many words takes no further paragraph."""

MOST_WORDS: Final = 300
_OVERLAP_WORDS: Final = 50
_BETWEEN: Final = "\n\n"
_LONGEST_HEADING: Final = 200
# A word that is longer than this counts as several: text without spaces is cut, too.
_LETTERS_OF_A_WORD: Final = 12

_WITHOUT_SPACES: Final = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")

_SENTENCE: Final = re.compile(
    r"(?<=[.!?])[\"'”\u2019)\]]*\s+(?=[^\W_a-z]|[\"'“\u2018(\[])|(?<=[\u3002\uff01\uff1f])|\n"
)


@dataclass(frozen=True)
class Chunk:
    """A piece of a document.

    Args:
        text: its words; it begins with the last sentence of the piece before, where a text goes on.
        start: where it begins in the text of the document, in characters.
        end: where it ends, exclusive.
        headings: the headings that it stands under, the outermost first.
        page: the page it begins on after that sentence, from 1; None without pages.
        last_page: the page it ends on.
    """

    text: str
    start: int
    end: int
    headings: tuple[str, ...] = ()
    page: int | None = None
    last_page: int | None = None


@dataclass(frozen=True)
class _Piece:
    """Something that is not cut any more: a part of a document's text, and the row that is to stand above it."""

    text: str
    start: int
    page: int | None
    words: int
    breaks_before: str = _BETWEEN
    row_above: str = ""
    is_prose: bool = True
    is_repeated: bool = False

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def word_count(text: str) -> int:
    """Return about how many words a text has; a long run of letters counts as several."""
    words = sum(1 + (len(word) - 1) // _LETTERS_OF_A_WORD if len(word) > 24 else 1 for word in text.split())
    # Scripts that write no spaces: of Chinese and Japanese two letters are about a word.
    return words if text.isascii() else max(words, len(_WITHOUT_SPACES.findall(text)) // 2)


def document_text(blocks: Sequence[Block]) -> str:
    """Return the text that the offsets of chunks count in."""
    return _BETWEEN.join(block.text for block in blocks)


def chunks_of(blocks: Iterable[Block]) -> Iterator[Chunk]:
    """Yield the pieces of a document."""
    path: list[tuple[int, str]] = []
    waiting: list[_Piece] = []
    at = 0
    for block in blocks:
        if block.kind == "heading":
            yield from _pieced(waiting, path)
            waiting = []
            path = [(level, text) for level, text in path if level < block.level]
            path.append((block.level, block.text[:_LONGEST_HEADING]))
        else:
            waiting += _pieces(block, at)
        at += len(block.text) + len(_BETWEEN)
    yield from _pieced(waiting, path)


def _pieced(pieces: Sequence[_Piece], path: Sequence[tuple[int, str]]) -> Iterator[Chunk]:
    """Yield chunks of what stands between two headings."""
    headings = tuple(text for _, text in path)
    taken: list[_Piece] = []
    words = 0
    for piece in pieces:
        if taken and (words >= _enough(taken[-1], piece) or words + piece.words > MOST_WORDS):
            yield _chunk(taken, headings)
            taken = _overlap(taken)
            words = sum(one.words for one in taken)
        taken.append(piece)
        words += piece.words
    if taken:
        yield _chunk(taken, headings)


def _enough(last: _Piece, following: _Piece) -> int:
    """Return how many words end a chunk: fewer at the end of a page, so that most have one page to be cited by."""
    return WANTED_WORDS if last.page == following.page else WANTED_WORDS // 3


def _chunk(pieces: Sequence[_Piece], headings: tuple[str, ...]) -> Chunk:
    text = pieces[0].row_above + pieces[0].text + "".join(f"{piece.breaks_before}{piece.text}" for piece in pieces[1:])
    page = next((piece.page for piece in pieces if not piece.is_repeated), pieces[0].page)
    return Chunk(text, pieces[0].start, pieces[-1].end, headings, page, pieces[-1].page)


def _overlap(pieces: Sequence[_Piece]) -> list[_Piece]:
    """Return the last sentence, for the next piece to begin with; none where it is long, or would be all of it."""
    last = pieces[-1]
    if not last.is_prose:
        return []
    sentences = _sentences(last.text)
    start, text = sentences[-1]
    words = word_count(text)
    if words > _OVERLAP_WORDS or (len(pieces) == 1 and len(sentences) == 1):
        return []
    before = last.breaks_before if len(sentences) == 1 else " "
    return [_Piece(text, last.start + start, last.page, words, before, is_repeated=True)]


def _pieces(block: Block, at: int) -> Iterator[_Piece]:
    words = word_count(block.text)
    is_prose = block.kind not in ("table", "code")
    if words <= MOST_WORDS:
        yield _Piece(block.text, at, block.page, words, is_prose=is_prose)
    elif is_prose:
        yield from _by_sentences(block, at)
    else:
        yield from _by_lines(block, at)


def _by_sentences(block: Block, at: int) -> Iterator[_Piece]:
    first = True
    for start, sentence in _sentences(block.text):
        for offset, part in _cut(sentence):
            yield _Piece(part, at + start + offset, block.page, word_count(part), _BETWEEN if first else " ")
            first = False


def _by_lines(block: Block, at: int) -> Iterator[_Piece]:
    """Yield the lines of a table or of code, some together; each part of a table has its first row above it."""
    first_row = block.text.partition("\n")[0]
    above = f"{first_row}\n" if block.kind == "table" and word_count(first_row) < _OVERLAP_WORDS else ""

    def piece(start: int, end: int) -> _Piece:
        text = block.text[start:end]
        # Such a piece is a chunk of its own: what it counts is more than another would leave room for.
        words = max(WANTED_WORDS, word_count(text))
        return _Piece(text, at + start, block.page, words, row_above=above if start else "", is_prose=False)

    start, end, words, line_at = 0, 0, 0, 0
    for line in block.text.split("\n"):
        for offset, part in _cut(line):
            count = word_count(part)
            if words and words + count > WANTED_WORDS:
                yield piece(start, end)
                start, words = line_at + offset, 0
            words += count
            end = line_at + offset + len(part)
        line_at += len(line) + 1
    if words:
        yield piece(start, end)


def _sentences(text: str) -> list[tuple[int, str]]:
    """Return the sentences of a text and where they begin."""
    found, start = [], 0
    for end in _SENTENCE.finditer(text):
        if sentence := text[start : end.start()].rstrip():
            found.append((start, sentence))
        start = end.end()
    if rest := text[start:].rstrip():
        found.append((start, rest))
    return found or [(0, text)]


def _cut(sentence: str) -> Iterator[tuple[int, str]]:
    """Yield a sentence, in parts where it is far too long, and where they begin."""
    if word_count(sentence) <= MOST_WORDS:
        yield 0, sentence
        return
    start, words, end = 0, 0, 0
    for word in re.finditer(rf"\S{{1,{_LETTERS_OF_A_WORD * 20}}}", sentence):
        count = word_count(word[0])
        if words and words + count > WANTED_WORDS:
            yield start, sentence[start:end]
            start, words = word.start(), 0
        words += count
        end = word.end()
    yield start, sentence[start:end]
