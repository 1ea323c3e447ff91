"""Use cases: start an investigation, look at it, close its evidence, cancel it (investigation API)."""

from __future__ import annotations

import json
import random
import time
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Final

from chalicelib.domain.answer_size import MAX_ANSWER_BYTES, answer_bytes
from chalicelib.domain.clock import now, parse_stamp, stamp
from chalicelib.domain.figures import estimated_completion as estimated_completion_of_waiting
from chalicelib.domain.figures import estimated_completion_of_running
from chalicelib.domain.finding import NewFinding
from chalicelib.domain.identifiers import sortable_id
from chalicelib.domain.investigation import (
    Depth,
    Evidence,
    Investigation,
    InvestigationScope,
    InvestigationStatus,
    Mode,
)
from chalicelib.domain.narrative_job import PRIORITY_OF_DEPTH, new_job
from chalicelib.domain.report import Report
from chalicelib.services import audit
from chalicelib.services.enqueue import due_at
from chalicelib.services.findings import Prepared, prepare
from chalicelib.services.followers import tell_followers
from chalicelib.services.idempotency import IdempotencyConflictError
from chalicelib.services.investigation_events import cancelled_event, failed_event, queued_event
from chalicelib.services.narrative_jobs import queue_job, regenerate
from chalicelib.services.outbox import announce, findings_outbox, investigation_outbox, joined
from chalicelib.services.own_investigation import own_investigation
from chalicelib.services.queue_figures import count_done, queue_figures, workers
from chalicelib.services.staleness import ADDED
from chalicelib.stores.dynamodb import Item, Put
from chalicelib.stores.investigation_store import HeadConflictError, IdempotencyKey, head_key
from chalicelib.stores.listing import ORDER, place
from chalicelib.stores.narrative_store import KeyUsedError
from chalicelib.stores.outbox_store import Outbox
from chalicelib.stores.report_store import StateConflictError
from chalicelib.stores.stores import stores

NO_AGENTS: Final = "no_connected_agents"

# Each try loses only to a real change of the investigation or its job.
_TRIES: Final = 8
_PAUSE_SECONDS: Final = 0.05
_READ_AT_ONCE: Final = 100
# What an answer has of an investigation besides its query, scope and agents.
_VIEW_BYTES: Final = 2_000


class ClosedError(Exception):
    """The investigation ended without a report; ``status`` is how."""

    def __init__(self, status: InvestigationStatus) -> None:
        super().__init__(f"the investigation is {status}")
        self.status = status


@dataclass(frozen=True)
class NewInvestigation:
    """What a valid request asks for.

    Args:
        query: what to find out.
        depth: how deep; it decides priority and model tier.
        scope: whose evidence counts.
        mode: where evidence comes from; ``live`` needs agents, which are not there.
        agent_ids: only evidence of these; none for all.
        evidence: whether stored findings are selected, or it waits for findings of its own.
        findings: its evidence, all of it; None where the request has none.
        auto_regenerate: whether its report is written again by itself when the evidence changes.
        idempotency_key: the caller's name for this request, or None.
        body_digest: what two requests share that ask for the same.
    """

    query: str
    depth: Depth
    scope: InvestigationScope
    mode: Mode
    agent_ids: tuple[str, ...]
    evidence: Evidence
    findings: tuple[NewFinding, ...] | None
    auto_regenerate: bool
    idempotency_key: str | None
    body_digest: str


@dataclass(frozen=True)
class CreatedInvestigation:
    """An investigation that was asked for; ``replayed`` says that an earlier request of the same name had made it."""

    investigation: Investigation
    replayed: bool = False


def create_investigation(account: str, new: NewInvestigation) -> CreatedInvestigation:
    """Start an investigation: three AWS calls (store, permit, count), one where it waits for its findings.

    With findings in the request, one more for each 25 of them and one to learn whose reports they concern. The
    same key with the same request gives the investigation that it made before, as it was then: two calls.

    Args:
        account: who asks.
        new: what is asked for.

    Raises:
        IdempotencyConflictError: its key was used for another request.
        EvidenceFullError: its findings are more than one investigation holds.
        EvidenceBusyError: its findings could not be stored in time.
    """
    used = replayed_investigation(account, new) if new.findings else None
    if used is not None:
        # There is much to store before the write that would notice the use of the caller's key.
        return CreatedInvestigation(used, replayed=True)
    at = now()
    prepared = Prepared(_unstored(account, new, at), {})
    if new.findings and prepared.investigation.status == "queued":
        prepared = prepare(prepared.investigation, new.findings)
    job = new_job(prepared.investigation, "first", stamp(at)) if prepared.investigation.status == "queued" else None
    investigation = _with_estimate(replace(prepared.investigation, job_id=job.id if job else None))
    due = due_at(job.priority, at) if job else at
    key = _idempotency(account, new, investigation)
    outbox = _creation_outbox(investigation, at)
    head_fields = {**prepared.head_fields, **(outbox.fields if outbox else {})}
    try:
        stores().narratives.create(
            investigation, job, due, key, at, head_fields=head_fields, beside=[_creation(investigation)]
        )
    except KeyUsedError as error:
        return CreatedInvestigation(_made_before(account, error.earlier, new), replayed=True)
    announce(outbox, "investigations", head_key(investigation.id))
    if job:
        queue_job(job)
    if prepared.findings:
        tell_followers(account, investigation.id, prepared.findings, ADDED)
    return CreatedInvestigation(investigation)


def _with_estimate(investigation: Investigation) -> Investigation:
    expected = estimated_completion(investigation)
    return investigation if expected is None else replace(investigation, first_estimate=stamp(expected))


def _creation_outbox(investigation: Investigation, at: datetime) -> Outbox | None:
    account = investigation.account
    findings = findings_outbox(account, 1, at) if investigation.finding_count else None
    if investigation.status == "queued":
        return joined(investigation_outbox(account, queued_event(investigation), at), findings)
    if investigation.status == "failed":
        return investigation_outbox(account, failed_event(investigation, investigation.failure), at)
    return findings


def _creation(investigation: Investigation) -> Put:
    return audit.entry(
        "investigation.create",
        investigation.account,
        investigation.id,
        depth=investigation.depth,
        status=investigation.status,
        findings=investigation.finding_count,
    )


def replayed_investigation(account: str, new: NewInvestigation) -> Investigation | None:
    """Return what an earlier request with the same key made, or None: two AWS calls, none without a key.

    Raises:
        IdempotencyConflictError: the key was used for another request.
    """
    if new.idempotency_key is None:
        return None
    earlier = stores().investigations.idempotency(account, new.idempotency_key)
    return None if earlier is None else _made_before(account, earlier, new)


def _made_before(account: str, earlier: IdempotencyKey, new: NewInvestigation) -> Investigation:
    if earlier.body_digest != new.body_digest:
        raise IdempotencyConflictError
    return _as_created(own_investigation(account, earlier.investigation_id), earlier)


def _as_created(investigation: Investigation, key: IdempotencyKey) -> Investigation:
    """Return an investigation as it was when the request with this key made it."""
    status: InvestigationStatus = "queued"
    if key.job_id is None:
        status = "failed" if investigation.mode == "live" else "pending"
    return replace(
        investigation,
        status=status,
        queued_at=investigation.created_at,
        evidence_revision=1 if key.finding_count else 0,
        finding_count=key.finding_count,
        newest_evidence_at=key.newest_evidence_at,
        reported_findings=0,
        reported_evidence_at=None,
        job_id=key.job_id,
        version=0,
        generated_at="",
        report_key="",
        severity=None,
        stale_reason="",
        regenerate_at=None,
        completed_at=None,
        failure=NO_AGENTS if status == "failed" else "",
        failed_regenerations=0,
    )


def _idempotency(account: str, new: NewInvestigation, investigation: Investigation) -> IdempotencyKey | None:
    if new.idempotency_key is None:
        return None
    return IdempotencyKey(
        account=account,
        key=new.idempotency_key,
        body_digest=new.body_digest,
        investigation_id=investigation.id,
        job_id=investigation.job_id,
        finding_count=investigation.finding_count,
        newest_evidence_at=investigation.newest_evidence_at,
    )


def _unstored(account: str, new: NewInvestigation, at: datetime) -> Investigation:
    # Who sends the evidence along means that, and nothing that is stored.
    evidence: Evidence = new.evidence if new.findings is None else "pushed"
    status: InvestigationStatus = "queued"
    if new.mode == "live":
        status = "failed"
    elif evidence == "pushed" and new.findings is None:
        status = "pending"
    return Investigation(
        id=sortable_id("inv_"),
        account=account,
        status=status,
        query=new.query,
        depth=new.depth,
        mode=new.mode,
        scope=new.scope,
        created_at=stamp(at),
        queued_at=stamp(at),
        agent_ids=new.agent_ids,
        evidence=evidence,
        auto_regenerate=new.auto_regenerate,
        failure=NO_AGENTS if status == "failed" else "",
    )


def get_investigation(account: str, investigation_id: str) -> Investigation:
    """Return the account's investigation as it is now: one AWS call.

    Raises:
        NotFoundError: there is none with this id, or it is not theirs.
    """
    return own_investigation(account, investigation_id)


def list_investigations(
    account: str, status: InvestigationStatus | None, limit: int, start: Item | None
) -> tuple[list[Investigation], Item | None]:
    """Return an account's newest investigations: one AWS call for the keys, one for each hundred.

    A page ends early, with a place to go on, where it would be too large for an answer.

    Args:
        account: whose.
        status: only those in this status.
        limit: how many at most.
        start: where the page starts, as the one before gave it.

    Returns:
        The page, and where the next one starts (None: this was the last).
    """
    ids, following = stores().investigations.newest(account, status, limit, start)
    page: list[Investigation] = []
    room = MAX_ANSWER_BYTES
    for first in range(0, len(ids), _READ_AT_ONCE):
        for one in stores().investigations.get_many(ids[first : first + _READ_AT_ONCE]):
            # The index may lag behind an investigation that has just moved on.
            if one.account != account or status not in (None, one.status):
                continue
            room -= _shown_bytes(one)
            if page and room < 0:
                return page, {ORDER: place(page[-1].created_at, page[-1].id)}
            page.append(one)
    return page, following


def _shown_bytes(investigation: Investigation) -> int:
    """Return about how many bytes an investigation takes in an answer, and not fewer."""
    # The scope may be named again as the recommended one.
    scope = asdict(investigation.scope)
    return answer_bytes(json.dumps([investigation.query, investigation.agent_ids, scope, scope])) + _VIEW_BYTES


def cancel_investigation(account: str, investigation_id: str) -> Investigation:
    """Cancel an investigation: four AWS calls (head, job, both changed, count). One that has ended stays as it is.

    Raises:
        NotFoundError: there is none with this id, or it is not theirs.
        HeadConflictError: it changed every time while this was tried.
        StateConflictError: its job did.
    """
    for attempt in range(_TRIES):
        _pause(attempt)
        investigation = own_investigation(account, investigation_id)
        if investigation.ended:
            return investigation
        job = stores().reports.get(investigation.job_id) if investigation.job_id else None
        try:
            entry = audit.entry("investigation.cancel", account, investigation.id, was=investigation.status)
            at = now()
            outbox = investigation_outbox(account, cancelled_event(investigation), at)
            vault = [stores().vault.destruction(job.id)] if job and job.attempt else []
            cancelled = stores().narratives.cancel(investigation, job, at, [entry, *vault], outbox)
        except (HeadConflictError, StateConflictError) as conflict:
            failure = conflict
            continue
        announce(outbox, "investigations", head_key(investigation.id))
        if job is not None:
            count_done({f"{'waiting' if job.is_waiting else 'running'}_{job.priority}": -1})
        return cancelled
    raise failure


def complete_investigation(account: str, investigation_id: str) -> tuple[Investigation, str]:
    """Close an investigation's evidence and have its report written; return both with the id of the job.

    A pending one is queued: four AWS calls (head, both changed, permit, count). One whose report is being written,
    or shows all evidence, keeps its job: one call. One whose report is stale is regenerated: five calls.

    Raises:
        NotFoundError: there is none with this id, or it is not theirs.
        ClosedError: it failed or was cancelled.
        HeadConflictError: it changed every time while this was tried.
        TooManyInFlightError: many narratives of it are being written.
    """
    for attempt in range(_TRIES):
        _pause(attempt)
        investigation = own_investigation(account, investigation_id)
        if investigation.status in ("failed", "cancelled"):
            raise ClosedError(investigation.status)
        if investigation.status == "completed" and investigation.stale:
            return investigation, regenerate(account, investigation_id).id
        if investigation.job_id is not None:
            return investigation, investigation.job_id
        try:
            queued, job = _start(investigation)
        except HeadConflictError as conflict:
            failure = conflict
            continue
        return queued, queue_job(job).id
    raise failure


def _start(investigation: Investigation) -> tuple[Investigation, Report]:
    at = now()
    job = new_job(investigation, "first", stamp(at))
    entry = audit.entry("investigation.complete", investigation.account, investigation.id, job=job.id)
    outbox = investigation_outbox(investigation.account, queued_event(replace(investigation, queued_at=stamp(at))), at)
    queued = stores().narratives.start(investigation, job, due_at(job.priority, at), [entry], outbox)
    announce(outbox, "investigations", head_key(investigation.id))
    return queued, job


def _pause(attempt: int) -> None:
    time.sleep(random.uniform(0, _PAUSE_SECONDS * attempt))  # noqa: S311 - spreads retries, hides nothing


def estimated_completion(investigation: Investigation) -> datetime | None:
    """Return when an investigation's first report is expected, or None if it has ended or waits for findings.

    At most one AWS call for the figures of the queue, none while they are a few seconds old; one more while the
    report is being written.
    """
    if investigation.ended or investigation.job_id is None:
        return None
    figures = queue_figures()
    if investigation.status == "queued":
        priority = PRIORITY_OF_DEPTH[investigation.depth]
        position = max(1, figures.waiting[priority])
        return estimated_completion_of_waiting(priority, position, figures, workers(), now())
    job = stores().reports.get(investigation.job_id)
    if job is None or job.started_at is None:
        return None
    return estimated_completion_of_running(parse_stamp(job.started_at), job.progress, figures, now())
