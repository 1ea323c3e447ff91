"""Investigations whose report follows the findings that its account has stored, in DynamoDB.

Beside the investigations lies, for each account, what every such report takes as its evidence. Whoever changes
findings reads there whose reports they concern.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from boto3.dynamodb.conditions import Attr, Key

from chalicelib.domain.evidence_selection import Selection
from chalicelib.stores.dynamodb import ConditionFailedError, Item, ItemKey, Table, new_mark

_MARK: Final = "mark"
_OVER: Final = "expires_at"


@dataclass(frozen=True)
class Follower:
    """An investigation and what it takes as evidence; ``mark`` tells one time of following from the next."""

    account: str
    investigation_id: str
    selection: Selection
    mark: str


class FollowerStore:
    """Who follows an account's findings. One AWS call each unless the method says otherwise."""

    def __init__(self, table_name: str) -> None:
        self._table = Table(table_name)

    def follow(self, account: str, investigation_id: str, selection: Selection) -> None:
        """Let an investigation be told of changes from now on, even if it was told of some before."""
        pk, sk = _key(account, investigation_id)
        self._table.put({"pk": pk, "sk": sk, "selection": _to_json(selection), _MARK: new_mark()})

    def of_account(self, account: str) -> list[Follower]:
        """Return those that follow an account's findings now (consistent): one call per MB."""
        key = Key("pk").eq(_key(account, "")[0])
        items = self._table.query_all(key, where=Attr(_OVER).not_exists(), consistent=True)
        return [_to_follower(item, account) for item in items]

    def leave(self, follower: Follower, at: datetime) -> None:
        """Tell an investigation of nothing more, unless it follows anew since ``follower`` was read.

        The item goes away by itself some time after ``at``.
        """
        key = _key(follower.account, follower.investigation_id)
        try:
            over = {_OVER: int(at.timestamp())}
            self._table.update(key, assign=over, condition=Attr(_MARK).eq(follower.mark))
        except ConditionFailedError:
            return


def _key(account: str, investigation_id: str) -> ItemKey:
    return f"W#{account}", investigation_id


def _to_follower(item: Item, account: str) -> Follower:
    return Follower(account, item["sk"], _from_json(item["selection"]), item[_MARK])


def _to_json(selection: Selection) -> str:
    fields = [sorted(selection.words), selection.tags, selection.seen_since, sorted(selection.agents)]
    return json.dumps(fields, ensure_ascii=False)


def _from_json(text: str) -> Selection:
    words, tags, seen_since, agents = json.loads(text)
    return Selection(frozenset(words), tuple((name, value) for name, value in tags), seen_since, frozenset(agents))
