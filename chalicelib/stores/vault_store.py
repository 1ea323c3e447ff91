"""The tokens of a report with the private values that they stand for, sealed, until the report has ended.

Every report has a data key of its own. KMS makes it and gives it in two forms: open, for this process alone, and
wrapped, for the item in the table; unwrapping it is another call to KMS, which names the report and its owner.
Whoever deletes the item has destroyed the key, and with it whatever was sealed, wherever a copy of that may lie:
the table has no backups that could bring it back.

The item lies under ``R#<report>``, ``head``; what does not fit it under ``part#<write>#<number>`` beside it. It
carries the attempt that may change it: a worker that was overtaken can add no token any more.
"""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from boto3.dynamodb.conditions import Attr, Key

from chalicelib.stores.aws import kms_client
from chalicelib.stores.dynamodb import ConditionFailedError, Delete, Item, ItemKey, Table

KEEP: Final = timedelta(days=7)
"""How long the tokens of a report are kept that came to no end, or failed, counted from the last attempt's writes."""

MAX_PART_BYTES: Final = 300_000
"""Most that one item holds of what is sealed."""

_NONCE_BYTES: Final = 12
_NOT_OURS: Final = "what is in the vault is not what was put there"


class VaultDamagedError(Exception):
    """What is in the vault cannot be opened; the message quotes nothing of it."""


class VaultTakenError(Exception):
    """A later attempt has the vault, or it was destroyed: this attempt's report has gone on without it."""


@dataclass(frozen=True)
class Whose:
    """The report that a vault belongs to, and the attempt that asks for it."""

    owner: str
    report_id: str
    attempt: int


@dataclass(frozen=True)
class DataKey:
    """The key of one report's vault, open and wrapped."""

    plain: bytes = field(repr=False)
    wrapped: bytes = field(repr=False)


@dataclass(frozen=True)
class Contents:
    """What a vault held, and the key that it is sealed with."""

    key: DataKey
    secret: str = field(repr=False)


class VaultStore:
    """The vaults of all reports. One AWS call each unless a method says otherwise."""

    def __init__(self, table: str, key: str) -> None:
        self._table = Table(table)
        self._key = key

    def take_over(self, whose: Whose, at: datetime) -> Contents | None:
        """Take the vault from earlier attempts, and return what is in it; None if that is nothing, or expired.

        Two AWS calls; one more for each MB beyond the first 300 KB. Nothing that expired is left afterwards.

        Raises:
            VaultTakenError: a later attempt has it.
            VaultDamagedError: it cannot be opened.
        """
        live = Attr("attempt").lte(whose.attempt) & Attr("expires_at").gt(int(at.timestamp()))
        taken = {"attempt": whose.attempt, "expires_at": _expiry(at)}
        try:
            item = self._table.update(_head(whose.report_id), assign=taken, condition=live)
        except ConditionFailedError:
            self._begin(whose, taken)
            return None
        if "key" not in item:
            return None
        sealed = self._sealed(whose, item)
        if len(sealed) < item["parts"]:
            # What lies beside expires by the last write, also where the vault was taken over since.
            self._begin(whose, taken)
            return None
        key = self._unwrapped(whose, bytes(item["key"]))
        return Contents(key, _opened(whose, key, str(item["write"]), sealed))

    def new_key(self, whose: Whose) -> DataKey:
        """Have a key made for a report's vault."""
        made = kms_client().generate_data_key(KeyId=self._key, KeySpec="AES_256", EncryptionContext=_context(whose))
        return DataKey(made["Plaintext"], made["CiphertextBlob"])

    def put(self, whose: Whose, key: DataKey, secret: str, at: datetime, *, is_new: bool) -> None:
        """Seal a text in a report's vault, instead of what is there; one call more for each 300 KB beyond the first.

        Args:
            whose: the report and the attempt that it is sealed by.
            key: the vault's key.
            secret: the text.
            at: now.
            is_new: whether there is no vault yet; else there must be this attempt's.

        Raises:
            VaultTakenError: a later attempt has it, or it was destroyed.
        """
        write = secrets.token_urlsafe(9)
        first, *others = _sealed(whose, key, write, secret)
        for number, part in enumerate(others, start=1):
            pk, sk = _part(whose.report_id, write, number)
            self._table.put({"pk": pk, "sk": sk, "sealed": part, "expires_at": _expiry(at)})
        pk, sk = _head(whose.report_id)
        head: dict[str, Any] = {"pk": pk, "sk": sk, "attempt": whose.attempt, "expires_at": _expiry(at)}
        head |= {"key": key.wrapped, "write": write, "parts": 1 + len(others), "sealed": first}
        condition = Attr("pk").not_exists() if is_new else Attr("attempt").eq(whose.attempt)
        try:
            self._table.put(head, condition)
        except ConditionFailedError as error:
            # Its answer may have been lost and the request sent again.
            if error.current is None or error.current.get("write") != write:
                raise VaultTakenError from error

    def destruction(self, report_id: str) -> Delete:
        """Return the write that destroys a report's vault, if there is one, for the transaction that ends it."""
        return Delete(self._table.name, _head(report_id))

    def destroy(self, report_id: str) -> None:
        """Destroy a report's vault, if there is one."""
        self._table.delete_many([_head(report_id)])

    def _begin(self, whose: Whose, taken: Mapping[str, int]) -> None:
        """Keep earlier attempts out of a vault that is to be filled anew."""
        pk, sk = _head(whose.report_id)
        free = Attr("pk").not_exists() | Attr("attempt").lte(whose.attempt)
        try:
            self._table.put({"pk": pk, "sk": sk, **taken}, free)
        except ConditionFailedError as error:
            raise VaultTakenError from error

    def _unwrapped(self, whose: Whose, wrapped: bytes) -> DataKey:
        answer = kms_client().decrypt(KeyId=self._key, CiphertextBlob=wrapped, EncryptionContext=_context(whose))
        return DataKey(answer["Plaintext"], wrapped)

    def _sealed(self, whose: Whose, head: Item) -> Sequence[bytes]:
        if head["parts"] == 1:
            return [bytes(head["sealed"])]
        pk, sk = _part(whose.report_id, head["write"], 0)
        beside = Key("pk").eq(pk) & Key("sk").begins_with(sk[:-4])
        items = self._table.query_all(beside, consistent=True)
        return [bytes(head["sealed"]), *(bytes(item["sealed"]) for item in items)]


def _head(report_id: str) -> ItemKey:
    return f"R#{report_id}", "head"


def _part(report_id: str, write: str, number: int) -> ItemKey:
    return f"R#{report_id}", f"part#{write}#{number:04}"


def _expiry(at: datetime) -> int:
    return int((at + KEEP).timestamp())


def _context(whose: Whose) -> dict[str, str]:
    """Return what KMS binds a key to, and notes in its log: with any other it does not unwrap it."""
    return {"owner": whose.owner, "report": whose.report_id}


def _sealed(whose: Whose, key: DataKey, write: str, secret: str) -> list[bytes]:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # not for the API's cold start

    packed = zlib.compress(secret.encode("utf-8", "surrogatepass"))
    parts = [packed[start : start + MAX_PART_BYTES] for start in range(0, len(packed), MAX_PART_BYTES)]
    cipher = AESGCM(key.plain)
    sealed = []
    for number, part in enumerate(parts):
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed.append(nonce + cipher.encrypt(nonce, part, _bound_to(whose, write, number, len(parts))))
    return sealed


def _opened(whose: Whose, key: DataKey, write: str, sealed: Sequence[bytes]) -> str:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    cipher = AESGCM(key.plain)
    try:
        parts = [
            cipher.decrypt(part[:_NONCE_BYTES], part[_NONCE_BYTES:], _bound_to(whose, write, number, len(sealed)))
            for number, part in enumerate(sealed)
        ]
        return zlib.decompress(b"".join(parts)).decode("utf-8", "surrogatepass")
    except (InvalidTag, ValueError, zlib.error):
        raise VaultDamagedError(_NOT_OURS) from None


def _bound_to(whose: Whose, write: str, number: int, parts: int) -> bytes:
    """Return what a sealed part is bound to: it opens at no other place, and not among other parts."""
    return "\n".join((whose.owner, whose.report_id, write, str(number), str(parts))).encode()
