"""Reads the finished parts once more: what repeats another part, breaks off, is short, repeats its title."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.generation.drafting import Drafting
from chalicelib.generation.guards import MOST_SHARED_WITH_OTHERS, Flaw, without_title_headings
from chalicelib.generation.journal import Journal
from chalicelib.generation.markdown_text import is_unfinished, to_finished, without_last_heading, words
from chalicelib.generation.repetition import rehashed, shared_with
from chalicelib.generation.report_parts import ReportParts, Slot
from chalicelib.generation.side_by_side import side_by_side
from chalicelib.generation.watch import Watch
from chalicelib.generation.writer import Piece, Writer

CHECKING = 86
CHECKED_KEY = "checked"
MOST_REHASHED = 0.5
# A report this much shorter than planned gets its shortest parts extended.
SHORT_REPORT = 0.9
# Most of a part that may go with an unfinished sentence at its end.
CUT_AT_MOST = 0.15


class Weakness(StrEnum):
    """What one more request may mend."""

    SAYS_THE_SAME = "says the same as another part"
    UNFINISHED = "breaks off"
    SHORT = "is short"


@dataclass(frozen=True)
class Finding:
    """A weak part."""

    slot: Slot
    weakness: Weakness


class Checking:
    """Mends the parts of one report, each by at most one request, over all attempts."""

    def __init__(
        self,
        parts: ReportParts,
        drafting: Drafting,
        writer: Writer,
        journal: Journal,
        watch: Watch,
        checkpoints: Mapping[str, str],
    ) -> None:
        self._parts = parts
        self._drafting = drafting
        self._writer = writer
        self._journal = journal
        self._watch = watch
        self._asked = _stored_keys(checkpoints.get(CHECKED_KEY, ""))

    def check(self, concurrency: int) -> None:
        """Mend what can be mended without the model, then ask once for each part that is weak."""
        self._journal.progress(CHECKING, "checking", self._parts.words)
        self._mend(_without_idle_headings)
        weak = [found for found in find_weak(self._parts.written) if found.slot.key not in self._asked]
        if self._writer.prompts.compact:
            weak = [found for found in weak if found.weakness is Weakness.SAYS_THE_SAME]
        side_by_side(weak, self._mended, self._take_in, concurrency=concurrency, watch=self._watch)
        self._mend(_ended)

    def _mend(self, mend: Callable[[Slot, str], str]) -> None:
        """Apply what needs no request; it is cheap and always the same, so nothing is stored."""
        for slot, text in self._parts.written:
            mended = mend(slot, text)
            if mended.strip():
                self._parts[slot] = Piece(mended)

    def _mended(self, found: Finding) -> str | None:
        """Return the better text, or None where one request brought none."""
        text, task = self._parts[found.slot].text, self._drafting.task(found.slot, found.slot.part.words)
        if found.weakness is Weakness.SAYS_THE_SAME:
            return self._writer.rewrite(task, Flaw.SAID_BEFORE)
        if found.weakness is Weakness.UNFINISHED:
            return self._writer.finish(text, task)
        longer = self._writer.extend(text, task)
        return longer if longer != text else None

    def _take_in(self, found: Finding, better: str | None) -> None:
        if better:
            goes_on = found.weakness is not Weakness.SAYS_THE_SAME
            before = self._parts[found.slot].text if goes_on else ""
            better = self._drafting.finished(found.slot, better, before, goes_on=goes_on)
            self._parts[found.slot] = Piece(better)
            self._journal.keep_text(found.slot.key, better)
        self._asked.add(found.slot.key)
        self._journal.keep(CHECKED_KEY, json.dumps(sorted(self._asked)))
        self._journal.progress(CHECKING, "checking", self._parts.words)


def find_weak(written: Sequence[tuple[Slot, str]]) -> list[Finding]:
    """Return the weak parts in the report's order, each with its worst weakness."""
    short = _short(written)
    findings = []
    for index, (slot, text) in enumerate(written):
        before = [other for _, other in written[:index]]
        if shared_with(text, before) > MOST_SHARED_WITH_OTHERS or rehashed(text, before) > MOST_REHASHED:
            findings.append(Finding(slot, Weakness.SAYS_THE_SAME))
        elif is_unfinished(text):
            findings.append(Finding(slot, Weakness.UNFINISHED))
        elif slot.key in short:
            findings.append(Finding(slot, Weakness.SHORT))
    return findings


def _short(written: Sequence[tuple[Slot, str]]) -> set[str]:
    """Return the parts whose extension brings a short report to its length, the shortest first."""
    planned = sum(slot.part.words for slot, _ in written)
    have = sum(words(text) for _, text in written)
    lacking = sorted(((slot.part.words - words(text), slot.key) for slot, text in written), reverse=True)
    chosen: set[str] = set()
    for gap, key in lacking:
        if have >= SHORT_REPORT * planned or gap <= 0:
            break
        chosen.add(key)
        have += gap
    return chosen


def _without_idle_headings(slot: Slot, text: str) -> str:
    """Return the text without headings that repeat its title, or that nothing follows."""
    return without_last_heading(without_title_headings(text, (slot.section.title, slot.part.title)))


def _ended(_: Slot, text: str) -> str:
    """Return the text without what is unfinished at its end, where that is little."""
    if not is_unfinished(text):
        return text
    finished = to_finished(text)
    return finished if words(finished) >= (1 - CUT_AT_MOST) * words(text) else text


def _stored_keys(text: str) -> set[str]:
    try:
        keys = json.loads(text) if text else []
    except ValueError:
        return set()
    return {key for key in keys if isinstance(key, str)} if isinstance(keys, list) else set()
