"""The outbox: events that a record keeps from the write that made them until they are handed out.

The attributes go into the very write that changes the record, so no event is lost and none is told of what did
not happen. ``outbox``/``outbox_at`` are the key of a sparse index, in which the sweep finds what a lost message
left behind.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from boto3.dynamodb.conditions import Attr, Key

from chalicelib.domain.clock import stamp
from chalicelib.domain.webhook import Event
from chalicelib.stores.dynamodb import ConditionFailedError, Item, Table

OutboxTable = Literal["reports", "investigations"]

OUTBOX_TABLES: Final[tuple[OutboxTable, ...]] = ("reports", "investigations")
_WAITING: Final = "waiting"
_INDEX: Final = "outbox"


@dataclass(frozen=True)
class Place:
    """Where a record with events lies: the table as it is declared, and the record's key."""

    table: str
    pk: str
    sk: str


@dataclass(frozen=True)
class FindingsEvent:
    """The findings of one batch appeared: an event for each of them, made when they are handed out.

    ``after`` is the last finding that was handed out, empty for none.
    """

    id: str
    ingest: int
    at: str
    after: str = ""


@dataclass(frozen=True)
class Outbox:
    """Events that go into a record with a write."""

    events: tuple[Event | FindingsEvent, ...]
    at: datetime

    @property
    def assign(self) -> dict[str, str]:
        """What the write sets."""
        return {"outbox": _WAITING, "outbox_at": stamp(self.at)}

    @property
    def add(self) -> dict[str, set[str]]:
        """What the write adds to: events that are still there stay."""
        return {"outbox_events": {_to_text(event) for event in self.events}}

    @property
    def fields(self) -> dict[str, Any]:
        """The attributes of a new item."""
        return {**self.assign, **self.add}


NO_FIELDS: Final[Mapping[str, Any]] = {}


def assigned(outbox: Outbox | None) -> Mapping[str, Any]:
    """Return what a write sets for an outbox, nothing for none."""
    return NO_FIELDS if outbox is None else outbox.assign


def added(outbox: Outbox | None) -> Mapping[str, Any]:
    """Return what a write adds for an outbox, nothing for none."""
    return NO_FIELDS if outbox is None else outbox.add


@dataclass(frozen=True)
class FilledOutbox:
    """The events of a record, oldest first; ``owner`` or ``account`` says whose it is."""

    place: Place
    item: Item
    events: tuple[Event | FindingsEvent, ...]


class OutboxStore:
    """The outboxes of the records of two tables. One AWS call each unless the method says otherwise."""

    def __init__(self, table_names: Mapping[str, str]) -> None:
        self._tables: dict[str, Table] = {name: Table(table_names[name]) for name in OUTBOX_TABLES}

    def read(self, place: Place) -> FilledOutbox | None:
        """Return the events of a record (a consistent read), or None if there are none."""
        table = self._tables.get(place.table)
        item = table.get((place.pk, place.sk), consistent=True) if table else None
        if item is None or "outbox_events" not in item:
            return None
        events = sorted(map(_from_text, item["outbox_events"]), key=lambda event: event.id)
        return FilledOutbox(place, item, tuple(events))

    def settle(self, filled: FilledOutbox, remaining: Sequence[FindingsEvent], at: datetime) -> bool:
        """Note that all events were handed out but those that remain; False if others came meanwhile: nothing changed.

        Args:
            filled: the events as they were read.
            remaining: batches of which some findings were not handed out yet.
            at: now.
        """
        texts = {_to_text(event) for event in remaining}
        try:
            self._tables[filled.place.table].update(
                (filled.place.pk, filled.place.sk),
                assign={"outbox_at": stamp(at), "outbox_events": texts} if texts else {},
                remove=() if texts else ("outbox", "outbox_at", "outbox_events"),
                condition=Attr("outbox_events").eq(filled.item["outbox_events"]),
            )
        except ConditionFailedError as error:
            return error.current is None or "outbox_events" not in error.current
        return True

    def put_off(self, place: Place, seen_at: datetime, at: datetime) -> bool:
        """Let the sweep look at a record later; False if its events were handed out or joined since ``seen_at``."""
        try:
            self._tables[place.table].update(
                (place.pk, place.sk), assign={"outbox_at": stamp(at)}, condition=Attr("outbox_at").lte(stamp(seen_at))
            )
        except ConditionFailedError:
            return False
        return True

    def waiting(self, before: datetime, at_most: int) -> Iterator[Place]:
        """Yield the records whose events have waited since ``before``: one call for each table."""
        key = Key("outbox").eq(_WAITING) & Key("outbox_at").lte(stamp(before))
        for name, table in self._tables.items():
            for item in table.query(key, index=_INDEX, limit=at_most).items:
                yield Place(name, item["pk"], item["sk"])


def _to_text(event: Event | FindingsEvent) -> str:
    if isinstance(event, FindingsEvent):
        return json.dumps({"id": event.id, "ingest": event.ingest, "at": event.at, "after": event.after})
    return json.dumps({"id": event.id, "type": event.type, "envelope": event.envelope}, ensure_ascii=False)


def _from_text(text: str) -> Event | FindingsEvent:
    said = json.loads(text)
    if "ingest" in said:
        return FindingsEvent(said["id"], said["ingest"], said["at"], said["after"])
    return Event(said["id"], said["type"], said["envelope"])
