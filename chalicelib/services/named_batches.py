"""Use case: take a batch of findings in once, however often its client sends it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from chalicelib.domain.finding import NewFinding
from chalicelib.services.findings import Ingested, ingest
from chalicelib.services.idempotency import RequestName
from chalicelib.services.named_answers import answer_writes, earlier_answer
from chalicelib.stores.dynamodb import TransactionFailedError, Write
from chalicelib.stores.stores import stores

# A finding's id ends with digits of its own, after those of its investigation.
_OWN_DIGITS: Final = 16


def ingest_once(account: str, investigation_id: str, new: Sequence[NewFinding], name: RequestName | None) -> Ingested:
    """Take a batch of findings in as ``ingest`` does; a request of the same name is told what became of the first.

    One AWS call more for a request with a name. One in all for a request that is told again, and one for each hundred
    findings: they are shown as they are now.

    Raises:
        IdempotencyConflictError: the name was used for another request. The others are those of ``ingest``.
    """

    def note(taken: Ingested) -> Sequence[Write]:
        digits = "".join(finding.id[-_OWN_DIGITS:] for finding in taken.findings)
        return answer_writes(name, {"created": taken.created, "duplicates": taken.duplicates, "findings": digits})

    told = earlier_answer(name)
    if told is None:
        try:
            return ingest(account, investigation_id, new, noting=note)
        except TransactionFailedError:
            # Another request of this name was faster.
            told = earlier_answer(name)
            if told is None:
                raise
    return _told_again(investigation_id, told)


def _told_again(investigation_id: str, told: Mapping[str, Any]) -> Ingested:
    digits, own = told["findings"], investigation_id.removeprefix("inv_")
    ids = [f"fnd_{own}{digits[at : at + _OWN_DIGITS]}" for at in range(0, len(digits), _OWN_DIGITS)]
    stored, _ = stores().findings.get_with_heads(dict.fromkeys(ids), ())
    findings = tuple(stored[i].finding for i in ids if i in stored)
    return Ingested(findings, told["created"], told["duplicates"], replayed=True)
