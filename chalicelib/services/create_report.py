"""Use case: ask for a new report (Reports API, "Create Report")."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.caller import Caller
from chalicelib.domain.clock import now, stamp
from chalicelib.domain.output_format import OutputFormat
from chalicelib.domain.priority import Priority
from chalicelib.domain.report import Report
from chalicelib.domain.template import Template
from chalicelib.services.enqueue import Place, count_and_place, due_at, send_permit
from chalicelib.stores.stores import stores

_log = logging.getLogger(__name__)

_NOT_SCRAMBLED: Final = (
    "PII scrambling is not available in this version: the text of this report is sent to the model as it is"
)
_SCRAMBLING_REQUIRED: Final = "This template requires scrambling: scrambling_enabled stays true"


class QueueFailedError(Exception):
    """The report was not stored."""


@dataclass(frozen=True)
class NewReport:
    """What a valid request asks for."""

    template: Template
    title: str
    description: str
    priority: Priority
    parameters: Mapping[str, Any]
    output_format: OutputFormat
    scrambling_enabled: bool


@dataclass(frozen=True)
class CreatedReport:
    """The stored report and its place in the queue (None: not known at the moment)."""

    report: Report
    place: Place | None


def create_report(caller: Caller, new: NewReport) -> CreatedReport:
    """Store a report and queue it: four AWS calls (store, permit, count, position).

    Raises:
        QueueFailedError: it could not be stored.
    """
    report = unstored_report(caller, new)
    _store(report)
    report = send_permit(report)
    return CreatedReport(report, count_and_place(report, {f"waiting_{report.priority}": 1}))


def _store(report: Report) -> None:
    try:
        stores().reports.create(report, due_at(report.priority, now()))
    except (ClientError, BotoCoreError) as error:
        _log.exception("storing report %s failed", report.id)
        # The write may have been done although its answer was lost.
        if not _is_stored(report):
            raise QueueFailedError from error


def _is_stored(report: Report) -> bool:
    try:
        return stores().reports.get(report.id) is not None
    except (ClientError, BotoCoreError):
        return False


def unstored_report(caller: Caller, new: NewReport) -> Report:
    """Return the record of a new report as it would be stored now. No AWS call."""
    created_at = stamp(now())
    scrambled = new.scrambling_enabled or new.template.requires_scrambling
    warnings = []
    if scrambled and not new.scrambling_enabled:
        warnings.append(_SCRAMBLING_REQUIRED)
    if scrambled:
        warnings.append(_NOT_SCRAMBLED)
    return Report(
        id=str(uuid.uuid4()),
        owner=caller.owner,
        created_at=created_at,
        title=new.title,
        description=new.description,
        template_id=new.template.id,
        template_name=new.template.name,
        priority=new.priority,
        output_format=new.output_format,
        scrambling_enabled=scrambled,
        honey_jar_id=None,
        parameters=new.parameters,
        warnings=tuple(warnings),
        status="queued",
        queued_at=created_at,
    )
