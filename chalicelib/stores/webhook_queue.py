"""The queue of webhooks: events to hand out, and deliveries to attempt."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.stores.aws import sqs_client
from chalicelib.stores.outbox_store import Place
from chalicelib.stores.permit_queue import QueueUnavailableError

_MOST_AT_ONCE: Final = 10


@dataclass(frozen=True)
class DeliveryDue:
    """A delivery whose attempt ``number`` is due."""

    subscription_id: str
    delivery_id: str
    number: int


Message = Place | DeliveryDue


class MalformedMessageError(ValueError):
    """A message on the queue is none of ours."""


def to_message(body: str) -> Message:
    """Return what a message's body says.

    Raises:
        MalformedMessageError: it is something else.
    """
    try:
        said: dict[str, Any] = json.loads(body)
        if "table" in said:
            return Place(str(said["table"]), str(said["pk"]), str(said["sk"]))
        return DeliveryDue(str(said["subscription_id"]), str(said["delivery_id"]), int(said["number"]))
    except (ValueError, TypeError, KeyError) as error:
        raise MalformedMessageError(body[:200]) from error


class WebhookQueue:
    """Sends to the queue of webhooks."""

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, message: Message, delay_seconds: int = 0) -> None:
        """Send one message, to be received after ``delay_seconds`` (0 to 900): one AWS call.

        Raises:
            QueueUnavailableError: SQS did not take it.
        """
        try:
            sqs_client().send_message(
                QueueUrl=self._url,
                MessageBody=_body(message),
                DelaySeconds=delay_seconds,
                MessageGroupId=_group(message),
            )
        except (ClientError, BotoCoreError) as error:
            raise QueueUnavailableError(str(error)) from error

    def send_many(self, messages: Sequence[Message]) -> None:
        """Send messages without delay: one AWS call for ten.

        Raises:
            QueueUnavailableError: SQS did not take all of them.
        """
        for at in range(0, len(messages), _MOST_AT_ONCE):
            part = messages[at : at + _MOST_AT_ONCE]
            entries: list[Any] = [
                {"Id": str(n), "MessageBody": _body(message), "MessageGroupId": _group(message)}
                for n, message in enumerate(part)
            ]
            try:
                answer = sqs_client().send_message_batch(QueueUrl=self._url, Entries=entries)
            except (ClientError, BotoCoreError) as error:
                raise QueueUnavailableError(str(error)) from error
            if answer.get("Failed"):
                raise QueueUnavailableError(f"{len(answer['Failed'])} messages were refused")


def _group(message: Message) -> str:
    """Return what SQS is fair between: while one receiver is slow, the messages of others go first."""
    return message.pk if isinstance(message, Place) else message.subscription_id


def _body(message: Message) -> str:
    if isinstance(message, Place):
        return json.dumps({"table": message.table, "pk": message.pk, "sk": message.sk})
    return json.dumps(
        {
            "subscription_id": message.subscription_id,
            "delivery_id": message.delivery_id,
            "number": message.number,
        }
    )
