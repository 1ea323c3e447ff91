"""Deterministic report text: coherent-looking Markdown with headings, lists, a table and non-ASCII words."""

from __future__ import annotations

import random
from collections.abc import Iterator

SUBJECTS = (
    "The operations team", "A regional office", "Every gateway", "The identity provider", "A field engineer",
    "The audit committee", "Each workload", "The Zürich laboratory", "A retired controller", "The change board",
    "An external assessor", "The backup site", "Any privileged session", "The procurement desk",
    "A naïve configuration", "The São Paulo branch", "Its monitoring pipeline", "The safety officer",
    "A quarterly exercise", "The 東京 facility", "Their asset register", "An unattended terminal",
)  # fmt: skip
VERBS = (
    "records", "limits", "inherits", "postpones", "confirms", "isolates", "measures", "replaces", "rehearses",
    "publishes", "reconciles", "forwards", "questions", "simplifies", "protects", "samples", "renews",
    "documents", "narrows", "schedules", "compares", "withdraws",
)  # fmt: skip
OBJECTS = (
    "its oldest credentials", "the maintenance window", "two independent paths", "the recovery procedure",
    "a short list of exceptions", "the vendor's remote access", "device certificates", "the façade services",
    "traffic between zones", "evidence for the regulator", "an agreed baseline", "the escalation chain",
    "spare capacity", "a signed inventory", "the cost of downtime (≈ €40k)", "unusual command sequences",
    "the training calendar", "dormant accounts", "a tested rollback", "the naming scheme",
)  # fmt: skip
ENDINGS = (
    "before any line goes live", "without touching production", "once the pilot has ended",
    "whenever a supplier changes", "during the second phase", "because manual checks came too late",
    "so that nobody works blind", "as the old contract required", "under the supervision of both shifts",
    "until the review is signed", "although the budget is small", "within one working day",
    "where latency allows it", "after the incident of last spring", "with no extra hardware",
    "despite several open questions", "in the order of their risk", "from a hardened workstation",
)  # fmt: skip
HEADINGS = ("Where it stands", "What changes", "Who is responsible", "Costs and limits", "Next steps")


def answer(seed: int, words: int) -> str:
    """Return Markdown of about ``words`` words; the same seed always gives the same beginning."""
    blocks: list[str] = []
    count = 0
    for block in _blocks(random.Random(seed)):
        blocks.append(block)
        count += len(block.split())
        if count >= words:
            break
    return "\n\n".join(blocks)


def _blocks(dice: random.Random) -> Iterator[str]:
    yield _paragraph(dice)
    for number in range(10_000):
        heading = HEADINGS[number % len(HEADINGS)]
        yield f"### {heading}" if number < len(HEADINGS) else f"### {heading} ({number})"
        yield _paragraph(dice)
        yield _table(dice) if number % 3 == 1 else _bullets(dice)
        yield _paragraph(dice)


def _sentence(dice: random.Random) -> str:
    parts = (SUBJECTS, VERBS, OBJECTS, ENDINGS)
    return " ".join(dice.choice(part) for part in parts) + "."


def _paragraph(dice: random.Random) -> str:
    return " ".join(_sentence(dice) for _ in range(dice.randint(3, 5)))


def _bullets(dice: random.Random) -> str:
    return "\n".join(f"- **{dice.choice(VERBS).title()}**: {_sentence(dice)}" for _ in range(3))


def _table(dice: random.Random) -> str:
    rows = [f"| {dice.choice(SUBJECTS)} | {dice.choice(OBJECTS)} | {dice.choice(ENDINGS)} |" for _ in range(3)]
    return "\n".join(["| Who | What | When |", "| --- | --- | --- |", *rows])
