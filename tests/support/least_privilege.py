"""Policies against calls: which grants were used, which calls were not allowed, and the table that shows it."""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.support.iam_policy import Call, Grant

Right = tuple[str, str]
"""An action and the kind of resource it is for, with the names of one deployment taken out."""


@dataclass(frozen=True)
class Family:
    """Functions that may do the same, each with its own queue and log."""

    roles: tuple[str, ...]
    calls: Mapping[Right, int]

    @property
    def name(self) -> str:
        """What the names of its roles begin with."""
        if len(self.roles) == 1:
            return self.roles[0]
        return f"{os.path.commonprefix(self.roles)}*"  # noqa: RUF071 - names, no paths

    @property
    def unused(self) -> set[Right]:
        """Rights that none of its functions used."""
        return {right for right, calls in self.calls.items() if not calls}


class Observed:
    """What functions may do, and what they did."""

    def __init__(
        self, policies: Mapping[str, Sequence[Grant]], calls: Iterable[tuple[str, Call]], names: Mapping[str, str]
    ) -> None:
        """Compare.

        Args:
            policies: what each role is granted.
            calls: who called what, in any order.
            names: names of this deployment, as they occur in ARNs, and what stands for them in the table.
        """
        self._policies = policies
        self._calls = list(calls)
        self._names = names

    def not_allowed(self) -> set[tuple[str, str, str]]:
        """Return the role, action and resource of every call that no grant of that role allows."""
        return {
            (role, call.action, self._kind(call.resource))
            for role, call in self._calls
            if not any(grant.allows(call) for grant in self._policies.get(role, ()))
        }

    def families(self) -> list[Family]:
        """Return the functions by what they may do, with the number of calls that used each right."""
        roles_by_rights: dict[frozenset[object], list[str]] = {}
        for role, granted in self._policies.items():
            rights = frozenset((*self._right(grant), grant.conditions) for grant in granted)
            roles_by_rights.setdefault(rights, []).append(role)
        return [Family(tuple(sorted(roles)), self._used(roles)) for roles in roles_by_rights.values()]

    def _used(self, roles: Sequence[str]) -> dict[Right, int]:
        used = {self._right(grant): 0 for role in roles for grant in self._policies[role]}
        for role, call in self._calls:
            if role in roles:
                for right in {self._right(grant) for grant in self._policies[role] if grant.allows(call)}:
                    used[right] += 1
        return used

    def _right(self, grant: Grant) -> Right:
        return grant.action, self._kind(grant.resource)

    def _kind(self, resource: str) -> str:
        own = resource.split(":", 5)[-1]
        longest_first = sorted(self._names, key=len, reverse=True)
        return re.sub("|".join(map(re.escape, longest_first)), lambda found: self._names[found[0]], own)


def table(families: Iterable[Family], explained: Callable[[str], Mapping[Right, str]]) -> Iterator[str]:
    """Yield the lines of a table: function, action, resource, and the calls or why there are none.

    Args:
        families: the functions by what they may do.
        explained: why a family, by its name, did not use some of its rights.
    """
    for family in sorted(families, key=lambda family: family.name):
        for (action, kind), calls in sorted(family.calls.items()):
            why = f"{calls} calls" if calls else explained(family.name).get((action, kind), "never used")
            yield f"{family.name:<13} {action:<28} {kind:<40} {why}"
