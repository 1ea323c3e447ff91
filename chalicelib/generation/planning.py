"""Plans a report: the outline of an earlier attempt, else one the model proposes, else the style's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from chalicelib.generation.asking import Asker
from chalicelib.generation.assignment import Assignment
from chalicelib.generation.errors import BudgetSpent
from chalicelib.generation.journal import Journal
from chalicelib.generation.outline import Outline, plan_outline
from chalicelib.generation.outline_proposal import Wanted, propose_outline
from chalicelib.generation.scrambling import Texts
from chalicelib.generation.topic import Topic, find_topic

PLANNING = 5
OUTLINE_KEY = "outline"


@dataclass(frozen=True)
class Plan:
    """What the outline is made for: length in words, most words for one request, requests at a time."""

    assignment: Assignment
    style: str
    words: int
    section_words: int
    concurrency: int

    @cached_property
    def topic(self) -> Topic:
        """What the report is about."""
        return find_topic(self.assignment.query, self.assignment.title)


def plan_report(plan: Plan, checkpoints: Mapping[str, str], asker: Asker, journal: Journal, texts: Texts) -> Outline:
    """Return the outline; that of an earlier attempt is kept, so that its pieces still fit.

    Raises:
        ModelUnavailable: the endpoint cannot be used.
    """
    if OUTLINE_KEY in checkpoints:
        try:
            return Outline.from_json(checkpoints[OUTLINE_KEY])
        except ValueError:
            pass  # written by another version: plan afresh
    journal.progress(PLANNING, "planning", 0)
    outline = _proposed(plan, asker) or plan_outline(
        plan.topic, plan.style, plan.words, plan.section_words, plan.concurrency
    )
    outline = outline.with_texts(texts.hide_again)
    journal.keep(OUTLINE_KEY, outline.to_json())
    return outline


def _proposed(plan: Plan, asker: Asker) -> Outline | None:
    wanted = Wanted(plan.assignment, plan.topic, plan.style, plan.words, plan.section_words, plan.concurrency)
    try:
        return propose_outline(asker.ask_structured, wanted)
    except BudgetSpent:
        return None  # remembered by the asker: nothing is asked any more
