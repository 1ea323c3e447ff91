"""The writing pipeline: plan, write the parts side by side, summarise, assemble.

It knows nothing of queues or databases. What it needs from outside comes in as a
``Monitor`` (where progress and checkpoints go, and who may stop it) and a ``ModelClient``.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.document import Document, word_count
from chalicelib.generation.assemble import WrittenSection, assemble_sections, digest
from chalicelib.generation.errors import GenerationFailed, ModelUnavailable
from chalicelib.generation.length import target_length
from chalicelib.generation.markdown_text import words
from chalicelib.generation.model_client import ModelClient
from chalicelib.generation.outline import Outline, Part, PlannedSection, plan_outline
from chalicelib.generation.prompt import COMPACT_BELOW_WORDS, Prompts
from chalicelib.generation.style import detect_style
from chalicelib.generation.topic import find_topic
from chalicelib.generation.usage import Usage, UsageMeter
from chalicelib.generation.watch import Watch
from chalicelib.generation.writer import Piece, Task, Writer

__all__ = [
    "Assignment",
    "GenerationFailed",
    "ModelClient",
    "Monitor",
    "Usage",
    "Written",
    "write_report",
]

PLANNING = 5
WRITING_FROM, WRITING_TO = 10, 90
ASSEMBLING = 95
MOST_MISSING = 0.5
SUMMARY_FROM_WORDS = 400
DIGEST_SHARE = 3
# Most that a piece's length is changed to make up for the length of earlier ones.
STEERING = (0.8, 1.3)
POLL_SECONDS = 0.5
OUTLINE_KEY = "outline"
SUMMARY_KEY = "summary"


@dataclass(frozen=True)
class Assignment:
    """What to write.

    ``query`` is the user's request; ``created_at`` is UTC in ISO 8601; ``report_style``
    overrides the detected style; ``context`` is background from the caller, already bounded;
    ``max_output_tokens`` is the template's limit for the whole report.
    """

    report_id: str
    title: str
    description: str
    query: str
    template_name: str
    created_at: str
    report_style: str | None = None
    context: str = ""
    max_output_tokens: int = 16384


class Monitor(Protocol):
    """Where the pipeline reports to, and by what it can be stopped.

    Whatever these raise ends all work at once and leaves ``write_report``.
    """

    def progress(self, percentage: int, message: str, words: int) -> None:
        """Take note of the progress: percent, what is being done, words written so far."""

    def checkpoint(self, key: str, text: str) -> None:
        """Store a finished piece durably under ``key``."""

    def check(self) -> None:
        """Raise if the work must not go on (cancelled, lost, out of time)."""


@dataclass(frozen=True)
class Written:
    """A finished report and how it came about; ``usage`` counts this attempt only."""

    document: Document
    detected_style: str
    word_count: int
    model: str
    usage: Usage


def write_report(
    assignment: Assignment,
    checkpoints: Mapping[str, str],
    model: ModelClient,
    monitor: Monitor,
    *,
    section_words: int,
    concurrency: int,
    notice: str,
) -> Written:
    """Write a report and return it as a Document.

    Args:
        assignment: what to write.
        checkpoints: what an earlier attempt stored; those pieces are not written again.
        model: who writes.
        monitor: see ``Monitor``.
        section_words: most words to ask of the model in one request.
        concurrency: most requests at the same time.
        notice: a sentence for the reader about the model; may be empty.

    Raises:
        GenerationFailed: too little could be written, or the endpoint cannot be used.
        Exception: whatever the monitor raised.
    """
    watch = Watch(monitor.check)
    watch.check_now()
    watch.guard(lambda: monitor.progress(PLANNING, "planning", 0))
    style = detect_style(assignment.query, assignment.report_style).style
    length = target_length(assignment.query, style, assignment.max_output_tokens)
    outline = _outline(assignment, checkpoints, monitor, watch, style, length.words, section_words)
    prompts = Prompts(outline, assignment.query, assignment.context, section_words < COMPACT_BELOW_WORDS)
    meter = UsageMeter()
    writer = Writer(model, prompts, meter, watch.check)
    report = _Report(writer, outline, checkpoints, monitor, watch, assignment.title)
    with _model_errors_explained():
        report.write_parts(concurrency)
        report.fail_if_too_little()
        summary = report.write_summary(section_words) if length.words >= SUMMARY_FROM_WORDS else None
    watch.guard(lambda: monitor.progress(ASSEMBLING, "assembling", report.words))
    document = Document(
        report_id=assignment.report_id,
        title=assignment.title,
        description=assignment.description,
        template_name=assignment.template_name,
        style=style,
        created_at=assignment.created_at,
        model=model.model,
        notices=tuple(text for text in (notice, length.notice, report.missing_notice()) if text),
        sections=assemble_sections(summary, report.sections()),
    )
    return Written(document, style, word_count(document), model.model, meter.total)


def _outline(
    assignment: Assignment,
    checkpoints: Mapping[str, str],
    monitor: Monitor,
    watch: Watch,
    style: str,
    length: int,
    section_words: int,
) -> Outline:
    """Return the outline of the earlier attempt, so that its pieces still fit; else a new one."""
    if OUTLINE_KEY in checkpoints:
        try:
            return Outline.from_json(checkpoints[OUTLINE_KEY])
        except ValueError:
            pass  # written by another version: plan afresh
    outline = plan_outline(find_topic(assignment.query, assignment.title), style, length, section_words)
    watch.guard(lambda: monitor.checkpoint(OUTLINE_KEY, outline.to_json()))
    return outline


@contextmanager
def _model_errors_explained() -> Iterator[None]:
    try:
        yield
    except ModelUnavailable as error:
        raise GenerationFailed(f"{error}. Finished sections are kept for a retry.") from error


@dataclass(frozen=True)
class _Slot:
    """One part's place in the report."""

    key: str
    section: PlannedSection
    part: Part


class _Report:
    """The pieces of one report while it is being written."""

    def __init__(
        self,
        writer: Writer,
        outline: Outline,
        checkpoints: Mapping[str, str],
        monitor: Monitor,
        watch: Watch,
        title: str,
    ) -> None:
        self._writer = writer
        self._outline = outline
        self._monitor = monitor
        self._watch = watch
        self._title = title
        self._slots = tuple(_slots(outline))
        self._lock = threading.Lock()
        self._stored_summary = checkpoints.get(SUMMARY_KEY, "")
        self._pieces = {slot.key: Piece(checkpoints[slot.key]) for slot in self._slots if checkpoints.get(slot.key)}

    @property
    def words(self) -> int:
        """Words written so far."""
        return sum(words(text) for text in self._texts())

    def write_parts(self, concurrency: int) -> None:
        """Write every part that is not there yet, several at a time."""
        waiting = [slot for slot in self._slots if slot.key not in self._pieces]
        self._report_progress(waiting[0] if waiting else None)
        with ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="section") as pool:
            running = {pool.submit(self._try_part, slot): slot for slot in waiting}
            try:
                self._collect(running)
            except BaseException as failure:
                self._watch.stop(failure)
                pool.shutdown(wait=True, cancel_futures=True)
                # A thread may have seen a mere consequence first; the first failure counts.
                raise self._watch.failure or failure from None

    def fail_if_too_little(self) -> None:
        """Raise GenerationFailed where more than half of the report is missing."""
        missing = [slot for slot in self._slots if self._pieces[slot.key].missing]
        if len(missing) > MOST_MISSING * len(self._slots):
            reason = self._pieces[missing[0].key].missing
            raise GenerationFailed(
                f"Too little of the report could be written: {len(missing)} of {len(self._slots)} parts "
                f"are missing ({reason})."
            )

    def write_summary(self, section_words: int) -> Piece:
        """Write the executive summary from the finished sections."""
        if self._stored_summary:
            return Piece(self._stored_summary)
        self._watch.check_now()
        self._watch.guard(lambda: self._monitor.progress(WRITING_TO, "writing the executive summary", self.words))
        statements = digest(self.sections(), section_words * DIGEST_SHARE)
        length = self._outline.summary_words
        messages = self._writer.prompts.for_summary(statements, length)
        piece = self._writer.write(Task(messages, length, ("Executive Summary", self._title), tuple))
        self._store(SUMMARY_KEY, piece)
        return piece

    def sections(self) -> list[WrittenSection]:
        """Return the sections with their pieces, in outline order."""
        pieces = iter([self._pieces[slot.key] for slot in self._slots])
        return [WrittenSection(section, [next(pieces) for _ in section.parts]) for section in self._outline.sections]

    def missing_notice(self) -> str:
        """Return a sentence that names what is missing, or nothing."""
        titles = [slot.part.title for slot in self._slots if self._pieces[slot.key].missing]
        return f"Not everything could be written; missing: {', '.join(titles)}." if titles else ""

    def _try_part(self, slot: _Slot) -> Piece:
        try:
            return self._write_part(slot)
        except BaseException as failure:
            self._watch.stop(failure)  # at once, so that no other thread begins a new request
            raise

    def _write_part(self, slot: _Slot) -> Piece:
        self._watch.check_now()
        asked = self._steered(slot.part.words)
        messages = self._writer.prompts.for_part(slot.section, slot.part, asked)
        titles = (slot.part.title, slot.section.title, self._title)
        return self._writer.write(Task(messages, asked, titles, self._texts))

    def _steered(self, planned: int) -> int:
        """Return how many words to ask for, given how short or long the earlier pieces came out."""
        with self._lock:
            written = [(slot, self._pieces[slot.key]) for slot in self._slots if slot.key in self._pieces]
        asked = sum(slot.part.words for slot, piece in written if piece.text)
        got = sum(words(piece.text) for _, piece in written)
        low, high = STEERING
        return round(planned * min(high, max(low, asked / got))) if got else planned

    def _collect(self, running: dict[Future[Piece], _Slot]) -> None:
        """Take in pieces as they are finished; meanwhile keep asking whether to go on."""
        pending = set(running)
        while pending:
            done, pending = wait(pending, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                slot, piece = running[future], future.result()
                with self._lock:
                    self._pieces[slot.key] = piece
                self._store(slot.key, piece)
                self._report_progress(slot)
            self._watch.check()

    def _store(self, key: str, piece: Piece) -> None:
        """Keep a finished piece; a missing one is left out, so that a retry writes it."""
        if not piece.missing:
            self._watch.guard(lambda: self._monitor.checkpoint(key, piece.text))

    def _report_progress(self, slot: _Slot | None) -> None:
        done, total = len(self._pieces), len(self._slots)
        percentage = WRITING_FROM + (WRITING_TO - WRITING_FROM) * done // total
        message = f"writing {min(done + 1, total)} of {total}" + (f": {slot.part.title}" if slot else "")
        self._watch.guard(lambda: self._monitor.progress(percentage, message, self.words))

    def _texts(self) -> Sequence[str]:
        with self._lock:
            return [piece.text for piece in self._pieces.values() if piece.text]


def _slots(outline: Outline) -> Iterator[_Slot]:
    for number, section in enumerate(outline.sections, start=1):
        for index, part in enumerate(section.parts, start=1):
            key = f"section-{number:02}" if len(section.parts) == 1 else f"section-{number:02}-part-{index}"
            yield _Slot(key, section, part)
