"""Talks to OpenAI-compatible Chat Completions endpoints: streams, retries, falls back, can be stopped."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

from chalicelib.generation.background_loop import BackgroundLoop
from chalicelib.generation.budget import Meter
from chalicelib.generation.call import Call, Listener, Stopped, worth_keeping
from chalicelib.generation.chat import Answer, Endpoint, Message
from chalicelib.generation.connection import Connection, Heard, Request
from chalicelib.generation.dialect import Dialect
from chalicelib.generation.endpoint_errors import EndpointDown, TryAgain
from chalicelib.generation.errors import ContextTooLong, ModelRejected, ModelUnavailable
from chalicelib.generation.outage import Outage
from chalicelib.generation.retrying import PROBE, Persistence, wait_seconds

__all__ = ["Answer", "Endpoint", "Message", "ModelClient"]

POLL_SECONDS = 0.2


class ModelClient:
    """A model behind an endpoint, with a fallback for its outages. Thread-safe; close it when done.

    Requests run on an event loop of their own, so that one can be abandoned at any moment:
    while connecting, while waiting for the first token, or in the middle of the stream.
    Sampling settings are left to the endpoint: many reject what they do not know.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        fallback: Endpoint | None = None,
        *,
        timeout_seconds: float = 300.0,
        attempts: int = 5,
        patience_seconds: float = 0.0,
    ) -> None:
        """Prepare a client; nothing is imported or connected before the first request.

        Args:
            endpoint: who is asked.
            fallback: who is asked while ``endpoint`` is down.
            timeout_seconds: longest time for one request, from connecting to the last token.
            attempts: how often one request is tried at least when the failure may pass.
            patience_seconds: how long it is tried, however often that is.
        """
        self.model = endpoint.model
        self._first = Connection(endpoint, "LLM")
        self._second = Connection(fallback, "LLM_FALLBACK") if fallback else None
        self._timeout = timeout_seconds
        self._patient = Persistence(attempts, patience_seconds)
        self._outage = Outage()
        self._loop = BackgroundLoop("model")

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        check: Callable[[], None],
        remaining_seconds: Callable[[], float] = lambda: math.inf,
        schema: Mapping[str, Any] | None = None,
        stop_when: Callable[[str], bool] | None = None,
        meter: Meter | None = None,
    ) -> Answer:
        """Return the model's answer to ``messages``.

        Args:
            messages: the conversation so far.
            max_tokens: longest answer, in tokens.
            check: called several times a second while waiting; what it raises ends the
                request at once and propagates.
            remaining_seconds: how much time the report has left. No request, wait or retry goes
                beyond it; when it is over, ``check`` is called and expected to raise.
            schema: JSON schema of the answer. The endpoint is asked to keep it, as strictly as it
                can be; whether the answer does is for the caller to see.
            stop_when: asked about the answer so far, about once a second and every 200 words;
                True ends it with the finish reason ``stopped``.
            meter: where every try is reserved and settled, failed and abandoned ones included;
                a caller that gives it must not reserve or settle anything for this call itself.

        Raises:
            ContextTooLong: the request does not fit the model's context.
            ModelRejected: this request was refused; a different one may pass.
            ModelUnavailable: no endpoint can be used, or they kept failing.
            BudgetSpent: ``meter`` has not enough left for this request.
        """
        request = Request(messages, max_tokens, schema)
        call = Call(request, check, remaining_seconds, stop_when, meter or Meter({}))
        if self._second is None:
            return self._persist(self._first, call, self._patient)
        return self._with_fallback(self._second, call)

    def close(self) -> None:
        """End the event loop and its connections. The client may be used again afterwards."""
        self._loop.close(self._disconnect)

    def __enter__(self) -> ModelClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def _disconnect(self) -> None:
        await self._first.close()
        if self._second:
            await self._second.close()

    def _with_fallback(self, second: Connection, call: Call) -> Answer:
        """Ask the first endpoint unless it is down, then the second, then the first with patience."""
        try:
            return self._ask_first(call)
        except EndpointDown as failure:
            first_failure = failure
        try:
            return self._persist(second, call, self._patient)
        except ModelUnavailable as failure:
            second_failure = failure
        if first_failure.unreached:
            try:
                return self._persist(self._first, call, self._patient)
            except EndpointDown as failure:
                first_failure = failure
        raise ModelUnavailable(f"{first_failure}; and the fallback: {second_failure}") from second_failure

    def _ask_first(self, call: Call) -> Answer:
        """Ask the first endpoint, unless it was found to be down a short time ago.

        Raises:
            EndpointDown: it is down, by this or by an earlier call.
        """
        known = self._outage.failure
        if known and not self._outage.may_probe():
            raise known
        try:
            answer = self._persist(self._first, call, PROBE if known else self._patient.before_a_fallback())
        except EndpointDown as failure:
            self._outage.begin(failure)
            raise
        self._outage.end()
        return answer

    def _persist(self, connection: Connection, call: Call, persistence: Persistence) -> Answer:
        """Ask one endpoint until it answers, refuses, or was down for longer than our patience."""
        started, tries = time.monotonic(), 0
        while True:
            call.end_if_over()
            dialect = connection.dialect
            try:
                return self._try(connection, dialect, call)
            except TryAgain as failure:
                tries += 1
                if persistence.is_over(tries, time.monotonic() - started, failure):
                    call.check_if_over()
                    raise persistence.given_up(failure, tries) from failure
                self._pause(wait_seconds(tries, failure.wait), call, persistence)
            except ContextTooLong:
                raise
            except ModelRejected as refusal:
                connection.dialect = _adapted(dialect, call.request, refusal)

    def _try(self, connection: Connection, dialect: Dialect, call: Call) -> Answer:
        """Send the request once; its usage is settled however it ends."""
        request, model, heard = call.request, connection.endpoint.model, Heard()
        with call.meter.reserve(model, request.messages, request.max_tokens, call.check) as reservation:
            timeout = min(self._timeout, max(POLL_SECONDS, call.remaining_seconds()))
            work = connection.ask(request, dialect, timeout, heard)
            try:
                finish_reason = self._loop.run(work, Listener(call, heard).watch)
            except Stopped:
                finish_reason = "stopped"
            except TryAgain:
                if not worth_keeping(heard, request):
                    raise
                call.check_if_over()
                finish_reason = "length"
            finally:
                used = heard.usage(request.messages)
                call.used += used
                reservation.settle(used, model)
        return Answer(heard.text, finish_reason, call.used, model)

    def _pause(self, seconds: float, call: Call, persistence: Persistence) -> None:
        """Wait for the next try: not beyond the deadline, nor once another call has found an outage."""
        end = time.monotonic() + min(seconds, call.remaining_seconds())
        while (left := end - time.monotonic()) > 0:
            call.check()
            if persistence.has_fallback and (known := self._outage.failure):
                raise known
            time.sleep(min(left, POLL_SECONDS))


def _adapted(dialect: Dialect, request: Request, refusal: ModelRejected) -> Dialect:
    """Return how to ask instead; raise the refusal where nothing is left to change."""
    changed = dialect.adapted(refusal.complaint, request.max_tokens, with_schema=request.schema is not None)
    if changed is None:
        raise refusal
    return changed
