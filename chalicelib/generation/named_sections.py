"""The sections that a user asks for by name: in lists, in lines of their own, or within a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LONGEST_NAME = 90
LONGEST_NOTE = 400
MOST_NAMED = 20
FEWEST_IN_A_LIST = 2
MOST_COMPARED = 6

_STRUCTURE = re.compile(
    r"\b(?:sections?|chapters?|structure|structured|outline|table of contents|headings?|parts|organi[sz]ed)\b", re.I
)
# Lists of these say how or for whom to write, not what the sections are.
_NOT_SECTIONS = re.compile(
    r"\b(?:constraints?|requirements?|context|background|facts?|assumptions?|rules?|style|audience|notes?|data"
    r"|sources?|references|links?|instructions?|guidelines|format(?:ting)?|tone|avoid|do not|don['\u2019]t|compare)\b",
    re.IGNORECASE,
)
_COMPARED = re.compile(r"\b(?:compare|comparison (?:of|between)|differences? between)\b", re.IGNORECASE)
_ITEM = re.compile(r"^(?P<indent>[ \t]*)(?:[-*\u2022\u2013]|\(?(?:\d{1,2}|[a-z])[.)])\s+(?P<text>\S.*)$")
_LABELLED = re.compile(
    r"^\s*(?:#{1,6}\s+|(?:section|chapter|part)\s+(?:\d{1,2}|[ivx]{1,5})\s*[:.\u2013-]\s*)(?P<text>\S.*)$", re.I
)
_INLINE = re.compile(r"(?<!\w)\(?(?P<number>\d{1,2})[.)]\s+")
_END = r"(?P<list>[^.:\n?!]+(?:\.\w[^.:\n?!]*)*)"
_ITS_SECTIONS = re.compile(
    r"(?:\b(?:with|in|into|has|have|include|includes|including|containing|of|under)\s+(?:the\s+)?(?:following\s+)?"
    r"(?:(?:separate|distinct|individual|main|two|three|four|five|six|seven|eight|nine|ten|\d{1,2})\s+)*"
    r"(?:sections|chapters|parts|headings)\s*(?:on|about|for|covering|titled|called|named|:|,|\u2013|-)*\s*:?\s+"
    r"|\b(?:sections|chapters|headings|structure|outline)\s*(?::|are|should be|must be)\s+)" + _END,
    re.IGNORECASE,
)
_ONE_SECTION = re.compile(
    r"\b(?:an?|one|another)\s+(?:\w+\s+)?(?:section|chapter)\s+(?:on|about|for|covering|titled|called|named)\s+" + _END,
    re.IGNORECASE,
)
_MENTION = re.compile(
    r"(?:,\s*|\s+|^|\.\s+)(?:and\s+)?"
    r"(?:including|covering|cover|includes?|(?:with (?:a )?)?focus(?:ing|ed|es)? on|addressing)"
    r":?\s+(?:but not limited to\s+|at least\s+|both\s+"
    r"|(?:all of\s+)?the following(?: topics| aspects| points| areas)?:?\s+)?" + _END,
    re.IGNORECASE,
)
# What a report may contain anywhere; the executive summary is always there.
_NOT_A_TITLE = re.compile(
    r"^(?:(?:an?|the|some|many|any|more|several|relevant|concrete"
    r"|practical|real[- ]world|\d+|two|three|detailed|clear|code)\s+)*"
    r"(?:tables?|examples?|references?|citations?|sources|diagrams?|charts?|figures|images?|code|snippets?|links?"
    r"|graphs?|footnotes?|statistics|bullet points?|lists?|executive summary|title|headings?)\b"
    r"|^(?:each|all|every|please|then|but|which|that|written|using|aimed|targeted|suitable|ending|etc|so on|more"
    r"|at least|about|around|not|no|in (?:markdown|english|plain))\b",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"^(?:and\s+|or\s+|finally,?\s+|also\s+)?(?:(?:an?|the|one)\s+)?(?:\w+\s+)?(?:section|chapter)s?\s+(?:on|about|for|covering)\s+",
    re.IGNORECASE,
)
_IN_A_REPORT = re.compile(
    r"\s+in (?:an?|the|this|your|my) (?:\w+ )?(?:report|analysis|document|paper|overview|summary)\b.*$", re.IGNORECASE
)
_LENGTH = re.compile(
    r"[\s,(]{0,3}\b(?:each\s)?(?:(?:in|of|with|at least|about|around|approximately|roughly)\s)?"
    r"(?:(?:\d[\d,.]{0,9}\s?k?\s?(?:-|\u2013|to)\s?)?\d[\d,.]{0,9}\s?k?|one|two|three|four|five|six|seven|eight|nine|ten)"
    r"\s?\+?[\s-]?(?:words?|pages?)\b(?:\seach|\slong|\sin length)?\)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class NamedSections:
    """What the user named: titles in their order, what was said about each (may be empty), and
    whether these are meant to be the sections of the report rather than some of them."""

    titles: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    complete: bool = False


@dataclass(frozen=True)
class _Item:
    text: str
    note: str = ""


def find_named_sections(request: str) -> NamedSections:
    """Return the sections that ``request`` names; its lines are kept, other white space is single."""
    for items, complete in _readings(request):
        named = _named(items, complete)
        if named.titles:
            return named
    return NamedSections()


def listed_for_comparison(request: str) -> tuple[str, ...]:
    """Return the items of a list that is announced as things to compare."""
    for announcement, items in _lists(request.split("\n")):
        if _COMPARED.search(announcement) and FEWEST_IN_A_LIST <= len(items) <= MOST_COMPARED:
            return _named(items, complete=False).titles
    return ()


def without_named_sections(request: str) -> str:
    """Return the request without its lists of sections: what it is about."""
    lines = [line for line in request.split("\n") if not _ITEM.match(line) and not _LABELLED.match(line)]
    text = "\n".join(line[: _inline_start(line)] for line in lines)
    for pattern in (_ITS_SECTIONS, _ONE_SECTION, _MENTION):
        text = pattern.sub("", text)
    return text


def split_list(text: str, plural: bool = False) -> list[str]:
    """Split "A, B, and C"; without a comma "and" may belong to one name, unless ``plural`` things are listed."""
    items = _split_outside_brackets(text, ";")
    if len(items) == 1:
        items = _split_outside_brackets(text, ",")
    if not items or (len(items) == 1 and not plural):
        return items
    *before, last = items
    if re.match(r"(?:and|or|as well as)\s", last, re.IGNORECASE):
        return [*before, re.sub(r"^(?:and|or|as well as)\s+", "", last, flags=re.IGNORECASE)]
    return [*before, *re.split(r"\s(?:and|as well as)\s", last, maxsplit=1)]


def without_length(text: str) -> str:
    """Return text without the length that it names ("in 800 words")."""
    return _LENGTH.sub("", text)


def _readings(request: str) -> Iterator[tuple[list[_Item], bool]]:
    """Return what may be the user's list, the surest sign first, and whether it is the whole structure."""
    lines = request.split("\n")
    labelled = [_Item(match["text"]) for line in lines if (match := _LABELLED.match(line))]
    if len(labelled) >= FEWEST_IN_A_LIST:
        yield labelled, True
    for announcement, items in _lists(lines):
        if len(items) >= FEWEST_IN_A_LIST and not _NOT_SECTIONS.search(announcement):
            yield items, bool(_STRUCTURE.search(announcement))
    for line in lines:
        inline = _inline(line)
        if inline:
            yield inline, bool(_STRUCTURE.search(line[: line.find(inline[0].text)]))
    for match in _ITS_SECTIONS.finditer(request):
        yield [_Item(item) for item in split_list(match["list"], plural=True)], True
    mentioned = [_Item(item) for match in _MENTION.finditer(request) for item in split_list(match["list"])]
    single = [_Item(match["list"]) for match in _ONE_SECTION.finditer(request)]
    yield mentioned or single, False


def _lists(lines: Sequence[str]) -> Iterator[tuple[str, list[_Item]]]:
    """Return each list of the request with the line that announces it; deeper items are notes."""
    announcement, items, depth = "", list[_Item](), 0
    for line in lines:
        match = _ITEM.match(line)
        if match and items and len(match["indent"]) > depth:
            items[-1] = _Item(items[-1].text, f"{items[-1].note}; {match['text']}".lstrip("; "))
        elif match:
            depth = len(match["indent"])
            items.append(_Item(match["text"]))
        elif line.strip():
            if items:
                yield announcement, items
            announcement, items = line, []
    if items:
        yield announcement, items


def _inline(line: str) -> list[_Item]:
    """Return the items of "1) costs 2) noise": numbers from one on, within one line."""
    marks = list(_INLINE.finditer(line))
    if len(marks) < FEWEST_IN_A_LIST or [mark["number"] for mark in marks] != [str(n + 1) for n in range(len(marks))]:
        return []
    ends = [*(mark.start() for mark in marks[1:]), len(line)]
    return [_Item(re.split(r"[.?!](?:\s|$)", line[m.end() : end])[0]) for m, end in zip(marks, ends, strict=True)]


def _inline_start(line: str) -> int:
    """Return where the items of a line begin, or its length where it has none."""
    first = _INLINE.search(line) if _inline(line) else None
    return first.start() if first else len(line)


def _split_outside_brackets(text: str, separator: str) -> list[str]:
    parts, depth = [""], 0
    for character in text:
        depth = max(0, depth + (character == "(") - (character == ")"))
        if character == separator and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]


def _named(items: Sequence[_Item], complete: bool) -> NamedSections:
    found: dict[str, tuple[str, str]] = {}
    for item in items:
        title, note = _title_and_note(item)
        if title and title.lower() not in found and len(found) < MOST_NAMED:
            found[title.lower()] = title, note
    titles, notes = [title for title, _ in found.values()], [note for _, note in found.values()]
    return NamedSections(tuple(titles), tuple(notes), complete and len(titles) >= FEWEST_IN_A_LIST)


def _title_and_note(item: _Item) -> tuple[str, str]:
    """Return the name of a section, or nothing where the item is no name, and what was said about it."""
    text = _LEAD.sub("", _bare(_IN_A_REPORT.sub("", without_length(item.text))))
    head, note = text, item.note
    parts = re.split(r"\s*:\s+|\s+[\u2013\u2014-]\s+", text, maxsplit=1)
    if len(parts) == 2 and len(parts[0]) <= LONGEST_NAME:
        head, note = parts[0], f"{parts[1]}; {note}".rstrip("; ")
    elif len(text) > LONGEST_NAME:
        head, note = text[:LONGEST_NAME].rsplit(" ", 1)[0], f"{text}; {note}".rstrip("; ")
    head = _bare(head)
    if not re.search(r"\w", head) or _NOT_A_TITLE.match(head) or len(head) > LONGEST_NAME:
        return "", ""
    return _capitalised(head), note[:LONGEST_NOTE]


def _bare(text: str) -> str:
    return " ".join(text.split()).strip(" .,;:-*_#`\"'\u201c\u201d\u2018\u2019")


def _capitalised(title: str) -> str:
    """Return a title with a capital letter, but "iOS" and "eBPF" as they are spelled."""
    first = title.split(" ", 1)[0]
    return title[:1].upper() + title[1:] if first.islower() and len(first) > 1 else title
