"""Numbers in words: “two hundred and five”, “dozen”, “twice”."""

from __future__ import annotations

import re
from typing import Final


def word_list(words: str) -> list[str]:
    """Return the words of a text that lists them, in their order."""
    return words.split()


_SMALL: Final = word_list(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS: Final = word_list("twenty thirty forty fifty sixty seventy eighty ninety")
_ORDINALS: Final = word_list(
    "fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth "
    "seventeenth eighteenth nineteenth twentieth"
)
_SCALES: Final = {"dozen": 12, "hundred": 100, "thousand": 1_000, "million": 10**6, "billion": 10**9}
_BELOW_HUNDRED: Final = {word: value for value, word in enumerate(_SMALL)} | {
    word: 10 * place for place, word in enumerate(_TENS, start=2)
}
_ALONE: Final = {"twice": 2, "thrice": 3, "both": 2} | {word: n for n, word in enumerate(_ORDINALS, start=4)}
NUMBER_WORDS: Final = frozenset({*_BELOW_HUNDRED, *_SCALES, *_ALONE} - {"one"})
"""Words that are numbers. “One” is left out: it mostly stands for a thing."""

_WORD: Final = "|".join({**_BELOW_HUNDRED, **_SCALES})
_AND: Final = r"(?:(?<=dred)|(?<=sand)|(?<=lion))\s+and\s+"
IN_WORDS: Final = re.compile(rf"\b(?:(?:{_WORD})(?:(?:[-\s]+|{_AND})(?:{_WORD}))*|{'|'.join(_ALONE)})\b", re.IGNORECASE)
"""A number in words, “one” included."""


def value_of(said: str) -> int:
    """Return the value of a number in words: ``two hundred and five`` is 205."""
    whole = part = 0
    for word in re.split(r"[-\s]+", said.casefold()):
        if word in _ALONE:
            return _ALONE[word]
        scale = _SCALES.get(word)
        if scale is None:
            part += _BELOW_HUNDRED.get(word, 0)
        elif scale <= 100:
            part = (part or 1) * scale
        else:
            whole, part = whole + (part or 1) * scale, 0
    return whole + part
