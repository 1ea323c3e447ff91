"""What lies in the service's tables: looked at, and put back. Past the API of the emulator, which takes its time."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from boto3.dynamodb.types import TypeSerializer
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item

Items = Mapping[tuple[str, str, str], Any]
"""Table, partition key and sort key → item."""

Kept = Mapping[str, Any]
"""Table → what it holds, in a form for ``put_back`` alone."""


def items_now(tables: Iterable[str]) -> Items:
    """Return every item of the tables."""
    return {
        (table, item.attrs["pk"].value, item.attrs["sk"].value): item.to_json()
        for table in tables
        for item in _tables()[table].all_items()
    }


def keep() -> Kept:
    """Return what all tables hold now."""
    return {name: copy.deepcopy(table.items) for name, table in _tables().items()}


def put_back(kept: Kept) -> None:
    """Make the tables hold what they held then."""
    for name, items in kept.items():
        _tables()[name].items = copy.deepcopy(items)


def add_items(table: str, items: Iterable[Mapping[str, Any]]) -> None:
    """Put many items of plain values into a table, which has none of them; far faster than asking it to."""
    serialize, known = TypeSerializer().serialize, dict[tuple[str, str], DynamoType]()
    rows = _tables()[table].items
    for plain in items:
        attributes = {}
        for name, value in plain.items():
            form = (name, repr(value))
            # Most attributes are alike in many items.
            if form not in known:
                known[form] = DynamoType(serialize(value))
            attributes[name] = known[form]
        item = Item(attributes["pk"], attributes["sk"], {})
        # As setting them one by one does, but for a sum of all sizes each time.
        dict.update(item.attrs, attributes)
        rows[attributes["pk"]][attributes["sk"]] = item


def _tables() -> Mapping[str, Any]:
    tables: Mapping[str, Any] = dynamodb_backends["123456789012"]["us-east-1"].tables
    return tables
