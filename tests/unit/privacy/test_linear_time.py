"""No string, however hostile, takes more than linear time; ``bench/pii.py`` measures how long exactly."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.privacy.detect import Detection, rules, without_overlaps
from chalicelib.privacy.pii_type import PiiType
from chalicelib.privacy.tokens import Scrambler, TokenMap
from tests.unit.privacy.hostile import HOSTILE

LENGTH = 12_000
SHORT = LENGTH // 4
# A text four times as long may take so many times as long; a quadratic pattern takes sixteen times.
MOST_GROWTH = 8
# Less is too short to be measured, and little even if it were quadratic.
LEAST_SECONDS = 0.06
UNITS = st.text(alphabet="aA1 .,:;@/-_+()[]=\"'\n\t#|<⟦ÄßПа田〒", min_size=1, max_size=8)
PIECES = st.sampled_from([*HOSTILE.values()])


def seconds(text: str) -> float:
    start = time.process_time()
    scrambler = Scrambler(TokenMap(), rules())
    scrambler.restore(scrambler.scramble(text))
    return time.process_time() - start


def is_linear(short: str, long: str) -> bool:
    """Tell whether ``long``, four times ``short``, takes no more than linear time; other work may disturb one try."""
    for _ in range(3):
        took = seconds(long)
        if took < LEAST_SECONDS or took < MOST_GROWTH * seconds(short):
            return True
    return False


@pytest.fixture(scope="module", autouse=True)
def _lists_are_read() -> None:
    seconds("Anna Kern, +49 30 901820")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_string_is_read_in_time(name: str) -> None:
    text = HOSTILE[name] * LENGTH
    assert is_linear(text[:SHORT], text[:LENGTH])


@settings(max_examples=30, deadline=None)
@given(UNITS, UNITS, st.integers(1, 3))
def test_long_repeats_of_anything_are_read_in_time(unit: str, other: str, times: int) -> None:
    first, second = unit * LENGTH, (other * times + unit) * LENGTH
    assert is_linear(first[: SHORT // 2] + second[: SHORT // 2], first[: LENGTH // 2] + second[: LENGTH // 2])


@settings(max_examples=30, deadline=None)
@given(st.lists(PIECES, min_size=2, max_size=4))
def test_long_repeats_of_hostile_pieces_are_read_in_time(pieces: list[str]) -> None:
    text = "".join(pieces) * LENGTH
    assert is_linear(text[:SHORT], text[:LENGTH])


def test_many_different_values_are_replaced_in_time() -> None:
    values = [f"user{number}@host{number}.example +1 212 736 {number:04d}" for number in range(800)]
    assert is_linear(" ".join(values[:200]), " ".join(values))


def test_many_values_that_begin_alike_are_looked_for_in_time() -> None:
    values = "\n".join(f"password: {'a1' * half}" for half in range(4, 60))
    assert seconds(f"{values}\n{'a1' * (LENGTH // 2)}") < 2


def test_a_chain_of_overlapping_values_is_joined_in_time() -> None:
    text = "a" * 1_200_000
    chain = [Detection(PiiType.SECRET, at, at + 11, "a" * 11, 1.0) for at in range(0, len(text) - 11, 10)]
    start = time.process_time()
    (whole,) = without_overlaps(text, chain)
    assert whole.end > len(text) - 20
    assert time.process_time() - start < 2


def test_quadratic_work_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.unit.privacy.test_linear_time.seconds", lambda text: 1e-8 * len(text) ** 2)
    assert not is_linear("a" * SHORT, "a" * LENGTH)
