"""Requests that name themselves: sent twice, they have one effect.

A request to create something may carry a name of the caller's choice (``Idempotency-Key``). The id of what it creates
is derived from that name, the route and the owner, and it is stored on the condition that there is nothing with this
id; so no further record is needed, and no further call. What is stored has the digest of the request: a later request
of that name is the same, or another one, which is refused. A day later the name is free again: then the next
generation of the name gives the next id.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from chalicelib.domain.clock import parse_stamp

KEPT: Final = timedelta(hours=24)
"""How long a name stands for one request."""

MAX_GENERATIONS: Final = 100
"""How often a name may be used again after its day; each use before costs one call."""

_NAMESPACE: Final = uuid.UUID("6f0cbb5c-3d0a-5c5c-9b0c-6f1d0a5f7a51")

Earlier = Literal["same", "other", "over"]


class IdempotencyConflictError(Exception):
    """The name was used for another request in the last 24 hours."""


@dataclass(frozen=True)
class RequestName:
    """A caller's name for a request.

    Args:
        owner: whose request it is.
        route: what it creates, as ``POST /api/reports``.
        key: the name that the caller gave.
        digest: what two requests share that ask for the same.
    """

    owner: str
    route: str
    key: str
    digest: str

    def uuid(self, generation: int = 0) -> uuid.UUID:
        """Return the id of what the request creates; ``generation`` counts the days on which it was used before."""
        named = json.dumps([self.owner, self.route, self.key, generation])
        return uuid.uuid5(_NAMESPACE, named)

    def compare(self, digest: str | None, created_at: str, at: datetime) -> Earlier:
        """Tell what an earlier request of this name was: the ``same``, an ``other`` one, or its day is ``over``.

        Args:
            digest: the digest that is stored with what it created.
            created_at: the stamp of that.
            at: now.
        """
        if parse_stamp(created_at) + KEPT <= at:
            return "over"
        return "same" if digest == self.digest else "other"


def digest_of(body: Mapping[str, Any]) -> str:
    """Return what two bodies share that say the same, in whatever order."""
    written = json.dumps(body, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()
