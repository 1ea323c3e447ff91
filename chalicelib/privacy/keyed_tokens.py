"""Tokens that need no map: made of a value with a key, so that the same value has the same token for as long.

They go to an endpoint that computes the meaning of texts. Nothing comes back that would have to be restored, and a
query must read like the texts that it is to find: both get the same token for the same value, whenever they are sent.
Who does not have the key cannot tell which value a token stands for, nor try values out.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

from chalicelib.privacy.detect import Detection, Detector, without_overlaps
from chalicelib.privacy.pii_type import PiiType
from chalicelib.privacy.token_map import CLOSING, OPENING, TokenMap, normalised

_BYTES: Final = 8


class KeyedTokens:
    """The tokens of one collection of texts."""

    def __init__(self, key: bytes, detector: Detector) -> None:
        if len(key) < 16:
            raise ValueError("a key has at least 16 bytes")
        self._key = key
        self._detector = detector
        # What one text tells of a value (that "Weber" is a person), the next ones of the same kind are read with.
        self._known = TokenMap()

    def learn(self, text: str) -> None:
        """Let texts that are scrambled later know every private value of ``text``, wherever it stands in them."""
        for found in self._detector.detect(text):
            self._known.token(found.type, found.text)

    def learn_values(self, values: Iterable[tuple[str, str]]) -> None:
        """Let texts that are scrambled later know these values, pairs of type and value, wherever they stand there."""
        for kind, value in values:
            self._known.token(PiiType(kind), value)

    def scramble(self, text: str, before: str = "", after: str = "") -> str:
        """Return ``text`` with tokens for its private values. There is no way back.

        Args:
            text: what is to be sent.
            before: what stands before it where it was cut out, and is not sent; of a value that the cut divides, the
                part in ``text`` is replaced as well.
            after: what stands after it.
        """
        whole = f"{before}{text}{after}"
        detected = self._detector.detect(whole)
        for one in detected:
            self._known.token(one.type, one.text)
        known = [
            Detection(kind, start, end, whole[start:end], 1.0)
            for kind, start, end in self._known.occurrences(whole, [(one.start, one.end) for one in detected])
        ]
        first, last = len(before), len(before) + len(text)
        parts: list[str] = []
        position = first
        for one in without_overlaps(whole, [*detected, *known]):
            if one.end > first and one.start < last:
                parts += whole[position : max(position, one.start)], self._token(one.type, one.text)
                position = min(one.end, last)
        return "".join([*parts, whole[position:last]])

    def _token(self, kind: PiiType, value: str) -> str:
        said = f"{kind.name}\0{normalised(kind, value)}".encode("utf-8", "surrogatepass")
        digest = hmac.new(self._key, said, hashlib.sha256).hexdigest()[: 2 * _BYTES]
        return f"{OPENING}{kind.name}_{digest}{CLOSING}"
