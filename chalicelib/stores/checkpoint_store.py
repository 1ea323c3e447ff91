"""What a report's writer has finished so far, so that nobody has to write (and pay for) it again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from boto3.dynamodb.conditions import ConditionBase, Key

from chalicelib.stores.dynamodb import Table, ThrottledError

KEEP: Final = timedelta(days=14)
_TRIES: Final = 8
_PREFIX: Final = "checkpoint#"


class CheckpointStore:
    """Checkpoints beside the report's own item, under its partition."""

    def __init__(self, reports_table: str) -> None:
        self._table = Table(reports_table)

    def save(self, report_id: str, name: str, text: str, at: datetime) -> None:
        """Store one finished piece; a piece stored before under this name is replaced."""
        expires_at = int((at + KEEP).timestamp())
        self._table.put({"pk": f"R#{report_id}", "sk": f"{_PREFIX}{name}", "text": text, "expires_at": expires_at})

    def load(self, report_id: str, at: datetime) -> Mapping[str, str]:
        """Return the pieces that are there, name → text (a consistent read; one call per MB)."""
        items = self._table.query_all(_pieces(report_id), consistent=True)
        fresh = (i for i in items if i["expires_at"] > at.timestamp())
        return {str(i["sk"]).removeprefix(_PREFIX): str(i["text"]) for i in fresh}

    def clear(self, report_id: str, *, in_full: bool = False) -> None:
        """Delete all pieces: two calls for up to 25. What DynamoDB does not delete now expires by itself.

        With ``in_full`` none may stay: it is looked again until there is none.

        Raises:
            ThrottledError: some stay, however often they are deleted.
        """
        for _ in range(_TRIES):
            keys = self._table.keys(_pieces(report_id))
            self._table.delete_many(keys)
            if not keys or not in_full:
                return
        raise ThrottledError(reason="DynamoDB did not delete what was to go")


def _pieces(report_id: str) -> ConditionBase:
    return Key("pk").eq(f"R#{report_id}") & Key("sk").begins_with(_PREFIX)
