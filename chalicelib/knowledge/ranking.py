"""Puts the results of two ways to search into one order, and chooses from it what a writer is shown."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

_Found = TypeVar("_Found")
_Key = TypeVar("_Key", bound=Hashable)

_RANK_CONSTANT: Final = 60
# Each further piece of the same document counts for this much of the one before.
_AGAIN: Final = 0.8


def merged_ranks(lists: Sequence[Sequence[_Key]]) -> list[tuple[_Key, float]]:
    """Return what is in ranked lists, in one order: reciprocal rank fusion, with the score of each.

    It needs no scores that could be compared: only how far up something stands in each list.
    """
    scores: dict[_Key, float] = {}
    for ranked in lists:
        for rank, key in enumerate(ranked, start=1):
            scores[key] = scores.get(key, 0.0) + 1 / (_RANK_CONSTANT + rank)
    return sorted(scores.items(), key=lambda pair: -pair[1])


def diverse(
    found: Iterable[_Found], score: Callable[[_Found], float], source: Callable[[_Found], Hashable]
) -> Iterator[_Found]:
    """Yield what was found, the best first, where each further piece of a source counts less than the one before."""
    waiting: dict[Hashable, list[_Found]] = {}
    for one in sorted(found, key=score, reverse=True):
        waiting.setdefault(source(one), []).append(one)
    taken: Counter[Hashable] = Counter()
    while waiting:
        best = max(waiting, key=lambda key: score(waiting[key][0]) * _AGAIN ** taken[key])
        yield waiting[best].pop(0)
        taken[best] += 1
        if not waiting[best]:
            del waiting[best]


def approximate_tokens(text: str) -> int:
    """Return about how many tokens a model makes of a text: rather too many than too few."""
    return math.ceil(len(text.encode("utf-8", "replace")) / 3.5) + 8


def within(budget_tokens: int, found: Iterable[_Found], text: Callable[[_Found], str]) -> Iterator[_Found]:
    """Yield what was found as long as its texts fit a number of tokens; what is too long is passed over."""
    left = budget_tokens
    for one in found:
        tokens = approximate_tokens(text(one))
        if tokens <= left:
            left -= tokens
            yield one
