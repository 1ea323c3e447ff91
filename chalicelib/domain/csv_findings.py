"""Findings as a table: CSV with a header line, as spreadsheets and scanners write it.

``title`` and ``severity`` are required; the columns and their other names are in ``COLUMNS``. Every column named
``tag.NAME`` is a tag. Other columns are left out, and named in a notice.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from chalicelib.domain.clock import stamp
from chalicelib.domain.finding import (
    MAX_FINDINGS,
    MAX_NODE_FIELD,
    MAX_NODES,
    MAX_SUMMARY,
    MAX_TAGS,
    MAX_TITLE,
    SEVERITIES,
    FindingNode,
    NewFinding,
    Severity,
)
from chalicelib.domain.finding_import import (
    UNSTATED_CONFIDENCE,
    FindingsFile,
    ImportIssue,
    ImportProblemError,
    Issues,
    WrongValueError,
    decoded,
    moment,
)

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "title": ("name", "finding"),
    "severity": (),
    "summary": ("description", "details"),
    "confidence": (),
    "external_id": ("id", "finding_id"),
    "discovered_at": ("found_at", "timestamp", "date"),
    "node_name": ("host", "hostname", "asset", "node", "endpoint"),
    "node_type": ("asset_type",),
    "node_id": ("asset_id",),
}
"""The columns, each with the names that it may also have."""

_SEVERITIES: Final[Mapping[str, Severity]] = {
    **{severity: severity for severity in SEVERITIES},
    "moderate": "medium",
    "informational": "low",
    "info": "low",
    "none": "low",
}
_CONFIDENCES: Final[Mapping[str, float]] = {"high": 0.9, "medium": 0.7, "low": 0.4}
_COLUMN_OF: Final = {name: column for column, others in COLUMNS.items() for name in (column, *others)}
_SEPARATORS: Final = (",", ";", "\t")
_MOST_COLUMNS: Final = 200
_SEVERAL: Final = "|"
_TAG: Final = "tag."
_TAG_NAME: Final = 128

# The module's own bound of 131,072 holds for the whole process.
csv.field_size_limit(MAX_SUMMARY)


def read_csv(content: bytes, now: datetime) -> FindingsFile:
    """Return the findings of a CSV file.

    Args:
        content: the file, UTF-8; the separator is a comma, a semicolon or a tab.
        now: the current time; findings of the future count as found now.

    Raises:
        ImportProblemError: it is no such table, or has more rows than an investigation may have findings.
    """
    rows = _rows(decoded(content))
    try:
        _, names = next(rows)
        table = _header(names)
    except StopIteration:
        raise ImportProblemError([ImportIssue("file", "must begin with a line of column names")]) from None
    except WrongValueError as error:
        raise ImportProblemError([error.issue]) from None
    return _read(rows, table, now)


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not empty with the number of its last line."""
    first = next((line for line in io.StringIO(text) if line.strip()), "")
    separator = max(_SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for row in reader:
            if any(value.strip() for value in row):
                yield reader.line_num, row
    except csv.Error as error:
        raise ImportProblemError([ImportIssue(f"line {reader.line_num}", f"is not CSV: {error}")]) from None


@dataclass(frozen=True)
class _Table:
    """Where each column stands, the tags' columns by the tag's name, and what is left out."""

    columns: Mapping[str, int]
    tags: Mapping[str, int]
    unknown: Sequence[str]
    width: int

    def cell(self, row: Sequence[str], column: str) -> str:
        """Return what a row has in a column; an empty text where there is no such column."""
        number = self.columns.get(column)
        return row[number].strip() if number is not None and number < len(row) else ""


def _header(names: Sequence[str]) -> _Table:
    if len(names) > _MOST_COLUMNS:
        raise WrongValueError("line 1", f"must have at most {_MOST_COLUMNS} columns")
    columns: dict[str, int] = {}
    tags: dict[str, int] = {}
    unknown: list[str] = []
    for number, given in enumerate(name.strip() for name in names):
        plain = given.lower().replace(" ", "_").replace("-", "_")
        if given.lower().startswith(_TAG) and given[len(_TAG) :].strip():
            _place(tags, given[len(_TAG) :].strip(), number, given)
        elif column := _COLUMN_OF.get(plain):
            _place(columns, column, number, given)
        elif given:
            unknown.append(given)
    for column in ("title", "severity"):
        if column not in columns:
            raise WrongValueError(column, "is required: a column of this name in the first line")
    if len(tags) > MAX_TAGS or any(len(name) > _TAG_NAME for name in tags):
        raise WrongValueError(
            "line 1", f"must have at most {MAX_TAGS} tags, with names of at most {_TAG_NAME} characters"
        )
    return _Table(columns, tags, unknown, len(names))


def _place(places: dict[str, int], name: str, number: int, given: str) -> None:
    if name in places:
        raise WrongValueError("line 1", f"must name the column {name} once, not as {given[:50]!r} too")
    places[name] = number


def _read(rows: Iterator[tuple[int, list[str]]], table: _Table, now: datetime) -> FindingsFile:
    issues = Issues()
    findings: dict[str, NewFinding] = {}
    repeated = 0
    for line, row in rows:
        if len(findings) >= MAX_FINDINGS:
            text = f"has more than {MAX_FINDINGS:,} rows, the most of one investigation"
            raise ImportProblemError([ImportIssue("file", text)])
        try:
            read = _finding(row, table, line, now)
        except WrongValueError as error:
            issues.add(error)
            continue
        repeated += read.external_id in findings
        findings.setdefault(str(read.external_id), read)
    issues.check()
    named = ", ".join(name[:50] for name in table.unknown[:20])
    notices = (f"Columns that were left out: {named}.",) if table.unknown else ()
    return FindingsFile(tuple(findings.values()), {"repeated": repeated} if repeated else {}, notices)


def _finding(row: Sequence[str], table: _Table, line: int, now: datetime) -> NewFinding:
    if len(row) > table.width:
        raise WrongValueError(f"line {line}", f"has {len(row)} values for {table.width} columns")

    def cell(column: str, longest: int = MAX_NODE_FIELD) -> str:
        value = table.cell(row, column)
        if len(value) > longest:
            raise WrongValueError(f"line {line}, {column}", f"must be at most {longest:,} characters")
        return value

    title = cell("title", MAX_TITLE)
    if not title:
        raise WrongValueError(f"line {line}, title", "is required")
    severity = cell("severity").lower()
    if severity not in _SEVERITIES:
        raise WrongValueError(f"line {line}, severity", f"must be one of {', '.join(SEVERITIES)}")
    found = cell("discovered_at")
    discovered_at = moment(found, f"line {line}, discovered_at", now) if found else None
    return NewFinding(
        title=title,
        summary=cell("summary", MAX_SUMMARY),
        severity=_SEVERITIES[severity],
        confidence=_confidence(cell("confidence"), line),
        external_id=cell("external_id") or _digest(row),
        nodes=_nodes(
            cell("node_name", MAX_SUMMARY), cell("node_type", MAX_SUMMARY), cell("node_id", MAX_SUMMARY), line
        ),
        tags=_tags(row, table, line),
        discovered_at=stamp(discovered_at) if discovered_at else None,
    )


def _confidence(text: str, line: int) -> float:
    if not text:
        return UNSTATED_CONFIDENCE
    if text.lower() in _CONFIDENCES:
        return _CONFIDENCES[text.lower()]
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise WrongValueError(f"line {line}, confidence", "must be a number from 0 to 1, or low, medium or high")
    return value


def _nodes(names: str, types: str, ids: str, line: int) -> tuple[FindingNode, ...]:
    """Return the nodes of a row: several names, and their types and ids, stand in one cell with ``|`` between."""
    split = [[part.strip() for part in cell.split(_SEVERAL)] if cell else [] for cell in (names, types, ids)]
    count = max(len(split[0]), len(split[2]))
    path = f"line {line}, node_name"
    if count > MAX_NODES or any(len(part) > MAX_NODE_FIELD for parts in split for part in parts):
        raise WrongValueError(path, f"must be at most {MAX_NODES} nodes of at most {MAX_NODE_FIELD} characters")
    if any(len(parts) not in ((0, 1, count) if parts is split[1] else (0, count)) for parts in split):
        raise WrongValueError(path, "must have as many values as node_type and node_id")
    kinds = split[1] * count if len(split[1]) == 1 else split[1] or [""] * count
    nodes = [
        FindingNode(node_id or name, kind or "endpoint", name or node_id)
        for name, kind, node_id in zip(split[0] or split[2], kinds, split[2] or split[0], strict=True)
        if name or node_id
    ]
    return tuple({node.node_id: node for node in nodes}.values())


def _tags(row: Sequence[str], table: _Table, line: int) -> dict[str, str]:
    tags = {name: row[number].strip() for name, number in table.tags.items() if number < len(row)}
    for name, value in tags.items():
        if len(value) > MAX_NODE_FIELD:
            raise WrongValueError(f"line {line}, tag.{name}", f"must be at most {MAX_NODE_FIELD} characters")
    return {name: value for name, value in tags.items() if value}


def _digest(row: Sequence[str]) -> str:
    """Return an id for a row that has none: the same row again is the same finding."""
    return f"csv:{hashlib.sha256(json.dumps([value.strip() for value in row]).encode()).hexdigest()[:40]}"
