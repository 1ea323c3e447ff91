"""Secrets that webhooks are signed with: made, and rotated without a moment at which none works."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

PREFIX: Final = "whsec_"
OVERLAP: Final = timedelta(days=1)
"""How long a secret goes on signing after another one replaced it."""

MAX_RETIRED: Final = 3
"""How many replaced secrets sign at most; a fifth rotation within a day ends the oldest early."""

_BYTES: Final = 32


@dataclass(frozen=True)
class RetiredSecret:
    """A secret that was replaced, and signs until a moment."""

    secret: str = field(repr=False)
    until: datetime


@dataclass(frozen=True)
class SigningSecrets:
    """The secrets of a subscription; ``retired`` from the newest to the oldest."""

    current: str = field(repr=False)
    retired: tuple[RetiredSecret, ...] = ()

    def valid_at(self, moment: datetime) -> tuple[str, ...]:
        """Return the secrets that sign at a moment, the current one first."""
        return (self.current, *(retired.secret for retired in self.retired if moment < retired.until))

    def rotated(self, secret: str, moment: datetime) -> SigningSecrets:
        """Return the secrets after ``secret`` became the current one at a moment."""
        still = tuple(retired for retired in self.retired if moment < retired.until)
        return SigningSecrets(secret, (RetiredSecret(self.current, moment + OVERLAP), *still)[:MAX_RETIRED])


def new_secret() -> str:
    """Return a new secret: ``whsec_`` and 32 random bytes in base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode("ascii")
