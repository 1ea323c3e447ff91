"""What the record of requests says about a real function, about Lambda's calls for it, and about its links."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from tests.support.waiting import wait_for

pytestmark = [pytest.mark.localstack, pytest.mark.xdist_group("localstack")]

ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/recorded"
SOURCE = """
import boto3
from botocore.config import Config
def handle(event, context):
    s3 = boto3.client("s3", config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))
    s3.put_object(Bucket="recorded", Key="reports/a.md", Body=b"the secret text")
    return s3.generate_presigned_url("get_object", {"Bucket": "recorded", "Key": "reports/a.md"}, ExpiresIn=60)
"""


def recorded(cloud: Any, operation: str) -> list[Any]:
    """Return what was recorded of one operation: role and targets."""
    lines = map(json.loads, cloud.localstack.request_record_path.read_text().splitlines())
    return [(line["role"], *line["targets"]) for line in lines if line["operation"] == operation]


@pytest.fixture(scope="module")
def link(cloud) -> str:
    """A link that a function presigned after it had stored an object."""
    cloud.client("s3").create_bucket(Bucket="recorded")
    return str(cloud.invoke(cloud.deploy(SOURCE, timeout=20, Role=ROLE)).payload)


def test_call_of_a_function_is_recorded_with_its_role_and_without_contents(cloud, link) -> None:
    target = {"Bucket": "recorded", "Key": "reports/a.md"}
    assert (ROLE, target) in recorded(cloud, "PutObject")
    assert "secret text" not in cloud.localstack.request_record_path.read_text()


def test_use_of_a_presigned_link_is_recorded_with_the_role_that_signed_it(cloud, link) -> None:
    assert requests.get(link, timeout=5).status_code == 200
    assert (ROLE, {"Bucket": "recorded", "Key": "reports/a.md"}) in recorded(cloud, "GetObject")


def test_what_lambda_calls_with_the_role_is_recorded(cloud, link) -> None:
    wait_for(lambda: [role for role, *_ in recorded(cloud, "PutLogEvents") if role == ROLE], 10, "the log")


def test_calls_without_a_role_are_not_recorded(cloud, link) -> None:
    cloud.client("s3").put_object(Bucket="recorded", Key="of-a-user", Body=b"")
    assert "of-a-user" not in cloud.localstack.request_record_path.read_text()
