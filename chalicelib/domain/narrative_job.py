"""The job that writes the narrative of an investigation: a report's record of another kind, in the same queues."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Final, Literal, cast

from chalicelib.domain.identifiers import sortable_id
from chalicelib.domain.investigation import TIER_OF_DEPTH, Depth, Investigation, Tier
from chalicelib.domain.priority import Priority
from chalicelib.domain.report import Report
from chalicelib.domain.request_context import current_request_id

Trigger = Literal["first", "regenerate", "auto"]

_PREFIX: Final = "job_"
_TEMPLATE_ID: Final = "investigation"
TEMPLATE_NAME: Final = "Investigation report"
# The default of a regenerate's documented call: no instructions.
NO_INSTRUCTIONS: Final = ""
PRIORITY_OF_DEPTH: Final[Mapping[Depth, Priority]] = {"quick": "high", "standard": "normal", "deep": "normal"}


def is_job_id(report_id: str) -> bool:
    """Tell whether an id of a report's record is that of such a job."""
    return report_id.startswith(_PREFIX)


def owner_of(account: str) -> str:
    """Return whose the jobs of an account are: nobody that the keys of ``/api`` stand for."""
    return f"v1#{account}"


def request_digest(tier: Tier, instructions: str, evidence_revision: int) -> str:
    """Return what two requests share that ask for the same narrative of the same evidence."""
    asked = json.dumps([tier, instructions, evidence_revision])
    return hashlib.sha256(asked.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def new_job(
    investigation: Investigation,
    trigger: Trigger,
    at: str,
    tier: Tier | None = None,
    instructions: str = NO_INSTRUCTIONS,
) -> Report:
    """Return the job that will write an investigation's report.

    Args:
        investigation: whose narrative; its evidence revision is part of what makes jobs the same.
        trigger: why it is written.
        at: when it is asked for, a stamp.
        tier: the model tier; None for that of the investigation's depth.
        instructions: what its reader wants of the text.
    """
    chosen = tier or TIER_OF_DEPTH[investigation.depth]
    return Report(
        id=sortable_id(_PREFIX),
        owner=owner_of(investigation.account),
        created_at=at,
        title=investigation.query,
        description="",
        template_id=_TEMPLATE_ID,
        template_name=TEMPLATE_NAME,
        priority=PRIORITY_OF_DEPTH[investigation.depth],
        output_format="pdf",
        scrambling_enabled=True,
        honey_jar_id=None,
        parameters={
            "investigation_id": investigation.id,
            "tier": chosen,
            "instructions": instructions,
            "digest": request_digest(chosen, instructions, investigation.evidence_revision),
            "trigger": trigger,
        },
        warnings=(),
        status="queued",
        queued_at=at,
        kind="narrative",
        request_id=current_request_id(),
    )


def investigation_id_of(job: Report) -> str:
    """Return the investigation whose narrative a job writes."""
    return str(job.parameters["investigation_id"])


def tier_of(job: Report) -> Tier:
    """Return the model tier that a job writes with."""
    return cast(Tier, job.parameters["tier"])


def instructions_of(job: Report) -> str:
    """Return what the reader wants of the text; empty for nothing in particular."""
    return str(job.parameters["instructions"])


def digest_of(job: Report) -> str:
    """Return what makes two jobs of an investigation the same."""
    return str(job.parameters["digest"])


def is_first(job: Report) -> bool:
    """Tell whether a job writes the first report, with which its investigation is completed."""
    return bool(job.parameters["trigger"] == "first")
