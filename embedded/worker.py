"""Stands in for SQS event source mappings and the schedule: ``python -m embedded.worker --slots 2``.

Messages go one at a time to the same handlers that Lambda calls, each in a thread of its own ("slot"). A
message is deleted when its handler returns and left on its queue when it raises, as on AWS. While all slots
are busy nothing is polled, so a message waits on its queue, where a higher priority can still overtake it.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, Final

from embedded.lambda_context import LambdaContext
from embedded.lambda_events import schedule_event, sqs_event
from embedded.priority_picker import PriorityPicker
from embedded.resources import dead_letter_url, load_declaration

IDLE_SECONDS: Final = 0.4
"""Between two looks at empty queues: the pick-up latency, and with four queues ten calls a second."""

DEAD_LETTER_SECONDS: Final = 2.0
WEBHOOK_THREADS: Final = 2
GRACE_SECONDS: Final = 3.0
_RETRY_SECONDS: Final = 1.0
_LOG_LEVELS_OF_LIBRARIES: Final = {"botocore": logging.ERROR, "urllib3": logging.ERROR, "httpx": logging.WARNING}

_log = logging.getLogger("embedded.worker")

Handler = Callable[[dict[str, Any], Any], Any]


@dataclass(frozen=True)
class Source:
    """A queue and the function that is invoked with its messages."""

    name: str
    url: str
    function_name: str
    handler: Handler


class Worker:
    """Takes messages while slots are free, and runs the sweep."""

    def __init__(
        self,
        sqs: Any,
        sources: Sequence[Source],
        dead_letter_sources: Sequence[Source],
        sweep: Handler,
        slots: int,
        sweep_seconds: float,
        timeout_seconds: float = 900,
        webhook_sources: Sequence[Source] = (),
        knowledge_sources: Sequence[Source] = (),
    ) -> None:
        """Prepare; nothing runs before ``start``.

        Args:
            sqs: an SQS client, safe for threads.
            sources: the queues, from the highest priority to the lowest.
            dead_letter_sources: queues that are looked at now and then.
            sweep: the scheduled function.
            slots: how many messages are handled at the same time.
            sweep_seconds: seconds from the end of one sweep to the start of the next.
            timeout_seconds: the time limit that handlers see in their context.
            webhook_sources: queues with threads of their own: a slow receiver keeps no report waiting.
            knowledge_sources: queues with a thread of their own: a large document keeps nobody waiting.
        """
        self._sqs = sqs
        self._sources = {source.name: source for source in sources}
        self._dead_letter_sources = dead_letter_sources
        self._webhook_sources = webhook_sources
        self._knowledge_sources = knowledge_sources
        self._sweep = sweep
        self._sweep_seconds = sweep_seconds
        self._timeout_seconds = timeout_seconds
        self._picker = PriorityPicker(list(self._sources))
        self._taking = threading.Lock()
        self._stopping = threading.Event()
        loops = [self._run_slot] * slots + [self._run_dead_letters, self._run_sweeps]
        loops += [self._run_webhooks] * (WEBHOOK_THREADS if webhook_sources else 0)
        loops += [self._run_knowledge] * bool(knowledge_sources)
        self._threads = [threading.Thread(target=loop, daemon=True, name=loop.__name__) for loop in loops]

    def start(self) -> None:
        """Start taking messages."""
        for thread in self._threads:
            thread.start()

    def stop(self, grace_seconds: float) -> bool:
        """Take nothing more, wait ``grace_seconds`` for what runs; return whether everything ended."""
        self._stopping.set()
        deadline = time.monotonic() + grace_seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run_slot(self) -> None:
        while not self._stopping.is_set():
            taken = self._guarded(self._take)
            if taken is not None:
                self._handle(*taken)

    def _take(self) -> tuple[Source, Mapping[str, Any]] | None:
        """Wait for this slot's turn to look, look at the queues in order, and take one message."""
        with self._taking:
            if self._stopping.is_set():
                return None
            for name in self._picker.order():
                source = self._sources[name]
                message = self._receive(source)
                if message is not None:
                    self._picker.took(name)
                    return source, message
            # Still this slot's turn: the other free slots need not look as well.
            self._stopping.wait(IDLE_SECONDS)
            return None

    def _receive(self, source: Source) -> Mapping[str, Any] | None:
        answer = self._sqs.receive_message(
            QueueUrl=source.url,
            MaxNumberOfMessages=1,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages: list[Mapping[str, Any]] = answer.get("Messages", [])
        return messages[0] if messages else None

    def _handle(self, source: Source, message: Mapping[str, Any]) -> None:
        context = LambdaContext(source.function_name, self._timeout_seconds)
        try:
            source.handler(sqs_event(message, source.url.rpartition("/")[2]), context)
        except Exception:
            # Not acknowledged: it comes back when its visibility timeout is over.
            _log.exception("%s failed", source.function_name)
            return
        self._guarded(lambda: self._sqs.delete_message(QueueUrl=source.url, ReceiptHandle=message["ReceiptHandle"]))

    def _run_dead_letters(self) -> None:
        while not self._stopping.wait(DEAD_LETTER_SECONDS):
            for source in self._dead_letter_sources:
                message = self._guarded(partial(self._receive, source))
                if message is not None:
                    self._handle(source, message)

    def _run_webhooks(self) -> None:
        self._run_own(self._webhook_sources)

    def _run_knowledge(self) -> None:
        self._run_own(self._knowledge_sources)

    def _run_own(self, sources: Sequence[Source]) -> None:
        while not self._stopping.is_set():
            messages = [(s, self._guarded(partial(self._receive, s))) for s in sources]
            for source, message in messages:
                if message is not None:
                    self._handle(source, message)
            if not any(message for _, message in messages):
                self._stopping.wait(IDLE_SECONDS)

    def _run_sweeps(self) -> None:
        while not self._stopping.is_set():
            self._guarded(lambda: self._sweep(schedule_event("sweep"), LambdaContext("sweep", 60)))
            self._stopping.wait(self._sweep_seconds)

    def _guarded(self, call: Callable[[], Any]) -> Any:
        """Call something that may fail without ending its thread; after a failure, pause."""
        try:
            return call()
        except Exception as error:
            if not self._stopping.is_set():
                # The kind alone: a message may quote what somebody wrote.
                _log.warning("to be tried again after %s", type(error).__name__)
                self._stopping.wait(_RETRY_SECONDS)
            return None


def sources_of(app_module: Any, environment: Mapping[str, str]) -> tuple[list[Source], list[Source]]:
    """Return the declared queues, highest priority first, and their dead-letter queues.

    Raises:
        KeyError: the environment lacks the address of a queue.
        AttributeError: the application lacks a handler.
    """
    declared = load_declaration()
    dead_handler = declared["queue_defaults"]["dead_letter_handler"]
    sources, dead = [], []
    for queue in declared["queues"].values():
        url = environment[queue["environment"]]
        handler = queue["handler"]
        sources.append(Source(queue["priority"], url, handler, getattr(app_module, handler)))
        dead.append(
            Source(
                f"{queue['priority']}-dead",
                dead_letter_url(url, declared),
                dead_handler,
                getattr(app_module, dead_handler),
            )
        )
    return sources, dead


def own_sources_of(app_module: Any, environment: Mapping[str, str], kind: str = "webhook_queues") -> list[Source]:
    """Return the declared queues of webhooks, or of another kind.

    Raises:
        KeyError: the environment lacks the address of a queue.
        AttributeError: the application lacks a handler.
    """
    declared = load_declaration()[kind]
    return [
        Source(name, environment[queue["environment"]], queue["handler"], getattr(app_module, queue["handler"]))
        for name, queue in declared.items()
    ]


def main() -> None:
    """Work until SIGTERM or SIGINT, then give running handlers a few seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slots", type=int, default=2, help="messages handled at the same time")
    parser.add_argument("--sweep-seconds", type=float, default=5.0)
    parser.add_argument("--ready-file", type=Path, help="made when the worker starts to take messages")
    arguments = parser.parse_args()
    for name, level in _LOG_LEVELS_OF_LIBRARIES.items():
        logging.getLogger(name).setLevel(level)
    stop = threading.Event()

    def request_stop(signal_number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, request_stop)
    signal.signal(signal.SIGINT, request_stop)
    import boto3

    import app

    sources, dead = sources_of(app, os.environ)
    worker = Worker(
        boto3.client("sqs"),
        sources,
        dead,
        app.sweep,
        arguments.slots,
        arguments.sweep_seconds,
        webhook_sources=own_sources_of(app, os.environ),
        knowledge_sources=own_sources_of(app, os.environ, "knowledge_queues"),
    )
    worker.start()
    if arguments.ready_file:
        arguments.ready_file.touch()
    while not stop.wait(3600):
        pass
    worker.stop(GRACE_SECONDS)
    logging.shutdown()
    # A handler that is still running must not keep the process: its lease runs out, another takes over.
    os._exit(0)


if __name__ == "__main__":
    main()
