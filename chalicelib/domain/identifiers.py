"""Identifiers that sort by the time they were made."""

from __future__ import annotations

import hashlib
import secrets
import time
from typing import Final

# Crockford's alphabet: no letter that is read as a digit.
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_TIME_DIGITS: Final = 10
_RANDOM_DIGITS: Final = 16

UNIQUE_DIGITS: Final = _TIME_DIGITS + _RANDOM_DIGITS


def digits_of(number: int, count: int) -> str:
    """Return the lowest ``count`` digits (5 bits each) of a number, in the alphabet of all identifiers."""
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(count)))


def sortable_id(prefix: str) -> str:
    """Return ``prefix`` and 26 digits: milliseconds since 1970 (48 bits), then 80 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    return prefix + digits_of(milliseconds, _TIME_DIGITS) + digits_of(secrets.randbits(80), _RANDOM_DIGITS)


def sortable_ids(prefix: str, count: int) -> list[str]:
    """Return identifiers as :func:`sortable_id` makes them, which sort in this order although made at once."""
    milliseconds, first = time.time_ns() // 1_000_000, secrets.randbits(79)
    start = prefix + digits_of(milliseconds, _TIME_DIGITS)
    return [start + digits_of(first + number, _RANDOM_DIGITS) for number in range(count)]


def finding_id(investigation_id: str, external_id: str | None) -> str:
    """Return the id of a finding, which tells whose it is: ``fnd_``, the investigation's digits, 16 of its own.

    Args:
        investigation_id: ``inv_…``.
        external_id: the caller's own id, which gives the same finding every time; None for a new one: then the 16
            digits start with the time.
    """
    own = investigation_id.removeprefix("inv_")
    if external_id is None:
        milliseconds = time.time_ns() // 1_000_000
        return f"fnd_{own}{digits_of(milliseconds, _TIME_DIGITS)}{digits_of(secrets.randbits(30), 6)}"
    digest = hashlib.sha256(external_id.encode("utf-8", "surrogatepass")).digest()
    return f"fnd_{own}{digits_of(int.from_bytes(digest[:10], 'big'), _RANDOM_DIGITS)}"


def investigation_of(finding: str) -> str | None:
    """Return the id of the investigation that a finding's id names, or None if it is no finding's id."""
    digits = finding.removeprefix("fnd_")
    if len(finding) != len("fnd_") + UNIQUE_DIGITS + _RANDOM_DIGITS or not set(digits) <= set(_ALPHABET):
        return None
    return f"inv_{digits[:UNIQUE_DIGITS]}"
