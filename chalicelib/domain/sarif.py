"""SARIF 2.1.0, the format in which scanners hand out their results, read as findings.

All runs of a file are read. What a tool says it did not find, what it says has gone, and what somebody suppressed
with a reason is left out and counted. A result's severity is its CVSS-like score where there is one, else its
level; where neither says anything SARIF's own default holds, "warning".
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from chalicelib.domain.clock import stamp
from chalicelib.domain.finding import MAX_FINDINGS, MAX_NODE_FIELD, MAX_TITLE, NewFinding
from chalicelib.domain.finding_import import (
    MAX_FILE_BYTES,
    UNSTATED_CONFIDENCE,
    FindingsFile,
    ImportIssue,
    ImportProblemError,
    Issues,
    WrongValueError,
    decoded,
    moment,
    shortened,
)
from chalicelib.domain.json_object import JsonObject, read_json
from chalicelib.domain.sarif_places import Place, nodes_of, places_of, steps_of
from chalicelib.domain.sarif_rules import (
    Rule,
    Rules,
    confidence_of,
    level_overrides,
    message_of,
    rule_id_of,
    severity_of,
    weaknesses_of,
)

_VERSION: Final = "2.1.0"
_KINDS: Final = ("fail", "pass", "open", "review", "informational", "notApplicable")
_NOT_FOUND: Final = frozenset({"pass", "notApplicable"})
_MOST_RUNS: Final = 100
_MOST_CHARACTERS: Final = 2 * MAX_FILE_BYTES
_LONGEST_RULE_TEXT: Final = 2_000
_NAMED_PLACES: Final = 10
_SENTENCE_END = re.compile(r"(?<=[.!?])\s")
_SPACE = re.compile(r"\s+")


def read_sarif(content: bytes, now: datetime) -> FindingsFile:
    """Return the findings of a SARIF file.

    Args:
        content: the file, UTF-8.
        now: the current time; findings of the future count as found now.

    Raises:
        ImportProblemError: it is no SARIF 2.1.0, or has more findings than an investigation may have.
    """
    log = read_json(decoded(content))
    reader = _Reader(now)
    try:
        _check_log(log)
        runs = log.objects("runs")
        for run in runs:
            reader.read_run(run)
    except WrongValueError as error:
        reader.issues.add(error)
    reader.issues.check()
    return FindingsFile(tuple(reader.findings), dict(reader.skipped), tuple(dict.fromkeys(reader.notices)))


def _check_log(log: JsonObject) -> None:
    if log.text("version") != _VERSION:
        raise WrongValueError("version", f'must be "{_VERSION}"')
    if not isinstance(log.fields.get("runs"), list):
        raise WrongValueError("runs", "must be a list")
    if len(log.items("runs")) > _MOST_RUNS:
        raise WrongValueError("runs", f"must be at most {_MOST_RUNS}")


@dataclass(frozen=True)
class _Run:
    """What all results of a run have in common."""

    run: JsonObject
    rules: Rules
    tool: str
    invocations: Sequence[JsonObject]
    overrides: Sequence[Mapping[str, str]]

    def invocation_of(self, result: JsonObject) -> tuple[JsonObject, Mapping[str, str]]:
        """Return the invocation that found a result, the one it names or the only one, and the levels it set."""
        number = result.object("provenance").whole("invocationIndex")
        if number is None or number < 0:
            number = 0 if len(self.invocations) == 1 else -1
        if not 0 <= number < len(self.invocations):
            return JsonObject({}, ""), {}
        return self.invocations[number], self.overrides[number]


@dataclass
class _Reader:
    """What was read of a file so far."""

    now: datetime
    issues: Issues = field(default_factory=Issues)
    findings: list[NewFinding] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    notices: list[str] = field(default_factory=list)
    # Which places each identity was given to.
    _known: dict[str, set[str]] = field(default_factory=dict)
    _characters: int = 0

    def read_run(self, run: JsonObject) -> None:
        """Read one run's results.

        Raises:
            WrongValueError: the run itself is not what SARIF says.
            ImportProblemError: more is wrong with the file than is worth telling.
        """
        common = self._common(run)
        for number, result in enumerate(run.items("results")):
            path = f"{run.at('results')}[{number}]"
            try:
                if not isinstance(result, dict):
                    raise WrongValueError(path, "must be an object")
                self._read_result(JsonObject(result, path), common)
            except WrongValueError as error:
                self.issues.add(error)

    def _common(self, run: JsonObject) -> _Run:
        driver = run.object("tool").object("driver")
        name = driver.text("name").strip()
        if not name:
            raise WrongValueError(driver.at("name"), "is required")
        external = run.object("externalPropertyFileReferences")
        if external.items("results"):
            raise WrongValueError(external.at("results"), "must be part of the file itself")
        invocations = run.objects("invocations")
        shown = _line(name, 80)
        if any(invocation.fields.get("executionSuccessful") is False for invocation in invocations):
            self.notices.append(f"{shown} says that its run did not end well: there may be more than it found.")
        troubles = sum(_is_error(n) for i in invocations for n in i.objects("toolExecutionNotifications"))
        if troubles:
            self.notices.append(f"{shown} reports {troubles} errors of its own: there may be more than it found.")
        overrides = [level_overrides(invocation) for invocation in invocations]
        return _Run(run, Rules(run.object("tool")), _line(name, MAX_NODE_FIELD), invocations, overrides)

    def _read_result(self, result: JsonObject, run: _Run) -> None:
        if reason := _reason_to_skip(result):
            self.skipped[reason] += 1
            return
        places = places_of(result, run.run)
        read = _finding(result, run, places, self.now)
        external_id = self._told_apart(read.external_id or "", "\x1e".join(place.identity for place in places))
        if external_id is None:
            self.skipped["repeated"] += 1
            return
        if len(self.findings) >= MAX_FINDINGS:
            text = f"has more than {MAX_FINDINGS:,} results, the most of one investigation"
            raise ImportProblemError([ImportIssue("file", text)])
        # Results that name long texts of their rules by id can be far more than the file was.
        self._characters += len(read.summary)
        if self._characters > _MOST_CHARACTERS:
            text = f"must be at most {_MOST_CHARACTERS:,} characters of text with the messages put in"
            raise ImportProblemError([ImportIssue("file", text)])
        self.findings.append(replace(read, external_id=external_id))

    def _told_apart(self, identity: str, where: str) -> str | None:
        """Return an id that no other result of the file has; None if the same was read before.

        A fingerprint may be that of a line which stands at several places.
        """
        places = self._known.setdefault(identity, set())
        if where in places:
            return None
        places.add(where)
        return identity if len(places) == 1 else f"{identity}.{len(places)}"


def _is_error(notification: JsonObject) -> bool:
    return notification.text("level") == "error"


def _reason_to_skip(result: JsonObject) -> str | None:
    """Return why a result is no finding, or None if it is one."""
    kind = result.text("kind") or "fail"
    if kind not in _KINDS:
        raise WrongValueError(result.at("kind"), f"must be one of {', '.join(_KINDS)}")
    if kind in _NOT_FOUND:
        return "not_found"
    if result.text("baselineState") == "absent":
        return "gone"
    suppressions = result.objects("suppressions")
    if suppressions and all((s.text("status") or "accepted") == "accepted" for s in suppressions):
        return "suppressed"
    return None


def _finding(result: JsonObject, run: _Run, places: Sequence[Place], now: datetime) -> NewFinding:
    rule = run.rules.rule_of(result)
    rule_id = rule_id_of(result) or rule.id
    shared = run.run.object("tool").object("driver").object("globalMessageStrings")
    message = message_of(result.object("message"), rule.messages, shared)
    title = rule.title or _SENTENCE_END.split(message, maxsplit=1)[0] or rule.name or rule_id
    if not title.strip():
        raise WrongValueError(result.at("message"), "is required")
    invocation, overrides = run.invocation_of(result)
    confidence = confidence_of(result, rule)
    return NewFinding(
        title=_line(title, MAX_TITLE).rstrip(" .") or "untitled",
        summary=_summary(message, rule, places),
        severity=severity_of(result, rule, overrides),
        confidence=UNSTATED_CONFIDENCE if confidence is None else confidence,
        external_id=_identity(result, run.tool, rule_id, places, message),
        reasoning_chain=steps_of(result, run.run),
        nodes=nodes_of(places),
        tags=_tags(run.tool, rule_id, weaknesses_of(result, rule)),
        discovered_at=_found_at(result, invocation, now),
    )


def _line(text: str, longest: int) -> str:
    return shortened(_SPACE.sub(" ", text[: longest * 4]).strip(), longest)


def _summary(message: str, rule: Rule, places: Sequence[Place]) -> str:
    """Return what was said, where, with the code there, and what the rule is about."""
    parts = [message]
    if places:
        further = len(places) - _NAMED_PLACES
        more = f" and {further:,} more" if further > 0 else ""
        parts.append(f"Found in {', '.join(place.written for place in places[:_NAMED_PLACES])}{more}.")
        if places[0].snippet.strip():
            parts.append(f"Code there: {places[0].snippet.strip()}")
    about = shortened(rule.about, _LONGEST_RULE_TEXT)
    if about and about not in message:
        parts.append(f"About the rule: {about}")
    return "\n\n".join(part for part in parts if part)


def _tags(tool: str, rule_id: str, weaknesses: Sequence[str]) -> Mapping[str, str]:
    tags = {
        "tool": tool,
        "rule": _line(rule_id, MAX_NODE_FIELD),
        "cwe": shortened(", ".join(weaknesses), MAX_NODE_FIELD),
    }
    return {name: value for name, value in tags.items() if value}


def _identity(result: JsonObject, tool: str, rule_id: str, places: Sequence[Place], message: str) -> str:
    """Return what is the same when the same thing is found again: the tool's fingerprint, else rule, place and text."""
    for name in ("fingerprints", "partialFingerprints"):
        prints = result.object(name).fields
        known = sorted((key, value) for key, value in prints.items() if isinstance(value, str) and value)
        if known:
            # A partial fingerprint tells lines of one file apart, not files.
            files = [] if name == "fingerprints" else sorted({place.node.node_id for place in places})
            return _digest([tool, rule_id, name, known, files])
    if guid := result.text("guid"):
        return _digest([tool, "guid", guid.lower()])
    return _digest([tool, rule_id, message, [place.identity for place in places]])


def _digest(named: object) -> str:
    return f"sarif:{hashlib.sha256(json.dumps(named).encode()).hexdigest()[:40]}"


def _found_at(result: JsonObject, invocation: JsonObject, now: datetime) -> str | None:
    provenance = result.object("provenance")
    stated = (
        (provenance, "lastDetectionTimeUtc"),
        (provenance, "firstDetectionTimeUtc"),
        (invocation, "endTimeUtc"),
        (invocation, "startTimeUtc"),
    )
    for source, name in stated:
        if text := source.text(name):
            found = moment(text, source.at(name), now)
            return stamp(found) if found else None
    return None
