"""Which AWS requests were made with a role's rights, and on what: one JSON object a line in a file.

The role is the one whose temporary credentials signed the request, as IAM would see it: a function's own
calls, what Lambda calls on its behalf, and presigned links. Requests of users are left out.
Names and keys are recorded, never contents.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

VARIABLE: Final = "REPORTS_REQUEST_RECORD"
"""Names the file; nothing is recorded without it."""

PARTITION_KEY: Final = "pk"
"""Of every table, as infra/resources.json has it: what IAM calls the leading key."""

_NAMES: Final = {
    "dynamodb": ("TableName", "IndexName"),
    "kms": ("KeyId",),
    "logs": ("logGroupName", "logStreamName"),
    "s3": ("Bucket", "Key", "VersionId", "Prefix"),
    "sqs": ("QueueUrl",),
    "ssm": ("Name",),
}

# How the client writes that a key is equal to a value.
_EQUAL: Final = re.compile(r"(#\w+) = (:\w+)")

_ACCESS_KEY: Final = re.compile(r"Credential=([^/]+)/")

RoleOf = Callable[[str, str, str], str | None]


class RequestRecord:
    """A handler for LocalStack's chain of request handlers, called when a request has been parsed."""

    def __init__(self, path: Path, role_of: RoleOf) -> None:
        """Open the file, which is made or gone on with.

        Args:
            path: the file.
            role_of: finds the ARN of the role by account, partition and access key id; None for no role's.
        """
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()
        self._role_of = role_of

    def __call__(self, chain: Any, context: Any, response: Any) -> None:
        """Record one request, and leave it as it is."""
        if context.service is None or context.operation is None:
            return
        signer = _ACCESS_KEY.search(context.request.headers.get("Authorization", ""))
        role = self._role_of(context.account_id, context.partition, signer[1]) if signer else None
        if role is None:
            return
        service = context.service.service_name
        line = json.dumps(
            {
                "role": role,
                "service": service,
                "operation": context.operation.name,
                "targets": targets(service, context.service_request or {}),
            }
        )
        with self._lock:
            self._file.write(line + "\n")


def targets(service: str, request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what a request names, by the request's own words; several for a batch or a transaction.

    ``LeadingKeys`` are the partition keys of a DynamoDB request that has them in a key or item, ``Part`` is
    what one entry of a transaction does.
    """
    named = {name: request[name] for name in _NAMES.get(service, ()) if isinstance(request.get(name), str)}
    if service == "dynamodb":
        return list(_items(named, request))
    if service == "s3" and isinstance(request.get("Delete"), Mapping):
        objects = request["Delete"]["Objects"]
        return [{**named, **{name: o[name] for name in ("Key", "VersionId") if o.get(name)}} for o in objects]
    return [named]


def _items(named: dict[str, Any], request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for table, wanted in request.get("RequestItems", {}).items():
        keys = [{"Key": key} for key in wanted["Keys"]] if isinstance(wanted, Mapping) else _requests(wanted)
        yield {"TableName": table, "LeadingKeys": [key for item in keys for key in _leading_keys(item)]}
    for entry in request.get("TransactItems", ()):
        for part, item in entry.items():
            yield {"Part": part, "TableName": item["TableName"], "LeadingKeys": _leading_keys(item)}
    if named:
        keys = _leading_keys(request) or _queried_keys(request)
        yield {**named, "LeadingKeys": keys} if keys else named


def _requests(batch: list[Mapping[str, Any]]) -> list[Any]:
    return [request for entry in batch for request in entry.values()]


def _queried_keys(request: Mapping[str, Any]) -> list[str]:
    """Return the partition key that a query of a table itself names, without its type."""
    names, values = request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {})
    equal = _EQUAL.findall(request.get("KeyConditionExpression", ""))
    typed = [values[value] for name, value in equal if names.get(name) == PARTITION_KEY and "IndexName" not in request]
    return [str(value) for one in typed for value in one.values()]


def _leading_keys(holder: Mapping[str, Any]) -> list[str]:
    """Return the partition key in a request's ``Key`` or ``Item``, without its type."""
    found = [holder.get(name, {}).get(PARTITION_KEY, {}) for name in ("Key", "Item")]
    return [str(value) for typed in found for value in typed.values()]
