"""Use cases: deliveries are made, looked at, tested and replayed; and what a lost message left behind is found.

Their attempts are in ``attempt_delivery``: each is claimed with a lease, so two messages about it make one request.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from chalicelib.domain.clock import now, parse_stamp, public_time, stamp
from chalicelib.domain.identifiers import UNIQUE_DIGITS, digits_of, sortable_id
from chalicelib.domain.webhook import (
    Delivery,
    DeliveryStatus,
    Event,
    Subscription,
    delivery_id,
)
from chalicelib.services import audit
from chalicelib.services.idempotency import KEPT, MAX_GENERATIONS, RequestName
from chalicelib.services.not_found import NotFoundError
from chalicelib.services.subscriptions import subscription, tenant_of
from chalicelib.settings import settings
from chalicelib.stores.permit_queue import QueueUnavailableError
from chalicelib.stores.stores import stores
from chalicelib.stores.webhook_queue import DeliveryDue, Message

_log = logging.getLogger(__name__)

TEST_EVENT: Final = "webhook.test"
FINDING_EVENT: Final = "finding.discovered"
_ACCOUNT_MARK: Final = "v1#"
_ROUNDS: Final = 5
_AT_ONCE: Final = 8
# The nodes of a finding that an event names; the API has all.
_MOST_NODES: Final = 50
# What one sweep sends again.
_SWEPT_AT_ONCE: Final = 500
_PUT_OFF: Final = timedelta(minutes=5)


@dataclass(frozen=True)
class DeliveriesPage:
    """The newest deliveries, and the id before which the next page goes on (None: this was the last)."""

    deliveries: tuple[Delivery, ...]
    before: str | None


# What every delivery goes through


def new_delivery(event: Event, subscription: Subscription, at: datetime) -> Delivery:
    """Return the delivery of an event to a subscription, due at a moment; its id follows from both."""
    return Delivery(
        id=delivery_id(event.id, subscription.id),
        subscription_id=subscription.id,
        owner=subscription.owner,
        event=event,
        created_at=stamp(at),
        next_at=stamp(at),
    )


def send(messages: Sequence[DeliveryDue]) -> None:
    """Have deliveries attempted now: one AWS call for ten. The sweep sends what SQS refuses."""
    try:
        if len(messages) == 1:
            stores().webhook_queue.send(messages[0])
        else:
            stores().webhook_queue.send_many(messages)
    except QueueUnavailableError:
        _log.exception("messages of %d deliveries were not sent; the sweep does that", len(messages))


def resend_at(at: datetime) -> datetime:
    """Return when the sweep sends a message again that was sent at a moment."""
    return at + timedelta(seconds=settings().resend_seconds)


# Looking, testing, replaying


def deliveries_page(
    owner: str, subscription_id: str, status: DeliveryStatus | None, limit: int, before: str | None
) -> DeliveriesPage:
    """Return the newest deliveries of a subscription: two AWS calls, up to four with ``status``.

    Args:
        owner: whose subscription.
        subscription_id: which; or the id of a report that was ordered with a webhook.
        status: only those with this one.
        limit: how many at most.
        before: only those older than the delivery with this id.

    Raises:
        NotFoundError: there is no such subscription, or it is not theirs.
    """
    subscription(owner, subscription_id)
    found, following = stores().webhooks.deliveries(subscription_id, status, limit, before)
    return DeliveriesPage(tuple(found), following)


def send_test(owner: str, subscription_id: str, name: RequestName | None = None) -> Delivery:
    """Send an event that says nothing but that it is a test: three AWS calls.

    Args:
        owner: whose subscription.
        subscription_id: which.
        name: the caller's name for the request: it sends one event, however often it comes.

    Raises:
        NotFoundError: there is no such subscription, or it is not theirs.
    """
    to, at = subscription(owner, subscription_id), now()
    for generation in range(MAX_GENERATIONS if name else 1):
        delivery = new_delivery(_test_event(_test_id(name, generation), to, at), to, at)
        beside = [audit.entry("webhook.test", tenant_of(owner), subscription_id)]
        if stores().webhooks.add_delivery(delivery, resend_at(at), beside):
            send([DeliveryDue(delivery.subscription_id, delivery.id, delivery.number)])
            return delivery
        earlier = stores().webhooks.delivery(delivery.subscription_id, delivery.id)
        if earlier is not None and parse_stamp(earlier.created_at) + KEPT > at:
            return earlier
    return delivery


def _test_id(name: RequestName | None, generation: int) -> str:
    return f"evt_{digits_of(name.uuid(generation).int, UNIQUE_DIGITS)}" if name else sortable_id("evt_")


def _test_event(event_id: str, to: Subscription, at: datetime) -> Event:
    data = {"subscription_id": to.id, "message": "This is a test"}
    envelope: Mapping[str, Any] = {"type": TEST_EVENT, "timestamp": stamp(at), "data": data}
    if to.owner.startswith(_ACCOUNT_MARK):
        envelope = {
            "event_id": event_id,
            "event_type": TEST_EVENT,
            "emitted_at": public_time(stamp(at)),
            "api_version": "v1",
            "data": data,
        }
    return Event(event_id, TEST_EVENT, envelope)


def replay(owner: str, subscription_id: str, wanted: str, name: RequestName | None = None) -> Delivery:
    """Send an ended delivery again, from its first attempt on; one under way stays so. Three or four AWS calls.

    Args:
        owner: whose subscription.
        subscription_id: which.
        wanted: which delivery.
        name: the caller's name for the request: within a day it sends it again once.

    Raises:
        NotFoundError: there is no such subscription or delivery, or it is not theirs.
    """
    subscription(owner, subscription_id)
    found = stores().webhooks.delivery(subscription_id, wanted)
    if found is None or found.owner != owner:
        raise NotFoundError
    at, key = now(), str(name.uuid()) if name else ""
    is_repeated = key and found.replay_key == key and found.replayed_at and parse_stamp(found.replayed_at) + KEPT > at
    if found.status == "pending" or is_repeated:
        return found
    beside = [audit.entry("webhook.replay", tenant_of(owner), subscription_id, delivery=wanted)]
    again = stores().webhooks.start_again(found, at, resend_at(at), beside, key)
    if again is None:
        return found
    send([DeliveryDue(again.subscription_id, again.id, again.number)])
    return again


# The sweep


def sweep_webhooks() -> int:
    """Send the messages again of events and deliveries whose own were lost, or were too far off; return how many.

    Three AWS calls, one for each of them, and one for each ten.
    """
    at = now()
    lost = at - timedelta(seconds=settings().resend_seconds)
    # What is put off is not sent again by every sweep while the queue is long.
    messages: list[Message] = [
        place
        for place in stores().outbox.waiting(lost, _SWEPT_AT_ONCE)
        if stores().outbox.put_off(place, lost, at + _PUT_OFF)
    ]
    messages += [
        due for due in stores().webhooks.due(at, _SWEPT_AT_ONCE) if stores().webhooks.put_off(due, at, at + _PUT_OFF)
    ]
    stores().webhook_queue.send_many(messages)
    return len(messages)
