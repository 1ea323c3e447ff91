"""MB/s of the detectors on ordinary prose, beside one simple ``re`` pass over the same text, and on hostile strings.

    python bench/pii.py [MEGABYTES]

Both passes take turns and the fastest of several rounds counts, so that other work on the machine changes
their ratio little. Exits with 1 when prose is slower than 3 MB/s, or a hostile string takes more than linear time.
"""

from __future__ import annotations

import random
import re
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from chalicelib.privacy.detect import rules
from chalicelib.privacy.tokens import Scrambler, TokenMap
from tests.unit.privacy.hostile import HOSTILE
from tests.unit.privacy.labelled import passages

ROOT = Path(__file__).resolve().parent.parent
LEAST_MB_PER_SECOND = 3.0
ROUNDS = 5
# A text four times as long may take this many times as long; a quadratic pattern takes sixteen.
MOST_GROWTH = 7.0
HOSTILE_LENGTH = 50_000
# One passage with private values among so many characters of prose.
CHARACTERS_PER_PASSAGE = 4_000
SIMPLE = re.compile(r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}\b")


def prose(length: int) -> str:
    """Return this project's own documents, sentence by sentence in random order, with passages in between."""
    documents = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"]
    text = "\n".join(path.read_text("utf-8") for path in documents)
    text = re.sub(r"(?ms)^```.*?^```|^[|<].*?$", "", text)
    sentences = [one for one in re.split(r"(?<=[.:;])\s+", text) if len(one) > 20]
    private = [passage.text for passage in passages("tuned") if passage.labels]
    chance = random.Random(1)
    parts: list[str] = []
    size = since = 0
    while size < length:
        if since > CHARACTERS_PER_PASSAGE:
            parts.append(chance.choice(private))
            since = 0
        parts.append(chance.choice(sentences))
        size += len(parts[-1]) + 1
        since += len(parts[-1]) + 1
    return " ".join(parts)[:length]


def seconds(work: Callable[[], object]) -> float:
    """Return the processor's time of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> int:
    """Print the tables; return the exit status."""
    megabytes = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    text = prose(int(megabytes * 1_000_000))
    first = seconds(lambda: rules().detect("Anna Kern, +49 30 901820"))
    engine = rules()
    works: dict[str, Callable[[], object]] = {
        "one simple re pass": lambda: sum(1 for _ in SIMPLE.finditer(text)),
        "every detector": lambda: engine.detect(text),
        "scramble": lambda: Scrambler(TokenMap(), engine).scramble(text),
    }
    best = dict.fromkeys(works, float("inf"))
    for _ in range(ROUNDS):
        for name, work in works.items():
            best[name] = min(best[name], seconds(work))
    size = len(text.encode()) / 1e6
    print(f"first call, with its lists: {first:.2f} s; {size:.1f} MB of prose, {len(engine.detect(text))} detections")
    for name, took in best.items():
        print(f"{name:<20}{size / took:8.1f} MB/s{took / best['one simple re pass']:8.1f} times the re pass")
    slow = size / best["every detector"] < LEAST_MB_PER_SECOND
    print(f"\n{'hostile string':<28}{'50 kB':>9}{'200 kB':>9}{'growth':>8}")
    bent = False
    for name, unit in HOSTILE.items():
        short, long = ((unit * (length // len(unit) + 1))[:length] for length in (HOSTILE_LENGTH, 4 * HOSTILE_LENGTH))
        took, longer = (min(seconds(partial(engine.detect, t)) for _ in range(2)) for t in (short, long))
        growth = longer / max(took, 0.005)
        bent = bent or growth > MOST_GROWTH
        print(f"{name:<28}{took:>8.3f}s{longer:>8.3f}s{growth:>8.1f}")
    if slow or bent:
        print("too slow" if slow else "more than linear", file=sys.stderr)
    return int(slow or bent)


if __name__ == "__main__":
    sys.exit(main())
