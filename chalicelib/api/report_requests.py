"""Requests of the Reports API, checked and typed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, cast, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from chalicelib.api.problems import Detail, ProblemError, invalid
from chalicelib.domain.caller import Caller
from chalicelib.domain.priority import Priority
from chalicelib.domain.report import STATUSES, Status
from chalicelib.domain.template import find_template
from chalicelib.services.create_report import NewReport

MAX_PARAMETER_BYTES: Final = 64 * 1024
MAX_OFFSET: Final = 100_000
MAX_SEARCH: Final = 200
_REPORT_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

ReportStyle = Literal["use_case", "comparison", "summary", "technical"]


class _Parameters(BaseModel):
    """``parameters``: the fields we know; a template may have more."""

    model_config = ConfigDict(extra="allow", strict=True)

    user_query: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
    conversation_id: Annotated[str, StringConstraints(max_length=255)] | None = None
    generation_mode: Literal["conversational"] | None = None
    context: dict[str, Any] | None = None
    report_style: ReportStyle | None = None


class _CreateBody(BaseModel):
    """The body of "Create Report"; unknown fields are ignored, as clients expect."""

    model_config = ConfigDict(strict=True)

    template_id: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
    description: Annotated[str, StringConstraints(max_length=2_000)] | None = None
    priority: Priority | None = None
    parameters: _Parameters
    output_format: Annotated[str, StringConstraints(max_length=10)] | None = None
    honey_jar_id: Annotated[str, StringConstraints(max_length=64)] | None = None
    scrambling_enabled: Annotated[bool | None, Field()] = None


def _details(error: ValidationError) -> list[Detail]:
    return [
        Detail(".".join(str(part) for part in found["loc"]) or "body", found["msg"].removeprefix("Value error, "))
        for found in error.errors(include_url=False, include_input=False, include_context=False)
    ]


def _require_template_and_title(body: Mapping[str, Any]) -> None:
    """The contract has a text of its own for these two."""
    missing = [
        Detail(name, "is required")
        for name in ("template_id", "title")
        if body.get(name) is None or (isinstance(body[name], str) and not body[name].strip())
    ]
    if missing:
        raise ProblemError(400, "template_id and title are required", missing)


def parse_create(caller: Caller, body: Mapping[str, Any]) -> NewReport:
    """Return what a create request asks for.

    Raises:
        ProblemError: 400 with ``details``; 403 ``Insufficient permissions`` for a template
            that the caller's role may not use; 404 ``Template not found or not available``
            or ``Honey jar not found``.
    """
    _require_template_and_title(body)
    try:
        wanted = _CreateBody.model_validate(dict(body))
    except ValidationError as error:
        raise ProblemError(400, "Invalid request", _details(error)) from None
    size = len(json.dumps(body["parameters"], ensure_ascii=False).encode())
    if size > MAX_PARAMETER_BYTES:
        raise invalid("parameters", f"must be at most {MAX_PARAMETER_BYTES} bytes as JSON")
    template = find_template(wanted.template_id)
    if template is None:
        raise ProblemError(404, "Template not found or not available")
    if not template.is_open_to(caller.role):
        raise ProblemError(403, "Insufficient permissions")
    output_format = wanted.output_format or "pdf"
    if output_format not in template.output_formats:
        raise invalid("output_format", f"must be one of {', '.join(template.output_formats)}")
    if wanted.honey_jar_id is not None:
        raise ProblemError(404, "Honey jar not found")
    return NewReport(
        template=template,
        title=wanted.title,
        description=wanted.description or "",
        priority=wanted.priority or "normal",
        parameters=body["parameters"],
        output_format=cast(Any, output_format),
        scrambling_enabled=wanted.scrambling_enabled is not False,
    )


@dataclass(frozen=True)
class ListQuery:
    """The query string of "List Reports"."""

    limit: int
    offset: int
    status: Status | None
    search: str | None


def _integer(query: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    raw = query.get(name)
    if raw is None or raw == "":
        return default
    if not re.fullmatch(r"[0-9]{1,9}", raw) or not low <= int(raw) <= high:
        raise invalid(name, f"must be a whole number from {low} to {high}")
    return int(raw)


def parse_list_query(query: Mapping[str, str]) -> ListQuery:
    """Return the query of a list request; an empty value counts as absent.

    Raises:
        ProblemError: 400 with ``details``.
    """
    status = query.get("status") or None
    if status is not None and status not in STATUSES:
        raise invalid("status", f"must be one of {', '.join(get_args(Status))}")
    search = (query.get("search") or "").strip() or None
    if search is not None and len(search) > MAX_SEARCH:
        raise invalid("search", f"must be at most {MAX_SEARCH} characters")
    return ListQuery(
        limit=_integer(query, "limit", 50, 1, 100),
        offset=_integer(query, "offset", 0, 0, MAX_OFFSET),
        status=status,
        search=search,
    )


def parse_delivery(query: Mapping[str, str]) -> Literal["direct", "link"]:
    """Return how a download is to be delivered.

    Raises:
        ProblemError: 400 for anything but ``direct`` (the default) and ``link``.
    """
    delivery = query.get("delivery") or "direct"
    if delivery not in ("direct", "link"):
        raise invalid("delivery", "must be one of direct, link")
    return cast(Literal["direct", "link"], delivery)


def parse_report_id(report_id: str) -> str:
    """Return a well-formed report id in lower case.

    Raises:
        ProblemError: 404 ``Report not found``: what is no id is nobody's report.
    """
    lowered = report_id.lower()
    if not _REPORT_ID.fullmatch(lowered):
        raise ProblemError(404, "Report not found")
    return lowered
