"""DynamoDB that refuses, or that answers too late: seen from this process alone, through botocore's events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError

from chalicelib.stores import aws


@contextmanager
def refused_calls(*operations: str) -> Iterator[None]:
    """Have DynamoDB refuse these operations."""

    def refuse(**_: Any) -> tuple[AWSResponse, dict[str, Any]]:
        error = {"Code": "AccessDeniedException", "Message": "no"}
        return AWSResponse("", 400, {}, None), {"Error": error, "ResponseMetadata": {}}

    events = aws.dynamodb_client().meta.events
    for operation in operations:
        events.register(f"before-call.dynamodb.{operation}", refuse)
    try:
        yield
    finally:
        for operation in operations:
            events.unregister(f"before-call.dynamodb.{operation}", refuse)


@contextmanager
def overtaken(by: Callable[[], object], *, goes_on: bool = False) -> Iterator[None]:
    """Have ``by`` done right before the next transaction, which comes to nothing unless it ``goes_on``."""
    event, events = "before-call.dynamodb.TransactWriteItems", aws.dynamodb_client().meta.events

    def interfere(**_: Any) -> None:
        events.unregister(event, interfere)
        by()
        if not goes_on:
            raise ReadTimeoutError(endpoint_url="")

    events.register(event, interfere)
    try:
        yield
    finally:
        events.unregister(event, interfere)
