"""How much each key is used: counted in this process, written with what is written anyway.

A limit's write takes the counts along. What no such write has taken for a minute is written by itself, at most once a
minute for each caller. A process that ends takes at most that with it: the figures tell how a key is used, they are
no bill.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.clock import day, now
from chalicelib.stores.limit_store import MICROSECONDS, MOST_COUNTED
from chalicelib.stores.stores import stores

_log = logging.getLogger(__name__)

_WRITTEN_AFTER_SECONDS: Final = 60.0
_DAY: Final = timedelta(days=1)


@dataclass
class _Pending:
    """Requests of a caller's keys that are not written yet, and since when there are some."""

    since: float
    requests: Counter[str] = field(default_factory=Counter)


_lock = threading.Lock()
_pending: dict[str, _Pending] = {}


def note_use(caller: str, key_id: str) -> None:
    """Count one request of a key: no AWS call, but one where counts have waited for a minute.

    Args:
        caller: whose limits the key's requests count against.
        key_id: the key.
    """
    with _lock:
        pending = _pending.setdefault(caller, _Pending(time.monotonic()))
        pending.requests[key_id] += 1
        overdue = time.monotonic() - pending.since >= _WRITTEN_AFTER_SECONDS
    if overdue:
        _write(caller)


def take_pending(caller: str) -> Mapping[str, int]:
    """Return what is not written yet of a caller's keys; whoever takes it writes it, or puts it back.

    What one write does not hold stays for the next.
    """
    with _lock:
        pending = _pending.pop(caller, None)
        if pending is None:
            return {}
        taken = Counter(dict(pending.requests.most_common(MOST_COUNTED)))
        rest = pending.requests - taken
        if rest:
            _pending[caller] = _Pending(pending.since, rest)
    return taken


def put_back(caller: str, requests: Mapping[str, int]) -> None:
    """Keep counts that could not be written."""
    if not requests:
        return
    with _lock:
        _pending.setdefault(caller, _Pending(time.monotonic())).requests.update(requests)


def _write(caller: str) -> None:
    taken = take_pending(caller)
    if not taken:
        return
    try:
        stores().limits.add_usage(caller, taken, int(now().timestamp() * MICROSECONDS))
    except (ClientError, BotoCoreError):
        # A figure is not worth a request.
        _log.exception("the usage of keys could not be written")
        put_back(caller, taken)


def usage_of(caller: str, key_id: str, days: int) -> dict[str, int]:
    """Return how many requests of a key were counted on each of the last UTC days, the newest last: one AWS call.

    Args:
        caller: whose limits the key's requests count against.
        key_id: the key.
        days: how many days, with today.
    """
    counted = stores().limits.usage(caller, key_id)
    with _lock:
        here = _pending[caller].requests[key_id] if caller in _pending else 0
    today = int(now().timestamp()) // 86_400
    counted[today] = counted.get(today, 0) + here
    first = datetime(1970, 1, 1, tzinfo=UTC)
    return {day(first + number * _DAY): counted.get(number, 0) for number in range(today - days + 1, today + 1)}


def forget_usage() -> None:
    """Drop every count that is not written."""
    with _lock:
        _pending.clear()
