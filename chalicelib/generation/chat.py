"""What passes between us and a model: endpoints, messages and answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from chalicelib.generation.usage import Usage


class Message(TypedDict):
    """One message of a conversation with the model."""

    role: str
    content: str


def with_words_added(messages: Sequence[Message], text: str) -> list[Message]:
    """Return the messages with ``text`` as a last paragraph of the last one."""
    *before, last = messages
    return [*before, {"role": last["role"], "content": f"{last['content']}\n\n{text}"}]


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible endpoint (``base_url`` up to and including ``/v1``) and a model there.

    The key may be empty for endpoints that want none.
    """

    base_url: str
    api_key: str = field(repr=False)
    model: str


@dataclass(frozen=True)
class Answer:
    """What the model said and why it stopped.

    ``finish_reason`` is the endpoint's own (``stop``, ``length``, …), or ``stopped`` where the
    caller ended the answer. ``usage`` counts every try that this answer took, and has no cost:
    a client knows no prices. ``model`` is the one that answered: the fallback's, at times.
    """

    text: str
    finish_reason: str
    usage: Usage
    model: str
