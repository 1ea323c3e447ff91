"""Finds names of people: by lists of names, by titles and greetings, labels and signatures.

One pass reads every run of capitalised words; only runs with something to go by are looked at closely.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from chalicelib.privacy.detect import Detection
from chalicelib.privacy.gazetteer import Gazetteer, gazetteer, words_around_names
from chalicelib.privacy.pii_type import PiiType
from chalicelib.privacy.prepared_text import PreparedText

_WORDS = words_around_names()
_PARTICLES = _WORDS["particles"]
_TITLES = _WORDS["titles"]
_SURE_TITLES = _WORDS["sure titles"]
_BEFORE_THINGS = _WORDS["before things"]
_AFTER_NAMES_OF_THINGS = _WORDS["after names of things"]
_ARTICLES = _WORDS["articles"]
_GREETINGS = _WORDS["greetings"]
_GREETED = _WORDS["greeted"]
_LEADS = _WORDS["leads"]
_LABELS = _WORDS["labels"]
_WEAK_LABELS = _WORDS["weak labels"]
_NO_SURNAMES = _WORDS["no surnames"]
_COMPANIES = frozenset(name.replace("_", " ") for name in _WORDS["companies"])
# How surnames of many languages end, in words that are hardly anything else.
_SURNAME = re.compile(
    r".{2,}(?:ović|ević|ić|wski|wska|cki|cka|ński|ńska|czyk|wicz|ová|escu|eanu|(?:rs|ns|ls|ps|ds|ks|ts)en|[^le]sson|"
    r"ström|berg(?:er)?|"
    r"oğlu|i?ainen|[aeio]nen|poulos|opoulou|akis|idis|iadis|ashvili|adze|enko|chuk|enkov?|ovsky|evsky|[^aeiou]ova|"
    r"eva|[^aeiou]ov|"
    r"[^aeiouk]ev|ández|índez|ínez|ález|érez|írez|ópez|áñez|úñez|ínguez|strøm|gaard|quist|qvist|lund|stad|ssen|mann|"
    r"bauer|meier|mayer|"
    r"dóttir|sson|swamy|murthy|appa|wala|singh|nathan|raj|ов|ова|ев|ева|ёв|ёва|енко|ович|евич|чук|швили|дзе|ян)"
)
_SIGN_OFFS = (
    "regards", "sincerely", "faithfully", "truly", "best", "cheers", "thanks", "thank you", "yours", "grüße",
    "grüßen", "grüsse",
    "gruß", "cordialement", "saludos", "atentamente", "saluti", "hälsningar", "hilsen", "groeten", "pozdrawiam",
    "cumprimentos",
)  # fmt: skip
_LOWER_TITLES = (
    "señora ", "señor ", "doctora ", "doctor ", "signora ", "signor ", "dottor ", "dottoressa ", "monsieur ", "madame ",
    "senhor ", "senhora ", "г-жа ", "г-н ", "господин ", "госпожа ", "pani ", "mevrouw ", "meneer ", "nurse ",  # noqa: RUF001
)  # fmt: skip
_LONGEST_NAME = 4
_LONGEST_SIGN_OFF = 20


@dataclass(frozen=True)
class _Word:
    """One word of a run: ``text`` without what belongs to the sentence, and whether a full stop follows it."""

    text: str
    start: int
    end: int
    stopped: bool


class People:
    """Finds names of people; made once, because its patterns and lists are large."""

    def __init__(self) -> None:
        upper = _capitals()
        word = rf"[{upper}][\w\u2019'-]*"
        particle = rf"(?:(?:{'|'.join(sorted(_PARTICLES, key=len, reverse=True))}) ){{0,3}}"
        self._run = re.compile(rf"{word}(?:\.? {particle}{word}){{0,11}}")
        self._words = re.compile(r"[^\s.]+")
        self._named = re.compile(rf"{word}(?:\.? {particle}{word}){{0,3}}")
        self._labelled = re.compile(rf"[:=>][\"'*_ \t]{{0,6}}(?=[{upper}])")
        self._given_after = re.compile(rf", ({word}(?: {word})?)(?=[ \t]*(?:\n|\Z|[;|<(\[\"']))")
        self._label_before = re.compile(r"([\w.-]{2,24})[\"'*_\]]{0,3}\Z")
        self._signed = re.compile(rf"[^\n]{{0,24}}\n[\s>]{{0,8}}({word}(?:\.? {particle}{word}){{0,3}})[ \t]*(?:\n|\Z)")
        # At the start of a line or after a sign: in a sentence the word before belongs to another name.
        self._surname_before = re.compile(rf"(?:\A|\n|[^\w\s.,] ?)({word}), \Z")
        self._lists: Gazetteer = gazetteer()

    def names(self, prepared: PreparedText) -> list[Detection]:
        """Return names of people, overlapping where several rules found the same."""
        text = prepared.text
        found: list[Detection] = []
        alone: list[tuple[int, str]] = []
        given, ambiguous = self._lists.frequent_given, self._lists.ambiguous_given
        for match in self._run.finditer(text):
            run = match.group()
            if " " not in run:
                if run in given:
                    self._add(found, text, *self._with_surname_before(text, match.start(), match.end()), 0.6)
                elif run[-1] == "s" and (bare := _without_possessive(run)) in given:
                    self._add(found, text, match.start(), match.start() + len(bare), 0.6)
                elif run not in ambiguous:
                    alone.append((match.start(), run))
            else:
                self._read_run(text, match.start(), run, found, alone)
        self._capitals_only(text, found, alone)
        found.extend(self._introduced(prepared))
        found.extend(self._mentioned_again(text, found, alone))
        return found

    def _add(self, found: list[Detection], text: str, start: int, end: int, confidence: float) -> None:
        found.append(Detection(PiiType.PERSON, start, end, text[start:end], confidence))

    def _read_run(self, text: str, offset: int, run: str, found: list[Detection], alone: list[tuple[int, str]]) -> None:
        words = self._split(text, offset, run)
        place = 0
        while place < len(words):
            length, confidence, skip = self._name_at(words, place)
            if length and self._is_of_a_thing(text, words, place, skip + length, confidence):
                place += skip + length
            elif length:
                first, last = words[place + skip], words[place + skip + length - 1]
                start, end = first.start, last.end
                if skip == 0 and place == 0:
                    start, end = self._with_surname_before(text, start, end)
                self._add(found, text, start, end, confidence)
                place += skip + length
            else:
                alone.append((words[place].start, words[place].text))
                place += 1

    def _is_of_a_thing(self, text: str, words: Sequence[_Word], place: int, length: int, confidence: float) -> bool:
        """Tell whether what looks like a person names a company, a street, a storm or the like."""
        last = words[place + length - 1]
        if place and words[place - 1].text in _BEFORE_THINGS:
            return True
        after = words[place + length].text.lower() if place + length < len(words) and not last.stopped else ""
        if after in _AFTER_NAMES_OF_THINGS:
            return True
        if " ".join(word.text.lower() for word in words[place : place + length]) in _COMPANIES:
            return True
        start = words[place].start
        before = text[max(0, start - 8) : start].split()
        return confidence < 0.6 and bool(before) and before[-1].lower() in _ARTICLES

    def _split(self, text: str, offset: int, run: str) -> list[_Word]:
        words = []
        for match in self._words.finditer(run):
            start, end = offset + match.start(), offset + match.end()
            stopped = text[end : end + 1] == "."
            bare = _without_possessive(text[start:end])
            words.append(_Word(bare, start, start + len(bare), stopped))
        return words

    def _name_at(self, words: Sequence[_Word], place: int) -> tuple[int, float, int]:
        """Return how many words the name has, how sure it is, and how many words before it to skip; 0 for none."""
        word = words[place].text
        lists = self._lists
        if word in _TITLES or word in _GREETINGS:
            skip = 1
            while place + skip < len(words) and words[place + skip].text in _TITLES | _GREETINGS:
                skip += 1
            sure = words[place + skip - 1].text in _SURE_TITLES
            length = self._following(words, place + skip, any_first=True, sure=sure)
            if length and words[place + skip].text.lower() not in _GREETED:
                return length, 0.85, skip
            return 0, 0, 0
        if word in _LEADS:
            return 0, 0, 0
        first = word.split("-")[0]
        capital = word.capitalize() if word.isupper() and len(word) > 2 else first
        if _is_initial(words[place]):
            return self._after_initials(words, place)
        sure = capital in lists.given
        rest = self._following(words, place + 1, any_first=False, after_given=sure) if not words[place].stopped else 0
        if sure:
            if rest:
                return 1 + rest, 0.9, 0
            alone = place + 1 == len(words) or words[place].stopped or words[place + 1].text in _PARTICLES
            return (1, 0.6, 0) if alone and capital in lists.frequent_given and not word.isupper() else (0, 0, 0)
        if not rest:
            return 0, 0, 0
        surname = words[place + rest].text
        if capital in lists.ambiguous_given:
            return (1 + rest, 0.75, 0) if lists.is_surname(surname.split("-")[-1]) and not word.isupper() else (0, 0, 0)
        unknown = word.lower() not in lists.not_names and word.lower() not in lists.words and len(word) > 2
        if unknown and rest == 1 and not word.isupper() and place + 1 + rest == len(words) and word[1:].islower():
            if lists.is_frequent_surname(surname) and not lists.is_frequent_surname(word):
                return 2, 0.55, 0
            if _is_patronymic(surname):
                return 2, 0.7, 0
            ends = surname.split("-")[-1]
            if ends.lower() not in _NO_SURNAMES | lists.words and ends[1:].islower() and _SURNAME.fullmatch(ends):
                return 2, 0.6, 0
        return 0, 0, 0

    def _following(
        self, words: Sequence[_Word], place: int, *, any_first: bool, sure: bool = False, after_given: bool = False
    ) -> int:
        """Return how many words from ``place`` on belong to the name, particles and initials included.

        ``any_first`` lets initials alone be enough, ``sure`` lets the first word be any, and ``after_given``
        lets it be a place or company that is the surname of many.
        """
        length = 0
        while place + length < len(words) and length < _LONGEST_NAME:
            word = words[place + length]
            if word.text in _PARTICLES:
                length += 1
                continue
            if self._ends_name(word.text, first=length == 0, sure=sure, after_given=after_given):
                break
            length += 1
            if word.stopped and not _is_initial(word):
                break
        while length and (words[place + length - 1].text in _PARTICLES):
            length -= 1
        if length and not any_first and all(_is_initial(word) for word in words[place : place + length]):
            return 0
        return length

    def _ends_name(self, word: str, *, first: bool, sure: bool, after_given: bool) -> bool:
        lowered = word.lower()
        if sure and first:
            return lowered in _GREETED or word.isdigit()
        if after_given and lowered in self._lists.surnames_of_many:
            return False
        return lowered in self._lists.not_names or word in _LEADS or word.isdigit()

    def _after_initials(self, words: Sequence[_Word], place: int) -> tuple[int, float, int]:
        length = 1
        while place + length < len(words) and _is_initial(words[place + length]) and length < 3:
            length += 1
        if place + length < len(words) and self._lists.is_surname(words[place + length].text):
            return length + 1, 0.7, 0
        return 0, 0, 0

    def _with_surname_before(self, text: str, start: int, end: int) -> tuple[int, int]:
        """Return the span with a surname put before the given name: "Kern, Anna"."""
        if text[max(0, start - 2) : start] == ", ":
            before = self._surname_before.search(text[max(0, start - 32) : start])
            if before and self._lists.is_surname(before[1]) and before[1].capitalize() not in self._lists.given:
                return start - 2 - len(before[1]), end
        return start, end

    def _capitals_only(self, text: str, found: list[Detection], alone: Sequence[tuple[int, str]]) -> None:
        """Add names such as "KERN, ANNA"."""
        lists = self._lists
        for start, word in alone:
            if word.isupper() and len(word) > 2 and word.capitalize() in lists.given:
                low, high = self._with_surname_before(text, start, start + len(word))
                if low < start and text[low:start].isupper():
                    self._add(found, text, low, high, 0.7)

    def _introduced(self, prepared: PreparedText) -> Iterator[Detection]:
        yield from self._after_labels(prepared)
        text = prepared.text
        for found in prepared.occurrences(_SIGN_OFFS):
            line = text[text.rfind("\n", 0, found) + 1 : found]
            match = self._signed.match(text, found) if len(line) < _LONGEST_SIGN_OFF and "." not in line else None
            if match and not self._is_thing(match[1], strict=False):
                yield Detection(PiiType.PERSON, match.start(1), match.end(1), match[1], 0.7)
        for title in _LOWER_TITLES:
            for found in prepared.occurrences((title,)):
                match = self._named.match(text, found + len(title))
                if match and not self._is_thing(match.group(), strict=False):
                    value = _without_possessive(match.group())
                    yield Detection(PiiType.PERSON, match.start(), match.start() + len(value), value, 0.8)

    def _after_labels(self, prepared: PreparedText) -> Iterator[Detection]:
        text = prepared.text
        for mark in self._labelled.finditer(text):
            label = self._label_before.search(prepared.lowered[max(0, mark.start() - 28) : mark.start()])
            if not label:
                continue
            word = re.split(r"[_.-]", label[1])[-1] if label[1] not in _LABELS else label[1]
            if word not in _LABELS:
                continue
            named = self._named.match(text, mark.end())
            if named and not self._is_thing(named.group(), strict=word in _WEAK_LABELS):
                value = _without_possessive(named.group())
                given = self._given_after.match(text, named.end())
                if given and value == named.group() and not self._is_thing(given[1], strict=False):
                    value = text[named.start() : given.end()]
                yield Detection(PiiType.PERSON, named.start(), named.start() + len(value), value, 0.75)

    def _is_thing(self, value: str, *, strict: bool) -> bool:
        """Tell whether a capitalised phrase is no name; ``strict`` asks for a word of the lists in it."""
        words = re.findall(r"[^\s.]+", _without_possessive(value))
        lists = self._lists
        if any(word.lower() in lists.not_names or (word.isupper() and len(word) > 3) for word in words):
            return True
        if not strict:
            return words[0].lower() in lists.words and len(words) == 1
        return not any(word.split("-")[0] in lists.given or lists.is_surname(word) for word in words)

    def _mentioned_again(
        self, text: str, found: Sequence[Detection], alone: Sequence[tuple[int, str]]
    ) -> Iterator[Detection]:
        """Yield surnames that stand alone, of people whose whole name or title was found."""
        known = {part for one in found for part in self._telling_parts(one.text)}
        if not known:
            return
        for start, word in alone:
            bare = word if word.isalpha() else _without_possessive(word)
            if bare in known or (bare.isupper() and bare.capitalize() in known):
                yield Detection(PiiType.PERSON, start, start + len(bare), text[start : start + len(bare)], 0.7)

    def _telling_parts(self, name: str) -> Iterator[str]:
        last = re.split(r"[\s,]+", name)[-1] if "," not in name else name.split(",")[0]
        lowered = last.lower()
        if len(last) > 2 and lowered not in self._lists.words and lowered not in self._lists.not_names:
            yield last


def _is_initial(word: _Word) -> bool:
    return len(word.text) == 1 and word.stopped


def _is_patronymic(word: str) -> bool:
    return word.endswith(("ович", "евич", "овна", "евна", "ovich", "evich", "ovna", "evna"))


def _without_possessive(word: str) -> str:
    if word.endswith(("'s", "\u2019s", "'S", "\u2019S")):
        word = word[:-2]
    return word.rstrip("'\u2019-")


@cache
def _capitals() -> str:
    """Return the capital letters of Latin, Greek, Cyrillic and Armenian as ranges of a character class."""
    codes = [code for code in (*range(0x41, 0x590), *range(0x1E00, 0x2000)) if chr(code).isupper()]
    return "".join(re.escape(chr(code)) for code in codes)
