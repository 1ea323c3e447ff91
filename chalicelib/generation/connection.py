"""One endpoint: sends a request, listens to the stream, and remembers how the endpoint wants to be asked."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from chalicelib.generation.chat import Endpoint, Message
from chalicelib.generation.dialect import Dialect
from chalicelib.generation.endpoint_errors import TryAgain, translated
from chalicelib.generation.errors import ModelError
from chalicelib.generation.usage import Usage, estimated_tokens

if TYPE_CHECKING:
    from openai import AsyncOpenAI

CONNECT_SECONDS = 10.0
# More than tokenizers put into a token of text on average. A single one can hold many more (a run of spaces,
# dashes or equal signs), so that answers of a few tokens have room; the bound is there for endpoints that
# ignore the token limit.
CHARACTERS_A_TOKEN = 16
FEWEST_CHARACTERS = 160_000


@dataclass(frozen=True)
class Request:
    """What to ask: the messages, the longest answer in tokens, and a JSON schema if there is one."""

    messages: Sequence[Message]
    max_tokens: int
    schema: Mapping[str, Any] | None = None

    @property
    def most_characters(self) -> int:
        """How long an answer can be that keeps its token limit."""
        return max(FEWEST_CHARACTERS, self.max_tokens * CHARACTERS_A_TOKEN)


class Heard:
    """What has come of one try so far. The event loop writes it, the waiting thread reads it."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._reported: Any = None
        self.characters = 0
        self.counts = True

    @property
    def text(self) -> str:
        """The answer up to here."""
        return "".join(tuple(self._parts))

    def add(self, text: str | None) -> None:
        """Take in the next piece."""
        if text:
            self._parts.append(text)
            self.characters += len(text)

    def report(self, usage: Any) -> None:
        """Take in the endpoint's own figures, if it gives them."""
        self._reported = usage or self._reported

    def usage(self, messages: Sequence[Message]) -> Usage:
        """Return the endpoint's figures, or an estimate; nothing for a request that was refused."""
        if self._reported is not None:
            return _unpriced(self._reported.prompt_tokens or 0, self._reported.completion_tokens or 0)
        if not self.counts:
            return Usage()
        sent = sum(estimated_tokens(message["content"]) for message in messages)
        return _unpriced(sent, estimated_tokens(self.text))


class Connection:
    """An endpoint and its connections; used on one event loop."""

    def __init__(self, endpoint: Endpoint, settings: str) -> None:
        """Prepare a connection; nothing is imported or connected before the first request.

        Args:
            endpoint: who is asked.
            settings: prefix of the endpoint's settings, for messages.
        """
        self.endpoint = endpoint
        self.dialect = Dialect()
        self._settings = settings
        self._sdk: AsyncOpenAI | None = None

    async def ask(self, request: Request, dialect: Dialect, timeout: float, heard: Heard) -> str:
        """Send one request, collect the answer in ``heard`` and return why it ended.

        Args:
            request: what to ask.
            dialect: how to put it.
            timeout: longest time from connecting to the last token, in seconds.
            heard: where the answer goes while it comes.

        Raises:
            TryAgain, ModelError: see ``endpoint_errors``.
        """
        try:
            async with asyncio.timeout(timeout):
                return await self._stream(request, dialect, timeout, heard)
        except TimeoutError:
            raise TryAgain(f"The model did not answer within {timeout:g} seconds") from None
        except (ModelError, TryAgain):
            raise
        except Exception as error:
            raise self._failure(error, heard) from error

    async def close(self) -> None:
        """End the connections. They are made again when they are needed."""
        sdk, self._sdk = self._sdk, None
        if sdk is not None:
            await sdk.close()

    async def _stream(self, request: Request, dialect: Dialect, timeout: float, heard: Heard) -> str:
        fields = dialect.request(self.endpoint.model, request.messages, request.max_tokens, request.schema)
        stream = await self._connected().chat.completions.create(**fields, timeout=_timeout(timeout))
        finish_reason = ""
        try:
            if "json" in stream.response.headers.get("content-type", ""):
                return await self._whole(stream.response, heard)
            async for chunk in stream:
                heard.report(chunk.usage)
                for choice in chunk.choices[:1]:
                    heard.add(choice.delta.content)
                    finish_reason = choice.finish_reason or finish_reason
                if heard.characters > request.most_characters:
                    return "length"
        finally:
            await stream.close()
        if not finish_reason:
            raise TryAgain("The model's answer broke off")
        return finish_reason

    async def _whole(self, response: Any, heard: Heard) -> str:
        """Read the answer of an endpoint that does not stream though it was asked to."""
        from openai.types.chat import ChatCompletion

        completion = ChatCompletion.model_validate_json(await response.aread())
        heard.report(completion.usage)
        if not completion.choices:
            raise TryAgain("The model endpoint sent an answer without content")
        heard.add(completion.choices[0].message.content)
        return completion.choices[0].finish_reason or "stop"

    def _failure(self, error: Exception, heard: Heard) -> Exception:
        failure = translated(error, self.endpoint, self._settings)
        refused = hasattr(error, "status_code") or (isinstance(failure, TryAgain) and failure.unreached)
        heard.counts = not refused
        return failure

    def _connected(self) -> AsyncOpenAI:
        """Return the SDK's client, made on the event loop it belongs to."""
        if self._sdk is None:
            from openai import AsyncOpenAI, DefaultAsyncHttpxClient

            self._sdk = AsyncOpenAI(
                base_url=self.endpoint.base_url,
                api_key=self.endpoint.api_key or "none",
                max_retries=0,
                http_client=DefaultAsyncHttpxClient(verify=_system_trust()),
            )
        return self._sdk


@cache
def _system_trust() -> ssl.SSLContext:
    """Return whom this machine trusts; reading that takes longer than asking, and is done once."""
    from httpx2 import create_ssl_context

    return create_ssl_context()


def _timeout(seconds: float) -> Any:
    """Return limits for the HTTP library that leave the limit of the whole request to ``ask``."""
    from openai import Timeout

    return Timeout(seconds + CONNECT_SECONDS, connect=CONNECT_SECONDS)


def _unpriced(tokens_in: int, tokens_out: int) -> Usage:
    return Usage(tokens_in, tokens_out, 1, cost_usd=None)
