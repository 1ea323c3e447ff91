"""Sends one report's requests: within its budget and its time, and smaller where the model's context is short."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from chalicelib.generation.budget import Meter
from chalicelib.generation.chat import Answer, Message
from chalicelib.generation.errors import BudgetSpent, ContextTooLong
from chalicelib.generation.prompt import Detail
from chalicelib.generation.usage import Usage
from chalicelib.generation.watch import Watch

Conversation = Callable[[Detail], Sequence[Message]]


class Model(Protocol):
    """Who answers: see ``ModelClient``."""

    model: str

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        check: Callable[[], None],
        remaining_seconds: Callable[[], float],
        schema: Mapping[str, Any] | None,
        stop_when: Callable[[str], bool] | None,
        meter: Meter | None,
    ) -> Answer:
        """Return the answer to ``messages``; see ``ModelClient.complete``."""


@dataclass(frozen=True)
class Size:
    """How much a request tells, and which share of the wanted tokens (0 to 1) it leaves for the answer."""

    detail: Detail
    room: float


SIZES = (
    Size(Detail.FULL, 1.0),
    Size(Detail.SHORT, 1.0),
    Size(Detail.BARE, 1.0),
    Size(Detail.BARE, 0.5),
    Size(Detail.BARE, 0.25),
)


@dataclass(frozen=True)
class Asked:
    """An answer and the messages that it answers."""

    answer: Answer
    messages: Sequence[Message]


class Asker:
    """Asks one model for one report; safe to use from several threads."""

    def __init__(self, model: Model, meter: Meter, watch: Watch, keep_usage: Callable[[], None]) -> None:
        """Prepare to ask.

        Args:
            model: who is asked.
            meter: what the requests are charged to.
            watch: may stop them at any moment, and knows how much time is left for the report.
            keep_usage: called after every request that used something.
        """
        self._model = model
        self._meter = meter
        self._watch = watch
        self._keep_usage = keep_usage
        self._lock = threading.Lock()
        self._smallest = 0
        self._seconds_a_token = 0.0
        self._spent: BudgetSpent | None = None

    @property
    def spent(self) -> BudgetSpent | None:
        """Why nothing is asked any more, once the budget is spent."""
        return self._spent

    def ask(self, conversation: Conversation, max_tokens: int, stop_when: Callable[[str], bool] | None = None) -> Asked:
        """Ask with as much detail as the model's context holds; what proved too long once is not tried again.

        Args:
            conversation: makes the messages at a level of detail.
            max_tokens: longest answer, in tokens.
            stop_when: see ``ModelClient.complete``.

        Raises:
            ContextTooLong: even the smallest request is too long.
            ModelRejected: the request was refused for another reason.
            ModelUnavailable: the endpoint cannot be used.
            BudgetSpent: the request could exceed the budget, or an earlier one could have.
        """
        for number in range(self._smallest, len(SIZES)):
            size = SIZES[number]
            messages = conversation(size.detail)
            try:
                return Asked(self._send(messages, math.ceil(max_tokens * size.room), stop_when=stop_when), messages)
            except ContextTooLong as error:
                failure = error
                with self._lock:
                    # The last size stays worth a try, as another request may be shorter.
                    self._smallest = max(self._smallest, min(number + 1, len(SIZES) - 1))
        raise failure

    def ask_structured(self, messages: Sequence[Message], schema: Mapping[str, Any], max_tokens: int) -> str:
        """Return the answer to ``messages`` as JSON text that should match ``schema``.

        Raises:
            ModelError: the endpoint cannot or will not answer.
            BudgetSpent: the request could exceed the budget.
        """
        return self._send(messages, max_tokens, schema=schema).text

    def _send(
        self,
        messages: Sequence[Message],
        max_tokens: int,
        schema: Mapping[str, Any] | None = None,
        stop_when: Callable[[str], bool] | None = None,
    ) -> Answer:
        if self._spent:
            raise self._spent
        self._watch.check_now()
        self._watch.hold(self._seconds_a_token * max_tokens / 2)
        started = time.monotonic()
        try:
            answer = self._model.complete(
                messages,
                max_tokens=max_tokens,
                check=self._watch.check,
                remaining_seconds=self._watch.remaining_seconds,
                schema=schema,
                stop_when=stop_when,
                meter=self._meter,
            )
        except BudgetSpent as error:
            self._spent = self._spent or error
            raise
        except BaseException:
            # What was abandoned is charged as well; why it was abandoned counts more than this note.
            with suppress(Exception):
                self._keep_usage()
            raise
        self._keep_usage()
        if answer.usage.tokens_out:
            self._seconds_a_token = (time.monotonic() - started) / answer.usage.tokens_out
        return answer


def usage_to_json(usage: Usage) -> str:
    """Return the usage as text, to be kept as a checkpoint."""
    return json.dumps(asdict(usage))


def usage_from_json(text: str) -> Usage:
    """Read what ``usage_to_json`` wrote; what is not such a text counts as nothing used."""
    try:
        raw = json.loads(text)
        cost = raw["cost_usd"]
        return Usage(
            int(raw["tokens_in"]), int(raw["tokens_out"]), int(raw["calls"]), None if cost is None else float(cost)
        )
    except (ValueError, TypeError, KeyError):
        return Usage()
