"""What a line of the record says, by the kind of request."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from localstack_environment import REQUEST_RECORD, process_environment
from reports_localstack.request_record import PARTITION_KEY, VARIABLE, RequestRecord, targets

from embedded.processes import ROOT

KEY = {"pk": {"S": "R#1"}, "sk": {"S": "head"}}
ITEM = {**KEY, "text": {"S": "what nobody may read"}}
ROLE = "arn:aws:iam::000000000000:role/local-api"


def request(access_key: str | None, service: str, operation: str, parameters: Any) -> Any:
    """Return what LocalStack's chain knows of a parsed request."""
    credential = f"AWS4-HMAC-SHA256 Credential={access_key}/20260101/us-east-1/{service}/aws4_request, Signature=0"
    return SimpleNamespace(
        request=SimpleNamespace(headers={"Authorization": credential} if access_key else {}),
        account_id="000000000000",
        partition="aws",
        service=SimpleNamespace(service_name=service),
        operation=SimpleNamespace(name=operation),
        service_request=parameters,
    )


class Recorded:
    """A record that knows the role of one access key."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "requests.jsonl"
        self.record = RequestRecord(self.path, lambda account, partition, key: ROLE if key == "LSIA1" else None)

    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.path.read_text().splitlines()]


@pytest.fixture
def recorded(tmp_path) -> Recorded:
    return Recorded(tmp_path)


def test_line_names_role_operation_and_target(recorded) -> None:
    recorded.record(None, request("LSIA1", "ssm", "GetParameter", {"Name": "/key", "WithDecryption": True}), None)
    assert recorded.lines() == [
        {"role": ROLE, "service": "ssm", "operation": "GetParameter", "targets": [{"Name": "/key"}]}
    ]


@pytest.mark.parametrize("access_key", ["test", None])
def test_requests_of_users_and_of_nobody_are_left_out(recorded, access_key) -> None:
    recorded.record(None, request(access_key, "ssm", "GetParameter", {"Name": "/key"}), None)
    assert recorded.lines() == []


def test_requests_that_are_none_of_aws_are_left_out(recorded) -> None:
    health = request("LSIA1", "s3", "GetObject", {})
    health.service = health.operation = None
    recorded.record(None, health, None)
    assert recorded.lines() == []


def test_lines_of_many_threads_stay_whole(recorded) -> None:
    def send() -> None:
        for _ in range(50):
            recorded.record(None, request("LSIA1", "sqs", "SendMessage", {"QueueUrl": "u" * 500}), None)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(recorded.lines()) == 400


@pytest.mark.parametrize(
    ("service", "parameters", "expected"),
    [
        ("dynamodb", {"TableName": "t", "Key": KEY}, [{"TableName": "t", "LeadingKeys": ["R#1"]}]),
        ("dynamodb", {"TableName": "t", "Item": ITEM}, [{"TableName": "t", "LeadingKeys": ["R#1"]}]),
        (
            "dynamodb",
            {"TableName": "t", "IndexName": "i", "KeyConditionExpression": "pk = :v"},
            [{"TableName": "t", "IndexName": "i"}],
        ),
        (
            "dynamodb",
            {"RequestItems": {"t": {"Keys": [KEY, KEY]}, "u": {"Keys": [KEY]}}},
            [{"TableName": "t", "LeadingKeys": ["R#1", "R#1"]}, {"TableName": "u", "LeadingKeys": ["R#1"]}],
        ),
        (
            "dynamodb",
            {"RequestItems": {"t": [{"PutRequest": {"Item": ITEM}}, {"DeleteRequest": {"Key": KEY}}]}},
            [{"TableName": "t", "LeadingKeys": ["R#1", "R#1"]}],
        ),
        (
            "dynamodb",
            {
                "TransactItems": [
                    {"Put": {"TableName": "t", "Item": ITEM}},
                    {"ConditionCheck": {"TableName": "u", "Key": KEY}},
                ]
            },
            [
                {"Part": "Put", "TableName": "t", "LeadingKeys": ["R#1"]},
                {"Part": "ConditionCheck", "TableName": "u", "LeadingKeys": ["R#1"]},
            ],
        ),
        (
            "dynamodb",
            {
                "TableName": "t",
                "KeyConditionExpression": "(#n0 = :v0 AND #n1 < :v1)",
                "ExpressionAttributeNames": {"#n0": "pk", "#n1": "sk"},
                "ExpressionAttributeValues": {":v0": {"S": "R#1"}, ":v1": {"S": "head"}},
            },
            [{"TableName": "t", "LeadingKeys": ["R#1"]}],
        ),
        (
            "dynamodb",
            {
                "TableName": "t",
                "IndexName": "i",
                "KeyConditionExpression": "#n0 = :v0",
                "ExpressionAttributeNames": {"#n0": "owner"},
                "ExpressionAttributeValues": {":v0": {"S": "alice"}},
            },
            [{"TableName": "t", "IndexName": "i"}],
        ),
        ("s3", {"Bucket": "b", "Key": "k", "Body": object()}, [{"Bucket": "b", "Key": "k"}]),
        ("s3", {"Bucket": "b", "Prefix": "reports/"}, [{"Bucket": "b", "Prefix": "reports/"}]),
        (
            "s3",
            {"Bucket": "b", "Delete": {"Objects": [{"Key": "k", "VersionId": "1"}, {"Key": "l"}]}},
            [{"Bucket": "b", "Key": "k", "VersionId": "1"}, {"Bucket": "b", "Key": "l"}],
        ),
        ("sqs", {"QueueUrl": "http://q", "MessageBody": "what nobody may read"}, [{"QueueUrl": "http://q"}]),
        ("of-no-interest", {"Name": "x"}, [{}]),
    ],
)
def test_targets_are_what_a_request_names_and_nothing_it_holds(service, parameters, expected) -> None:
    assert targets(service, parameters) == expected


def test_leading_key_is_the_partition_key_of_every_table() -> None:
    tables = json.loads((ROOT / "infra" / "resources.json").read_text())["tables"]
    assert {table["hash_key"] for table in tables.values()} == {PARTITION_KEY}


def test_launcher_and_plugin_mean_the_same_variable_and_nothing_is_recorded_unless_asked_for() -> None:
    assert REQUEST_RECORD == VARIABLE
    assert REQUEST_RECORD not in process_environment(Path("/state"), 1)
