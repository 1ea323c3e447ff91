"""One call of the model client: what is asked, who may stop it, and what it has used."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from chalicelib.generation.budget import Meter
from chalicelib.generation.connection import Heard, Request
from chalicelib.generation.errors import ModelUnavailable
from chalicelib.generation.usage import Usage

# What broke off is worth keeping from here on; scripts without spaces are counted in characters.
FEWEST_WORDS_KEPT = 40
FEWEST_CHARACTERS_KEPT = 400
STOP_ASKED_SECONDS = 1.0
STOP_ASKED_CHARACTERS = 1_200  # about 200 words


class Stopped(Exception):  # noqa: N818 - a signal of ``Listener.watch``
    """The caller has heard enough of this answer."""


@dataclass
class Call:
    """See ``ModelClient.complete`` for what the fields mean."""

    request: Request
    check: Callable[[], None]
    remaining_seconds: Callable[[], float]
    stop_when: Callable[[str], bool] | None
    meter: Meter
    used: Usage = field(default_factory=Usage)

    def check_if_over(self) -> None:
        """Let ``check`` raise where the report's time is over."""
        if self.remaining_seconds() <= 0:
            self.check()

    def end_if_over(self) -> None:
        """Raise where the report's time is over, whether or not ``check`` does."""
        self.check_if_over()
        if self.remaining_seconds() <= 0:
            raise ModelUnavailable("The report's time is used up")


class Listener:
    """Looks at one answer while it comes."""

    def __init__(self, call: Call, heard: Heard) -> None:
        self._call = call
        self._heard = heard
        self._asked_at = time.monotonic()
        self._asked_characters = 0

    def watch(self) -> None:
        """Raise what the call's ``check`` raises, or Stopped; to be called several times a second."""
        self._call.check()
        if self._call.stop_when and self._is_due() and self._call.stop_when(self._heard.text):
            raise Stopped

    def _is_due(self) -> bool:
        """Whether enough time, or text, has gone by since the caller was asked last."""
        new = self._heard.characters - self._asked_characters
        due = new >= STOP_ASKED_CHARACTERS or (new and time.monotonic() - self._asked_at >= STOP_ASKED_SECONDS)
        if due:
            self._asked_at, self._asked_characters = time.monotonic(), self._heard.characters
        return bool(due)


def worth_keeping(heard: Heard, request: Request) -> bool:
    """Whether an answer that broke off can be continued; half of a JSON object cannot."""
    text = heard.text
    enough = len(text.split()) >= FEWEST_WORDS_KEPT or len(text) >= FEWEST_CHARACTERS_KEPT
    return enough and request.schema is None
