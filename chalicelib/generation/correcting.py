"""Has parts written again whose sentences cite sources that do not support them, each once over all attempts."""

from __future__ import annotations

from chalicelib.generation.citing import Citing
from chalicelib.generation.drafting import Drafting
from chalicelib.generation.journal import Journal
from chalicelib.generation.report_parts import ReportParts, Slot
from chalicelib.generation.side_by_side import side_by_side
from chalicelib.generation.watch import Watch
from chalicelib.generation.writer import Piece, Writer

CORRECTING = 88


class Correcting:
    """Corrects the parts of one report."""

    def __init__(
        self, parts: ReportParts, drafting: Drafting, citing: Citing, writer: Writer, journal: Journal, watch: Watch
    ) -> None:
        self._parts = parts
        self._drafting = drafting
        self._citing = citing
        self._writer = writer
        self._journal = journal
        self._watch = watch

    def correct(self, concurrency: int) -> None:
        """Ask once for each part in which a claim does not hold, and keep the answer if it is better."""
        self._journal.progress(CORRECTING, "checking citations", self._parts.words)
        doubtful = [
            slot
            for slot, text in self._parts.written
            if not self._citing.was_asked(slot.key) and self._citing.doubtful(text)
        ]
        side_by_side(doubtful, self._corrected, self._take_in, concurrency=concurrency, watch=self._watch)

    def _corrected(self, slot: Slot) -> str | None:
        """Return the better text, or None where one request brought none."""
        text = self._parts[slot].text
        revised = self._citing.revised(text, self._drafting.task(slot, slot.part.words), self._writer)
        cited = self._drafting.cited(slot, revised or "", text)
        return self._citing.note_kept(slot.key, cited) if self._citing.is_better(cited.text, text) else None

    def _take_in(self, slot: Slot, better: str | None) -> None:
        if better:
            self._parts[slot] = Piece(better)
            self._journal.keep_text(slot.key, better)
        self._citing.note_asked(slot.key)
        self._journal.progress(CORRECTING, "checking citations", self._parts.words)
