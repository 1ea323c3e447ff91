"""Named requests whose effect has no id of its own: their answers are kept for as long as the name stands for them.

That costs no write of its own where the effect is a transaction, and one read before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.domain.clock import now
from chalicelib.services.idempotency import KEPT, IdempotencyConflictError, RequestName
from chalicelib.stores.answer_store import StoredAnswer
from chalicelib.stores.dynamodb import Put
from chalicelib.stores.stores import stores


def earlier_answer(name: RequestName | None) -> Mapping[str, Any] | None:
    """Return what an earlier request of this name was answered, or None: one AWS call, none without a name.

    Raises:
        IdempotencyConflictError: the name was used for another request.
    """
    found = None if name is None else stores().answers.get(str(name.uuid()), now())
    if name is None or found is None:
        return None
    if found.digest != name.digest:
        raise IdempotencyConflictError
    return found.answer


def answer_writes(name: RequestName | None, answer: Mapping[str, Any]) -> list[Put]:
    """Return the writes that keep an answer: one, whose condition fails if the name has one; none without a name."""
    if name is None:
        return []
    at = now()
    return [stores().answers.write(str(name.uuid()), StoredAnswer(name.digest, answer), at, at + KEPT)]


def keep_answer(name: RequestName | None, answer: Mapping[str, Any]) -> None:
    """Keep an answer to a request that had no effect of its own: one AWS call, none without a name.

    Raises:
        IdempotencyConflictError: the name was used for another request meanwhile.
    """
    if name is None:
        return
    at = now()
    if not stores().answers.put(str(name.uuid()), StoredAnswer(name.digest, answer), at, at + KEPT):
        earlier_answer(name)
