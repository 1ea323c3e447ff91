"""What a sentence denies, and whose opposite it says, against its sources."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chalicelib.generation.claim_parts import Clause, Parts, Word, denies, half_denies
from chalicelib.generation.claim_words import are_opposite, has_opposite, meanings
from chalicelib.generation.known_sources import Known, common

_COMPARED = re.compile(r"\b(?:than|compared)\b", re.IGNORECASE)


def wrong_denial(claim: Parts, known: Known) -> str:
    """Return a problem where a sentence says what the source denies, or denies what the source says."""
    if any(half_denies(word) and not known.has_root(word) for word in claim.words):
        return ""
    for place, word in enumerate(claim.words):
        if not word.stem or any(map(denies, claim.clause_at(place).words)):
            continue
        said, denied = known.occurrences(word)
        if denied and not said and _speaks_of(claim, word, [sentence for sentence, _ in denied]):
            return f"“{word.text}” is denied there"
    for places in claim.denials:
        focus = [claim.words[place] for place in places]
        found = [known.occurrences(word) for word in focus]
        if any(denied for _, denied in found) or known.has_opposite(focus, claim):
            continue
        wanted = [meanings(stem) for stem in claim.clause_at(places[0]).stems] if places else []
        for sentence, place in (one for said, _ in found for one in said):
            mine = {word.lowered for word in claim.words}
            if any(half_denies(word) and word.lowered not in mine for word in sentence.clause_at(place).words):
                continue
            if common(wanted, sentence.stems) >= min(2, len(wanted)):
                return f"“{focus[0].text}” is not denied there"
    return ""


def _speaks_of(claim: Parts, word: Word, sentences: Sequence[Parts]) -> bool:
    """Tell whether a sentence has another word in common with some that deny one of its words, and denies none."""
    others = [meanings(stem) for stem in claim.stems if stem != word.stem]
    denying = [clause for clause in claim.clauses if any(denies(one) for one in clause.words)]
    denied = [meanings(stem) for one in denying if one.words[0].lowered != "without" for stem in one.stems]
    return any(
        (common(others, sentence.stems) or len(others) <= 1) and not common(denied, sentence.stems)
        for sentence in sentences
    )


def wrong_direction(claim: Parts, known: Known) -> str:
    """Return a problem where a word's opposite stands in the source beside what stands beside the word."""
    for place, word in enumerate(claim.words):
        stem = word.stem or word.lowered
        beside = [meanings(one) for one in _neighbours(claim, place)]
        if word.is_stop or not beside or not has_opposite(stem):
            continue
        as_said = max((_beside(beside, sentence, at) for sentence, at in known.places(stem)), default=0)
        for sentence in known.near:
            for at, other in enumerate(sentence.words):
                if other.is_stop or not are_opposite(stem, other.stem or other.lowered):
                    continue
                if meanings(other.stem or other.lowered) & claim.all_meanings:
                    continue
                if (place in claim.denied) != (at in sentence.denied) or _is_turned(claim, sentence, word.lowered):
                    continue
                if _beside(beside, sentence, at) > max(as_said, 0):
                    return f"there it is “{other.text}”, not “{word.text}”"
    return ""


def _neighbours(sentence: Parts, place: int) -> list[str]:
    """Return the stems that stand beside a word: three before and four after it, in its sentence."""
    before = [word.stem for word in sentence.words[:place] if word.stem][-3:]
    return before + [word.stem for word in sentence.words[place + 1 :] if word.stem][:4]


def _beside(wanted: Sequence[frozenset[str]], sentence: Parts, place: int) -> int:
    return common(wanted, _neighbours(sentence, place))


def _is_turned(claim: Parts, other: Parts, word: str) -> bool:
    """Tell whether a comparison was turned round: sand holds less than clay, clay holds more than sand."""
    if word in ("after", "afterwards", "before"):
        return True
    return bool(_COMPARED.search(claim.text)) and _order(claim.stems, other.stems) == -1


def _order(one: Sequence[str], other: Sequence[str]) -> int:
    """Return 1 where the first and the last common stem stand in the same order in both, -1 where not, 0 without."""
    places = [
        next((place for place, there in enumerate(other) if meanings(stem) & meanings(there)), -1) for stem in one
    ]
    found = [place for place in places if place >= 0]
    if len(found) < 2 or found[0] == found[-1]:
        return 0
    return 1 if found[0] < found[-1] else -1


def wrong_side(claim: Parts, known: Known) -> str:
    """Return a problem where one of two opposites is said of what the source says the other of."""
    there = frozenset(one for sentence in known.near for one in sentence.all_meanings)
    for segment in claim.segments:
        for word in segment.words:
            stem = word.stem or word.lowered
            if word.is_stop or not has_opposite(stem) or not meanings(stem) & there:
                continue
            for beside in segment.words:
                if not beside.stem or beside is word:
                    continue
                sides = [_side(stem, beside.stem, one) for one in known.segments]
                if -1 in sides and 1 not in sides:
                    return f"there “{beside.text}” goes with the opposite of “{word.text}”"
    return ""


def _side(stem: str, beside: str, segment: Clause) -> int:
    """Return 1 where a segment of the source has both words, -1 where it has the first one's opposite, else 0."""
    there = [word.stem or word.lowered for word in segment.words if not word.is_stop]
    if not any(meanings(beside) & meanings(one) for one in there):
        return 0
    if any(meanings(stem) & meanings(one) for one in there):
        return 1
    return -1 if any(are_opposite(stem, one) for one in there) else 0
