"""Whom and what a sentence speaks of, who does what to whom, and in which order, against its sources."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, islice
from typing import Final, NamedTuple

from chalicelib.generation.claim_parts import Clause, Parts, Word, denies, half_denies, parts_of
from chalicelib.generation.claim_words import are_opposite, meanings
from chalicelib.generation.known_sources import Known, common, same_thing, subject_of
from chalicelib.generation.narrative_words import word_set
from chalicelib.knowledge.words import words_of

# Sentences of more words than these are compared in part.
_MOST_SHARED: Final = 24
_MOST_WORDS: Final = 60
_MOST_NAMES: Final = 10
_MOST_STATEMENTS: Final = 200
# Who, does what, to whom.
_FEWEST_OF_A_STATEMENT: Final = 3
_LONGEST_SEQUENCE: Final = 600
_PREPOSITIONS: Final = word_set("in to for of from by with on at into against between onto")
_BEFORE_NOUN: Final = word_set("the a an of in on at for from by with its their his her this that these those no")
_AGENT: Final = frozenset(["by", "in", "through", "from"])
_BEING: Final = frozenset(["is", "are", "was", "were", "be", "been", "being"])
_COMPARING: Final = word_set("more less fewer better worse")
_SEPARATING: Final = word_set("and while whereas but which who whom because although if when")
_FIRST_PHRASE = re.compile(
    r"^(?:in|on|at|for|from|within|after|since|by|during|over|with|under|until|between|of|to|as|compared)\b[^,]{1,80},\s+",
    re.IGNORECASE,
)
_THEN = re.compile(r"\b(?:and then|then|and afterwards|followed by|before)\b", re.IGNORECASE)
_AFTER = re.compile(r"\bafter(?! that)\b", re.IGNORECASE)
_FIRST_AND_LATER = re.compile(r"\bfirst\b(.*)\b(?:afterwards|later|second|then|next)\b", re.IGNORECASE)


def wrong_name(claim: Parts, known: Known) -> str:
    """Return a problem where a name does not stand in the sources."""
    for word in claim.words:
        if not word.is_name or (known.has_capitals and not word.text[1:].isupper() and word.text.isalpha()):
            continue
        if not known.has_name(word.lowered if word.lowered.startswith("\u27e6") else word.text):
            return f"“{word.text}” does not stand there"
    return ""


def said_of_another(claim: Parts, known: Known) -> str:
    """Return a problem where the source says of another what a clause says of its name, or of its subject."""
    if known.has_capitals:  # whose grammar is not known here
        return ""
    for clause in claim.clauses:
        subject = subject_of(clause)
        named_here = [word for word in clause.words if word.stem and (word.is_name or word is subject)]
        for word in named_here[:_MOST_NAMES]:
            wanted = [meanings(stem) for stem in clause.stems if stem != word.stem]
            if len(wanted) < 2:
                continue
            best, best_other, named = -1, -1, ""
            for other in known.segments:
                near = common(wanted, other.stems)
                if any(same_thing(word, theirs) for theirs in other.words):
                    best = max(best, near)
                    continue
                for theirs in _holders(other, is_name=word.is_name):
                    if near > best_other and not any(same_thing(theirs, mine) for mine in clause.words if mine.stem):
                        best_other, named = near, theirs.text
            enough = max(2, 0.6 * len(wanted)) if best < 0 else max(best + 2, 0.5 * len(wanted))
            if best_other == len(wanted) and 0 <= best <= 0.5 * len(wanted):
                enough = len(wanted)
            if best_other >= enough and (best >= 0 or (word is subject and clause.start == 0)):
                return f"that is said of “{named}” there"
    return ""


def _holders(clause: Clause, *, is_name: bool) -> Iterator[Word]:
    """Yield what a clause may say something of: its names, or its subject."""
    if is_name:
        yield from (word for word in clause.words if word.is_name)
    elif (subject := subject_of(clause)) is not None:
        yield subject


def wrong_object(claim: Parts, known: Known) -> str:
    """Return a problem where after the same word and preposition something else stands there."""
    mine = _phrases(claim)
    for sentence in known.near:
        for before, preposition, theirs in _phrases(sentence):
            for my_before, my_preposition, word in mine:
                if preposition != my_preposition or not meanings(my_before.stem) & meanings(before.stem):
                    continue
                if meanings(word.stem) & known.meanings or meanings(theirs.stem) & claim.meanings:
                    continue
                return f"there it is “{theirs.text}”, not “{word.text}”"
    return ""


def _phrases(sentence: Parts) -> list[tuple[Word, str, Word]]:
    """Return the prepositions of a sentence with the words of weight right before and after each."""
    found = []
    for place, word in enumerate(sentence.words):
        if word.lowered not in _PREPOSITIONS:
            continue
        before = _next_weighty(sentence.words[max(0, place - 2) : place][::-1])
        after = _next_weighty(sentence.words[place + 1 : place + 3])
        is_infinitive = word.lowered == "to" and after is sentence.words[place + 1 : place + 2][0] if after else True
        if before and after and not (is_infinitive and not after.is_name):
            found.append((before, word.lowered, after))
    return found


def _next_weighty(words: Sequence[Word]) -> Word | None:
    for word in words:
        if word.stem:
            return word
        if word.is_stop or word.text[:1].isdigit():
            return None
    return None


def swapped(claim: Parts, known: Known) -> str:
    """Return a problem where two things that a verb stands between have changed places."""
    theirs = list(islice((other for near in known.near for other in _statements(near)), _MOST_STATEMENTS))
    for one in islice(_statements(claim), _MOST_NAMES):
        for other in theirs:
            if reason := _changed_places(one, other):
                return reason
    return ""


@dataclass(frozen=True)
class _Statement:
    """The words of a statement that carry weight, with their places in ``words``, all of them."""

    weighty: tuple[tuple[int, Word], ...]
    words: tuple[Word, ...]

    @cached_property
    def denials(self) -> int:
        """How many of its words deny something."""
        return sum(denies(word) or half_denies(word) for word in self.words)

    def is_verb(self, place: int) -> bool:
        """Tell whether the word at a place could be a verb."""
        before = self.words[place - 1].lowered if place else ""
        after = self.words[place + 1].lowered if place + 1 < len(self.words) else ""
        return before not in _BEFORE_NOUN and after != "of" and not self.words[place].is_name

    def roles(self, first: int, verb: int, last: int, *, by_name: bool) -> tuple[int, int] | None:
        """Return the places of who does something and of whom it is done to; None where that is not clear."""
        is_passive = any(word.lowered in _BEING for word in self.words[max(0, verb - 3) : verb])
        between = [word.lowered for word in self.words[verb + 1 : last]][-3:]
        prepositions = [word for word in between if word in _PREPOSITIONS]
        if is_passive:
            return (last, first) if any(word in _AGENT for word in prepositions) else None
        if prepositions and prepositions[-1] not in (("to", "of") if by_name else ("to",)):
            return None
        return first, last


def _statements(sentence: Parts) -> Iterator[_Statement]:
    text = _FIRST_PHRASE.sub("", sentence.text)
    shortened = parts_of(text) if text != sentence.text else sentence
    for clause in _halves(shortened):
        words = clause[:_MOST_WORDS]
        weighty = tuple((at, word) for at, word in enumerate(words) if word.stem)
        if len(weighty) >= _FEWEST_OF_A_STATEMENT:
            yield _Statement(weighty, words)


def _halves(sentence: Parts) -> Iterator[tuple[Word, ...]]:
    """Yield a sentence cut at what separates statements, but not at "than", which joins what is compared."""
    start = 0
    for place, word in enumerate(sentence.words):
        if place and (word.is_stop or word.lowered in _SEPARATING):
            yield sentence.words[start:place]
            start = place
    yield sentence.words[start:]


def _changed_places(one: _Statement, other: _Statement) -> str:
    """Return a problem where "a does b" stands against "b does a", the passive and the opposite considered."""
    if one.denials != other.denials:
        return ""
    shared = [
        _Shared(at, there, word, theirs)
        for at, word in one.weighty
        for there, theirs in other.weighty
        if meanings(word.stem) & meanings(theirs.stem)
    ][:_MOST_SHARED]
    for first, verb, second in combinations(shared, 3):
        if not first.at < verb.at < second.at or first.word.stem == second.word.stem:
            continue
        if _have_changed(one, other, first, verb, second) and not _are_opposed(one, other):
            return f"“{first.word.text}” and “{second.word.text}” have changed places"
    return ""


class _Shared(NamedTuple):
    """A word of two statements, or one of the same meaning, and its place in each."""

    at: int
    there: int
    word: Word
    theirs: Word


def _have_changed(one: _Statement, other: _Statement, first: _Shared, verb: _Shared, second: _Shared) -> bool:
    """Tell whether who does something in one statement is to whom it is done in the other."""
    low, high = min(first.there, second.there), max(first.there, second.there)
    if not low < verb.there < high:
        return False
    by_name = all(word.is_name for word in (first.word, first.theirs, second.word, second.theirs))
    if not by_name:
        if not (one.is_verb(verb.at) and other.is_verb(verb.there)):
            return False
        if not (_is_near(one, first.at, verb.at, second.at) and _is_near(other, low, verb.there, high)):
            return False
    does = one.roles(first.at, verb.at, second.at, by_name=by_name)
    done = other.roles(low, verb.there, high, by_name=by_name)
    if does is None or done is None:
        return False
    return (does == (first.at, second.at)) == (done == (second.there, first.there))


def _are_opposed(one: _Statement, other: _Statement) -> bool:
    """Tell whether a word of one statement is the opposite of one of the other: then places may change."""
    return any(
        are_opposite(x.stem or x.lowered, y.stem or y.lowered)
        for x in one.words
        for y in other.words
        if not meanings(x.stem or x.lowered) & meanings(y.stem or y.lowered)
    )


def _is_near(statement: _Statement, first: int, middle: int, last: int) -> bool:
    """Tell whether next to no other word of weight stands between three places."""
    between = [at for at, _ in statement.weighty if first < at < last and at != middle]
    return len(between) <= 1


def turned_comparison(claim: Parts, known: Known) -> str:
    """Return a problem where what is compared has changed places: "A is older than B" for "B is older than A"."""
    mine = _compared(claim)
    if mine is None:
        return ""
    for sentence in known.near:
        theirs = _compared(sentence)
        if theirs is None or not mine.by & theirs.by or (claim.denied and not sentence.denied):
            continue
        one, other = meanings(mine.second.stem), meanings(theirs.second.stem)
        if not one & other and one & theirs.first and other & mine.first and not one & mine.first:
            return f"“{mine.second.text}” and “{theirs.second.text}” have changed places"
    return ""


class _Comparison(NamedTuple):
    """What stands before "than", by which words it is compared, and what it is compared with."""

    first: frozenset[str]
    by: frozenset[str]
    second: Word


def _compared(sentence: Parts) -> _Comparison | None:
    than = [at for at, word in enumerate(sentence.words) if word.lowered == "than"]
    if len(than) != 1:
        return None
    before, after = sentence.words[: than[0]], sentence.words[than[0] + 1 :]
    by = frozenset(w.lowered for w in before if w.lowered in _COMPARING or re.fullmatch(r"\w{2,}er", w.lowered))
    second = _next_weighty(after)
    first = frozenset(one for word in before if word.stem for one in meanings(word.stem))
    return _Comparison(first, by, second) if second else None


def wrong_sequence(claim: Parts, known: Known) -> str:
    """Return a problem where what comes first there comes last here."""
    if (mine := _sequence(claim.text)) is None:
        return ""
    for sentence in known.near:
        theirs = _sequence(sentence.text)
        if theirs is None:
            continue
        straight = _likeness(mine[0], theirs[0]) + _likeness(mine[1], theirs[1])
        turned = _likeness(mine[0], theirs[1]) + _likeness(mine[1], theirs[0])
        if turned >= straight + 2:
            return "there it happens in another order"
    return ""


def _sequence(sentence: str) -> tuple[frozenset[str], frozenset[str]] | None:
    """Return what is said to come first and what later, if a sentence says so."""
    text = sentence[:_LONGEST_SEQUENCE]
    if found := _FIRST_AND_LATER.search(text):
        head, middle = text[: found.start(1)], found[1]
        earlier, _, later = middle.partition(" and ")
        return _meanings_of(f"{head} {earlier}"), _meanings_of(later)
    if found := _THEN.search(text):
        if found[0].lower() == "before" and not text[: found.start()].strip():
            head, _, tail = text[found.end() :].partition(",")
            return _meanings_of(tail), _meanings_of(head)
        return _meanings_of(text[: found.start()]), _meanings_of(text[found.end() :])
    if found := _AFTER.search(text):
        if not text[: found.start()].strip():
            head, _, tail = text[found.end() :].partition(",")
            return _meanings_of(head), _meanings_of(tail)
        return _meanings_of(text[found.end() :]), _meanings_of(text[: found.start()])
    return None


def _meanings_of(text: str) -> frozenset[str]:
    return frozenset(words_of(text))


def _likeness(one: frozenset[str], other: frozenset[str]) -> int:
    return len(one & other)
