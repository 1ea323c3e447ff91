"""The SQS edge of webhooks: events are handed out, deliveries attempted."""

from __future__ import annotations

import logging

from chalicelib.services.attempt_delivery import attempt_delivery
from chalicelib.services.hand_out import hand_out
from chalicelib.stores.outbox_store import Place
from chalicelib.stores.webhook_queue import MalformedMessageError, to_message

_log = logging.getLogger(__name__)


def handle_message(body: str) -> None:
    """Do what a message asks for. Returning acknowledges it; what goes wrong here is tried again by the queue."""
    try:
        message = to_message(body)
    except MalformedMessageError:
        _log.exception("a message that is none of ours was dropped")
        return
    if isinstance(message, Place):
        hand_out(message)
    else:
        attempt_delivery(message)
