"""API keys in DynamoDB, found by the hash of their secret alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from boto3.dynamodb.conditions import Attr

from chalicelib.stores.dynamodb import Table


@dataclass(frozen=True)
class KeyRecord:
    """An API key as it is stored: never its secret. ``expires_at`` is a stamp, or None."""

    id: str
    owner: str
    name: str
    scopes: Sequence[str]
    created_at: str
    expires_at: str | None
    revoked: bool = False


def secret_hash(secret: str) -> str:
    """Return the SHA-256 of a secret in hex. Secrets have 256 random bits, so no slow hash is needed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class KeyStore:
    """API keys. One AWS call each."""

    def __init__(self, access_table: str) -> None:
        self._table = Table(access_table)

    def find(self, hashed_secret: str) -> KeyRecord | None:
        """Return the key whose secret has this hash as it is now (a consistent read), or None."""
        item = self._table.get((f"K#{hashed_secret}", "key"), consistent=True)
        if item is None:
            return None
        return KeyRecord(
            id=item["key_id"],
            owner=item["owner"],
            name=item["name"],
            scopes=tuple(item["scopes"]),
            created_at=item["created_at"],
            expires_at=item["expires_at"],
            revoked=item["revoked"],
        )

    def add(self, hashed_secret: str, record: KeyRecord) -> None:
        """Store a new key.

        Raises:
            ConditionFailedError: a key with this hash exists.
        """
        self._table.put(
            {
                "pk": f"K#{hashed_secret}",
                "sk": "key",
                "key_id": record.id,
                "owner": record.owner,
                "name": record.name,
                "scopes": list(record.scopes),
                "created_at": record.created_at,
                "expires_at": record.expires_at,
                "revoked": record.revoked,
            },
            Attr("pk").not_exists(),
        )

    def revoke(self, hashed_secret: str) -> None:
        """Mark a key as revoked.

        Raises:
            ConditionFailedError: there is no such key.
        """
        self._table.update((f"K#{hashed_secret}", "key"), assign={"revoked": True}, condition=Attr("pk").exists())
