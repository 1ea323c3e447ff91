"""API keys in DynamoDB, found by the hash of their secret, and by their owner.

A key is two items with the same content, changed in one transaction: ``K#<hash>``, which a request is authenticated
with, and ``O#<owner>``/``ak_…``, which its owner lists. Beside the latter is ``O#<owner>``/``head``, whose version
every change raises: what somebody decided on the list of an owner's keys is done only if the list is still that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Final

from boto3.dynamodb.conditions import Attr

from chalicelib.domain.clock import parse_stamp
from chalicelib.stores.dynamodb import (
    Delete,
    Item,
    ItemKey,
    Put,
    Table,
    TransactionFailedError,
    Update,
    Write,
    key_is,
    transact,
)

_HEAD: Final = "head"
# How long a key is listed that has ended. Its secret is refused from the moment at which it ends.
_LISTED_AFTER_ITS_END: Final = timedelta(days=90)


@dataclass(frozen=True)
class KeyRecord:
    """An API key as it is stored: never its secret. Times are stamps.

    Args:
        id: its public name, ``ak_…``.
        owner: whose it is.
        name: what it is for.
        scopes: what it may do.
        created_at: when it was made.
        expires_at: when it ends; None for never.
        hash: the SHA-256 of its secret, in hex.
        prefix: what its secret begins with, which tells what kind of key it is.
        description: a longer text about it.
        parent: the key that made it; empty where a person did.
        rate_limit_per_minute: its own limit; None for no other than its owner's.
        teams: the teams of whoever made it.
        revoked_at: when it was revoked; None if it was not.
        rotated_at: when it got its present secret; None if that is its first.
        rotation: the name of the request that rotated it last.
        request_digest: what the named request asked for that made it.
    """

    id: str
    owner: str
    name: str
    scopes: Sequence[str]
    created_at: str
    expires_at: str | None
    hash: str = ""
    prefix: str = "sk_"
    description: str = ""
    parent: str = ""
    rate_limit_per_minute: int | None = None
    teams: Sequence[str] = ()
    revoked_at: str | None = None
    rotated_at: str | None = None
    rotation: str = ""
    request_digest: str | None = None

    def is_active(self, at: str) -> bool:
        """Tell whether it opens anything at the stamp ``at``."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > at)


@dataclass(frozen=True)
class OwnedKeys:
    """All keys of an owner, the newest first, and the version of this list."""

    keys: Sequence[KeyRecord]
    version: int


class KeysChangedError(Exception):
    """The owner's keys are not what they were when this was decided; nothing was changed."""


def secret_hash(secret: str) -> str:
    """Return the SHA-256 of a secret in hex. Secrets have 256 random bits, so no slow hash is needed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _by_hash(hashed: str) -> ItemKey:
    return f"K#{hashed}", "key"


def _item_keys(record: KeyRecord) -> list[ItemKey]:
    return [_by_hash(record.hash), (f"O#{record.owner}", record.id)]


def _to_item(key: ItemKey, record: KeyRecord) -> Item:
    item: dict[str, Any] = {"pk": key[0], "sk": key[1], **asdict(record)}
    item["ends_at"] = item.pop("expires_at")
    item |= {"scopes": list(record.scopes), "teams": list(record.teams)}
    end = min(filter(None, (record.revoked_at, record.expires_at)), default=None)
    if end is not None:
        item["expires_at"] = int((parse_stamp(end) + _LISTED_AFTER_ITS_END).timestamp())
    return item


def _to_record(item: Item) -> KeyRecord:
    names = set(KeyRecord.__dataclass_fields__) - {"expires_at"}
    fields = {name: value for name, value in item.items() if name in names}
    fields |= {"scopes": tuple(item["scopes"]), "teams": tuple(item["teams"])}
    return KeyRecord(**fields, expires_at=item["ends_at"])


class KeyStore:
    """API keys. One AWS call each, but for :meth:`owned`: one per MB."""

    def __init__(self, access_table: str) -> None:
        self._table = Table(access_table)

    def find(self, hashed_secret: str) -> KeyRecord | None:
        """Return the key whose secret has this hash as it is now (a consistent read), or None."""
        item = self._table.get(_by_hash(hashed_secret), consistent=True)
        return None if item is None else _to_record(item)

    def get(self, owner: str, key_id: str) -> KeyRecord | None:
        """Return an owner's key as it is now (a consistent read), or None."""
        if not key_id.startswith("ak_"):
            return None
        item = self._table.get((f"O#{owner}", key_id), consistent=True)
        return None if item is None else _to_record(item)

    def owned(self, owner: str) -> OwnedKeys:
        """Return an owner's keys as they are now (a consistent read)."""
        version, records = 0, []
        for item in self._table.query_all(key_is("pk", f"O#{owner}"), consistent=True):
            if item["sk"] == _HEAD:
                version = item["version"]
            else:
                records.append(_to_record(item))
        return OwnedKeys(sorted(records, key=lambda r: r.created_at, reverse=True), version)

    def add(
        self,
        record: KeyRecord,
        seen: OwnedKeys | None = None,
        beside: Sequence[Write] = (),
        instead_of: Sequence[KeyRecord] = (),
    ) -> None:
        """Store a new key.

        Args:
            record: the key.
            seen: what its owner must still have; None if it does not matter.
            beside: what belongs to the change, done in the same transaction.
            instead_of: keys that are listed no longer, at most 40.

        Raises:
            KeysChangedError: the owner has other keys, or this one already.
        """
        gone = [Delete(self._table.name, key) for old in instead_of for key in _item_keys(old)]
        self._transact(record.owner, seen, [*self._puts(record, is_new=True), *gone, *beside])

    def change(
        self, records: Sequence[KeyRecord], seen: OwnedKeys, beside: Sequence[Write] = (), old_hash: str | None = None
    ) -> None:
        """Store an owner's keys as they are to be from now on.

        Args:
            records: some of the owner's keys, at most 30.
            seen: what the owner must still have.
            beside: what belongs to the change, done in the same transaction.
            old_hash: the hash of a secret that opens nothing from now on.

        Raises:
            KeysChangedError: the owner has other keys by now.
        """
        puts = [put for record in records for put in self._puts(record, is_new=False)]
        gone = [Delete(self._table.name, _by_hash(old_hash))] if old_hash else []
        self._transact(records[0].owner, seen, [*puts, *gone, *beside])

    def _puts(self, record: KeyRecord, *, is_new: bool) -> list[Put]:
        condition = Attr("pk").not_exists() if is_new else None
        return [Put(self._table.name, _to_item(key, record), condition) for key in _item_keys(record)]

    def _transact(self, owner: str, seen: OwnedKeys | None, writes: Sequence[Write]) -> None:
        condition = None
        if seen is not None:
            condition = Attr("version").eq(seen.version) if seen.version else Attr("pk").not_exists()
        head = Update(self._table.name, (f"O#{owner}", _HEAD), condition, add={"version": 1})
        try:
            transact([head, *writes])
        except TransactionFailedError as failed:
            raise KeysChangedError from failed
