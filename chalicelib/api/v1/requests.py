"""Paths and queries of ``/v1``, checked and typed. Bodies are in ``bodies``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast, get_args

from chalice.app import Request

from chalicelib.api.json_body import MAX_BODY_BYTES, read_json_object
from chalicelib.api.problems import Detail, ProblemError, invalid
from chalicelib.domain.finding import SEVERITIES, Severity
from chalicelib.domain.identifiers import investigation_of
from chalicelib.domain.investigation import INVESTIGATION_STATUSES, InvestigationStatus

ReportFormat = Literal["json", "pdf", "md", "html"]

REPORT_FORMATS: Final[tuple[ReportFormat, ...]] = get_args(ReportFormat)
MAX_LIMIT: Final = 1_000
DEFAULT_LIMIT: Final = 100
MAX_IDEMPOTENCY_KEY: Final = 256

_ID: Final = re.compile(r"(inv|job)_[0-9abcdefghjkmnpqrstvwxyz]{26}")
_VERSION: Final = re.compile(r"[1-9][0-9]{0,5}")
_MEDIA_TYPES: Final[Mapping[str, ReportFormat]] = {
    "application/json": "json",
    "application/pdf": "pdf",
    "text/markdown": "md",
    "text/html": "html",
}


@dataclass(frozen=True)
class InvestigationsQuery:
    """The query string of a list of investigations."""

    limit: int
    status: InvestigationStatus | None
    cursor: str | None

    @property
    def filters(self) -> dict[str, object]:
        """What the list is narrowed to."""
        return {"list": "inv", "status": self.status}


@dataclass(frozen=True)
class FindingsQuery:
    """The query string of a list of findings: those that are dismissed, or those that are not."""

    limit: int
    severity: Severity | None
    investigation_id: str | None
    dismissed: bool
    cursor: str | None

    @property
    def filters(self) -> dict[str, object]:
        """What the list is narrowed to."""
        return {
            "list": "fnd",
            "severity": self.severity,
            "investigation_id": self.investigation_id,
            "dismissed": self.dismissed,
        }


@dataclass(frozen=True)
class VersionsQuery:
    """The query string of a list of versions."""

    limit: int
    cursor: str | None


def one_of(name: str, value: str, allowed: Sequence[str]) -> str:
    """Return ``value`` if it is allowed.

    Raises:
        ProblemError: 400 about ``name``.
    """
    if value not in allowed:
        raise invalid(name, f"must be one of {', '.join(allowed)}")
    return value


def investigations_query(query: Mapping[str, str]) -> InvestigationsQuery:
    """Return the query of a list of investigations; an empty value counts as absent.

    Raises:
        ProblemError: 400 with ``issues``.
    """
    status = query.get("status") or None
    # The page of the events calls the state "complete", the page of reports "completed".
    status = "completed" if status == "complete" else status
    if status is not None:
        one_of("status", status, INVESTIGATION_STATUSES)
    return InvestigationsQuery(_limit(query), cast(InvestigationStatus | None, status), query.get("cursor") or None)


def findings_query(query: Mapping[str, str]) -> FindingsQuery:
    """Return the query of a list of findings; an empty value counts as absent.

    Raises:
        ProblemError: 400 with ``issues``.
    """
    severity = query.get("severity") or None
    if severity is not None:
        one_of("severity", severity, SEVERITIES)
    return FindingsQuery(
        limit=_limit(query),
        severity=cast(Severity | None, severity),
        investigation_id=query.get("investigation_id") or None,
        dismissed=one_of("dismissed", query.get("dismissed") or "false", ("true", "false")) == "true",
        cursor=query.get("cursor") or None,
    )


def versions_query(query: Mapping[str, str]) -> VersionsQuery:
    """Return the query of a list of versions; an empty value counts as absent.

    Raises:
        ProblemError: 400 with ``issues``.
    """
    return VersionsQuery(_limit(query), query.get("cursor") or None)


def _limit(query: Mapping[str, str]) -> int:
    raw = query.get("limit") or str(DEFAULT_LIMIT)
    if not re.fullmatch(r"[0-9]{1,9}", raw) or not 1 <= int(raw) <= MAX_LIMIT:
        raise invalid("limit", f"must be a whole number from 1 to {MAX_LIMIT}")
    return int(raw)


def is_investigation_id(given: str) -> bool:
    """Tell whether a text has the form of an investigation's id."""
    found = _ID.fullmatch(given)
    return found is not None and found[1] == "inv"


def investigation_id(given: str) -> str:
    """Return a well-formed investigation id.

    Raises:
        ProblemError: 404: what is no id is nobody's investigation.
    """
    return _known_form(given, "inv", "investigation")


def job_id(given: str) -> str:
    """Return a well-formed job id.

    Raises:
        ProblemError: 404.
    """
    return _known_form(given, "job", "job")


def finding_id(given: str) -> str:
    """Return a well-formed finding id.

    Raises:
        ProblemError: 404.
    """
    if investigation_of(given) is None:
        raise not_found("finding")
    return given


def version_number(given: str) -> int:
    """Return the number of a version of a report.

    Raises:
        ProblemError: 404.
    """
    if not _VERSION.fullmatch(given):
        raise not_found("version")
    return int(given)


def _known_form(given: str, prefix: str, what: str) -> str:
    found = _ID.fullmatch(given)
    if found is None or found[1] != prefix:
        raise not_found(what)
    return given


def not_found(what: str) -> ProblemError:
    """Return the 404 about an investigation, a finding, a job or a version."""
    return ProblemError(404, f"There is no such {what}")


def report_format(query: Mapping[str, str], accept: str) -> ReportFormat:
    """Return how a report is wanted: by ``format``, else by the ``Accept`` header, else as JSON.

    Raises:
        ProblemError: 400 about ``format``.
    """
    wanted = query.get("format")
    if wanted:
        return cast(ReportFormat, one_of("format", wanted, REPORT_FORMATS))
    return _accepted(accept)


def _accepted(accept: str) -> ReportFormat:
    """Return the format that a client prefers; JSON where it likes that as much as any other, or knows none of ours."""
    best: tuple[float, ReportFormat] = (0.0, "json")
    for part in accept.lower().split(","):
        media_type, *parameters = (piece.strip() for piece in part.split(";"))
        found: ReportFormat | None = "json" if media_type in ("*/*", "application/*") else _MEDIA_TYPES.get(media_type)
        if found is None:
            continue
        weight = _weight(parameters)
        if weight > best[0] or (weight == best[0] and found == "json"):
            best = weight, found
    return best[1]


def _weight(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return float(value) if re.fullmatch(r"[01](\.[0-9]{0,3})?", value.strip()) else 0.0
    return 1.0


def json_body(request: Request) -> dict[str, Any]:
    """Return the JSON object that a request carries.

    Raises:
        ProblemError: 400 with ``issues``.
    """
    raw = request.raw_body
    if len(raw) > MAX_BODY_BYTES:
        # Everything that is wrong with a request is a 400 with issues here.
        raise invalid("body", f"must be at most {MAX_BODY_BYTES} bytes; larger imports are uploaded")
    return read_json_object(raw)


def idempotency_key(header: str | None, body: Mapping[str, Any]) -> str | None:
    """Return the caller's key for a request: from the header ``Idempotency-Key`` or the field of the body.

    Raises:
        ProblemError: 400: it is too long, empty or no text, or the two differ.
    """
    field = body.get("idempotency_key")
    given = [("Idempotency-Key", header)] if header is not None else []
    given += [("idempotency_key", field)] if field is not None else []
    issues = [
        Detail(name, f"must be a text of 1 to {MAX_IDEMPOTENCY_KEY} characters")
        for name, value in given
        if not isinstance(value, str) or not 1 <= len(value.strip()) <= MAX_IDEMPOTENCY_KEY
    ]
    if issues:
        raise ProblemError(400, "Invalid request", issues)
    keys = {str(value).strip() for _, value in given}
    if len(keys) > 1:
        raise invalid("idempotency_key", "differs from the header Idempotency-Key")
    return keys.pop() if keys else None
