"""What the tests of the model client share."""

from __future__ import annotations

import time
from typing import Any

from chalicelib.generation.budget import Meter
from chalicelib.generation.model_client import Answer, Endpoint, Message, ModelClient
from tests.model_server import ModelServer

ASK: list[Message] = [{"role": "user", "content": "Write about 60 words on bees."}]


class StoppedError(Exception):
    """What a check raises to stop the work."""


def go_on() -> None:
    """A check that stops nothing."""


def client_of(server: ModelServer, fallback: ModelServer | None = None, **options: Any) -> ModelClient:
    """Return a client of ``server``; ``options`` are those of ModelClient."""
    options = {"timeout_seconds": 30} | options
    second = Endpoint(fallback.base_url, "sk-second", "second-model") if fallback else None
    return ModelClient(Endpoint(server.base_url, "sk-test", "scripted-model"), second, **options)


class Deadline:
    """A report's time: what is left of it, and a check that raises once it is over."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def remaining_seconds(self) -> float:
        return self._end - time.monotonic()

    def check(self) -> None:
        if self.remaining_seconds() <= 0:
            raise StoppedError


def ask_within(seconds: float, client: ModelClient, meter: Meter | None = None) -> Answer:
    """Ask on behalf of a report that has so much time left."""
    return ask_until(Deadline(seconds), client, meter)


def ask_until(deadline: Deadline, client: ModelClient, meter: Meter | None = None) -> Answer:
    """Ask on behalf of a report with this deadline."""
    return client.complete(
        ASK, max_tokens=500, check=deadline.check, remaining_seconds=deadline.remaining_seconds, meter=meter
    )
