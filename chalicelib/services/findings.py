"""Use cases: take findings in, show them, dismiss them (investigation API, "Finding")."""

from __future__ import annotations

import hashlib
import json
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.answer_size import MAX_ANSWER_BYTES, answer_bytes
from chalicelib.domain.clock import now, stamp
from chalicelib.domain.finding import (
    MAX_EVIDENCE_BYTES,
    MAX_FINDING_BYTES,
    MAX_FINDINGS,
    Dismissal,
    DismissalReason,
    Finding,
    NewFinding,
    Severity,
)
from chalicelib.domain.identifiers import finding_id, investigation_of
from chalicelib.domain.investigation import INVESTIGATION_STATUSES, Investigation, InvestigationStatus
from chalicelib.services import audit
from chalicelib.services.followers import tell_followers
from chalicelib.services.not_found import NotFoundError
from chalicelib.services.outbox import announce, findings_outbox
from chalicelib.services.staleness import ADDED, DISMISSED, regenerate_at, stale_reason
from chalicelib.stores.dynamodb import Item, TransactionFailedError, Write
from chalicelib.stores.finding_store import (
    MAX_ITEM_BYTES,
    Head,
    HeadRefusedError,
    Ingest,
    IngestLostError,
    IngestUnderWayError,
    StoredFinding,
    Visibility,
    evidence_change,
    finding_from_json,
    finding_to_json,
)
from chalicelib.stores.investigation_store import head_key
from chalicelib.stores.listing import ORDER, place
from chalicelib.stores.outbox_store import added, assigned
from chalicelib.stores.stores import stores

_Given = TypeVar("_Given")
_Done = TypeVar("_Done")

_log = logging.getLogger(__name__)

OPEN: Final = tuple(status for status in INVESTIGATION_STATUSES if status not in ("failed", "cancelled"))
"""In these states an investigation takes findings: all but those that end it without a report."""

_SHORT_SUMMARY: Final = 2_000
_SHORT_NODES: Final = 20
# A batch waits this long for the one before it; then its caller is asked to come again.
_PATIENCE_SECONDS: Final = 3.0
# Writing stops so early that the last call, with all its tries, has ended before the lease has.
_WRITING_SECONDS: Final = 25.0
_OBJECTS_AT_ONCE: Final = 8
_DISMISSAL_TRIES: Final = 6
# What an answer has of a finding besides what is stored of it.
_VIEW_BYTES: Final = 200
_MOST_READS_OF_A_PAGE: Final = 20
# So many are read for a small page, and then at a time where the filters left many of those out.
_FIRST_READ: Final = 25
_LATER_READ: Final = 100


class InvestigationClosedError(Exception):
    """The investigation takes no findings in this status."""

    def __init__(self, status: InvestigationStatus) -> None:
        super().__init__(f"an investigation that is {status} takes no findings")
        self.status = status


class EvidenceFullError(Exception):
    """The findings would be more than one investigation holds; the message says which bound it is.

    ``path`` says what is too large: ``findings``, or ``findings.3`` where one of them is, counted from 0.
    """

    def __init__(self, message: str, path: str = "findings") -> None:
        super().__init__(message)
        self.path = path


class EvidenceBusyError(Exception):
    """Other findings of the same investigation are being taken in; try again in a second."""


@dataclass(frozen=True)
class Ingested:
    """What became of a batch: its findings in the order they were sent; duplicates are what was stored before.

    ``replayed`` says that an earlier request of the same name had sent it.
    """

    findings: tuple[Finding, ...]
    created: int
    duplicates: int
    replayed: bool = False


@dataclass(frozen=True)
class FindingsPage:
    """One page of findings, newest first, and where the next one starts (None: this was the last)."""

    findings: tuple[Finding, ...]
    next_start: Item | None


# Taking findings in


def ingest(
    account: str,
    investigation_id: str,
    new: Sequence[NewFinding],
    allowed: Sequence[InvestigationStatus] = OPEN,
    noting: Callable[[Ingested], Sequence[Write]] = lambda _: (),
) -> Ingested:
    """Take a batch of findings in: all of them are seen at once, or none.

    A finding with an ``external_id`` that the investigation knows is a duplicate and changes nothing. AWS calls:
    one to begin and one to end, one for each 25 new findings, one for each 100 with an ``external_id``, one
    for each finding over 64 KB, and one to learn whose reports they concern (see :func:`tell_followers`).

    Args:
        account: whose investigation.
        investigation_id: which.
        new: the findings, as they were sent.
        allowed: the statuses in which the investigation may be.
        noting: what is to be written with the batch, in the same transaction, given what becomes of it.

    Raises:
        NotFoundError: there is no such investigation of this account.
        InvestigationClosedError: it takes no findings (any more).
        EvidenceFullError: they would be more than one investigation holds.
        EvidenceBusyError: another batch is being taken in; nothing was stored.
        TransactionFailedError: a condition of what ``noting`` returned does not hold; nothing was stored.
    """
    batch = _begin(account, investigation_id, allowed)
    try:
        taken, added = _take_in(batch, new, allowed, noting)
    except IngestLostError as error:
        raise EvidenceBusyError from error
    except BaseException:
        _give_up(batch)
        raise
    if added:
        tell_followers(account, investigation_id, added, ADDED)
    return taken


@dataclass(frozen=True)
class Prepared:
    """An investigation that will be stored with its first findings, and the attributes of its head that show them.

    ``findings`` are these, very large ones in their short form.
    """

    investigation: Investigation
    head_fields: Mapping[str, Any]
    findings: tuple[Finding, ...] = ()


def prepare(investigation: Investigation, new: Sequence[NewFinding]) -> Prepared:
    """Write the first findings of an investigation that is not stored yet: its head then shows them all at once.

    Without that head nobody ever sees them. AWS calls: one for each 25 findings and one for each over 64 KB.

    Args:
        investigation: what will be stored, with a new id.
        new: the findings, as they were sent; of those that share an ``external_id``, the first counts.

    Raises:
        EvidenceFullError: they are more than one investigation holds.
        EvidenceBusyError: they could not be stored in time.
    """
    if not new:
        return Prepared(investigation, {})
    sent = _identified(investigation, new, now())
    fresh = {f.id: f for f in reversed(sent)}
    rows = _rows(fresh, sent, 1)
    _check_room(Head(investigation, Visibility(0, frozenset()), 0), rows)
    _write(rows, fresh, time.monotonic() + _WRITING_SECONDS)
    holding = replace(
        investigation,
        evidence_revision=1,
        finding_count=len(rows),
        newest_evidence_at=max(row.finding.discovered_at for row in rows),
    )
    size = sum(row.size_bytes for row in rows)
    fields = {"ingest_number": 1, "committed_ingest": 1, "evidence_bytes": size}
    return Prepared(holding, fields, tuple(row.finding for row in rows))


def _begin(account: str, investigation_id: str, allowed: Sequence[InvestigationStatus]) -> Ingest:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return stores().findings.begin_ingest(account, investigation_id, allowed, now())
        except HeadRefusedError as error:
            if error.current is None or error.current.account != account:
                raise NotFoundError from error
            raise InvestigationClosedError(error.current.status) from error
        except IngestUnderWayError as error:
            if time.monotonic() >= deadline:
                raise EvidenceBusyError from error
        time.sleep(random.uniform(0.05, 0.25))  # noqa: S311 - spreads those who wait, hides nothing


def _take_in(
    batch: Ingest,
    new: Sequence[NewFinding],
    allowed: Sequence[InvestigationStatus],
    noting: Callable[[Ingested], Sequence[Write]],
) -> tuple[Ingested, list[Finding]]:
    """Return what became of a batch, and what was stored, very large findings in their short form."""
    deadline = time.monotonic() + _WRITING_SECONDS
    sent = _identified(batch.head.investigation, new, now())
    known = _known(batch, [f.id for f in sent if f.external_id is not None])
    fresh = {f.id: f for f in reversed(sent) if f.id not in known}
    found = tuple(known.get(f.id) or fresh[f.id] for f in sent)
    taken = Ingested(found, len(fresh), len(sent) - len(fresh))
    rows: list[StoredFinding] = []
    if fresh:
        rows = _rows(fresh, sent, batch.number)
        _check_room(batch.head, rows)
        _write(rows, fresh, deadline)
        _commit(batch, rows, allowed, noting(taken))
    else:
        stores().findings.commit_ingest(batch, {}, {}, None, noting(taken))
    return taken, [row.finding for row in rows]


def _identified(investigation: Investigation, new: Sequence[NewFinding], at: datetime) -> list[Finding]:
    """Return findings with their ids. Those without a time get the present one, so that lists keep their order."""
    return [
        Finding(
            id=finding_id(investigation.id, one.external_id),
            investigation_id=investigation.id,
            account=investigation.account,
            title=one.title,
            summary=one.summary,
            severity=one.severity,
            confidence=one.confidence,
            discovered_at=one.discovered_at or stamp(at - timedelta(microseconds=number)),
            external_id=one.external_id,
            reasoning_chain=one.reasoning_chain,
            nodes=one.nodes,
            tags=one.tags,
        )
        for number, one in enumerate(new)
    ]


def _known(batch: Ingest, finding_ids: Sequence[str]) -> dict[str, Finding]:
    """Return those of the findings that the investigation has already."""
    stored, _ = stores().findings.get_with_heads(dict.fromkeys(finding_ids), ())
    return {i: s.finding for i, s in stored.items() if batch.head.visibility.shows(s.ingest)}


def _rows(fresh: Mapping[str, Finding], sent: Sequence[Finding], number: int) -> list[StoredFinding]:
    rows = [_row(f, number) for f in fresh.values()]
    for row in rows:
        if row.size_bytes > MAX_FINDING_BYTES:
            place = next(n for n, one in enumerate(sent) if one.id == row.finding.id)
            raise EvidenceFullError(f"must be at most {MAX_FINDING_BYTES} bytes of JSON", f"findings.{place}")
    return rows


def _row(finding: Finding, number: int) -> StoredFinding:
    whole = finding_to_json(finding)
    if len(whole) <= MAX_ITEM_BYTES:
        return StoredFinding(finding, number, len(whole))
    digest = hashlib.sha256(whole.encode()).hexdigest()
    key = f"evidence/{finding.investigation_id}/{finding.id}-{digest}.json"
    return StoredFinding(_short_form(finding), number, len(whole), key)


def _short_form(finding: Finding) -> Finding:
    """Return what the item of a very large finding has."""
    return replace(
        finding,
        summary=finding.summary[:_SHORT_SUMMARY],
        reasoning_chain=(),
        nodes=finding.nodes[:_SHORT_NODES],
        truncated=True,
    )


def _check_room(head: Head, rows: Sequence[StoredFinding]) -> None:
    if head.investigation.finding_count + len(rows) > MAX_FINDINGS:
        raise EvidenceFullError(f"an investigation holds at most {MAX_FINDINGS} findings")
    if head.evidence_bytes + sum(row.size_bytes for row in rows) > MAX_EVIDENCE_BYTES:
        raise EvidenceFullError(f"the findings of an investigation hold at most {MAX_EVIDENCE_BYTES} bytes of JSON")


def _write(rows: Sequence[StoredFinding], fresh: dict[str, Finding], deadline: float) -> None:
    """Write the findings, the texts of very large ones first."""

    def in_time() -> None:
        if time.monotonic() >= deadline:
            raise EvidenceBusyError("the findings could not be stored in time")

    def store_text(row: StoredFinding) -> None:
        in_time()
        content = finding_to_json(fresh[row.finding.id]).encode()
        stores().artifacts.put_at(str(row.text_key), content, "application/json")

    _side_by_side(store_text, [row for row in rows if row.text_key is not None])
    stores().findings.put_many(rows, in_time)


def _commit(
    batch: Ingest, rows: Sequence[StoredFinding], allowed: Sequence[InvestigationStatus], notes: Sequence[Write]
) -> None:
    seen = batch.head.investigation
    newest = max(row.finding.discovered_at for row in rows)
    add: dict[str, Any] = {
        "evidence_revision": 1,
        "finding_count": len(rows),
        "evidence_bytes": sum(row.size_bytes for row in rows),
    }
    entry = audit.entry("findings.add", seen.account, seen.id, count=len(rows))
    outbox = findings_outbox(seen.account, batch.number, now())
    add |= added(outbox)
    while True:
        assign = {**evidence_change(seen, stale_reason(seen, ADDED), regenerate_at(seen)), **assigned(outbox)}
        assign["newest_evidence_at"] = max(newest, seen.newest_evidence_at or "")
        moved_on = stores().findings.commit_ingest(batch, assign, add, seen.status, [entry, *notes])
        if moved_on is None:
            announce(outbox, "investigations", head_key(seen.id))
            return
        if moved_on.status not in allowed:
            raise InvestigationClosedError(moved_on.status)
        seen = moved_on


def _give_up(batch: Ingest) -> None:
    """Let the next batch in. If that fails, too, the lease runs out."""
    try:
        stores().findings.abandon_ingest(batch)
    except (ClientError, BotoCoreError):
        _log.exception("a batch of findings of %s was not given up", batch.head.investigation.id)


# Looking at findings

_MOST_REMEMBERED: Final = 2_000
# What this process knows to be visible: a committed number stays so.
_seen: dict[str, Visibility] = {}


def finding(account: str, finding_id: str) -> Finding:
    """Return a finding with the whole of its text: one AWS call, two for one over 64 KB.

    Raises:
        NotFoundError: there is none with this id, or it is another account's.
    """
    stored, _ = _stored(account, finding_id)
    return _whole(stored)


def _stored(account: str, finding_id: str) -> tuple[StoredFinding, Head]:
    investigation_id = investigation_of(finding_id)
    if investigation_id is None:
        raise NotFoundError
    found, heads = stores().findings.get_with_heads([finding_id], [investigation_id])
    stored, head = found.get(finding_id), heads.get(investigation_id)
    if stored is None or head is None or head.investigation.account != account:
        raise NotFoundError
    if not head.visibility.shows(stored.ingest):
        raise NotFoundError
    return stored, head


def _whole(stored: StoredFinding) -> Finding:
    if stored.text_key is None:
        return stored.finding
    whole = finding_from_json(stores().artifacts.get(stored.text_key).decode())
    return replace(whole, dismissal=stored.finding.dismissal)


def whole_texts(found: Sequence[StoredFinding]) -> list[Finding]:
    """Return findings with the whole of their texts, in order: one AWS call for each over 64 KB."""
    return _side_by_side(_whole, found)


def _side_by_side(work: Callable[[_Given], _Done], given: Sequence[_Given]) -> list[_Done]:
    if len(given) <= 1:
        return [work(one) for one in given]
    with ThreadPoolExecutor(min(len(given), _OBJECTS_AT_ONCE)) as pool:
        return list(pool.map(work, given))


def findings_page(
    account: str,
    *,
    severity: Severity | None = None,
    investigation_id: str | None = None,
    dismissed: bool = False,
    limit: int = 100,
    start: Item | None = None,
) -> FindingsPage:
    """Return an account's newest findings, very large ones in their short form.

    One AWS call for the keys and one for each hundred findings; again for what the filters left out. A page ends
    early, with a place to go on, where it would be too large for an answer.

    Args:
        account: whose.
        severity: only those of this severity.
        investigation_id: only those of this investigation.
        dismissed: those that are dismissed, or those that are not.
        limit: how many at most, 1 to 1,000.
        start: where the page starts, as the one before gave it.
    """
    chosen: list[Finding] = []
    size = 0
    for read in range(_MOST_READS_OF_A_PAGE):
        wanted = max(limit - len(chosen), _LATER_READ if read else _FIRST_READ)
        ids, following = stores().findings.newest(
            account, severity=severity, investigation_id=investigation_id, limit=wanted, start=start
        )
        for stored in visible(ids):
            one = stored.finding
            if one.account == account and severity in (None, one.severity) and one.dismissed == dismissed:
                size += _shown_bytes(one)
                if len(chosen) == limit or (chosen and size > MAX_ANSWER_BYTES):
                    return FindingsPage(tuple(chosen), {ORDER: place(chosen[-1].discovered_at, chosen[-1].id)})
                chosen.append(one)
        start = following
        if start is None or len(chosen) == limit:
            break
    return FindingsPage(tuple(chosen), start)


def _shown_bytes(finding: Finding) -> int:
    """Return about how many bytes a finding takes in an answer, and not fewer."""
    notes = json.dumps(finding.dismissal.notes) if finding.dismissal else ""
    return answer_bytes(finding_to_json(finding)) + answer_bytes(notes) + _VIEW_BYTES


def visible(finding_ids: Sequence[str]) -> list[StoredFinding]:
    """Return those of the findings that are to be seen, in the order of the ids: one AWS call for each hundred."""
    owners = {i for i in map(investigation_of, finding_ids) if i is not None}
    known = {i: _seen[i] for i in owners if i in _seen}
    stored, heads = stores().findings.get_with_heads(finding_ids, owners - known.keys())
    known |= _remembered(heads)
    # What is not committed in an older view of a head may be by now.
    unsure = {s.finding.investigation_id for s in stored.values() if s.ingest > _committed(known, s)} - heads.keys()
    if unsure:
        _, heads = stores().findings.get_with_heads((), unsure)
        known |= _remembered(heads)
    shown = {i for i, s in stored.items() if (seen := known.get(s.finding.investigation_id)) and seen.shows(s.ingest)}
    return [stored[i] for i in finding_ids if i in shown]


def _committed(known: Mapping[str, Visibility], stored: StoredFinding) -> int:
    seen = known.get(stored.finding.investigation_id)
    return seen.committed if seen else 0


def _remembered(heads: Mapping[str, Head]) -> dict[str, Visibility]:
    found = {i: head.visibility for i, head in heads.items()}
    if len(_seen) + len(found) > _MOST_REMEMBERED:
        _seen.clear()
    _seen.update(found)
    return found


def evidence_of(investigation: Investigation) -> list[Finding]:
    """Return an investigation's own findings with their whole texts, dismissed ones too, in no order (consistent).

    One AWS call for the head, one for each 500 findings, and one for each over 64 KB.
    """
    _, found = own_evidence(investigation.id)
    return whole_texts(found)


def own_evidence(
    investigation_id: str, kept: Callable[[StoredFinding], StoredFinding] = lambda stored: stored
) -> tuple[Head, list[StoredFinding]]:
    """Return an investigation's head and its own findings that are to be seen with it, dismissed ones too.

    Args:
        investigation_id: which.
        kept: what to keep of each finding once it is read.

    Raises:
        NotFoundError: there is no such investigation.
    """
    head = stores().findings.head(investigation_id)
    if head is None:
        raise NotFoundError
    found = stores().findings.of_investigation(investigation_id)
    return head, [kept(s) for s in found if head.visibility.shows(s.ingest)]


# Dismissing


def dismiss(account: str, finding_id: str, reason: DismissalReason, notes: str) -> Finding:
    """Dismiss a finding, so that it does not count any more; once it is, nothing changes it: three AWS calls.

    More where reports that follow stored findings rest on it, see :func:`tell_followers`.

    Returns it as lists show it: a very large one in its short form.

    Raises:
        NotFoundError: there is none with this id, or it is another account's.
        EvidenceBusyError: its investigation changed again and again meanwhile; nothing was changed.
    """
    for _ in range(_DISMISSAL_TRIES):
        stored, head = _stored(account, finding_id)
        if stored.finding.dismissed:
            return stored.finding
        dismissal = Dismissal(reason, notes, stamp(now()))
        seen = head.investigation
        try:
            entry = audit.entry("finding.dismiss", account, finding_id, reason=reason)
            stores().findings.dismiss(
                finding_id, dismissal, seen, stale_reason(seen, DISMISSED), regenerate_at(seen), [entry]
            )
        except TransactionFailedError:
            continue
        tell_followers(account, seen.id, [stored.finding], DISMISSED)
        return replace(stored.finding, dismissal=dismissal)
    raise EvidenceBusyError
