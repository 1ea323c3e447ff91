"""moto, corrected, against what AWS promises."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import boto3
import pytest
from moto import mock_aws

from embedded.emulator_corrections import PAGE_BYTES, apply_corrections
from embedded.resources import create_resources


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    apply_corrections()
    with mock_aws():
        yield create_resources(boto3, "test")


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Let the interpreter change threads all the time, so that a missing lock shows."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_values_of_every_type_come_back_as_they_went(aws: dict[str, str]) -> None:
    client = boto3.client("dynamodb")
    item: dict[str, Any] = {
        "pk": {"S": "R#1"},
        "sk": {"S": "head"},
        "number": {"N": "1.5"},
        "yes": {"BOOL": True},
        "nothing": {"NULL": True},
        "bytes": {"B": b"\x00\xff"},
        "names": {"SS": ["a", "b"]},
        "numbers": {"NS": ["1", "2"]},
        "blobs": {"BS": [b"\x00", b"\x01"]},
        "list": {"L": [{"S": "x"}, {"B": b"\x00"}, {"M": {"n": {"N": "1"}, "empty": {"L": []}}}]},
        "map": {"M": {"S": {"S": "named as a type"}, "b": {"B": b"\x02"}, "deep": {"M": {"ok": {"BOOL": False}}}}},
    }
    client.put_item(TableName=aws["REPORTS_TABLE"], Item=item)
    found = client.get_item(TableName=aws["REPORTS_TABLE"], Key={"pk": item["pk"], "sk": item["sk"]})["Item"]
    for name in ("names", "numbers", "blobs"):
        (values,) = found[name].values()
        values.sort()
    assert found == item


class Reports:
    """The reports table, with items as wide as a test wants."""

    def __init__(self, table_name: str) -> None:
        self.client = boto3.client("dynamodb")
        # Looked up once: botocore makes these classes on first use, anew in each thread that comes first.
        self.condition_failed = self.client.exceptions.ConditionalCheckFailedException
        self.transaction_cancelled = self.client.exceptions.TransactionCanceledException
        self.name = table_name

    def put(self, number: int, filler: str = "", owner: str = "o", **more: Any) -> None:
        item = {
            "pk": {"S": f"R#{number}"},
            "sk": {"S": "head"},
            "owner": {"S": owner},
            "created": {"S": f"{number:06}"},
            "filler": {"S": filler},
            **more,
        }
        self.client.put_item(TableName=self.name, Item=item)

    def query(self, owner: str = "o", index: str = "by_owner", **more: Any) -> dict[str, Any]:
        request = {
            "TableName": self.name,
            "IndexName": index,
            "KeyConditionExpression": "#o = :o",
            "ExpressionAttributeNames": {"#o": "owner"},
            "ExpressionAttributeValues": {":o": {"S": owner}},
        }
        return dict(self.client.query(**(request | more)))

    def pages(self, **more: Any) -> list[dict[str, Any]]:
        pages = [self.query(**more)]
        while "LastEvaluatedKey" in pages[-1]:
            pages.append(self.query(ExclusiveStartKey=pages[-1]["LastEvaluatedKey"], **more))
        return pages


@pytest.fixture
def reports(aws: dict[str, str]) -> Reports:
    return Reports(aws["REPORTS_TABLE"])


def created(page: dict[str, Any]) -> list[int]:
    return [int(item["created"]["S"]) for item in page["Items"]]


def test_a_page_of_a_keys_only_index_holds_a_megabyte_of_keys_not_of_items(reports: Reports) -> None:
    for number in range(12):
        reports.put(number, filler="x" * 300_000)
    assert reports.query(Select="COUNT")["Count"] == 12


def test_a_page_of_an_index_that_includes_an_attribute_counts_its_bytes(reports: Reports) -> None:
    text = {"search_text": {"S": "t" * 300_000}}
    for number in range(5):
        reports.put(number, **text)
    pages = reports.pages(index="by_owner_text")
    assert [created(page) for page in pages] == [[0, 1, 2], [3, 4]]
    assert PAGE_BYTES / 300_000 < 4


def test_an_index_shows_its_projection_and_nothing_else(reports: Reports) -> None:
    reports.put(1, filler="hidden", search_text={"S": "text"})
    assert set(reports.query()["Items"][0]) == {"pk", "sk", "owner", "created"}
    assert set(reports.query(index="by_owner_text")["Items"][0]) == {"pk", "sk", "owner", "created", "search_text"}


@pytest.mark.parametrize("forward", [True, False])
def test_pages_of_any_length_give_every_item_once_and_in_order(reports: Reports, forward: bool) -> None:
    for number in range(23):
        reports.put(number, owner="o" if number % 5 else "another")
    everything = [number for number in range(23) if number % 5]
    for limit in (1, 4, 18, 100):
        pages = reports.pages(Limit=limit, ScanIndexForward=forward)
        seen = [number for page in pages for number in created(page)]
        assert seen == (everything if forward else everything[::-1])
        assert all(page["Count"] <= limit for page in pages)


def test_a_filter_applies_to_what_was_read_and_a_limit_before_it(reports: Reports) -> None:
    for number in range(6):
        reports.put(number, search_text={"S": "even" if number % 2 == 0 else "odd"})
    page = reports.query(
        index="by_owner_text",
        Limit=4,
        FilterExpression="contains(search_text, :t)",
        ExpressionAttributeValues={":o": {"S": "o"}, ":t": {"S": "even"}},
    )
    assert (created(page), page["Count"], page["ScannedCount"]) == ([0, 2], 2, 4)
    assert page["LastEvaluatedKey"]["created"] == {"S": "000003"}


def test_a_range_condition_and_a_projection_work_on_an_index_and_on_the_table(reports: Reports) -> None:
    for number in range(6):
        reports.put(number)
    page = reports.query(
        KeyConditionExpression="#o = :o AND created BETWEEN :a AND :b",
        ExpressionAttributeValues={":o": {"S": "o"}, ":a": {"S": "000002"}, ":b": {"S": "000004"}},
        ProjectionExpression="created",
    )
    assert page["Items"] == [{"created": {"S": f"{number:06}"}} for number in (2, 3, 4)]
    on_table = reports.client.query(
        TableName=reports.name,
        KeyConditionExpression="pk = :p AND begins_with(sk, :s)",
        ExpressionAttributeValues={":p": {"S": "R#3"}, ":s": {"S": "he"}},
    )
    assert [item["created"]["S"] for item in on_table["Items"]] == ["000003"]


def test_counting_and_paging_five_thousand_reports_is_quick(reports: Reports) -> None:
    for start in range(0, 5000, 25):
        reports.client.batch_write_item(
            RequestItems={
                reports.name: [
                    {
                        "PutRequest": {
                            "Item": {
                                "pk": {"S": f"R#{number}"},
                                "sk": {"S": "head"},
                                "owner": {"S": "o"},
                                "created": {"S": f"{number:06}"},
                                "filler": {"S": "x" * 1000},
                            }
                        }
                    }
                    for number in range(start, start + 25)
                ]
            }
        )
    started = time.process_time()
    assert sum(page["Count"] for page in reports.pages(Select="COUNT")) == 5000
    assert created(reports.query(Limit=2, ScanIndexForward=False)) == [4999, 4998]
    # Uncorrected, moto needs over 2 s of processor time for these; corrected about 0.1 s.
    assert time.process_time() - started < 0.7


@pytest.mark.usefixtures("eager_threads")
def test_of_fifty_parallel_conditional_updates_one_wins(reports: Reports) -> None:
    reports.put(1)

    def claim(worker: int) -> bool:
        try:
            reports.client.update_item(
                TableName=reports.name,
                Key={"pk": {"S": "R#1"}, "sk": {"S": "head"}},
                UpdateExpression="SET claimed_by = :w",
                ConditionExpression="attribute_not_exists(claimed_by)",
                ExpressionAttributeValues={":w": {"N": str(worker)}},
            )
        except reports.condition_failed:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(claim, range(50))) == 1


@pytest.mark.usefixtures("eager_threads")
def test_of_fifty_parallel_creations_of_one_item_one_wins(reports: Reports) -> None:
    def create(worker: int) -> bool:
        try:
            reports.client.put_item(
                TableName=reports.name,
                Item={"pk": {"S": "R#new"}, "sk": {"S": "head"}, "worker": {"N": str(worker)}},
                ConditionExpression="attribute_not_exists(pk)",
            )
        except reports.condition_failed:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(create, range(50))) == 1


@pytest.mark.usefixtures("eager_threads")
def test_no_count_is_lost_in_parallel_additions(reports: Reports) -> None:
    def add(_: int) -> None:
        reports.client.update_item(
            TableName=reports.name,
            Key={"pk": {"S": "figures"}, "sk": {"S": "day"}},
            UpdateExpression="ADD done :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(add, range(60)))
    item = reports.client.get_item(TableName=reports.name, Key={"pk": {"S": "figures"}, "sk": {"S": "day"}})["Item"]
    assert item["done"] == {"N": "60"}


def transaction(reports: Reports, number: int, fails: bool) -> None:
    key = {"pk": {"S": "counter"}, "sk": {"S": "c"}}
    reports.client.transact_write_items(
        TransactItems=[
            {
                "Update": {
                    "TableName": reports.name,
                    "Key": key,
                    "UpdateExpression": "ADD n :one",
                    "ExpressionAttributeValues": {":one": {"N": "1"}},
                }
            },
            {
                "Put": {
                    "TableName": reports.name,
                    "Item": {"pk": {"S": f"T#{number}"}, "sk": {"S": "t"}},
                    "ConditionExpression": "attribute_exists(pk)" if fails else "attribute_not_exists(pk)",
                }
            },
        ]
    )


@pytest.mark.usefixtures("eager_threads")
def test_a_cancelled_transaction_leaves_no_trace_and_undoes_nobody_elses_writes(reports: Reports) -> None:
    def work(number: int) -> None:
        reports.put(number)
        with suppress(reports.transaction_cancelled):
            transaction(reports, number, fails=number % 2 == 1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(40)))
    items = reports.client.scan(TableName=reports.name)["Items"]
    by_kind = [item["pk"]["S"].partition("#")[0] for item in items]
    assert (by_kind.count("R"), by_kind.count("T")) == (40, 20)
    assert next(item for item in items if item["pk"]["S"] == "counter")["n"] == {"N": "20"}


@pytest.mark.usefixtures("eager_threads")
def test_parallel_receivers_never_get_the_same_message(aws: dict[str, str]) -> None:
    sqs = boto3.client("sqs")
    url = aws["QUEUE_URL_NORMAL"]
    for start in range(0, 100, 10):
        entries = [{"Id": str(n), "MessageBody": str(start + n)} for n in range(10)]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)

    def receive(_: int) -> list[str]:
        taken = []
        while messages := sqs.receive_message(QueueUrl=url).get("Messages"):
            taken.append(messages[0]["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=messages[0]["ReceiptHandle"])
        return taken

    with ThreadPoolExecutor(8) as pool:
        taken = [body for bodies in pool.map(receive, range(8)) for body in bodies]
    assert sorted(taken, key=int) == [str(number) for number in range(100)]


def test_a_long_poll_lets_others_send_and_returns_with_what_they_sent(aws: dict[str, str]) -> None:
    sqs = boto3.client("sqs")
    url = aws["QUEUE_URL_LOW"]
    with ThreadPoolExecutor(1) as pool:
        polling = pool.submit(sqs.receive_message, QueueUrl=url, WaitTimeSeconds=10)
        started = time.monotonic()
        sqs.send_message(QueueUrl=url, MessageBody="hello")
        assert polling.result()["Messages"][0]["Body"] == "hello"
        assert time.monotonic() - started < 3


def test_a_message_received_too_often_becomes_a_dead_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    apply_corrections()
    with mock_aws():
        environment = create_resources(boto3, "dead", visibility_seconds=0)
        sqs = boto3.client("sqs")
        url = environment["QUEUE_URL_HIGH"]
        sqs.send_message(QueueUrl=url, MessageBody="poison")
        deliveries = 0
        while sqs.receive_message(QueueUrl=url).get("Messages"):
            deliveries += 1
        assert deliveries == 5
        assert sqs.receive_message(QueueUrl=f"{url}-dead")["Messages"][0]["Body"] == "poison"


def test_correcting_twice_changes_nothing() -> None:
    from moto.dynamodb.models.table import Table

    apply_corrections()
    corrected = Table.query
    apply_corrections()
    assert Table.query is corrected
