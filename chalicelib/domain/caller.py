"""Who is calling, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

Scope = Literal["read", "write", "admin"]
InvestigationKeyScope = Literal[
    "investigations:trigger",
    "investigations:read",
    "findings:read",
    "findings:write",
    "findings:dismiss",
    "reports:read",
    "webhooks:manage",
]

SCOPES: Final[tuple[Scope, ...]] = ("read", "write", "admin")
INVESTIGATION_SCOPES: Final[tuple[InvestigationKeyScope, ...]] = get_args(InvestigationKeyScope)


@dataclass(frozen=True)
class Caller:
    """An authenticated caller.

    ``owner`` is the user whose reports they see, or the account whose investigations they see.
    """

    owner: str
    key_id: str
    scopes: frozenset[str]

    @property
    def role(self) -> str:
        """The caller's role as templates name it: ``admin`` or ``user``."""
        return "admin" if "admin" in self.scopes else "user"

    @property
    def may_use_reports(self) -> bool:
        """Whether a documented report endpoint is open to them (scope ``admin`` or ``read``)."""
        return bool(self.scopes & {"admin", "read"})
