"""A report: what was asked for, where it stands, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from chalicelib.domain.output_format import OutputFormat
from chalicelib.domain.priority import Priority

Status = Literal["pending", "queued", "processing", "completed", "failed", "cancelled"]
# What a worker makes of it: the document that somebody ordered, or the narrative of an investigation.
Kind = Literal["report", "narrative"]

STATUSES: Final[tuple[Status, ...]] = ("pending", "queued", "processing", "completed", "failed", "cancelled")
WAITING: Final[tuple[Status, ...]] = ("pending", "queued")
CANCELLABLE: Final[tuple[Status, ...]] = ("pending", "queued", "processing")


@dataclass(frozen=True)
class Artifact:
    """The finished file of a report, as it lies in the artifact bucket."""

    key: str
    content_type: str
    size_bytes: int
    sha256: str
    pages: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What a finished generation leaves in the report's record.

    ``usage`` counts all attempts; its ``cost_usd`` is None where a price is not known. ``summary`` is what
    later reports of the same conversation are told about this one, ``private`` the private values in that and in its
    title, as pairs of type and value. A narrative has the version of its
    investigation's report that it became, and when that was generated, in milliseconds. ``citations`` are the
    fields of ``Citations``, of a report that has sources.
    """

    artifact: Artifact
    document_key: str
    word_count: int
    model: str
    style: str
    usage: Mapping[str, float | None]
    notices: tuple[str, ...] = ()
    style_reasons: tuple[str, ...] = ()
    summary: str = ""
    private: tuple[tuple[str, str], ...] = ()
    version: int | None = None
    generated_at: str | None = None
    citations: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Report:
    """A report's record. Times are stamps (see ``clock``), durations milliseconds.

    ``attempt`` counts claims: whoever claimed the report last owns it, and a
    write that names an older attempt fails. ``takeovers`` counts claims that
    ended without a result, ``releases`` those that were handed on in good order.
    ``usage`` is what the model has used so far, over all attempts, where that is known.
    ``pii`` counts the private values of its texts by type, once these were looked for.
    ``request_digest`` is of the request that named itself (``Idempotency-Key``), ``limit_ticket`` what its
    creation took of its owner's limit. ``webhook_url`` is told of its end, empty for none.
    ``request_id`` is of the request that asked for it: with it the logs of all who worked on it are found.
    ``reader_teams`` are the teams of whoever asked for it: with them they may read its honey jar.
    """

    id: str
    owner: str
    created_at: str
    title: str
    description: str
    template_id: str
    template_name: str
    priority: Priority
    output_format: OutputFormat
    scrambling_enabled: bool
    honey_jar_id: str | None
    parameters: Mapping[str, Any]
    warnings: tuple[str, ...]
    status: Status
    queued_at: str
    attempt: int = 0
    retry_count: int = 0
    takeovers: int = 0
    releases: int = 0
    progress: int = 0
    message: str = ""
    words: int = 0
    lease: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    error_message: str | None = None
    outcome: Outcome | None = field(default=None)
    usage: Mapping[str, float | None] | None = None
    pii: Mapping[str, int] | None = None
    kind: Kind = "report"
    request_digest: str | None = None
    limit_ticket: str | None = None
    webhook_url: str | None = field(default=None, repr=False)
    request_id: str | None = None
    reader_teams: tuple[str, ...] = ()

    @property
    def is_waiting(self) -> bool:
        """Whether no worker has it yet."""
        return self.status in WAITING

    @property
    def conversation_id(self) -> str:
        """The conversation it belongs to, as its owner named it; empty for none."""
        return str(self.parameters.get("conversation_id") or "")


def completed(report: Report, outcome: Outcome, at: str) -> Report:
    """Return a report as its completion at a moment (a stamp) leaves it."""
    return replace(
        report,
        status="completed",
        progress=100,
        message="completed",
        words=outcome.word_count,
        completed_at=at,
        outcome=outcome,
        lease=None,
    )


def failed(report: Report, reason: str, at: str) -> Report:
    """Return a report as its failure at a moment (a stamp) leaves it."""
    return replace(report, status="failed", message="failed", completed_at=at, error_message=reason, lease=None)


def cancelled(report: Report, at: str) -> Report:
    """Return a report as its cancellation at a moment (a stamp) leaves it."""
    return replace(report, status="cancelled", message="cancelled", completed_at=at, lease=None)
