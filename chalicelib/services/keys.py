"""API keys: made, revoked, and turned into the caller they stand for."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from chalicelib.domain.caller import INVESTIGATION_SCOPES, SCOPES, Caller, InvestigationKeyScope, Scope
from chalicelib.domain.clock import now, stamp
from chalicelib.settings import settings
from chalicelib.stores.key_store import KeyRecord, secret_hash
from chalicelib.stores.stores import stores

KeyKind = Literal["sk_", "pck_live_", "pck_test_"]

REPORT_KEYS: Final[tuple[KeyKind, ...]] = ("sk_",)
INVESTIGATION_KEYS: Final[tuple[KeyKind, ...]] = ("pck_live_", "pck_test_")

# Owners of this form are accounts of the investigation API, whose jobs are stored beside the reports.
_ACCOUNT_MARK: Final = "v1#"
_LONGEST_SECRET: Final = 200
_CACHE_SIZE: Final = 10_000

# Hash of a secret → its record and when it was read. A revoked key therefore lives
# on in a warm process for at most KEY_CACHE_SECONDS (30).
_known: dict[str, tuple[KeyRecord, float]] = {}


@dataclass(frozen=True)
class CreatedKey:
    """A new key with its secret, which is shown this once."""

    secret: str
    record: KeyRecord


def create_key(
    owner: str,
    name: str,
    scopes: Sequence[Scope | InvestigationKeyScope],
    expires_in: timedelta | None = None,
    kind: KeyKind = "sk_",
) -> CreatedKey:
    """Make an API key for ``owner``; only its SHA-256 is stored.

    Args:
        owner: whose reports it opens, or the account whose investigations it opens.
        name: what it is for.
        scopes: what it may do; each kind of key has scopes of its own.
        expires_in: how long it is valid; None until it is revoked.
        kind: what its secret starts with: ``sk_`` opens ``/api``, the others open ``/v1``.

    Raises:
        ValueError: there is no scope, or one that this kind of key does not have; or nobody may have this name.
    """
    possible = SCOPES if kind in REPORT_KEYS else INVESTIGATION_SCOPES
    if not scopes or not set(scopes) <= set(possible):
        raise ValueError(f"scopes must be some of {', '.join(possible)}")
    if owner.startswith(_ACCOUNT_MARK):
        raise ValueError(f"an owner must not start with {_ACCOUNT_MARK}")
    secret = kind + secrets.token_urlsafe(32)
    created = now()
    record = KeyRecord(
        id=f"ak_{secrets.token_urlsafe(12)}",
        owner=owner,
        name=name,
        scopes=tuple(scopes),
        created_at=stamp(created),
        expires_at=stamp(created + expires_in) if expires_in is not None else None,
    )
    stores().keys.add(secret_hash(secret), record)
    return CreatedKey(secret, record)


def revoke_key(secret: str) -> None:
    """Revoke a key. Warm processes honour it for at most ``KEY_CACHE_SECONDS`` longer.

    Raises:
        ConditionFailedError: there is no such key.
    """
    hashed = secret_hash(secret)
    stores().keys.revoke(hashed)
    _known.pop(hashed, None)


def caller_of(secret: str, kinds: tuple[KeyKind, ...] = REPORT_KEYS) -> Caller | None:
    """Return who a secret stands for, or None if it is unknown, revoked, expired or of another kind than ``kinds``.

    One AWS call, or none while the key is cached.
    """
    if not secret.startswith(kinds) or len(secret) > _LONGEST_SECRET:
        return None
    record = _find(secret_hash(secret))
    if record is None or record.revoked:
        return None
    if record.expires_at is not None and record.expires_at <= stamp(now()):
        return None
    return Caller(owner=record.owner, key_id=record.id, scopes=frozenset(record.scopes))


def _find(hashed: str) -> KeyRecord | None:
    cached, asked_at = _known.get(hashed), time.monotonic()
    if cached is not None and asked_at - cached[1] < settings().key_cache_seconds:
        return cached[0]
    record = stores().keys.find(hashed)
    if record is None:
        # Unknown secrets are not remembered: guessing them must not fill the cache.
        _known.pop(hashed, None)
        return None
    if len(_known) >= _CACHE_SIZE:
        _known.clear()
    _known[hashed] = (record, asked_at)
    return record


def forget_keys() -> None:
    """Drop every cached key."""
    _known.clear()
