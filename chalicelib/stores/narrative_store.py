"""Changes of an investigation together with the job that writes its report: one transaction each.

What a client sees of an investigation and of its job can therefore never disagree: a job's id is readable when
the investigation names it, and ``completed`` comes with the report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from boto3.dynamodb.conditions import Attr, ConditionBase

from chalicelib.domain.clock import stamp
from chalicelib.domain.finding import Severity
from chalicelib.domain.investigation import Investigation, InvestigationStatus
from chalicelib.domain.narrative_job import digest_of, is_first
from chalicelib.domain.report import Outcome, Report
from chalicelib.stores.dynamodb import Item, TransactionFailedError, Write, transact
from chalicelib.stores.investigation_store import (
    NOT_DUE,
    HeadConflictError,
    IdempotencyKey,
    InvestigationStore,
    VersionRecord,
    due_at,
    inflight,
    to_idempotency,
    to_investigation,
)
from chalicelib.stores.outbox_store import Outbox, added, assigned
from chalicelib.stores.report_store import ReportStore, StateConflictError, to_report

MOST_IN_FLIGHT: Final = 20
"""So many different narratives of one investigation are written at the same time, at most."""

_IN_FLIGHT: Final = "in_flight"
_HEAD: Final = 0
_JOB: Final = 1


class KeyUsedError(Exception):
    """The caller's idempotency key was used before; ``earlier`` tells for what."""

    def __init__(self, earlier: IdempotencyKey) -> None:
        super().__init__("the idempotency key was used before")
        self.earlier = earlier


class InFlightError(Exception):
    """The same narrative is being written; ``job_id`` names who does."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"{job_id} writes the same narrative")
        self.job_id = job_id


class TooManyInFlightError(Exception):
    """As many narratives of this investigation are being written as may be."""


@dataclass(frozen=True)
class Finish:
    """What a finished narrative changes in its investigation's head.

    ``findings`` and ``newest_evidence_at`` are of the evidence that the narrative rests on. ``stale_reason`` and
    ``regenerate_at`` tell how it stands with evidence that is newer.
    """

    version: VersionRecord
    severity: Severity
    findings: int
    newest_evidence_at: str | None
    stale_reason: str
    regenerate_at: str | None


class NarrativeStore:
    """Transactions over investigations and jobs. One AWS call each."""

    def __init__(self, investigations: InvestigationStore, reports: ReportStore) -> None:
        self._investigations = investigations
        self._reports = reports

    def create(
        self,
        investigation: Investigation,
        job: Report | None,
        due: datetime,
        idempotency: IdempotencyKey | None,
        at: datetime,
        *,
        head_fields: Mapping[str, Any] | None = None,
        beside: Sequence[Write] = (),
    ) -> None:
        """Store a new investigation with its job, if it has one, and with the caller's key, if there is one.

        Args:
            investigation: what to store.
            job: who writes its report.
            due: when the sweep looks at the job.
            idempotency: the caller's key.
            at: now.
            head_fields: more attributes of the head.
            beside: what belongs to the change and is written with it.

        Raises:
            KeyUsedError: the caller's key was used in the last 24 hours.
            HeadConflictError: the id exists.
        """
        writes = self._investigations.creation(investigation, idempotency, at, head_fields)
        try:
            transact([*writes, *([self._reports.creation(job, due)] if job else []), *beside])
        except TransactionFailedError as failed:
            used = failed.reasons.get(1)
            if idempotency is None or used is None:
                raise HeadConflictError(_investigation(failed.reasons.get(_HEAD))) from failed
            raise KeyUsedError(to_idempotency(used, idempotency.account, idempotency.key)) from failed

    def start(
        self,
        investigation: Investigation,
        job: Report,
        due: datetime,
        beside: Sequence[Write] = (),
        outbox: Outbox | None = None,
    ) -> Investigation:
        """Close a pending investigation's evidence: it is queued, with the job that writes its report.

        ``beside`` belongs to the change and is written with it.

        Raises:
            HeadConflictError: it is not pending (any more).
        """
        queued = replace(investigation, status="queued", job_id=job.id, queued_at=job.queued_at)
        self._with_new_job(
            investigation,
            Attr("status").eq("pending"),
            job,
            due,
            beside,
            status="queued",
            assign={"job_id": job.id, "queued_at": job.queued_at, **assigned(outbox)},
            add=added(outbox),
        )
        return queued

    def regenerate(
        self, investigation: Investigation, job: Report, due: datetime, beside: Sequence[Write] = ()
    ) -> None:
        """Let a job write a completed investigation's narrative again, which also settles its own regeneration.

        ``beside`` belongs to the change and is written with it.

        Raises:
            InFlightError: another job writes the same.
            TooManyInFlightError: many others are being written.
            HeadConflictError: the investigation changed since it was read.
            TransactionFailedError: a condition of ``beside`` alone does not hold.
        """
        running = inflight(digest_of(job))
        condition = (
            Attr("status").eq("completed")
            & Attr("evidence_revision").eq(investigation.evidence_revision)
            & Attr(running).not_exists()
            & (Attr(_IN_FLIGHT).not_exists() | Attr(_IN_FLIGHT).lt(MOST_IN_FLIGHT))
        )
        self._with_new_job(
            investigation,
            condition,
            job,
            due,
            beside,
            assign={"job_id": job.id, running: job.id},
            add={_IN_FLIGHT: 1},
            remove=NOT_DUE,
        )

    def _with_new_job(
        self,
        investigation: Investigation,
        condition: ConditionBase,
        job: Report,
        due: datetime,
        beside: Sequence[Write],
        **changes: Any,
    ) -> None:
        head = self._investigations.change_write(investigation, condition, **changes)
        try:
            transact([head, self._reports.creation(job, due), *beside])
        except TransactionFailedError as failed:
            if _HEAD not in failed.reasons and any(number > _JOB for number in failed.reasons):
                raise
            current = failed.reasons.get(_HEAD)
            if current is not None and inflight(digest_of(job)) in current:
                raise InFlightError(str(current[inflight(digest_of(job))])) from failed
            if current is not None and current.get(_IN_FLIGHT, 0) >= MOST_IN_FLIGHT:
                raise TooManyInFlightError from failed
            raise HeadConflictError(_investigation(current)) from failed

    def settle(self, investigation: Investigation) -> None:
        """Note that nothing is to be regenerated by itself any more.

        Raises:
            HeadConflictError: that was put off meanwhile.
        """
        seen = Attr("due_at").eq(investigation.regenerate_at)
        self._investigations.change(investigation, seen, remove=NOT_DUE)

    def confirm(self, investigation: Investigation, revision: int) -> None:
        """Note that the newest version shows the evidence of this revision, so that it is not stale.

        Raises:
            HeadConflictError: evidence or version have changed since.
        """
        same = Attr("version").eq(investigation.version) & Attr("evidence_revision").eq(revision)
        self._investigations.change(investigation, same, assign={"stale_reason": ""}, remove=NOT_DUE)

    def step(self, investigation: Investigation, job: Report, status: InvestigationStatus) -> Investigation:
        """Show how far a first report is.

        Raises:
            HeadConflictError: the investigation is not where it was, or another job's.
        """
        seen = Attr("status").eq(investigation.status) & Attr("job_id").eq(job.id)
        return self._investigations.change(investigation, seen, status=status)

    def finish(
        self,
        investigation: Investigation,
        job: Report,
        finish: Finish,
        outcome: Outcome,
        at: datetime,
        *,
        expired_only: bool = False,
        outbox: Outbox | None = None,
        beside: Sequence[Write] = (),
    ) -> Report:
        """Make a new version of the report the current one, and complete the job that wrote it.

        Args:
            investigation: the head as it was read; status, version and evidence must still be these.
            job: the job as its worker claimed it.
            finish: what becomes of the head.
            outcome: what the job leaves behind.
            at: now.
            expired_only: only if the lease of the job's worker is over.
            outbox: what is told of it.
            beside: what belongs to it and is done with it.

        Returns:
            The job as it is now.

        Raises:
            HeadConflictError: the head changed since it was read.
            StateConflictError: the claim is not the current one any more.
        """
        version = finish.version
        assign: dict[str, Any] = {
            "version": version.version,
            "generated_at": version.generated_at,
            "report_key": version.report_key,
            "severity": finish.severity,
            "reported_findings": finish.findings,
            "stale_reason": finish.stale_reason,
            "failed_regenerations": 0,
            **due_at(finish.regenerate_at),
        }
        gone = [inflight(digest_of(job)), *(NOT_DUE if finish.regenerate_at is None else ())]
        if finish.newest_evidence_at is None:
            gone.append("reported_evidence_at")
        else:
            assign["reported_evidence_at"] = finish.newest_evidence_at
        head = self._investigations.change_write(
            investigation,
            _as_read(investigation, job),
            status="completed" if is_first(job) else None,
            assign={**assign, **({"completed_at": stamp(at)} if is_first(job) else {}), **assigned(outbox)},
            add={**({} if is_first(job) else {_IN_FLIGHT: -1}), **added(outbox)},
            remove=gone,
        )
        completion = self._reports.completion(job, outcome, at, expired_only=expired_only)
        self._end([head, completion, self._investigations.version_write(version), *beside])
        return replace(
            job,
            status="completed",
            progress=100,
            message="completed",
            words=outcome.word_count,
            completed_at=stamp(at),
            outcome=outcome,
            lease=None,
        )

    def fail(
        self,
        investigation: Investigation,
        job: Report,
        reason: str,
        failure: str,
        at: datetime,
        *,
        regenerate_at: str | None = None,
        expired_only: bool = False,
        outbox: Outbox | None = None,
    ) -> Report:
        """End a job without a narrative: a report that is there stays, an investigation without one is failed.

        Args:
            investigation: the head as it was read.
            job: the job as its worker claimed it.
            reason: a sentence for who asked for it.
            failure: why an investigation without a report is failed, in one word.
            at: now.
            regenerate_at: when the report is to be regenerated by itself, a stamp; None to leave that as it is.
            expired_only: only if the lease of the job's worker is over.
            outbox: what is told of it.

        Returns:
            The job as it is now.

        Raises:
            HeadConflictError: the head changed since it was read.
            StateConflictError: the claim is not the current one any more.
        """
        condition: ConditionBase = Attr("status").eq(investigation.status)
        if regenerate_at is not None:
            condition = condition & Attr("due_at").not_exists()
        head = self._investigations.change_write(
            investigation,
            condition,
            status="failed" if is_first(job) else None,
            assign={**({"failure": failure} if is_first(job) else due_at(regenerate_at)), **assigned(outbox)},
            add={**({} if is_first(job) else {_IN_FLIGHT: -1, "failed_regenerations": 1}), **added(outbox)},
            remove=[inflight(digest_of(job))],
        )
        self._end([head, self._reports.failure(job, reason, at, expired_only=expired_only)])
        return replace(job, status="failed", completed_at=stamp(at), error_message=reason, lease=None)

    def cancel(
        self,
        investigation: Investigation,
        job: Report | None,
        at: datetime,
        beside: Sequence[Write] = (),
        outbox: Outbox | None = None,
    ) -> Investigation:
        """Cancel an investigation that has not ended, with the job that writes its report, if it has one.

        ``beside`` belongs to the change and is written with it.

        Raises:
            HeadConflictError: the investigation changed since it was read.
            StateConflictError: the job did.
        """
        head = self._investigations.change_write(
            investigation, _still(investigation), status="cancelled", assign=assigned(outbox), add=added(outbox)
        )
        self._end([head, *([self._reports.cancellation(job, at)] if job else []), *beside])
        return replace(investigation, status="cancelled")

    def _end(self, writes: Sequence[Write]) -> None:
        try:
            transact(writes)
        except TransactionFailedError as failed:
            if _JOB in failed.reasons:
                item = failed.reasons[_JOB]
                raise StateConflictError(to_report(item) if item else None) from failed
            raise HeadConflictError(_investigation(failed.reasons.get(_HEAD))) from failed


def _still(investigation: Investigation) -> ConditionBase:
    """Hold while neither status nor job have changed."""
    job = investigation.job_id
    return Attr("status").eq(investigation.status) & (Attr("job_id").eq(job) if job else Attr("job_id").not_exists())


def _as_read(investigation: Investigation, job: Report) -> ConditionBase:
    """Hold while status, version and evidence are what they were, and a first report is still this job's."""
    same = (
        Attr("status").eq(investigation.status)
        & Attr("version").eq(investigation.version)
        & Attr("evidence_revision").eq(investigation.evidence_revision)
    )
    return same & Attr("job_id").eq(job.id) if is_first(job) else same


def _investigation(item: Item | None) -> Investigation | None:
    return to_investigation(item) if item else None
