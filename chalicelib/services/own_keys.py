"""Use cases: what somebody does with the API keys that are theirs (``/api/keys``).

Nobody gets more than they have: a key that another key makes, changes or rotates has no scope, no team, no end and no
rate beyond those of the other, and what a key loses its children lose. What is decided rests on the list of the
owner's keys, read consistently; it is done only if that list is still the same (see ``key_store``), so ten parallel
requests cannot make an eleventh key, and a key that was just revoked makes none.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from chalicelib.domain.audit import Action
from chalicelib.domain.caller import INVESTIGATION_SCOPES, SCOPES, Caller
from chalicelib.domain.clock import now, parse_stamp, stamp
from chalicelib.services import audit
from chalicelib.services.idempotency import KEPT, MAX_GENERATIONS, IdempotencyConflictError, RequestName
from chalicelib.services.key_usage import usage_of
from chalicelib.services.keys import (
    REPORT_KEYS,
    TEST_KEY,
    CreatedKey,
    KeyKind,
    family,
    forget_secrets,
    new_key_id,
    new_secret,
    revoke_family,
    with_keys,
)
from chalicelib.stores.dynamodb import Put
from chalicelib.stores.key_store import KeyRecord, OwnedKeys, secret_hash
from chalicelib.stores.stores import stores

MAX_ACTIVE: Final = 10
MAX_LISTED: Final = 100
"""So many keys of an owner are listed, with those that have ended; the oldest of these make room for a new one."""


# What one transaction removes besides what it writes.
_REMOVED_AT_ONCE: Final = 20


class KeyNotFoundError(Exception):
    """There is no such key, or it is not theirs."""


class TooManyKeysError(Exception):
    """The owner has as many active keys as one may have."""


class StrongerKeyError(Exception):
    """The key would have, or has, more than whoever asks."""


class KeyEndedError(Exception):
    """The key has expired or was revoked."""


@dataclass(frozen=True)
class NewKey:
    """What a valid request for a key asks for.

    Args:
        name: what the key is for.
        scopes: what it may do.
        kind: what it opens.
        expires_in: how long it is valid.
        description: a longer text about it.
        rate_limit_per_minute: its own limit; None for that of whoever makes it.
    """

    name: str
    scopes: Sequence[str]
    kind: KeyKind
    expires_in: timedelta
    description: str = ""
    rate_limit_per_minute: int | None = None


@dataclass(frozen=True)
class KeyChanges:
    """What is to be changed of a key; None leaves it as it is."""

    name: str | None = None
    description: str | None = None
    scopes: Sequence[str] | None = None
    rate_limit_per_minute: int | None = None


@dataclass(frozen=True)
class ShownKey:
    """A key as a request leaves it; ``secret`` is None where it was shown before."""

    record: KeyRecord
    secret: str | None = None


@dataclass(frozen=True)
class _Bounds:
    """The most that a key may have that somebody makes or gets hold of."""

    scopes: frozenset[str]
    teams: frozenset[str] | None
    ends_at: str | None
    rate: int | None

    def allow(self, record: KeyRecord) -> bool:
        """Tell whether a key has nothing beyond them."""
        return (
            set(record.scopes) <= self.scopes
            and (self.teams is None or set(record.teams) <= self.teams)
            and (self.ends_at is None or (record.expires_at is not None and record.expires_at <= self.ends_at))
            and (self.rate is None or (record.rate_limit_per_minute or self.rate + 1) <= self.rate)
        )


def _scopes_given_by(scopes: frozenset[str]) -> frozenset[str]:
    """Return the scopes that somebody with these can hand on; their own investigations are theirs as well."""
    own = frozenset(SCOPES) if "admin" in scopes else scopes & frozenset(SCOPES)
    return own | frozenset(INVESTIGATION_SCOPES)


def _bounds(caller: Caller, seen: OwnedKeys) -> _Bounds:
    """Return what a caller can hand on.

    Raises:
        StrongerKeyError: it is a key that has just been revoked.
    """
    scopes = _scopes_given_by(caller.scopes)
    if caller.kind == "session":
        return _Bounds(scopes, None, None, None)
    own = next((record for record in seen.keys if record.id == caller.key_id), None)
    if own is None or not own.is_active(stamp(now())):
        raise StrongerKeyError
    scopes = _scopes_given_by(frozenset(own.scopes))
    return _Bounds(scopes, frozenset(own.teams), own.expires_at, own.rate_limit_per_minute)


def list_keys(caller: Caller, *, active_only: bool) -> list[KeyRecord]:
    """Return the caller's keys, the newest first: one AWS call."""
    keys, at = stores().keys.owned(caller.owner).keys, stamp(now())
    return [record for record in keys if record.is_active(at) or not active_only]


def get_key(caller: Caller, key_id: str) -> KeyRecord:
    """Return one of the caller's keys: one AWS call.

    Raises:
        KeyNotFoundError: there is none of that name, or it is not theirs.
    """
    found = stores().keys.get(caller.owner, key_id)
    if found is None:
        raise KeyNotFoundError
    return found


def create_own_key(caller: Caller, new: NewKey, name: RequestName | None = None) -> ShownKey:
    """Make a key: two AWS calls. A request of the same name gives the key that the first of them made, no secret.

    Args:
        caller: who makes it; a key is its parent.
        new: what is asked for.
        name: the caller's name for this request.

    Raises:
        StrongerKeyError: it would have more than the caller.
        TooManyKeysError: the caller has ten active keys, or has made very many within a day.
        IdempotencyConflictError: the name was used for another request.
        KeysChangedError: others were changing the keys every time.
    """

    def decide(seen: OwnedKeys) -> ShownKey:
        at = now()
        key_id, earlier = _named(seen, name, at)
        if earlier is not None:
            return ShownKey(earlier)
        bounds = _bounds(caller, seen)
        created = _unstored(caller, new, bounds, key_id, at)
        if not bounds.allow(created.record):
            raise StrongerKeyError
        if sum(record.is_active(stamp(at)) for record in seen.keys) >= MAX_ACTIVE:
            raise TooManyKeysError
        record = replace(created.record, request_digest=name.digest if name else None)
        stores().keys.add(record, seen, [_entry(caller, "key.create", record)], _making_room(seen, at))
        return ShownKey(record, created.secret)

    return with_keys(caller.owner, decide)


def _making_room(seen: OwnedKeys, at: datetime) -> list[KeyRecord]:
    """Return the keys that are listed no longer where one more is: the oldest that have ended.

    Those of the last day stay, as requests that made them may be sent again.

    Raises:
        TooManyKeysError: there are not enough of them.
    """
    surplus = len(seen.keys) + 1 - MAX_LISTED
    if surplus <= 0:
        return []
    ended = [r for r in reversed(seen.keys) if not r.is_active(stamp(at)) and parse_stamp(r.created_at) + KEPT <= at]
    if len(ended) < surplus:
        raise TooManyKeysError
    return ended[: min(surplus, _REMOVED_AT_ONCE)]


def _named(seen: OwnedKeys, name: RequestName | None, at: datetime) -> tuple[str, KeyRecord | None]:
    """Return the id of a key that is to be made, and the key that an earlier request of this name made."""
    if name is None:
        return new_key_id(), None
    by_id = {record.id: record for record in seen.keys}
    for generation in range(MAX_GENERATIONS):
        key_id = f"ak_{name.uuid(generation).hex[:24]}"
        earlier = by_id.get(key_id)
        if earlier is None:
            return key_id, None
        found = name.compare(earlier.request_digest, earlier.created_at, at)
        if found == "same":
            return key_id, earlier
        if found == "other":
            break
    raise IdempotencyConflictError


def _unstored(caller: Caller, new: NewKey, bounds: _Bounds, key_id: str, at: datetime) -> CreatedKey:
    secret = new_secret(new.kind)
    teams = caller.teams if bounds.teams is None else tuple(sorted(bounds.teams))
    record = KeyRecord(
        id=key_id,
        owner=caller.owner,
        name=new.name,
        description=new.description,
        scopes=tuple(new.scopes),
        created_at=stamp(at),
        expires_at=min(filter(None, (stamp(at + new.expires_in), bounds.ends_at))),
        hash=secret_hash(secret),
        prefix=new.kind,
        parent=caller.key_id,
        rate_limit_per_minute=bounds.rate if new.rate_limit_per_minute is None else new.rate_limit_per_minute,
        teams=teams,
    )
    return CreatedKey(secret, record)


def change_key(caller: Caller, key_id: str, changes: KeyChanges) -> KeyRecord:
    """Change a key; what it loses its children lose: two AWS calls.

    Raises:
        KeyNotFoundError: there is none of that name, or it is not theirs.
        KeyEndedError: it is not active any more.
        StrongerKeyError: it has, or would have, more than the caller or than the key that made it.
        KeysChangedError: others were changing the keys every time.
    """

    def decide(seen: OwnedKeys) -> KeyRecord:
        before = _active(seen, key_id)
        after = replace(before, **{name: value for name, value in vars(changes).items() if value is not None})
        bounds = _bounds(caller, seen)
        if not (bounds.allow(before) and bounds.allow(after) and _within_parent(after, seen)):
            raise StrongerKeyError
        changed = _with_children(after, seen)
        revoked = {record.id for record in seen.keys if record.revoked_at is not None}
        entries = [_entry(caller, _what_was_done(record, revoked), record) for record in changed]
        stores().keys.change(changed, seen, entries)
        forget_secrets(changed)
        return after

    return with_keys(caller.owner, decide)


def _what_was_done(record: KeyRecord, revoked_before: Set[str]) -> Action:
    return "key.revoke" if record.revoked_at is not None and record.id not in revoked_before else "key.change"


def _within_parent(record: KeyRecord, seen: OwnedKeys) -> bool:
    parent = next((other for other in seen.keys if other.id == record.parent), None)
    if parent is None:
        return True
    return _bounds_of(parent).allow(record)


def _bounds_of(parent: KeyRecord) -> _Bounds:
    scopes = _scopes_given_by(frozenset(parent.scopes))
    return _Bounds(scopes, frozenset(parent.teams), parent.expires_at, parent.rate_limit_per_minute)


def _with_children(changed: KeyRecord, seen: OwnedKeys) -> list[KeyRecord]:
    """Return a changed key and those of its descendants that have to change with it."""
    now_are = {changed.id: changed}
    result = [changed]
    at = stamp(now())
    for child in family(seen.keys, changed.id)[1:]:
        now_are[child.id] = child
        if not child.is_active(at):
            continue
        bounds = _bounds_of(now_are[child.parent])
        cut = replace(
            child,
            scopes=tuple(scope for scope in child.scopes if scope in bounds.scopes),
            rate_limit_per_minute=min(filter(None, (child.rate_limit_per_minute, bounds.rate)), default=None),
        )
        if not cut.scopes:
            cut = replace(child, revoked_at=at)
        now_are[child.id] = cut
        if cut != child:
            result.append(cut)
    return result


def rotate_key(caller: Caller, key_id: str, name: RequestName | None = None) -> ShownKey:
    """Give a key a new secret; the old one opens nothing any more: two AWS calls.

    Warm processes honour the old one for at most ``KEY_CACHE_SECONDS`` longer. A request of the same name gives the
    key as the first of them left it, without its secret.

    Raises:
        KeyNotFoundError: there is none of that name, or it is not theirs.
        KeyEndedError: it is not active any more.
        StrongerKeyError: it has more than the caller.
        KeysChangedError: others were changing the keys every time.
    """

    def decide(seen: OwnedKeys) -> ShownKey:
        before, at = _active(seen, key_id), now()
        if _was_rotated_by(before, name, at):
            return ShownKey(before)
        if not _bounds(caller, seen).allow(before):
            raise StrongerKeyError
        kind: KeyKind = before.prefix  # type: ignore[assignment]
        secret = new_secret(kind)
        after = replace(before, hash=secret_hash(secret), rotated_at=stamp(at), rotation=_rotation(name))
        stores().keys.change([after], seen, [_entry(caller, "key.rotate", after)], old_hash=before.hash)
        forget_secrets([before])
        return ShownKey(after, secret)

    return with_keys(caller.owner, decide)


def _rotation(name: RequestName | None) -> str:
    return str(name.uuid()) if name else ""


def _was_rotated_by(record: KeyRecord, name: RequestName | None, at: datetime) -> bool:
    if name is None or record.rotated_at is None or record.rotation != _rotation(name):
        return False
    # Such a request has no body: there is no other of this name.
    return name.compare(name.digest, record.rotated_at, at) == "same"


def revoke_own_key(caller: Caller, key_id: str) -> None:
    """Revoke a key and every key it made: two AWS calls. One that was revoked stays so.

    Raises:
        KeyNotFoundError: there is none of that name, or it is not theirs.
        KeysChangedError: others were changing the keys every time.
    """
    if not revoke_family(caller.owner, key_id):
        raise KeyNotFoundError


def key_usage(caller: Caller, key_id: str, days: int) -> dict[str, int]:
    """Return how many requests of a key were counted on each of the last UTC days: two AWS calls.

    Raises:
        KeyNotFoundError: there is none of that name, or it is not theirs.
    """
    record = get_key(caller, key_id)
    account = Caller(record.owner, record.id, frozenset(), is_test=record.prefix == TEST_KEY).account
    return usage_of(account, key_id, days)


def opens_reports(record: KeyRecord) -> bool:
    """Tell whether a key opens ``/api``; the others open ``/v1``."""
    return record.prefix in REPORT_KEYS


def _active(seen: OwnedKeys, key_id: str) -> KeyRecord:
    found = next((record for record in seen.keys if record.id == key_id), None)
    if found is None:
        raise KeyNotFoundError
    if not found.is_active(stamp(now())):
        raise KeyEndedError
    return found


def _entry(caller: Caller, action: Action, record: KeyRecord) -> Put:
    return audit.entry(action, caller.owner, record.id, scopes=",".join(record.scopes))
