"""The audit in DynamoDB: one item for each event, written once, read newest first, deleted by its age alone.

An event lies under its tenant, and in one of a few shards of the index of everybody's. Nothing here changes or
deletes an item, and no function has the right to.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from boto3.dynamodb.conditions import Attr, ConditionBase, Key

from chalicelib.domain.audit import Action, AuditEntry
from chalicelib.stores.dynamodb import ConditionFailedError, Item, Page, Put, Table

SHARDS: Final = 4
# With a filter most of what is read may not be shown: so many items are looked at in one call, so often for a page.
_LOOKED_AT: Final = 500
_ROUNDS: Final = 5


@dataclass(frozen=True)
class AuditQuery:
    """Which events.

    Args:
        tenant: whose; None for everybody's.
        since: the earliest, a stamp; empty for any.
        until: the first that is too late, a stamp or the id of an event; empty for none.
        action: only these.
        actor: only this one's.
        limit: how many at most.
    """

    tenant: str | None
    since: str = ""
    until: str = ""
    action: Action | None = None
    actor: str | None = None
    limit: int = 50


def _to_item(entry: AuditEntry, expires_at: int) -> Item:
    return {
        "pk": _partition(entry.tenant),
        "sk": entry.id,
        "everybody": f"all#{zlib.crc32(entry.id.encode()) % SHARDS}",
        "tenant": entry.tenant,
        "actor": entry.actor,
        "action": entry.action,
        "target": entry.target,
        "outcome": entry.outcome,
        "request_id": entry.request_id,
        "address": entry.address,
        "details": dict(entry.details),
        "expires_at": expires_at,
    }


def _to_entry(item: Item) -> AuditEntry:
    return AuditEntry(
        id=item["sk"],
        tenant=item["tenant"],
        actor=item["actor"],
        action=item["action"],
        target=item["target"],
        outcome=item["outcome"],
        request_id=item["request_id"],
        address=item["address"],
        details={name: value if isinstance(value, str) else int(value) for name, value in item["details"].items()},
    )


class AuditStore:
    """Events, written once."""

    def __init__(self, table_name: str) -> None:
        self._table = Table(table_name)

    def entry(self, entry: AuditEntry, expires_at: int) -> Put:
        """Return the write of an event, for a transaction with the change that it records.

        Args:
            entry: the event.
            expires_at: when it may be deleted, in seconds since 1970.
        """
        return Put(self._table.name, _to_item(entry, expires_at), Attr("pk").not_exists())

    def add(self, entry: AuditEntry, expires_at: int) -> None:
        """Write an event that changes nothing else: one AWS call."""
        put = self.entry(entry, expires_at)
        try:
            self._table.put(put.item, put.condition)
        except ConditionFailedError as error:
            # Its id is random: what is there is this very event, written before an answer was lost.
            if error.current is None or error.current["request_id"] != entry.request_id:
                raise

    def page(self, query: AuditQuery) -> tuple[list[AuditEntry], str | None]:
        """Return events, newest first, and where the next page ends (None: this was the last).

        One AWS call, four for everybody's events; up to five times that with a filter, after which a page may have
        fewer events than ``limit`` although there are more.
        """
        found: list[AuditEntry] = []
        until = query.until
        if until and query.since >= until:
            return [], None
        for _ in range(_ROUNDS):
            entries, place = self._round(query, until, query.limit - len(found))
            found += entries
            if place is None or place <= query.since or len(found) == query.limit:
                return found, place
            until = place
        return found, until

    def _round(self, query: AuditQuery, until: str, limit: int) -> tuple[list[AuditEntry], str | None]:
        pages = [self._read(name, value, query, until, limit) for name, value in _partitions(query)]
        # Each partition was read down to a place of its own; below the highest of them something may be missing.
        down_to = max((str(page.next_key["sk"]) for page in pages if page.next_key is not None), default="")
        found = sorted((i for page in pages for i in page.items), key=lambda i: str(i["sk"]), reverse=True)
        sure = [i for i in found if i["sk"] >= down_to]
        shown = [_to_entry(i) for i in sure[:limit]]
        if len(sure) > limit:
            return shown, shown[-1].id
        return shown, down_to or None

    def _read(self, name: str, value: str, query: AuditQuery, until: str, limit: int) -> Page:
        # The condition takes one range; the end is not part of it, and "~" is beyond every stamp.
        key = Key(name).eq(value) & Key("sk").between(query.since or "0", _before(until) if until else "~")
        where = _filter(query)
        return self._table.query(
            key,
            index="everybody" if name == "everybody" else None,
            limit=limit if where is None else _LOOKED_AT,
            newest_first=True,
            where=where,
            consistent=name == "pk",
        )


def _partition(tenant: str) -> str:
    return f"T#{tenant}"


def _partitions(query: AuditQuery) -> list[tuple[str, str]]:
    if query.tenant is not None:
        return [("pk", _partition(query.tenant))]
    return [("everybody", f"all#{shard}") for shard in range(SHARDS)]


def _filter(query: AuditQuery) -> ConditionBase | None:
    wanted: Mapping[str, Any] = {"action": query.action, "actor": query.actor}
    conditions = [Attr(name).eq(value) for name, value in wanted.items() if value is not None]
    if not conditions:
        return None
    return conditions[0] if len(conditions) == 1 else conditions[0] & conditions[1]


def _before(text: str) -> str:
    """Return the last text of the letters used here that sorts before ``text``."""
    return f"{text[:-1]}{chr(ord(text[-1]) - 1)}~"
