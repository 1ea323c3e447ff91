"""The writing pipeline: plan, write the parts side by side, check them, summarise, assemble.

It knows nothing of queues or databases. What it needs from outside comes in as a
``Monitor`` (where progress and checkpoints go, and who may stop it) and a ``ModelClient``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import zip_longest

from chalicelib.domain.citations import Citations
from chalicelib.domain.document import Document, Reference, Section, block_texts, word_count
from chalicelib.domain.language import language_of
from chalicelib.generation.asking import Asker, usage_from_json
from chalicelib.generation.assemble import SUMMARY_TITLE, Assembled, WrittenSection, assemble_sections
from chalicelib.generation.assignment import Assignment, EarlierReport
from chalicelib.generation.budget import Meter
from chalicelib.generation.checking import Checking
from chalicelib.generation.citation_marks import cited_numbers
from chalicelib.generation.citation_report import citations_section, references_of
from chalicelib.generation.citing import Citing
from chalicelib.generation.correcting import Correcting
from chalicelib.generation.digest import Digest
from chalicelib.generation.drafting import SUMMARY_KEY, Drafting
from chalicelib.generation.errors import GenerationFailed, ModelUnavailable
from chalicelib.generation.journal import USAGE_KEY, Journal, Monitor
from chalicelib.generation.length import TOKENS_PER_WORD, target_length
from chalicelib.generation.limits import cut_to_limit
from chalicelib.generation.markdown_text import cut_to, words
from chalicelib.generation.model_client import Endpoint, ModelClient
from chalicelib.generation.outline import Outline
from chalicelib.generation.planning import OUTLINE_KEY, Plan, plan_report
from chalicelib.generation.prompt import COMPACT_BELOW_WORDS, Prompts
from chalicelib.generation.quotes import NOTICE as QUOTED
from chalicelib.generation.quotes import SECTION_WORDS, as_block, quotes_for, quotes_in
from chalicelib.generation.report_parts import ReportParts
from chalicelib.generation.restoring import Restoring
from chalicelib.generation.scrambling import (
    WITHHELD,
    ScrambledModel,
    Scrambling,
    Texts,
    Unscrambled,
    hidden_assignment,
)
from chalicelib.generation.second_opinion import Opinions
from chalicelib.generation.sources import Retriever, has_sources, sources_of
from chalicelib.generation.style import detect_style
from chalicelib.generation.usage import Usage
from chalicelib.generation.watch import Watch
from chalicelib.generation.writer import Piece, Writer

RETRIEVING = 8
# How many tokens the sources of a part may take.
SOURCE_BUDGET = 2_400
COMPACT_SOURCE_BUDGET = 700
NOTHING_FOUND = (
    "Nothing in the sources fits this report, so it was written without them and cites nothing: it says what a "
    "model knows."
)
NOTHING_CITED = (
    "Sources were found for this report, but no sentence of it cites one: what it says was compared with nothing."
)
NOTHING_FOUND_FOR_SECTION = "The sources say nothing on this section."

__all__ = [
    "Assignment",
    "EarlierReport",
    "Endpoint",
    "GenerationFailed",
    "Meter",
    "ModelClient",
    "Monitor",
    "Scrambling",
    "Unscrambled",
    "Usage",
    "Written",
    "earlier_usage",
    "write_report",
]


@dataclass(frozen=True)
class Written:
    """A finished report and how it came about; ``usage`` counts all attempts, ``citations`` its sentences that cite."""

    document: Document
    detected_style: str
    style_reasons: tuple[str, ...]
    word_count: int
    model: str
    usage: Usage
    citations: Citations | None = None


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
    notices: Sequence[str],
    meter: Meter,
    texts: Texts,
    retriever: Retriever | None = None,
    asks_opinions: bool = False,
) -> Written:
    """Write a report and return it as a Document.

    Args:
        assignment: what to write.
        checkpoints: what an earlier attempt stored; those pieces are not written again.
        model: who writes.
        monitor: see ``Monitor``.
        section_words: most words to ask of the model in one request.
        concurrency: most requests at the same time.
        notices: sentences for the reader on how it was written.
        meter: counts what is used and keeps the cost limit; made with ``earlier_usage``.
        texts: how what is private is kept from the model, and put back.
        retriever: finds the sources that the report is written from and cites; None: it has none.
        asks_opinions: whether the model is asked on citations where rules cannot tell if they hold.

    Raises:
        PrivacyFailed: it could not be kept from the model, so nothing more was sent.
        SourcesGone: the sources may not be read (any more).
        GenerationFailed: too little could be written, or the endpoint cannot be used.
        Exception: whatever the monitor raised.
    """
    watch = Watch(monitor.check, monitor.remaining_seconds)
    watch.check_now()
    order = hidden_assignment(assignment, texts)
    texts.secure()
    journal = Journal(monitor, watch, meter, texts)
    asker = Asker(ScrambledModel(model, texts), meter, watch, journal.keep_usage)
    detected = detect_style(assignment.query, assignment.report_style)
    if retriever and not has_sources(checkpoints):
        checkpoints = {key: text for key, text in checkpoints.items() if key in (OUTLINE_KEY, USAGE_KEY)}
    length = target_length(
        assignment.query, detected.style, assignment.max_output_tokens, template_default=assignment.default_words
    )
    plan = Plan(order, detected.style, length.words, section_words, concurrency)
    with _model_errors_explained():
        outline = plan_report(plan, checkpoints, asker, journal, texts)
        prompts = _prompts(order, detected.style, outline, section_words, cites=retriever is not None)
        work = _Work(asker, journal, watch, checkpoints, texts)
        report = _Report(plan, outline, prompts, work, retriever, asks_opinions=asks_opinions)
        report.write(concurrency)
    assembled = report.assembled
    told = [*notices, length.notice, *map(texts.show, report.notices())]
    document = _restored(
        Document(
            report_id=assignment.report_id,
            title=assignment.title,
            description=assignment.description,
            template_name=assignment.template_name,
            style=detected.style,
            created_at=assignment.created_at,
            model=model.model,
            notices=tuple(text for text in told if text),
            sections=assembled.sections,
            footnotes=assembled.footnotes,
            references=report.references(),
            closing=report.closing(),
        ),
        texts,
    )
    words = word_count(document)
    return Written(document, detected.style, detected.reasons, words, model.model, meter.total, report.citations)


def _restored(document: Document, texts: Texts) -> Document:
    """Return a document as its owner sees it: with private values, its language, and a word on what is withheld."""
    restoring = Restoring(texts)
    shown = restoring.restored(document)
    language = language_of(text for section in shown.sections for text in block_texts(section.blocks))
    notices = (*shown.notices, *([_withheld(restoring.withheld)] if restoring.withheld else []))
    return shown.model_copy(update={"language": language, "notices": notices})


def _withheld(times: int) -> str:
    places = "one place" if times == 1 else f"{times} places"
    return f"In {places} a private value could not be put back into the text; {WITHHELD} stands there."


def _prompts(assignment: Assignment, style: str, outline: Outline, section_words: int, *, cites: bool) -> Prompts:
    return Prompts(
        outline,
        assignment.query,
        assignment.context,
        compact=section_words < COMPACT_BELOW_WORDS,
        title=assignment.title,
        style=style,
        conversation=assignment.conversation,
        cites=cites,
    )


@contextmanager
def _model_errors_explained() -> Iterator[None]:
    try:
        yield
    except ModelUnavailable as error:
        raise GenerationFailed(f"{error}. Finished sections are kept for a retry.") from error


@dataclass(frozen=True)
class _Work:
    """What the writing of one report goes through, and what an earlier attempt has left of it."""

    asker: Asker
    journal: Journal
    watch: Watch
    checkpoints: Mapping[str, str]
    texts: Texts


def _nothing() -> None:
    """Look at nothing, in a report without sources."""


class _Report:
    """One report on its way from the outline to its sections."""

    def __init__(
        self,
        plan: Plan,
        outline: Outline,
        prompts: Prompts,
        work: _Work,
        retriever: Retriever | None,
        *,
        asks_opinions: bool,
    ) -> None:
        asker, journal, watch, checkpoints = work.asker, work.journal, work.watch, work.checkpoints
        self._assignment = plan.assignment
        self._outline = outline
        self._asker = asker
        self._checkpoints = checkpoints
        self._texts = work.texts
        self._section_words = plan.section_words
        self._parts = ReportParts(outline, checkpoints)
        self._citing: Citing | None = None
        self._quoted: Sequence[Digest] = ()
        if retriever:
            journal.progress(RETRIEVING, "looking for sources", 0)
            budget = COMPACT_SOURCE_BUDGET if prompts.compact else SOURCE_BUDGET
            book = sources_of(
                self._parts.slots, outline.topic, retriever, budget, checkpoints, journal, work.texts, watch
            )
            opinions = Opinions(asker, journal, checkpoints) if asks_opinions else None
            self._citing = Citing(book, journal, checkpoints, opinions)
            if prompts.compact:
                sections = self._parts.slots_by_section()
                most = min(SECTION_WORDS, self._most_words // (2 * max(1, len(sections))))
                self._quoted = quotes_for(sections, plan.topic, book, most)
        writer = Writer(asker, prompts)
        check_access = retriever.check if retriever else _nothing
        self._drafting = Drafting(
            self._parts, writer, asker, journal, watch, plan.assignment.title, self._citing, check_access
        )
        self._checking = Checking(self._parts, self._drafting, writer, journal, watch, checkpoints)
        self._correcting: Correcting | None = None
        if self._citing and not prompts.compact:
            self._correcting = Correcting(self._parts, self._drafting, self._citing, writer, journal, watch)
        self._summary: Piece | None = None
        self._was_cut = False

    def write(self, concurrency: int) -> None:
        """Write all of it: the parts, what checking them asks for, the summary."""
        self._drafting.write_parts(concurrency)
        self._checking.check(concurrency)
        if self._correcting:
            self._correcting.correct(concurrency)
        self._cut_parts()
        if self._outline.summary_words:
            stored = self._checkpoints.get(SUMMARY_KEY, "")
            piece = self._drafting.write_summary(self._outline.summary_words, self._section_words, stored)
            self._summary = self._cut_summary(piece)

    @cached_property
    def assembled(self) -> Assembled:
        """The sections of the document and their footnotes, with a mark at what no source supports, once written."""
        citing = self._citing
        sections = self._parts.by_section()
        if citing is None:
            return assemble_sections(self._summary, [WrittenSection(section, pieces) for section, pieces in sections])
        slots = iter(self._parts.slots)
        written = []
        for (section, pieces), quoted in zip_longest(sections, self._quoted):
            found = [bool(citing.book.of(next(slots).key)) for _ in pieces]
            lead = "" if any(found) or citing.book.is_empty else NOTHING_FOUND_FOR_SECTION
            quotes = as_block(quoted) if quoted and quoted.paragraphs else None
            written.append(WrittenSection(section, [self._marked(piece) for piece in pieces], lead, quotes))
        return assemble_sections(self._summary and self._marked(self._summary), written, citing.book.numbers)

    def _marked(self, piece: Piece) -> Piece:
        return replace(piece, text=self._citing.marked(piece.text)) if self._citing else piece

    @property
    def citations(self) -> Citations | None:
        """What came of checking the citations, without private values; None in a report without sources.

        They stand in the document alone: what is kept beside it may be backed up where nobody can delete it.
        """
        return self._counted(self._citing, self._texts.masked) if self._citing else None

    def references(self) -> tuple[Reference, ...]:
        """Return the sources that are cited."""
        return references_of(self._citing.book, self.assembled.numbers) if self._citing else ()

    def closing(self) -> tuple[Section, ...]:
        """Return the section on the citations; none in a report without sources."""
        if self._citing is None or self._citing.book.is_empty:
            return ()
        quoted = {section.title for section in self._quoted if section.paragraphs}
        uncited = [
            slot.name
            for slot, text in self._parts.written
            if not cited_numbers(text) and slot.section.title not in quoted
        ]
        return (citations_section(self._counted(self._citing, str), uncited, len(quotes_in(self._quoted))),)

    def _counted(self, citing: Citing, show: Callable[[str], str]) -> Citations:
        summary = [self._summary.text] if self._summary else []
        texts = [*summary, *(text for _, text in self._parts.written)]
        counted = citing.counted(texts, self.assembled.numbers, show)
        quotes = len(quotes_in(self._quoted))
        return replace(counted, claims=counted.claims + quotes, supported=counted.supported + quotes)

    def notices(self) -> Iterator[str]:
        """Yield what the reader must know: what was cut, why it ends early, what is missing."""
        if self._citing:
            yield from self._citing.book.notices
            if self._citing.book.is_empty:
                yield NOTHING_FOUND
            elif not self.assembled.numbers:
                yield NOTHING_CITED
        if quotes_in(self._quoted):
            yield QUOTED
        if self._was_cut:
            yield f"The text was cut: the template allows {self._assignment.max_output_tokens:,} tokens."
        missing = [slot.name for slot in self._parts.missing]
        if self._summary and self._summary.missing:
            missing = [SUMMARY_TITLE, *missing]
        if missing and self._asker.spent:
            yield f"{self._asker.spent}."
        if missing:
            yield f"Not everything could be written; missing: {', '.join(missing)}."

    @property
    def _most_words(self) -> int:
        """How many words the template allows."""
        return int(self._assignment.max_output_tokens / TOKENS_PER_WORD)

    @property
    def _quoted_words(self) -> int:
        return sum(words(quote.text) + 1 for quote in quotes_in(self._quoted))  # and its citation

    def _cut_parts(self) -> None:
        """Cut the parts to what the template allows; always the same, so it is not stored."""
        written = self._parts.written
        headings = sum(words(title) for title in self._outline.titles) + sum(words(s.part.title) for s, _ in written)
        allowed = self._most_words - self._outline.summary_words - headings - self._quoted_words
        texts = [text for _, text in written]
        cut = cut_to_limit(texts, [slot.part.words for slot, _ in written], max(0, allowed))
        for (slot, text), shorter in zip(written, cut, strict=True):
            if shorter != text:
                self._was_cut = True
                self._parts[slot] = Piece(shorter)

    def _cut_summary(self, piece: Piece) -> Piece:
        allowed = self._most_words - self._parts.words - self._quoted_words
        allowed = max(allowed, self._outline.summary_words)
        if words(piece.text) <= allowed:
            return piece
        self._was_cut = True
        return Piece(cut_to(piece.text, allowed))
