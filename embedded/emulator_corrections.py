"""Where moto differs from AWS in ways this service can feel, put right in the process that hosts moto.

``apply_corrections()`` changes moto's classes once; the emulator process and the in-process tests both call it.

* An index ``Query`` counts the bytes the index projects towards its page, not those of the whole item,
  and touches only the items of the partition asked for (moto sorts and deep-copies the whole table).
* Calls are serialised: moto reads, checks and writes in separate steps, so that conditional writes from
  several threads could all win, and two threads could receive the same SQS message.
* A transaction undoes only the items it names (moto copies every table named, and on failure swaps the copy
  back over whatever other threads wrote meanwhile).
* Attribute values of an answer that are in their final form already are sent as they are (moto looks each of them
  up member by member of its model, under several names each).
* Sending and receiving read the clock once, not twice for every message that waits.
"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, Final

from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import SecondaryIndex, Table
from moto.dynamodb.responses import DynamoHandler
from moto.sqs.models import Queue, SQSBackend

PAGE_BYTES: Final = 1_048_576
"""What one page of a Query holds: 1 MB of the bytes read, projected ones for an index."""

_POLL_SECONDS: Final = 0.5
"""How often a long poll looks for messages whose visibility timeout or delay ran out (no event tells it)."""

_dynamodb_lock = threading.RLock()
_sqs_lock = threading.RLock()
_moto_query: Any = Table.query
_moto_transact = DynamoDBBackend.transact_write_items
_moto_receive = SQSBackend.receive_message
_moto_structure = BaseJSONSerializer._serialize_type_structure
_moto_deepcopy_of_tables = threading.local()

_SQS_CALLS: Final = (
    "send_message",
    "send_message_batch",
    "delete_message",
    "delete_message_batch",
    "change_message_visibility",
    "change_message_visibility_batch",
    "get_queue_attributes",
    "purge_queue",
)


def apply_corrections() -> None:
    """Correct moto in this process; a second call changes nothing."""
    # Typed as Any: assigning to another class's methods is the purpose here.
    table: Any = Table
    queue: Any = Queue
    backend: Any = SQSBackend
    handler: Any = DynamoHandler
    if table.query is _query:
        return
    table.query = _query
    table.__deepcopy__ = _deepcopy_table
    DynamoDBBackend.transact_write_items = _transact_write_items  # type: ignore[method-assign]
    BaseJSONSerializer._serialize_type_structure = _serialize_structure  # type: ignore[method-assign]
    handler.call_action = _serialised(_dynamodb_lock, handler.call_action)
    for name in _SQS_CALLS:
        setattr(backend, name, _serialised(_sqs_lock, getattr(backend, name)))
    backend.receive_message = _receive_message
    backend.is_message_valid_based_on_retention_period = _is_retained
    queue.messages = property(_visible_messages)
    queue.approximate_number_of_messages_delayed = property(_count_delayed)
    queue.approximate_number_of_messages_not_visible = property(_count_in_flight)


def _serialised(lock: AbstractContextManager[Any], method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        with lock:
            return method(*args, **kwargs)

    return call


# --- DynamoDB: answers ----------------------------------------------------------------------------------

# Lists and maps have values inside; binary ones are still to be coded.
_FINAL_TYPES: Final = frozenset({"S", "N", "BOOL", "NULL", "SS", "NS"})


def _serialize_structure(self: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
    if shape.name == "AttributeValue" and key and type(value) is dict and len(value) == 1:
        (kind,) = value
        if kind in _FINAL_TYPES:
            self._default_serialize(serialized, dict(value), shape, key)
            return
    _moto_structure(self, serialized, value, shape, key)


# --- DynamoDB: Query ------------------------------------------------------------------------------------


class _Page(Sequence[Any]):
    """The items of one page, projected only when somebody looks at them: a COUNT never does."""

    def __init__(self, items: list[Any], project: Callable[[Any], Any]) -> None:
        self._items = items
        self._project = project

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Any]:
        return map(self._project, self._items)

    def __getitem__(self, position: Any) -> Any:
        chosen = self._items[position]
        return list(map(self._project, chosen)) if isinstance(position, slice) else self._project(chosen)


def _query(
    self: Any,
    hash_key: Any,
    range_comparison: str | None,
    range_objs: list[Any],
    limit: int | None,
    exclusive_start_key: dict[str, Any] | None,
    scan_index_forward: bool,
    projection_expressions: list[list[str]] | None,
    index_name: str | None = None,
    consistent_read: bool = False,
    filter_expression: Any = None,
    hash_key_conditions: list[tuple[str, Any]] | None = None,
    range_key_conditions: list[tuple[str, str, list[Any]]] | None = None,
    **filter_kwargs: Any,
) -> tuple[Sequence[Any], int, dict[str, Any] | None]:
    """Answer as ``moto``'s ``Table.query`` does: the page, how many items were read, the last key or None."""
    index = next((one for one in self.all_indexes() if one.name == index_name), None)
    if filter_kwargs or (index_name and not _is_plain(index, consistent_read)):
        # Legacy filters, keys of several attributes, and wrong requests: rare, and moto words its errors well.
        return _moto_query(  # type: ignore[no-any-return]
            self, hash_key, range_comparison, range_objs, limit, exclusive_start_key, scan_index_forward,
            projection_expressions, index_name, consistent_read, filter_expression,
            hash_key_conditions=hash_key_conditions, range_key_conditions=range_key_conditions, **filter_kwargs,
        )  # fmt: skip
    key_names = _sort_attributes(self, index)
    items = _partition(self, index, hash_key)
    range_name = key_names[0] if key_names else None
    if range_comparison and range_name:
        items = [item for item in items if item.attrs[range_name].compare(range_comparison, range_objs)]
    items.sort(key=lambda item: _sort_key(item.attrs, key_names), reverse=not scan_index_forward)
    if exclusive_start_key is not None:
        items = _after(items, exclusive_start_key, key_names, scan_index_forward)
    page, more = _first_page(items, limit, _projected_names(index))
    last_key = self._get_last_evaluated_key(page[-1], index_name) if more and page else None
    return _present(page, index, filter_expression, projection_expressions), len(page), last_key


def _is_plain(index: Any, consistent_read: bool) -> bool:
    kinds = [key["KeyType"] for key in index.schema] if index is not None else []
    return kinds.count("HASH") == 1 and kinds.count("RANGE") == 1 and not consistent_read


def _sort_attributes(table: Any, index: SecondaryIndex | None) -> list[str]:
    """Name the attributes that order the items of one partition, the first being the range key."""
    if index is None:
        return [table.range_key_attr] if table.range_key_attr else []
    range_key = next(key["AttributeName"] for key in index.schema if key["KeyType"] == "RANGE")
    return [range_key, *table.table_key_attrs]


def _partition(table: Any, index: SecondaryIndex | None, hash_key: Any) -> list[Any]:
    """List the items under one hash key of the table or of an index, in no order."""
    if index is None:
        found = table.items.get(hash_key)
        if found is None:
            return []
        return list(found.values()) if table.range_key_attr else [found]
    names = {key["KeyType"]: key["AttributeName"] for key in index.schema}
    hash_name, range_name = names["HASH"], names["RANGE"]
    kind, value = hash_key.type, hash_key.value
    return [
        item
        for item in _every_item(table)
        if (found := item.attrs.get(hash_name)) is not None
        and found.value == value
        and found.type == kind
        and range_name in item.attrs
    ]


def _every_item(table: Any) -> Iterable[Any]:
    if not table.range_key_attr:
        return list(table.items.values())
    return [item for partition in table.items.values() for item in partition.values()]


def _sort_key(attrs: Any, names: list[str]) -> tuple[Any, ...]:
    return tuple(_comparable(attrs[name]) for name in names)


def _comparable(value: Any) -> Any:
    typed = value if isinstance(value, DynamoType) else DynamoType(value)
    return typed.value if typed.type == "S" else typed.cast_value


def _after(items: list[Any], start: dict[str, Any], names: list[str], forward: bool) -> list[Any]:
    start_key = _sort_key(start, names)
    if forward:
        return [item for item in items if _sort_key(item.attrs, names) > start_key]
    return [item for item in items if _sort_key(item.attrs, names) < start_key]


def _projected_names(index: SecondaryIndex | None) -> set[str] | None:
    """Name the attributes an index holds; None stands for all."""
    kind = index.projection.get("ProjectionType") if index is not None and index.projection else "ALL"
    if index is None or kind not in {"KEYS_ONLY", "INCLUDE"}:
        return None
    names = {*index.table_key_attrs, *index.schema_key_attrs}
    return names | set(index.projection.get("NonKeyAttributes", [])) if kind == "INCLUDE" else names


def _first_page(items: list[Any], limit: int | None, names: set[str] | None) -> tuple[list[Any], bool]:
    """Return the items of the first page, and whether any are left after it."""
    size = 0
    most = len(items) if limit is None else min(limit, len(items))
    for count in range(most):
        size += _bytes_read(items[count], names)
        if size > PAGE_BYTES and count:
            return items[:count], True
    return items[:most], most < len(items)


def _bytes_read(item: Any, names: set[str] | None) -> int:
    if names is None:
        return int(item.size())
    attrs = item.attrs
    return sum(len(name) + _value_bytes(attrs[name]) for name in names if name in attrs)


def _value_bytes(value: Any) -> int:
    return len(value.value.encode()) if value.type == "S" else int(value.size())


def _present(
    page: list[Any], index: SecondaryIndex | None, filter_expression: Any, expressions: list[list[str]] | None
) -> Sequence[Any]:
    names = _projected_names(index)
    if filter_expression is not None:
        page = [item for item in page if filter_expression.expr(_only(item, names))]
    if expressions and all(len(path) == 1 and "[" not in path[0] for path in expressions):
        wanted = {path[0] for path in expressions}
        names, expressions = (wanted if names is None else names & wanted), None

    def project(item: Any) -> Any:
        narrowed = _only(item, names)
        return narrowed.project(expressions) if expressions else narrowed

    return _Page(page, project)


def _only(item: Any, names: set[str] | None) -> Any:
    """Return ``item`` with the attributes ``names`` alone; the values are shared, the caller holds the lock."""
    if names is None:
        return item
    narrowed: Any = Item.__new__(Item)
    narrowed.hash_key, narrowed.range_key = item.hash_key, item.range_key
    narrowed.attrs = LimitedSizeDict()
    for name, value in item.attrs.items():
        if name in names:
            dict.__setitem__(narrowed.attrs, name, value)
    return narrowed


# --- DynamoDB: transactions -----------------------------------------------------------------------------


def _transact_write_items(self: Any, transact_items: list[dict[str, Any]]) -> None:
    """Run moto's transaction; on failure put back the items it names, and only those."""
    touched = list(_touched(self, transact_items))
    _moto_deepcopy_of_tables.shared = True
    try:
        _moto_transact(self, transact_items)
    except BaseException:
        for table, hash_key, range_key, before in touched:
            _put_back(table, hash_key, range_key, before)
        raise
    finally:
        _moto_deepcopy_of_tables.shared = False


def _touched(backend: Any, transact_items: list[dict[str, Any]]) -> Iterator[tuple[Any, Any, Any, Any]]:
    for entry in transact_items:
        operation = next(iter(entry.values()))
        table = backend.tables.get(operation.get("TableName"))
        key = operation.get("Key") or operation.get("Item") or {}
        if table is None or any(name not in key for name in table.table_key_attrs):
            continue  # moto refuses these before it writes anything for them
        hash_key, range_key = backend.get_keys_value(table, key)
        yield table, hash_key, range_key, copy.deepcopy(table.get_item(hash_key, range_key))


def _put_back(table: Any, hash_key: Any, range_key: Any, before: Any) -> None:
    if range_key is None:
        partition, key = table.items, hash_key
    else:
        partition, key = table.items[hash_key], range_key
    if before is None:
        partition.pop(key, None)
    else:
        partition[key] = before


def _deepcopy_table(self: Any, memo: dict[int, Any]) -> Any:
    """Copy a table, except inside a transaction, where moto's safety copy would cost seconds."""
    if getattr(_moto_deepcopy_of_tables, "shared", False):
        return self
    duplicate = self.__class__.__new__(self.__class__)
    memo[id(self)] = duplicate
    duplicate.__dict__.update(copy.deepcopy(self.__dict__, memo))
    return duplicate


# --- SQS ------------------------------------------------------------------------------------------------


def _receive_message(
    self: Any,
    queue_name: str,
    count: int,
    wait_seconds_timeout: int,
    visibility_timeout: int,
    message_attribute_names: list[str] | None = None,
) -> list[Any]:
    """Receive under the lock, and wait for messages (``wait_seconds_timeout`` seconds at most) outside it."""
    deadline = time.monotonic() + wait_seconds_timeout
    while True:
        with _sqs_lock:
            found: list[Any] = _moto_receive(self, queue_name, count, 0, visibility_timeout, message_attribute_names)
        left = deadline - time.monotonic()
        if found or left <= 0:
            return found
        self.get_queue(queue_name).wait_for_messages(min(left, _POLL_SECONDS))


def _is_retained(self: Any, queue_name: str, message: Any) -> bool:
    retention = float(self.get_queue(queue_name).message_retention_period)
    return float(message.sent_timestamp) / 1000 + retention > time.time()


def _visible_messages(self: Any) -> list[Any]:
    now = time.time() * 1000
    return [message for message in self._messages if message.visible_at < now and message.delayed_until <= now]


def _count_delayed(self: Any) -> int:
    now = time.time() * 1000
    return sum(message.delayed_until > now for message in self._messages)


def _count_in_flight(self: Any) -> int:
    now = time.time() * 1000
    return sum(message.visible_at >= now for message in self._messages)
