"""What the audit keeps of an event: who did what to which thing, when, and how that went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

Action = Literal[
    "report.create",
    "report.read",
    "report.cancel",
    "report.retry",
    "key.create",
    "key.change",
    "key.rotate",
    "key.revoke",
    "webhook.create",
    "webhook.change",
    "webhook.rotate",
    "webhook.delete",
    "webhook.replay",
    "webhook.test",
    "investigation.create",
    "investigation.complete",
    "investigation.cancel",
    "investigation.regenerate",
    "investigation.read",
    "findings.add",
    "finding.dismiss",
    "jar.create",
    "jar.change",
    "jar.delete",
    "document.add",
    "document.delete",
    "access.denied",
]
Outcome = Literal["done", "denied"]

ACTIONS: Final[tuple[Action, ...]] = get_args(Action)

SYSTEM: Final = "system"
"""The actor of what the service does by itself."""

NOBODY: Final = "-"
"""The tenant of what nobody is known to have done: only operators see it."""


@dataclass(frozen=True)
class AuditEntry:
    """One event.

    Args:
        id: its name, which sorts by its time: the time (see ``domain/clock``), ``#`` and random letters.
        tenant: whose data it is about: an owner, who is also an account of ``/v1``.
        actor: the key (``ak_…``) or the user that did it, :data:`SYSTEM`, or an address that nobody is known at.
        action: what was done.
        target: what it was done to: an id, or the pattern of a route.
        outcome: whether it was done or denied.
        request_id: of the request that did it; empty without one.
        address: where that came from; empty without one.
        details: a few short facts; no titles, no texts, no secrets.
    """

    id: str
    tenant: str
    actor: str
    action: Action
    target: str
    outcome: Outcome = "done"
    request_id: str = ""
    address: str = ""
    details: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def at(self) -> str:
        """When it happened, a stamp."""
        return self.id.partition("#")[0]
