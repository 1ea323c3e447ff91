"""Numbers, lists and dates as an editor would write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from chalicelib.domain.finding import SEVERITIES, Severity

_NUMBERS: Final = (
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def number(count: int) -> str:
    """Return a count as a word up to twelve, else in digits: ``no``, ``one``, ``1,204``."""
    return _NUMBERS[count] if 0 <= count < len(_NUMBERS) else f"{count:,}"


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return a count and its noun: ``one finding``, ``no findings``, ``20 findings``."""
    return f"{number(count)} {noun if count == 1 else plural or noun + 's'}"


def listed(parts: Sequence[str]) -> str:
    """Return ``a``, ``a and b`` or ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1]))) if parts else ""


def listed_shortly(parts: Sequence[str], most: int, noun: str, plural: str = "") -> str:
    """Return at most ``most`` of ``parts`` and how many there are beyond: ``a, b and three more files``."""
    if len(parts) <= most + 1:
        return listed(parts)
    return listed([*parts[:most], _more(len(parts) - most, noun, plural)])


def capitalised(sentence: str) -> str:
    """Return a sentence with a capital first letter; what begins with a name or quotation stays."""
    return sentence[:1].upper() + sentence[1:]


def percent(share: float) -> str:
    """Return a share (0 to 1) as whole percent: ``95 %``; what is not certain is never rounded up to 100 %."""
    return f"{100 if share >= 1 else min(99, round(share * 100))} %"


def by_severity(counts: Mapping[Severity, int]) -> str:
    """Return the counts from the gravest down: ``one critical, two high and one low``."""
    return listed([f"{number(counts[severity])} {severity}" for severity in reversed(SEVERITIES) if counts[severity]])


def date(stamp: str) -> str:
    """Return the day of a stamp: ``3 May 2026``."""
    year, month, day = stamp[:10].split("-")
    return f"{int(day)} {_MONTHS[int(month) - 1]} {year}"


def days(first: str, last: str) -> str:
    """Return when something happened between two stamps: ``on 3 May 2026``, ``between 3 and 5 May 2026``."""
    one, other = date(first).split(" "), date(last).split(" ")
    if one == other:
        return f"on {date(last)}"
    shared = 2 if one[1:] == other[1:] else 1 if one[2:] == other[2:] else 0
    return f"between {' '.join(one[: len(one) - shared])} and {' '.join(other)}"


def _more(count: int, noun: str, plural: str) -> str:
    return f"{number(count)} more {noun if count == 1 else plural or noun + 's'}"
