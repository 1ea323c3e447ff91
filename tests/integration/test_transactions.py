"""Transactions and batches over moto: all or nothing, told apart from others' writes, and tried again."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr
from botocore.exceptions import ClientError

from chalicelib.settings import settings
from chalicelib.stores import aws, dynamodb
from chalicelib.stores.dynamodb import (
    Check,
    ItemKey,
    Put,
    Table,
    ThrottledError,
    TransactionBusyError,
    TransactionFailedError,
    Update,
    batch_write,
    read_many,
    transact,
)
from tests.faults.test_lost_answers import LostAnswer
from tests.support.service import counted_calls
from tests.support.tables import made_resources

ONE: ItemKey = ("one", "item")
TWO: ItemKey = ("two", "item")


@pytest.fixture(autouse=True)
def _resources() -> Iterator[None]:
    with made_resources():
        yield


@pytest.fixture
def name() -> str:
    return settings().investigations_table


@pytest.fixture
def items(name: str) -> Table:
    return Table(name)


def put(name: str, key: ItemKey, **fields: Any) -> Put:
    return Put(name, {"pk": key[0], "sk": key[1], **fields}, Attr("pk").not_exists())


@contextmanager
def answered(operation: str, *answers: dict[str, Any]) -> Iterator[list[int]]:
    """Answer the first calls of an operation with these instead of sending them; count all of its calls."""
    calls = [0]

    def answer(**_: Any) -> tuple[Any, dict[str, Any]] | None:
        calls[0] += 1
        if calls[0] > len(answers):
            return None
        given = answers[calls[0] - 1]
        return SimpleNamespace(status_code=400 if "Error" in given else 200), given

    event = f"before-call.dynamodb.{operation}"
    aws.dynamodb_client().meta.events.register(event, answer)
    try:
        yield calls
    finally:
        aws.dynamodb_client().meta.events.unregister(event, answer)


def cancelled(*codes: str) -> dict[str, Any]:
    return {
        "Error": {"Code": "TransactionCanceledException", "Message": "Transaction cancelled"},
        "CancellationReasons": [{"Code": code} for code in codes],
        "ResponseMetadata": {},
    }


def test_a_transaction_over_two_items_is_one_call(name: str, items: Table) -> None:
    with counted_calls() as calls:
        transact([put(name, ONE, word="a"), Update(name, TWO, assign={"word": "b"}, add={"number": 2})])
    assert calls == {"TransactWriteItems": 1}
    one, two = items.get(ONE), items.get(TWO)
    assert one is not None
    assert two is not None
    assert (one["word"], two["word"], two["number"]) == ("a", "b", 2)


def test_a_condition_that_does_not_hold_undoes_all_and_shows_the_item(name: str, items: Table) -> None:
    transact([put(name, TWO, word="b")])
    with pytest.raises(TransactionFailedError) as failed:
        transact([put(name, ONE), put(name, TWO), Check(name, ("three", "item"), Attr("pk").exists())])
    assert set(failed.value.reasons) == {1, 2}
    shown = failed.value.reasons[1]
    assert shown is not None
    assert shown["word"] == "b"
    assert failed.value.reasons[2] is None
    assert items.get(ONE) is None


def test_a_check_that_holds_lets_the_others_be_written(name: str, items: Table) -> None:
    transact([put(name, ONE, number=3)])
    transact([Check(name, ONE, Attr("number").eq(3)), put(name, TWO)])
    assert items.get(TWO) is not None


def test_of_many_at_once_one_is_done(name: str, items: Table) -> None:
    def try_it(number: int) -> bool:
        try:
            transact([put(name, ONE, winner=number), Update(name, TWO, add={"done": 1})])
        except TransactionFailedError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(try_it, range(16)))
    one, two = items.get(ONE), items.get(TWO)
    assert sum(done) == 1
    assert one is not None
    assert two is not None
    assert done[one["winner"]]
    assert two["done"] == 1


def test_a_transaction_that_is_sent_twice_is_a_success_done_once(name: str, items: Table) -> None:
    update = Update(name, TWO, Attr("number").not_exists(), assign={"number": 1})
    with LostAnswer("TransactWriteItems"):
        transact([put(name, ONE), update])
    with LostAnswer("TransactWriteItems"):
        transact([Update(name, TWO, Attr("number").eq(1), add={"number": 1})])
    two = items.get(TWO)
    assert two is not None
    assert two["number"] == 2


def test_others_in_the_way_are_waited_for(name: str, items: Table) -> None:
    with answered("TransactWriteItems", *[cancelled("None", "TransactionConflict")] * 3) as calls:
        transact([put(name, ONE), put(name, TWO)])
    assert calls == [4]
    assert items.get(ONE) is not None


def test_a_write_of_one_item_waits_for_a_transaction_on_it(items: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynamodb, "_pause", lambda _: None)
    refused = {"Error": {"Code": "TransactionConflictException", "Message": "ongoing"}, "ResponseMetadata": {}}
    with answered("PutItem", refused, refused) as puts, answered("UpdateItem", refused) as updates:
        items.put({"pk": "one", "sk": "item"})
        assert items.update(ONE, add={"number": 1})["number"] == 1
    assert (puts, updates) == ([3], [2])
    with answered("UpdateItem", *[refused] * 20), pytest.raises(ClientError, match="TransactionConflict"):
        items.update(ONE, add={"number": 1})


def test_a_failed_condition_is_told_although_others_were_in_the_way(name: str) -> None:
    with (
        answered("TransactWriteItems", cancelled("ConditionalCheckFailed", "TransactionConflict")),
        pytest.raises(TransactionFailedError) as failed,
    ):
        transact([put(name, ONE), put(name, TWO)])
    assert failed.value.reasons == {0: None}


def test_others_in_the_way_for_ever_are_an_error(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynamodb, "_pause", lambda _: None)
    with (
        answered("TransactWriteItems", *[cancelled("TransactionConflict")] * 20) as calls,
        pytest.raises(TransactionBusyError),
    ):
        transact([put(name, ONE)])
    assert calls == [7]


def test_what_no_retry_mends_is_not_tried_again(name: str) -> None:
    with answered("TransactWriteItems", cancelled("ValidationError")) as calls, pytest.raises(ClientError):
        transact([put(name, ONE)])
    assert calls == [1]


def test_items_are_written_and_read_in_as_few_calls_as_they_fit_in(name: str) -> None:
    rows = [{"pk": "many", "sk": f"{n:03d}", "number": n} for n in range(120)]
    with counted_calls() as calls:
        batch_write(name, rows)
        found = read_many(name, [("many", f"{n:03d}") for n in range(130)])
    assert calls == {"BatchWriteItem": 5, "BatchGetItem": 2}
    assert sorted(found, key=lambda item: item["number"]) == rows


def test_what_dynamodb_hands_back_is_written_again(name: str, items: Table) -> None:
    left = {"PutRequest": {"Item": {"pk": {"S": "one"}, "sk": {"S": "item"}}}}
    partly = {"UnprocessedItems": {name: [left]}, "ResponseMetadata": {}}
    with answered("BatchWriteItem", partly) as calls:
        batch_write(name, [{"pk": "one", "sk": "item"}])
    assert calls == [2]
    assert items.get(ONE) is not None
    with answered("BatchWriteItem", *[partly] * 20), pytest.raises(ThrottledError):
        batch_write(name, [{"pk": "one", "sk": "item"}])


def test_writing_ends_where_the_caller_says_so(name: str, items: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynamodb, "_BATCHES_AT_ONCE", 1)
    calls = iter(range(10))

    def twice() -> None:
        if next(calls) >= 2:
            raise TimeoutError

    rows = [{"pk": "many", "sk": f"{n:03d}"} for n in range(100)]
    with pytest.raises(TimeoutError):
        batch_write(name, rows, before_each=twice)
    assert items.get(("many", "049")) is not None
    assert items.get(("many", "050")) is None
