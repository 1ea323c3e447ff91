"""What an IAM policy allows: the part of IAM's language that the policies here are written in.

Only ``Allow`` statements with ``Action`` and ``Resource``, and the condition operators below. Anything else
is refused when the policy is read, so that nothing is judged by half.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Call:
    """One request as IAM sees it: an action, the ARN it is made on, and condition keys with their values."""

    action: str
    resource: str
    context: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Condition:
    """One test of a statement: an operator, a condition key, and the values it may have."""

    operator: str
    key: str
    values: tuple[str, ...]

    def holds(self, call: Call) -> bool:
        """Tell whether it holds; a call that has no value for the key does not fulfil it."""
        given = call.context.get(self.key, ())
        return bool(given) and _OPERATORS[self.operator](given, self.values)


@dataclass(frozen=True)
class Grant:
    """One action on one pattern of resources, under conditions."""

    action: str
    resource: str
    conditions: frozenset[Condition]

    def allows(self, call: Call) -> bool:
        """Tell whether it allows a call."""
        return (
            self.action == call.action
            and matches(call.resource, self.resource)
            and all(condition.holds(call) for condition in self.conditions)
        )


def grants(policy: str) -> list[Grant]:
    """Return everything that a policy grants, one action and one resource at a time.

    Args:
        policy: the policy as JSON.

    Raises:
        ValueError: the policy says something that is not understood here.
    """
    return [grant for statement in _listed(json.loads(policy)["Statement"]) for grant in _granted(statement)]


def matches(text: str, pattern: str) -> bool:
    """Tell whether a text matches a pattern with IAM's ``*`` and ``?``."""
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def _every_equals(given: Sequence[str], allowed: Sequence[str]) -> bool:
    return all(value in allowed for value in given)


def _every_like(given: Sequence[str], allowed: Sequence[str]) -> bool:
    return all(any(matches(value, pattern) for pattern in allowed) for value in given)


def _any_like(given: Sequence[str], allowed: Sequence[str]) -> bool:
    return any(matches(value, pattern) for value in given for pattern in allowed)


_OPERATORS: dict[str, Callable[[Sequence[str], Sequence[str]], bool]] = {
    "ForAllValues:StringEquals": _every_equals,
    "ForAllValues:StringLike": _every_like,
    "StringLike": _any_like,
}


def _granted(statement: Mapping[str, Any]) -> list[Grant]:
    unknown = statement.keys() - {"Sid", "Effect", "Action", "Resource", "Condition"}
    if unknown or statement["Effect"] != "Allow":
        raise ValueError(f"a statement is not understood here: {statement}")
    conditions = frozenset(
        Condition(operator, key, tuple(_listed(values)))
        for operator, keys in statement.get("Condition", {}).items()
        for key, values in keys.items()
    )
    if strange := {condition.operator for condition in conditions} - _OPERATORS.keys():
        raise ValueError(f"an operator is not understood here: {strange}")
    actions, resources = _listed(statement["Action"]), _listed(statement["Resource"])
    if wild := [action for action in actions if "*" in action]:
        raise ValueError(f"an action is a pattern: {wild}")
    return [Grant(action, resource, conditions) for action in actions for resource in resources]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
