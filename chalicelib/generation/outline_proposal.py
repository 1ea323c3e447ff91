"""The outline that the model proposes: asked for as structured output, and taken only where it is sound."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

from chalicelib.generation.assignment import Assignment
from chalicelib.generation.chat import Message
from chalicelib.generation.errors import ContextTooLong, ModelRejected
from chalicelib.generation.markdown_text import normal
from chalicelib.generation.material import has_letters
from chalicelib.generation.outline import COMPACT_BELOW_WORDS, FEWEST_SECTIONS, Outline, lay_out, section_count
from chalicelib.generation.outline_styles import Draft, Point, is_closing, is_opening
from chalicelib.generation.prompt import Detail, fill, material
from chalicelib.generation.topic import Topic

Ask = Callable[[Sequence[Message], Mapping[str, Any], int], str]

LONGEST_TITLE = 90
LONGEST_POINT = 160
MOST_HEADINGS = 10
LONGEST_ANSWER = 30_000
# How far the number of sections may be from the one that was asked for.
TOLERANCE = 2
# A few points that come twice are left out; many are the sign of a model that goes in circles.
MOST_REPEATED_POINTS = 0.25
TOKENS_A_SECTION = 120
SPARE_TOKENS = 400

# Made elsewhere, or not to be made up at all.
_NOT_SECTIONS = re.compile(
    r"(?:executive summary|abstract|table of contents|contents|references|bibliography|sources|appendix|appendices)"
)
_NUMBER = re.compile(
    r"^(?:(?:section|chapter|part)\s+)?(?:\d{1,2}(?:\.\d{1,2})*|[ivx]{1,4})\s*[.):\u2013-]+\s+", re.IGNORECASE
)
_MARKUP = re.compile(
    r"[<>{}\[\]|`\\\x00-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f\ud800-\udfff]|https?:|\*\*|__|^#"
)


class _UnsoundError(ValueError):
    """The answer is no outline that a report could be written to; says why."""


@dataclass(frozen=True)
class Wanted:
    """What an outline is wanted for; words are those of the whole report."""

    assignment: Assignment
    topic: Topic
    style: str
    words: int
    section_words: int
    concurrency: int = 1

    @property
    def sections(self) -> int:
        """How many sections to ask for."""
        return section_count(self.topic, self.words, self.section_words)

    @property
    def fewest_sections(self) -> int:
        """How many sections there must be."""
        return self.sections if self.topic.complete else max(FEWEST_SECTIONS, self.sections - TOLERANCE)

    @property
    def most_sections(self) -> int:
        """How many sections there may be."""
        return self.sections if self.topic.complete else self.sections + TOLERANCE

    @property
    def headings(self) -> tuple[int, int]:
        """How many headings each section needs at least and at most: one for each part it may be written in."""
        bodies = max(1, self.sections - 2)
        parts = math.ceil(self.words / bodies / self.section_words)
        most = min(MOST_HEADINGS, max(3, parts + 1))
        return max(2, min(parts, most)), most

    @property
    def schema(self) -> dict[str, Any]:
        """The form of the answer, as a JSON schema."""
        heading = {"type": "string"}
        fewest, most = self.headings
        section = {
            "type": "object",
            "additionalProperties": False,
            "required": ["title", "headings"],
            "properties": {
                "title": {"type": "string"},
                "headings": {"type": "array", "items": heading, "minItems": fewest, "maxItems": most},
            },
        }
        sections = {
            "type": "array",
            "items": section,
            "minItems": self.fewest_sections,
            "maxItems": self.most_sections,
        }
        return {
            "title": "outline",
            "type": "object",
            "additionalProperties": False,
            "required": ["sections"],
            "properties": {"sections": sections},
        }

    @property
    def max_tokens(self) -> int:
        """The longest answer to allow, in tokens."""
        return self.sections * TOKENS_A_SECTION + SPARE_TOKENS


def propose_outline(ask: Ask, wanted: Wanted) -> Outline | None:
    """Return the outline that the model proposes, or None where it proposes none that is sound.

    Very small models (``section_words`` below ``COMPACT_BELOW_WORDS``) are not asked: they repeat
    themselves, even under a schema.

    Args:
        ask: sends messages with a JSON schema and a limit in tokens; returns the answer's text.
        wanted: what the outline is for.

    Raises:
        ModelUnavailable, BudgetSpent: whatever ``ask`` raises but for a refused request.
    """
    if not is_asked_for(wanted):
        return None
    for detail in Detail:
        try:
            answer = ask(outline_request(wanted, detail), wanted.schema, wanted.max_tokens)
        except ContextTooLong:
            continue
        except ModelRejected:
            return None
        return read_outline(answer, wanted)
    return None


def is_asked_for(wanted: Wanted) -> bool:
    """Tell whether the model is asked for an outline at all."""
    return wanted.section_words >= COMPACT_BELOW_WORDS


def outline_request(wanted: Wanted, detail: Detail = Detail.FULL) -> list[Message]:
    """Return the conversation that asks for an outline."""
    order, topic = wanted.assignment, wanted.topic
    given = material(order.title, order.query, order.context, order.conversation, detail)
    fewest, most = wanted.headings
    request = fill(
        "outline.j2",
        topic=topic.phrase,
        named=topic.named,
        complete=topic.complete,
        style=wanted.style,
        count=wanted.sections,
        length=wanted.words,
        fewest=fewest,
        most=most,
        **given,
    )
    return [{"role": "system", "content": fill("system_outline.j2")}, {"role": "user", "content": request}]


def read_outline(answer: str, wanted: Wanted) -> Outline | None:
    """Return the outline in a model's answer, or None where it is not sound.

    Sound is: valid against the schema; about as many sections as were asked for; every section
    that the user named, in the user's order (and then in the user's words); titles and points in
    plain text, of a bounded length, none empty, and nothing twice.
    """
    try:
        drafts = _drafts(_parsed(answer), wanted.topic)
        _check_sections(drafts, wanted)
    except _UnsoundError:
        return None
    return lay_out(wanted.topic.phrase, drafts, wanted.words, wanted.section_words, wanted.concurrency)


def _parsed(answer: str) -> list[tuple[str, list[str]]]:
    """Return titles and points; prose or a fence around the JSON object is passed over."""
    start, end = answer.find("{"), answer.rfind("}")
    if not 0 <= start < end or len(answer) > LONGEST_ANSWER:
        raise _UnsoundError("there is no JSON object")
    try:
        raw = json.loads(answer[start : end + 1])
    except (ValueError, RecursionError):
        raise _UnsoundError("it is not valid JSON") from None
    sections = raw.get("sections")
    if not isinstance(sections, list):
        raise _UnsoundError("it has no list of sections")
    return [_entry(section) for section in sections]


def _entry(section: object) -> tuple[str, list[str]]:
    if not isinstance(section, dict):
        raise _UnsoundError("a section is no object")
    title, points = section.get("title"), section.get("headings")
    if not isinstance(title, str) or not isinstance(points, list) or not all(isinstance(p, str) for p in points):
        raise _UnsoundError("a section is not of the wanted form")
    return title, points


def _drafts(entries: Sequence[tuple[str, list[str]]], topic: Topic) -> list[Draft]:
    named = {normal(name) for name in topic.named}
    entries = [(_NUMBER.sub("", " ".join(title.split(" ")).strip()), points) for title, points in entries]
    kept = [e for e in entries if normal(e[0]) in named or not _NOT_SECTIONS.fullmatch(normal(e[0]))]
    titles = _with_the_users_words([title for title, _ in kept], topic)
    notes = dict(zip_longest(topic.named, topic.notes, fillvalue=""))
    points = _distinct_points([points for _, points in kept])
    last = len(kept) - 1
    return [
        Draft(
            title,
            0,
            _points(title, own, notes.get(title, "")),
            frame=(number == 0 and is_opening(title)) or (number == last and is_closing(title)),
            named=title in topic.named,
        )
        for number, (title, own) in enumerate(zip(titles, points, strict=True))
    ]


def _with_the_users_words(titles: Sequence[str], topic: Topic) -> list[str]:
    """Return the titles, those that the user named as the user wrote them."""
    mine = list(titles)
    place = 0
    for name in topic.named:
        found = next((i for i in range(place, len(mine)) if _means(mine[i], name)), None)
        if found is None:
            raise _UnsoundError(f"the section {name!r} is missing or out of order")
        mine[found], place = name, found + 1
    for title in mine:
        if title not in topic.named:
            _check_text(title, LONGEST_TITLE)
    return mine


def _means(title: str, name: str) -> bool:
    """Tell whether a title is the user's name for a section, perhaps with words around it."""
    said, asked = normal(title), normal(name)
    return said == asked or (bool(asked) and set(asked.split()) <= set(said.split()))


def _distinct_points(sections: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return each section's points without those that stood before."""
    seen: set[str] = set()
    kept: list[list[str]] = []
    total = sum(map(len, sections))
    for points in sections:
        if not 1 <= len(points) <= MOST_HEADINGS:
            raise _UnsoundError("a section has too few or too many points")
        own = []
        for point in points:
            _check_text(point, LONGEST_POINT)
            if normal(point) not in seen:
                own.append(" ".join(point.split()))
            seen.add(normal(point))
        kept.append(own)
    if total - len(seen) > MOST_REPEATED_POINTS * total:
        raise _UnsoundError("the points repeat each other")
    return kept


def _points(title: str, points: Sequence[str], note: str) -> tuple[Point, ...]:
    made = [Point(_heading(point), point if point[-1:] in "?!" else f"{point.rstrip(' .;,:')}.") for point in points]
    first = made[0] if made else Point(title, f"{title}.")
    said = f" The request says of it: {note}." if note else ""
    return (replace(first, brief=first.brief + said), *made[1:])


def _heading(point: str) -> str:
    text = point.strip(" .;,:-")
    return text if len(text) <= LONGEST_TITLE else text[:LONGEST_TITLE].rsplit(" ", 1)[0]


def _check_text(text: str, longest: int) -> None:
    if not has_letters(text) or len(text) > longest:
        raise _UnsoundError("a title or a point is empty or too long")
    if _MARKUP.search(text):
        raise _UnsoundError("a title or a point is not plain text")
    said = normal(text).split()
    if len(said) >= 4 and len(set(said)) <= len(said) / 2:
        raise _UnsoundError("a title or a point repeats itself")


def _check_sections(drafts: Sequence[Draft], wanted: Wanted) -> None:
    said = [frozenset(normal(draft.title).split()) for draft in drafts]
    if len(set(said)) < len(said):
        raise _UnsoundError("two sections have the same title")
    if wanted.topic.complete and any(not draft.named and not draft.frame for draft in drafts):
        raise _UnsoundError("there are sections beside those of the user")
    if not wanted.fewest_sections <= len(drafts) <= wanted.most_sections:
        raise _UnsoundError("it has too few or too many sections")
