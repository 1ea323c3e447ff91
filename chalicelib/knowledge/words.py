"""The words that texts are found by: Unicode words, in small letters, without the endings of English.

Scripts without spaces (Chinese, Japanese, Thai, …) are cut into pairs of letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

_WITHOUT_SPACES: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_RUN: Final = re.compile(rf"[{_WITHOUT_SPACES}]+|[^\W_{_WITHOUT_SPACES}]+(?:['\u2019][^\W_{_WITHOUT_SPACES}]+)*")
_FIRST_WITHOUT_SPACES: Final = re.compile(f"[{_WITHOUT_SPACES}]")
_MARKS: Final = re.compile("[\u0300-\u036f]")
_LONGEST: Final = 60
_VOWELS: Final = frozenset("aeiouy")

# What nearly every English text has: of no use to find one by.
STOP_WORDS: Final = frozenset(
    """a about all also an and any are as at be been but by can could did do does for from had has have how i if in
    into is it its may more most no not of on or our shall should so such than that the their them then there these
    they this those to was we were what when where which while who will with would you your""".split()  # noqa: SIM905
)


def words_of(text: str) -> Iterator[str]:
    """Yield the words of a text as they are indexed; common English words are left out."""
    for run in _RUN.findall(unicodedata.normalize("NFKC", text).casefold()):
        if _FIRST_WITHOUT_SPACES.match(run):
            yield from _pairs(run)
            continue
        word = _stem(run[:_LONGEST])
        if word and word not in STOP_WORDS:
            yield word


def _pairs(run: str) -> Iterator[str]:
    if len(run) == 1:
        yield run
    for at in range(len(run) - 1):
        yield run[at : at + 2]


@lru_cache(maxsize=100_000)
def _stem(word: str) -> str:
    """Return a word as it is compared: without accents on Latin letters and, in ASCII, without common endings."""
    if word in STOP_WORDS:
        return ""
    word = word.replace("\u2019", "'")
    word = word.removesuffix("'s").replace("'", "")
    if not word.isascii():
        decomposed = unicodedata.normalize("NFD", word)
        # Only of Latin letters: elsewhere marks make another letter.
        if decomposed[:1].isascii():
            word = _MARKS.sub("", decomposed)
        if not word.isascii():
            return word
    return _without_ending(word) if word.isalpha() else word


def _without_ending(word: str) -> str:
    word = _singular(word)
    for ending in ("ing", "ed"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= 3 and _VOWELS & set(stem):
            # "stopped" is of "stop"; "called" stays near "call".
            word = stem[:-1] if stem[-1] == stem[-2] and stem[-1] not in "lsz" else stem
            break
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


def _singular(word: str) -> str:
    if len(word) <= 3 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("ches", "shes", "sses", "xes", "zes")):
        return word[:-2]
    return word[:-1]
