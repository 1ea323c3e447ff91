"""A sentence as the checker of citations sees it: its words, numbers, names and clauses."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from chalicelib.generation.claim_words import OF_NO_WEIGHT, meanings
from chalicelib.generation.narrative_words import word_set
from chalicelib.generation.number_words import IN_WORDS, NUMBER_WORDS, value_of
from chalicelib.knowledge.words import words_of
from chalicelib.privacy.token_map import CLOSING, OPENING

LONGEST_SENTENCE: Final = 1_200

_ABBREVIATION: Final = (
    r"(?<!\b[A-Za-z]\.)(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bDr\.)(?<!\bMr\.)(?<!\bMs\.)(?<!\bMrs\.)(?<!\bSt\.)(?<!\bNo\.)"
    r"(?<!\bvs\.)(?<!\bcf\.)(?<!\bca\.)(?<!\bProf\.)(?<!\bapprox\.)(?<!\bFig\.)(?<!\bart\.)(?<!\bArt\.)(?<!\bal\.)"
    r"(?<!\bp\.)(?<!\bpp\.)"
)
SENTENCE_END: Final = re.compile(
    rf"(?:(?<=[.!?\u2026]){_ABBREVIATION}|(?<=[.!?][\"\u201d\u2019)\]*_]){_ABBREVIATION}|"
    rf"(?<=[.!?][*_][*_]))\s+(?=[^\sa-z])|(?<=[\u3002\uff01\uff1f])\s*"
)
"""What stands between two sentences."""

_TOKEN: Final = rf"{OPENING}(?P<mark>[A-Z]+_\d+)[A-Z]*{CLOSING}"
# With thousands set apart by any sign, and a comma before decimals: 1.234,5 and 4,5.
_DIGITS: Final = (
    r"\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,}|\d{1,3}(?:[,' ]\d{3})+(?:\.\d+)?(?!\d)|\d+,\d{1,2}(?![\d,])|"
    r"\d+(?:\.\d+)?"
)
_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}[./]\d{1,2}[./]\d{4}\b")
_WORD = re.compile(
    rf"(?P<token>{_TOKEN})"
    rf"|(?P<date>{_DATE.pattern})"
    r"|(?P<time>\b\d{1,2}:\d{2}(?::\d{2})?\b)"
    r"|(?P<identifier>\b(?=[\w./:@-]{0,80}[^\W\d_])(?=[\w./:@-]{0,80}\d)[^\W_][\w]*(?:[-./:@_]\w+)*\b)"
    rf"|(?P<number>(?<![\w.])(?:(?<!\d )[-\u2212\u2013])?(?:{_DIGITS})(?![\w]))"
    r"|(?P<sign>[%€$£°])"
    r"|(?P<word>[^\W\d_]+(?:['\u2019][^\W\d_]+)*)"
    r"|(?P<stop>[,;:()\u2013\u2014])"
)
# Scripts without spaces: their words are pairs of letters.
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")
_EDGE_OF_UNSPACED = re.compile(rf"(?<={_UNSPACED.pattern})(?=[A-Za-z0-9])|(?<=[A-Za-z0-9%])(?={_UNSPACED.pattern})")
_NUMBER_AND_UNIT = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>[a-zA-Z]{1,4}|st|nd|rd|th)")
_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
_MONTH_NAMES: Final = frozenset({*_MONTHS, *(month[:3] for month in _MONTHS), "sept"})
_UNITS: Final = {
    form: forms.split()[0]
    for forms in (
        "% percent percentage",
        "euro euros eur €",
        "dollar dollars usd $",
        "pound pounds gbp £",
        "franc francs chf",
        "kilogram kilograms kilo kilos kg",
        "gram grams g",
        "milligram milligrams mg",
        "microgram micrograms µg mcg",
        "tonne tonnes ton tons t",
        "kilometre kilometres kilometer kilometers km",
        "metre metres meter meters m",
        "centimetre centimetres centimeter centimeters cm",
        "millimetre millimetres millimeter millimeters mm",
        "mile miles",
        "litre litres liter liters l",
        "millilitre millilitres milliliter milliliters ml",
        "second seconds s sec",
        "millisecond milliseconds ms",
        "minute minutes min",
        "hour hours h",
        "day days",
        "week weeks",
        "month months",
        "year years",
        "bit bits",
        "byte bytes",
        "kilobyte kilobytes kb",
        "megabyte megabytes mb",
        "gigabyte gigabytes gb",
        "terabyte terabytes tb",
        "watt watts w",
        "kilowatt kilowatts kw",
        "megawatt megawatts mw",
        "kwh",
        "decibel decibels db",
        "degree degrees °",
        "mmhg",
        "volt volts v",
    )
    for form in forms.split()
}
_SCALES: Final = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12, "k": 1e3, "m": 1e6, "bn": 1e9}
_CURRENCIES: Final = frozenset(["euro", "dollar", "pound", "franc"])
_FRACTIONS: Final = {"half": 0.5, "halves": 0.5, "quarter": 0.25, "quarters": 0.25, "third": 1 / 3, "thirds": 1 / 3}
_FRACTION_SIGNS: Final = {"½": ".5", "¼": ".25", "¾": ".75"}
_FRACTION_SIGN = re.compile(r"(?<!\d)(?P<whole>\d{0,6})[ \u00a0\u202f]?(?P<part>[½¼¾])")
_POWER_OF_TEN = re.compile("(?<!\\d)10(?P<power>[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,2})(?![⁰¹²³⁴⁵⁶⁷⁸⁹])")
# A raised number after digits, a per cent sign or a stop leads to a footnote.
_RAISED = re.compile(r"(?<=[\d%.,;:)])[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3}")
_BEFORE_VERSION: Final = word_set("version versions release releases section sections clause chapter article")
# What a month stands behind, and other words with a capital do not.
_BEFORE_MONTH: Final = word_set(
    "in of since until till by from to during between and or mid early late last next every each"
)
_NUMERIC: Final = frozenset({*_UNITS, *_SCALES, *_FRACTIONS, *NUMBER_WORDS, "one"})
_NOT: Final = word_set(
    "not no never none nobody nothing neither nor cannot nowhere hardly scarcely without n't "
    "nicht kein keine keinen keiner nie ohne ne pas jamais sans nunca sin non mai senza niet geen"
)
_HALF_NOT: Final = word_set(
    "refuse refused refuses reject rejected rejects forbid forbids forbidden prohibit prohibited deny denied "
    "drop drops dropped lack lacks lacked fail fails failed exclude excluded excludes prevent prevented except "
    "unable impossible stop stops stopped avoid avoids avoided disable disabled against unless "
    "only former instead"
)
_DENIED_AFTER: Final = 4
_DENIED_BEFORE: Final = 3
_ENDS_DENIAL: Final = word_set("that which who while but only except because although when until unless and without")
_AUXILIARY: Final = word_set("is are was were be been has have had may must can will would should does did do")
# These begin a sentence that is denied as a whole: "No data was lost".
_WHOLE: Final = frozenset(["no", "nobody", "nothing", "none"])
_JOINING: Final = word_set("and or while whereas but than although though if when because which")
_CLAUSE_WORDS: Final = word_set(
    "that which who whom whose where when while whereas although though because since if unless but before after "
    "until without except than instead rather so as and or for only"
)
# These join what belongs together as often as not: a clause begins here only where enough stands on both sides.
_WEAK: Final = frozenset(["and", "or", "as", "for", "so", "than", "that"])
_FEWEST_OF_A_CLAUSE: Final = 2
_ORDINARY_FIRST: Final = word_set(
    "the a an this that these those it its he she they we you i in on at by for from of to with as if when while "
    "after before since because although and but or not no all each every both some many most there here what which "
    "who how why where under over between during within without about against among through their his her our my "
    "only also then than so such one two three until once per may"
)
_MANY_CAPITALS: Final = 0.3
_ENGLISH: Final = word_set("the of and is are were with by to for has have a an its")
_ENOUGH_ENGLISH: Final = 2


@dataclass(frozen=True)
class Number:
    """A number: its value, the unit that follows or precedes it, and how it was said."""

    value: float
    unit: str
    said: str
    place: int


@dataclass(frozen=True)
class Word:
    """A word or sign with its place in the sentence.

    ``stem`` is what it is compared by, empty for words of no weight; ``is_name`` says that its form is that of a
    name, and ``lowered`` is the word in small letters.
    """

    text: str
    lowered: str
    stem: str
    is_name: bool
    is_stop: bool = False


@dataclass(frozen=True)
class Clause:
    """A part of a sentence, and the place of its first word in that."""

    words: tuple[Word, ...]
    start: int

    @cached_property
    def stems(self) -> frozenset[str]:
        """The stems of its words that carry weight."""
        return frozenset(word.stem for word in self.words if word.stem)


@dataclass(frozen=True)
class Parts:
    """A sentence taken to pieces."""

    text: str
    words: tuple[Word, ...]
    numbers: tuple[Number, ...]

    @cached_property
    def stems(self) -> tuple[str, ...]:
        """Stems of the words that carry weight, in their order."""
        return tuple(word.stem for word in self.words if word.stem)

    @cached_property
    def meanings(self) -> frozenset[str]:
        """Everything that these are compared by."""
        return frozenset(meaning for stem in self.stems for meaning in meanings(stem))

    @cached_property
    def all_meanings(self) -> frozenset[str]:
        """The same, of its common words too."""
        return frozenset(one for word in self.words if not word.is_stop for one in meanings(word.stem or word.lowered))

    @cached_property
    def clauses(self) -> tuple[Clause, ...]:
        """Its clauses, in their order."""
        return tuple(_clauses(self.words))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What has the form of a name, each once."""
        return tuple(dict.fromkeys(word.text for word in self.words if word.is_name))

    @cached_property
    def denials(self) -> tuple[tuple[int, ...], ...]:
        """For each word that denies something, the places of what it denies."""
        return tuple(tuple(_focus(self.words, at)) for at, word in enumerate(self.words) if denies(word))

    @cached_property
    def denied(self) -> frozenset[int]:
        """The places of all words that are denied."""
        return frozenset(place for places in self.denials for place in places)

    @cached_property
    def segments(self) -> tuple[Clause, ...]:
        """What stands between commas and conjunctions."""
        edges = [0, *(at for at in range(1, len(self.words)) if self._parts_at(at))]
        return tuple(
            Clause(self.words[start:end], start)
            for start, end in zip(edges, [*edges[1:], len(self.words)], strict=True)
        )

    def _parts_at(self, place: int) -> bool:
        """Tell whether a segment begins at a place; a number in brackets belongs to what stands before them."""
        word, after = self.words[place], self.words[place + 1 : place + 2]
        if word.text == "(" and after and after[0].text[:1].isdigit():
            return False
        return word.is_stop or word.lowered in _JOINING

    def segment_at(self, place: int) -> Clause:
        """Return the segment that the word at a place belongs to."""
        return self.segments[bisect_right(self._starts_of_segments, place) - 1]

    @cached_property
    def _starts_of_segments(self) -> list[int]:
        return [segment.start for segment in self.segments]

    def clause_at(self, place: int) -> Clause:
        """Return the clause that the word at a place belongs to."""
        return self.clauses[bisect_right(self._starts_of_clauses, place) - 1]

    @cached_property
    def _starts_of_clauses(self) -> list[int]:
        return [clause.start for clause in self.clauses]


def parts_of(sentence: str) -> Parts:
    """Return a sentence, as plain text, taken to pieces."""
    text = readable_form(sentence[:LONGEST_SENTENCE])[:LONGEST_SENTENCE].replace("\u2019", "'")
    text = _EDGE_OF_UNSPACED.sub(" ", text)
    words: list[Word] = []
    numbers: list[Number] = []
    for found in _WORD.finditer(text):
        kind, said = str(found.lastgroup if found.lastgroup != "mark" else "token"), found[0]
        if found["token"]:
            words.append(Word(said, f"{OPENING}{found['mark']}{CLOSING}", f"{OPENING}{found['mark']}{CLOSING}", True))
        elif kind == "date":
            _take_date(said, words, numbers)
        elif kind == "time":
            words.append(Word(said, said, said, True))
        elif kind == "identifier":
            _take_identifier(said, words, numbers)
        elif kind == "number" and "." in said and words and words[-1].lowered in _BEFORE_VERSION:
            words.append(Word(said, said, said, True))  # where 2.10 is not 2.1
        elif kind == "number":
            numbers.append(Number(_value(said), "", said, len(words)))
            words.append(Word(said, said, "", False))
        elif kind == "stop":
            words.append(Word(said, said, "", False, is_stop=True))
        elif _UNSPACED.search(said):
            words += (Word(pair, pair, pair, False) for pair in words_of(said))
        else:
            words.append(_word(said, is_first=not any(not word.is_stop for word in words)))
    words = [_month(words, at) if word.text == "May" else word for at, word in enumerate(words)]
    numbers = [*_scaled(numbers, words), *_in_words(words)]
    return Parts(text, tuple(words), tuple(_with_unit(number, words) for number in numbers))


def readable_form(text: str) -> str:
    """Return a text composed alike wherever it is from: its fractions and powers as numbers, without raised numbers."""
    text = _POWER_OF_TEN.sub(lambda found: str(10 ** int(unicodedata.normalize("NFKC", found["power"]))), text)
    text = _FRACTION_SIGN.sub(lambda found: f"{found['whole'] or 0}{_FRACTION_SIGNS[found['part']]}", text)
    return unicodedata.normalize("NFKC", _RAISED.sub("", text))


def is_english(sentence: Parts) -> bool:
    """Tell whether a sentence has words that only English has."""
    return sum(word.lowered in _ENGLISH for word in sentence.words) >= _ENOUGH_ENGLISH


def is_written_with_capitals(text: str) -> bool:
    """Tell whether a text's language gives capitals to all nouns, so that a capital makes no name."""
    words = re.findall(r"(?<=[a-z,] )[^\W\d_]{3,}", text)
    return len(words) >= 12 and sum(word[0].isupper() for word in words) > _MANY_CAPITALS * len(words)


def denies(word: Word) -> bool:
    """Tell whether a word denies something."""
    return word.lowered in _NOT or word.lowered.endswith("n't")


def half_denies(word: Word) -> bool:
    """Tell whether a word may deny something: whoever refuses does not accept."""
    return word.lowered in _HALF_NOT


def _focus(words: Sequence[Word], at: int) -> Iterator[int]:
    """Yield the places of the words that the word at ``at`` denies: some after it, or some before where none are."""
    if at + 1 < len(words) and words[at].lowered == "not" and words[at + 1].lowered == "only":
        return
    found = list(_following(words, at))
    if not found:
        before = [place for place in range(max(0, at - 6), at) if words[place].stem]
        found = before[-_DENIED_BEFORE:]
    yield from found


def _following(words: Sequence[Word], at: int) -> Iterator[int]:
    count = 0
    for place in range(at + 1, len(words)):
        word = words[place]
        ends = word.is_stop or word.lowered in _ENDS_DENIAL or (count and word.lowered in _AUXILIARY)
        if (ends and words[at].lowered not in _WHOLE) or count == _DENIED_AFTER or (word.is_stop and count):
            return
        if word.stem:
            count += 1
            yield place


def months_of(text: str) -> Iterator[str]:
    """Yield the names of the months of dates in digits, of both where it is not certain which number is the month."""
    for date in _DATE.findall(text):
        first, second, _ = re.split("[-./]", date)
        for month in (second,) if "/" not in date else (first, second):
            if 1 <= int(month) <= 12:
                yield _MONTHS[int(month) - 1]


def _take_date(said: str, words: list[Word], numbers: list[Number]) -> None:
    months = list(months_of(said))
    first, second, third = re.split("[-./]", said)
    shown = (first, second, third) if "/" in said else (first, third)
    numbers += [Number(float(number), "", number, len(words)) for number in shown]
    stem = months[0] if months else ""
    words.append(Word(said, stem or said, f"{stem}." if stem == "may" else stem, False))


def _take_identifier(said: str, words: list[Word], numbers: list[Number]) -> None:
    """Take in what has letters and digits: a number with its unit, an ordinal, or a name."""
    found = _NUMBER_AND_UNIT.fullmatch(said)
    unit = found["unit"].lower() if found else ""
    if found and (unit in _UNITS or unit in _SCALES or unit in ("st", "nd", "rd", "th")):
        numbers.append(Number(float(found["number"]), "", said, len(words)))
        words.append(Word(found["number"], found["number"], "", False))
        if unit not in ("st", "nd", "rd", "th"):
            words.append(Word(found["unit"], unit, "", False))
        return
    words.append(Word(said, said.casefold(), said.casefold(), True))


def _value(said: str) -> float:
    """Return the value of a number in digits."""
    digits = re.sub(r"[^\d.,]", "", said)
    if re.fullmatch(r"\d+,\d{1,2}|[\d.]*\.\d+,\d+|\d+(?:\.\d{3}){2,}", digits):
        digits = digits.replace(".", "").replace(",", ".")
    return float(digits.replace(",", "")) * (-1 if said[0] in "-\u2212\u2013" else 1)


def _month(words: Sequence[Word], at: int) -> Word:
    """Return the word "May" as the month's name where it is one."""
    before = words[at - 1] if at else None
    after = words[at + 1].text[:1] if at + 1 < len(words) else ""
    is_month = after.isdigit() or (before and (before.lowered in _BEFORE_MONTH or before.text[:1].isdigit()))
    return Word("May", "may", "may.", True) if is_month else words[at]


def _word(said: str, *, is_first: bool) -> Word:
    lowered = said.casefold()
    bare = re.sub(r"'s$|'$", "", said)
    has_capital = bare[:1].isupper() and (not is_first or (len(bare) > 1 and bare.isupper()))
    is_name = has_capital and lowered not in _ORDINARY_FIRST and lowered not in _UNITS
    stem = "" if lowered in _NOT or lowered in _NUMERIC else "".join(words_of(bare))
    if stem in OF_NO_WEIGHT:
        stem = ""
    return Word(bare, lowered, stem, is_name)


def _scaled(numbers: list[Number], words: Sequence[Word]) -> Iterator[Number]:
    """Yield the numbers in digits, multiplied by a word that follows: ``4.2 million``."""
    for number in numbers:
        after = words[number.place + 1].lowered if number.place + 1 < len(words) else ""
        is_length = after == "m" and words[number.place + 1].text == "m" and not _follows_currency(words, number.place)
        scale = 1.0 if is_length else _SCALES.get(after, 1.0)
        yield Number(number.value * scale, "", number.said, number.place + (scale != 1.0))


def _follows_currency(words: Sequence[Word], place: int) -> bool:
    return place > 0 and _UNITS.get(words[place - 1].lowered) in _CURRENCIES


def _in_words(words: Sequence[Word]) -> Iterator[Number]:
    """Yield the numbers that are words: three, twenty-one, half, three quarters."""
    place = 0
    while place < len(words):
        text = " ".join(word.lowered for word in words[place : place + 6])
        if words[place].lowered in _FRACTIONS:
            yield Number(_FRACTIONS[words[place].lowered], "part", words[place].text, place)
        elif found := IN_WORDS.match(text):
            used = len(found[0].split())
            value, said = float(value_of(found[0])), found[0]
            before_scale = place > 0 and re.fullmatch(r"\d[\d.,']*", words[place - 1].text)
            after = words[place + used].lowered if place + used < len(words) else ""
            half = [word.lowered for word in words[place + used : place + used + 3]]
            if half in (["and", "a", "half"], ["and", "a", "quarter"]):
                yield Number(value + _FRACTIONS[half[2]], "", f"{said} {' '.join(half)}", place + used + 2)
                used += 3
            elif after in _FRACTIONS and value < 10:
                yield Number(value * _FRACTIONS[after], "part", f"{said} {after}", place + used)
                used += 1
            elif not before_scale and said != "one":
                yield Number(value, "", said, place + used - 1)
            place += used - 1
        place += 1


def _with_unit(number: Number, words: Sequence[Word]) -> Number:
    """Return a number with its unit: what follows it, or a currency before it."""
    if number.unit:
        return number
    after = [word.lowered for word in words[number.place + 1 : number.place + 3]]
    before = words[number.place - 1].lowered if number.place else ""
    if after and after[0] == "per" and after[1:] == ["cent"]:
        return Number(number.value, "%", number.said, number.place)
    if after and after[0] == "kilowatt" and after[1:] and after[1].startswith("hour"):
        return Number(number.value, "kwh", number.said, number.place)
    if number.place and before in _SCALES and number.place > 1:
        before = words[number.place - 2].lowered
    unit = _UNITS.get(after[0], "") if after else ""
    if not unit:
        for back in (1, 2):
            earlier = words[number.place - back].lowered if number.place >= back else ""
            if _UNITS.get(earlier) in _CURRENCIES:
                unit = _UNITS[earlier]
                break
    return Number(number.value, unit, number.said, number.place)


def _clauses(words: Sequence[Word]) -> Iterator[Clause]:
    start = 0
    for place in range(1, len(words)):
        if _begins_clause(words, start, place):
            yield Clause(tuple(words[start:place]), start)
            start = place
    yield Clause(tuple(words[start:]), start)


def _begins_clause(words: Sequence[Word], start: int, place: int) -> bool:
    word, before = words[place], words[place - 1]
    if not (before.is_stop or word.lowered in _CLAUSE_WORDS):
        return False
    if (
        word.lowered in ("without", "except", "unless", "whereas", "while", "but", "because", "only")
        or before.text in ";:"
    ):
        return True
    enough = _weight(words[start:place]) >= _FEWEST_OF_A_CLAUSE
    if word.lowered in _WEAK or before.is_stop:
        return enough and _weight(words[place : place + 8]) >= _FEWEST_OF_A_CLAUSE
    return enough


def _weight(words: Sequence[Word]) -> int:
    return sum(bool(word.stem) for word in words)
