"""What the tests pause, look into and kill in a deployment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from tests.support.waiting import wait_for


class Controls:
    """The controls of one deployment. Queues are named as in infra/resources.json, ``dead`` for their dead letters."""

    def __init__(self, deployment: Any) -> None:
        self._outputs = deployment.outputs
        self._localstack = psutil.Process(deployment.cloud.pid)
        # Clients are made here, once: making them is not safe in threads, using them is.
        self._sqs = deployment.session.client("sqs")
        self._lambda = deployment.session.client("lambda")

    # The queues

    def pause_delivery(self, queue: str, *, dead: bool = False) -> None:
        self._switch_delivery(self._url(queue, dead), on=False)

    def resume_delivery(self, queue: str, *, dead: bool = False) -> None:
        self._switch_delivery(self._url(queue, dead), on=True)

    def purge(self, queue: str) -> None:
        self._sqs.purge_queue(QueueUrl=self._url(queue, dead=False))

    def count(self, queue: str, *, dead: bool = False) -> int:
        """Return how many messages a queue holds, with those that are being served."""
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        answer = self._sqs.get_queue_attributes(QueueUrl=self._url(queue, dead), AttributeNames=list(names))
        return sum(int(answer["Attributes"][name]) for name in names)

    def dead_reports(self, queue: str) -> list[str]:
        """Return whose permits lie in the dead letters, and leave them there."""
        url = self._url(queue, dead=True)
        answer = self._sqs.receive_message(QueueUrl=url, VisibilityTimeout=0, MaxNumberOfMessages=10)
        return [json.loads(message["Body"])["report_id"] for message in answer.get("Messages", [])]

    def _url(self, queue: str, dead: bool) -> str:
        urls = {
            **self._outputs["queue_urls"],
            **self._outputs["webhook_queue_urls"],
            **self._outputs["knowledge_queue_urls"],
        }
        return str(self._outputs["dead_letter_queue_urls"][queue] if dead else urls[queue])

    def _switch_delivery(self, url: str, *, on: bool) -> None:
        name = url.rpartition("/")[2]
        (mapping,) = [
            m
            for m in self._lambda.list_event_source_mappings()["EventSourceMappings"]
            if m["EventSourceArn"].rpartition(":")[2] == name
        ]
        self._lambda.update_event_source_mapping(UUID=mapping["UUID"], Enabled=on)
        wanted = "Enabled" if on else "Disabled"
        wait_for(
            lambda: self._lambda.get_event_source_mapping(UUID=mapping["UUID"])["State"] == wanted,
            60,
            f"{wanted} of the deliveries of {name}",
        )

    # The functions

    def processes(self, role: str) -> list[psutil.Process]:
        """Return the running processes of a function of this deployment, such as ``generate_low``."""
        return [p for p in self._localstack.children() if f"app.{role}" in _command(p)]

    def kill(self, role: str) -> None:
        for process in self.processes(role):
            process.kill()

    @contextmanager
    def sweep_paused(self) -> Iterator[None]:
        """Let the schedule fire in vain. (LocalStack fires rules that are disabled as well.)"""
        name = self._outputs["functions"]["sweep"]
        self._lambda.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        try:
            yield
        finally:
            self._lambda.delete_function_concurrency(FunctionName=name)


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return []
