"""What AWS requests mean to IAM: the record of requests, as actions on resources."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tests.support.iam_policy import Call

PARTITION: Final = "aws"
REGION: Final = "us-east-1"
ACCOUNT: Final = "000000000000"

# Operation → action, by IAM's service reference. An operation that is not here yet is refused.
_ACTIONS: Final = {
    **{
        f"{service}:{operation}": f"{service}:{operation}"
        for service, operations in {
            "dynamodb": "GetItem PutItem UpdateItem DeleteItem Query BatchGetItem BatchWriteItem",
            "kms": "Encrypt Decrypt GenerateDataKey",
            "logs": "CreateLogGroup CreateLogStream PutLogEvents",
            "s3": "GetObject PutObject DeleteObject",
            "sqs": "SendMessage ReceiveMessage DeleteMessage ChangeMessageVisibility GetQueueAttributes",
            "ssm": "GetParameter",
        }.items()
        for operation in operations.split()
    },
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjects": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}

# What these need where a version is named. To read one, its own right is enough; to delete one, S3's
# documentation asks for the other as well.
_ON_A_VERSION: Final = {
    "s3:GetObject": ["s3:GetObjectVersion"],
    "s3:DeleteObject": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
}

# What each entry of a transaction needs.
_PARTS: Final = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
    "Get": "dynamodb:GetItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
}


def recorded_calls(record: Path) -> Iterator[tuple[str, Call]]:
    """Yield what each role called: the role's name and the call.

    Args:
        record: the file that LocalStack's plugin for it has written.

    Raises:
        ValueError: a request was made that has no meaning here yet.
    """
    for line in record.read_text("utf-8").splitlines():
        request = json.loads(line)
        role = request["role"].rpartition("/")[2]
        for target in request["targets"]:
            for call in calls(request["service"], request["operation"], target):
                yield role, call


def calls(service: str, operation: str, target: Mapping[str, Any]) -> list[Call]:
    """Return what IAM decides about when an operation is made on what a request names.

    Raises:
        ValueError: that is not known here.
    """
    actions = _actions(service, operation, target)
    return [Call(action, _RESOURCES[service](target), _context(target)) for action in actions]


def _actions(service: str, operation: str, target: Mapping[str, Any]) -> list[str]:
    if "Part" in target:
        return [_PARTS[target["Part"]]]
    action = _ACTIONS.get(f"{service}:{operation}")
    if action is None:
        raise ValueError(f"which action {service}:{operation} needs is not known here")
    return _ON_A_VERSION.get(action, [action]) if "VersionId" in target else [action]


def _context(target: Mapping[str, Any]) -> dict[str, list[str]]:
    context = {}
    if target.get("LeadingKeys"):
        context["dynamodb:LeadingKeys"] = list(target["LeadingKeys"])
    if "Prefix" in target:
        context["s3:prefix"] = [target["Prefix"]]
    return context


def _arn(service: str, resource: str) -> str:
    return f"arn:{PARTITION}:{service}:{REGION}:{ACCOUNT}:{resource}"


def _table(target: Mapping[str, Any]) -> str:
    index = f"/index/{target['IndexName']}" if "IndexName" in target else ""
    return _arn("dynamodb", f"table/{target['TableName']}{index}")


def _bucket(target: Mapping[str, Any]) -> str:
    return f"arn:{PARTITION}:s3:::{target['Bucket']}" + (f"/{target['Key']}" if "Key" in target else "")


def _queue(target: Mapping[str, Any]) -> str:
    return _arn("sqs", target["QueueUrl"].rpartition("/")[2])


def _parameter(target: Mapping[str, Any]) -> str:
    return _arn("ssm", f"parameter/{target['Name'].removeprefix('/')}")


def _log(target: Mapping[str, Any]) -> str:
    return _arn("logs", f"log-group:{target['logGroupName']}:log-stream:{target.get('logStreamName', '')}")


def _kms_key(target: Mapping[str, Any]) -> str:
    return str(target["KeyId"])


_RESOURCES: Final = {"kms": _kms_key, "dynamodb": _table, "s3": _bucket, "sqs": _queue, "ssm": _parameter, "logs": _log}
