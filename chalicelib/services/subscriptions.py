"""Use cases: who is told of events (webhooks of both APIs). Signing secrets are shown once, and kept sealed."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from chalicelib.domain.clock import now, parse_stamp, stamp
from chalicelib.domain.identifiers import UNIQUE_DIGITS, digits_of, sortable_id
from chalicelib.domain.webhook import RetiredSeal, Subscription
from chalicelib.services import audit
from chalicelib.services.idempotency import KEPT, MAX_GENERATIONS, IdempotencyConflictError, RequestName
from chalicelib.services.not_found import NotFoundError
from chalicelib.services.outbox import forget_subscriptions
from chalicelib.settings import settings
from chalicelib.stores.dynamodb import Put
from chalicelib.stores.stores import stores
from chalicelib.stores.webhook_store import SubscriptionExistsError, SubscriptionGoneError
from chalicelib.webhooks.envelopes import REPORT_ENDS
from chalicelib.webhooks.signing_secrets import RetiredSecret, SigningSecrets, new_secret
from chalicelib.webhooks.target import parse_target

FAILING_TIME: Final = timedelta(days=5)
"""How long deliveries may fail, one and all, before a subscription is paused."""

FAILURES: Final = 10
"""How many of them must have failed by then."""

FAILING: Final = "failing"

_log = logging.getLogger(__name__)

_TRIES: Final = 4
_ACCOUNT_MARK: Final = "v1#"


@dataclass(frozen=True)
class NewSubscription:
    """What a valid request asks for; ``min_severity`` and ``tags`` narrow the events of investigations."""

    url: str
    events: tuple[str, ...]
    min_severity: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    description: str = ""


@dataclass(frozen=True)
class WithSecret:
    """A subscription with a secret that is shown this once, or None where the same request has been answered before."""

    subscription: Subscription
    secret: str | None


def tenant_of(owner: str) -> str:
    """Return whose data an owner of subscriptions sees, as the audit names it."""
    return owner.removeprefix(_ACCOUNT_MARK)


def create_subscription(owner: str, new: NewSubscription, name: RequestName | None = None) -> WithSecret:
    """Make a subscription: two AWS calls (its secret is sealed, it is stored).

    Args:
        owner: whose events; for an account of the investigation API what ``owner_of`` returns.
        new: what is asked for.
        name: the caller's name for the request, if it has one.

    Raises:
        TargetError: no webhook is sent to that URL.
        TooManySubscriptionsError: the owner has as many as there may be.
        IdempotencyConflictError: the name was used for another request.
    """
    _check_url(new.url)
    for generation in range(MAX_GENERATIONS if name else 1):
        made = _unstored(_new_id(name, generation), owner, new, name)
        try:
            beside = [audit.entry("webhook.create", tenant_of(owner), made.subscription.id)]
            stores().webhooks.create(made.subscription, beside)
        except SubscriptionExistsError as exists:
            if name is not None and _is_replayed(exists.current, name):
                return WithSecret(exists.current, None)
        else:
            forget_subscriptions(owner)
            return made
    raise IdempotencyConflictError


def _new_id(name: RequestName | None, generation: int) -> str:
    if name is None:
        return sortable_id("sub_")
    return f"sub_{digits_of(name.uuid(generation).int, UNIQUE_DIGITS)}"


def _is_replayed(earlier: Subscription, name: RequestName) -> bool:
    found = name.compare(earlier.request_digest, earlier.created_at, now())
    if found == "other":
        raise IdempotencyConflictError
    return found == "same"


def _unstored(subscription_id: str, owner: str, new: NewSubscription, name: RequestName | None = None) -> WithSecret:
    secret, at = new_secret(), stamp(now())
    subscription = Subscription(
        id=subscription_id,
        owner=owner,
        url=new.url,
        events=new.events,
        created_at=at,
        updated_at=at,
        sealed=stores().secret_box.seal(secret, subscription_id),
        min_severity=new.min_severity,
        tags=new.tags,
        description=new.description,
        request_digest=name.digest if name else "",
    )
    return WithSecret(subscription, secret)


def webhook_of_report(owner: str, report_id: str, url: str) -> tuple[Put, str]:
    """Return the write of the webhook that a report is ordered with, and its secret: one AWS call.

    Raises:
        TargetError: no webhook is sent to that URL.
    """
    _check_url(url)
    made = _unstored(report_id, owner, NewSubscription(url, REPORT_ENDS))
    assert made.secret is not None
    return stores().webhooks.creation_for_report(made.subscription), made.secret


def _check_url(url: str) -> None:
    parse_target(url, allow_loopback=settings().webhook_allow_loopback)


def list_subscriptions(owner: str) -> list[Subscription]:
    """Return an owner's subscriptions, oldest first: one AWS call."""
    return stores().webhooks.subscriptions(owner)


def subscriptions_page(owner: str, limit: int, before: str | None) -> tuple[list[Subscription], str | None]:
    """Return the newest subscriptions of an owner, and the id before which the next page goes on: one AWS call.

    Args:
        owner: whose.
        limit: how many at most.
        before: only those older than the one with this id; one that is deleted meanwhile ends the list.
    """
    newest_first = list_subscriptions(owner)[::-1]
    if before is not None:
        ids = [each.id for each in newest_first]
        newest_first = newest_first[ids.index(before) + 1 :] if before in ids else []
    page = newest_first[:limit]
    return page, page[-1].id if len(newest_first) > limit else None


def subscription(owner: str, subscription_id: str) -> Subscription:
    """Return a subscription of an owner, or the webhook of a report of theirs: one AWS call.

    Raises:
        NotFoundError: there is none with this id, or it is not theirs.
    """
    found = stores().webhooks.get(owner, subscription_id)
    if found is None:
        raise NotFoundError
    return found


def change_subscription(owner: str, subscription_id: str, changes: Mapping[str, Any]) -> Subscription:
    """Change fields of a subscription: two AWS calls.

    Args:
        owner: whose it is.
        subscription_id: which.
        changes: some of ``url``, ``events``, ``min_severity``, ``tags``, ``description``, ``active``.

    Raises:
        NotFoundError: there is none with this id, or it is not theirs.
        TargetError: no webhook is sent to that URL.
    """
    if "url" in changes:
        _check_url(changes["url"])
    if changes.get("active"):
        changes = {**changes, "paused_reason": "", "failing_since": None, "failures": 0}
    return _changed(owner, subscription_id, "webhook.change", lambda seen, at: replace(seen, **changes))


def note_outcome(to: Subscription, is_delivered: bool) -> None:
    """Note how a delivery to a subscription ended: what has failed for days is paused. No AWS call, or one.

    Nothing is written while all goes well.
    """
    changed, beside = _after_outcome(to, is_delivered, now()), []
    if changed is None:
        return
    if not changed.active:
        beside.append(audit.entry("webhook.change", tenant_of(to.owner), to.id, paused=FAILING))
        _log.warning("subscription %s is paused: nothing was delivered since %s", to.id, to.failing_since)
    with contextlib.suppress(SubscriptionGoneError):  # its owner changed it meanwhile: the next outcome counts
        stores().webhooks.change(to, changed, beside)


def _after_outcome(to: Subscription, is_delivered: bool, at: datetime) -> Subscription | None:
    if not to.id.startswith("sub_"):
        return None  # what a single report was ordered with ends with that
    if is_delivered:
        return replace(to, failing_since=None, failures=0) if to.failing_since else None
    since = to.failing_since or stamp(at)
    failing = replace(to, failing_since=since, failures=to.failures + 1)
    if failing.failures < FAILURES or parse_stamp(since) + FAILING_TIME > at:
        return failing
    return replace(failing, active=False, paused_reason=FAILING, updated_at=stamp(at))


def delete_subscription(owner: str, subscription_id: str) -> None:
    """Delete a subscription with its secrets: two AWS calls. What is under way to it is not sent any more.

    Raises:
        NotFoundError: there is none with this id, or it is not theirs.
    """
    seen = subscription(owner, subscription_id)
    try:
        stores().webhooks.delete(seen, [audit.entry("webhook.delete", tenant_of(owner), subscription_id)])
    except SubscriptionGoneError:
        raise NotFoundError from None
    forget_subscriptions(owner)


def rotate_secret(owner: str, subscription_id: str, name: RequestName | None = None) -> WithSecret:
    """Give a subscription a new secret; the one before signs, too, for a day. Three AWS calls.

    Args:
        owner: whose it is.
        subscription_id: which.
        name: the caller's name for the request: within a day it rotates once.

    Raises:
        NotFoundError: there is none with this id, or it is not theirs.
    """
    key = hashlib.sha256(str(name.uuid()).encode()).hexdigest() if name else ""
    before = subscription(owner, subscription_id)
    if _was_rotated_by(before, key):
        return WithSecret(before, None)
    secret = new_secret()
    sealed = stores().secret_box.seal(secret, subscription_id)

    def rotated(seen: Subscription, at: datetime) -> Subscription:
        if _was_rotated_by(seen, key):
            raise _RotatedError(seen)
        secrets = sealed_secrets(seen).rotated(sealed, at)
        retired = tuple(RetiredSeal(old.secret, stamp(old.until)) for old in secrets.retired)
        return replace(seen, sealed=secrets.current, retired=retired, rotated_at=stamp(at), rotation_key=key)

    try:
        return WithSecret(_changed(owner, subscription_id, "webhook.rotate", rotated, before), secret)
    except _RotatedError as earlier:
        return WithSecret(earlier.current, None)


class _RotatedError(Exception):
    """A request of the same name was faster; ``current`` is the subscription as it left it."""

    def __init__(self, current: Subscription) -> None:
        super().__init__("the secret was rotated by a request of this name")
        self.current = current


def _was_rotated_by(seen: Subscription, key: str) -> bool:
    if not key or seen.rotation_key != key or not seen.rotated_at:
        return False
    return parse_stamp(seen.rotated_at) + KEPT > now()


def sealed_secrets(seen: Subscription) -> SigningSecrets:
    """Return the secrets of a subscription as they are stored: sealed."""
    return SigningSecrets(seen.sealed, tuple(RetiredSecret(old.sealed, parse_stamp(old.until)) for old in seen.retired))


def _changed(
    owner: str,
    subscription_id: str,
    action: Any,
    change: Any,
    seen: Subscription | None = None,
) -> Subscription:
    for _ in range(_TRIES):
        seen = seen or subscription(owner, subscription_id)
        at = now()
        changed: Subscription = replace(change(seen, at), updated_at=stamp(at))
        try:
            stores().webhooks.change(seen, changed, [audit.entry(action, tenant_of(owner), subscription_id)])
        except SubscriptionGoneError:
            seen = None
        else:
            forget_subscriptions(owner)
            return changed
    raise NotFoundError


def events_in_order(events: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """Return the events that are named, each once, in the order in which they are documented."""
    return tuple(event for event in known if event in events)
