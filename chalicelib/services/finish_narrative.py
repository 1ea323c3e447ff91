"""The one way in which a narrative becomes the current version of its investigation's report.

The body is stored first, under a key that stands for its content; then one transaction makes it current and
completes the job. A crash before that leaves a file that nothing names, and nothing else.
"""

from __future__ import annotations

import hashlib
import random
import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from chalicelib.domain.build_report import build_report
from chalicelib.domain.clock import millisecond_stamp, now, parse_stamp, stamp
from chalicelib.domain.investigation import Investigation, InvestigationReport, Narrative
from chalicelib.domain.narrative_job import investigation_id_of, is_first, tier_of
from chalicelib.domain.report import Artifact, Outcome, Report
from chalicelib.domain.report_body import from_body, to_body
from chalicelib.domain.report_change import change_between
from chalicelib.services.investigation_events import report_event
from chalicelib.services.outbox import announce, investigation_outbox
from chalicelib.services.select_evidence import Snapshot
from chalicelib.settings import settings
from chalicelib.stores.artifact_store import StoredObject
from chalicelib.stores.investigation_store import HeadConflictError, VersionRecord, head_key
from chalicelib.stores.narrative_store import Finish
from chalicelib.stores.report_store import StateConflictError
from chalicelib.stores.stores import stores

BODY_TYPE: Final = "application/json"
_NEWER_EVIDENCE: Final = "the evidence changed while it was written"

# Each try loses only to another version, or to evidence that came in.
_TRIES: Final = 12
_PAUSE_SECONDS: Final = 0.05
# A record of a version names this many of what changed; its body names all.
_MOST_NAMED: Final = 100


def finish_narrative(job: Report, snapshot: Snapshot, narrative: Narrative, *, expired_only: bool = False) -> Report:
    """Make a narrative the current report and complete its job: three AWS calls, four from the second version on.

    Args:
        job: the job as its worker claimed it.
        snapshot: the evidence that the narrative was written from.
        narrative: what was written.
        expired_only: only if the lease of the job's worker is over.

    Returns:
        The job as it is now.

    Raises:
        StateConflictError: the claim is not the current one any more, or the investigation was cancelled.
        HeadConflictError: the investigation changed every time while this was tried.
    """
    for attempt in range(_TRIES):
        time.sleep(random.uniform(0, _PAUSE_SECONDS * attempt))  # noqa: S311 - spreads retries, hides nothing
        head = stores().investigations.get(investigation_id_of(job))
        if head is None or not _waits_for(head, job):
            raise StateConflictError(stores().reports.get(job.id))
        try:
            return _finish(head, job, snapshot, narrative, expired_only)
        except HeadConflictError as conflict:
            failure = conflict
    raise failure


def _waits_for(head: Investigation, job: Report) -> bool:
    """Tell whether an investigation is where this job can write its report."""
    return not head.ended and head.job_id == job.id if is_first(job) else head.status == "completed"


def _finish(head: Investigation, job: Report, snapshot: Snapshot, narrative: Narrative, expired_only: bool) -> Report:
    at = now()
    report = _report(head, job, snapshot, narrative, at)
    body = to_body(report)
    key = f"investigations/{head.id}/{report.version}-{hashlib.sha256(body).hexdigest()}.json"
    stored = stores().artifacts.put_at(key, body, BODY_TYPE)
    stale_reason, regenerate_at = _what_it_lacks(head, snapshot, at)
    finish = Finish(
        version=_version(report, job, key, narrative.sections_written),
        severity=report.severity,
        findings=len(snapshot.findings),
        newest_evidence_at=max((finding.discovered_at for finding in snapshot.findings), default=None),
        stale_reason=stale_reason,
        regenerate_at=regenerate_at,
    )
    outcome = _outcome(job, report, stored)
    outbox = investigation_outbox(head.account, report_event(report, job), at)
    done = stores().narratives.finish(
        head,
        job,
        finish,
        outcome,
        at,
        expired_only=expired_only,
        outbox=outbox,
        beside=[stores().vault.destruction(job.id)],
    )
    announce(outbox, "investigations", head_key(head.id))
    return done


def _report(
    head: Investigation, job: Report, snapshot: Snapshot, narrative: Narrative, at: datetime
) -> InvestigationReport:
    report = build_report(
        head,
        snapshot.findings,
        narrative,
        tier=tier_of(job),
        version=head.version + 1,
        generated_at=_generated_at(head, at),
        evidence_revision=snapshot.revision,
        input_digest=snapshot.digest,
    )
    if not head.version:
        return report
    before = from_body(stores().artifacts.get(head.report_key))
    return replace(report, change=change_between(before, report))


def _generated_at(head: Investigation, at: datetime) -> str:
    """Return the time of the new version: later than that of the one before, whatever the clocks say."""
    if not head.generated_at:
        return millisecond_stamp(at)
    return millisecond_stamp(max(at, parse_stamp(head.generated_at) + timedelta(milliseconds=1)))


def _what_it_lacks(head: Investigation, snapshot: Snapshot, at: datetime) -> tuple[str, str | None]:
    """Return why a version is stale from its beginning, and when to write it again by itself: mostly neither."""
    if head.evidence_revision == snapshot.revision:
        return "", None
    if head.regenerate_at is not None or not head.auto_regenerate:
        return head.stale_reason or _NEWER_EVIDENCE, head.regenerate_at
    after = timedelta(seconds=settings().auto_regenerate_seconds)
    return head.stale_reason or _NEWER_EVIDENCE, stamp(at + after)


def _version(report: InvestigationReport, job: Report, key: str, sections_written: int) -> VersionRecord:
    return VersionRecord(
        investigation_id=report.investigation_id,
        version=report.version,
        generated_at=report.generated_at,
        severity=report.severity,
        model=report.model,
        model_name=report.model_name,
        degraded=report.degraded,
        report_key=key,
        evidence_revision=report.evidence_revision,
        input_digest=report.input_digest,
        job_id=job.id,
        change=None if report.change is None else report.change.naming_at_most(_MOST_NAMED),
        sections_written=sections_written,
    )


def _outcome(job: Report, report: InvestigationReport, stored: StoredObject) -> Outcome:
    return Outcome(
        artifact=Artifact(stored.key, BODY_TYPE, stored.size_bytes, stored.sha256),
        document_key=stored.key,
        word_count=len(report.narrative.split()),
        model=report.model_name,
        style="narrative",
        usage=job.usage or {},
        notices=report.notices,
        version=report.version,
        generated_at=report.generated_at,
    )
