"""From requests to what IAM decides about."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.iam_policy import Call
from tests.support.recorded_calls import calls

TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/t"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"
BUCKET = "arn:aws:s3:::b"
LOG = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/f"
T, Q = {"TableName": "t"}, {"QueueUrl": "http://127.0.0.1:4566/000000000000/q"}


@pytest.mark.parametrize(
    ("service", "operation", "target", "action", "resource"),
    [
        ("dynamodb", "GetItem", T, "dynamodb:GetItem", TABLE),
        ("dynamodb", "Query", T | {"IndexName": "i"}, "dynamodb:Query", f"{TABLE}/index/i"),
        ("dynamodb", "BatchWriteItem", T, "dynamodb:BatchWriteItem", TABLE),
        ("dynamodb", "TransactWriteItems", T | {"Part": "Put"}, "dynamodb:PutItem", TABLE),
        ("dynamodb", "TransactWriteItems", T | {"Part": "ConditionCheck"}, "dynamodb:ConditionCheckItem", TABLE),
        ("dynamodb", "TransactGetItems", T | {"Part": "Get"}, "dynamodb:GetItem", TABLE),
        ("s3", "PutObject", {"Bucket": "b", "Key": "k/l"}, "s3:PutObject", f"{BUCKET}/k/l"),
        ("s3", "HeadObject", {"Bucket": "b", "Key": "k"}, "s3:GetObject", f"{BUCKET}/k"),
        ("s3", "GetObject", {"Bucket": "b", "Key": "k", "VersionId": "1"}, "s3:GetObjectVersion", f"{BUCKET}/k"),
        ("s3", "DeleteObjects", {"Bucket": "b", "Key": "k"}, "s3:DeleteObject", f"{BUCKET}/k"),
        ("s3", "ListObjectsV2", {"Bucket": "b", "Prefix": "r/"}, "s3:ListBucket", BUCKET),
        ("s3", "ListObjectVersions", {"Bucket": "b", "Prefix": "r/"}, "s3:ListBucketVersions", BUCKET),
        ("sqs", "DeleteMessageBatch", Q, "sqs:DeleteMessage", QUEUE),
        (
            "ssm",
            "GetParameter",
            {"Name": "/a/b"},
            "ssm:GetParameter",
            "arn:aws:ssm:us-east-1:000000000000:parameter/a/b",
        ),
        (
            "logs",
            "PutLogEvents",
            {"logGroupName": "/aws/lambda/f", "logStreamName": "s"},
            "logs:PutLogEvents",
            f"{LOG}:log-stream:s",
        ),
    ],
)
def test_operation_needs_action_on_resource(
    service: str, operation: str, target: dict[str, Any], action: str, resource: str
) -> None:
    assert [(needed.action, needed.resource) for needed in calls(service, operation, target)] == [(action, resource)]


def test_deleting_a_version_needs_two_rights() -> None:
    needed = calls("s3", "DeleteObjects", {"Bucket": "b", "Key": "k", "VersionId": "1"})
    assert [call.action for call in needed] == ["s3:DeleteObject", "s3:DeleteObjectVersion"]
    assert {call.resource for call in needed} == {f"{BUCKET}/k"}


def test_facts_that_conditions_ask_for_come_along() -> None:
    put = calls("dynamodb", "PutItem", T | {"LeadingKeys": ["a"]})
    assert put == [Call("dynamodb:PutItem", TABLE, {"dynamodb:LeadingKeys": ["a"]})]
    (listing,) = calls("s3", "ListObjectsV2", {"Bucket": "b", "Prefix": "r/"})
    assert listing.context == {"s3:prefix": ["r/"]}


@pytest.mark.parametrize(("service", "operation"), [("dynamodb", "Scan"), ("sns", "Publish")])
def test_operation_that_is_not_known_is_refused(service: str, operation: str) -> None:
    with pytest.raises(ValueError, match=f"{service}:{operation}"):
        calls(service, operation, T)
