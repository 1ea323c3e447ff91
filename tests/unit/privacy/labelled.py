"""Passages with their private values marked, and how well an engine finds them.

A passage is written as ``… {{PERSON|Anna Kern}} wrote …``. ``tuned.jsonl`` is what the rules were made with,
``held_out.jsonl`` was written before them, its last 29 before the rules for columns, names to sign in with and newer
keys, and is only ever reported.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from chalicelib.privacy.detect import Detector
from chalicelib.privacy.pii_type import PiiType

FOLDER = Path(__file__).parent / "passages"
_MARKED = re.compile(r"\{\{([A-Z]+)\|(.*?)\}\}", re.DOTALL)


@dataclass(frozen=True)
class Label:
    type: PiiType
    start: int
    end: int


@dataclass(frozen=True)
class Passage:
    kind: str
    text: str
    labels: tuple[Label, ...]


def passages(name: str) -> list[Passage]:
    lines = (FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [_passage(**json.loads(line)) for line in lines]


def _passage(kind: str, text: str) -> Passage:
    parts: list[str] = []
    labels: list[Label] = []
    position = length = 0
    for match in _MARKED.finditer(text):
        before, value = text[position : match.start()], match[2]
        start = length + len(before)
        labels.append(Label(PiiType[match[1]], start, start + len(value)))
        parts += before, value
        length = start + len(value)
        position = match.end()
    return Passage(kind, "".join([*parts, text[position:]]), tuple(labels))


@dataclass
class Score:
    """Values found and missed, and detections that are none, by type.

    A value is found when detections of its type cover all of it. A detection is right when at least half of it
    lies in values of its type: a title before a name or a country after an address is no error.
    """

    found: Counter[PiiType] = field(default_factory=Counter)
    missed: Counter[PiiType] = field(default_factory=Counter)
    wrong: Counter[PiiType] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)

    def recall(self, *types: PiiType) -> float:
        found, missed = (sum(counter[kind] for kind in types or PiiType) for counter in (self.found, self.missed))
        return found / (found + missed) if found + missed else 1.0

    def precision(self, *types: PiiType) -> float:
        found, wrong = (sum(counter[kind] for kind in types or PiiType) for counter in (self.found, self.wrong))
        return found / (found + wrong) if found + wrong else 1.0

    def table(self) -> str:
        rows = [f"{'type':<18}{'values':>7}{'recall':>8}{'precision':>10}{'F1':>7}"]
        kinds = [kind for kind in PiiType if self.found[kind] + self.missed[kind] + self.wrong[kind]]
        for name, types in [*((kind.value, (kind,)) for kind in kinds), ("all", ())]:
            recall, precision = self.recall(*types), self.precision(*types)
            f1 = 2 * recall * precision / (recall + precision) if recall + precision else 0.0
            values = sum(self.found[kind] + self.missed[kind] for kind in types or PiiType)
            rows.append(f"{name:<18}{values:>7}{recall:>8.3f}{precision:>10.3f}{f1:>7.3f}")
        return "\n".join(rows)


def score(detector: Detector, texts: list[Passage]) -> Score:
    result = Score()
    for passage in texts:
        found = [Label(one.type, one.start, one.end) for one in detector.detect(passage.text)]
        for label in passage.labels:
            whole = _covered(label, found) == label.end - label.start
            (result.found if whole else result.missed)[label.type] += 1
            if not whole:
                result.errors.append(f"missed {label.type}: {passage.text[label.start : label.end]!r}")
        for one in found:
            if 2 * _covered(one, passage.labels) < one.end - one.start:
                result.wrong[one.type] += 1
                result.errors.append(f"wrong {one.type}: {passage.text[one.start : one.end]!r}")
    return result


def _covered(one: Label, others: tuple[Label, ...] | list[Label]) -> int:
    return sum(_overlaps(one, others))


def _overlaps(one: Label, others: tuple[Label, ...] | list[Label]) -> Iterator[int]:
    for other in others:
        if other.type is one.type:
            yield max(0, min(one.end, other.end) - max(one.start, other.start))
