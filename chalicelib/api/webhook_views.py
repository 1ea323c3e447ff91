"""How subscriptions and deliveries look to their owner, in both APIs. Secrets are in no view but the first."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.clock import now, public_time, stamp
from chalicelib.domain.webhook import Delivery, DeliveryAttempt, Subscription
from chalicelib.services.subscriptions import WithSecret


def subscription_view(subscription: Subscription) -> dict[str, Any]:
    """Return a subscription; ``secrets_valid`` counts those that sign at the moment."""
    at = stamp(now())
    return {
        "id": subscription.id,
        "url": subscription.url,
        "events": list(subscription.events),
        "description": subscription.description,
        "active": subscription.active,
        "paused_reason": subscription.paused_reason or None,
        "failing_since": public_time(subscription.failing_since),
        "created_at": public_time(subscription.created_at),
        "updated_at": public_time(subscription.updated_at),
        "secret_rotated_at": public_time(subscription.rotated_at),
        "secrets_valid": 1 + sum(at < old.until for old in subscription.retired),
    }


def filtered_view(subscription: Subscription) -> dict[str, Any]:
    """Return a subscription to events of investigations, which has filters."""
    filters = {"min_severity": subscription.min_severity, "tags": dict(subscription.tags)}
    return subscription_view(subscription) | {"filters": filters}


def secret_view(made: WithSecret) -> dict[str, str]:
    """Return the secret that is shown this once: nothing where the same request has been answered before."""
    return {} if made.secret is None else {"secret": made.secret}


def delivery_view(delivery: Delivery) -> dict[str, Any]:
    """Return what became of a delivery; ``attempts`` are the newest of ``attempt_count``."""
    return {
        "id": delivery.id,
        "subscription_id": delivery.subscription_id,
        "event_id": delivery.event.id,
        "event_type": delivery.event.type,
        "status": delivery.status,
        "reason": delivery.reason or None,
        "created_at": public_time(delivery.created_at),
        "next_attempt_at": public_time(delivery.next_at) if delivery.status == "pending" else None,
        "attempt_count": delivery.attempt_count,
        "attempts": [_attempt_view(attempt) for attempt in delivery.attempts],
    }


def _attempt_view(attempt: DeliveryAttempt) -> dict[str, Any]:
    return {
        "started_at": public_time(attempt.started_at),
        "status": attempt.status,
        "error": attempt.error or None,
        "duration_ms": attempt.duration_ms,
    }
