"""API keys: made by whoever deploys the service, and turned into the caller they stand for.

What their owners do with them is in ``own_keys``.
"""

from __future__ import annotations

import hmac
import random
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Literal, TypeVar

from chalicelib.domain.audit import NOBODY
from chalicelib.domain.caller import (
    INVESTIGATION_SCOPES,
    SCOPES,
    TEST_ACCOUNT_MARK,
    Caller,
    InvestigationKeyScope,
    Scope,
)
from chalicelib.domain.clock import now, stamp
from chalicelib.services import audit
from chalicelib.settings import settings
from chalicelib.stores.dynamodb import ConditionFailedError
from chalicelib.stores.key_store import KeyRecord, KeysChangedError, OwnedKeys, secret_hash
from chalicelib.stores.stores import stores

KeyKind = Literal["sk_", "pck_live_", "pck_test_"]

REPORT_KEYS: Final[tuple[KeyKind, ...]] = ("sk_",)
INVESTIGATION_KEYS: Final[tuple[KeyKind, ...]] = ("pck_live_", "pck_test_")
TEST_KEY: Final[KeyKind] = "pck_test_"

# Owners of these forms are accounts of the investigation API: of its jobs, which are stored beside the reports,
# and of test keys.
_MARKS: Final = ("v1#", TEST_ACCOUNT_MARK)
_LONGEST_SECRET: Final = 200
_CACHE_SIZE: Final = 10_000
_TRIES: Final = 12
_PAUSE_SECONDS: Final = 0.03

_Decided = TypeVar("_Decided")

# Hash of a secret → its record and when it was read. A revoked key therefore lives
# on in a warm process for at most KEY_CACHE_SECONDS (30).
_known: dict[str, tuple[KeyRecord, float]] = {}


@dataclass(frozen=True)
class CreatedKey:
    """A new key with its secret, which is shown this once."""

    secret: str
    record: KeyRecord


def scopes_of(kind: KeyKind) -> tuple[str, ...]:
    """Return the scopes that keys of a kind may have."""
    return SCOPES if kind in REPORT_KEYS else INVESTIGATION_SCOPES


def new_secret(kind: KeyKind) -> str:
    """Return the secret of a new key: 256 random bits behind what tells its kind."""
    return kind + secrets.token_urlsafe(32)


def new_key_id() -> str:
    """Return the public name of a new key: ``ak_`` and 24 hexadecimal digits."""
    return f"ak_{secrets.token_hex(12)}"


def create_key(
    owner: str,
    name: str,
    scopes: Sequence[Scope | InvestigationKeyScope],
    expires_in: timedelta | None = None,
    kind: KeyKind = "sk_",
) -> CreatedKey:
    """Make an API key for ``owner``; only its SHA-256 is stored. One AWS call. Nobody's rights bound it.

    Args:
        owner: whose reports it opens, or the account whose investigations it opens.
        name: what it is for.
        scopes: what it may do; each kind of key has scopes of its own.
        expires_in: how long it is valid; None until it is revoked.
        kind: what its secret starts with: ``sk_`` opens ``/api``, the others open ``/v1``.

    Raises:
        ValueError: there is no scope, or one that this kind of key does not have; or nobody may have this name.
    """
    possible = scopes_of(kind)
    if not scopes or not set(scopes) <= set(possible):
        raise ValueError(f"scopes must be some of {', '.join(possible)}")
    if owner.startswith(_MARKS) or owner == NOBODY:
        raise ValueError(f"an owner must not start with {' or '.join(_MARKS)}, or be {NOBODY!r}")
    secret, created = new_secret(kind), now()
    record = KeyRecord(
        id=new_key_id(),
        owner=owner,
        name=name,
        scopes=tuple(scopes),
        created_at=stamp(created),
        expires_at=stamp(created + expires_in) if expires_in is not None else None,
        hash=secret_hash(secret),
        prefix=kind,
    )
    stores().keys.add(record, beside=[audit.entry("key.create", owner, record.id)])
    return CreatedKey(secret, record)


def revoke_key(secret: str) -> None:
    """Revoke a key that was found or lost, and every key it made: three AWS calls.

    Warm processes honour them for at most ``KEY_CACHE_SECONDS`` longer.

    Raises:
        ConditionFailedError: there is no such key.
    """
    found = stores().keys.find(secret_hash(secret))
    if found is None:
        raise ConditionFailedError(None)
    revoke_family(found.owner, found.id)


def revoke_family(owner: str, key_id: str) -> bool:
    """Revoke an owner's key and every key that it or they made: two AWS calls.

    Returns:
        Whether there is such a key.

    Raises:
        KeysChangedError: others were changing the owner's keys every time.
    """

    def decide(seen: OwnedKeys) -> bool:
        members = [record for record in family(seen.keys, key_id) if record.revoked_at is None]
        gone = [replace(record, revoked_at=stamp(now())) for record in members]
        if gone:
            entries = [audit.entry("key.revoke", owner, record.id) for record in gone]
            stores().keys.change(gone, seen, entries)
            forget_secrets(gone)
        return any(record.id == key_id for record in seen.keys)

    return with_keys(owner, decide)


def with_keys(owner: str, decide: Callable[[OwnedKeys], _Decided]) -> _Decided:
    """Decide something on the list of an owner's keys and do it, again where the list has changed meanwhile.

    Args:
        owner: whose keys.
        decide: gets the list, and returns what came of it or raises ``KeysChangedError``.

    Raises:
        KeysChangedError: the list was changed by others every time.
    """
    for attempt in range(1, _TRIES + 1):
        try:
            return decide(stores().keys.owned(owner))
        except KeysChangedError:
            if attempt == _TRIES:
                raise
        time.sleep(random.uniform(0, _PAUSE_SECONDS * attempt))  # noqa: S311 - spreads retries, hides nothing
    raise AssertionError("the last try returns or raises")


def family(keys: Sequence[KeyRecord], key_id: str) -> list[KeyRecord]:
    """Return a key and every key that it or they made, parents before their children; nothing if it is not there."""
    found = [record for record in keys if record.id == key_id]
    for member in found:  # grows while it is walked
        found += [record for record in keys if record.parent == member.id and record not in found]
    return found


def caller_of(secret: str, kinds: tuple[KeyKind, ...] = REPORT_KEYS) -> Caller | None:
    """Return who a secret stands for, or None if it is unknown, revoked, expired or of another kind than ``kinds``.

    One AWS call, or none while the key is cached.
    """
    if not secret.startswith(kinds) or len(secret) > _LONGEST_SECRET:
        return None
    hashed = secret_hash(secret)
    record = _find(hashed)
    if record is None or not record.is_active(stamp(now())):
        return None
    # It was found by its hash; comparing once more, in constant time, costs nothing and rests on no table.
    if not hmac.compare_digest(record.hash, hashed):
        return None
    return Caller(
        owner=record.owner,
        key_id=record.id,
        scopes=frozenset(record.scopes),
        teams=tuple(record.teams),
        rate_limit_per_minute=record.rate_limit_per_minute,
        is_test=record.prefix == TEST_KEY,
    )


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


def forget_secrets(records: Iterable[KeyRecord]) -> None:
    """Drop cached keys that have changed."""
    for record in records:
        _known.pop(record.hash, None)


def forget_keys() -> None:
    """Drop every cached key."""
    _known.clear()
