"""Bodies of requests about webhooks, of both APIs, checked and typed.

Apart from the other requests because they are described with pydantic, which the API imports with the first body
that it checks and not at its cold start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from chalicelib.api.problems import Detail, ProblemError
from chalicelib.domain.finding import MAX_TAG, MAX_TAGS
from chalicelib.services.subscriptions import NewSubscription, events_in_order
from chalicelib.webhooks.envelopes import REPORT_EVENTS
from chalicelib.webhooks.investigation_envelopes import INVESTIGATION_EVENTS

_MAX_EVENTS: Final = 20


def _few_tags(tags: dict[str, str]) -> dict[str, str]:
    if len(tags) > MAX_TAGS:
        raise ValueError(f"must be at most {MAX_TAGS} tags")
    return tags


_Url = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_048)]
_Description = Annotated[str, StringConstraints(max_length=255)]
_TagName = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TAG)]
_TagValue = Annotated[str, StringConstraints(max_length=MAX_TAG)]
_Events = Annotated[list[str], Field(min_length=1, max_length=_MAX_EVENTS)]


class _Filters(BaseModel):
    model_config = ConfigDict(strict=True)

    min_severity: Literal["low", "medium", "high", "critical"] | None = None
    tags: Annotated[dict[_TagName, _TagValue], AfterValidator(_few_tags)] | None = None


class _Create(BaseModel):
    """Unknown fields are ignored, as clients expect."""

    model_config = ConfigDict(strict=True)

    url: _Url
    events: _Events
    description: _Description | None = None
    filters: _Filters | None = None


class _Change(BaseModel):
    model_config = ConfigDict(strict=True)

    url: _Url | None = None
    events: _Events | None = None
    description: _Description | None = None
    filters: _Filters | None = None
    active: bool | None = None


def parse_report_subscription(body: Mapping[str, Any]) -> NewSubscription:
    """Return the subscription to events of reports that a body asks for.

    Raises:
        ProblemError: 400 with details.
    """
    wanted = _checked(_Create, body)
    return NewSubscription(wanted.url, _events(wanted.events, REPORT_EVENTS), description=wanted.description or "")


def parse_investigation_subscription(body: Mapping[str, Any]) -> NewSubscription:
    """Return the subscription to events of investigations that a body asks for.

    Raises:
        ProblemError: 400 with issues.
    """
    wanted = _checked(_Create, body)
    filters = wanted.filters or _Filters()
    return NewSubscription(
        wanted.url,
        _events(wanted.events, INVESTIGATION_EVENTS),
        filters.min_severity,
        filters.tags or {},
        wanted.description or "",
    )


def parse_report_change(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a body changes of a subscription to events of reports.

    Raises:
        ProblemError: 400 with details.
    """
    return _changes(_checked(_Change, body), REPORT_EVENTS)


def parse_investigation_change(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a body changes of a subscription to events of investigations.

    Raises:
        ProblemError: 400 with issues.
    """
    wanted = _checked(_Change, body)
    changes = _changes(wanted, INVESTIGATION_EVENTS)
    if "filters" in wanted.model_fields_set:
        filters = wanted.filters or _Filters()
        changes |= {"min_severity": filters.min_severity, "tags": filters.tags or {}}
    return changes


def _changes(wanted: _Change, known: Sequence[str]) -> dict[str, Any]:
    changes: dict[str, Any] = {
        name: value
        for name in ("url", "description", "active")
        if (value := getattr(wanted, name)) is not None and name in wanted.model_fields_set
    }
    if wanted.events is not None:
        changes["events"] = _events(wanted.events, known)
    return changes


def _events(given: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    wrong = [Detail(f"events.{n}", f"must be one of {', '.join(known)}") for n, e in enumerate(given) if e not in known]
    if wrong:
        raise ProblemError(400, "Invalid request", wrong)
    return events_in_order(given, known)


def _checked(kind: Any, body: Mapping[str, Any]) -> Any:
    try:
        return kind.model_validate(dict(body))
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        details = [Detail(".".join(map(str, e["loc"])) or "body", _message(e["type"], e["msg"])) for e in found]
        absent = any(e["type"] == "missing" for e in found)
        code = "missing_required_field" if absent else ""
        raise ProblemError(400, "Invalid request", details, code=code) from None


def _message(kind: str, message: str) -> str:
    return "is required" if kind == "missing" else message.removeprefix("Value error, ")
