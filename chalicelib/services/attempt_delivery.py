"""Use case: one attempt to deliver a webhook. Its log keeps the status and the time, never the answer."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any, Final

from chalicelib.domain.clock import now, stamp
from chalicelib.domain.webhook import Delivery, DeliveryAttempt, Subscription
from chalicelib.services.download_report import link_to
from chalicelib.services.subscriptions import note_outcome, sealed_secrets
from chalicelib.settings import settings
from chalicelib.stores.permit_queue import QueueUnavailableError
from chalicelib.stores.stores import stores
from chalicelib.stores.webhook_queue import DeliveryDue
from chalicelib.webhooks.delivery_client import MAX_BODY_BYTES, Attempt, deliver
from chalicelib.webhooks.envelopes import body_of, with_download
from chalicelib.webhooks.schedule import Delivered, GivenUp, Outcome, RetryAt, outcome, queue_delay
from chalicelib.webhooks.signatures import puck_headers, standard_headers
from chalicelib.webhooks.target import TargetError, parse_target

_log = logging.getLogger(__name__)

_ACCOUNT_MARK: Final = "v1#"
# Longer than an attempt can take.
LEASE: Final = timedelta(seconds=30)
MOST_INTERRUPTIONS: Final = 50
"""How often attempts of a delivery may break off here, which is some hours of trouble, before it is given up."""

GONE: Final = "subscription_gone"
PAUSED: Final = "subscription_paused"
INTERRUPTED: Final = "interrupted"
TOO_LARGE: Final = "too_large"
TARGET_REFUSED: Final = "target_refused"


def attempt_delivery(due: DeliveryDue) -> Outcome | None:
    """Attempt a delivery that is due: three AWS calls (claim, subscription, result), and one before another attempt.

    The secret is one more where this process has not opened it yet; a link to a document is two more (the report, and
    the audit), and the end of a delivery that failed another one.

    Returns:
        What follows, or None where there was nothing to attempt.
    """
    at = now()
    delivery = stores().webhooks.claim(due, at, LEASE, at + LEASE + timedelta(seconds=settings().resend_seconds))
    if delivery is None:
        return None
    to = stores().webhooks.get(delivery.owner, delivery.subscription_id)
    if to is None or not to.active:
        stores().webhooks.end(delivery, None, "failed", GONE if to is None else PAUSED)
        return None
    if delivery.claims - delivery.attempt_count > MOST_INTERRUPTIONS:
        stores().webhooks.end(delivery, None, "failed", INTERRUPTED)
        return None
    body = body_of(_envelope(delivery))
    if len(body) > MAX_BODY_BYTES:
        stores().webhooks.end(delivery, None, "failed", TOO_LARGE)
        return None
    return _attempt(delivery, to, body)


def _envelope(delivery: Delivery) -> dict[str, Any]:
    """Return what is sent: the event as it was stored, with a link that is good from now on."""
    envelope = dict(delivery.event.envelope)
    if delivery.event.type != "report.completed":
        return envelope
    report = stores().reports.get(envelope["data"]["report_id"])
    if report is None or report.outcome is None:
        return envelope
    link = link_to(report, report.outcome)
    return with_download(envelope, link.url, link.expires_at)


def _attempt(delivery: Delivery, to: Subscription, body: bytes) -> Outcome:
    started_at = now()
    headers = _headers(delivery, to, body)
    try:
        target = parse_target(to.url, allow_loopback=settings().webhook_allow_loopback)
    except TargetError:
        # It was allowed once; the rules of this deployment have changed.
        made, error = Attempt(None, "address_refused", 0), TARGET_REFUSED
        follows: Outcome = GivenUp("rejected")
    else:
        made = deliver(target, headers, body)
        error = str(made.error)
        follows = outcome(
            delivery.number,
            made.status,
            started_at=started_at,
            ended_at=now(),
            wish_seconds=made.wish_seconds,
        )
    _log.info(
        "delivery=%s event_type=%s attempt=%d status=%s error=%s duration_ms=%d",
        *(delivery.id, delivery.event.type, delivery.number, made.status, error or "-", made.duration_ms),
    )
    _settle(delivery, DeliveryAttempt(stamp(started_at), made.status, error, made.duration_ms), follows)
    if not isinstance(follows, RetryAt):
        note_outcome(to, isinstance(follows, Delivered))
    return follows


def _headers(delivery: Delivery, to: Subscription, body: bytes) -> dict[str, str]:
    at = now()
    secrets = [stores().secret_box.open(sealed, to.id) for sealed in sealed_secrets(to).valid_at(at)]
    if not to.owner.startswith(_ACCOUNT_MARK):
        signed = standard_headers(delivery.event.id, at, body, secrets)
    else:
        attempt_id = f"{delivery.id}_{delivery.attempt_count + 1}"
        signed = puck_headers(delivery.event.id, delivery.event.type, attempt_id, at, body, secrets)
    return signed | {"Content-Type": "application/json"}


def _settle(delivery: Delivery, attempt: DeliveryAttempt, follows: Outcome) -> None:
    webhooks = stores().webhooks
    if isinstance(follows, Delivered):
        webhooks.end(delivery, attempt, "delivered")
        return
    if isinstance(follows, GivenUp):
        webhooks.end(delivery, attempt, "failed", follows.reason)
        return
    delay = queue_delay(follows.moment, now())
    # What is too far off for the queue is sent by the sweep when its time has come.
    late = timedelta(seconds=settings().resend_seconds) if delay is not None else timedelta()
    if not webhooks.retry_later(delivery, attempt, follows.moment, follows.moment + late) or delay is None:
        return
    try:
        stores().webhook_queue.send(DeliveryDue(delivery.subscription_id, delivery.id, follows.number), delay)
    except QueueUnavailableError:
        _log.exception("the next attempt of %s was not queued; the sweep does that", delivery.id)
