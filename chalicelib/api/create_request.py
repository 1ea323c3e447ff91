"""The body of "Create Report", checked and typed.

Apart from the other requests because it is described with pydantic, which the API imports with the
first body that it checks and not at its cold start.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from chalicelib.api.problems import Detail, ProblemError, invalid
from chalicelib.domain.caller import Caller
from chalicelib.domain.priority import Priority
from chalicelib.domain.template import find_template
from chalicelib.services.create_report import NewReport

MAX_PARAMETER_BYTES: Final = 64 * 1024

ReportStyle = Literal["use_case", "comparison", "summary", "technical"]


class _Parameters(BaseModel):
    """``parameters``: the fields we know; a template may have more."""

    model_config = ConfigDict(extra="allow", strict=True)

    user_query: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
    conversation_id: Annotated[str, StringConstraints(max_length=255)] | None = None
    generation_mode: Literal["conversational"] | None = None
    context: dict[str, Any] | None = None
    report_style: ReportStyle | None = None
    web_search: bool | None = None
    max_cost_usd: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)] | None = None


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
    webhook_url: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_048)] | None = None


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
            that the caller's role may not use; 404 ``Template not found or not available``.
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
    scrambling_enabled = wanted.scrambling_enabled is not False
    if template.requires_scrambling and template.strict_scrambling and not scrambling_enabled:
        raise invalid("scrambling_enabled", "must be true: this template requires scrambling")
    return NewReport(
        template=template,
        title=wanted.title,
        description=wanted.description or "",
        priority=wanted.priority or "normal",
        parameters=body["parameters"],
        output_format=cast(Any, output_format),
        scrambling_enabled=scrambling_enabled,
        webhook_url=wanted.webhook_url,
        honey_jar_id=wanted.honey_jar_id,
    )
