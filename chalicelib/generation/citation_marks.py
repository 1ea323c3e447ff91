"""Citations as models write them, in one form: ``[3]`` before the end of the sentence, one pair of brackets for each.

They write [1], [1, 2], [1-3], (Source 1), 【1】, ^1^, [^1], \\[1\\], and lists of references nobody asked for. Numbers
in code, links and addresses are none. What names a source that there is not goes, and is counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from html import unescape
from typing import Final

from chalicelib.generation.markdown_text import fenced_lines, heading_title, normal

_MOST_OF_A_RANGE: Final = 10
_WORD: Final = r"(?:sources?|refs?\.?|references?|documents?|docs?\.?|citations?|quellen?|fuentes?)"
_ONE: Final = r"#?\^?\d{1,3}"
# Bounded, so that a long run of spaces is not gone through again and again.
_GAP: Final = r"\s{0,3}"
_JOIN: Final = rf"(?:{_GAP}(?:[,;&\u2013\u2014-]|\band\b|\bto\b|\bund\b){_GAP})"
_LIST: Final = rf"{_ONE}(?:{_JOIN}(?:{_WORD}{_GAP}:?{_GAP})?{_ONE})*"
_PAGE: Final = rf"(?:{_GAP}[,:]?{_GAP}(?:pp?\.|pages?|s\.){_GAP}\d{{1,6}}(?:{_GAP}[\u2013-]{_GAP}\d{{1,6}})?)?"
_GONE: Final = "\u0001"
_OPEN, _CLOSE = rf"\\?\[{_GAP}", rf"{_GAP}\\?\]"

# Each finds a citation, with what it cites as its group "list".
_FORMS: Final = (
    rf"{_OPEN}\^?(?:{_WORD}{_GAP}:?{_GAP})?(?P<list>{_LIST}){_PAGE}{_CLOSE}(?!\()",
    rf"\u3010{_GAP}(?:{_WORD}{_GAP})?(?P<list>{_LIST})(?:\u2020[^\u3011\n]{{0,80}})?{_GAP}\u3011",
    rf"\({_GAP}(?:(?:see|cf\.?|from|per|according to)\s{{1,3}})?\[?{_WORD}{_GAP}:?{_GAP}(?P<list>{_LIST})\]?{_PAGE}"
    rf"{_GAP}\)",
    rf"\^\[?(?P<list>{_LIST})\]?\^",
    rf"<sup>{_GAP}\[?(?P<list>{_LIST})\]?{_GAP}</sup>",
)
_MARK = re.compile(
    "|".join(form.replace("(?P<list>", f"(?P<list{number}>") for number, form in enumerate(_FORMS)), re.IGNORECASE
)
# "as source 2 says" in the text: the word stays.
_SAID = re.compile(rf"\b(?P<word>sources?)\s+\[?(?P<list>{_LIST})\b(?!\s*[%\w.]*\d)\]?", re.IGNORECASE)
_RAISED: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_RAISED_MARK = re.compile('(?<=[.!?,;:)\u201d"])(?P<list>[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3})(?=\\s|$)')
# What is no place for a citation: code, links with what they show, addresses.
_CODE: Final = r"(?<!`)(?P<tick>`+)(?!`).+?(?<!`)(?P=tick)(?!`)"
_NO_PLACE = re.compile(
    rf"{_CODE}"
    r"|!?\[[^\[\]\n]*\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s+\"[^\"\n]*\")?\)"
    r"|<(?:https?|mailto):[^<>\s]*>|https?://[^\s<>\"\u3010]+"
)
_PLAIN = r"\[\d{1,3}\]"
_EACH = re.compile(r"\[(\d{1,3})\]")
# A line on where "[3]" leads, and to nobody's own address.
_ADDRESS = re.compile(
    r"^\s{0,3}(?:>\s?)*(?:[-*+]\s+)?\[\d{1,3}\]:\s*<?(?:[a-z][a-z+.-]{1,20}:|//|www\.)\S*", re.IGNORECASE
)
# [3](https://…), [[3]](https://…): where a model thinks that a source is.
_LINKED = re.compile(
    rf"{_CODE}|(?<![!\]`])\[\s*(?:\\?\[(?P<doubled>\d{{1,3}})\\?\]|(?P<number>\d{{1,3}}))\s*\]"
    r"\([^()\s]*(?:\s+\"[^\"\n]*\")?\)"
)
# [what [3] says](https://…): what shows a link has no citation in it.
_LINK_WITH_MARKS = re.compile(
    rf"{_CODE}|!?\[(?P<shown>(?:[^\[\]\n]{{0,200}}\\?\[{_ONE}\\?\]){{1,9}}[^\[\]\n]{{0,200}})\]"
    r"(?P<target>\([^()\s]*(?:\s+\"[^\"\n]*\")?\)|\[(?!\d{1,3}\])[^\[\]\n]{1,80}\](?!\())"
)
_INNER_MARK = re.compile(r"[ \t]{0,3}\\?\[#?\^?(\d{1,3})\\?\]")
# Brackets and digits written as a reader of Markdown reads them, and nobody else.
_ENTITY = re.compile(
    rf"{_CODE}|&(?:#0{{0,5}}(?:4[89]|5[0-7]|91|93)|#x0{{0,4}}(?:3[0-9]|5b|5d)|[lr]sqb|[lr]brack);", re.IGNORECASE
)
# **[3]**, [*3*]
_EMPHATIC = re.compile(
    rf"(?<!\S)(?P<around>\*{{1,3}}|_{{1,3}})(?P<marks>(?:{_PLAIN}){{1,9}})(?P=around)(?=[\s.,;:!?)]|$)"
    r"|\[(?P<within>\*{1,3}|_{1,3})(?P<number>\d{1,3})(?P=within)\](?![(\[])"
)
_GROUP = re.compile(rf"(?<!\s)(?:\s*{_PLAIN})+")
_STOP: Final = r"[.!?\u3002\uff01\uff1f]"
_AFTER_STOP = re.compile(
    rf"(?<!{_STOP})(?P<stop>{_STOP}+)(?P<close>[\"\u201d\u2019)*_]*)[ \t]?"
    rf"(?P<marks>{_PLAIN}(?:\s?{_PLAIN})*)[.]?(?=\s+[^\sa-z]|\s*$|\s*\|)"
)
# Citations and nothing else.
_LONE = re.compile(rf"\s*(?:>\s*)*(?:[-*+]\s+)?(?:{_PLAIN}\s*)+(?:[.]\s*)?")
_TITLE = re.compile(r"\s{0,3}#{1,6}(?:\s|$)")
_DEFINITION = re.compile(rf"^\s{{0,3}}(?:[-*+]\s+)?(?:\d+[.)]\s+)?{_OPEN}\^?(?P<number>\d{{1,3}}){_CLOSE}(?=.*\S)")
_OTHER_ENDS = re.compile("[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_BULLET = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])(?:\s(?=\s{4})|\s{1,4}(?=\S))")
_FOOTNOTE = re.compile(r"^\s{0,3}\[\^(?P<label>[^\s\[\]]{1,20})\]:(?P<text>.*)")
_LIST_TITLES: Final = frozenset(
    ("references", "sources", "citations", "bibliography", "works cited", "quellen", "sources used", "source list")
)


@dataclass(frozen=True)
class Cited:
    """A text whose citations have one form, and the numbers that were cited and do not exist."""

    text: str
    unknown: tuple[int, ...] = ()


def with_plain_citations(text: str, known: Collection[int]) -> Cited:
    """Return a model's Markdown with its citations as ``[3]``, each of a number in ``known``.

    Args:
        text: what it wrote.
        known: the numbers that it was given.
    """
    unknown: list[int] = []
    footnotes = _own_footnotes(text)

    def plain(found: re.Match[str]) -> str:
        said = next(value for name, value in found.groupdict().items() if name.startswith("list") and value)
        if "[^" in found[0] and said.lstrip("^#") in footnotes:
            return found[0]
        return _plain(said, known, unknown, found[0])

    lines = _without_lists(text.split("\n"), known, footnotes)
    made = [line if is_code else _line(line, plain, known) for line, is_code in with_code(lines)]
    return Cited(_tidy("\n".join(made)), tuple(unknown))


def cited_numbers(text: str) -> tuple[int, ...]:
    """Return the numbers that a text cites in the one form, outside code and links, each once."""
    return tuple(dict.fromkeys(number for _, _, numbers in citations_in(text) for number in numbers))


def citations_in(text: str) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Yield where each run of citations stands in a text of the one form, from and to, and their numbers."""
    place = 0
    for line, is_code in with_code(text.split("\n")):
        if not is_code:
            masked = _NO_PLACE.sub(lambda found: "\u0000" * len(found[0]), line)
            for found in _GROUP.finditer(masked):
                numbers = tuple(int(number) for number in re.findall(r"\d+", found[0]))
                yield place + found.start(), place + found.end(), numbers
        place += len(line) + 1


def with_literal_citations(text: str, known: Collection[int]) -> str:
    """Return a text of the one form for a reader of Markdown: to that, its citations are text and no links.

    "[3]" is a link for it wherever the text says "[3]: https://…", and no line of a model's may say where it leads.
    """
    made, end = [], 0
    for start, stop, _ in citations_in(text):
        made.append(text[end:start])
        made.append(_EACH.sub(lambda found: _literal(found, known), text[start:stop]))
        end = stop
    return "".join([*made, text[end:]])


def _literal(found: re.Match[str], known: Collection[int]) -> str:
    return f"\\[{found[1]}\\]" if int(found[1]) in known else found[0]


def without_citations(text: str) -> str:
    """Return a text of the one form without its citations."""
    kept, end = [], 0
    for start, stop, _ in citations_in(text):
        kept.append(text[end:start])
        end = stop
    return "".join([*kept, text[end:]])


def _plain(said: str, known: Collection[int], unknown: list[int], found: str) -> str:
    """Return what a citation cites in the one form; text that can be none, as it is."""
    numbers = list(_numbers(said))
    if 0 in numbers or not numbers:
        return found
    unknown += [number for number in numbers if number not in known]
    return "".join(f"[{number}]" for number in dict.fromkeys(numbers) if number in known) or _GONE


def _numbers(said: str) -> Iterator[int]:
    """Yield the numbers of a list such as "1, 3-5 and 8"; of a range that is too long, its ends."""
    last: int | None = None
    is_range = False
    for piece in re.findall(r"\d+|[\u2013\u2014-]|\bto\b", said):
        if not piece.isdigit():
            is_range = True
            continue
        number = int(piece)
        if is_range and last is not None and last < number < last + _MOST_OF_A_RANGE:
            yield from range(last + 1, number)
        yield number
        last, is_range = number, False


def _line(line: str, plain: Callable[[re.Match[str]], str], known: Collection[int]) -> str:
    line = _ENTITY.sub(lambda found: found[0] if found["tick"] else unescape(found[0]), line)
    line = _LINK_WITH_MARKS.sub(lambda found: found[0] if found["tick"] else _marks_behind(found, known), line)
    line = _LINKED.sub(lambda found: _unlinked(found, known), line)
    kept: list[str] = []
    end = 0
    for found in _NO_PLACE.finditer(line):
        kept += [_prose(line[end : found.start()], plain, known), found[0]]
        end = found.end()
    return "".join([*kept, _prose(line[end:], plain, known)])


def _marks_behind(found: re.Match[str], known: Collection[int]) -> str:
    """Return a link, or a picture, with the citations in what it shows behind it."""
    numbers = _INNER_MARK.findall(found["shown"])
    shown = _INNER_MARK.sub("", found["shown"])
    if any(int(number) not in known for number in numbers):
        return found[0]
    marks = "".join(f"[{number}]" for number in numbers)
    if not shown.strip():
        return marks
    return f"{found[0][: found[0].index('[')]}[{shown}]{found['target']} {marks}"


def _unlinked(found: re.Match[str], known: Collection[int]) -> str:
    if found["doubled"]:
        return f"[{found['doubled']}]"
    return f"[{found['number']}]" if found["number"] and int(found["number"]) in known else found[0]


def _prose(text: str, plain: Callable[[re.Match[str]], str], known: Collection[int]) -> str:
    text = _EMPHATIC.sub(lambda found: found["marks"] or f"[{found['number']}]", text.replace(_GONE, ""))
    text = re.sub(rf"(?<![ \t])[ \t]*{_GONE}", "", _MARK.sub(plain, text))
    text = _RAISED_MARK.sub(lambda found: _raised(found, known), text)
    return _SAID.sub(lambda found: _said(found, known), text)


def _raised(found: re.Match[str], known: Collection[int]) -> str:
    number = int(found["list"].translate(_RAISED))
    return f"[{number}]" if number in known else found[0]


def _said(found: re.Match[str], known: Collection[int]) -> str:
    numbers = list(_numbers(found["list"]))
    if not numbers or any(number not in known for number in numbers):
        return found[0]
    return f"{found['word']} {''.join(f'[{number}]' for number in dict.fromkeys(numbers))}"


def _tidy(text: str) -> str:
    """Return a text with its citations before the ends of sentences, and one space before them; headings have none."""
    lines = []
    for line, is_code in with_code(_with_lone_marks(text.split("\n"))):
        if not is_code and _TITLE.match(line):
            lines.append(without_citations(line).rstrip())
        else:
            lines.append(line if is_code else _spaced(_AFTER_STOP.sub(_before_stop, line)))
    return "\n".join(lines)


def _with_lone_marks(lines: list[str]) -> list[str]:
    """Return lines where citations that have a line of their own stand behind the sentence that they follow."""
    kept: list[str] = []
    last: int | None = None
    for line, is_code in with_code(lines):
        if not is_code and last is not None and _LONE.fullmatch(line):
            kept[last] = f"{kept[last].rstrip()} {_joined(line)}"
            del kept[last + 1 :]
            continue
        if line.strip():
            last = None if is_code or _TITLE.match(line) or line.lstrip().startswith("|") else len(kept)
        kept.append(line)
    return kept


def _before_stop(found: re.Match[str]) -> str:
    return f" {_joined(found['marks'])}{found['stop']}{found['close']}"


def _spaced(line: str) -> str:
    kept: list[str] = []
    end = 0
    masked = _NO_PLACE.sub(lambda found: "\u0000" * len(found[0]), line)
    for found in re.finditer(rf"(?<![ \t])[ \t]*{_PLAIN}(?:\s?{_PLAIN})*", masked):
        before = line[end : found.start()]
        lead = "" if not (before or kept) or before.endswith(("(", "\u201c", "[", " ")) or _is_cjk(before[-1:]) else " "
        if not before and kept:
            lead = " "
        if not before.strip() and not kept:
            lead = found[0][: len(found[0]) - len(found[0].lstrip())]
        kept += [before, lead, _joined(found[0])]
        end = found.end()
        if masked[end : end + 1] == "(":
            kept.append(" ")  # else it would be a link
    return "".join([*kept, line[end:]])


def _joined(marks: str) -> str:
    return "".join(f"[{number}]" for number in dict.fromkeys(re.findall(r"\d+", marks)))


def _is_cjk(character: str) -> bool:
    return "\u3000" <= character <= "\u9fff"


def with_code(lines: list[str]) -> Iterator[tuple[str, bool]]:
    """Yield lines, and whether each is code, fenced or indented."""
    blank, indented, items = True, False, _Items()
    # What other readers end a line at ends none here.
    marked = fenced_lines("\n".join(_OTHER_ENDS.sub(" ", line) or " " for line in lines))
    for line, (_, is_fenced) in zip(lines, marked, strict=True):
        ends_paragraph = not line.strip() or is_fenced or line.lstrip().startswith("#")
        indented = not is_fenced and items.takes_for_code(line, may_begin=blank or indented or ends_paragraph)
        blank = ends_paragraph
        yield line, is_fenced or indented


class _Items:
    """The items of lists that a line stands in: what is as far in as an item's text is a paragraph of it, not code."""

    def __init__(self) -> None:
        self._columns: list[int] = []

    def takes_for_code(self, line: str, *, may_begin: bool) -> bool:
        """Take note of the next line; tell whether it is indented code. ``may_begin``: no paragraph goes on in it."""
        wide = line.expandtabs(4)
        indent = len(wide) - len(wide.lstrip())
        if not wide.strip():
            return False
        item = _BULLET.match(wide)
        if may_begin or item:
            while self._columns and indent < self._columns[-1]:
                self._columns.pop()
        inside = self._columns[-1] if self._columns else 0
        if may_begin and indent >= inside + 4:
            return not (item and self._columns and indent < inside + 8)
        if item:
            self._columns.append(len(item[0]))
        return False


def _own_footnotes(text: str) -> frozenset[str]:
    """Return the labels of footnotes that say something of their own, and do not only name a source."""
    found = (_FOOTNOTE.match(line) for line in text.splitlines())
    return frozenset(one["label"] for one in found if one and not _names_a_source(one["text"]))


def _names_a_source(text: str) -> bool:
    return bool(re.match(rf"\s*\[?{_WORD}\b", text, re.IGNORECASE)) or not normal(text)


def _without_lists(lines: list[str], known: Collection[int], footnotes: Collection[str]) -> list[str]:
    """Return lines without definitions of footnotes that name sources, and without a list of references at the end."""
    kept = []
    for line in lines:
        note = _FOOTNOTE.match(line)
        is_note = note and note["label"].isdigit() and note["label"] not in footnotes
        if not is_note and not _ADDRESS.match(line):
            kept.append(line)
    end = len(kept)
    while end and (not kept[end - 1].strip() or _is_entry(kept[end - 1], known)):
        end -= 1
    entries = [line for line in kept[end:] if line.strip()]
    title = heading_title(kept[end - 1]) or kept[end - 1] if end else ""
    if entries and normal(title) in _LIST_TITLES:
        return kept[: end - 1]
    numbers = [_number_of(line) for line in entries]
    is_list = len(entries) > 1 and numbers == sorted(set(numbers))
    # Else these are the sentences themselves, each behind its citation.
    is_cited_above = bool(set(numbers) & {int(one) for line in kept[:end] for one in re.findall(r"\d{1,3}", line)})
    return kept[:end] if is_list and is_cited_above else kept


def _is_entry(line: str, known: Collection[int]) -> bool:
    return _DEFINITION.match(line) is not None or bool(re.match(rf"\s*(?:[-*+]\s+)?{_WORD}\s*\d+\s*[:.]", line, re.I))


def _number_of(line: str) -> int:
    found = re.search(r"\d+", line)
    return int(found[0]) if found else 0
