"""What the sweep does for honey jars: whatever is due and not done is sent for again."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from chalicelib.domain.clock import now
from chalicelib.services.honey_jars import send_work
from chalicelib.settings import settings
from chalicelib.stores.stores import stores

_PATIENCE_SECONDS: Final = 60.0


def sweep_knowledge(at_most: int = 200) -> int:
    """Send messages for what is due and not done: one AWS call, and two for each; return how many."""
    at, sent = now(), 0
    for work in stores().knowledge.due(at, at_most):
        if stores().knowledge.put_off(
            work, at, at + timedelta(seconds=max(settings().resend_seconds, _PATIENCE_SECONDS))
        ):
            send_work(work)
            sent += 1
    return sent
