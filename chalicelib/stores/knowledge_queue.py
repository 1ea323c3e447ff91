"""The queue of what is to be done with documents and jars: read, indexed, deleted."""

from __future__ import annotations

import json

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.stores.aws import sqs_client
from chalicelib.stores.knowledge_store import WorkDue
from chalicelib.stores.permit_queue import QueueUnavailableError


class MalformedWorkError(ValueError):
    """A message on the queue is none of ours."""


def to_work(body: str) -> WorkDue:
    """Return what a message's body says.

    Raises:
        MalformedWorkError: it is something else.
    """
    try:
        said = json.loads(body)
        return WorkDue(str(said["jar_id"]), str(said["document_id"]))
    except (ValueError, TypeError, KeyError) as error:
        raise MalformedWorkError(body[:200]) from error


class KnowledgeQueue:
    """Sends to the queue."""

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, work: WorkDue, delay_seconds: int = 0) -> None:
        """Send one message, to be received after ``delay_seconds`` (0 to 900): one AWS call.

        Raises:
            QueueUnavailableError: SQS did not take it.
        """
        body = json.dumps({"jar_id": work.jar_id, "document_id": work.document_id})
        try:
            sqs_client().send_message(
                QueueUrl=self._url,
                MessageBody=body,
                DelaySeconds=delay_seconds,
                # SQS is fair between jars: whoever fills one does not keep the others waiting.
                MessageGroupId=work.jar_id,
            )
        except (ClientError, BotoCoreError) as error:
            raise QueueUnavailableError(str(error)) from error
