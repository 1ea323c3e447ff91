"""Bodies of ``/v1``, checked and typed.

Apart from the other requests because they are described with pydantic, which the API imports with the first
body that it checks and not at its cold start.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from chalicelib.api.problems import Detail, ProblemError, invalid
from chalicelib.api.v1.requests import idempotency_key
from chalicelib.domain.clock import now, stamp
from chalicelib.domain.finding import (
    MAX_EXTERNAL_ID,
    MAX_NODE_FIELD,
    MAX_NODES,
    MAX_NOTES,
    MAX_OBSERVATION,
    MAX_STEPS,
    MAX_SUMMARY,
    MAX_TAG,
    MAX_TAGS,
    MAX_TITLE,
    DismissalReason,
    FindingNode,
    NewFinding,
    Severity,
    Step,
)
from chalicelib.domain.investigation import MAX_INSTRUCTIONS, MAX_QUERY, Depth, Evidence, InvestigationScope, Mode, Tier
from chalicelib.services.investigations import NewInvestigation

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MAX_BATCH: Final = 500
MAX_ISSUES: Final = 100
MAX_QUESTION_BYTES: Final = 200_000
"""Most bytes of query, scope and agent_ids together, so that one record has room for them."""

_OLDEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FUTURE: Final = timedelta(days=1)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_LONGEST_SPAN: Final = 36_500 * 86_400


def _moment(given: object) -> datetime:
    """Read a time. A finding of the far future would head every list for ever."""
    if not isinstance(given, str):
        raise ValueError("must be a text such as 2026-05-03T14:22:01Z")
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise ValueError("must be an ISO 8601 time such as 2026-05-03T14:22:01Z") from None
    if moment.tzinfo is None:
        raise ValueError("must say its offset from UTC, as in 2026-05-03T14:22:01Z")
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie after 1970") from None
    if not _OLDEST <= moment <= now() + _FUTURE:
        raise ValueError("must lie between 1970 and now")
    return moment


def _few_tags(tags: dict[str, str]) -> dict[str, str]:
    if len(tags) > MAX_TAGS:
        raise ValueError(f"must be at most {MAX_TAGS} tags")
    return tags


def _a_lifetime_at_most(span: str) -> str:
    if int(span[:-1]) * _SECONDS[span[-1]] > _LONGEST_SPAN:
        raise ValueError("must be at most 36500d")
    return span


_NodeField = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NODE_FIELD)]
_ExternalId = Annotated[str, StringConstraints(min_length=1, max_length=MAX_EXTERNAL_ID)]
_AgentId = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=256)]
_Moment = Annotated[datetime, BeforeValidator(_moment)]
_TagName = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TAG)]
_TagValue = Annotated[str, StringConstraints(max_length=MAX_TAG)]
_Tags = Annotated[dict[_TagName, _TagValue], AfterValidator(_few_tags)]
_Span = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,12}[smhd]$"), AfterValidator(_a_lifetime_at_most)]


def _utf8_bytes(text: str) -> int:
    return len(text.encode(errors="replace"))


class _Body(BaseModel):
    """Fields that we do not know are ignored, as clients expect."""

    model_config = ConfigDict(strict=True)


class _Step(_Body):
    step: Annotated[int, Field(ge=0, le=10_000)] | None = None
    observation: Annotated[str, StringConstraints(max_length=MAX_OBSERVATION)]
    evidence_ref: Annotated[str, StringConstraints(max_length=2_000)] | None = None


class _Node(_Body):
    node_id: _NodeField
    type: _NodeField = "endpoint"
    name: Annotated[str, StringConstraints(max_length=MAX_NODE_FIELD)] | None = None


class _Finding(_Body):
    """A finding as it is sent in. ``confidence`` is 0.5 where nobody says how sure they are."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TITLE)]
    summary: Annotated[str, StringConstraints(max_length=MAX_SUMMARY)] | None = None
    severity: Severity
    confidence: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    external_id: _ExternalId | None = None
    reasoning_chain: Annotated[list[_Step], Field(max_length=MAX_STEPS)] | None = None
    nodes: Annotated[list[_Node], Field(max_length=MAX_NODES)] | None = None
    tags: _Tags | None = None
    discovered_at: _Moment | None = None

    def typed(self) -> NewFinding:
        """Return what the use case takes."""
        return NewFinding(
            title=self.title,
            summary=self.summary or "",
            severity=self.severity,
            confidence=0.5 if self.confidence is None else self.confidence,
            external_id=self.external_id,
            reasoning_chain=tuple(
                Step(number if s.step is None else s.step, s.observation, s.evidence_ref)
                for number, s in enumerate(self.reasoning_chain or (), 1)
            ),
            nodes=tuple(FindingNode(n.node_id, n.type, n.name or n.node_id) for n in self.nodes or ()),
            tags=self.tags or {},
            discovered_at=stamp(self.discovered_at) if self.discovered_at else None,
        )


class _Filter(_Body):
    tags: _Tags | None = None
    last_seen_within: _Span | None = None


class _Scope(_Body):
    type: Literal["fleet", "selector"] = "fleet"
    filter: _Filter | None = None

    def typed(self) -> InvestigationScope:
        """Return what the use case takes; a fleet has no filter."""
        if self.type == "fleet" or self.filter is None:
            return InvestigationScope(self.type)
        return InvestigationScope(self.type, self.filter.tags or {}, self.filter.last_seen_within)


class _Create(_Body):
    query: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_QUERY)]
    depth: Depth | None = None
    scope: _Scope | None = None
    mode: Mode | None = None
    agent_ids: Annotated[list[_AgentId], Field(max_length=1_000)] | None = None
    evidence: Evidence | None = None
    auto_regenerate: bool | None = None
    findings: Annotated[list[_Finding], Field(max_length=MAX_BATCH)] | None = None

    def check_size(self) -> None:
        """Refuse a question that one record has no room for.

        Raises:
            ProblemError: 400 about what takes most of it.
        """
        sizes = {
            "query": _utf8_bytes(self.query),
            "scope": _utf8_bytes(self.scope.model_dump_json()) if self.scope else 0,
            "agent_ids": sum(map(_utf8_bytes, self.agent_ids or ())),
        }
        if sum(sizes.values()) > MAX_QUESTION_BYTES:
            message = f"query, scope and agent_ids must be at most {MAX_QUESTION_BYTES} bytes together"
            raise invalid(max(sizes, key=sizes.__getitem__), message)


class _Batch(_Body):
    findings: Annotated[list[_Finding], Field(min_length=1, max_length=MAX_BATCH)]


class _Dismissal(_Body):
    reason: DismissalReason
    notes: Annotated[str, StringConstraints(max_length=MAX_NOTES)] | None = None


class _Regenerate(_Body):
    model: Tier | None = None
    instructions: Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_INSTRUCTIONS)] | None = None


def parse_create(body: Mapping[str, Any], header_key: str | None) -> NewInvestigation:
    """Return what a create request asks for.

    Args:
        body: the request's JSON object.
        header_key: its header ``Idempotency-Key``, if it has one.

    Raises:
        ProblemError: 400 with ``issues``.
    """
    key = idempotency_key(header_key, body)
    wanted = _checked(_Create, body)
    wanted.check_size()
    return NewInvestigation(
        query=wanted.query,
        depth=wanted.depth or "standard",
        scope=(wanted.scope or _Scope()).typed(),
        mode=wanted.mode or "auto",
        agent_ids=tuple(wanted.agent_ids or ()),
        evidence=wanted.evidence or "stored",
        findings=None if wanted.findings is None else tuple(f.typed() for f in wanted.findings),
        auto_regenerate=bool(wanted.auto_regenerate),
        idempotency_key=key,
        body_digest=_digest({name: value for name, value in body.items() if name != "idempotency_key"}),
    )


def parse_findings(body: Mapping[str, Any]) -> tuple[NewFinding, ...]:
    """Return the findings of a batch.

    Raises:
        ProblemError: 400 with ``issues``.
    """
    return tuple(finding.typed() for finding in _checked(_Batch, body).findings)


def parse_dismissal(body: Mapping[str, Any]) -> tuple[DismissalReason, str]:
    """Return why a finding is dismissed, and notes on it.

    Raises:
        ProblemError: 400 with ``issues``.
    """
    wanted = _checked(_Dismissal, body)
    return wanted.reason, wanted.notes or ""


def parse_regenerate(body: Mapping[str, Any]) -> tuple[Tier | None, str]:
    """Return the tier that is to write, None for that of the investigation's depth, and what it is told.

    Raises:
        ProblemError: 400 with ``issues``.
    """
    wanted = _checked(_Regenerate, body)
    return wanted.model, wanted.instructions or ""


_Wanted = TypeVar("_Wanted", bound=_Body)


def _checked(kind: type[_Wanted], body: Mapping[str, Any]) -> _Wanted:
    try:
        return kind.model_validate(dict(body))
    except ValidationError as error:
        raise _problem(error) from None


def _problem(error: ValidationError) -> ProblemError:
    """Return the 400; where something that is required is absent, with the code that says so."""
    found = error.errors(include_url=False, include_context=False)
    issues = [Detail(_path(e["loc"]), _message(e)) for e in found[:MAX_ISSUES]]
    if any(map(_is_absent, found)):
        return ProblemError(400, "A required field is missing", issues, code="missing_required_field")
    return ProblemError(400, "Invalid request", issues)


def _is_absent(error: ErrorDetails) -> bool:
    """Tell whether an error is that a field is absent; null is as good as absent."""
    return error["type"] == "missing" or (error["input"] is None and error["type"] != "value_error")


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "body"


def _message(error: ErrorDetails) -> str:
    return "is required" if _is_absent(error) else error["msg"].removeprefix("Value error, ")


def _digest(body: Mapping[str, Any]) -> str:
    text = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
