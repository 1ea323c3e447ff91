"""Counts the AWS calls of this process, and what is billed for them, as botocore sends them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3

from bench.costs.dynamodb_units import Index, Item, item_read_units, query_read_units, write_units
from chalicelib.stores import aws

# What one call is billed as. Deleting is free.
_OTHER_CALLS: Mapping[str, Mapping[str, float]] = {
    "SendMessage": {"sqs_requests": 1},
    "PutObject": {"s3_writes_and_lists": 1},
    "ListObjectVersions": {"s3_writes_and_lists": 1},
    "ListObjectsV2": {"s3_writes_and_lists": 1},
    "GetObject": {"s3_reads": 1},
    "DeleteObjects": {},
}


@dataclass
class Metered:
    """Calls by operation, and billed units by their names in the price list."""

    calls: Counter[str] = field(default_factory=Counter)
    units: dict[str, float] = field(default_factory=dict)


class _Tables:
    """Looks into the tables with a client of its own, so that looking is not counted."""

    def __init__(self) -> None:
        self._client = boto3.client("dynamodb")
        self._indexes: dict[str, dict[str, Index]] = {}

    def indexes(self, table: str) -> dict[str, Index]:
        """Return a table's indexes by name."""
        if table not in self._indexes:
            described = self._client.describe_table(TableName=table)["Table"]
            keys = [key["AttributeName"] for key in described["KeySchema"]]
            self._indexes[table] = {
                found["IndexName"]: _index(found, keys) for found in described.get("GlobalSecondaryIndexes", [])
            }
        return self._indexes[table]

    def item(self, table: str, key: Any) -> Item | None:
        """Return an item as it is now."""
        found = self._client.get_item(TableName=table, Key=key, ConsistentRead=True)
        return found.get("Item")

    def queried(self, parameters: Mapping[str, Any]) -> list[Item]:
        """Return all that a query reads, before it filters, projects or counts."""
        left_out = ("FilterExpression", "ProjectionExpression", "Select")
        kept = {name: value for name, value in parameters.items() if name not in left_out}
        used = " ".join(str(kept.get(name, "")) for name in ("KeyConditionExpression",))
        for name in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
            if name in kept:
                kept[name] = {placeholder: v for placeholder, v in kept[name].items() if placeholder in used}
        return list(self._client.query(**kept)["Items"])


def _index(described: Any, table_keys: list[str]) -> Index:
    keys = tuple(key["AttributeName"] for key in described["KeySchema"])
    projection = described["Projection"]
    if projection["ProjectionType"] == "ALL":
        return Index(described["IndexName"], keys, None)
    held = frozenset((*keys, *table_keys, *projection.get("NonKeyAttributes", [])))
    return Index(described["IndexName"], keys, held)


class _Meter:
    """Prices each call once it is answered; writes are priced by the item before and after."""

    def __init__(self) -> None:
        self.metered = Metered()
        self._tables = _Tables()
        self._lock = threading.Lock()
        self._before = threading.local()

    def before(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        """Note a call's parameters, and the item that it is about to change."""
        self._before.params = params
        if model.name in ("PutItem", "UpdateItem"):
            self._before.item = self._tables.item(params["TableName"], self._key(model.name, params))
        if model.name == "TransactWriteItems":
            self._before.items = [(t, key, self._tables.item(t, key)) for t, key in _entries(params)]
        if model.name == "BatchWriteItem":
            self._before.items = [(t, self._tables.item(t, key)) for t, key in _deletes(params)]

    def after(self, model: Any, **_: Any) -> None:
        """Add what the call is billed as."""
        units = self._units(model.name, self._before.params)
        with self._lock:
            self.metered.calls[model.name] += 1
            for unit, used in units.items():
                self.metered.units[unit] = self.metered.units.get(unit, 0) + used

    def _units(self, operation: str, params: Mapping[str, Any]) -> Mapping[str, float]:
        if operation in ("PutItem", "UpdateItem"):
            table = params["TableName"]
            after = self._tables.item(table, self._key(operation, params))
            return {"dynamodb_write_units": self._written(table, self._before.item, after)}
        if operation == "TransactWriteItems":
            changed = [(t, before, self._tables.item(t, key)) for t, key, before in self._before.items]
            # A transaction is billed twice for each item, and once for what follows in the indexes.
            again = sum(write_units(before, after) for _, before, after in changed)
            return {"dynamodb_write_units": again + sum(self._written(*change) for change in changed)}
        if operation == "BatchWriteItem":
            return {"dynamodb_write_units": sum(self._written(t, item, None) for t, item in self._before.items)}
        if operation == "GetItem":
            item = self._tables.item(params["TableName"], params["Key"])
            return {"dynamodb_read_units": item_read_units(item, consistent=params.get("ConsistentRead", False))}
        if operation == "BatchGetItem":
            return {"dynamodb_read_units": sum(self._read_each(params["RequestItems"]))}
        if operation == "Query":
            items = self._tables.queried(params)
            return {"dynamodb_read_units": query_read_units(items, consistent=params.get("ConsistentRead", False))}
        return _OTHER_CALLS[operation]

    def _written(self, table: str, before: Item | None, after: Item | None) -> int:
        in_indexes = sum(index.write_units(before, after) for index in self._tables.indexes(table).values())
        return write_units(before, after) + in_indexes

    def _read_each(self, wanted: Mapping[str, Any]) -> Iterator[float]:
        for table, request in wanted.items():
            for key in request["Keys"]:
                yield item_read_units(self._tables.item(table, key), consistent=request.get("ConsistentRead", False))

    @staticmethod
    def _key(operation: str, params: Mapping[str, Any]) -> Any:
        source = params["Item"] if operation == "PutItem" else params["Key"]
        return {name: source[name] for name in ("pk", "sk")}


def _entries(params: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield table and key of each entry of a transaction."""
    for entry in params["TransactItems"]:
        for part in entry.values():
            source = part.get("Item") or part["Key"]
            yield part["TableName"], {name: source[name] for name in ("pk", "sk")}


def _deletes(params: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for table, requests in params["RequestItems"].items():
        for request in requests:
            yield table, request["DeleteRequest"]["Key"]


@contextmanager
def metered_calls() -> Iterator[Metered]:
    """Count the calls of this process's stores while the context lasts.

    Raises:
        KeyError: a call was made that nobody has told here how it is billed.
    """
    meter = _Meter()
    clients = (aws.dynamodb_client(), aws.sqs_client(), aws.s3_client())
    for client in clients:
        client.meta.events.register("provide-client-params", meter.before)
        client.meta.events.register("after-call", meter.after)
    try:
        yield meter.metered
    finally:
        for client in clients:
            client.meta.events.unregister("provide-client-params", meter.before)
            client.meta.events.unregister("after-call", meter.after)
