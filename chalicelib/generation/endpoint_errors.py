"""What an endpoint's failure means to us: try again, ask differently, or give up.

Vendors agree on little more than the HTTP status. Where it does not decide, their wording does.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from chalicelib.generation.chat import Endpoint
from chalicelib.generation.errors import ContextTooLong, ModelRejected, ModelUnavailable

if TYPE_CHECKING:
    import openai

# What vendors write into `code` and `type`; anything longer or freer could be a quotation.
ERROR_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,59}\Z")
PASSING = {408, 409, 425, 429}
CONTEXT_STATUSES = {400, 413, 422, 500}

CONTEXT_WORDINGS = re.compile(
    r"""
      context_length_exceeded | exceed_context_size | contextwindowexceeded | request_too_large
    | context[ _-]?(length|window|size|limit)
    | maximum\ (context|model|prompt|sequence)\ length
    | (prompt|input|request|messages?)\ (is|are|was)\ too\ (long|large)
    | too\ (long|large)\ for\ (the\ |this\ |requested\ )*model
    | too\ many\ (input\ |prompt\ )?tokens
    | (input|prompt|token)\ (token\ )?(count|length|size)\b.{0,60}\bexceeds?
    | exceed(s|ed|ing)?\ (the\ |this\ |your\ )?(\w+[ ']s?\ ?)?(max(imum)?|model|available)?\ ?
      (context|prompt|input|token|sequence)\ (length|limit|window|size)
    | prompt\ exceeds\ max\ length
    | inputs?`?\ tokens?\ \+\ `?max_new_tokens
    | reduce\ the\ (length|size)\ of\ (the|your)\ (messages|prompt|input)
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
KEY_WORDINGS = re.compile(
    r"(api|access)[ _-]?key.{0,20}\b(not valid|invalid|incorrect|missing|expired|required)"
    r"|(invalid|incorrect|missing|expired|no)[ _](api|access)[ _-]?key|invalid authentication",
    re.IGNORECASE,
)
MODEL_WORDINGS = re.compile(
    r"model[ _]not[ _](found|exist|supported)|not a valid model|unknown model|no such model"
    r"|invalid model( name|:| id)|model\b.{0,120}\b(does not exist|not found|is not available)",
    re.IGNORECASE | re.DOTALL,
)
QUOTA_WORDINGS = re.compile(
    r"insufficient[ _](quota|balance|credits?|funds)|exceeded your current quota", re.IGNORECASE
)
FORMAT_WORDINGS = re.compile(
    r"response[ _]?format|json[ _]?(schema|object|mode)|structured output|grammar", re.IGNORECASE
)


class TryAgain(Exception):  # noqa: N818 - an internal signal, not an error of its own
    """A failure that may pass.

    ``wait`` is the endpoint's own wish in seconds; ``unreached`` says that nobody took the request.
    """

    def __init__(self, message: str, wait: float | None = None, unreached: bool = False) -> None:
        super().__init__(message)
        self.wait = wait
        self.unreached = unreached


class EndpointDown(ModelUnavailable):
    """The endpoint kept failing, or said that it will; another endpoint may take over.

    ``unreached`` says that it was given up quickly, because nobody took the request.
    """

    def __init__(self, message: str, unreached: bool = False) -> None:
        super().__init__(message)
        self.unreached = unreached


def translated(error: Exception, endpoint: Endpoint, settings: str) -> Exception:
    """Return what an error of the SDK means: TryAgain, a ModelError, or ``error`` itself.

    Args:
        error: what the SDK, or the HTTP library below it, raised.
        endpoint: who was asked.
        settings: prefix of the endpoint's settings, for messages: ``LLM`` or ``LLM_FALLBACK``.
    """
    import openai

    if isinstance(error, openai.APIStatusError):
        return _refusal(error, endpoint, settings)
    if isinstance(error, openai.APIConnectionError):
        return _broken_connection(error)
    if isinstance(error, ValueError):
        return TryAgain("The model endpoint sent an answer that is not valid JSON")
    if isinstance(error, openai.APIError):
        return _failure_in_stream(error, endpoint)
    if type(error).__module__.startswith(("httpx", "httpcore")):
        return TryAgain("The connection to the model broke off")
    return error


def wished_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that ``Retry-After`` asks for, given as a number or as an HTTP date."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    wish = headers.get("retry-after", "")
    seconds = _number(wish)
    if seconds is not None:
        return seconds
    try:
        return max(0.0, parsedate_to_datetime(wish).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\s*\d{1,9}(\.\d{0,9})?\s*", text) else None


def _broken_connection(error: openai.APIConnectionError) -> TryAgain:
    import openai

    if type(error.__cause__).__name__ in ("ConnectError", "ConnectTimeout"):  # of the SDK's HTTP library
        return TryAgain("The model endpoint could not be reached", unreached=True)
    if isinstance(error, openai.APITimeoutError):
        return TryAgain("The model did not answer in time")
    return TryAgain("The model endpoint closed the connection without an answer")


def _refusal(error: openai.APIStatusError, endpoint: Endpoint, settings: str) -> Exception:
    status, said = error.status_code, _said(error)
    if status == 413 or (status in CONTEXT_STATUSES and CONTEXT_WORDINGS.search(said)):
        return _context_too_long(f"HTTP {status}", said)
    if status == 402 or QUOTA_WORDINGS.search(said):
        return EndpointDown(f"The account at the model endpoint is used up (HTTP {status})")
    if status in (401, 403) or (status < 500 and KEY_WORDINGS.search(said)):
        return ModelUnavailable(f"The model endpoint refused the API key (HTTP {status}): check {settings}_API_KEY")
    if status == 404 or (status in (400, 422) and MODEL_WORDINGS.search(said)):
        return ModelUnavailable(
            f"The model endpoint does not know the model {endpoint.model!r} (HTTP {status}): "
            f"check {settings}_MODEL and {settings}_BASE_URL"
        )
    if status in PASSING or (status >= 500 and not FORMAT_WORDINGS.search(said)):
        reason = "is busy" if status == 429 else "has a problem"
        return TryAgain(f"The model endpoint {reason} (HTTP {status})", wished_wait(error.response.headers))
    return ModelRejected(_with_complaint(f"The model endpoint rejected the request (HTTP {status})", error), said)


def _failure_in_stream(error: openai.APIError, endpoint: Endpoint) -> Exception:
    """Translate an error that came as an event of a stream that began well."""
    said = _said(error)
    if CONTEXT_WORDINGS.search(said):
        return _context_too_long("said in the stream", said)
    return TryAgain(_with_complaint("The model endpoint broke off its answer", error))


def _context_too_long(where: str, said: str) -> ContextTooLong:
    return ContextTooLong(f"The request is too long for the model's context ({where})", said)


def _said(error: openai.APIError) -> str:
    """Return everything that the endpoint said, code and type included."""
    return f"{error.message} {error.body or ''}"


def _with_complaint(message: str, error: openai.APIError) -> str:
    """Add the endpoint's own names for the error. Its words may quote the request, and messages are logged."""
    body = error.body if isinstance(error.body, dict) else {}
    names = [name for name in (body.get("code"), body.get("type")) if isinstance(name, str) and ERROR_NAME.match(name)]
    return f"{message}: {', '.join(dict.fromkeys(names))}" if names else message
