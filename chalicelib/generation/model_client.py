"""Talks to an OpenAI-compatible Chat Completions endpoint: streams, retries, and can be stopped."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotDoneYet
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from chalicelib.generation.errors import ModelError, ModelRejected, ModelUnavailable
from chalicelib.generation.usage import Usage

if TYPE_CHECKING:
    from openai import AsyncOpenAI

POLL_SECONDS = 0.2
CONNECT_SECONDS = 10.0
LONGEST_WAIT_SECONDS = 60.0
LONGEST_BACKOFF_SECONDS = 15.0
FIRST_WAIT_SECONDS = 0.5

Result = TypeVar("Result")


class Message(TypedDict):
    """One message of a conversation with the model."""

    role: str
    content: str


@dataclass(frozen=True)
class Answer:
    """What the model said, why it stopped (``stop``, ``length``, …) and what it used."""

    text: str
    finish_reason: str
    usage: Usage


class _TryAgain(Exception):  # noqa: N818 - an internal signal, not an error of its own
    """A failure that may pass; ``wait`` is the endpoint's own wish, in seconds."""

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class ModelClient:
    """A model behind an OpenAI-compatible endpoint. Thread-safe; close it when done.

    Requests run on an event loop of their own, so that one can be abandoned at any moment:
    while connecting, while waiting for the first token, or in the middle of the stream.
    Sampling settings are left to the endpoint: many reject what they do not know.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        model: str,
        timeout_seconds: float = 300.0,
        attempts: int = 5,
        patience_seconds: float = 0.0,
    ) -> None:
        """Prepare a client; nothing is imported or connected before the first request.

        Args:
            base_url: the endpoint, up to and including ``/v1``.
            api_key: its key; may be empty for endpoints that want none.
            model: the model's name at the endpoint.
            timeout_seconds: longest time for one request, from connecting to the last token.
            attempts: how often one request is tried at least when the failure may pass.
            patience_seconds: how long it is tried, however often that is.
        """
        self.model = model
        self._base_url = base_url
        self._api_key = api_key
        self._timeout = timeout_seconds
        self._attempts = attempts
        self._patience = patience_seconds
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._sdk: AsyncOpenAI | None = None
        self._limit_field = "max_tokens"

    def complete(self, messages: Sequence[Message], *, max_tokens: int, check: Callable[[], None]) -> Answer:
        """Return the model's answer to ``messages``.

        Args:
            messages: the conversation so far.
            max_tokens: longest answer, in tokens.
            check: called several times a second while waiting; what it raises ends the
                request at once and propagates.

        Raises:
            ModelRejected: this request was refused; a different one may pass.
            ModelUnavailable: the endpoint cannot be used, or kept failing.
        """
        started, attempt = time.monotonic(), 0
        while True:
            attempt += 1
            try:
                return self._run(self._ask(messages, max_tokens), check)
            except _TryAgain as error:
                if attempt >= self._attempts and time.monotonic() - started >= self._patience:
                    raise ModelUnavailable(f"{error} (tried {attempt} times)") from error
                _pause(_wait_seconds(attempt, error.wait), check)

    def close(self) -> None:
        """End the event loop and its connections. The client may be used again afterwards."""
        with self._starting:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._disconnect(), loop).result(timeout=10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def __enter__(self) -> ModelClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, work: Coroutine[Any, Any, Result], check: Callable[[], None]) -> Result:
        future = asyncio.run_coroutine_threadsafe(work, self._running_loop())
        try:
            while True:
                check()
                try:
                    return future.result(timeout=POLL_SECONDS)
                except NotDoneYet:
                    if future.done():
                        raise
        finally:
            _abandon(future)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="model", daemon=True)
                self._thread.start()
            return self._loop

    async def _ask(self, messages: Sequence[Message], max_tokens: int) -> Answer:
        try:
            async with asyncio.timeout(self._timeout):
                return await self._stream(messages, max_tokens)
        except TimeoutError:
            raise _TryAgain(f"The model did not answer within {self._timeout:g} seconds") from None
        except (ModelError, _TryAgain):
            raise
        except Exception as error:
            failure = _translated(error, self.model)
            if isinstance(failure, ModelRejected) and self._switch_limit_field(str(error)):
                failure = _TryAgain(str(failure), wait=0)
            raise failure from error

    async def _stream(self, messages: Sequence[Message], max_tokens: int) -> Answer:
        request: dict[str, Any] = {
            "model": self.model,
            "messages": list(messages),
            "stream": True,
            "stream_options": {"include_usage": True},
            self._limit_field: max_tokens,
        }
        parts: list[str] = []
        finish_reason, used = "", None
        stream = await self._connected().chat.completions.create(**request)
        try:
            async for chunk in stream:
                used = chunk.usage or used
                for choice in chunk.choices[:1]:
                    parts.append(choice.delta.content or "")
                    finish_reason = choice.finish_reason or finish_reason
        finally:
            await stream.close()
        if not finish_reason:
            raise _TryAgain("The model's answer broke off")
        return Answer("".join(parts), finish_reason, _usage(messages, parts, used))

    def _switch_limit_field(self, complaint: str) -> bool:
        """Use OpenAI's newer name for the limit where the endpoint insists on it."""
        if self._limit_field == "max_tokens" and "max_completion_tokens" in complaint:
            self._limit_field = "max_completion_tokens"
            return True
        return False

    def _connected(self) -> AsyncOpenAI:
        """Return the SDK's client, made on the event loop it belongs to."""
        if self._sdk is None:
            from openai import AsyncOpenAI, Timeout

            self._sdk = AsyncOpenAI(
                base_url=self._base_url,
                api_key=self._api_key or "none",
                max_retries=0,
                timeout=Timeout(self._timeout, connect=CONNECT_SECONDS),
            )
        return self._sdk

    async def _disconnect(self) -> None:
        sdk, self._sdk = self._sdk, None
        if sdk is not None:
            await sdk.close()


def _abandon(future: Future[Any]) -> None:
    if not future.done():
        future.cancel()


def _usage(messages: Sequence[Message], parts: Sequence[str], used: Any) -> Usage:
    """Return the endpoint's own figures, or an estimate of four characters a token."""
    if used is not None:
        return Usage(used.prompt_tokens or 0, used.completion_tokens or 0, 1)
    sent = sum(len(message["content"]) for message in messages)
    return Usage(sent // 4, sum(map(len, parts)) // 4, 1)


def _wait_seconds(attempt: int, wished: float | None) -> float:
    """Return how long to wait before try number ``attempt``: the endpoint's wish, or doubling."""
    if wished is not None:
        return min(wished, LONGEST_WAIT_SECONDS)
    doubled = FIRST_WAIT_SECONDS * 2.0 ** (attempt - 1)
    return min(doubled, LONGEST_BACKOFF_SECONDS) * random.uniform(0.75, 1.25)  # noqa: S311 - not a secret


def _pause(seconds: float, check: Callable[[], None]) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        check()
        time.sleep(min(left, POLL_SECONDS))


def _translated(error: Exception, model: str) -> Exception:
    """Return what an error of the SDK means to us: try again, ask differently, or give up."""
    import openai

    if isinstance(error, openai.APIStatusError):
        return _translated_status(error, model)
    if isinstance(error, openai.APITimeoutError):
        return _TryAgain("The model did not answer in time")
    if isinstance(error, openai.APIConnectionError):
        return _TryAgain("The model endpoint could not be reached, or closed the connection")
    if isinstance(error, ValueError):
        return _TryAgain("The model endpoint sent an answer that is not valid JSON")
    if isinstance(error, openai.APIError) or type(error).__module__.startswith(("httpx", "httpcore")):
        return _TryAgain("The connection to the model broke off")
    return error


def _translated_status(error: Any, model: str) -> ModelError | _TryAgain:
    status = error.status_code
    if status in (408, 409, 425, 429) or status >= 500:
        reason = "is busy" if status == 429 else "has a problem"
        return _TryAgain(f"The model endpoint {reason} (HTTP {status})", _retry_after(error))
    if status in (401, 403):
        return ModelUnavailable(f"The model endpoint refused the API key (HTTP {status}): check LLM_API_KEY")
    if status == 404:
        return ModelUnavailable(
            f"The model endpoint does not know the model {model!r} (HTTP 404): check LLM_MODEL and LLM_BASE_URL"
        )
    return ModelRejected(f"The model endpoint rejected the request (HTTP {status})")


def _retry_after(error: Any) -> float | None:
    try:
        return max(0.0, float(error.response.headers.get("retry-after", "")))
    except ValueError:
        return None
