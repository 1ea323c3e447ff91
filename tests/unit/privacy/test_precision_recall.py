"""How much of what is private is found, and how much of what is found is private."""

from __future__ import annotations

import pytest

from chalicelib.privacy.detect import rules
from chalicelib.privacy.pii_type import PiiType
from tests.unit.privacy.labelled import Score, passages, score

FORMATTED = tuple(kind for kind in PiiType if kind not in (PiiType.PERSON, PiiType.ADDRESS))


@pytest.fixture(scope="module", params=["tuned", "held_out"])
def scored(request: pytest.FixtureRequest) -> Score:
    result = score(rules(), passages(request.param))
    print(f"\n{request.param}\n{result.table()}")  # noqa: T201
    return result


def test_the_passages_are_many_and_a_third_of_them_is_held_out() -> None:
    tuned, held_out = passages("tuned"), passages("held_out")
    assert len(tuned) + len(held_out) >= 300
    assert 3 * len(held_out) >= len(tuned) + len(held_out)
    assert {label.type for passage in held_out for label in passage.labels} == set(PiiType)
    for texts in (tuned, held_out):
        assert sum(not passage.labels for passage in texts) >= len(texts) / 5, "too few without anything private"


def test_no_passage_is_in_both_sets() -> None:
    assert not {one.text for one in passages("tuned")} & {one.text for one in passages("held_out")}


def test_values_with_a_form_are_found(scored: Score) -> None:
    assert scored.recall(*FORMATTED) >= 0.95, scored.errors


def test_names_are_found(scored: Score) -> None:
    assert scored.recall(PiiType.PERSON) >= 0.80, scored.errors


def test_addresses_are_found(scored: Score) -> None:
    assert scored.recall(PiiType.ADDRESS) >= 0.80, scored.errors


def test_what_is_found_is_private(scored: Score) -> None:
    assert scored.precision() >= 0.90, scored.errors


@pytest.mark.parametrize("kind", [PiiType.PERSON, PiiType.PHONE])
def test_names_and_phones_are_not_seen_everywhere(scored: Score, kind: PiiType) -> None:
    assert scored.precision(kind) >= 0.90, scored.errors
