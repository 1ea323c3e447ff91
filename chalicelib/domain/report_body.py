"""A version of an investigation's report as JSON: the form in which it is stored."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from chalicelib.domain.answer_size import MAX_ANSWER_BYTES, answer_bytes
from chalicelib.domain.finding import FindingNode
from chalicelib.domain.investigation import (
    Change,
    CitationCheck,
    Endpoint,
    FindingSummary,
    InvestigationReport,
    RecommendedAction,
)

MAX_BODY_BYTES: Final = 4_000_000
"""Largest stored body; it fits into one answer of the API, too."""


@dataclass(frozen=True)
class _Room:
    """How much of each finding, endpoint and action a body keeps: characters of texts, entries of lists."""

    summary: int
    title: int
    nodes: int
    ids: int
    endpoints: int


# What is tried in turn. The last fits whatever the findings are like.
_ROOMS: Final = (
    _Room(600, 300, 20, 1_000, 1_000),
    _Room(200, 200, 3, 100, 1_000),
    _Room(60, 100, 1, 10, 200),
    _Room(0, 60, 0, 3, 50),
)


def to_body(report: InvestigationReport) -> bytes:
    """Return a report as JSON that one answer has room for, 4 MB at most; else texts and lists are shortened.

    Every finding stays in it; the narrative is never touched, as its own limits keep it small.
    """
    body = _json(report)
    for room in _ROOMS:
        if len(body) <= MAX_BODY_BYTES and answer_bytes(body) <= MAX_ANSWER_BYTES:
            break
        body = _json(_shortened(report, room))
    return body


def from_body(body: bytes) -> InvestigationReport:
    """Return the report that :func:`to_body` wrote."""
    fields: dict[str, Any] = json.loads(body)
    fields["findings_summary"] = tuple(_finding(f) for f in fields["findings_summary"])
    fields["recommended_actions"] = tuple(_action(a) for a in fields["recommended_actions"])
    fields["endpoints"] = tuple(_endpoint(e) for e in fields["endpoints"])
    fields["citation_check"] = CitationCheck(**fields["citation_check"])
    fields["change"] = None if fields["change"] is None else _change(fields["change"])
    fields["notices"] = tuple(fields["notices"])
    return InvestigationReport(**fields)


def _change(fields: dict[str, Any]) -> Change:
    lists = ("added", "removed", "actions_added", "actions_removed")
    return Change(**(fields | {name: tuple(fields[name]) for name in lists}))


def _json(report: InvestigationReport) -> bytes:
    # A lone surrogate, which JSON can carry, is no UTF-8.
    return json.dumps(asdict(report), ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def _shortened(report: InvestigationReport, room: _Room) -> InvestigationReport:
    findings = tuple(
        replace(f, title=_cut(f.title, room.title), summary=_cut(f.summary, room.summary), nodes=f.nodes[: room.nodes])
        for f in report.findings_summary
    )
    endpoints = tuple(
        replace(e, detail=_cut(e.detail, room.summary), finding_ids=e.finding_ids[: room.ids])
        for e in report.endpoints[: room.endpoints]
    )
    actions = tuple(
        replace(a, rationale=_cut(a.rationale, room.title), finding_ids=a.finding_ids[: max(room.ids, 10)])
        for a in report.recommended_actions
    )
    change = None if report.change is None else report.change.naming_at_most(room.ids)
    return replace(report, findings_summary=findings, endpoints=endpoints, recommended_actions=actions, change=change)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: max(0, length - 1)].rstrip() + ("…" if length else "")


def _finding(fields: dict[str, Any]) -> FindingSummary:
    return FindingSummary(**(fields | {"nodes": tuple(FindingNode(**n) for n in fields["nodes"])}))


def _action(fields: dict[str, Any]) -> RecommendedAction:
    return RecommendedAction(**(fields | {"finding_ids": tuple(fields["finding_ids"])}))


def _endpoint(fields: dict[str, Any]) -> Endpoint:
    return Endpoint(**(fields | {"finding_ids": tuple(fields["finding_ids"])}))
