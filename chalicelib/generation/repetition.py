"""Tells where a text goes round in circles, and how much of it stands elsewhere already."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chalicelib.generation.markdown_text import normal, prose_lines, sentences

SHINGLE = 5
MOST_REPEATED_SHINGLES = 0.35
MOST_REPEATED_SENTENCES = 0.3
REHASH_SHARE = 0.5
# Of short sentences, only those with exactly the same content count.
REHASH_WORDS = 7
FEWEST_CONTENT = 3
# A model is stuck when the last words are the same run of words over and over.
STUCK_WORDS = 120
LONGEST_PERIOD = 40


@dataclass(frozen=True)
class Patience:
    """How much rehashing is too much.

    A line of prose rehashes what stands before it when at least ``sentences`` of its sentences,
    and half of them, share ``overlap`` (0 to 1) of their words of content with an earlier one. So does, unless
    ``same_labels`` are allowed, a list item with the label ("**Cost**: …") of an earlier one.
    """

    overlap: float
    sentences: int
    same_labels: bool


# Parallel sentences are good style in a capable model; in a very small one, which goes round
# in circles with slightly different words, they are the beginning of a loop.
USUAL = Patience(overlap=0.85, sentences=2, same_labels=True)
SHORT = Patience(overlap=0.7, sentences=1, same_labels=False)


_LABEL = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+(?P<label>[^:\n]{1,60}):")


def loops(text: str, patience: Patience = USUAL) -> bool:
    """Tell whether the prose goes round in circles: sentences or runs of words that recur."""
    said = [normal(sentence) for sentence in sentences(text)]
    said = [sentence for sentence in said if len(sentence.split()) >= 4]
    if len(said) >= 4 and _repeated(said) > MOST_REPEATED_SENTENCES:
        return True
    if _first_rehash(text, patience) is not None:
        return True
    shingles = _shingles(normal("\n".join(prose_lines(text))))
    return len(shingles) >= 40 and _repeated(shingles) > MOST_REPEATED_SHINGLES


def before_loop(text: str, patience: Patience = USUAL) -> str:
    """Return what stands before the sentence with which the text begins to say itself again."""
    place = _first_rehash(text, patience)
    lines = text.splitlines()
    if place is None:
        return text
    number, sentence = place
    kept = [*lines[:number], lines[number][: max(0, lines[number].find(sentence))].rstrip()]
    while kept and (not kept[-1].strip() or kept[-1].rstrip().endswith(":")):
        kept.pop()  # an announcement of what has been cut
    return "\n".join(kept)


def is_stuck(text: str) -> bool:
    """Tell whether the end of a text, prose or not, is one short run of words over and over."""
    tail = text.split()[-STUCK_WORDS:]
    if len(tail) < STUCK_WORDS:
        return False
    return any(tail[:-period] == tail[period:] for period in range(1, LONGEST_PERIOD + 1))


def _first_rehash(text: str, patience: Patience) -> tuple[int, str] | None:
    """Return the number of the line and the sentence in it from which on the line only rehashes."""
    said: list[set[str]] = []
    labels: set[str] = set()
    prose = set(prose_lines(text))
    for number, line in enumerate(text.splitlines()):
        if line not in prose:
            continue
        label = _LABEL.match(line)
        if label and not patience.same_labels and normal(label["label"]) in labels:
            return number, line
        if label:
            labels.add(normal(label["label"]))
        parts = [part for part in sentences(line) if len(_content(part)) >= FEWEST_CONTENT]
        again = _said_again(parts, said, patience)
        for index, part in enumerate(parts):
            count = sum(again[index:])
            if again[index] and count >= patience.sentences and count >= REHASH_SHARE * len(again[index:]):
                return number, line if index == 0 else part
        said.extend(_content(part) for part in parts)
    return None


def _said_again(parts: Sequence[str], said: Sequence[set[str]], patience: Patience) -> list[bool]:
    """Tell of each sentence of a line whether it stands before, in the line or above it."""
    before = list(said)
    again: list[bool] = []
    for part in parts:
        content = _content(part)
        if len(content) < REHASH_WORDS:
            again.append(content in before)
        else:
            again.append(any(_same_content(content, other, patience.overlap) for other in before))
        before.append(content)
    return again


def _content(sentence: str) -> set[str]:
    """Return the words that carry a sentence's meaning; numbers always do."""
    return {word for word in normal(sentence).split() if len(word) > 3 or word.isdigit()}


def _same_content(one: set[str], other: set[str], overlap: float) -> bool:
    """Tell whether two sentences differ by little; different numbers make them different."""
    smaller = min(len(one), len(other))
    if smaller < REHASH_WORDS or len(one & other) < overlap * smaller:
        return False
    return not any(word.isdigit() for word in one ^ other)


def shared_with(text: str, others: Iterable[str]) -> float:
    """Return which share of the text's sentences (0 to 1) stands in the other texts already."""
    mine = {normal(sentence) for sentence in sentences(text)}
    mine = {sentence for sentence in mine if len(sentence.split()) >= 6}
    if not mine:
        return 0.0
    theirs = {normal(sentence) for other in others for sentence in sentences(other)}
    return len(mine & theirs) / len(mine)


def rehashed(text: str, others: Iterable[str]) -> float:
    """Return which share of the text's longer sentences (0 to 1) others say with nearly the same words."""
    mine = _long_contents(text)
    theirs = [content for other in others for content in _long_contents(other)]
    if not mine:
        return 0.0
    return sum(any(_same_content(one, other, USUAL.overlap) for other in theirs) for one in mine) / len(mine)


def _long_contents(text: str) -> list[set[str]]:
    contents = (_content(sentence) for sentence in sentences(text))
    return [content for content in contents if len(content) >= REHASH_WORDS]


def _shingles(text: str) -> list[str]:
    tokens = text.split()
    return [" ".join(tokens[i : i + SHINGLE]) for i in range(len(tokens) - SHINGLE + 1)]


def _repeated(items: Sequence[str]) -> float:
    """Return which share of the items is there more than once (each first time not counted)."""
    return 1 - len(Counter(items)) / len(items) if items else 0.0
