"""How a receiver of the investigation API's webhooks verifies them, written from the API's documentation."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping


def is_genuine(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> bool:
    """Return whether a webhook was signed with ``secret`` within the last 300 seconds (or the next)."""
    fields = [field.partition("=")[::2] for field in headers["x-puck-signature"].split(",")]
    timestamp = next(value for name, value in fields if name == "t")
    if abs(now - int(timestamp)) > 300:
        return False
    expected = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return any(hmac.compare_digest(expected, value) for name, value in fields if name == "v1")
