"""What the server was told to do, and what it has seen. Thread-safe."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.model_server.structured import asked_schema

FAULT_KINDS = {
    "error": "answer `status` (default 500), with `retry_after` seconds and `message` if given",
    "context": "say that the context is too short, in the words of `vendor`",
    "hang": "accept the request and say nothing for `seconds` or until the client leaves",
    "slow": "answer at `tokens_per_second` (default 5)",
    "drop": "close the connection after `after_words` (default 20) words of a stream",
    "stall": "say nothing more after `after_words` words, for `seconds` or until the client leaves",
    "stream_error": "send an error with `message` as an event after `after_words` words of a stream",
    "flood": "never stop, whatever the token limit",
    "unstreamed": "answer as a whole though a stream was asked for",
    "no_usage": "do not say how many tokens were used",
    "empty": "answer nothing, with finish_reason stop",
    "refusal": "decline politely",
    "loop": "repeat one sentence for as long as asked",
    "think": "put a reasoning block before the answer",
    "unclosed_think": "a reasoning block that never ends",
    "echo": "repeat the instructions before the answer",
    "fence": "wrap the whole answer in a code fence",
    "heading": "begin with the section's own title as a heading",
    "short": "stop after `after_words` words with finish_reason stop",
    "length": "stop after `after_words` words with finish_reason length",
    "invalid_json": "answer bytes that are not JSON",
    "text": "answer with exactly `text`",
    "cite": "after the text, say what each source of the request says, cited in many forms, and then `text`",
    "marks": "use every mark of the request that stands for a private value, bent in many ways, and then `text`",
    # These apply to requests for structured output alone:
    "outline_malformed": "break off in the middle of the JSON",
    "outline_duplicate": "repeat the first item of every list",
    "outline_empty": "leave every list empty",
    "outline_blank": "leave every text empty",
    "outline_fenced": "put the JSON into a code fence",
    "outline_prose": "talk instead of answering in JSON",
}

SETTINGS = ("tokens_per_second", "words", "seed", "model", "api_key", "check_model", "json_format")


@dataclass
class Fault:
    """One misbehaviour, for the next ``times`` requests (None: for all) that contain ``match``.

    With ``above_characters`` it concerns longer prompts alone; with ``texts_only`` no request for JSON.
    """

    kind: str
    times: int | None = 1
    match: str = ""
    above_characters: int = 0
    texts_only: bool = False
    vendor: str = "openai"
    status: int = 500
    message: str = ""
    retry_after: float | None = None
    retry_after_as_date: bool = False
    seconds: float = 600
    after_words: int = 20
    tokens_per_second: float = 5
    text: str = ""

    def __post_init__(self) -> None:
        if self.kind not in FAULT_KINDS:
            raise ValueError(f"unknown fault {self.kind!r}: one of {', '.join(FAULT_KINDS)}")

    def concerns(self, prompt: str, structured: bool) -> bool:
        """Whether the fault is for a request with this prompt, for JSON (``structured``) or for text."""
        meant = not self.texts_only if structured else not self.kind.startswith("outline_")
        return meant and self.match in prompt and len(prompt) > self.above_characters


@dataclass
class Received:
    """One request to ``/v1/chat/completions`` and what became of it."""

    index: int
    at: float
    body: dict[str, Any]
    authorization: str
    fault: str | None = None
    outcome: str = "open"  # then: answered, aborted (by the client), dropped (by us)
    seconds: float = 0.0

    @property
    def prompt(self) -> str:
        """All messages of the request as one text."""
        return "\n\n".join(str(m.get("content") or "") for m in self.body.get("messages", []))


@dataclass
class Script:
    """Speed, length and faults; and the record of what came in.

    ``api_key`` refuses every other key, ``check_model`` every other model, and ``json_format`` is the
    strictest response format that is taken: ``json_schema``, ``json_object`` or ``none``.
    """

    tokens_per_second: float = 0
    words: int | None = None
    seed: int = 1
    model: str = "scripted-model"
    api_key: str = ""
    check_model: bool = False
    json_format: str = "json_schema"
    faults: list[Fault] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    in_flight: int = 0
    max_in_flight: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def control(self, order: dict[str, Any]) -> dict[str, Any]:
        """Apply a control message and return the state after it.

        Keys: ``reset`` (forget faults and requests), ``faults`` (appended; each an object with
        ``kind``, see FAULT_KINDS), and what SETTINGS names.

        Raises:
            ValueError, TypeError: an unknown key or fault.
        """
        if unknown := set(order) - {"reset", "faults", *SETTINGS}:
            raise ValueError(f"unknown keys: {', '.join(sorted(unknown))}")
        faults = [Fault(**fault) for fault in order.get("faults", [])]
        with self._lock:
            if order.get("reset"):
                self.faults.clear()
                self.received.clear()
                self.max_in_flight = self.in_flight
            for key in SETTINGS:
                if key in order:
                    setattr(self, key, order[key])
            self.faults.extend(faults)
            return self._state()

    def state(self) -> dict[str, Any]:
        """Return the settings, the faults still to come and the counters."""
        with self._lock:
            return self._state()

    def begin(self, body: dict[str, Any], authorization: str) -> tuple[Received, Fault | None]:
        """Record a request and take the first fault that applies to it."""
        with self._lock:
            received = Received(len(self.received), time.monotonic(), body, authorization)
            self.received.append(received)
            self.in_flight += 1
            self.max_in_flight = max(self.max_in_flight, self.in_flight)
            fault = self._take_fault(received.prompt, structured=asked_schema(body) is not None)
            received.fault = fault.kind if fault else None
            return received, fault

    def end(self, received: Received, outcome: str) -> None:
        """Record how a request ended."""
        with self._lock:
            self.in_flight -= 1
            received.outcome = outcome
            received.seconds = time.monotonic() - received.at

    def record(self) -> list[Received]:
        """Return a copy of the requests so far."""
        with self._lock:
            return list(self.received)

    def _take_fault(self, prompt: str, structured: bool) -> Fault | None:
        for fault in self.faults:
            if not fault.concerns(prompt, structured):
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
            return fault
        return None

    def _state(self) -> dict[str, Any]:
        return {
            **{key: getattr(self, key) for key in SETTINGS},
            "faults": [asdict(fault) for fault in self.faults],
            "requests": len(self.received),
            "in_flight": self.in_flight,
            "max_in_flight": self.max_in_flight,
        }
