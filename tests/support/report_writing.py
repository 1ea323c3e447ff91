"""A report written against the scripted model, by a fixed outline: every request in it is known beforehand."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from chalicelib.domain.document import block_texts
from chalicelib.generation.errors import SourcesGone
from chalicelib.generation.outline import Outline, Part, PlannedSection
from chalicelib.generation.pipeline import (
    Assignment,
    Endpoint,
    Meter,
    ModelClient,
    Written,
    earlier_usage,
    write_report,
)
from chalicelib.generation.scrambling import Texts
from chalicelib.generation.sources import Passage, Retriever
from tests.model_server import ModelServer
from tests.support.scrambled import scrambled

TITLES = ("Alpha", "Beta", "Gamma", "Delta")
ASSIGNMENT = Assignment(
    report_id="r-1",
    title="Letters",
    description="",
    query="Write about the Greek alphabet",
    template_name="Bee",
    created_at="2026-01-20T15:30:00Z",
)


class CancelledError(Exception):
    """What a monitor raises to stop the work."""


@dataclass
class Recorder:
    """A monitor that keeps what it is told; ``stop`` decides when the work must end."""

    stop: Callable[[], bool] = lambda: False
    remaining: Callable[[], float] = lambda: math.inf
    steps: list[tuple[int, str, int]] = field(default_factory=list)
    stored: dict[str, str] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def progress(self, percentage: int, message: str, words: int) -> None:
        with self.lock:
            self.steps.append((percentage, message, words))

    def checkpoint(self, key: str, text: str) -> None:
        with self.lock:
            self.stored[key] = text
            self.order.append(key)

    def check(self) -> None:
        if self.stop():
            raise CancelledError

    def remaining_seconds(self) -> float:
        return self.remaining()

    @property
    def sections(self) -> list[str]:
        """The keys of the finished parts, in the order in which they were stored."""
        return [key for key in self.order if key.startswith("section")]


def fixed_outline(titles: Sequence[str] = TITLES, words: int = 200, summary_words: int = 0) -> dict[str, str]:
    """Return the checkpoints of a report that is planned and not begun: a part of ``words`` words for each title."""
    sections = tuple(
        PlannedSection(title, (Part(title, f"What is there to say about {title}?", words),)) for title in titles
    )
    return {"outline": Outline("the Greek alphabet", sections, summary_words).to_json()}


def write(
    server: ModelServer,
    monitor: Recorder,
    checkpoints: Mapping[str, str],
    *,
    assignment: Assignment = ASSIGNMENT,
    concurrency: int = 4,
    section_words: int = 600,
    max_output_tokens: int = 16384,
    notice: str = "",
    meter: Meter | None = None,
    texts: Texts | None = None,
    retriever: Retriever | None = None,
    asks_opinions: bool = False,
) -> Written:
    """Write a report; ``checkpoints`` may begin it."""
    with ModelClient(Endpoint(server.base_url, "", "scripted-model"), attempts=3) as client:
        return write_report(
            replace(assignment, max_output_tokens=max_output_tokens),
            checkpoints,
            client,
            monitor,
            section_words=section_words,
            concurrency=concurrency,
            notices=[notice] if notice else [],
            meter=meter or Meter({}, before=earlier_usage(checkpoints)),
            texts=texts or scrambled(),
            retriever=retriever,
            asks_opinions=asks_opinions,
        )


@dataclass
class Shelf:
    """A retriever with passages for queries that name their key; ``gone`` says that nobody may read it any more."""

    passages: Sequence[Passage]
    gone: Callable[[], bool] = lambda: False
    notices: Sequence[str] = ()
    asked: list[str] = field(default_factory=list)

    def find(self, query: str, budget_tokens: int) -> list[Passage]:
        self.check()
        self.asked.append(query)
        return [one for one in self.passages if any(word in query for word in one.key.split("+"))]

    def check(self) -> None:
        if self.gone():
            raise SourcesGone("Honey jar not found")


def section_text(written: Written, title: str) -> str:
    """Return the text of one section."""
    section = next(section for section in written.document.sections if section.title == title)
    return "\n".join(block_texts(section.blocks))


def asked_for(server: ModelServer, title: str) -> list[str]:
    """Return the requests for one part, continuations included, as text."""
    return [request.prompt for request in server.requests() if f"Write the part “{title}”" in request.prompt]
