"""Finds chunks by the words of a query (BM25 in the form that Lucene uses)."""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from chalicelib.knowledge.segment import Segment
from chalicelib.knowledge.words import words_of

K1: Final = 1.2
B: Final = 0.75
MOST_WORDS: Final = 32
"""Of a long query the words that the fewest chunks have are looked for, so many of them."""


@dataclass(frozen=True)
class Hit:
    """A chunk that was found: the number of its segment, its own number there, and its score."""

    segment: int
    chunk: int
    score: float


def inverse_frequency(chunks: int, having: int) -> float:
    """Return how much a word says that so many of all chunks have."""
    return math.log(1 + (chunks - having + 0.5) / (having + 0.5))


def search(segments: Sequence[Segment], query: str, count: int, hidden: Sequence[Collection[int]] = ()) -> list[Hit]:
    """Return the chunks that fit a query best, the best first; equal ones in their order.

    Args:
        segments: what to search, as one collection.
        query: any text.
        count: how many hits at most.
        hidden: for each segment the numbers of its documents that are not to be found; empty for none.
    """
    chunks = sum(map(len, segments))
    if not chunks:
        return []
    average = sum(segment.total_length for segment in segments) / chunks or 1.0
    weights = _weights(segments, query, chunks)
    best: list[Hit] = []
    for number, segment in enumerate(segments):
        scores = _scores(segment, weights, average)
        unseen = hidden[number] if hidden else ()
        found = ((score, -chunk) for chunk, score in enumerate(scores) if score and segment.owners[chunk] not in unseen)
        best += [Hit(number, -chunk, score) for score, chunk in heapq.nlargest(count, found)]
    return heapq.nsmallest(count, best, key=lambda hit: (-hit.score, hit.segment, hit.chunk))


def _weights(segments: Sequence[Segment], query: str, chunks: int) -> dict[str, float]:
    """Return the words to look for, with what each says."""
    having: dict[str, int] = {}
    for word in dict.fromkeys(words_of(query)):
        found = sum(segment.having(word) for segment in segments)
        if found:
            having[word] = found
    rarest = heapq.nsmallest(MOST_WORDS, having, key=having.__getitem__)
    return {word: inverse_frequency(chunks, having[word]) for word in rarest}


def _scores(segment: Segment, weights: dict[str, float], average: float) -> list[float]:
    scores = [0.0] * len(segment)
    if not any(word in segment.words for word in weights):
        return []
    base, slope, lengths = K1 * (1 - B), K1 * B / average, segment.lengths
    for word, weight in weights.items():
        found = segment.postings(word)
        if found is not None:
            for chunk, times in zip(*found, strict=True):
                scores[chunk] += weight * times / (times + base + slope * lengths[chunk])
    return scores
