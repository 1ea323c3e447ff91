"""What the server was told to do, and what it has seen. Thread-safe."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any

FAULT_KINDS = {
    "error": "answer `status` (default 500), with `retry_after` seconds and `message` if given",
    "hang": "accept the request and say nothing for `seconds` or until the client leaves",
    "slow": "answer at `tokens_per_second` (default 5)",
    "drop": "close the connection after `after_words` (default 20) words of a stream",
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
}


@dataclass
class Fault:
    """One misbehaviour, for the next ``times`` requests (None: for all) that contain ``match``."""

    kind: str
    times: int | None = 1
    match: str = ""
    status: int = 500
    message: str = ""
    retry_after: float | None = None
    seconds: float = 600
    after_words: int = 20
    tokens_per_second: float = 5
    text: str = ""

    def __post_init__(self) -> None:
        if self.kind not in FAULT_KINDS:
            raise ValueError(f"unknown fault {self.kind!r}: one of {', '.join(FAULT_KINDS)}")


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
    """Speed, length and faults; and the record of what came in."""

    tokens_per_second: float = 0
    words: int | None = None
    seed: int = 1
    model: str = "scripted-model"
    faults: list[Fault] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    in_flight: int = 0
    max_in_flight: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def control(self, order: dict[str, Any]) -> dict[str, Any]:
        """Apply a control message and return the state after it.

        Keys: ``reset`` (forget faults and requests), ``tokens_per_second``, ``words``, ``seed``,
        ``model``, ``faults`` (appended; each an object with ``kind``, see FAULT_KINDS).

        Raises:
            ValueError, TypeError: an unknown key or fault.
        """
        known = {"reset", "faults", "tokens_per_second", "words", "seed", "model"}
        if unknown := set(order) - known:
            raise ValueError(f"unknown keys: {', '.join(sorted(unknown))}")
        faults = [Fault(**fault) for fault in order.get("faults", [])]
        with self._lock:
            if order.get("reset"):
                self.faults.clear()
                self.received.clear()
                self.max_in_flight = self.in_flight
            for key in ("tokens_per_second", "words", "seed", "model"):
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
            fault = self._take_fault(received.prompt)
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

    def _take_fault(self, prompt: str) -> Fault | None:
        for fault in self.faults:
            if fault.match not in prompt:
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
            return fault
        return None

    def _state(self) -> dict[str, Any]:
        return {
            "tokens_per_second": self.tokens_per_second,
            "words": self.words,
            "seed": self.seed,
            "model": self.model,
            "faults": [asdict(fault) for fault in self.faults],
            "requests": len(self.received),
            "in_flight": self.in_flight,
            "max_in_flight": self.max_in_flight,
        }
