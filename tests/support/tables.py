"""The service's tables, queues and bucket in this process: made once for a module, emptied after each test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chalicelib.settings import settings
from chalicelib.stores import aws
from tests.support.emulated_resources import emulated_resources
from tests.support.no_limits import NO_LIMITS
from tests.support.service import forget_everything

_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    **NO_LIMITS,
}


@contextmanager
def made_resources() -> Iterator[None]:
    """Make everything that infra/resources.json declares, and have the service use it."""
    with pytest.MonkeyPatch.context() as patched:
        for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
            patched.delenv(name, raising=False)
        for name, value in _ENVIRONMENT.items():
            patched.setenv(name, value)
        with emulated_resources() as environment:
            for name, value in environment.items():
                patched.setenv(name, value)
            forget_everything()
            yield
    forget_everything()


def empty_investigations() -> None:
    """Delete every item of the investigations table."""
    name = settings().investigations_table
    pages: Any = aws.dynamodb_client().get_paginator("scan").paginate(TableName=name, ProjectionExpression="pk, sk")
    keys = [item for page in pages for item in page["Items"]]
    for start in range(0, len(keys), 25):
        deletes: list[Any] = [{"DeleteRequest": {"Key": key}} for key in keys[start : start + 25]]
        aws.dynamodb_client().batch_write_item(RequestItems={name: deletes})
