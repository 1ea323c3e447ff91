"""Use case: the events of a record become deliveries, one for each subscription that wants them.

It can be done twice: a delivery's id follows from event and subscription, so an event that is handed out again finds
its deliveries there. Thousands of findings may come at once; they are handed out in portions, and the record notes
how far that is, so whoever goes on begins there.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from chalicelib.domain.clock import now, parse_stamp
from chalicelib.domain.narrative_job import owner_of
from chalicelib.domain.webhook import Delivery, Event, Subscription, derived_event_id
from chalicelib.services.deliveries import new_delivery, resend_at, send
from chalicelib.stores.finding_store import StoredFinding
from chalicelib.stores.outbox_store import FilledOutbox, FindingsEvent, Place
from chalicelib.stores.stores import stores
from chalicelib.stores.webhook_queue import DeliveryDue
from chalicelib.webhooks.investigation_envelopes import discovered_data, investigation_envelope
from chalicelib.webhooks.subscription_filter import SubscriptionFilter

FINDING_EVENT: Final = "finding.discovered"
PORTION: Final = 500
"""Deliveries that findings may make before it is noted how far they are handed out."""

# Portions that one message stands for: far from the time that the function has. The next message goes on.
_ROUNDS: Final = 8
_AT_ONCE: Final = 8
# The nodes of a finding that an event names; the API has all.
_MOST_NODES: Final = 50


@dataclass(frozen=True)
class _Portion:
    """What is handed out at once, and the batches of which findings remain."""

    deliveries: Sequence[Delivery]
    remaining: tuple[FindingsEvent, ...] = ()


def hand_out(place: Place) -> int:
    """Make a delivery of each event of a record for each subscription that wants it; return how many were new.

    Three AWS calls (record, subscriptions, record), one for each delivery, and one for each ten of them. Many findings
    take them again for each portion, and another message where there are very many.
    """
    made = 0
    for _ in range(_ROUNDS):
        filled = stores().outbox.read(place)
        if filled is None:
            return made
        portion = _portion(filled, now())
        made += _store_and_send(portion.deliveries)
        if stores().outbox.settle(filled, portion.remaining, now()) and not portion.remaining:
            return made
    stores().webhook_queue.send(place)
    return made


def _portion(filled: FilledOutbox, at: datetime) -> _Portion:
    subscriptions = _subscriptions(filled)
    deliveries: list[Delivery] = []
    remaining: list[FindingsEvent] = []
    for event in filled.events:
        if isinstance(event, Event):
            deliveries += _deliveries(event, subscriptions, at)
        elif len(deliveries) >= PORTION:
            remaining.append(event)
        else:
            found, rest = _of_findings(filled.place, event, subscriptions, at, PORTION - len(deliveries))
            deliveries += found
            remaining += [] if rest is None else [rest]
    return _Portion(deliveries, tuple(remaining))


def _deliveries(event: Event, subscriptions: Sequence[Subscription], at: datetime) -> list[Delivery]:
    return [new_delivery(event, to, at) for to in subscriptions if _wants(to, event)]


def _of_findings(
    place: Place, batch: FindingsEvent, subscriptions: Sequence[Subscription], at: datetime, room: int
) -> tuple[list[Delivery], FindingsEvent | None]:
    """Return deliveries of a batch, and what remains of it once there are ``room`` of them (None: nothing)."""
    concerned = [s for s in subscriptions if FINDING_EVENT in s.events]
    deliveries: list[Delivery] = []
    if not concerned:
        return deliveries, None
    for stored in stores().findings.of_investigation(place.pk.removeprefix("I#"), after=batch.after):
        if stored.ingest != batch.ingest:
            continue
        deliveries += _deliveries(_finding_event(stored, batch), concerned, at)
        if len(deliveries) >= room:
            return deliveries, replace(batch, after=stored.finding.id)
    return deliveries, None


def _subscriptions(filled: FilledOutbox) -> list[Subscription]:
    item = filled.item
    owner = owner_of(item["account"]) if filled.place.table == "investigations" else str(item["owner"])
    found = [s for s in stores().webhooks.subscriptions(owner) if s.active]
    if item.get("webhook_url"):
        of_report = stores().webhooks.get(owner, filled.place.pk.removeprefix("R#"))
        found += [of_report] if of_report is not None else []
    return found


def _wants(subscription: Subscription, event: Event) -> bool:
    wanted = SubscriptionFilter(frozenset(subscription.events), subscription.min_severity, subscription.tags)
    return wanted.wants(event.type, event.envelope["data"])


def _finding_event(stored: StoredFinding, batch: FindingsEvent) -> Event:
    finding, event_id = stored.finding, derived_event_id(batch.id, stored.finding.id)
    nodes = [{"node_id": n.node_id, "type": n.type, "name": n.name} for n in finding.nodes[:_MOST_NODES]]
    data = discovered_data(
        finding.id,
        finding.investigation_id,
        finding.title,
        finding.summary,
        finding.severity,
        finding.confidence,
        nodes,
        finding.tags,
        finding.discovered_at,
    )
    return Event(event_id, FINDING_EVENT, investigation_envelope(event_id, FINDING_EVENT, parse_stamp(batch.at), data))


def _store_and_send(deliveries: Sequence[Delivery]) -> int:
    """Store deliveries, and send the messages of those that are new; the sweep sends what SQS refuses."""

    def store(delivery: Delivery) -> bool:
        return stores().webhooks.add_delivery(delivery, resend_at(parse_stamp(delivery.created_at)))

    if len(deliveries) <= 1:
        is_new = [store(delivery) for delivery in deliveries]
    else:
        with ThreadPoolExecutor(min(len(deliveries), _AT_ONCE)) as pool:
            is_new = list(pool.map(store, deliveries))
    new = [delivery for delivery, fresh in zip(deliveries, is_new, strict=True) if fresh]
    send([DeliveryDue(d.subscription_id, d.id, d.number) for d in new])
    return len(new)
