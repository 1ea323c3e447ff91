"""How long a 4,500-word report takes, against one completion of the same length from the same endpoint.

Both are asked of the scripted model server, which gives every request a fixed 30 tokens a second, in the same
run. The report is the whole pipeline: outline, parts side by side, checking, executive summary. The serial
completion is measured on its first words and scaled up, as its rate does not change. Ends with status 1 where
the report takes more than a quarter of the time.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from chalicelib.generation.pipeline import Assignment, Endpoint, Meter, ModelClient, Written, write_report
from tests.model_server import ModelServer
from tests.support.report_writing import Recorder
from tests.support.scrambled import scrambled

WORDS = 4500
TOKENS_PER_SECOND = 30
CONCURRENCY = 8
SECTION_WORDS = 600
MEASURED_WORDS = 300
MOST = 0.25
QUERY = f"Provide a {WORDS} word technical analysis of zero-trust architecture for enterprise networks."


@dataclass
class Steps(Recorder):
    """A monitor that notes when each stage began, in seconds from the start."""

    started: float = field(default_factory=time.monotonic)
    stages: dict[str, float] = field(default_factory=dict)

    def progress(self, percentage: int, message: str, words: int) -> None:
        stage = "writing the parts" if message[:9].startswith("writing ") and ":" in message else message
        self.stages.setdefault(stage, time.monotonic() - self.started)


def serial_seconds_per_token(model: ModelClient) -> float:
    """Return how long one token takes in one long completion; the client is loaded and connected before."""
    model.complete([{"role": "user", "content": "Say one word."}], max_tokens=1, check=lambda: None)
    started = time.monotonic()
    prompt = f"Write about zero-trust architecture in about {MEASURED_WORDS} words."
    answer = model.complete([{"role": "user", "content": prompt}], max_tokens=2 * MEASURED_WORDS, check=lambda: None)
    return (time.monotonic() - started) / answer.usage.tokens_out


def report(model: ModelClient, steps: Steps) -> Written:
    """Write the report as a worker does."""
    assignment = Assignment("bench", "Zero trust", "", QUERY, "Bee", "2026-01-01T00:00:00Z")
    return write_report(
        assignment,
        {},
        model,
        steps,
        section_words=SECTION_WORDS,
        concurrency=CONCURRENCY,
        notices=(),
        meter=Meter({}),
        texts=scrambled(),
    )


def main() -> int:
    with (
        ModelServer(tokens_per_second=TOKENS_PER_SECOND) as server,
        ModelClient(Endpoint(server.base_url, "", "scripted-model")) as model,
    ):
        each = serial_seconds_per_token(model)
        steps = Steps()
        written = report(model, steps)
        seconds = time.monotonic() - steps.started
    serial = written.word_count * each
    print(f"one completion: {each * 1000:.1f} ms a token, so {serial:6.1f} s for {written.word_count:,} words")
    print(f"the report:     {written.usage.calls} requests, {CONCURRENCY} at a time, {seconds:6.1f} s")
    for stage, begun in steps.stages.items():
        print(f"                from {begun:5.1f} s: {stage}")
    print(f"ratio:          {seconds / serial:.3f} (at most {MOST})")
    return 0 if seconds <= MOST * serial else 1


if __name__ == "__main__":
    sys.exit(main())
