"""The SQS edge: a permit arrives, one report or narrative is claimed, written and stored."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import log
from chalicelib.domain.clock import now
from chalicelib.domain.output_format import CONTENT_TYPES
from chalicelib.domain.priority import Priority
from chalicelib.domain.report import Artifact, Outcome, Report
from chalicelib.generation.assignment import EarlierReport
from chalicelib.generation.digest_report import write_digest
from chalicelib.generation.errors import BudgetSpent, CostLimitReached, GenerationFailed, SourcesGone
from chalicelib.generation.pipeline import Written, write_report
from chalicelib.generation.report_assignment import assignment_of
from chalicelib.generation.scrambling import DISCARDED
from chalicelib.generation.told_later import told_later
from chalicelib.rendering.render import Rendering, render, unshown
from chalicelib.rendering.theme import Theme, ThemeError
from chalicelib.services.claims import Claim, ClaimEndedError, OutOfTimeError, claim_next
from chalicelib.services.report_theme import theme_of
from chalicelib.settings import settings
from chalicelib.stores.artifact_store import UndeletedError
from chalicelib.stores.permit_queue import MalformedPermitError, to_permit
from chalicelib.stores.stores import stores
from chalicelib.workers.find_extracts import FoundExtracts
from chalicelib.workers.model_endpoint import meter_of, model_client
from chalicelib.workers.private_texts import PrivateTexts
from chalicelib.workers.report_sources import report_sources
from chalicelib.workers.write_narrative import write_narrative_report

_log = logging.getLogger(__name__)

NO_MODEL = "No model endpoint is configured: set LLM_BASE_URL and LLM_MODEL"
# The newest reports of a conversation that a report is told about.
MAX_EARLIER_REPORTS: Final = 5
INTERNAL_ERROR = "The report could not be finished because of an internal error"


def handle_permit(body: str, priority: Priority, remaining_seconds: Callable[[], float]) -> None:
    """Serve one permit. Returning acknowledges it; every report has its own way on from there.

    Args:
        body: the message's body.
        priority: the priority of the queue that it came from.
        remaining_seconds: how much of the function's time is left.
    """
    try:
        permit = to_permit(body, priority)
    except MalformedPermitError:
        _log.exception("a message that is no permit was dropped")
        return
    report = claim_next(permit)
    if report is None:
        _log.info("a %s permit found nothing waiting", priority)
        return
    log.append(report_id=report.id, request_id=report.request_id or "")
    with Claim(report, remaining_seconds) as claim:
        _write(claim)


def _write(claim: Claim) -> None:
    report = claim.report
    try:
        outcome = _write_report(claim) if report.kind == "report" else write_narrative_report(claim)
    except (GenerationFailed, BudgetSpent) as failure:
        # A cost limit and a honey jar are the owner's own; whatever else keeps a report from being written is not
        # their fault.
        reason, is_ours = str(failure), not isinstance(failure, CostLimitReached | BudgetSpent | SourcesGone)
        _end(claim, lambda: claim.fail(reason, is_our_fault=is_ours))
    except OutOfTimeError:
        _log.info("report %s is handed on: this function's time is used up", report.id)
        _end(claim, claim.release)
    except ClaimEndedError as ended:
        _log.info("report %s: %s", report.id, ended)
        _discard_own_files(report)
        _destroy_left_vault(report)
    except Exception:
        _log.exception("report %s was given back", report.id)
        _end(claim, lambda: claim.give_back(INTERNAL_ERROR))
    else:
        _log.info("report %s is completed", report.id)
        _clear_up(report, outcome)


def _write_report(claim: Claim) -> Outcome:
    report, given = claim.report, settings()
    if not given.llm_off and not (given.llm_base_url and given.llm_model):
        raise GenerationFailed(NO_MODEL)
    private = PrivateTexts(report)
    outcome = _digest(claim, private) if given.llm_off else _produce(claim, private)
    claim.complete(outcome, [stores().vault.destruction(report.id)] if private.has_vault else [])
    return outcome


def _end(claim: Claim, write: Callable[[], None]) -> None:
    try:
        write()
    except ClaimEndedError as ended:
        _log.info("report %s: too late, %s", claim.report.id, ended)
        _destroy_left_vault(claim.report)
    _discard_own_files(claim.report)


def _discard_own_files(report: Report) -> None:
    """Delete what this attempt may have stored: it did not become the report."""
    if report.kind == "narrative":
        return  # it stores one file, and that last of all
    try:
        stores().artifacts.discard(report.id, attempt=report.attempt)
    except (ClientError, BotoCoreError, UndeletedError):
        _log.exception("files of report %s, attempt %s, stay behind", report.id, report.attempt)


def _destroy_left_vault(report: Report) -> None:
    """Destroy what was put into the vault after the report had ended otherwise; else it expires within days."""
    try:
        current = stores().reports.get(report.id)
        if current is None or current.status in ("cancelled", "completed"):
            stores().vault.destroy(report.id)
    except (ClientError, BotoCoreError):
        _log.exception("the vault of report %s stays behind", report.id)


def _produce(claim: Claim, private: PrivateTexts) -> Outcome:
    report, given = claim.report, settings()
    theme = _theme(report)
    checkpoints, discarded = private.usable(stores().checkpoints.load(report.id, now()))
    notices = [given.llm_notice, DISCARDED if discarded else ""]
    claim.pii = lambda: private.texts.counts
    meter = meter_of(report, checkpoints, given)
    claim.usage = lambda: asdict(meter.total)
    with closing(model_client(given, given.llm_model)) as model:
        written = write_report(
            assignment_of(report, _conversation(report)),
            checkpoints,
            model,
            claim,
            section_words=given.llm_section_words,
            concurrency=given.llm_concurrency,
            notices=[notice for notice in notices if notice],
            meter=meter,
            texts=private.texts,
            retriever=report_sources(report, private.texts),
            asks_opinions=given.citation_check == "model",
        )
    claim.progress(97, "rendering", written.word_count)
    return _store(report, written, render(written.document, report.output_format, theme), private)


def _digest(claim: Claim, private: PrivateTexts) -> Outcome:
    """Put a report together without a model: nothing of it is sent to one, so nothing is scrambled either."""
    report = claim.report
    theme = _theme(report)
    written = write_digest(assignment_of(report), FoundExtracts(report, private.texts), claim)
    claim.progress(97, "rendering", written.word_count)
    return _store(report, written, render(written.document, report.output_format, theme), private)


def _theme(report: Report) -> Theme:
    """Return how the report will look, which is known before anything is written at a cost.

    Raises:
        GenerationFailed: the deployment's theme is malformed.
    """
    try:
        return theme_of(report)
    except ThemeError as error:
        raise GenerationFailed(f"REPORT_THEME: {error}") from None


def _conversation(report: Report) -> list[EarlierReport]:
    """Return what earlier reports of the conversation said, the oldest first: one AWS call, or none."""
    if not report.conversation_id:
        return []
    newest_first = stores().reports.earlier_in_conversation(report, MAX_EARLIER_REPORTS)
    return [EarlierReport(earlier.title, earlier.summary, earlier.private) for earlier in reversed(newest_first)]


def _store(report: Report, written: Written, rendering: Rendering, private: PrivateTexts) -> Outcome:
    artifacts = stores().artifacts
    tree = written.document.model_dump_json().encode()
    document = artifacts.put(report.id, report.attempt, "json", tree, "application/json")
    content_type = CONTENT_TYPES[report.output_format]
    stored = artifacts.put(report.id, report.attempt, report.output_format, rendering.content, content_type)
    summary, values = told_later(written.document, private.texts) if report.conversation_id else ("", ())
    notices = rendering.notices if report.output_format == "pdf" else unshown(written.document)
    return Outcome(
        artifact=Artifact(stored.key, content_type, stored.size_bytes, stored.sha256, rendering.pages),
        document_key=document.key,
        word_count=written.word_count,
        model=written.model,
        style=written.detected_style,
        style_reasons=written.style_reasons,
        usage=asdict(written.usage),
        notices=(*written.document.notices, *notices),
        summary=summary,
        private=values,
        citations=asdict(written.citations) if written.citations else None,
    )


def _clear_up(report: Report, outcome: Outcome) -> None:
    """Drop what a finished report does not need any more: its checkpoints, and files of earlier attempts.

    Trouble here costs some space until checkpoints expire; it must not cost the report.
    """
    try:
        stores().checkpoints.clear(report.id)
        if report.attempt > 1 and report.kind == "report":
            # Of this attempt everything stays: a reader may have had another format rendered by now.
            stores().artifacts.discard(report.id, but=report.attempt)
    except (ClientError, BotoCoreError, UndeletedError):
        _log.exception("report %s was not cleared up", report.id)
