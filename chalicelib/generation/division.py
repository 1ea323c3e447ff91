"""Cuts sections into parts, each written in one request, so that all requests at once end soon.

Sections of about the same length rarely fill every place: nine sections on eight places take
as long as sixteen. Halving the seven long ones fills both rounds, and takes little more than half the time.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

# Most that a part may be longer than what is wanted in one request.
STRETCH = 1.25
SHORTEST_SPLIT = 200
# Limits to try for a part's length: each so much shorter than the one before.
STEP, STEPS = 0.88, 12
# What a request costs beside its words, in words: the prompt is read first.
WORDS_TO_BEGIN = 30
# More requests, and shorter ones, must be worth it.
WORTH_SPLITTING = 0.92
# Most that a section's length is changed to make all parts alike, as a factor.
LEVELLED = (0.75, 1.35)


def divide(
    sections: Sequence[float], most_parts: Sequence[int], section_words: int, concurrency: int
) -> list[list[int]]:
    """Return the words of each part of each section.

    Args:
        sections: wanted words of each section.
        most_parts: into how many parts each may be cut at most.
        section_words: most words that one request should ask for; more only where a section
            cannot be cut further.
        concurrency: how many requests are under way at the same time.
    """
    best = _cut(sections, most_parts, section_words * STRETCH)
    for limit in _limits(section_words):
        cut = _cut(sections, most_parts, limit)
        for plan in (cut, _levelled(sections, cut)):
            if plan is not None and _duration(plan, concurrency) < WORTH_SPLITTING * _duration(best, concurrency):
                best = plan
    return best


def _limits(section_words: int) -> list[float]:
    """Return limits for a part's length to try, the longest first."""
    steps = (section_words * STRETCH * STEP**number for number in range(STEPS))
    return [step for step in steps if step >= SHORTEST_SPLIT]


def _cut(sections: Sequence[float], most_parts: Sequence[int], limit: float) -> list[list[int]]:
    plan = []
    for words, most in zip(sections, most_parts, strict=True):
        count = max(1, min(most, -int(-words // limit), int(words // SHORTEST_SPLIT)))
        plan.append([max(1, round(words / count))] * count)
    return plan


def _levelled(sections: Sequence[float], plan: list[list[int]]) -> list[list[int]] | None:
    """Return the same parts, all of one length, or None where a section would change too much."""
    each = round(sum(sections) / max(1, sum(len(parts) for parts in plan)))
    low, high = LEVELLED
    if any(not low * words <= each * len(parts) <= high * words for words, parts in zip(sections, plan, strict=True)):
        return None
    return [[each] * len(parts) for parts in plan]


def _duration(plan: list[list[int]], concurrency: int) -> int:
    """Return when the last part is done, in words of one request: whoever is free takes the longest one left."""
    places = [0] * max(1, concurrency)
    for part in sorted((words for parts in plan for words in parts), reverse=True):
        heapq.heapreplace(places, places[0] + part + WORDS_TO_BEGIN)
    return max(places)
