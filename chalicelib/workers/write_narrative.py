"""Serves a claimed job: the narrative of an investigation is written from a snapshot of its evidence."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from typing import Final

from chalicelib.domain.clock import now
from chalicelib.domain.deterministic_narrative import deterministic_narrative
from chalicelib.domain.investigation import INVESTIGATION_STATUSES, Investigation, InvestigationStatus, Narrative
from chalicelib.domain.narrative_job import instructions_of, investigation_id_of, is_first, tier_of
from chalicelib.domain.report import Outcome, Report
from chalicelib.generation.errors import GenerationFailed
from chalicelib.generation.journal import USAGE_KEY
from chalicelib.generation.narrative import NarrativeTask, write_narrative
from chalicelib.services.claims import Claim, ClaimEndedError
from chalicelib.services.finish_narrative import finish_narrative
from chalicelib.services.select_evidence import Snapshot, snapshot
from chalicelib.settings import settings
from chalicelib.stores.investigation_store import HeadConflictError
from chalicelib.stores.stores import stores
from chalicelib.workers.model_endpoint import meter_of, model_client
from chalicelib.workers.private_texts import PrivateTexts

_log = logging.getLogger(__name__)

NOTHING_WRITTEN: Final = (
    "The model wrote nothing that could be used, and the report that is there shows the same evidence: it stays"
)
LESS_WRITTEN: Final = (
    "The model wrote fewer sections that could be used than the report that is there has, "
    "which was asked for in the same way and shows the same evidence: it stays"
)

# Of which snapshot the pieces are that an earlier attempt left behind.
_SNAPSHOT_KEY: Final = "snapshot"


def write_narrative_report(claim: Claim) -> Outcome:
    """Write the narrative that a claimed job is for, and finish the job with it.

    AWS calls besides what the writing itself notes: thirteen for a first report, ten for a later one, with
    few findings of its own.

    Raises:
        GenerationFailed: the model wrote nothing, or less, and the report that is there shows the same evidence.
        ClaimEndedError: the claim is over, or the investigation was cancelled.
        OutOfTimeError: the function's time is nearly used up.
    """
    job = claim.report
    investigation = _shown(_investigation(job), job, "exploring")
    evidence = snapshot(investigation)
    investigation = _shown(investigation, job, "compiling")
    private = PrivateTexts(job) if _model_of(job) else None
    checkpoints = _checkpoints(claim, evidence, private) if private else {}
    investigation = _shown(investigation, job, "executing")
    narrative = _narrative(claim, investigation, evidence, checkpoints, private)
    if narrative.degraded and investigation.version:
        _check_is_better(job, investigation, evidence, narrative)
    done = claim.finish(lambda report: finish_narrative(report, evidence, narrative))
    if done.outcome is None:
        raise ValueError("a finished job has an outcome")
    return done.outcome


def _investigation(job: Report) -> Investigation:
    found = stores().investigations.get(investigation_id_of(job))
    if found is None:
        raise ClaimEndedError("the investigation is gone")
    return found


def _shown(investigation: Investigation, job: Report, status: InvestigationStatus) -> Investigation:
    """Show that a first report has come to ``status``, unless it was further before its job was taken over."""
    while is_first(job) and _place(investigation.status) < _place(status):
        try:
            return stores().narratives.step(investigation, job, status)
        except HeadConflictError as conflict:
            if conflict.current is None or conflict.current.job_id != job.id:
                raise ClaimEndedError("the investigation has another job") from conflict
            investigation = conflict.current
    if is_first(job) and investigation.ended:
        raise ClaimEndedError(f"the investigation is {investigation.status}")
    return investigation


def _place(status: InvestigationStatus) -> int:
    return INVESTIGATION_STATUSES.index(status)


def _checkpoints(claim: Claim, evidence: Snapshot, private: PrivateTexts) -> Mapping[str, str]:
    """Return what an earlier attempt wrote of the same snapshot; of another one, only what it used counts."""
    kept, _ = private.usable(stores().checkpoints.load(claim.report.id, now()))
    if kept.get(_SNAPSHOT_KEY) == evidence.digest:
        return kept
    claim.checkpoint(_SNAPSHOT_KEY, evidence.digest)
    return {name: text for name, text in kept.items() if name == USAGE_KEY}


def _model_of(job: Report) -> str:
    """Return the model that writes for a job; empty where none can."""
    given = settings()
    return given.llm_tier_models[tier_of(job)] if given.llm_base_url else ""


def _narrative(
    claim: Claim,
    investigation: Investigation,
    evidence: Snapshot,
    checkpoints: Mapping[str, str],
    private: PrivateTexts | None,
) -> Narrative:
    job, given = claim.report, settings()
    _shown(investigation, job, "analyzing")
    if private is None:
        _log.warning("job %s: no model endpoint is configured", job.id)
        return deterministic_narrative(investigation.query, evidence.findings, evidence.looked_at)
    task = NarrativeTask(
        report_id=job.id,
        query=investigation.query,
        depth=investigation.depth,
        tier=tier_of(job),
        instructions=instructions_of(job),
        findings=evidence.findings,
        looked_at=evidence.looked_at,
    )
    meter = meter_of(job, checkpoints, given)
    claim.usage = lambda: asdict(meter.total)
    claim.pii = lambda: private.texts.counts
    with closing(model_client(given, _model_of(job))) as model:
        return write_narrative(
            task,
            checkpoints,
            model,
            claim,
            section_words=given.llm_section_words,
            concurrency=given.llm_concurrency,
            meter=meter,
            texts=private.texts,
        )


def _check_is_better(job: Report, investigation: Investigation, evidence: Snapshot, narrative: Narrative) -> None:
    """Fail if the current version has more of the same evidence: at most three AWS calls.

    What a reader asked for in another way is another text: it replaces the one that is there even where the model
    wrote less of it, unless it wrote nothing.
    """
    current = stores().investigations.version(investigation.id, investigation.version)
    if current is None or current.input_digest != evidence.digest:
        return
    if narrative.sections_written >= current.sections_written:
        return
    if narrative.sections_written and not _asked_alike(job, stores().reports.get(current.job_id)):
        return
    try:
        stores().narratives.confirm(investigation, evidence.revision)
    except HeadConflictError:
        _log.info("investigation %s changed meanwhile", investigation.id)
    raise GenerationFailed(LESS_WRITTEN if narrative.sections_written else NOTHING_WRITTEN)


def _asked_alike(job: Report, other: Report | None) -> bool:
    return other is not None and tier_of(job) == tier_of(other) and instructions_of(job) == instructions_of(other)
