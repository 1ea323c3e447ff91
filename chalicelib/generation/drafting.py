"""Writes the parts of a report side by side, and its summary from them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from chalicelib.generation.asking import Asker
from chalicelib.generation.assemble import SUMMARY_TITLE, WrittenSection, digest
from chalicelib.generation.chat import Message
from chalicelib.generation.citation_marks import Cited, cited_numbers, without_citations
from chalicelib.generation.citing import Citing
from chalicelib.generation.errors import BudgetSpent, CostLimitReached, GenerationFailed
from chalicelib.generation.journal import Journal
from chalicelib.generation.markdown_text import words
from chalicelib.generation.outline import PlannedSection
from chalicelib.generation.prompt import Detail
from chalicelib.generation.report_parts import ReportParts, Slot, planned
from chalicelib.generation.side_by_side import side_by_side
from chalicelib.generation.watch import Watch
from chalicelib.generation.writer import Piece, Task, Writer

WRITING_FROM, WRITING_TO = 10, 84
SUMMARISING = 90
MOST_MISSING = 0.5
SUMMARY_KEY = "summary"
# How long the digest is that the summary is written from, in lengths of one request.
DIGEST_SHARES = {Detail.FULL: 3.0, Detail.SHORT: 1.5, Detail.BARE: 0.6}
# Most that a piece's length is changed to make up for the length of earlier ones.
STEERING = (0.8, 1.3)
BUDGET_REASON = "the report's cost limit was reached"


class Drafting:
    """Has the parts of one report written."""

    def __init__(
        self,
        parts: ReportParts,
        writer: Writer,
        asker: Asker,
        journal: Journal,
        watch: Watch,
        title: str,
        citing: Citing | None = None,
        check_access: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare to write.

        Args:
            parts: what there is to write.
            writer: writes it.
            asker: knows why nothing is asked any more.
            journal: where it is kept.
            watch: may stop it.
            title: the report's.
            citing: knows the sources of each part, where the report has any.
            check_access: called before sources are shown; what it raises ends the report.
        """
        self._parts = parts
        self._writer = writer
        self._asker = asker
        self._journal = journal
        self._watch = watch
        self._title = title
        self._citing = citing
        self._check_access = check_access
        # The numbers of the sources that each part was shown last.
        self._shown: dict[str, tuple[int, ...]] = {}

    def write_parts(self, concurrency: int) -> None:
        """Write what is not written yet, at most ``concurrency`` parts at a time.

        Raises:
            GenerationFailed: too little of the report could be written.
        """
        waiting = self._parts.waiting
        if waiting:
            self._show_progress()
        order = waiting if concurrency == 1 or len(waiting) <= concurrency else _longest_first(waiting)
        side_by_side(order, self._write, self._take_in, concurrency=concurrency, watch=self._watch)
        self._fail_if_too_little()

    def write_summary(self, words_wanted: int, section_words: int, stored: str) -> Piece:
        """Return the executive summary, written from the finished parts unless it is ``stored``.

        Args:
            words_wanted: its length.
            section_words: most words to ask of the model in one request; bounds what it is shown.
            stored: the summary of an earlier attempt, or nothing.
        """
        if stored:
            return Piece(stored)
        self._journal.progress(SUMMARISING, "writing the executive summary", self._parts.words)
        sections = [self._told(section, pieces) for section, pieces in self._parts.by_section()]
        numbers = {number for section in sections for piece in section.pieces for number in cited_numbers(piece.text)}

        def request(detail: Detail) -> Sequence[Message]:
            statements = digest(sections, round(section_words * DIGEST_SHARES[detail]))
            return self._writer.prompts.for_summary(statements, words_wanted, detail=detail)

        task = Task(request, words_wanted, (SUMMARY_TITLE, self._title), tuple)
        try:
            piece = self._writer.write(task)
        except BudgetSpent:
            return Piece("", BUDGET_REASON)
        if not piece.missing:
            piece = Piece(self._corrected_summary(piece.text, task, numbers))
            self._journal.keep_text(SUMMARY_KEY, piece.text)
        return piece

    def _told(self, section: PlannedSection, pieces: Sequence[Piece]) -> WrittenSection:
        """Return a section as the summary is told of it: without what its sources do not support."""
        if self._citing is None:
            return WrittenSection(section, pieces)
        texts = [self._citing.trusted(piece.text) for piece in pieces]
        if self._writer.prompts.compact:
            texts = list(map(without_citations, texts))
        return WrittenSection(section, [replace(piece, text=text) for piece, text in zip(pieces, texts, strict=True)])

    def _corrected_summary(self, text: str, task: Task, numbers: Collection[int]) -> str:
        """Return the summary with its citations in one form, asked for once more where some do not hold."""
        if self._citing is None:
            return text
        cited = self._citing.in_one_form(text, numbers)
        if not self._writer.prompts.compact and self._citing.doubtful(cited.text):
            revised = self._citing.in_one_form(self._citing.revised(cited.text, task, self._writer) or "", numbers)
            cited = revised if self._citing.is_better(revised.text, cited.text) else cited
        return self._citing.note_kept(SUMMARY_KEY, cited)

    def finished(self, slot: Slot, text: str, before: str = "", *, goes_on: bool = False) -> str:
        """Return the text of a part as it is kept: with its citations in one form.

        Args:
            slot: the part.
            text: what the model wrote.
            before: the text of the part until now, if it has one: what that cites may be cited.
            goes_on: whether the new text begins with that.
        """
        if self._citing is None:
            return text
        return self._citing.note_kept(slot.key, self.cited(slot, text, before), goes_on=goes_on)

    def cited(self, slot: Slot, text: str, before: str = "") -> Cited:
        """Return a text for a part with its citations in one form, without those of sources that it was not shown."""
        if self._citing is None:
            return Cited(text)
        return self._citing.in_one_form(text, {*self._shown.get(slot.key, ()), *cited_numbers(before)})

    def task(self, slot: Slot, words_wanted: int) -> Task:
        """Return the order for one part in about ``words_wanted`` words, if its sources may be shown.

        Raises:
            Exception: what ``check_access`` raised.
        """
        self._check_access()

        def request(detail: Detail) -> Sequence[Message]:
            sources = self._citing.book.of(slot.key) if self._citing else ()
            self._shown[slot.key] = self._writer.prompts.shown(sources, detail)
            return self._writer.prompts.for_part(slot.section, slot.part, words_wanted, detail=detail, sources=sources)

        titles = (slot.part.title, slot.section.title, self._title)
        return Task(request, words_wanted, titles, self._parts.others(slot))

    def _write(self, slot: Slot) -> Piece:
        """Write a part and store it at once; a missing one is not stored, so that a retry writes it."""
        task = self.task(slot, self._steered(slot.part.words))
        try:
            piece = self._writer.write(task)
        except BudgetSpent:
            return Piece("", BUDGET_REASON)
        if not piece.missing:
            piece = Piece(self.finished(slot, piece.text))
            self._journal.keep_text(slot.key, piece.text)
        return piece

    def _take_in(self, slot: Slot, piece: Piece) -> None:
        self._parts[slot] = piece
        if piece.missing:
            self._fail_if_too_little()
        self._show_progress()

    def _steered(self, planned_words: int) -> int:
        """Return how many words to ask for, given how short or long the earlier pieces came out."""
        written = self._parts.written
        asked, got = planned([slot for slot, _ in written]), sum(words(text) for _, text in written)
        low, high = STEERING
        return round(planned_words * min(high, max(low, asked / got))) if got else planned_words

    def _show_progress(self) -> None:
        waiting, total = self._parts.waiting, len(self._parts.slots)
        percentage = WRITING_FROM + int((WRITING_TO - WRITING_FROM) * self._parts.share_done)
        if waiting:
            number = total - len(waiting) + 1
            message = f"writing {number} of {total}: {waiting[0].section.title}"
            self._journal.progress(percentage, message, self._parts.words)

    def _fail_if_too_little(self) -> None:
        """Raise GenerationFailed once more than half of the report is missing."""
        missing, total = self._parts.missing, len(self._parts.slots)
        if planned(missing) <= MOST_MISSING * self._parts.planned_words:
            return
        if self._asker.spent:
            if self._parts.waiting:
                return  # others may still be in flight; judged when all are in
            raise CostLimitReached(
                f"{self._asker.spent}. {total - len(missing)} of {total} parts of the report were written until "
                "then; they are kept for a retry."
            )
        reason = self._parts[missing[0]].missing
        raise GenerationFailed(
            f"Too little of the report could be written: {len(missing)} of {total} parts are missing ({reason})."
        )


def _longest_first(slots: Sequence[Slot]) -> list[Slot]:
    """Return the slots so that no long one begins when all others are nearly done."""
    return sorted(slots, key=lambda slot: -slot.part.words)
