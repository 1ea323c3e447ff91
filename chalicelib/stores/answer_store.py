"""What named requests were answered, where nothing that they made has an id that could follow from the name.

The answer is stored in the transaction that has the request's effect, on the condition that the name has none yet: of
two such requests at the same time, one changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from boto3.dynamodb.conditions import Attr, ConditionBase

from chalicelib.stores.dynamodb import ConditionFailedError, Item, ItemKey, Put, Table


@dataclass(frozen=True)
class StoredAnswer:
    """The answer to a named request, and what requests share that ask for the same."""

    digest: str
    answer: Mapping[str, Any]


class AnswerStore:
    """Answers to named requests, each kept until its name is free again. One AWS call each."""

    def __init__(self, table_name: str) -> None:
        self._table = Table(table_name)

    def get(self, name_id: str, at: datetime) -> StoredAnswer | None:
        """Return what a name stands for at ``at`` (a consistent read), or None.

        Args:
            name_id: the id that follows from the name.
            at: now.
        """
        item = self._table.get(_key(name_id), consistent=True)
        if item is None or item["expires_at"] <= at.timestamp():
            return None
        return StoredAnswer(item["digest"], json.loads(item["answer"]))

    def put(self, name_id: str, stored: StoredAnswer, at: datetime, until: datetime) -> bool:
        """Store an answer by itself; tell whether the name had none."""
        write = self.write(name_id, stored, at, until)
        try:
            self._table.put(write.item, write.condition)
        except ConditionFailedError:
            return False
        return True

    def write(self, name_id: str, stored: StoredAnswer, at: datetime, until: datetime) -> Put:
        """Return the write of an answer for a transaction; its condition fails if the name has one.

        Args:
            name_id: the id that follows from the name.
            stored: the answer; as JSON at most 100 KB.
            at: now.
            until: when the name is free again.
        """
        pk, sk = _key(name_id)
        item: Item = {
            "pk": pk,
            "sk": sk,
            "digest": stored.digest,
            "answer": json.dumps(stored.answer, ensure_ascii=False),
            "expires_at": int(until.timestamp()),
        }
        unused: ConditionBase = Attr("pk").not_exists() | Attr("expires_at").lte(int(at.timestamp()))
        return Put(self._table.name, item, unused)


def _key(name_id: str) -> ItemKey:
    return f"N#{name_id}", "answer"
