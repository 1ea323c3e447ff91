from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from embedded.resources import create_resources, dead_letter_url, load_declaration


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield


def attributes(url: str) -> dict[str, Any]:
    return dict(boto3.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"])


def test_the_environment_names_everything_that_is_declared() -> None:
    environment = create_resources(boto3, "first")
    declared = load_declaration()
    kinds = [declared[kind] for kind in ("tables", "queues", "webhook_queues", "knowledge_queues", "keys", "buckets")]
    assert set(environment) == {entry["environment"] for kind in kinds for entry in kind.values()}
    assert environment["REPORTS_TABLE"] == "first-reports"


def test_creating_twice_gives_the_same_and_keeps_what_is_there() -> None:
    first = create_resources(boto3, "same")
    boto3.client("sqs").send_message(QueueUrl=first["QUEUE_URL_LOW"], MessageBody="kept")
    boto3.client("s3").put_object(Bucket=first["ARTIFACTS_BUCKET"], Key="k", Body=b"kept")
    assert create_resources(boto3, "same") == first
    assert attributes(first["QUEUE_URL_LOW"])["ApproximateNumberOfMessages"] == "1"
    assert boto3.client("s3").get_object(Bucket=first["ARTIFACTS_BUCKET"], Key="k")["Body"].read() == b"kept"


def test_two_prefixes_share_nothing() -> None:
    one, two = create_resources(boto3, "one"), create_resources(boto3, "two")
    assert not set(one.values()) & set(two.values())


def test_tables_are_paid_per_request_and_have_their_indexes_expiry_and_recovery() -> None:
    name = create_resources(boto3, "t")["REPORTS_TABLE"]
    dynamodb = boto3.client("dynamodb")
    table = dynamodb.describe_table(TableName=name)["Table"]
    declared = load_declaration()["tables"]["reports"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    indexes = {index["IndexName"]: index["Projection"] for index in table["GlobalSecondaryIndexes"]}
    assert {n: p["ProjectionType"] for n, p in indexes.items()} == {
        n: index["projection"] for n, index in declared["indexes"].items()
    }
    assert indexes["due"]["NonKeyAttributes"] == declared["indexes"]["due"]["project"]
    ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_every_queue_has_a_dead_letter_queue_of_its_own() -> None:
    environment = create_resources(boto3, "q")
    defaults = load_declaration()["queue_defaults"]
    for name in ("URGENT", "HIGH", "NORMAL", "LOW"):
        url = environment[f"QUEUE_URL_{name}"]
        queue, dead = attributes(url), attributes(dead_letter_url(url))
        redrive = json.loads(queue["RedrivePolicy"])
        assert redrive == {"deadLetterTargetArn": dead["QueueArn"], "maxReceiveCount": defaults["max_receive_count"]}
        assert queue["MessageRetentionPeriod"] == dead["MessageRetentionPeriod"] == "1209600"
        assert queue["VisibilityTimeout"] == str(defaults["visibility_seconds"])


def test_the_visibility_timeout_can_be_chosen() -> None:
    url = create_resources(boto3, "v", visibility_seconds=3)["QUEUE_URL_HIGH"]
    assert attributes(url)["VisibilityTimeout"] == "3"


def test_the_bucket_is_versioned_encrypted_and_closed() -> None:
    bucket = create_resources(boto3, "b")["ARTIFACTS_BUCKET"]
    s3 = boto3.client("s3")
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
