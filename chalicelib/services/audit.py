"""The audit: what a use case notes about what it does, and who may read that.

A change and its entry are written in one transaction (:func:`entry`). What changes nothing, such as handing out a
document, is noted before it is done (:func:`note`). Denied requests are counted first (:func:`denied`); the sweep
makes one entry of each minute's (:func:`settle_denials`), so that nobody can fill the audit by being denied.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.audit import NOBODY, SYSTEM, Action, AuditEntry
from chalicelib.domain.caller import TEST_ACCOUNT_MARK, Caller
from chalicelib.domain.clock import now, stamp
from chalicelib.domain.request_context import RequestContext, current_context
from chalicelib.settings import settings
from chalicelib.stores.audit_store import AuditQuery
from chalicelib.stores.denial_store import Denial
from chalicelib.stores.dynamodb import Put, TransactionFailedError, transact
from chalicelib.stores.stores import stores

_log = logging.getLogger(__name__)

# How many denials of one actor, and of all, a process counts in a minute. What goes beyond is not counted: an entry
# with this many says "at least", and a flood costs no more than this.
COUNTED_OF_ONE: Final = 20
COUNTED_OF_ALL: Final = 200

# A minute is settled when it has been over for so long that no process counts in it any more.
_SETTLED_AFTER: Final = timedelta(minutes=2)
_KEPT_UNSETTLED: Final = timedelta(days=30)
_SETTLED_AT_ONCE: Final = 500
_SETTLING_SECONDS: Final = 10.0


class NotYourTenantError(Exception):
    """They may read their own tenant's audit alone, or none."""


# Noting


def entry(action: Action, tenant: str, target: str, **details: str | int) -> Put:
    """Return the write that records a change, to be done in one transaction with it. No AWS call.

    Args:
        action: what is done.
        tenant: whose data it is about.
        target: the id of what it is done to.
        details: a few short facts; no titles, no texts, no secrets.
    """
    noted = _entry(action, tenant, target, details)
    return stores().audit.entry(noted, _expiry(now()))


def note(action: Action, tenant: str, target: str, **details: str | int) -> None:
    """Record what changes nothing, before it is done: one AWS call. The arguments are those of :func:`entry`."""
    stores().audit.add(_entry(action, tenant, target, details), _expiry(now()))


def _entry(action: Action, tenant: str, target: str, details: dict[str, str | int]) -> AuditEntry:
    context = current_context()
    # A test key's data belong to the tenant whose key it is.
    owner = tenant.removeprefix(TEST_ACCOUNT_MARK)
    kept = details if owner == tenant else details | {"test": 1}
    noted = AuditEntry(_new_id(now()), owner, SYSTEM, action, target, details=kept)
    if context is None:
        return noted
    return replace(noted, actor=_actor(context), request_id=context.request_id, address=context.address)


def _actor(context: RequestContext) -> str:
    if context.caller is None:
        return context.address or NOBODY
    return context.caller.key_id or context.caller.owner


def _new_id(at: datetime) -> str:
    return f"{stamp(at)}#{secrets.token_urlsafe(9)}"


def _expiry(at: datetime) -> int:
    return int((at + timedelta(days=settings().audit_days)).timestamp())


# Denied requests

_counting = threading.Lock()
# What this process has counted in the present minute, by actor.
_counted: Counter[str] = Counter()
_minute_counted = ""


def denied(status: int) -> None:
    """Count the present request as denied: one AWS call at most, none once this minute has many.

    Trouble with that is logged and changes nothing about the answer.

    Args:
        status: the HTTP status of the answer.
    """
    context = current_context()
    if context is None:
        return
    at = now()
    actor = _actor(context)
    if not _is_to_be_counted(stamp(at)[:16], actor):
        return
    denial = Denial(
        minute=stamp(at)[:16],
        tenant=context.caller.owner if context.caller else NOBODY,
        actor=actor,
        address=context.address,
        status=status,
        route=f"{context.method} {context.route}",
        request_id=context.request_id,
    )
    try:
        stores().denials.count(denial, int((at + _KEPT_UNSETTLED).timestamp()))
    except (ClientError, BotoCoreError):
        _log.exception("a denied request was not counted")


def _is_to_be_counted(minute: str, actor: str) -> bool:
    global _minute_counted  # noqa: PLW0603 - what a process remembers, as its caches do
    with _counting:
        if minute != _minute_counted:
            _minute_counted = minute
            _counted.clear()
        if _counted[actor] >= COUNTED_OF_ONE or _counted.total() >= COUNTED_OF_ALL:
            return False
        _counted[actor] += 1
        return True


def forget_denials() -> None:
    """Forget what was counted in this minute."""
    _counted.clear()


def settle_denials() -> int:
    """Make entries of the denials of minutes that are over, one for each minute, actor and status; return how many.

    One AWS call, and one for each entry: no more than fit ten seconds, the oldest first. The next sweep goes on. Of
    several sweeps at once, one writes an entry.
    """
    settled, until = 0, time.monotonic() + _SETTLING_SECONDS
    for denial in stores().denials.before(stamp(now() - _SETTLED_AFTER)[:16]):
        if settled == _SETTLED_AT_ONCE or (settled and time.monotonic() >= until):
            break
        try:
            transact([_entry_of(denial), stores().denials.settled(denial)])
        except TransactionFailedError:
            _log.info("denials of %s were settled by another sweep", denial.minute)
        else:
            settled += 1
    return settled


def _entry_of(denial: Denial) -> Put:
    details: dict[str, str | int] = {"status": denial.status, "count": denial.count, "minute": denial.minute}
    if denial.count >= COUNTED_OF_ONE:
        details["at_least"] = 1
    at = f"{denial.minute}:59.999999Z"
    noted = AuditEntry(
        id=f"{at}#{secrets.token_urlsafe(9)}",
        tenant=denial.tenant,
        actor=denial.actor,
        action="access.denied",
        target=denial.route,
        outcome="denied",
        request_id=denial.request_id,
        address=denial.address,
        details=details,
    )
    return stores().audit.entry(noted, _expiry(now()))


# Reading


def is_operator(caller: Caller) -> bool:
    """Tell whether somebody runs this deployment: an admin of an owner that ``OPERATORS`` names."""
    return caller.role == "admin" and caller.owner in settings().operators


def read_audit(caller: Caller, query: AuditQuery) -> tuple[list[AuditEntry], str | None]:
    """Return entries, newest first, and where the next page goes on (None: this was the last).

    One AWS call, four for those of everybody; with a filter up to five times that.

    Args:
        caller: who asks: an admin for their own tenant, an operator for any, or for all with no tenant named.
        query: which entries; without a tenant, an admin's own.

    Raises:
        NotYourTenantError: they may not read those.
    """
    if is_operator(caller):
        return stores().audit.page(query)
    if caller.role != "admin" or query.tenant not in (None, caller.owner):
        raise NotYourTenantError
    return stores().audit.page(replace(query, tenant=caller.owner))
