"""Subscriptions and deliveries in DynamoDB.

Under ``S#<owner>`` lie an owner's subscriptions, few enough to be read with one query, and beside them
(``N#<owner>``) how many there are, so that the bound on them holds however many are made at once. Under
``O#<owner>`` lie the webhooks that single reports were ordered with. Under ``D#<subscription>`` lie its
deliveries; one that is under way is in the sparse index ``due``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any, Final

from boto3.dynamodb.conditions import Attr, ConditionBase, Key

from chalicelib.domain.clock import parse_stamp, stamp
from chalicelib.domain.webhook import (
    KEPT_DAYS,
    MAX_SUBSCRIPTIONS,
    Delivery,
    DeliveryAttempt,
    DeliveryStatus,
    Event,
    RetiredSeal,
    Subscription,
)
from chalicelib.stores.dynamodb import (
    ConditionFailedError,
    Delete,
    Item,
    ItemKey,
    Put,
    Table,
    TransactionFailedError,
    Update,
    Write,
    key_is,
    transact,
)
from chalicelib.stores.webhook_queue import DeliveryDue

MAX_KEPT_ATTEMPTS: Final = 20
"""The newest attempts that a delivery's record has."""

_DUE: Final = "delivery"
_NO_MORE: Final = ("due", "due_at", "lease", "next_at")


class TooManySubscriptionsError(Exception):
    """The owner has as many as there may be."""


class SubscriptionExistsError(Exception):
    """The id is taken; ``current`` is what has it."""

    def __init__(self, current: Subscription) -> None:
        super().__init__(f"{current.id} exists")
        self.current = current


class SubscriptionGoneError(Exception):
    """There is no such subscription (any more), or it changed since it was read."""


def subscription_key(owner: str, subscription_id: str) -> ItemKey:
    """Return the key of a subscription, or of the webhook that a report was ordered with."""
    prefix = "S" if subscription_id.startswith("sub_") else "O"
    return f"{prefix}#{owner}", subscription_id


def _count_key(owner: str) -> ItemKey:
    return f"N#{owner}", "count"


def _delivery_key(subscription_id: str, delivery_id: str) -> ItemKey:
    return f"D#{subscription_id}", delivery_id


def _expiry(at: datetime) -> int:
    return int((at + timedelta(days=KEPT_DAYS)).timestamp())


def _subscription_item(subscription: Subscription) -> Item:
    pk, sk = subscription_key(subscription.owner, subscription.id)
    fields = asdict(subscription) | {
        "pk": pk,
        "sk": sk,
        "events": list(subscription.events),
        "retired": json.dumps([asdict(seal) for seal in subscription.retired]),
        "tags": json.dumps(dict(subscription.tags), ensure_ascii=False),
    }
    del fields["id"]
    return fields


def _to_subscription(item: Item) -> Subscription:
    return Subscription(
        id=item["sk"],
        owner=item["owner"],
        url=item["url"],
        events=tuple(item["events"]),
        created_at=item["created_at"],
        updated_at=item["updated_at"],
        sealed=item["sealed"],
        retired=tuple(RetiredSeal(**seal) for seal in json.loads(item["retired"])),
        min_severity=item["min_severity"],
        tags=json.loads(item["tags"]),
        description=item["description"],
        active=item["active"],
        rotated_at=item["rotated_at"],
        rotation_key=item["rotation_key"],
        request_digest=item["request_digest"],
        failing_since=item["failing_since"],
        failures=item["failures"],
        paused_reason=item["paused_reason"],
    )


def _delivery_item(delivery: Delivery, due_at: datetime) -> Item:
    pk, sk = _delivery_key(delivery.subscription_id, delivery.id)
    return {
        "pk": pk,
        "sk": sk,
        "owner": delivery.owner,
        "event_id": delivery.event.id,
        "event_type": delivery.event.type,
        "envelope": json.dumps(delivery.event.envelope, ensure_ascii=False),
        "created_at": delivery.created_at,
        "status": delivery.status,
        "number": delivery.number,
        "next_at": delivery.next_at,
        "attempts": _attempts_text(delivery.attempts),
        "attempt_count": delivery.attempt_count,
        "reason": delivery.reason,
        "claims": delivery.claims,
        "due": _DUE,
        "due_at": stamp(due_at),
        "expires_at": _expiry(parse_stamp(delivery.created_at)),
    }


def _attempts_text(attempts: Sequence[DeliveryAttempt]) -> str:
    return json.dumps([asdict(attempt) for attempt in attempts[-MAX_KEPT_ATTEMPTS:]])


def _to_delivery(item: Item) -> Delivery:
    return Delivery(
        id=item["sk"],
        subscription_id=item["pk"].removeprefix("D#"),
        owner=item["owner"],
        event=Event(item["event_id"], item["event_type"], json.loads(item["envelope"])),
        created_at=item["created_at"],
        status=item["status"],
        number=item["number"],
        next_at=item.get("next_at"),
        attempts=tuple(DeliveryAttempt(**attempt) for attempt in json.loads(item["attempts"])),
        attempt_count=item["attempt_count"],
        reason=item["reason"],
        lease=item.get("lease"),
        claims=item["claims"],
        replay_key=item.get("replay_key", ""),
        replayed_at=item.get("replayed_at"),
    )


class WebhookStore:
    """Subscriptions and deliveries. One AWS call each unless the method says otherwise."""

    def __init__(self, table_name: str) -> None:
        self._table = Table(table_name)

    # Subscriptions

    def subscriptions(self, owner: str) -> list[Subscription]:
        """Return an owner's subscriptions, oldest first (a consistent read)."""
        found = self._table.query_all(key_is("pk", f"S#{owner}"), consistent=True)
        return sorted(map(_to_subscription, found), key=lambda subscription: subscription.created_at)

    def get(self, owner: str, subscription_id: str) -> Subscription | None:
        """Return a subscription of an owner as it is now (a consistent read), or None."""
        item = self._table.get(subscription_key(owner, subscription_id), consistent=True)
        return _to_subscription(item) if item else None

    def create(self, subscription: Subscription, beside: Sequence[Write] = ()) -> None:
        """Store a new subscription, and what belongs to that (``beside``) in the same transaction.

        Raises:
            TooManySubscriptionsError: the owner has as many as there may be.
            SubscriptionExistsError: the id is taken.
        """
        item = Put(self._table.name, _subscription_item(subscription), Attr("pk").not_exists())
        room = Attr("subscriptions").not_exists() | Attr("subscriptions").lt(MAX_SUBSCRIPTIONS)
        count = Update(self._table.name, _count_key(subscription.owner), room, add={"subscriptions": 1})
        try:
            transact([item, count, *beside])
        except TransactionFailedError as failed:
            current = failed.reasons.get(0)
            if current is not None:
                raise SubscriptionExistsError(_to_subscription(current)) from failed
            raise TooManySubscriptionsError from failed

    def creation_for_report(self, subscription: Subscription) -> Put:
        """Return the write that stores the webhook that a report is ordered with; it is kept as long as deliveries."""
        item = _subscription_item(subscription) | {"expires_at": _expiry(parse_stamp(subscription.created_at))}
        return Put(self._table.name, item)

    def change(self, seen: Subscription, changed: Subscription, beside: Sequence[Write] = ()) -> None:
        """Replace a subscription, and do what belongs to that (``beside``) in the same transaction.

        Raises:
            SubscriptionGoneError: it is not as it was ``seen`` any more.
        """
        self._transact([Put(self._table.name, _subscription_item(changed), _unchanged(seen)), *beside])

    def delete(self, seen: Subscription, beside: Sequence[Write] = ()) -> None:
        """Delete a subscription with its secrets, and do what belongs to that (``beside``) in the same transaction.

        Raises:
            SubscriptionGoneError: it is gone already.
        """
        item = Delete(self._table.name, subscription_key(seen.owner, seen.id), Attr("pk").exists())
        count = Update(self._table.name, _count_key(seen.owner), add={"subscriptions": -1})
        self._transact([item, count, *beside])

    def _transact(self, writes: Sequence[Write]) -> None:
        try:
            transact(writes)
        except TransactionFailedError as failed:
            raise SubscriptionGoneError from failed

    # Deliveries

    def add_delivery(self, delivery: Delivery, due_at: datetime, beside: Sequence[Write] = ()) -> bool:
        """Store a new delivery; False if it was stored before, and nothing was changed.

        Args:
            delivery: what to store.
            due_at: when the sweep sends its message again.
            beside: what belongs to that, for the same transaction.
        """
        item, absent = _delivery_item(delivery, due_at), Attr("pk").not_exists()
        try:
            if beside:
                transact([Put(self._table.name, item, absent), *beside])
            else:
                self._table.put(item, absent)
        except (ConditionFailedError, TransactionFailedError):
            return False
        return True

    def delivery(self, subscription_id: str, delivery_id: str) -> Delivery | None:
        """Return a delivery as it is now (a consistent read), or None."""
        item = self._table.get(_delivery_key(subscription_id, delivery_id), consistent=True)
        return _to_delivery(item) if item else None

    def deliveries(
        self, subscription_id: str, status: DeliveryStatus | None, limit: int, before: str | None
    ) -> tuple[list[Delivery], str | None]:
        """Return the newest deliveries of a subscription, and the id before which the next page goes on.

        With ``status`` one call for each MB that is looked through, at most three a page.

        Args:
            subscription_id: whose.
            status: only those with this one.
            limit: how many at most.
            before: only those older than the delivery with this id.
        """
        key: ConditionBase = Key("pk").eq(f"D#{subscription_id}")
        if before is not None:
            key = key & Key("sk").lt(before)
        where = Attr("status").eq(status) if status is not None else None
        found: list[Item] = []
        start: Item | None = None
        for _ in range(3):
            page = self._table.query(
                key, limit=None if where else limit + 1, newest_first=True, start=start, where=where, consistent=True
            )
            found += page.items
            start = page.next_key
            if start is None or len(found) > limit:
                break
        shown = found[:limit]
        if len(found) > limit:
            return [_to_delivery(item) for item in shown], shown[-1]["sk"]
        return [_to_delivery(item) for item in shown], start["sk"] if start else None

    def claim(self, due: DeliveryDue, at: datetime, lease: timedelta, due_at: datetime) -> Delivery | None:
        """Take a delivery for its attempt, or None: it is not due any more, or somebody has it.

        Args:
            due: which delivery, and which attempt.
            at: now.
            lease: how long nobody else may take it.
            due_at: when the sweep looks at it, should this attempt not end.
        """
        condition = (
            Attr("status").eq("pending")
            & Attr("number").eq(due.number)
            & (Attr("lease").not_exists() | Attr("lease").lt(stamp(at)))
        )
        try:
            item = self._table.update(
                _delivery_key(due.subscription_id, due.delivery_id),
                assign={"lease": stamp(at + lease), "due": _DUE, "due_at": stamp(due_at)},
                add={"claims": 1},
                condition=condition,
            )
        except ConditionFailedError:
            return None
        return _to_delivery(item)

    def retry_later(self, claimed: Delivery, attempt: DeliveryAttempt, at: datetime, due_at: datetime) -> bool:
        """Note an attempt that is followed by another one at a moment; False if the claim was lost meanwhile."""
        fields = {"number": claimed.number + 1, "next_at": stamp(at), "due": _DUE, "due_at": stamp(due_at)}
        return self._settle(claimed, attempt, fields, ("lease",))

    def end(self, claimed: Delivery, attempt: DeliveryAttempt | None, status: DeliveryStatus, reason: str = "") -> bool:
        """Note how a delivery ended, by its last attempt if it was attempted; False if the claim was lost meanwhile."""
        return self._settle(claimed, attempt, {"status": status, "reason": reason}, _NO_MORE)

    def _settle(
        self, claimed: Delivery, attempt: DeliveryAttempt | None, fields: Mapping[str, Any], remove: Sequence[str]
    ) -> bool:
        assign = dict(fields)
        if attempt is not None:
            assign |= {"attempts": _attempts_text((*claimed.attempts, attempt))}
            assign |= {"attempt_count": claimed.attempt_count + 1}
        try:
            self._table.update(
                _delivery_key(claimed.subscription_id, claimed.id),
                assign=assign,
                remove=remove,
                condition=Attr("lease").eq(claimed.lease),
            )
        except ConditionFailedError:
            return False
        return True

    def start_again(
        self, delivery: Delivery, at: datetime, due_at: datetime, beside: Sequence[Write] = (), replay_key: str = ""
    ) -> Delivery | None:
        """Let an ended delivery be attempted anew, from the first attempt on; None if it has not ended.

        Args:
            delivery: which.
            at: now; its record is kept from here on as that of a new one.
            due_at: when the sweep sends its message again.
            beside: what belongs to that, for the same transaction.
            replay_key: the name of the request for it, empty for none.
        """
        fields = {
            "status": "pending",
            "reason": "",
            "number": 1,
            "claims": delivery.attempt_count,
            "replay_key": replay_key,
            "replayed_at": stamp(at),
            "next_at": stamp(at),
            "due": _DUE,
            "due_at": stamp(due_at),
            "expires_at": _expiry(at),
        }
        key = _delivery_key(delivery.subscription_id, delivery.id)
        try:
            transact([Update(self._table.name, key, Attr("status").is_in(["delivered", "failed"]), fields), *beside])
        except TransactionFailedError:
            return None
        return replace(delivery, status="pending", reason="", number=1, next_at=stamp(at))

    # For the sweep

    def due(self, at: datetime, at_most: int) -> Iterator[DeliveryDue]:
        """Yield deliveries whose time has come, the longest due first."""
        key = Key("due").eq(_DUE) & Key("due_at").lte(stamp(at))
        for item in self._table.query(key, index="due", limit=at_most).items:
            yield DeliveryDue(item["pk"].removeprefix("D#"), item["sk"], item["number"])

    def put_off(self, due: DeliveryDue, seen_at: datetime, due_at: datetime) -> bool:
        """Let the sweep look at a delivery later; False if it went on by itself since ``seen_at``."""
        try:
            self._table.update(
                _delivery_key(due.subscription_id, due.delivery_id),
                assign={"due_at": stamp(due_at)},
                condition=Attr("number").eq(due.number) & Attr("due_at").lte(stamp(seen_at)),
            )
        except ConditionFailedError:
            return False
        return True


def _unchanged(seen: Subscription) -> ConditionBase:
    return Attr("updated_at").eq(seen.updated_at)
