"""Permits on SQS: each lets one worker take the report of its priority that has waited longest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.priority import Priority
from chalicelib.stores.aws import sqs_client


class QueueUnavailableError(Exception):
    """SQS did not take the message."""


class MalformedPermitError(ValueError):
    """A message on a report queue is not a permit."""


@dataclass(frozen=True)
class Permit:
    """Leave to write one report of ``priority``; ``report_id`` is the one it was issued for."""

    priority: Priority
    report_id: str


def to_permit(body: str, priority: Priority) -> Permit:
    """Return the permit in a message's body.

    Raises:
        MalformedPermitError: the body is something else.
    """
    try:
        report_id = json.loads(body)["report_id"]
    except (ValueError, TypeError, KeyError) as error:
        raise MalformedPermitError(body[:200]) from error
    if not isinstance(report_id, str):
        raise MalformedPermitError(body[:200])
    return Permit(priority, report_id)


class PermitQueue:
    """The report queues, one per priority."""

    def __init__(self, urls: Mapping[Priority, str]) -> None:
        self._urls = urls

    def send(self, permit: Permit) -> None:
        """Put a permit on its priority's queue: one AWS call.

        Raises:
            QueueUnavailableError: SQS did not take it.
        """
        body = json.dumps({"report_id": permit.report_id})
        try:
            sqs_client().send_message(QueueUrl=self._urls[permit.priority], MessageBody=body)
        except (ClientError, BotoCoreError) as error:
            raise QueueUnavailableError(str(error)) from error
