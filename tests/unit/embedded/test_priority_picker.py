from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded.priority_picker import PriorityPicker

QUEUES = ("urgent", "high", "normal", "low")


def serve(picker: PriorityPicker, waiting: dict[str, int]) -> str:
    """Take one message as the worker does: from the first queue in order that has any."""
    queue = next(name for name in picker.order() if waiting.get(name))
    waiting[queue] -= 1
    picker.took(queue)
    return queue


def test_a_higher_priority_is_served_before_a_lower_one_that_waits() -> None:
    picker = PriorityPicker(QUEUES)
    waiting = {"low": 3, "normal": 3, "urgent": 1}
    assert [serve(picker, waiting) for _ in range(3)] == ["urgent", "normal", "normal"]


def test_one_message_in_five_goes_to_the_queue_that_was_served_longest_ago() -> None:
    picker = PriorityPicker(QUEUES, relief_every=5)
    waiting = {"urgent": 100, "low": 100}
    served = [serve(picker, waiting) for _ in range(10)]
    assert served == ["urgent"] * 4 + ["low"] + ["urgent"] * 4 + ["low"]


def test_relief_alternates_between_all_queues_that_are_held_back() -> None:
    picker = PriorityPicker(QUEUES, relief_every=2)
    waiting = dict.fromkeys(QUEUES, 100)
    relief = [serve(picker, waiting) for _ in range(12)][1::2]
    assert relief == ["low", "normal", "high", "low", "normal", "high"]


def test_nothing_taken_changes_nothing() -> None:
    picker = PriorityPicker(QUEUES)
    assert [picker.order() for _ in range(20)] == [QUEUES] * 20


@given(
    relief_every=st.integers(2, 7),
    others=st.lists(st.sets(st.sampled_from(QUEUES)), min_size=1, max_size=120),
    patient=st.sampled_from(QUEUES),
)
def test_a_queue_that_waits_is_served_within_a_bound_whatever_the_others_do(
    relief_every: int, others: list[set[str]], patient: str
) -> None:
    picker = PriorityPicker(QUEUES, relief_every)
    passed_over = 0
    for full in others:
        waiting = dict.fromkeys(full | {patient}, 1)
        passed_over = 0 if serve(picker, waiting) == patient else passed_over + 1
        assert passed_over < relief_every * len(QUEUES)


@given(relief_every=st.integers(2, 9), taken=st.lists(st.sampled_from(QUEUES), max_size=60))
def test_every_queue_is_always_looked_at(relief_every: int, taken: list[str]) -> None:
    picker = PriorityPicker(QUEUES, relief_every)
    for queue in taken:
        picker.took(queue)
        assert sorted(picker.order()) == sorted(QUEUES)


def test_relief_for_every_message_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        PriorityPicker(QUEUES, relief_every=1)
