"""The plan of a report: sections, what each must cover, and how long it should be."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest

from chalicelib.generation.division import divide
from chalicelib.generation.outline_styles import Draft, Point, drafts_for, is_closing, is_opening, named_draft
from chalicelib.generation.topic import Topic

FEWEST_SECTIONS = 3
SHORTEST_PART = 60
MARGIN = 1.03
USUAL_SECTIONS = 6
# More sections than these only where the user names them; each is written in several parts then.
MOST_SECTIONS = 12
SECTION_WORDS_RANGE = (150, 500)
SUMMARY_SHARE = 0.04
SUMMARY_WORDS = (80, 300)
# A shorter report needs no executive summary.
SUMMARY_FROM_WORDS = 400
# A frame section (introduction, conclusion) gets this share of a body section's length.
FRAME_WEIGHT = 0.6
LONGEST_FRAME = 400
# A structure that the user gave whole gets an introduction and a conclusion from this length on.
FRAMED_FROM_WORDS = 1000
# Requests of fewer words are for models that lose the thread in a long one: they write to the
# style's own outline, with short prompts.
COMPACT_BELOW_WORDS = 300
USUAL_POINTS = 3


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

    def with_texts(self, change: Callable[[str], str]) -> Outline:
        """Return the outline with every text in it changed."""
        sections = tuple(
            PlannedSection(
                change(section.title),
                tuple(Part(change(part.title), change(part.brief), part.words) for part in section.parts),
            )
            for section in self.sections
        )
        return Outline(change(self.topic), sections, self.summary_words)

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


def plan_outline(topic: Topic, style: str, words: int, section_words: int, concurrency: int = 1) -> Outline:
    """Return the outline of ``style``, filled with the topic and the sections the user named.

    Args:
        topic: what the report is about.
        style: one of ``style.STYLES``.
        words: length of the whole report.
        section_words: about the most words to ask of the model in one request; a longer
            section is written in several parts.
        concurrency: how many requests are under way at the same time; the parts are cut so
            that none of them waits long for the others.
    """
    drafts = _chosen(_with_named(drafts_for(style, topic), topic, words), topic, words, section_words)
    return lay_out(topic.phrase, drafts, words, section_words, concurrency)


def lay_out(topic: str, drafts: Sequence[Draft], words: int, section_words: int, concurrency: int = 1) -> Outline:
    """Return the outline with exactly these sections: their lengths, and the parts they are written in.

    Args:
        topic: what the report is about, as a phrase.
        drafts: the sections, at least one.
        words, section_words, concurrency: see ``plan_outline``.
    """
    summary_words = _summary_words(words)
    # Models fall short of what is asked more often than they exceed it.
    wanted = words * MARGIN - summary_words
    shares = _shares(drafts, wanted)
    # An introduction is short: it is written in one piece.
    most = [
        1 if draft.frame and share <= section_words else len(draft.points)
        for draft, share in zip(drafts, shares, strict=True)
    ]
    if section_words < COMPACT_BELOW_WORDS:
        lengths = [_evenly(share, count, section_words) for share, count in zip(shares, most, strict=True)]
    else:
        lengths = divide(shares, most, section_words, concurrency)
    sections = (
        PlannedSection(draft.title, _parts(draft, topic, each)) for draft, each in zip(drafts, lengths, strict=True)
    )
    return Outline(topic, tuple(sections), summary_words)


def section_count(topic: Topic, words: int, section_words: int) -> int:
    """Return how many sections a report of this length should have, those that the user named included."""
    if topic.complete:
        frames = (not any(map(is_opening, topic.named))) + (not any(map(is_closing, topic.named)))
        return len(topic.named) + (frames if words >= FRAMED_FROM_WORDS else 0)
    shortest, longest = SECTION_WORDS_RANGE
    usual = min(longest, section_words * 2, max(shortest, words / USUAL_SECTIONS))
    return max(FEWEST_SECTIONS, min(MOST_SECTIONS, round(words / usual)), len(topic.named) + 1)


def _summary_words(words: int) -> int:
    if words < SUMMARY_FROM_WORDS:
        return 0
    low, high = SUMMARY_WORDS
    return round(min(high, max(low, words * SUMMARY_SHARE)))


def _with_named(drafts: Sequence[Draft], topic: Topic, words: int) -> list[Draft]:
    """Put the user's own sections where the style's body begins, instead of its namesakes.

    An introduction or a conclusion among them takes the place of the style's. Where the user
    gave the whole structure, nothing else is added but these two.
    """
    if not topic.named:
        return list(drafts)
    named = [named_draft(name, note) for name, note in zip_longest(topic.named, topic.notes, fillvalue="")]
    asked = {name.lower() for name in topic.named}
    kept = [draft for draft in drafts if draft.title.lower() not in asked]
    if any(is_opening(name) for name in topic.named):
        kept = kept[1:] if kept and kept[0].frame else kept
    if any(is_closing(name) for name in topic.named):
        kept = kept[:-1] if kept and kept[-1].frame else kept
    if topic.complete:
        kept = [draft for draft in kept if draft.frame and words >= FRAMED_FROM_WORDS]
    lead = named[:1] if is_opening(named[0].title) else []
    tail = named[-1:] if is_closing(named[-1].title) and len(named) > len(lead) else []
    middle = named[len(lead) : len(named) - len(tail)]
    place = next((i for i, draft in enumerate(kept) if not draft.frame and not draft.base), None)
    if place is None:
        place = 1 if kept and not is_closing(kept[0].title) else 0
    return [*lead, *kept[:place], *middle, *kept[place:], *tail]


def _chosen(drafts: Sequence[Draft], topic: Topic, words: int, section_words: int) -> list[Draft]:
    """Keep as many drafts as the length carries: the user's first, then by importance."""
    fitting = section_count(topic, words, section_words)
    if len(drafts) <= fitting:
        return list(drafts)
    best = sorted(drafts, key=lambda draft: (not draft.named, draft.rank))[:fitting]
    return [draft for draft in drafts if draft in best]


def _shares(drafts: Sequence[Draft], words: float) -> list[float]:
    """Share the words among the sections; an introduction or a conclusion gets less, and never much."""
    weights = [FRAME_WEIGHT if draft.frame else 1.0 for draft in drafts]
    shares = [words * weight / sum(weights) for weight in weights]
    bodies = sum(not draft.frame for draft in drafts)
    excess = sum(max(0.0, share - LONGEST_FRAME) for share, draft in zip(shares, drafts, strict=True) if draft.frame)
    if not bodies or not excess:
        return shares
    return [
        min(share, LONGEST_FRAME) if draft.frame else share + excess / bodies
        for share, draft in zip(shares, drafts, strict=True)
    ]


def _evenly(words: float, most: int, section_words: int) -> list[int]:
    """Cut a section for a very small model: on a small machine, its requests only slow each other down."""
    count = min(most, max(1, round(words / section_words)))
    return [round(words / count)] * count


def _parts(draft: Draft, topic: str, lengths: Sequence[int]) -> tuple[Part, ...]:
    """Share a section's points among its parts.

    A section named by the user has points enough for a very long one; a shorter one leaves some out.
    """
    points = draft.points[: max(len(lengths), USUAL_POINTS)] if draft.named else draft.points
    if len(lengths) == 1:
        return (Part(draft.title, _brief(points, topic), max(SHORTEST_PART, lengths[0])),)
    return tuple(
        Part(group[0].title, _brief(group, topic), max(SHORTEST_PART, words))
        for group, words in zip(_split(points, len(lengths)), lengths, strict=True)
    )


def _brief(points: Sequence[Point], topic: str) -> str:
    return " ".join(point.brief.replace("{topic}", topic) for point in points)


def _split(points: Sequence[Point], count: int) -> list[Sequence[Point]]:
    """Split points into ``count`` runs of nearly equal length, in order."""
    edges = [round(i * len(points) / count) for i in range(count + 1)]
    return [points[edges[i] : edges[i + 1]] for i in range(count)]
