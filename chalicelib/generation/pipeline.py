"""The writing pipeline: plan, write the parts side by side, check them, summarise, assemble.

It knows nothing of queues or databases. What it needs from outside comes in as a
``Monitor`` (where progress and checkpoints go, and who may stop it) and a ``ModelClient``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from chalicelib.domain.document import Document, block_texts, word_count
from chalicelib.domain.language import language_of
from chalicelib.generation.asking import Asker, usage_from_json
from chalicelib.generation.assemble import SUMMARY_TITLE, Assembled, WrittenSection, assemble_sections
from chalicelib.generation.assignment import Assignment, EarlierReport
from chalicelib.generation.budget import Meter
from chalicelib.generation.checking import Checking
from chalicelib.generation.drafting import SUMMARY_KEY, Drafting
from chalicelib.generation.errors import GenerationFailed, ModelUnavailable
from chalicelib.generation.journal import USAGE_KEY, Journal, Monitor
from chalicelib.generation.length import TOKENS_PER_WORD, target_length
from chalicelib.generation.limits import cut_to_limit
from chalicelib.generation.markdown_text import cut_to, words
from chalicelib.generation.model_client import Endpoint, ModelClient
from chalicelib.generation.outline import Outline
from chalicelib.generation.planning import Plan, plan_report
from chalicelib.generation.prompt import COMPACT_BELOW_WORDS, Prompts
from chalicelib.generation.report_parts import ReportParts
from chalicelib.generation.style import detect_style
from chalicelib.generation.usage import Usage
from chalicelib.generation.watch import Watch
from chalicelib.generation.writer import Piece, Writer

__all__ = [
    "Assignment",
    "EarlierReport",
    "Endpoint",
    "GenerationFailed",
    "Meter",
    "ModelClient",
    "Monitor",
    "Usage",
    "Written",
    "earlier_usage",
    "write_report",
]


@dataclass(frozen=True)
class Written:
    """A finished report and how it came about; ``usage`` counts all attempts."""

    document: Document
    detected_style: str
    style_reasons: tuple[str, ...]
    word_count: int
    model: str
    usage: Usage


def earlier_usage(checkpoints: Mapping[str, str]) -> Usage:
    """Return what earlier attempts used, for the meter that goes on counting."""
    return usage_from_json(checkpoints.get(USAGE_KEY, ""))


def write_report(
    assignment: Assignment,
    checkpoints: Mapping[str, str],
    model: ModelClient,
    monitor: Monitor,
    *,
    section_words: int,
    concurrency: int,
    notice: str,
    meter: Meter,
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
        meter: counts what is used and keeps the cost limit; made with ``earlier_usage``.

    Raises:
        GenerationFailed: too little could be written, or the endpoint cannot be used.
        Exception: whatever the monitor raised.
    """
    watch = Watch(monitor.check, monitor.remaining_seconds)
    watch.check_now()
    journal = Journal(monitor, watch, meter)
    asker = Asker(model, meter, watch, journal.keep_usage)
    detected = detect_style(assignment.query, assignment.report_style)
    length = target_length(
        assignment.query, detected.style, assignment.max_output_tokens, template_default=assignment.default_words
    )
    plan = Plan(assignment, detected.style, length.words, section_words, concurrency)
    with _model_errors_explained():
        outline = plan_report(plan, checkpoints, asker, journal)
        prompts = _prompts(assignment, detected.style, outline, section_words)
        report = _Report(assignment, outline, prompts, asker, journal, watch, checkpoints, section_words)
        report.write(concurrency)
    assembled = report.assembled()
    texts = (text for section in assembled.sections for text in block_texts(section.blocks))
    document = Document(
        report_id=assignment.report_id,
        title=assignment.title,
        description=assignment.description,
        template_name=assignment.template_name,
        style=detected.style,
        language=language_of(texts),
        created_at=assignment.created_at,
        model=model.model,
        notices=tuple(text for text in (notice, length.notice, *report.notices()) if text),
        sections=assembled.sections,
        footnotes=assembled.footnotes,
    )
    return Written(document, detected.style, detected.reasons, word_count(document), model.model, meter.total)


def _prompts(assignment: Assignment, style: str, outline: Outline, section_words: int) -> Prompts:
    return Prompts(
        outline,
        assignment.query,
        assignment.context,
        compact=section_words < COMPACT_BELOW_WORDS,
        title=assignment.title,
        style=style,
        conversation=assignment.conversation,
    )


@contextmanager
def _model_errors_explained() -> Iterator[None]:
    try:
        yield
    except ModelUnavailable as error:
        raise GenerationFailed(f"{error}. Finished sections are kept for a retry.") from error


class _Report:
    """One report on its way from the outline to its sections."""

    def __init__(
        self,
        assignment: Assignment,
        outline: Outline,
        prompts: Prompts,
        asker: Asker,
        journal: Journal,
        watch: Watch,
        checkpoints: Mapping[str, str],
        section_words: int,
    ) -> None:
        self._assignment = assignment
        self._outline = outline
        self._asker = asker
        self._checkpoints = checkpoints
        self._section_words = section_words
        self._parts = ReportParts(outline, checkpoints)
        writer = Writer(asker, prompts)
        self._drafting = Drafting(self._parts, writer, asker, journal, watch, assignment.title)
        self._checking = Checking(self._parts, self._drafting, writer, journal, watch, checkpoints)
        self._summary: Piece | None = None
        self._was_cut = False

    def write(self, concurrency: int) -> None:
        """Write all of it: the parts, what checking them asks for, the summary."""
        self._drafting.write_parts(concurrency)
        self._checking.check(concurrency)
        self._cut_parts()
        if self._outline.summary_words:
            stored = self._checkpoints.get(SUMMARY_KEY, "")
            piece = self._drafting.write_summary(self._outline.summary_words, self._section_words, stored)
            self._summary = self._cut_summary(piece)

    def assembled(self) -> Assembled:
        """Return the sections of the document and their footnotes."""
        written = [WrittenSection(section, pieces) for section, pieces in self._parts.by_section()]
        return assemble_sections(self._summary, written)

    def notices(self) -> Iterator[str]:
        """Yield what the reader must know: what was cut, why it ends early, what is missing."""
        if self._was_cut:
            yield f"The text was cut: the template allows {self._assignment.max_output_tokens:,} tokens."
        missing = [slot.name for slot in self._parts.missing]
        if self._summary and self._summary.missing:
            missing = [SUMMARY_TITLE, *missing]
        if missing and self._asker.spent:
            yield f"{self._asker.spent}."
        if missing:
            yield f"Not everything could be written; missing: {', '.join(missing)}."

    def _cut_parts(self) -> None:
        """Cut the parts to what the template allows; always the same, so it is not stored."""
        written = self._parts.written
        headings = sum(words(title) for title in self._outline.titles) + sum(words(s.part.title) for s, _ in written)
        allowed = int(self._assignment.max_output_tokens / TOKENS_PER_WORD) - self._outline.summary_words - headings
        texts = [text for _, text in written]
        cut = cut_to_limit(texts, [slot.part.words for slot, _ in written], max(0, allowed))
        for (slot, text), shorter in zip(written, cut, strict=True):
            if shorter != text:
                self._was_cut = True
                self._parts[slot] = Piece(shorter)

    def _cut_summary(self, piece: Piece) -> Piece:
        allowed = int(self._assignment.max_output_tokens / TOKENS_PER_WORD) - self._parts.words
        allowed = max(allowed, self._outline.summary_words)
        if words(piece.text) <= allowed:
            return piece
        self._was_cut = True
        return Piece(cut_to(piece.text, allowed))
