"""When a webhook is sent again, and when it is given up."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, Literal

OFFSETS_SECONDS: Final = (0, 30, 120, 600, 3600)
"""When each attempt is due, counted from the first one, in seconds."""

MAX_ATTEMPTS: Final = len(OFFSETS_SECONDS)
LONGEST_WISH_SECONDS: Final = 3600.0
"""The longest ``Retry-After`` that is honoured; a longer one counts as this."""

QUEUE_DELAY_SECONDS: Final = 900
"""The longest delay that SQS carries."""

_JITTER: Final = 0.1
_MAX_WISH_CHARACTERS: Final = 64
_WISH_STATUSES: Final = (429, 503)
_PASSING: Final = (408, 429)


@dataclass(frozen=True)
class Delivered:
    """The receiver took it."""


@dataclass(frozen=True)
class RetryAt:
    """It is to be sent again at a moment, as attempt ``number``."""

    moment: datetime
    number: int


@dataclass(frozen=True)
class GivenUp:
    """It is not sent again by itself: it was ``rejected`` by the receiver, or all attempts are ``exhausted``."""

    reason: Literal["rejected", "exhausted"]


Outcome = Delivered | RetryAt | GivenUp


def outcome(
    number: int,
    status: int | None,
    *,
    started_at: datetime,
    ended_at: datetime,
    wish_seconds: float | None = None,
    chance: Callable[[], float] = random.random,
) -> Outcome:
    """Return what follows from an attempt.

    The waits are the gaps of the schedule, counted from the start of this attempt, so that an attempt that
    came late is not followed by a burst of others.

    Args:
        number: which attempt it was, from 1 on.
        status: the HTTP status of the answer, or None if there was none.
        started_at: when the attempt began.
        ended_at: when it ended.
        wish_seconds: how long the receiver asked to be left alone, counted from ``ended_at``.
        chance: a number from 0 to 1, for the jitter: up to a tenth of the wait is added.
    """
    if status is not None and 200 <= status < 300:
        return Delivered()
    if status is not None and 400 <= status < 500 and status not in _PASSING:
        return GivenUp("rejected")
    if number >= MAX_ATTEMPTS:
        return GivenUp("exhausted")
    due = started_at + _jittered(OFFSETS_SECONDS[number] - OFFSETS_SECONDS[number - 1], chance)
    if status in _WISH_STATUSES and wish_seconds is not None:
        due = max(due, ended_at + _jittered(min(wish_seconds, LONGEST_WISH_SECONDS), chance))
    return RetryAt(due, number + 1)


def wished_wait(retry_after: str | None, now: datetime) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for, or None if it says nothing intelligible.

    Args:
        retry_after: a number of seconds or an HTTP date.
        now: the current time.
    """
    if retry_after is None or len(retry_after) > _MAX_WISH_CHARACTERS:
        return None
    if re.fullmatch(r"\s*[0-9]{1,9}\s*", retry_after):
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except (ValueError, IndexError, TypeError, OverflowError):  # all of them come from some header
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())


def queue_delay(moment: datetime, now: datetime) -> int | None:
    """Return the whole seconds by which a queue message must be delayed, or None if a queue cannot carry that.

    Never early: the seconds are rounded up.
    """
    seconds = max(0, -((now - moment) // timedelta(seconds=1)))
    return seconds if seconds <= QUEUE_DELAY_SECONDS else None


def _jittered(seconds: float, chance: Callable[[], float]) -> timedelta:
    return timedelta(seconds=seconds * (1 + _JITTER * chance()))
