"""Replaces private values by tokens on the way to a model, and tokens by values on the way back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from chalicelib.privacy.damaged_tokens import damaged_tokens
from chalicelib.privacy.detect import Detection, Detector, without_overlaps
from chalicelib.privacy.token_map import CLOSING, OPENING, WORDS, TokenMap

__all__ = ["WITHHELD", "Restored", "Scrambler", "TokenMap", "damaged_tokens"]

# Stands where a token could not be restored: the token itself is never printed.
WITHHELD: Final = "[withheld]"
_PASSES: Final = 5
# What restoring puts in or takes away: where somebody else wrote it, it gets a token like a token's own brackets.
_OURS = re.compile(f"([{OPENING}{CLOSING}]|{re.escape(WITHHELD)})")
_EXACT = re.compile(rf"{OPENING}({'|'.join(WORDS)})_([1-9][0-9]{{0,6}})([B-Z]{{0,4}}){CLOSING}")


@dataclass(frozen=True)
class Restored:
    """A text with values for its tokens, and the tokens, as they stood there, that nothing is known for."""

    text: str
    unrestored: tuple[str, ...]


class Scrambler:
    """Scrambles and restores the texts of one report; safe to use from several threads."""

    def __init__(self, tokens: TokenMap, detector: Detector) -> None:
        self._tokens = tokens
        self._detector = detector

    def learn(self, text: str) -> None:
        """Give every private value of ``text`` its token, so that texts scrambled later know it."""
        for found in self._detector.detect(text):
            self._tokens.token(found.type, found.text)

    def scramble(self, text: str, *, has_tokens: bool = False) -> str:
        """Return ``text`` with tokens for its private values.

        Args:
            text: what is to go to a model.
            has_tokens: the text comes from a model (or from here): exact tokens in it are tokens. In any other
                text they are somebody's own words, and get a token themselves, which brings them back.
        """
        if not has_tokens:
            return self._scramble(text)
        parts: list[str] = []
        position = 0
        for match in _EXACT.finditer(text):
            if self._tokens.value(match[1], int(match[2]), match[3]) is None:
                continue
            parts += self._scramble(text[position : match.start()]), match.group()
            position = match.end()
        return "".join([*parts, self._scramble(text[position:])])

    def restore(self, text: str) -> Restored:
        """Return a model's ``text`` with the values for its tokens, also for those the model bent."""
        return self._replaced(text, self._tokens.value)

    def repair(self, text: str) -> Restored:
        """Return a model's ``text`` with exact tokens for those that the model bent, and no values.

        What is kept before a report is finished is repaired, not restored.
        """
        return self._replaced(text, self._tokens.exact)

    def knows(self, text: str) -> bool:
        """Tell whether there is a value for every exact token of ``text``."""
        return all(self._tokens.value(found[1], int(found[2]), found[3]) is not None for found in _EXACT.finditer(text))

    def _scramble(self, text: str) -> str:
        found = self._detector.detect(text)
        for one in found:
            self._tokens.token(one.type, one.text)
        known = [
            Detection(kind, start, end, text[start:end], 1.0)
            for kind, start, end in self._tokens.occurrences(text, [(one.start, one.end) for one in found])
        ]
        parts: list[str] = []
        position = 0
        for one in without_overlaps(text, [*found, *known]):
            token = self._tokens.token(one.type, one.text)
            parts += self._without_lookalikes(text[position : one.start]), token
            position = one.end
        return "".join([*parts, self._without_lookalikes(text[position:])])

    def _without_lookalikes(self, text: str, passes: int = _PASSES) -> str:
        """Return ``text``, which stands between tokens, with tokens for what ``restore`` would take for one.

        What is left beside one that was replaced is read anew, because it now starts or ends elsewhere.
        """
        found = list(damaged_tokens(text))
        if not found:
            return "".join(self._without_ours(text))
        if not passes:
            return self._tokens.token_of_text(text)
        parts: list[str] = []
        position = 0
        for one in found:
            parts.append(self._without_lookalikes(text[position : one.start], passes - 1))
            parts.append(self._tokens.token_of_text(text[one.start : one.end]))
            position = one.end
        return "".join([*parts, self._without_lookalikes(text[position:], passes - 1)])

    def _without_ours(self, text: str) -> Iterator[str]:
        """Yield ``text`` with tokens for the brackets of tokens, which would pass for damage, and for ``WITHHELD``."""
        for place, piece in enumerate(_OURS.split(text)):
            yield self._tokens.token_of_text(piece) if place % 2 else piece

    def _replaced(self, text: str, lookup: Callable[[str, int, str], str | None]) -> Restored:
        parts: list[str] = []
        unrestored: list[str] = []
        position = 0
        for match in _EXACT.finditer(text):
            parts += self._mended(text[position : match.start()].rstrip(OPENING), lookup, unrestored)
            value = lookup(match[1], int(match[2]), match[3])
            if value is None:
                unrestored.append(match.group())
            parts.append(WITHHELD if value is None else value)
            position = _after_closings(text, match.end())
        parts += self._mended(text[position:], lookup, unrestored)
        return Restored("".join(parts), tuple(unrestored))

    def _mended(self, text: str, lookup: Callable[[str, int, str], str | None], unrestored: list[str]) -> Iterator[str]:
        position = 0
        for found in damaged_tokens(text):
            number = found.number if found.number is not None else self._tokens.only_number(found.word)
            value = lookup(found.word, number, found.variant) if number is not None else None
            if value is None and not found.certain:
                continue
            before = text[position : found.start]
            yield before.rstrip(OPENING) if found.certain else before
            if value is None:
                unrestored.append(text[found.start : found.end])
            yield WITHHELD if value is None else f"{found.lead}{value}{found.tail}"
            position = _after_closings(text, found.end) if found.certain else found.end
        yield text[position:]


def _after_closings(text: str, position: int) -> int:
    """Return where the closing brackets end that a model put behind a token once too often."""
    while text[position : position + 1] == CLOSING:
        position += 1
    return position
