"""Finds private values that are known already, wherever they stand in a text; linear in its length."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final

from chalicelib.privacy.gazetteer import gazetteer
from chalicelib.privacy.pii_type import PiiType
from chalicelib.privacy.plain_view import plain_view

# Shorter ones are ordinary words and numbers too often to be replaced wherever they stand.
_SHORTEST_VALUE: Final = 4
_SHORTEST_NUMBER: Final = 6
_MOST_JOINED: Final = 3
# A shorter one could be a word: "Ed Ge".
_SHORTEST_JOINED: Final = 8
# Every fourth piece of four characters is looked up: so long a value has one whole, wherever it begins.
_BLOCK: Final = 4
_SHORTEST_ANYWHERE: Final = 2 * _BLOCK - 1
_LONGEST_LOOKED_AT: Final = 64
# Letters alone are part of a longer word by chance, if they are few.
_FEWEST_LETTERS_ANYWHERE: Final = 12
# And digits part of a longer number.
_FEWEST_SIGNS_BESIDE_DIGITS: Final = 9
# With one digit more it is another one of its kind.
_OTHERS_WITH_A_DIGIT_MORE: Final = frozenset({PiiType.IP, PiiType.BIRTHDATE, PiiType.ADDRESS})
# Numbers that are written in groups, or not.
_GROUPED: Final = frozenset(
    {PiiType.PHONE, PiiType.CARD, PiiType.SSN, PiiType.IDENTITY, PiiType.ACCOUNT, PiiType.MEDICAL}
)
_MOST_DIGITS: Final = 19
# Those that may have letters in them.
_LETTERED: Final = frozenset({PiiType.IBAN, PiiType.IDENTITY, PiiType.ACCOUNT, PiiType.MEDICAL, PiiType.MAC})
_WORD: Final = re.compile(r"[^\W_]+")
_DIGIT_RUN: Final = re.compile(r"[0-9](?:[ \u00a0().\u2011/-]{0,3}[0-9]){6,}")
_DIGITS: Final = re.compile(r"[0-9]+")


@dataclass
class _BesideDigits:
    """A value with a digit right before it, or after it, that may make it another one."""

    found: tuple[PiiType, int, int]
    before: bool
    after: bool


class KnownValues:
    """Values to look for. Names are found as words of their own, what has a form also where it touches letters."""

    def __init__(self) -> None:
        # First word, and how long values that start with it are, the longest first, with what stands before that word;
        # the values, with what their case must be.
        self._lengths: dict[str, list[tuple[int, int]]] = {}
        self._values: dict[str, tuple[PiiType, frozenset[str] | None]] = {}
        # The same by four characters of the value, for those that count inside other words.
        self._blocks: dict[str, list[tuple[int, int]]] = {}
        # Numbers by their digits: they may be grouped in another way.
        self._numbers: dict[str, PiiType] = {}

    def add(self, kind: PiiType, value: str) -> None:
        """Look for ``value`` from now on."""
        if len(value) < (_SHORTEST_NUMBER if value.isdigit() else _SHORTEST_VALUE):
            return
        several = len(name_parts(value)) > 1
        self._put(kind, value, any_case=kind is not PiiType.SECRET and (kind is not PiiType.PERSON or several))
        if kind in _GROUPED and len(digits := _digits_of(value)) >= _SHORTEST_NUMBER + 1:
            self._numbers.setdefault(digits, kind)
            if kind is PiiType.PHONE:
                # Dialled abroad with zeros for the plus sign.
                self._numbers.setdefault(f"00{digits}", kind)
        for written in _in_other_ways(kind, value):
            self._put(kind, written, any_case=True)
        if kind is PiiType.PERSON and several:
            for joined in joined_forms(value):
                self._put(PiiType.PERSON, joined, any_case=True)
        if kind is PiiType.PERSON:
            surname = re.split(r"[\s,]+", value)[-1] if "," not in value else value.split(",")[0]
            lists = gazetteer()
            is_word = surname.lower() in lists.words or surname.lower() in lists.not_names
            if len(surname) >= _SHORTEST_VALUE and not is_word:
                self._put(kind, surname, any_case=False)
                self._put(kind, surname.upper(), any_case=False)

    def _put(self, kind: PiiType, value: str, *, any_case: bool) -> None:
        value = plain_view(_on_one_line(value)).text
        lowered = _lowered(value)
        known, cases = self._values.get(lowered, (PiiType.PERSON, frozenset()))
        kind = kind if known is PiiType.PERSON else known
        self._values[lowered] = (kind, None if any_case or cases is None else cases | {value})
        if _counts_inside_words(kind, value):
            for offset in range(_BLOCK):
                lead = _rarest_block(lowered, offset)
                _insert(self._blocks.setdefault(lowered[lead : lead + _BLOCK], []), lead, len(value))
        elif first := _WORD.search(lowered):
            _insert(self._lengths.setdefault(first.group(), []), first.start(), len(value))

    def occurrences(self, text: str, taken: Iterable[tuple[int, int]] = ()) -> list[tuple[PiiType, int, int]]:
        """Return type, start and end of each of the values in ``text``; some may overlap.

        ``taken`` has start and end of what is replaced anyway: a digit in there does not make a number longer.
        """
        if not self._values:
            return []
        view = plain_view(_on_one_line(text))
        lowered = _lowered(view.text)
        whole: list[tuple[PiiType, int, int]] = []
        beside: list[_BesideDigits] = []
        # Where the longest one ends that starts at a place: what lies in it tells nothing new.
        longest: dict[int, int] = {}
        for kind, start, end in chain(
            self._known_at(view.text, lowered, self._at_words(lowered), longest),
            self._known_at(view.text, lowered, self._anywhere(lowered), longest),
            self._numbers_in(view.text),
        ):
            if not _counts_inside_words(kind, view.text[start:end]):
                if not _cuts_word(view.text, start, end, kind):
                    whole.append((kind, *view.span(start, end)))
                    longest[start] = end
                continue
            before, after = _digits_beside(view.text, start, end, kind)
            one = kind, *view.span(start, end)
            if before or after:
                beside.append(_BesideDigits(one, before, after))
            else:
                whole.append(one)
                longest[start] = end
        return [*whole, *_apart_from_others(beside, whole, taken)] if beside else whole

    def _at_words(self, lowered: str) -> Iterator[tuple[int, int]]:
        """Yield where a value may start and end that begins with a word of the text."""
        lengths = self._lengths
        for word in _WORD.finditer(lowered) if lengths else ():
            first = word[0]
            # With the ending of possession, which many languages write without an apostrophe.
            bare = first[:-1] if first[-1] == "s" else ""
            if first in lengths or bare in lengths:
                for minus_length, lead in (*lengths.get(first, ()), *lengths.get(bare, ())):
                    yield word.start() - lead, word.start() - lead - minus_length

    def _anywhere(self, lowered: str) -> Iterator[tuple[int, int]]:
        """Yield where a value may start and end, inside words as well."""
        blocks = self._blocks
        for place in range(0, len(lowered) - _BLOCK + 1, _BLOCK) if blocks else ():
            if (block := lowered[place : place + _BLOCK]) in blocks:
                for minus_length, lead in blocks[block]:
                    yield place - lead, place - lead - minus_length

    def _known_at(
        self, text: str, lowered: str, places: Iterator[tuple[int, int]], longest: Mapping[int, int]
    ) -> Iterator[tuple[PiiType, int, int]]:
        for start, end in places:
            if start < 0 or end > len(text) or longest.get(start, 0) >= end:
                continue
            known = self._values.get(lowered[start:end])
            if known and (known[1] is None or text[start:end] in known[1]):
                yield known[0], start, end

    def _numbers_in(self, text: str) -> Iterator[tuple[PiiType, int, int]]:
        """Yield known numbers, however their digits are grouped."""
        for run in _DIGIT_RUN.finditer(text) if self._numbers else ():
            groups = [group.span() for group in _DIGITS.finditer(text, *run.span())]
            for first, (start, _) in enumerate(groups):
                digits = ""
                for group_start, end in groups[first : first + _MOST_DIGITS]:
                    digits += text[group_start : min(end, group_start + _MOST_DIGITS + 1)]
                    if len(digits) > _MOST_DIGITS:
                        break
                    kind = self._numbers.get(digits)
                    if kind:
                        yield kind, start, end


def joined_forms(name: str) -> Iterator[str]:
    """Yield a name as files, hosts and accounts are called after people: anna_kern, kern.anna, annakern."""
    words = re.findall(r"[^\W_]+", name)
    if not 2 <= len(words) <= _MOST_JOINED or not all(len(word) > 1 for word in words):
        return
    for ordered in (words, words[::-1]):
        yield from (sign.join(ordered) for sign in "_.-")
        if sum(map(len, words)) >= _SHORTEST_JOINED:
            yield "".join(ordered)


def name_parts(name: str) -> set[str]:
    """Return the words of a name, in small letters, without initials."""
    return {part for part in re.findall(r"[^\W\d_]+", name.casefold()) if len(part) > 1}


def _in_other_ways(kind: PiiType, value: str) -> Iterator[str]:
    """Yield how else a value may be written: a number without its separators, an address without its full stop."""
    if kind is PiiType.ADDRESS and value.endswith("."):
        yield value.rstrip(".")
    if kind in _LETTERED:
        compact = "".join(character for character in value if character.isalnum())
        if len(compact) >= _SHORTEST_ANYWHERE:
            yield compact
        if kind is PiiType.IBAN:
            yield " ".join(compact[place : place + 4] for place in range(0, len(compact), 4))


def _rarest_block(value: str, first: int) -> int:
    """Return which of the blocks at ``first``, ``first`` + 4, … has the fewest letters: prose has few like it."""
    places = range(first, min(len(value), _LONGEST_LOOKED_AT) - _BLOCK + 1, _BLOCK)
    return min(places, key=lambda place: sum(map(str.isalpha, value[place : place + _BLOCK])))


def _counts_inside_words(kind: PiiType, value: str) -> bool:
    """Tell whether a value cannot be a part of another word or number by chance."""
    if kind is PiiType.PERSON or len(value) < _SHORTEST_ANYWHERE:
        return False
    return not value.isalpha() or len(value) >= _FEWEST_LETTERS_ANYWHERE


def _cuts_word(text: str, start: int, end: int, kind: PiiType) -> bool:
    """Tell whether characters ``start`` to ``end`` are a part of a longer word."""
    if start > 0 and text[start].isalnum() and text[start - 1].isalnum():
        return True
    if kind is PiiType.PERSON and text[end : end + 1] == "s":
        end += 1  # as many languages say whose something is
    return 0 < end < len(text) and text[end - 1].isalnum() and text[end].isalnum()


def _digits_beside(text: str, start: int, end: int, kind: PiiType) -> tuple[bool, bool]:
    """Tell whether a digit before and one after make another number of what stands between."""
    if kind not in _OTHERS_WITH_A_DIGIT_MORE:
        signs = sum(map(str.isalnum, text[start : min(end, start + 4 * _FEWEST_SIGNS_BESIDE_DIGITS)]))
        if signs >= _FEWEST_SIGNS_BESIDE_DIGITS:
            return False, False
    return (
        text[start].isdigit() and text[max(0, start - 1) : start].isdigit(),
        text[end - 1].isdigit() and text[end : end + 1].isdigit(),
    )


def _apart_from_others(
    beside: Iterable[_BesideDigits], whole: Iterable[tuple[PiiType, int, int]], taken: Iterable[tuple[int, int]]
) -> Iterator[tuple[PiiType, int, int]]:
    """Yield those of ``beside`` whose digits before and after belong to other values."""
    waiting: dict[int, list[_BesideDigits]] = {}
    for one in beside:
        for place in (one.found[1] if one.before else None, one.found[2] if one.after else None):
            if place is not None:
                waiting.setdefault(place, []).append(one)
    edges = [edge for span in (*taken, *(found[1:] for found in whole)) for edge in span]
    while edges:
        edge = edges.pop()
        for one in waiting.pop(edge, ()):
            one.before = one.before and one.found[1] != edge
            one.after = one.after and one.found[2] != edge
            if not one.before and not one.after:
                edges += one.found[1:]
                yield one.found


def _digits_of(value: str) -> str:
    return "".join(character for character in value if character.isdigit())


def _insert(lengths: list[tuple[int, int]], lead: int, length: int) -> None:
    """Add how long a value is, as a negative number, and where in it the piece stands that it is found by."""
    place = bisect_left(lengths, (-length, lead))
    if lengths[place : place + 1] != [(-length, lead)]:
        lengths.insert(place, (-length, lead))


def _on_one_line(text: str) -> str:
    """Return a text, as long, with spaces for ends of lines and tabs: a value may be broken over two lines."""
    # Of the two signs that end a line on Windows, the first becomes one that nobody sees.
    return text.replace("\r\n", "\u200b ").replace("\n", " ").replace("\t", " ")


def _lowered(text: str) -> str:
    # The only letter whose small form is longer; positions must stay the same.
    return text.replace("\u0130", "I").lower()
