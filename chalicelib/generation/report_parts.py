"""The parts of one report: what is planned, and what is written."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from chalicelib.generation.markdown_text import words
from chalicelib.generation.outline import Outline, Part, PlannedSection
from chalicelib.generation.writer import Piece


@dataclass(frozen=True)
class Slot:
    """One part's place in the report; ``key`` is the name of its checkpoint."""

    key: str
    section: PlannedSection
    part: Part

    @property
    def name(self) -> str:
        """What a reader knows the part by."""
        if len(self.section.parts) == 1:
            return self.section.title
        return f"{self.section.title} ({self.part.title})"


class ReportParts:
    """The parts of an outline and the pieces written for them; safe to use from several threads."""

    def __init__(self, outline: Outline, checkpoints: Mapping[str, str]) -> None:
        self.slots = tuple(_slots(outline))
        self._outline = outline
        self._lock = threading.Lock()
        self._pieces = {slot.key: Piece(checkpoints[slot.key]) for slot in self.slots if checkpoints.get(slot.key)}

    def __getitem__(self, slot: Slot) -> Piece:
        with self._lock:
            return self._pieces[slot.key]

    def __setitem__(self, slot: Slot, piece: Piece) -> None:
        with self._lock:
            self._pieces[slot.key] = piece

    @property
    def waiting(self) -> list[Slot]:
        """The slots without a piece, in outline order."""
        with self._lock:
            return [slot for slot in self.slots if slot.key not in self._pieces]

    @property
    def missing(self) -> list[Slot]:
        """The slots whose part could not be written."""
        with self._lock:
            return [slot for slot in self.slots if slot.key in self._pieces and self._pieces[slot.key].missing]

    @property
    def written(self) -> list[tuple[Slot, str]]:
        """The slots with a text, and the text."""
        with self._lock:
            done = [(slot, self._pieces[slot.key]) for slot in self.slots if slot.key in self._pieces]
        return [(slot, piece.text) for slot, piece in done if piece.text]

    @property
    def words(self) -> int:
        """Words written so far."""
        return sum(words(text) for _, text in self.written)

    @property
    def planned_words(self) -> int:
        """Words planned for all parts."""
        return planned(self.slots)

    @property
    def share_done(self) -> float:
        """How much of the plan (0 to 1) has been dealt with."""
        return 1 - planned(self.waiting) / max(1, self.planned_words)

    def others(self, slot: Slot) -> Callable[[], Sequence[str]]:
        """Return a function that returns the texts so far except that of ``slot``."""
        return lambda: [text for other, text in self.written if other is not slot]

    def by_section(self) -> list[tuple[PlannedSection, list[Piece]]]:
        """Return the sections with their pieces, in outline order; to be called when none is waiting."""
        with self._lock:
            pieces = iter([self._pieces[slot.key] for slot in self.slots])
        return [(section, [next(pieces) for _ in section.parts]) for section in self._outline.sections]

    def slots_by_section(self) -> list[list[Slot]]:
        """Return the slots of each section, in outline order."""
        slots = iter(self.slots)
        return [[next(slots) for _ in section.parts] for section in self._outline.sections]


def planned(slots: Sequence[Slot]) -> int:
    """Return how many words are planned for these slots."""
    return sum(slot.part.words for slot in slots)


def _slots(outline: Outline) -> Iterator[Slot]:
    for number, section in enumerate(outline.sections, start=1):
        for index, part in enumerate(section.parts, start=1):
            key = f"section-{number:02}" if len(section.parts) == 1 else f"section-{number:02}-part-{index}"
            yield Slot(key, section, part)
