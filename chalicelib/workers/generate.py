"""The SQS edge: a permit arrives, one report is claimed, written, rendered and stored."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from contextlib import closing

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.clock import now
from chalicelib.domain.output_format import CONTENT_TYPES
from chalicelib.domain.priority import Priority
from chalicelib.domain.report import Artifact, Outcome, Report
from chalicelib.domain.template import find_template
from chalicelib.generation.model_client import ModelClient
from chalicelib.generation.pipeline import Assignment, GenerationFailed, Written, write_report
from chalicelib.rendering.render import Rendering, render
from chalicelib.services.claims import Claim, ClaimEndedError, OutOfTimeError, claim_next
from chalicelib.settings import Settings, settings
from chalicelib.stores.artifact_store import UndeletedError
from chalicelib.stores.permit_queue import MalformedPermitError, to_permit
from chalicelib.stores.secret_store import secret_parameter
from chalicelib.stores.stores import stores

_log = logging.getLogger(__name__)

NO_MODEL = "No model endpoint is configured: set LLM_BASE_URL and LLM_MODEL"
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
    with Claim(report, remaining_seconds) as claim:
        _write(claim)


def _write(claim: Claim) -> None:
    report = claim.report
    try:
        outcome = _produce(claim)
        claim.complete(outcome)
    except GenerationFailed as failure:
        reason = str(failure)
        _end(claim, lambda: claim.fail(reason))
    except OutOfTimeError:
        _log.info("report %s is handed on: this function's time is used up", report.id)
        _end(claim, claim.release)
    except ClaimEndedError as ended:
        _log.info("report %s: %s", report.id, ended)
        _discard_own_files(report)
    except Exception:
        _log.exception("report %s was given back", report.id)
        _end(claim, lambda: claim.give_back(INTERNAL_ERROR))
    else:
        _log.info("report %s is completed", report.id)
        _clear_up(report, outcome)


def _end(claim: Claim, write: Callable[[], None]) -> None:
    try:
        write()
    except ClaimEndedError as ended:
        _log.info("report %s: too late, %s", claim.report.id, ended)
    _discard_own_files(claim.report)


def _discard_own_files(report: Report) -> None:
    """Delete what this attempt may have stored: it did not become the report."""
    try:
        stores().artifacts.discard(report.id, attempt=report.attempt)
    except (ClientError, BotoCoreError, UndeletedError):
        _log.exception("files of report %s, attempt %s, stay behind", report.id, report.attempt)


def _produce(claim: Claim) -> Outcome:
    report = claim.report
    given = settings()
    if not given.llm_base_url or not given.llm_model:
        raise GenerationFailed(NO_MODEL)
    model = ModelClient(
        base_url=given.llm_base_url,
        api_key=_model_key(given),
        model=given.llm_model,
        timeout_seconds=given.llm_timeout_seconds,
        patience_seconds=given.llm_patience_seconds,
    )
    with closing(model):
        written = write_report(
            _assignment(report),
            stores().checkpoints.load(report.id, now()),
            model,
            claim,
            section_words=given.llm_section_words,
            concurrency=given.llm_concurrency,
            notice=given.llm_notice,
        )
    claim.progress(97, "rendering", written.word_count)
    return _store(report, written, render(written.document, report.output_format))


def _model_key(given: Settings) -> str:
    if given.llm_api_key_parameter:
        return secret_parameter(given.llm_api_key_parameter)
    return given.llm_api_key


def _assignment(report: Report) -> Assignment:
    template = find_template(report.template_id)
    context = report.parameters.get("context")
    return Assignment(
        report_id=report.id,
        title=report.title,
        description=report.description,
        query=report.parameters["user_query"],
        template_name=report.template_name,
        created_at=report.created_at,
        report_style=report.parameters.get("report_style"),
        context=json.dumps(context, ensure_ascii=False) if context else "",
        max_output_tokens=template.max_output_tokens if template else 16384,
    )


def _store(report: Report, written: Written, rendering: Rendering) -> Outcome:
    artifacts = stores().artifacts
    tree = written.document.model_dump_json().encode()
    document = artifacts.put(report.id, report.attempt, "json", tree, "application/json")
    content_type = CONTENT_TYPES[report.output_format]
    stored = artifacts.put(report.id, report.attempt, report.output_format, rendering.content, content_type)
    return Outcome(
        artifact=Artifact(stored.key, content_type, stored.size_bytes, stored.sha256, rendering.pages),
        document_key=document.key,
        word_count=written.word_count,
        model=written.model,
        style=written.detected_style,
        usage={
            "tokens_in": written.usage.tokens_in,
            "tokens_out": written.usage.tokens_out,
            "calls": written.usage.calls,
        },
        notices=written.document.notices,
    )


def _clear_up(report: Report, outcome: Outcome) -> None:
    """Drop what a finished report does not need any more: its checkpoints, and files of earlier attempts.

    Trouble here costs some space until checkpoints expire; it must not cost the report.
    """
    try:
        stores().checkpoints.clear(report.id)
        if report.attempt > 1:
            stores().artifacts.discard(report.id, keep={outcome.artifact.key, outcome.document_key})
    except (ClientError, BotoCoreError, UndeletedError):
        _log.exception("report %s was not cleared up", report.id)
