"""Keeps a report within its template's length: cuts what is over, in fair shares."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.generation.markdown_text import cut_to, words

STEPS = 20


def cut_to_limit(texts: Sequence[str], planned: Sequence[int], most_words: int) -> list[str]:
    """Return the texts with at most ``most_words`` words together.

    What was written in its planned length stays; what is far above it is cut first.

    Args:
        texts: the pieces of the report.
        planned: the words planned for each.
        most_words: what the report may have.
    """
    counts = [words(text) for text in texts]
    if sum(counts) <= most_words:
        return list(texts)
    share = _share(counts, planned, most_words)
    return [
        text if count <= allowed * share else cut_to(text, int(allowed * share))
        for text, count, allowed in zip(texts, counts, planned, strict=True)
    ]


def _share(counts: Sequence[int], planned: Sequence[int], most_words: int) -> float:
    """Return the largest share of its plan that every piece may have, found by halving."""
    low, high = 0.0, max(count / max(1, allowed) for count, allowed in zip(counts, planned, strict=True))
    for _ in range(STEPS):
        middle = (low + high) / 2
        total = sum(min(count, int(allowed * middle)) for count, allowed in zip(counts, planned, strict=True))
        low, high = (middle, high) if total <= most_words else (low, middle)
    return low
