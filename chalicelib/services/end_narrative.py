"""How a job ends that could not write its narrative. An investigation is never left without an end.

A first report is then written by rules alone, by whoever ends the job; that needs no model and no worker. Where
there is a report already, it stays, and the job fails.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.deterministic_narrative import deterministic_narrative
from chalicelib.domain.investigation import Investigation
from chalicelib.domain.narrative_job import investigation_id_of, is_first
from chalicelib.domain.report import Report
from chalicelib.services.finish_narrative import finish_narrative
from chalicelib.services.investigation_events import failed_event
from chalicelib.services.outbox import announce, investigation_outbox
from chalicelib.services.select_evidence import snapshot
from chalicelib.services.staleness import try_again_at
from chalicelib.stores.investigation_store import HeadConflictError, head_key
from chalicelib.stores.report_store import StateConflictError
from chalicelib.stores.stores import stores

_log = logging.getLogger(__name__)

NOT_WRITTEN: Final = "internal_error"
SHORTENED: Final = "Of findings with long texts or many places, only the beginning was taken into this report."
_TRIES: Final = 8


def end_narrative(job: Report, reason: str, at: datetime, *, expired_only: bool = False) -> Report:
    """End a claimed job without its narrative.

    Args:
        job: the job as it was read, with the attempt that failed.
        reason: a sentence for who asked for it.
        at: now.
        expired_only: only if the lease of its worker is over.

    Returns:
        The job as it is now: ``completed`` with a report written by rules, or ``failed``.

    Raises:
        StateConflictError: the attempt is not the current one any more, or its lease is alive.
    """
    if is_first(job):
        try:
            return _write_by_rules(job, expired_only)
        except (StateConflictError, ClientError, BotoCoreError, HeadConflictError):
            raise  # it ended otherwise, or somebody will try again
        except Exception:
            _log.exception("no report could be made for %s: its investigation fails", job.id)
    return _fail(job, reason, at, expired_only)


def _write_by_rules(job: Report, expired_only: bool) -> Report:
    investigation = stores().investigations.get(investigation_id_of(job))
    if investigation is None:
        raise StateConflictError(None)
    # Whoever ends a job may have little memory and little time, however large the evidence is.
    evidence = snapshot(investigation, brief=True)
    narrative = deterministic_narrative(investigation.query, evidence.findings, evidence.looked_at)
    if any(finding.truncated for finding in evidence.findings):
        narrative = replace(narrative, notices=(*narrative.notices, SHORTENED))
    return finish_narrative(job, evidence, narrative, expired_only=expired_only)


def _fail(job: Report, reason: str, at: datetime, expired_only: bool) -> Report:
    for _ in range(_TRIES):
        investigation = stores().investigations.get(investigation_id_of(job))
        if investigation is None:
            raise StateConflictError(None)
        try:
            return _fail_once(investigation, job, reason, at, expired_only)
        except HeadConflictError as conflict:
            failure = conflict
    raise failure


def _fail_once(investigation: Investigation, job: Report, reason: str, at: datetime, expired_only: bool) -> Report:
    outbox = None
    if is_first(job):
        outbox = investigation_outbox(investigation.account, failed_event(investigation, NOT_WRITTEN), at)
    done = stores().narratives.fail(
        investigation,
        job,
        reason,
        NOT_WRITTEN,
        at,
        regenerate_at=try_again_at(investigation, at),
        expired_only=expired_only,
        outbox=outbox,
    )
    announce(outbox, "investigations", head_key(investigation.id))
    return done
