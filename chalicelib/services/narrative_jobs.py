"""Use cases: have an investigation's narrative written (again), and look at the job that does it."""

from __future__ import annotations

import logging
import random
import time
from typing import Final

from chalicelib.domain.clock import now, stamp
from chalicelib.domain.investigation import Investigation, InvestigationStatus, Tier
from chalicelib.domain.narrative_job import NO_INSTRUCTIONS, Trigger, new_job, owner_of, tier_of
from chalicelib.domain.report import Report
from chalicelib.services import audit
from chalicelib.services.enqueue import due_at, send_permit
from chalicelib.services.idempotency import RequestName
from chalicelib.services.named_answers import answer_writes, earlier_answer, keep_answer
from chalicelib.services.not_found import NotFoundError
from chalicelib.services.own_investigation import own_investigation
from chalicelib.services.queue_figures import count_done
from chalicelib.stores.dynamodb import TransactionFailedError
from chalicelib.stores.investigation_store import HeadConflictError
from chalicelib.stores.narrative_store import InFlightError, TooManyInFlightError
from chalicelib.stores.stores import stores

_log = logging.getLogger(__name__)

# Each try loses only to a real change of the investigation.
_TRIES: Final = 8
_PAUSE_SECONDS: Final = 0.05


class NotCompletedError(Exception):
    """The investigation has no report (yet); ``status`` is where it stands."""

    def __init__(self, status: InvestigationStatus) -> None:
        super().__init__(f"the investigation is {status}")
        self.status = status


def regenerate(
    account: str, investigation_id: str, tier: Tier | None = None, instructions: str = NO_INSTRUCTIONS
) -> Report:
    """Queue a new narrative of a completed investigation: four AWS calls (head, job, permit, count).

    Who asks for the same narrative of the same evidence while it is being written gets the same job: three calls.

    Args:
        account: who asks.
        investigation_id: whose narrative.
        tier: the model tier; None for that of the investigation's depth.
        instructions: what the text should do for its reader.

    Returns:
        The job.

    Raises:
        NotFoundError: there is no such investigation, or it is not theirs.
        NotCompletedError: it is not completed.
        HeadConflictError: it changed every time while this was tried.
        TooManyInFlightError: many other narratives of it are being written.
    """
    return _again("regenerate", account, investigation_id, tier, instructions)[0]


def regenerate_once(
    account: str, investigation_id: str, tier: Tier | None, instructions: str, name: RequestName | None
) -> tuple[Report, bool]:
    """Queue a new narrative as :func:`regenerate` does; a request of the same name gives the job of the first.

    One AWS call more for a request with a name; two in all for one that is told the earlier job.

    Returns:
        The job as it is now, and whether an earlier request of this name had it.

    Raises:
        IdempotencyConflictError: the name was used for another request. The others are those of ``regenerate``.
    """
    told = earlier_answer(name)
    if told is None:
        try:
            return _again("regenerate", account, investigation_id, tier, instructions, name)[0], False
        except TransactionFailedError:
            # Another request of this name was faster.
            told = earlier_answer(name)
            if told is None:
                raise
    return job(account, str(told["job_id"])), True


def _again(
    trigger: Trigger,
    account: str,
    investigation_id: str,
    tier: Tier | None = None,
    instructions: str = NO_INSTRUCTIONS,
    name: RequestName | None = None,
) -> tuple[Report, bool]:
    """Return the job that writes the narrative again, and whether it is a new one."""
    for attempt in range(_TRIES):
        time.sleep(random.uniform(0, _PAUSE_SECONDS * attempt))  # noqa: S311 - spreads retries, hides nothing
        investigation = own_investigation(account, investigation_id)
        if investigation.status != "completed":
            raise NotCompletedError(investigation.status)
        job = new_job(investigation, trigger, stamp(now()), tier, instructions)
        try:
            entry = audit.entry(
                "investigation.regenerate", account, investigation.id, job=job.id, tier=tier_of(job), trigger=trigger
            )
            beside = [entry, *answer_writes(name, {"job_id": job.id})]
            stores().narratives.regenerate(investigation, job, due_at(job.priority, now()), beside)
        except InFlightError as running:
            keep_answer(name, {"job_id": running.job_id})
            return _running(running.job_id), False
        except HeadConflictError as conflict:
            failure = conflict
        else:
            return queue_job(job), True
    raise failure


def _running(job_id: str) -> Report:
    found = stores().reports.get(job_id)
    if found is None:  # it was stored together with what named it
        raise NotFoundError
    return found


def queue_job(job: Report) -> Report:
    """Send the permit of a job that was stored, and count it: two AWS calls. Return the job as it is now."""
    queued = send_permit(job)
    count_done({f"waiting_{job.priority}": 1})
    return queued


def job(account: str, job_id: str) -> Report:
    """Return the account's job as it is now: one AWS call.

    Raises:
        NotFoundError: there is none with this id, or it is not theirs.
    """
    found = stores().reports.get(job_id)
    if found is None or found.kind != "narrative" or found.owner != owner_of(account):
        raise NotFoundError
    return found


def regenerate_due() -> int:
    """Regenerate the stale reports whose time has come; return how many jobs were queued.

    One AWS call, and one to five for each report. One report's trouble keeps nobody else waiting.
    """
    queued = 0
    for investigation_id in list(stores().investigations.due(now())):
        try:
            queued += _regenerate_due(investigation_id)
        except (HeadConflictError, TooManyInFlightError):
            _log.info("investigation %s changed meanwhile; the next sweep looks at it", investigation_id)
        except Exception:
            _log.exception("the report of investigation %s was not regenerated", investigation_id)
    return queued


def _regenerate_due(investigation_id: str) -> bool:
    investigation = stores().investigations.get(investigation_id)
    if investigation is None or not _is_due(investigation):
        return False
    if investigation.status != "completed" or not investigation.stale:
        stores().narratives.settle(investigation)
        return False
    is_new = _again("auto", investigation.account, investigation.id)[1]
    if not is_new:
        # Somebody asked for the same meanwhile.
        stores().narratives.settle(investigation)
    return is_new


def _is_due(investigation: Investigation) -> bool:
    return investigation.regenerate_at is not None and investigation.regenerate_at <= stamp(now())
