"""Who is calling, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Scope = Literal["read", "write", "admin"]

SCOPES: Final[tuple[Scope, ...]] = ("read", "write", "admin")


@dataclass(frozen=True)
class Caller:
    """An authenticated caller. ``owner`` is the user whose reports they see."""

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
