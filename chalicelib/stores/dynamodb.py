"""A thin typed face on a DynamoDB table: plain Python values in, plain Python values out."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from boto3.dynamodb.conditions import ConditionBase, ConditionExpressionBuilder, Key
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.stores.aws import dynamodb_client

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

Item = dict[str, Any]
ItemKey = tuple[str, str]

_Answer = TypeVar("_Answer")

_serializer = TypeSerializer()
_deserializer = TypeDeserializer()
_BATCH_TRIES = 5
_TRANSACTION_TRIES: Final = 7
# What one BatchWriteItem takes, and how many of them are sent at the same time.
_BATCH_WRITES: Final = 25
_BATCHES_AT_ONCE: Final = 8
# What one BatchGetItem takes.
_BATCH_READS: Final = 100

OWN_MARK: Final = "write"
"""The attribute with the mark of the last write that must be told apart from others when it is sent twice."""


class ConditionFailedError(Exception):
    """A conditional write found another state; ``current`` is the item as it is, or None."""

    def __init__(self, current: Item | None) -> None:
        super().__init__("the item is not in the expected state")
        self.current = current


class ThrottledError(BotoCoreError):
    """DynamoDB did not answer a batch in full, however often it was asked."""

    fmt = "{reason}"


class TransactionFailedError(Exception):
    """A transaction changed nothing, because conditions did not hold.

    ``reasons`` has the index of each write whose condition failed, with the item as it is, or None.
    """

    def __init__(self, reasons: Mapping[int, Item | None]) -> None:
        super().__init__(f"the conditions of the writes {sorted(reasons)} do not hold")
        self.reasons = reasons


class TransactionBusyError(BotoCoreError):
    """Other writes to the same items got in the way every time; nothing was changed."""

    fmt = "{reason}"


@dataclass(frozen=True)
class Put:
    """A whole item to write in a transaction."""

    table: str
    item: Mapping[str, Any]
    condition: ConditionBase | None = None


@dataclass(frozen=True)
class Update:
    """A change of an item in a transaction; the fields are those of :meth:`Table.update`."""

    table: str
    key: ItemKey
    condition: ConditionBase | None = None
    assign: Mapping[str, Any] = field(default_factory=dict)
    assign_once: Mapping[str, Any] = field(default_factory=dict)
    add: Mapping[str, Any] = field(default_factory=dict)
    remove: Sequence[str] = ()


@dataclass(frozen=True)
class Delete:
    """An item to delete in a transaction."""

    table: str
    key: ItemKey
    condition: ConditionBase | None = None


@dataclass(frozen=True)
class Check:
    """What must hold of an item for a transaction to be done."""

    table: str
    key: ItemKey
    condition: ConditionBase


Write = Put | Update | Delete | Check


@dataclass(frozen=True)
class Page:
    """One page of a query and where the next one starts (None: this was the last)."""

    items: list[Item]
    next_key: Item | None


def _to_dynamodb(item: Mapping[str, Any]) -> dict[str, AttributeValueTypeDef]:
    return {name: _serializer.serialize(value) for name, value in item.items()}


def _from_dynamodb(item: Mapping[str, Any]) -> Item:
    values = {name: _deserializer.deserialize(value) for name, value in item.items()}
    return {name: int(v) if isinstance(v, Decimal) else v for name, v in values.items()}


def _key(key: ItemKey) -> dict[str, AttributeValueTypeDef]:
    return _to_dynamodb({"pk": key[0], "sk": key[1]})


class _Expressions:
    """Collects the expressions of one call with their placeholders, so that no name is ever reserved."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, Any] = {}
        self._builder = ConditionExpressionBuilder()

    def condition(self, condition: ConditionBase, *, is_key: bool = False) -> str:
        built = self._builder.build_expression(condition, is_key_condition=is_key)
        self.names.update(built.attribute_name_placeholders)
        self.values.update(built.attribute_value_placeholders)
        return built.condition_expression

    def name(self, name: str) -> str:
        placeholder = f"#u_{name.replace('-', '_')}"
        self.names[placeholder] = name
        return placeholder

    def value(self, name: str, value: Any) -> str:
        placeholder = f":u_{name.replace('-', '_')}"
        self.values[placeholder] = value
        return placeholder

    def update(
        self,
        assign: Mapping[str, Any],
        assign_once: Mapping[str, Any],
        add: Mapping[str, Any],
        remove: Sequence[str],
    ) -> str:
        sets = [f"{self.name(n)} = {self.value(n, v)}" for n, v in assign.items()]
        sets += [f"{self.name(n)} = if_not_exists({self.name(n)}, {self.value(n, v)})" for n, v in assign_once.items()]
        clauses = []
        if sets:
            clauses.append("SET " + ", ".join(sets))
        if add:
            clauses.append("ADD " + ", ".join(f"{self.name(n)} {self.value(n, v)}" for n, v in add.items()))
        if remove:
            clauses.append("REMOVE " + ", ".join(self.name(n) for n in remove))
        return " ".join(clauses)

    def arguments(self) -> dict[str, Any]:
        given: dict[str, Any] = {}
        if self.names:
            given["ExpressionAttributeNames"] = self.names
        if self.values:
            given["ExpressionAttributeValues"] = _to_dynamodb(self.values)
        return given


def _outside_transactions(call: Callable[[], _Answer]) -> _Answer:
    """Write one item, again where a transaction on it was under way: DynamoDB refuses those, and the SDK gives up.

    Raises:
        ConditionFailedError: the write's condition does not hold.
        ClientError: it was refused for another reason, or a transaction was under way every time.
    """
    for attempt in range(1, _TRANSACTION_TRIES + 1):
        try:
            return call()
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "ConditionalCheckFailedException":
                current = error.response.get("Item")
                item = _from_dynamodb(cast(Mapping[str, Any], current)) if current else None
                raise ConditionFailedError(item) from error
            if code != "TransactionConflictException" or attempt == _TRANSACTION_TRIES:
                raise
        _pause(attempt)
    raise AssertionError("the last try returns or raises")


def _pause(attempt: int) -> None:
    """Wait a moment before the next try, the longer the more there were, and never as long as another."""
    time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - spreads retries, hides nothing


class Table:
    """One table with the key ``pk``, ``sk``. Each method is one AWS call unless it says otherwise."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._client = dynamodb_client()

    def get(self, key: ItemKey, *, consistent: bool = False) -> Item | None:
        """Return the item with this key, or None."""
        found = self._client.get_item(TableName=self.name, Key=_key(key), ConsistentRead=consistent)
        return _from_dynamodb(found["Item"]) if "Item" in found else None

    def put(self, item: Mapping[str, Any], condition: ConditionBase | None = None) -> None:
        """Write a whole item.

        Raises:
            ConditionFailedError: ``condition`` does not hold for the item that is there.
        """
        given: dict[str, Any] = {}
        if condition is not None:
            expressions = _Expressions()
            given["ConditionExpression"] = expressions.condition(condition)
            given |= expressions.arguments()
        _outside_transactions(
            lambda: self._client.put_item(
                TableName=self.name,
                Item=_to_dynamodb(item),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **given,
            )
        )

    def update(
        self,
        key: ItemKey,
        *,
        assign: Mapping[str, Any] | None = None,
        assign_once: Mapping[str, Any] | None = None,
        add: Mapping[str, Any] | None = None,
        remove: Sequence[str] = (),
        condition: ConditionBase | None = None,
    ) -> Item:
        """Change an item in place and return it as it is now.

        Args:
            key: the item's key; the item is made if it is not there and no condition forbids it.
            assign: attributes to set.
            assign_once: attributes to set only where they are absent.
            add: numbers to add, or sets to join.
            remove: attributes to remove.
            condition: what must hold before.

        Raises:
            ConditionFailedError: ``condition`` does not hold.
        """
        expressions = _Expressions()
        given: dict[str, Any] = {
            "UpdateExpression": expressions.update(assign or {}, assign_once or {}, add or {}, remove)
        }
        if condition is not None:
            given["ConditionExpression"] = expressions.condition(condition)
        changed = _outside_transactions(
            lambda: self._client.update_item(
                TableName=self.name,
                Key=_key(key),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **given,
                **expressions.arguments(),
            )
        )
        return _from_dynamodb(changed["Attributes"])

    def query(
        self,
        key: ConditionBase,
        *,
        index: str | None = None,
        limit: int | None = None,
        newest_first: bool = False,
        start: Item | None = None,
        where: ConditionBase | None = None,
        consistent: bool = False,
    ) -> Page:
        """Return one page of the items under ``key``."""
        given = self._query_arguments(key, index, where)
        if limit is not None:
            given["Limit"] = limit
        if start is not None:
            given["ExclusiveStartKey"] = _to_dynamodb(start)
        found = self._client.query(**given, ScanIndexForward=not newest_first, ConsistentRead=consistent)
        next_key = found.get("LastEvaluatedKey")
        return Page([_from_dynamodb(i) for i in found["Items"]], _from_dynamodb(next_key) if next_key else None)

    def query_all(self, key: ConditionBase, **how: Any) -> Iterator[Item]:
        """Yield every item under ``key``: one call per MB read."""
        page = self.query(key, **how)
        yield from page.items
        while page.next_key is not None:
            page = self.query(key, start=page.next_key, **how)
            yield from page.items

    def count(self, key: ConditionBase, *, index: str | None = None, at_most: int | None = None) -> int:
        """Count the items under ``key``: one call per MB read, or one alone where ``at_most`` bounds it."""
        given = self._query_arguments(key, index, None) | {"Select": "COUNT"}
        if at_most is not None:
            return self._client.query(**given, Limit=at_most)["Count"]
        total = 0
        while True:
            found = self._client.query(**given)
            total += found["Count"]
            if "LastEvaluatedKey" not in found:
                return total
            given["ExclusiveStartKey"] = found["LastEvaluatedKey"]

    def keys(self, key: ConditionBase) -> list[ItemKey]:
        """Return the keys of every item under ``key`` (a consistent read): one call per MB read."""
        return [(item["pk"], item["sk"]) for item in self.some(key)]

    def some(self, key: ConditionBase, *names: str) -> list[Item]:
        """Return key and some attributes of every item under ``key`` (a consistent read): one call per MB read."""
        wanted = {"ProjectionExpression": ", ".join(("pk", "sk", *names)), "ConsistentRead": True}
        given = self._query_arguments(key, None, None) | wanted
        found: list[Item] = []
        while True:
            page = self._client.query(**given)
            found += map(_from_dynamodb, page["Items"])
            if "LastEvaluatedKey" not in page:
                return found
            given["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def delete_many(self, keys: Sequence[ItemKey]) -> None:
        """Delete items as far as DynamoDB takes it now: one call for 25. For what expires by itself anyway."""
        for start in range(0, len(keys), 25):
            deletes: list[Any] = [{"DeleteRequest": {"Key": _key(key)}} for key in keys[start : start + 25]]
            self._client.batch_write_item(RequestItems={self.name: deletes})

    def _query_arguments(self, key: ConditionBase, index: str | None, where: ConditionBase | None) -> dict[str, Any]:
        expressions = _Expressions()
        given: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": expressions.condition(key, is_key=True),
        }
        if where is not None:
            given["FilterExpression"] = expressions.condition(where)
        if index is not None:
            given["IndexName"] = index
        return given | expressions.arguments()


def batch_get(wanted: Mapping[str, Sequence[ItemKey]], *, consistent: bool = True) -> dict[str, list[Item]]:
    """Return the items that exist among ``wanted`` (table name → keys, at most 100 in all).

    One AWS call, or up to five where DynamoDB hands some keys back to be asked again.

    Raises:
        ThrottledError: it handed some back every time.
    """
    request: dict[str, Any] = {
        table: {"Keys": [_key(k) for k in keys], "ConsistentRead": consistent} for table, keys in wanted.items() if keys
    }
    found: dict[str, list[Item]] = {table: [] for table in wanted}
    for attempt in range(_BATCH_TRIES):
        if attempt:
            time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - spreads retries, hides nothing
        answer = dynamodb_client().batch_get_item(RequestItems=request)
        for table, items in answer["Responses"].items():
            found[table].extend(_from_dynamodb(i) for i in items)
        request = cast(dict[str, Any], answer.get("UnprocessedKeys") or {})
        if not request:
            return found
    raise ThrottledError(reason=f"DynamoDB left {', '.join(request)} unread {_BATCH_TRIES} times")


def new_mark() -> str:
    """Return a value for :data:`OWN_MARK` that no other write has."""
    return secrets.token_urlsafe(9)


def key_is(name: str, value: str) -> ConditionBase:
    """Return the key condition ``name = value``."""
    return Key(name).eq(value)


def read_many(table: str, keys: Sequence[ItemKey]) -> list[Item]:
    """Return the items that exist among any number of keys, in no order (consistent reads).

    One AWS call for each hundred keys, some at the same time. No key, no call.

    Raises:
        ThrottledError: DynamoDB left some unread.
    """
    parts = [keys[at : at + _BATCH_READS] for at in range(0, len(keys), _BATCH_READS)]
    if len(parts) <= 1:
        return batch_get({table: parts[0]})[table] if parts else []
    with ThreadPoolExecutor(min(len(parts), _BATCHES_AT_ONCE)) as pool:
        return [item for found in pool.map(lambda part: batch_get({table: part}), parts) for item in found[table]]


def batch_write(
    table: str, items: Sequence[Mapping[str, Any]], *, before_each: Callable[[], None] | None = None
) -> None:
    """Write whole items, none of them twice, without a condition: 25 a call, some calls at the same time.

    It is not one transaction: after an error some may be written.

    Args:
        table: the table's name.
        items: what to write.
        before_each: called before each AWS call; what it raises ends the writing.

    Raises:
        ThrottledError: DynamoDB left some unwritten.
    """
    parts = [items[at : at + _BATCH_WRITES] for at in range(0, len(items), _BATCH_WRITES)]
    if len(parts) <= 1:
        for part in parts:
            _write_batch(table, part, before_each)
        return
    with ThreadPoolExecutor(min(len(parts), _BATCHES_AT_ONCE)) as pool:
        for done in [pool.submit(_write_batch, table, part, before_each) for part in parts]:
            done.result()


def _write_batch(table: str, items: Sequence[Mapping[str, Any]], before_each: Callable[[], None] | None) -> None:
    request: dict[str, Any] = {table: [{"PutRequest": {"Item": _to_dynamodb(item)}} for item in items]}
    for attempt in range(_BATCH_TRIES):
        if attempt:
            time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - spreads retries, hides nothing
        if before_each is not None:
            before_each()
        request = cast(dict[str, Any], dynamodb_client().batch_write_item(RequestItems=request)["UnprocessedItems"])
        if not request:
            return
    raise ThrottledError(reason=f"DynamoDB left items of {table} unwritten {_BATCH_TRIES} times")


def transact(writes: Sequence[Write]) -> None:
    """Do all writes or none: one AWS call, or up to seven where others change the same items meanwhile.

    Every item that is put or updated gets a mark of this transaction: if an answer is lost and the request sent
    again, its conditions fail on what it did itself, and the mark shows that.

    Args:
        writes: at most 100, no two of one item.

    Raises:
        TransactionFailedError: conditions do not hold.
        TransactionBusyError: it was in the way of others every time.
    """
    mark = new_mark()
    entries: list[Any] = [_entry(write, mark) for write in writes]
    for attempt in range(_TRANSACTION_TRIES):
        if attempt:
            _pause(attempt)
        try:
            dynamodb_client().transact_write_items(TransactItems=entries)
        except dynamodb_client().exceptions.TransactionCanceledException as error:
            reasons = cast(list[dict[str, Any]], error.response.get("CancellationReasons", []))
            failed = _failed_conditions(reasons)
            if any(item is not None and item.get(OWN_MARK) == mark for item in failed.values()):
                return
            if failed:
                raise TransactionFailedError(failed) from error
            if not any(reason.get("Code") in _PASSING for reason in reasons):
                raise
        else:
            return
    raise TransactionBusyError(reason=f"a transaction was in others' way {_TRANSACTION_TRIES} times")


# Why a transaction may be cancelled that can be done a moment later.
_PASSING: Final = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


def _failed_conditions(reasons: Sequence[Mapping[str, Any]]) -> dict[int, Item | None]:
    return {
        number: _from_dynamodb(reason["Item"]) if reason.get("Item") else None
        for number, reason in enumerate(reasons)
        if reason.get("Code") == "ConditionalCheckFailed"
    }


def _entry(write: Write, mark: str) -> dict[str, Any]:
    expressions = _Expressions()
    given: dict[str, Any] = {"TableName": write.table, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    if write.condition is not None:
        given["ConditionExpression"] = expressions.condition(write.condition)
    if isinstance(write, Put):
        return {"Put": given | {"Item": _to_dynamodb({**write.item, OWN_MARK: mark})} | expressions.arguments()}
    given["Key"] = _key(write.key)
    if isinstance(write, Delete):
        return {"Delete": given | expressions.arguments()}
    if isinstance(write, Check):
        return {"ConditionCheck": given | expressions.arguments()}
    assign = {**write.assign, OWN_MARK: mark}
    given["UpdateExpression"] = expressions.update(assign, write.assign_once, write.add, write.remove)
    return {"Update": given | expressions.arguments()}
