"""Asks a Presidio analyzer over HTTP: one exchange, bounded in time and in bytes, to the address that is configured."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from chalicelib.bounded_http.deadline import Deadline
from chalicelib.bounded_http.post import UnansweredError, post

_MAX_ANSWER_BYTES: Final = 8_000_000


class AnalyzerDownError(Exception):
    """The analyzer gave no answer; the message quotes nothing of what was sent."""


def analyze(base_url: str, body: Mapping[str, Any], *, timeout: float) -> Any:
    """Return the JSON that the analyzer answers.

    Args:
        base_url: where it is; redirects are not followed.
        body: what ``POST /analyze`` takes.
        timeout: how long the whole of it may take, in seconds.

    Raises:
        AnalyzerDownError: there is no answer, or one that is no JSON.
    """
    # Half of a pair is no text that can be sent; a sign of one character keeps every position.
    content = json.dumps(body).encode("ascii")
    url = f"{base_url.rstrip('/')}/analyze"
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    try:
        status, answer = post(url, headers, content, deadline=Deadline(timeout), max_answer_bytes=_MAX_ANSWER_BYTES)
        if status != 200:
            raise AnalyzerDownError(f"the analyzer answered with status {status}")
        return json.loads(answer)
    except (UnansweredError, ValueError, RecursionError) as error:
        raise AnalyzerDownError(f"the analyzer could not be asked: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    """Return why, without what a message may quote of an answer."""
    return str(error) if isinstance(error, UnansweredError) else type(error).__name__
