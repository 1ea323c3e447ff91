"""The judge of the policies, on policies whose verdict is plain."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.iam_policy import Call, grants, matches

TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/access"


def allowed(statement: dict[str, Any], call: Call) -> bool:
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})
    return any(grant.allows(call) for grant in grants(policy))


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("bucket/reports/1/a.pdf", "bucket/reports/*", True),
        ("bucket/reports", "bucket/reports/*", False),
        ("bucket/other/reports/1", "bucket/reports/*", False),
        ("table/a/index/b", "table/a", False),
        ("table/ab", "table/a?", True),
        ("table.a", "table?a", True),
        ("table-a", "table.a", False),
        ("anything\nat all", "*", True),
    ],
)
def test_patterns_match_whole_texts(text: str, pattern: str, expected: bool) -> None:
    assert matches(text, pattern) is expected


@pytest.mark.parametrize(
    ("action", "resource", "expected"),
    [
        ("dynamodb:GetItem", TABLE, True),
        ("dynamodb:Query", TABLE, True),
        ("dynamodb:PutItem", TABLE, False),
        ("dynamodb:GetItem", f"{TABLE}/index/x", False),
    ],
)
def test_action_and_resource_must_both_be_granted(action: str, resource: str, expected: bool) -> None:
    statement = {"Action": ["dynamodb:GetItem", "dynamodb:Query"], "Resource": TABLE}
    assert allowed(statement, Call(action, resource)) is expected


@pytest.mark.parametrize(
    ("keys", "expected"), [(["L#alice"], True), (["L#alice", "O#alice"], False), (["K#1"], False), ([], False)]
)
def test_every_leading_key_must_match_a_granted_pattern(keys: list[str], expected: bool) -> None:
    condition = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["L#*"]}}
    statement = {"Action": "dynamodb:UpdateItem", "Resource": TABLE, "Condition": condition}
    assert allowed(statement, Call("dynamodb:UpdateItem", TABLE, {"dynamodb:LeadingKeys": keys})) is expected


@pytest.mark.parametrize(
    ("keys", "expected"),
    [(["FIGURES"], True), (["FIGURES", "FIGURES"], True), (["FIGURES", "K#1"], False), (["K#1"], False), ([], False)],
)
def test_every_leading_key_must_be_among_the_granted(keys: list[str], expected: bool) -> None:
    condition = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["FIGURES"]}}
    statement = {"Action": "dynamodb:UpdateItem", "Resource": TABLE, "Condition": condition}
    assert allowed(statement, Call("dynamodb:UpdateItem", TABLE, {"dynamodb:LeadingKeys": keys})) is expected


@pytest.mark.parametrize(
    ("prefix", "expected"), [(["reports/1/"], True), (["reports"], False), (["private/"], False), ([], False)]
)
def test_list_needs_a_prefix_like_the_granted(prefix: list[str], expected: bool) -> None:
    statement = {
        "Action": "s3:ListBucket",
        "Resource": "arn:aws:s3:::b",
        "Condition": {"StringLike": {"s3:prefix": "reports/*"}},
    }
    assert allowed(statement, Call("s3:ListBucket", "arn:aws:s3:::b", {"s3:prefix": prefix})) is expected


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"},
        {"NotAction": "s3:GetObject", "Resource": "*"},
        {"Action": "s3:*", "Resource": "*"},
        {"Action": "s3:GetObject", "Resource": "*", "Condition": {"DateLessThan": {"aws:CurrentTime": "2030"}}},
    ],
)
def test_what_is_not_understood_is_refused(statement: dict[str, Any]) -> None:
    with pytest.raises((ValueError, KeyError)):
        allowed(statement, Call("s3:GetObject", "x"))
