"""Reads PDF files, page by page."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pypdf import PdfReader
from pypdf.errors import DependencyError, FileNotDecryptedError, PyPdfError

from chalicelib.knowledge.blocks import Block, ReadDocument, UnreadableError, bounded, cleaned, one_line

MAX_PAGES: Final = 3_000
_MAX_OUTLINE: Final = 5_000
# A line that is this much shorter than the longest of its page ends a paragraph.
_SHORT: Final = 0.75
_NUMBERED: Final = re.compile(r"(\d{1,2}(?:\.\d{1,2}){1,3})\.?\s+(?=[^\W\d_])[^.;:!?]{3,80}")
_ENDS: Final = (".", "!", "?", ":", "。", "؟", "।")
# What stands above and below the text of each page.
_EDGE_LINES: Final = 2
_SOME_PAGES: Final = 3
_PAGE_NUMBER: Final = re.compile(
    r"[-\u2013\u2014\s]*(?:page\s)?([0-9]{1,4})(?:\s*(?:/|of)\s*[0-9]{1,4})?[-\u2013\u2014\s]*", re.I
)
# "Chapter 7: Hashes 16": a running head of several words with the page's number.
_NUMBERED_HEAD: Final = re.compile(
    r"(?P<head>\S+\s.*?)\s+(?P<page>[0-9]{1,4})|(?P<first>[0-9]{1,4})\s+(?P<rest>\S+\s.+)"
)
_YEAR: Final = re.compile(r"(?:19|20)[0-9]{2}")
# Letters that fonts draw as one: nobody looks for them, or reads them in every other font.
_LIGATURES: Final = str.maketrans(
    {"\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl", "\ufb03": "ffi", "\ufb04": "ffl", "\ufb05": "st", "\ufb06": "st"}
)
_ITEM: Final = re.compile(r"[\u2022\u2023\u25e6\u25aa\u2013*-]\s+|\(?\d{1,2}[.)]\s+")


def read_pdf(content: bytes) -> ReadDocument:
    """Return the text of a PDF file. Headings are those of its outline, and numbered lines that look like one.

    Raises:
        UnreadableError: it cannot be read.
    """
    if b"%PDF-" not in content[:1024]:
        raise UnreadableError("damaged", "The file is not a PDF.")
    try:
        reader = PdfReader(io.BytesIO(content), strict=False)
        # Many files are encrypted with an empty password: everybody may open them.
        if reader.is_encrypted and not reader.decrypt(""):
            raise UnreadableError("encrypted", "The document is encrypted: upload it without a password.")
        pages = len(reader.pages)
        if pages > MAX_PAGES:
            raise UnreadableError("too_many_pages", f"The document has {pages} pages; at most {MAX_PAGES} are read.")
        if not pages:
            raise UnreadableError("empty", "The document has no pages.")
        title = one_line(str((reader.metadata and reader.metadata.title) or ""))[:200]
        unread: list[int] = []
        blocks = list(_blocks(reader, _outline(reader), unread))
    except (DependencyError, FileNotDecryptedError) as error:
        raise UnreadableError("encrypted", "The document is encrypted: upload it without a password.") from error
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, OSError, RecursionError) as error:
        # A damaged file shows itself anywhere in the library.
        raise UnreadableError("damaged", "The file is damaged and cannot be read.") from error
    if len(unread) == pages:
        raise UnreadableError("damaged", "The file is damaged: none of its pages can be read.")
    if not any(block.text.strip() for block in blocks):
        raise UnreadableError("no_text", "No text was found: pages that are pictures (scans) are not read.")
    notices = (f"Pages that could not be read: {', '.join(map(str, unread[:20]))}",) if unread else ()
    return ReadDocument(bounded(blocks), title=title, pages=pages, notices=notices)


def _outline(reader: PdfReader) -> Mapping[int, Mapping[str, int]]:
    """Return the headings that a file's outline names: page → text as it is compared → level."""
    found: dict[int, dict[str, int]] = {}
    try:
        waiting: list[tuple[Any, int]] = [(reader.outline, 1)]
        seen = 0
        while waiting and seen < _MAX_OUTLINE:
            entries, level = waiting.pop()
            for entry in entries:
                seen += 1
                if isinstance(entry, list):
                    waiting.append((entry, level + 1))
                    continue
                page = reader.get_destination_page_number(entry)
                if page is not None and entry.title:
                    found.setdefault(page, {})[_compared(str(entry.title))] = min(level, 6)
    except Exception:
        return found
    return found


def _compared(text: str) -> str:
    return re.sub(r"\W+", "", text.casefold())


def _blocks(reader: PdfReader, outline: Mapping[int, Mapping[str, int]], unread: list[int]) -> Iterator[Block]:
    read: dict[int, list[str]] = {}
    for number, page in enumerate(reader.pages):
        try:
            text = cleaned(page.extract_text()).translate(_LIGATURES)
        except (MemoryError, DependencyError, FileNotDecryptedError):
            raise
        except Exception:
            unread.append(number + 1)
            continue
        read[number] = [line.strip() for line in text.split("\n")]
    for number, lines in without_running_lines(read).items():
        yield from _page(lines, number + 1, outline.get(number, {}))


def without_running_lines(pages: Mapping[int, Sequence[str]]) -> dict[int, list[str]]:
    """Return the lines of pages without page numbers and what is repeated above or below the text of each page.

    A line at the top or the bottom of a page is one of these if some pages have the very same, of which the first
    stays, so that no word is lost; or if it is a number alone that grows with the pages, or some words with one.
    """
    edges = {page: _edges(lines) for page, lines in pages.items()}
    texts = Counter(lines[at] for page, lines in pages.items() for at in edges[page])
    distances = Counter(_distance(lines[at], page) for page, lines in pages.items() for at in edges[page])
    heads = Counter(_numbered_head(lines[at], page) for page, lines in pages.items() for at in edges[page])
    kept: dict[int, list[str]] = {}
    seen: set[str] = set()
    for page, lines in pages.items():
        dropped = set()
        for at in edges[page]:
            distance = _distance(lines[at], page)
            is_number = distance is not None and distances[distance] >= _SOME_PAGES
            head = _numbered_head(lines[at], page)
            is_number = is_number or (head is not None and heads[head] >= _SOME_PAGES)
            if is_number or (lines[at] in seen and texts[lines[at]] >= _SOME_PAGES):
                dropped.add(at)
            seen.add(lines[at])
        kept[page] = [line for at, line in enumerate(lines) if at not in dropped]
    return kept


def _edges(lines: Sequence[str]) -> list[int]:
    """Return which lines may stand above or below the text of a page."""
    filled = [at for at, line in enumerate(lines) if line]
    return sorted({*filled[:_EDGE_LINES], *filled[-_EDGE_LINES:]})


def _distance(line: str, page: int) -> int | None:
    """Return how far the number that a line is lies from that of its page, or None for another line."""
    number = _PAGE_NUMBER.fullmatch(line)
    return int(number[1]) - page if number else None


def _numbered_head(line: str, page: int) -> tuple[str, int] | None:
    """Return the words of a line that has a number besides, and how far that lies from the page's; None for another."""
    # With single spaces: the pattern tries every place in a gap with every other.
    found = _NUMBERED_HEAD.fullmatch(" ".join(line.split()))
    if found is None:
        return None
    words, number = (found["head"], found["page"]) if found["page"] else (found["rest"], found["first"])
    # Headings of pages that each tell of a year are no running heads.
    return None if _YEAR.fullmatch(number) else (words, int(number) - page)


def _page(lines: Sequence[str], page: int, headings: Mapping[str, int]) -> Iterator[Block]:
    longest = max(map(len, lines), default=0)
    paragraph: list[str] = []

    def ended() -> Iterator[Block]:
        if paragraph:
            yield Block("paragraph", _joined(paragraph), page)
            paragraph.clear()

    for line in lines:
        level = _level(line, headings)
        if not line or level:
            yield from ended()
            if level:
                yield Block("heading", one_line(line), page, level)
            continue
        if _ITEM.match(line):
            yield from ended()
        paragraph.append(line)
        if line.endswith(_ENDS) and len(line) < longest * _SHORT:
            yield from ended()
    yield from ended()


def _level(line: str, headings: Mapping[str, int]) -> int:
    """Return the level of the heading that a line is, or 0 for none."""
    if not line or len(line) > 200:
        return 0
    if headings and (level := headings.get(_compared(line))):
        return level
    numbered = _NUMBERED.fullmatch(line)
    # In a list of contents the same line ends with a page.
    return min(numbered[1].count(".") + 1, 6) if numbered and not line[-1].isdigit() else 0


def _joined(lines: list[str]) -> str:
    """Return the text of lines, with words together that were divided at an end of a line."""
    text = lines[0]
    for line in lines[1:]:
        if text.endswith("-") and text[-2:-1].isalpha() and line[:1].islower():
            text = text[:-1] + line
        else:
            text += f" {line}"
    return " ".join(text.split())
