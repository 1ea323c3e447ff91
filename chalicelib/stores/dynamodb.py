"""A thin typed face on a DynamoDB table: plain Python values in, plain Python values out."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from boto3.dynamodb.conditions import ConditionBase, ConditionExpressionBuilder, Key
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.stores.aws import dynamodb_client

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

Item = dict[str, Any]
ItemKey = tuple[str, str]

_serializer = TypeSerializer()
_deserializer = TypeDeserializer()
_BATCH_TRIES = 5


class ConditionFailedError(Exception):
    """A conditional write found another state; ``current`` is the item as it is, or None."""

    def __init__(self, current: Item | None) -> None:
        super().__init__("the item is not in the expected state")
        self.current = current


class ThrottledError(BotoCoreError):
    """DynamoDB did not answer a batch in full, however often it was asked."""

    fmt = "{reason}"


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
        add: Mapping[str, int],
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


def _raise_condition(error: ClientError) -> None:
    """Turn a failed condition into our own error; leave every other error alone."""
    if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
        raise error
    current = error.response.get("Item")
    raise ConditionFailedError(_from_dynamodb(cast(Mapping[str, Any], current)) if current else None) from error


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
        try:
            self._client.put_item(
                TableName=self.name,
                Item=_to_dynamodb(item),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **given,
            )
        except ClientError as error:
            _raise_condition(error)

    def update(
        self,
        key: ItemKey,
        *,
        assign: Mapping[str, Any] | None = None,
        assign_once: Mapping[str, Any] | None = None,
        add: Mapping[str, int] | None = None,
        remove: Sequence[str] = (),
        condition: ConditionBase | None = None,
    ) -> Item:
        """Change an item in place and return it as it is now.

        Args:
            key: the item's key; the item is made if it is not there and no condition forbids it.
            assign: attributes to set.
            assign_once: attributes to set only where they are absent.
            add: numbers to add.
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
        try:
            changed = self._client.update_item(
                TableName=self.name,
                Key=_key(key),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **given,
                **expressions.arguments(),
            )
        except ClientError as error:
            _raise_condition(error)
            raise
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
        given = self._query_arguments(key, None, None) | {"ProjectionExpression": "pk, sk", "ConsistentRead": True}
        found: list[ItemKey] = []
        while True:
            page = self._client.query(**given)
            found += [(i["pk"], i["sk"]) for i in map(_from_dynamodb, page["Items"])]
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


def key_is(name: str, value: str) -> ConditionBase:
    """Return the key condition ``name = value``."""
    return Key(name).eq(value)
