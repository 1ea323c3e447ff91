"""The headers that tell a receiver who sent a webhook, in the two schemes that our clients verify.

While a secret is being replaced there is one signature for each that is valid, the newest first.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook


def standard_headers(event_id: str, sent_at: datetime, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """Return the headers of the Standard Webhooks scheme (``/api``).

    Args:
        event_id: the same for every attempt, so that receivers can drop doubles.
        sent_at: the moment of this attempt.
        body: exactly what is sent: JSON in UTF-8.
        secrets: those that are valid, each ``whsec_`` and base64.
    """
    moment, text = sent_at.astimezone(UTC), body.decode("utf-8")
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(event_id, moment, text) for secret in secrets),
    }


def puck_headers(
    event_id: str, event_type: str, delivery_id: str, sent_at: datetime, body: bytes, secrets: Sequence[str]
) -> dict[str, str]:
    """Return the headers of the investigation API's own scheme (``/v1``).

    Args:
        event_id: the same for every attempt, so that receivers can drop doubles.
        event_type: the event's name.
        delivery_id: another one for each attempt.
        sent_at: the moment of this attempt.
        body: exactly what is sent.
        secrets: those that are valid; the key is the text with its prefix, as it stands.
    """
    seconds = int(sent_at.timestamp())
    signatures = (puck_signature(secret, seconds, body) for secret in secrets)
    return {
        "X-Puck-Signature": ",".join((f"t={seconds}", *(f"v1={signature}" for signature in signatures))),
        "X-Puck-Event-Id": event_id,
        "X-Puck-Event-Type": event_type,
        "X-Puck-Delivery-Id": delivery_id,
    }


def puck_signature(secret: str, seconds: int, body: bytes) -> str:
    """Return the HMAC-SHA256 of time and body as lower-case hexadecimal digits.

    Args:
        secret: the key, with its prefix.
        seconds: the time of the attempt, in seconds since 1970.
        body: exactly what is sent.
    """
    return hmac.new(secret.encode(), b"%d." % seconds + body, hashlib.sha256).hexdigest()
