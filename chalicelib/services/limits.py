"""Limits: no caller does something more often than the limit in any window of its length.

What a limit holds is never cached: each request that is let through has taken a slot with a write of its own (see
``limit_store``). What this process saw last only tells where a free slot is likely, so that the first write succeeds.
"""

from __future__ import annotations

import logging
import math
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.rate import LimitName, Rate
from chalicelib.services.key_usage import put_back, take_pending
from chalicelib.settings import settings
from chalicelib.stores.limit_store import MICROSECONDS, SlotTakenError, Ticket
from chalicelib.stores.stores import stores

_log = logging.getLogger(__name__)

_CACHE_SIZE: Final = 1_000
_random = secrets.SystemRandom()


@dataclass(frozen=True)
class _Seen:
    """What this process saw last of a window: the moments in its slots, and counts of usage that are outdated."""

    slots: Mapping[int, int]
    outdated: tuple[str, ...] = ()


_NOTHING: Final = _Seen({})
_seen: dict[tuple[str, str], _Seen] = {}


@dataclass(frozen=True)
class Standing:
    """Where a caller stands with a limit, as the headers tell it.

    Args:
        requests: how many the limit allows.
        remaining: how many of them are left now.
        resets_at: when the next one that is in use is free again, in whole seconds since 1970.
    """

    requests: int
    remaining: int
    resets_at: int


@dataclass(frozen=True)
class Admission:
    """A request that was let through: its ticket, and where the caller stands after it."""

    ticket: Ticket
    standing: Standing


class LimitReachedError(Exception):
    """The caller has done this as often as they may; ``retry_after`` is in whole seconds."""

    def __init__(self, standing: Standing, retry_after: int) -> None:
        super().__init__("the limit is reached")
        self.standing = standing
        self.retry_after = retry_after


def admit(caller: str, limit: LimitName) -> Admission | None:
    """Count a request against one of the deployment's limits: one AWS call, two where others take slots meanwhile.

    Args:
        caller: whose limit.
        limit: its name.

    Returns:
        What was taken, or None where the limit is switched off.

    Raises:
        LimitReachedError: the window is full; nothing was counted.
    """
    rate = settings().rate_limits[limit]
    return None if rate is None else _take(caller, limit, rate)


def admit_key(caller: str, key_id: str, requests_per_minute: int) -> Admission:
    """Count a request against the limit that a key has of its own: calls as for :func:`admit`.

    Args:
        caller: whose key.
        key_id: the key.
        requests_per_minute: its limit.

    Raises:
        LimitReachedError: the window is full; nothing was counted.
    """
    return _take(caller, f"key#{key_id}", Rate(requests_per_minute, 60))


def give_back(ticket: Ticket) -> None:
    """Let a request count for nothing: one AWS call, none where it has left its window. Trouble is logged."""
    if ticket.until <= _microseconds():
        return
    try:
        stores().limits.give_back(ticket)
    except (ClientError, BotoCoreError):
        # The window forgets it by itself.
        _log.exception("a request could not be given back")


def _take(caller: str, limit: str, rate: Rate) -> Admission:
    seen = _seen.get((caller, limit), _NOTHING)
    usage = take_pending(caller)
    try:
        ticket, seen = _take_slot(caller, limit, rate, seen, usage)
    except BaseException:
        put_back(caller, usage)
        raise
    _remember(caller, limit, seen)
    return Admission(ticket, _standing(rate, seen.slots, ticket.at))


def _take_slot(caller: str, limit: str, rate: Rate, seen: _Seen, usage: Mapping[str, int]) -> tuple[Ticket, _Seen]:
    window = rate.seconds * MICROSECONDS
    # Every slot that is lost was won by somebody else, and there are only so many.
    for _ in range(rate.requests + 1):
        at = _microseconds()
        ticket = Ticket(caller, limit, _likely_free(rate, seen.slots, at - window), at, at + window)
        try:
            slots, outdated = stores().limits.take(ticket, at - window, usage, seen.outdated)
        except SlotTakenError as taken:
            seen = _Seen(taken.slots, seen.outdated)
            if not _free(rate, taken.slots, at - window):
                break
        else:
            return ticket, _Seen(slots, tuple(outdated))
    _remember(caller, limit, seen)
    at = _microseconds()
    # The digits after the millisecond are random: who waits as long as this finds the slot free for sure.
    wait = math.ceil((_free_at(rate, seen.slots, at) + 1_000 - at) / MICROSECONDS)
    raise LimitReachedError(_standing(rate, seen.slots, at), max(1, wait))


def _free(rate: Rate, slots: Mapping[int, int], window_start: int) -> list[int]:
    return [slot for slot in range(rate.requests) if slots.get(slot, 0) <= window_start]


def _likely_free(rate: Rate, slots: Mapping[int, int], window_start: int) -> int:
    # Chosen at random, so that processes that know the same meet seldom.
    free = _free(rate, slots, window_start)
    return _random.choice(free) if free else min(range(rate.requests), key=lambda slot: slots.get(slot, 0))


def _standing(rate: Rate, slots: Mapping[int, int], at: int) -> Standing:
    remaining = rate.requests - len(_in_use(rate, slots, at))
    return Standing(rate.requests, max(0, remaining), math.ceil(_free_at(rate, slots, at) / MICROSECONDS))


def _in_use(rate: Rate, slots: Mapping[int, int], at: int) -> list[int]:
    return [moment for moment in slots.values() if moment > at - rate.seconds * MICROSECONDS]


def _free_at(rate: Rate, slots: Mapping[int, int], at: int) -> int:
    """Return when the next slot is free that is in use at ``at``."""
    in_use = sorted(_in_use(rate, slots, at))
    # Where slots are left over from a higher limit, a place is free when fewer than the limit are in use.
    surplus = max(0, len(in_use) - rate.requests)
    return in_use[surplus] + rate.seconds * MICROSECONDS if in_use else at


def _remember(caller: str, limit: str, seen: _Seen) -> None:
    if len(_seen) >= _CACHE_SIZE:
        _seen.clear()
    _seen[caller, limit] = seen


def _microseconds() -> int:
    # To the millisecond; the digits after it make the moment unique.
    return time.time_ns() // 1_000_000 * 1_000 + secrets.randbelow(1_000)


def forget_windows() -> None:
    """Drop what this process knows of the windows; nothing rests on it."""
    _seen.clear()
