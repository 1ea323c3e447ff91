"""The comparison of what was granted with what was called."""

from __future__ import annotations

import pytest

from tests.support.iam_policy import Call, Grant
from tests.support.least_privilege import Observed, table

ANY = "arn:aws:sqs:us-east-1:000000000000:"
SEND, READ = "sqs:SendMessage", "sqs:ReceiveMessage"


def may(action: str, queue: str) -> Grant:
    return Grant(action, ANY + queue, frozenset())


@pytest.fixture
def observed() -> Observed:
    policies = {
        "write_high": [may(SEND, "x-high"), may(READ, "x-high")],
        "write_low": [may(SEND, "x-low"), may(READ, "x-low")],
        "sweep": [may(SEND, "x-high")],
    }
    calls = [
        ("write_high", Call(SEND, f"{ANY}x-high")),
        ("write_high", Call(SEND, f"{ANY}x-low")),
        ("write_low", Call(SEND, f"{ANY}x-low")),
        ("stranger", Call(READ, f"{ANY}x-low")),
    ]
    return Observed(policies, calls, {"x-high": "queue", "x-low": "queue", "x": "table"})


def test_calls_beyond_a_functions_own_policy_are_found(observed: Observed) -> None:
    assert observed.not_allowed() == {("write_high", SEND, "queue"), ("stranger", READ, "queue")}


def test_functions_with_the_same_rights_on_their_own_queues_are_one_family(observed: Observed) -> None:
    families = {family.name: family for family in observed.families()}
    assert set(families) == {"write_*", "sweep"}
    # The call that was not allowed used no right.
    assert families["write_*"].calls == {(SEND, "queue"): 2, (READ, "queue"): 0}
    assert families["write_*"].unused == {(READ, "queue")}
    assert families["sweep"].unused == {(SEND, "queue")}


def test_table_shows_calls_or_the_reason_for_none(observed: Observed) -> None:
    reasons = {"write_*": {(READ, "queue"): "a reason"}, "other": {(SEND, "queue"): "of others"}}
    lines = [line.split(maxsplit=3) for line in table(observed.families(), lambda name: reasons.get(name, {}))]
    assert lines == [
        ["sweep", SEND, "queue", "never used"],
        ["write_*", READ, "queue", "a reason"],
        ["write_*", SEND, "queue", "2 calls"],
    ]
