"""The AWS clients of this process. They are made once: making one costs more than a call."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

# Three tries of at most 5 seconds each: a request must be answered within API Gateway's 29 seconds.
_CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=32,
    tcp_keepalive=True,
)

# Presigned links need signature version 4; documents take longer than items.
_S3_CONFIG = _CONFIG.merge(Config(signature_version="s3v4", read_timeout=20))


@cache
def dynamodb_client() -> DynamoDBClient:
    """Return the DynamoDB client."""
    return boto3.client("dynamodb", config=_CONFIG)


@cache
def sqs_client() -> SQSClient:
    """Return the SQS client."""
    return boto3.client("sqs", config=_CONFIG)


@cache
def s3_client() -> S3Client:
    """Return the S3 client."""
    return boto3.client("s3", config=_S3_CONFIG)


@cache
def ssm_client() -> SSMClient:
    """Return the SSM client."""
    return boto3.client("ssm", config=_CONFIG)


@cache
def kms_client() -> KMSClient:
    """Return the KMS client."""
    return boto3.client("kms", config=_CONFIG)
