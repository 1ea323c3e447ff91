"""Makes the tables, queues and bucket that infra/resources.json declares, through plain AWS calls.

Works against the emulator (``AWS_ENDPOINT_URL``), LocalStack, and moto's in-process mock alike.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from botocore.exceptions import ClientError

DECLARATION: Final = Path(__file__).resolve().parent.parent / "infra" / "resources.json"


class ClientFactory(Protocol):
    """What is needed of boto3 or of a ``boto3.Session``: something that makes clients."""

    def client(self, service_name: Any, /) -> Any:
        """Return a client for the AWS service ``service_name``."""


def load_declaration(path: Path = DECLARATION) -> dict[str, Any]:
    """Read the declaration of all resources.

    Raises:
        OSError: the file is missing.
        json.JSONDecodeError: it is not JSON.
    """
    declaration: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return declaration


def create_resources(
    session: ClientFactory,
    prefix: str,
    visibility_seconds: int | None = None,
    declaration: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """Create whatever is missing; calling it again changes nothing and returns the same.

    Args:
        session: ``boto3``, or a ``boto3.Session`` with its credentials and region.
        prefix: put before every name, so that several stacks can share an account.
        visibility_seconds: how long a received message stays hidden, instead of the declared time.
        declaration: what to create, instead of infra/resources.json.

    Returns:
        The environment the service reads: names of tables, keys and bucket, addresses of queues.

    Raises:
        ClientError: AWS refused a call.
    """
    declared = declaration or load_declaration()
    environment: dict[str, str] = {}
    dynamodb, sqs, s3 = session.client("dynamodb"), session.client("sqs"), session.client("s3")
    for name, table in declared["tables"].items():
        environment[table["environment"]] = _create_table(dynamodb, f"{prefix}-{name}", table)
    defaults = {**declared["queue_defaults"]}
    if visibility_seconds is not None:
        defaults["visibility_seconds"] = visibility_seconds
    for name, queue in declared["queues"].items():
        environment[queue["environment"]] = _create_queue(sqs, f"{prefix}-{name}", defaults)
    for name, queue in {**declared.get("webhook_queues", {}), **declared.get("knowledge_queues", {})}.items():
        own = {**declared["queue_defaults"], "visibility_seconds": queue["visibility_seconds"]}
        environment[queue["environment"]] = _create_queue(sqs, f"{prefix}-{name}", own)
    for name, key in declared.get("keys", {}).items():
        environment[key["environment"]] = _create_key(session.client("kms"), f"alias/{prefix}-{name}")
    for name, bucket in declared["buckets"].items():
        environment[bucket["environment"]] = _create_bucket(s3, f"{prefix}-{name}", bucket)
    return environment


def dead_letter_url(queue_url: str, declaration: Mapping[str, Any] | None = None) -> str:
    """Return the address of the dead-letter queue that belongs to the queue at ``queue_url``."""
    declared = declaration or load_declaration()
    return queue_url + str(declared["queue_defaults"]["dead_letter_suffix"])


def _create_table(dynamodb: Any, name: str, declared: Mapping[str, Any]) -> str:
    request = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": _key_schema(declared),
        "AttributeDefinitions": [
            {"AttributeName": attribute, "AttributeType": kind} for attribute, kind in declared["attributes"].items()
        ],
    }
    if declared["indexes"]:
        request["GlobalSecondaryIndexes"] = [
            {"IndexName": index_name, "KeySchema": _key_schema(index), "Projection": _projection(index)}
            for index_name, index in declared["indexes"].items()
        ]
    if not _created(dynamodb.create_table, "ResourceInUseException", **request):
        return name
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    dynamodb.update_time_to_live(
        TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": declared["ttl"]}
    )
    if declared["point_in_time_recovery"]:
        dynamodb.update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
    return name


def _key_schema(declared: Mapping[str, Any]) -> list[dict[str, str]]:
    return [
        {"AttributeName": declared["hash_key"], "KeyType": "HASH"},
        {"AttributeName": declared["range_key"], "KeyType": "RANGE"},
    ]


def _projection(index: Mapping[str, Any]) -> dict[str, Any]:
    projection: dict[str, Any] = {"ProjectionType": index["projection"]}
    if "project" in index:
        projection["NonKeyAttributes"] = index["project"]
    return projection


def _create_queue(sqs: Any, name: str, defaults: Mapping[str, Any]) -> str:
    """Create a queue and its dead-letter queue; return the queue's address."""
    retention = {"MessageRetentionPeriod": str(defaults["retention_seconds"])}
    visibility = {"VisibilityTimeout": str(defaults["visibility_seconds"])}
    dead_url = _queue_url(sqs, name + defaults["dead_letter_suffix"], {**retention, **visibility})
    answer = sqs.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["QueueArn"])
    redrive = {
        "deadLetterTargetArn": answer["Attributes"]["QueueArn"],
        "maxReceiveCount": defaults["max_receive_count"],
    }
    return _queue_url(sqs, name, {**retention, **visibility, "RedrivePolicy": json.dumps(redrive)})


def _queue_url(sqs: Any, name: str, attributes: Mapping[str, str]) -> str:
    try:
        url: str = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    except sqs.exceptions.QueueDoesNotExist:
        url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url


def _create_key(kms: Any, alias: str) -> str:
    """Create a KMS key under an alias; return the alias, which is as good as the key's id."""
    try:
        kms.describe_key(KeyId=alias)
    except kms.exceptions.NotFoundException:
        key_id = kms.create_key(Description=alias)["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName=alias, TargetKeyId=key_id)
    return alias


def _create_bucket(s3: Any, name: str, declared: Mapping[str, Any]) -> str:
    # us-east-1 answers 200 to a second creation, so these settings may be written again: no harm.
    if not _created(s3.create_bucket, "BucketAlreadyOwnedByYou", Bucket=name):
        return name
    s3.put_bucket_encryption(
        Bucket=name,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        },
    )
    s3.put_public_access_block(
        Bucket=name,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )
    if declared["versioned"]:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def _created(call: Any, *codes_if_it_exists: str, **request: Any) -> bool:
    """Return whether ``call`` created something; False where it was there already."""
    try:
        call(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] in codes_if_it_exists:
            return False
        raise
    return True
