"""Queries and paths of the Reports API, checked and typed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

from chalicelib.api.problems import ProblemError, invalid
from chalicelib.domain.output_format import OUTPUT_FORMATS, OutputFormat
from chalicelib.domain.report import STATUSES, Status
from chalicelib.services.wait_for_report import MAX_WAIT_SECONDS

MAX_OFFSET: Final = 100_000
MAX_SEARCH: Final = 200
_ENTITY_TAG: Final = re.compile(r'"([\x21\x23-\x7e]*)"')
_REPORT_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


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


def parse_format(query: Mapping[str, str]) -> OutputFormat | None:
    """Return the format that a download is wanted in; None for the one that was ordered.

    Raises:
        ProblemError: 400 for anything that is no format.
    """
    wanted = query.get("format") or None
    if wanted is not None and wanted not in OUTPUT_FORMATS:
        raise invalid("format", f"must be one of {', '.join(OUTPUT_FORMATS)}")
    return wanted


def parse_wait(query: Mapping[str, str]) -> int:
    """Return for how many seconds a detail request waits for a change; 0 for not at all.

    Raises:
        ProblemError: 400 for anything but a whole number from 0 to 20.
    """
    return _integer(query, "wait", 0, 0, MAX_WAIT_SECONDS)


def parse_known_versions(if_none_match: str | None) -> frozenset[str]:
    """Return the entity tags in an ``If-None-Match`` header, weak or strong; ``*`` and nonsense are none."""
    return frozenset(_ENTITY_TAG.findall(if_none_match or ""))


def parse_report_id(report_id: str) -> str:
    """Return a well-formed report id in lower case.

    Raises:
        ProblemError: 404 ``Report not found``: what is no id is nobody's report.
    """
    lowered = report_id.lower()
    if not _REPORT_ID.fullmatch(lowered):
        raise ProblemError(404, "Report not found")
    return lowered
