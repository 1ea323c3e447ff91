"""Who is told of events, and what became of each message to them. Times are stamps (see ``clock``)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from chalicelib.domain.identifiers import UNIQUE_DIGITS, digits_of

DeliveryStatus = Literal["pending", "delivered", "failed"]

DELIVERY_STATUSES: Final[tuple[DeliveryStatus, ...]] = ("pending", "delivered", "failed")
MAX_SUBSCRIPTIONS: Final = 20
"""The most that one owner has."""

KEPT_DAYS: Final = 30
"""How long the record of a delivery is kept."""

_TIME_DIGITS: Final = 10


@dataclass(frozen=True)
class RetiredSeal:
    """A sealed secret that was replaced, and signs until a moment."""

    sealed: str = field(repr=False)
    until: str


@dataclass(frozen=True)
class Subscription:
    """Who is told of which events, and where.

    ``owner`` is a user, or an account of the investigation API (see ``narrative_job.owner_of``). The secrets are
    sealed (see ``secret_box``). ``request_digest`` is that of the request which made it. The webhook that a report
    was ordered with is one, too, under the report's own id. ``failing_since`` is when the first of ``failures``
    deliveries failed without one that was taken since; ``paused_reason`` says why it is not active, empty where its
    owner knows.
    """

    id: str
    owner: str
    url: str = field(repr=False)
    events: tuple[str, ...]
    created_at: str
    updated_at: str
    sealed: str = field(repr=False)
    retired: tuple[RetiredSeal, ...] = ()
    min_severity: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    active: bool = True
    rotated_at: str | None = None
    rotation_key: str = ""
    request_digest: str = ""
    failing_since: str | None = None
    failures: int = 0
    paused_reason: str = ""


@dataclass(frozen=True)
class Event:
    """Something that happened, as it is told: ``envelope`` is what is sent, but for a link that is added then."""

    id: str
    type: str
    envelope: Mapping[str, Any]


@dataclass(frozen=True)
class DeliveryAttempt:
    """One attempt: when it began, the status of the answer (None: there was none, ``error`` says why), how long."""

    started_at: str
    status: int | None
    error: str
    duration_ms: int


@dataclass(frozen=True)
class Delivery:
    """One event on its way to one subscription.

    ``number`` is that of the next attempt, or of the last one where nothing more is to come; it starts at 1 again
    where a delivery is replayed, ``attempts`` goes on. ``reason`` says why it failed. ``claims`` counts how often its
    attempts began: what lies between that and ``attempt_count`` broke off. ``replay_key`` is the name of the request
    that had it replayed at ``replayed_at``.
    """

    id: str
    subscription_id: str
    owner: str
    event: Event
    created_at: str
    status: DeliveryStatus = "pending"
    number: int = 1
    next_at: str | None = None
    attempts: tuple[DeliveryAttempt, ...] = ()
    attempt_count: int = 0
    reason: str = ""
    lease: str | None = None
    claims: int = 0
    replay_key: str = ""
    replayed_at: str | None = None


def delivery_id(event_id: str, subscription_id: str) -> str:
    """Return the id of an event's delivery to a subscription: always the same one, and sorted as the events are.

    Args:
        event_id: ``evt_`` and 26 digits.
        subscription_id: whose delivery.
    """
    when = event_id.removeprefix("evt_")[:_TIME_DIGITS]
    digest = hashlib.sha256(f"{event_id} {subscription_id}".encode()).digest()
    return f"dlv_{when}{digits_of(int.from_bytes(digest[:10], 'big'), UNIQUE_DIGITS - _TIME_DIGITS)}"


def derived_event_id(at_event_id: str, about: str) -> str:
    """Return the id of an event about ``about`` among several that came at once: always the same one.

    Args:
        at_event_id: the ``evt_…`` of what they came with.
        about: the id of what this one is about.
    """
    digest = hashlib.sha256(f"{at_event_id} {about}".encode()).digest()
    when = at_event_id.removeprefix("evt_")[:_TIME_DIGITS]
    return f"evt_{when}{digits_of(int.from_bytes(digest[:10], 'big'), UNIQUE_DIGITS - _TIME_DIGITS)}"
