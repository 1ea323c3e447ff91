"""The plan of a report: sections, what each must cover, and how long it should be."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from chalicelib.generation.outline_styles import Draft, Point, drafts_for, named_draft
from chalicelib.generation.topic import Topic

FEWEST_SECTIONS = 3
SHORTEST_PART = 60
MARGIN = 1.03
USUAL_SECTIONS = 6
SECTION_WORDS_RANGE = (150, 500)
SUMMARY_SHARE = 0.05
SUMMARY_WORDS = (80, 300)
# A frame section (introduction, conclusion) gets this share of a body section's length.
FRAME_WEIGHT = 0.6


@dataclass(frozen=True)
class Part:
    """A piece of a section that is written in one request."""

    title: str
    brief: str
    words: int


@dataclass(frozen=True)
class PlannedSection:
    """A section: its parts have headings of their own only where there are several."""

    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Outline:
    """What will be written; the executive summary comes on top, written last and placed first."""

    topic: str
    sections: tuple[PlannedSection, ...]
    summary_words: int

    @property
    def titles(self) -> tuple[str, ...]:
        """The titles of the sections in their order."""
        return tuple(section.title for section in self.sections)

    def to_json(self) -> str:
        """Return the outline as text, to be kept as a checkpoint."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> Outline:
        """Read what ``to_json`` wrote.

        Raises:
            ValueError: the text is not an outline.
        """
        try:
            raw = json.loads(text)
            sections = tuple(
                PlannedSection(s["title"], tuple(Part(**part) for part in s["parts"])) for s in raw["sections"]
            )
            return Outline(raw["topic"], sections, int(raw["summary_words"]))
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"not an outline: {error}") from error


def plan_outline(topic: Topic, style: str, words: int, section_words: int) -> Outline:
    """Return the outline of ``style``, filled with the topic and the sections the user named.

    Args:
        topic: what the report is about.
        style: one of ``style.STYLES``.
        words: length of the whole report.
        section_words: most words to ask of the model in one request; a longer section is
            written in several parts.
    """
    low, high = SUMMARY_WORDS
    summary_words = round(min(high, max(low, words * SUMMARY_SHARE)))
    drafts = _chosen(_with_named(drafts_for(style, topic), topic), words, section_words)
    # Models fall short of what is asked more often than they exceed it.
    wanted = words * MARGIN - summary_words
    total_weight = sum(_weight(draft) for draft in drafts)
    sections = []
    for draft in drafts:
        share = wanted * _weight(draft) / total_weight
        sections.append(PlannedSection(draft.title, _parts(draft, topic.phrase, share, section_words)))
    return Outline(topic.phrase, tuple(sections), summary_words)


def _with_named(drafts: Sequence[Draft], topic: Topic) -> list[Draft]:
    """Put the user's own sections where the style's body begins, instead of its namesakes."""
    if not topic.named:
        return list(drafts)
    asked = {name.lower() for name in topic.named}
    kept = [draft for draft in drafts if draft.title.lower() not in asked]
    place = next((i for i, draft in enumerate(kept) if not draft.frame and not draft.base), len(kept))
    return [*kept[:place], *(named_draft(name) for name in topic.named), *kept[place:]]


def _chosen(drafts: Sequence[Draft], words: int, section_words: int) -> list[Draft]:
    """Keep as many drafts as the length carries: the user's first, then by importance."""
    shortest, longest = SECTION_WORDS_RANGE
    usual = min(longest, section_words * 2, max(shortest, words / USUAL_SECTIONS))
    fitting = max(FEWEST_SECTIONS, round(words / usual))
    fitting = max(fitting, sum(draft.named for draft in drafts) + 1)
    if len(drafts) <= fitting:
        return list(drafts)
    best = sorted(drafts, key=lambda draft: (not draft.named, draft.rank))[:fitting]
    return [draft for draft in drafts if draft in best]


def _weight(draft: Draft) -> float:
    return FRAME_WEIGHT if draft.frame else 1.0


def _parts(draft: Draft, topic: str, words: float, section_words: int) -> tuple[Part, ...]:
    """Divide a section so that no request asks for much more than ``section_words`` words."""
    count = min(len(draft.points), max(1, round(words / section_words)))
    each = max(SHORTEST_PART, round(words / count))
    if count == 1:
        return (Part(draft.title, _brief(draft.points, topic), each),)
    groups = _split(draft.points, count)
    return tuple(Part(group[0].title, _brief(group, topic), each) for group in groups)


def _brief(points: Sequence[Point], topic: str) -> str:
    return " ".join(point.brief.replace("{topic}", topic) for point in points)


def _split(points: Sequence[Point], count: int) -> list[Sequence[Point]]:
    """Split points into ``count`` runs of nearly equal length, in order."""
    edges = [round(i * len(points) / count) for i in range(count + 1)]
    return [points[edges[i] : edges[i + 1]] for i in range(count)]
