"""A text with what several detectors ask of it, worked out once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, cached_property

# From here on scripts are written without spaces, or join their particles to what stands before.
_WITHOUT_SPACES = "\u2e80"
_DIGITS = re.compile(r"[0-9][0-9]*")
_LONG = 19


class PreparedText:
    """A text, and the same text in small letters at the same positions."""

    def __init__(self, text: str) -> None:
        self.text = text
        # The only letter whose small form is longer; positions must stay the same.
        self.lowered = text.replace("\u0130", "I").lower()

    def before(self, position: int, width: int) -> str:
        """Return up to ``width`` characters before ``position``, in small letters."""
        return self.lowered[max(0, position - width) : position]

    def starts_word(self, position: int) -> bool:
        """Tell whether no letter, digit or underscore comes right before ``position``."""
        return position == 0 or not is_word(self.text[position - 1])

    def ends_word(self, position: int) -> bool:
        """Tell whether no letter, digit or underscore stands at ``position``."""
        return position >= len(self.text) or not is_word(self.text[position])

    @cached_property
    def _different_words(self) -> str:
        # Each once: a text has many times as many words as different ones.
        return "\n".join(set(self.lowered.split()))

    @cached_property
    def long_words(self) -> str:
        """The words of 19 characters or more, in small letters, each once, a line feed between them.

        A word goes up to the next space; in prose hardly any is as long, and all keys of a known form are.
        """
        return "\n".join(word for word in self._different_words.split("\n") if len(word) >= _LONG)

    @cached_property
    def digit_runs(self) -> list[int]:
        """Where each run of digits starts."""
        return [match.start() for match in _DIGITS.finditer(self.text)]

    def at_digits(self, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
        """Yield matches of ``pattern``, which begins with digits, from starts of runs of them on; none in another."""
        read_up_to = 0
        for start in self.digit_runs:
            if start >= read_up_to and (match := pattern.match(self.text, start)):
                yield match
                read_up_to = match.end()

    def places(self, stems: tuple[str, ...]) -> Iterator[int]:
        """Yield where one of ``stems`` (small letters) stands, also inside words; stems in no order."""
        for stem, word in zip(stems, _longest_words(stems), strict=True):
            found = self.lowered.find(stem) if word in self._different_words else -1
            while found >= 0:
                yield found
                found = self.lowered.find(stem, found + len(stem))

    def occurrences(self, stems: tuple[str, ...]) -> Iterator[int]:
        """Yield where one of ``stems`` (small letters) starts a word; stems in no order."""
        for found in self.places(stems):
            if self.starts_word(found) or self.text[found - 1] == "_":
                yield found


@cache
def _longest_words(stems: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(max(stem.split(), key=len) for stem in stems)


def is_word(character: str) -> bool:
    """Tell whether a character can be inside a word: a letter, digit or underscore.

    What is Chinese, Japanese or Korean stands beside numbers and names without a space, and ends nothing.
    """
    return (character.isalnum() and character < _WITHOUT_SPACES) or character == "_"
