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

# How somebody showed who they are: by an API key, or by the session of a browser.
CallerKind = Literal["key", "session"]

# What the account of test keys begins with; no owner has such a name.
TEST_ACCOUNT_MARK: Final = "test#"

SCOPES: Final[tuple[Scope, ...]] = ("read", "write", "admin")
INVESTIGATION_SCOPES: Final[tuple[InvestigationKeyScope, ...]] = get_args(InvestigationKeyScope)


@dataclass(frozen=True)
class Caller:
    """An authenticated caller.

    ``owner`` is the user whose reports they see, or the account whose investigations they see. ``key_id`` is
    empty where they have a session. ``aal2`` says that their session has seen a second factor; no key does.
    ``teams`` are the names of the teams they belong to. ``rate_limit_per_minute`` is their key's own limit,
    None for no other than everybody's. ``is_test`` marks a key that sees test data alone.
    """

    owner: str
    key_id: str
    scopes: frozenset[str]
    kind: CallerKind = "key"
    aal2: bool = False
    teams: tuple[str, ...] = ()
    rate_limit_per_minute: int | None = None
    is_test: bool = False

    @property
    def account(self) -> str:
        """Whose data they see and whose limits they use up: a test key's are apart from those of its owner."""
        return f"{TEST_ACCOUNT_MARK}{self.owner}" if self.is_test else self.owner

    @property
    def role(self) -> str:
        """The caller's role as templates name it: ``admin`` or ``user``."""
        return "admin" if "admin" in self.scopes else "user"

    @property
    def may_use_reports(self) -> bool:
        """Whether a documented report endpoint is open to them (scope ``admin`` or ``read``)."""
        return bool(self.scopes & {"admin", "read"})
