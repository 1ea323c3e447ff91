"""Asks an OpenAI-compatible endpoint for vectors of meaning. What it is sent has tokens for private values already."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from chalicelib.bounded_http.deadline import Deadline
from chalicelib.bounded_http.post import UnansweredError, post

MOST_TEXTS: Final = 64
"""How many texts one request has."""

_MAX_ANSWER_BYTES: Final = 16 * 1024 * 1024
_MAX_DIMENSIONS: Final = 4_096


class EmbeddingsDownError(Exception):
    """The endpoint gave no vectors; the message says why, without what it was sent."""


@dataclass(frozen=True)
class EmbeddingsEndpoint:
    """An endpoint (``base_url`` up to and including ``/v1``) and a model there; the key may be empty."""

    base_url: str
    model: str
    api_key: str = field(default="", repr=False)


def vectors_of(
    endpoint: EmbeddingsEndpoint, texts: Sequence[str], *, timeout: float, in_all: float
) -> list[list[float]]:
    """Return the vector of each text: one request for each 64 of them.

    Args:
        endpoint: whom to ask.
        texts: what to ask about; nothing in them may be private.
        timeout: how long each request may take, in seconds.
        in_all: how long all of them may take together.

    Raises:
        EmbeddingsDownError: it did not answer in time, or not with vectors.
    """
    found: list[list[float]] = []
    deadline = Deadline(in_all)
    for at in range(0, len(texts), MOST_TEXTS):
        found += _asked(endpoint, texts[at : at + MOST_TEXTS], timeout, deadline)
    if len({len(vector) for vector in found}) > 1:
        raise EmbeddingsDownError("its vectors have different lengths")
    return found


def _asked(endpoint: EmbeddingsEndpoint, texts: Sequence[str], timeout: float, in_all: Deadline) -> list[list[float]]:
    url = f"{endpoint.base_url.rstrip('/')}/embeddings"
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if endpoint.api_key:
        headers["Authorization"] = f"Bearer {endpoint.api_key}"
    body = json.dumps({"model": endpoint.model, "input": list(texts)}).encode()
    try:
        status, answer = post(url, headers, body, deadline=in_all.sooner(timeout), max_answer_bytes=_MAX_ANSWER_BYTES)
    except (UnansweredError, TimeoutError) as error:
        raise EmbeddingsDownError(str(error)) from error
    if status != 200:
        raise EmbeddingsDownError(f"it answered with status {status}")
    return _vectors(answer, len(texts))


def _vectors(answer: bytes, count: int) -> list[list[float]]:
    try:
        data = sorted(json.loads(answer)["data"], key=lambda entry: int(entry["index"]))
        found = [[float(number) for number in entry["embedding"]] for entry in data]
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise EmbeddingsDownError("its answer has no vectors") from error
    if len(found) != count or not all(map(_is_vector, found)):
        raise EmbeddingsDownError("its answer has not one vector for each text")
    return found


def _is_vector(numbers: Sequence[float]) -> bool:
    return 0 < len(numbers) <= _MAX_DIMENSIONS and any(numbers) and all(map(math.isfinite, numbers))
