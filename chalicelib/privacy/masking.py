"""A private value as it may be shown: its form, and so little of it that its owner knows which one is meant."""

from __future__ import annotations

from typing import Final

from chalicelib.privacy.pii_type import PiiType

_MASK: Final = "*"
# Of a long number people know their own by its last digits.
_BY_THE_END: Final = frozenset({PiiType.CARD, PiiType.IBAN, PiiType.PHONE, PiiType.ACCOUNT})
_BY_THE_BEGINNING: Final = frozenset({PiiType.PERSON, PiiType.EMAIL})
_SHOWN_AT_THE_END: Final = 4
_LONG_ENOUGH: Final = 10
_LONGEST: Final = 80


def masked_value(kind: PiiType, value: str) -> str:
    """Return ``value`` with asterisks for its letters and digits, cut to 80 characters."""
    places = [place for place, character in enumerate(value) if character.isalnum()]
    shown: set[int] = set()
    if kind in _BY_THE_END and len(places) >= _LONG_ENOUGH:
        shown = set(places[-_SHOWN_AT_THE_END:])
    elif kind in _BY_THE_BEGINNING:
        shown = set(places[:1])
    masked = "".join(
        character if place in shown or not character.isalnum() else _MASK for place, character in enumerate(value)
    )
    return masked if len(masked) <= _LONGEST else f"{masked[: _LONGEST - 1]}…"
