"""SARIF files are read as findings, whole or not at all, whoever wrote them."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.finding import MAX_FINDINGS, MAX_NODES, SEVERITIES, NewFinding
from chalicelib.domain.finding_import import FindingsFile, ImportIssue, ImportProblemError
from chalicelib.domain.sarif import read_sarif

NOW = datetime(2026, 5, 3, 14, 0, tzinfo=UTC)
EXAMPLE = Path(__file__).parents[3] / "examples" / "setuptools-scan" / "bandit.sarif"


def result(**fields: Any) -> dict[str, Any]:
    return {"ruleId": "R1", "message": {"text": "Something is wrong. It is bad."}, **fields}


def place(uri: str, line: int | None = None, **fields: Any) -> dict[str, Any]:
    region = {} if line is None else {"region": {"startLine": line}}
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, **region, **fields}}


def log(*results: Any, rules: list[Any] | None = None, **run: Any) -> dict[str, Any]:
    driver = {"name": "Scanner", "rules": rules or []}
    return {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": list(results), **run}]}


def read(document: Any) -> FindingsFile:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_sarif(content, NOW)


def only(document: Any) -> NewFinding:
    (finding,) = read(document).findings
    return finding


def problems(document: Any) -> dict[str, str]:
    with pytest.raises(ImportProblemError) as caught:
        read(document)
    return {issue.path: issue.message for issue in caught.value.issues}


# What a real scanner wrote


def test_every_result_of_a_real_scan_becomes_a_finding() -> None:
    written = json.loads(EXAMPLE.read_text("utf-8"))["runs"][0]
    found = read_sarif(EXAMPLE.read_bytes(), datetime.now(UTC))
    stated = Counter(entry["properties"]["issue_severity"].lower() for entry in written["results"])
    assert len(found.findings) == len(written["results"]) == 128
    assert Counter(finding.severity for finding in found.findings) == stated == {"high": 2, "medium": 11, "low": 115}
    assert len({finding.external_id for finding in found.findings}) == 128
    assert (dict(found.skipped), found.notices) == ({}, ())


def test_a_finding_of_a_real_scan_says_what_where_and_of_which_kind() -> None:
    found = read_sarif(EXAMPLE.read_bytes(), datetime.now(UTC)).findings
    (shell,) = [f for f in found if f.severity == "high" and f.tags["rule"] == "B605"]
    assert shell.title == "Starting a process with a shell, possible injection detected, security issue"
    assert shell.summary.startswith("Starting a process with a shell, possible injection detected, security issue.")
    assert "setuptools/_distutils/command/bdist_rpm.py:" in shell.summary
    assert shell.tags == {"tool": "Bandit", "rule": "B605", "cwe": "CWE-78"}
    assert [(n.type, n.name) for n in shell.nodes] == [("file", "setuptools/_distutils/command/bdist_rpm.py")]
    assert shell.confidence == 0.9


def test_the_same_scan_gives_the_same_ids() -> None:
    first, second = (read_sarif(EXAMPLE.read_bytes(), NOW).findings for _ in range(2))
    assert [f.external_id for f in first] == [f.external_id for f in second]


# Severity


@pytest.mark.parametrize(
    ("fields", "rule", "severity"),
    [
        ({"level": "error"}, {}, "high"),
        ({"level": "warning"}, {}, "medium"),
        ({"level": "note"}, {}, "low"),
        ({"level": "none"}, {}, "low"),
        ({}, {}, "medium"),
        ({}, {"defaultConfiguration": {"level": "error"}}, "high"),
        ({"level": "note"}, {"defaultConfiguration": {"level": "error"}}, "low"),
        ({"kind": "informational"}, {"defaultConfiguration": {"level": "error"}}, "low"),
        ({"level": "note"}, {"properties": {"security-severity": "9.8"}}, "critical"),
        ({"level": "error"}, {"properties": {"security-severity": "8.9"}}, "high"),
        ({"level": "error"}, {"properties": {"security-severity": 4.0}}, "medium"),
        ({"level": "error"}, {"properties": {"security-severity": "0.0"}}, "low"),
        ({"level": "error"}, {"properties": {"security-severity": ""}}, "high"),
        ({"properties": {"security-severity": "9.0"}}, {"properties": {"security-severity": "1"}}, "critical"),
    ],
)
def test_severity_is_the_score_else_the_level_else_the_rules_level(
    fields: dict[str, Any], rule: dict[str, Any], severity: str
) -> None:
    assert only(log(result(**fields), rules=[{"id": "R1", **rule}])).severity == severity


def test_a_run_may_change_the_level_of_a_rule() -> None:
    override = {"descriptor": {"id": "R1"}, "configuration": {"level": "error"}}
    invocation = {"executionSuccessful": True, "ruleConfigurationOverrides": [override]}
    assert only(log(result(), rules=[{"id": "R1"}], invocations=[invocation])).severity == "high"


@pytest.mark.parametrize("score", ["high", "11", -1, "nan", True, [], 1e400])
def test_a_score_that_is_none_is_an_issue(score: Any) -> None:
    text = json.dumps(log(result(properties={"security-severity": score}))).replace("Infinity", "1e999")
    assert list(problems(text.encode())) == ["runs[0].results[0].properties.security-severity"]


# Rules


@pytest.mark.parametrize(
    "named",
    [
        {"ruleId": "R1"},
        {"ruleId": "R1/variant"},
        {"ruleId": None, "ruleIndex": 0},
        {"ruleId": None, "rule": {"id": "R1"}},
        {"ruleId": None, "rule": {"index": 0}},
    ],
)
def test_a_rule_is_found_by_id_place_and_family(named: dict[str, Any]) -> None:
    rule = {"id": "R1", "shortDescription": {"text": "A rule's words."}, "fullDescription": {"text": "All about it."}}
    finding = only(log(result(**named), rules=[rule]))
    assert finding.title == "A rule's words"
    assert "All about it." in finding.summary


def test_a_rule_may_stand_in_an_extension() -> None:
    document = log(result(rule={"index": 0, "toolComponent": {"index": 0}}), rules=[{"id": "other"}])
    extension = {"name": "pack", "rules": [{"id": "R1", "shortDescription": {"text": "From a pack"}}]}
    document["runs"][0]["tool"]["extensions"] = [extension]
    assert only(document).title == "From a pack"


def test_a_message_may_be_named_by_id_and_have_arguments_and_links() -> None:
    rule = {"id": "R1", "messageStrings": {"m": {"text": "{0} reaches [the call](1) {{here}}, not {7}."}}}
    message = {"id": "m", "arguments": ["User input"]}
    assert only(log(result(message=message), rules=[rule])).summary == "User input reaches the call {here}, not {7}."


@pytest.mark.parametrize(
    ("rule", "fields"),
    [
        ({"properties": {"tags": ["security", "external/cwe/cwe-078"]}}, {}),
        ({"properties": {"tags": ["CWE-78: OS Command Injection"]}}, {}),
        ({"properties": {"cwe": "CWE-78"}}, {}),
        ({"properties": {"cwe": ["CWE-78"]}}, {}),
        ({"relationships": [{"target": {"id": "78", "toolComponent": {"name": "CWE"}}}]}, {}),
        ({}, {"taxa": [{"id": "CWE-78", "toolComponent": {"name": "CWE"}}]}),
        ({}, {"properties": {"cwe": "CWE-78"}}),
    ],
)
def test_weaknesses_are_found_wherever_tools_write_them(rule: dict[str, Any], fields: dict[str, Any]) -> None:
    assert only(log(result(**fields), rules=[{"id": "R1", **rule}])).tags["cwe"] == "CWE-78"


@pytest.mark.parametrize(
    ("rule", "fields", "confidence"),
    [
        ({}, {}, 0.5),
        ({"properties": {"precision": "very-high"}}, {}, 0.95),
        ({"properties": {"precision": "low"}}, {"properties": {"issue_confidence": "HIGH"}}, 0.9),
        ({}, {"properties": {"confidence": 0.3}}, 0.3),
        ({}, {"properties": {"confidence": 42}}, 0.5),
    ],
)
def test_confidence_is_what_the_tool_says(rule: dict[str, Any], fields: dict[str, Any], confidence: float) -> None:
    assert only(log(result(**fields), rules=[{"id": "R1", **rule}])).confidence == confidence


# Places


@pytest.mark.parametrize(
    ("uri", "node", "written"),
    [
        ("src/a.py", ("file", "src/a.py"), "src/a.py:7"),
        ("./src/my%20file.py", ("file", "src/my file.py"), "./src/my file.py:7"),
        ("file:///srv/app/a.py", ("file", "/srv/app/a.py"), "/srv/app/a.py:7"),
        ("file:///C:/app/a.py", ("file", "C:/app/a.py"), "C:/app/a.py:7"),
        (
            "https://user:pw@web-01.example:8443/login",
            ("host", "web-01.example"),
            "https://web-01.example:8443/login:7",
        ),
        ("http://[broken", ("resource", "http://[broken"), "http://[broken:7"),
    ],
)
def test_addresses_become_files_and_hosts(uri: str, node: tuple[str, str], written: str) -> None:
    finding = only(log(result(locations=[place(uri, 7)])))
    assert [(n.type, n.name) for n in finding.nodes] == [node]
    assert f"Found in {written}." in finding.summary
    assert "pw@" not in json.dumps(finding.summary)


def test_a_place_may_be_named_by_the_number_of_its_artifact() -> None:
    location = {"physicalLocation": {"artifactLocation": {"index": 1}, "region": {"startLine": 3}}}
    artifacts = [{"location": {"uri": "a.py"}}, {"location": {"uri": "b.py"}}]
    assert "b.py:3" in only(log(result(locations=[location]), artifacts=artifacts)).summary


def test_a_part_of_a_program_is_a_node_where_no_file_is_named() -> None:
    location = {"logicalLocations": [{"fullyQualifiedName": "aws_s3_bucket.logs", "kind": "resource"}]}
    assert [(n.type, n.name) for n in only(log(result(locations=[location]))).nodes] == [
        ("resource", "aws_s3_bucket.logs")
    ]


def test_many_places_are_named_up_to_ten_and_counted_beyond() -> None:
    finding = only(log(result(locations=[place(f"f{n}.py", n + 1) for n in range(300)])))
    assert "f9.py:10 and 290 more." in finding.summary
    assert len(finding.nodes) == MAX_NODES


def test_the_code_and_the_tools_path_through_it_are_kept() -> None:
    at = place("a.py", 1, region={"startLine": 1, "snippet": {"text": "eval(x)\n"}})
    steps = [{"location": {**place("a.py", 1), "message": {"text": "x comes in"}}}, {"location": place("a.py", 9)}]
    flow = {"threadFlows": [{"locations": steps}]}
    finding = only(log(result(locations=[at], codeFlows=[flow])))
    assert "Code there: eval(x)" in finding.summary
    assert [(s.step, s.observation, s.evidence_ref) for s in finding.reasoning_chain] == [
        (1, "x comes in", "a.py:1"),
        (2, "passes here", "a.py:9"),
    ]


# What is no finding, and what is the same


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"kind": "pass"}, "not_found"),
        ({"kind": "notApplicable"}, "not_found"),
        ({"baselineState": "absent"}, "gone"),
        ({"suppressions": [{"kind": "inSource"}]}, "suppressed"),
        ({"suppressions": [{"kind": "external", "status": "accepted"}]}, "suppressed"),
    ],
)
def test_what_is_no_finding_is_left_out_and_counted(fields: dict[str, Any], reason: str) -> None:
    found = read(log(result(**fields)))
    assert (found.findings, dict(found.skipped)) == ((), {reason: 1})


def test_a_suppression_that_is_under_review_hides_nothing() -> None:
    assert len(read(log(result(suppressions=[{"kind": "external", "status": "underReview"}]))).findings) == 1


def test_all_runs_are_read() -> None:
    document = log(result())
    document["runs"].append(deepcopy(document["runs"][0]))
    document["runs"][1]["tool"]["driver"]["name"] = "Other"
    assert [f.tags["tool"] for f in read(document).findings] == ["Scanner", "Other"]


def test_the_same_result_twice_is_one_finding() -> None:
    found = read(log(result(locations=[place("a.py", 1)]), result(locations=[place("a.py", 1)])))
    assert (len(found.findings), dict(found.skipped)) == (1, {"repeated": 1})


def test_a_fingerprint_keeps_its_finding_when_lines_move() -> None:
    before, after = (
        only(log(result(locations=[place("a.py", line)], partialFingerprints={"hash/v1": "abc:1"}))) for line in (1, 9)
    )
    assert before.external_id == after.external_id


def test_one_fingerprint_at_two_places_is_two_findings() -> None:
    two = [result(locations=[place("a.py", line)], fingerprints={"hash/v1": "abc"}) for line in (1, 9)]
    assert len({f.external_id for f in read(log(*two)).findings}) == 2


@pytest.mark.parametrize(
    ("invocation", "discovered_at"),
    [
        ({"endTimeUtc": "2026-05-01T10:00:00Z"}, "2026-05-01T10:00:00.000000Z"),
        ({"endTimeUtc": "2026-05-01T10:00:00"}, "2026-05-01T10:00:00.000000Z"),
        ({"endTimeUtc": "2036-05-01T10:00:00Z"}, None),
        ({}, None),
    ],
)
def test_a_finding_was_discovered_when_the_tool_ran(invocation: dict[str, Any], discovered_at: str | None) -> None:
    finding = only(log(result(), invocations=[{"executionSuccessful": True, **invocation}]))
    assert finding.discovered_at == discovered_at


def test_a_run_that_did_not_end_well_is_said_to_be_one() -> None:
    trouble = [{"level": "error", "message": {"text": "cannot read b.py"}}]
    found = read(log(invocations=[{"executionSuccessful": False, "toolExecutionNotifications": trouble}]))
    assert found.notices == (
        "Scanner says that its run did not end well: there may be more than it found.",
        "Scanner reports 1 errors of its own: there may be more than it found.",
    )


# What is wrong with a file


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (b"", "file"),
        (b"\xff\xfe", "file"),
        (b"{", "file"),
        (b"[]", "file"),
        (b'{"version": NaN}', "file"),
        (b'{"version": ' + b"9" * 5_000 + b"}", "file"),
        (b"[" * 100_000 + b"]" * 100_000, "file"),
        ({"version": "2.0.0", "runs": []}, "version"),
        ({"version": "2.1.0"}, "runs"),
        ({"version": "2.1.0", "runs": [1]}, "runs[0]"),
        ({"version": "2.1.0", "runs": [{"tool": {"driver": {}}}]}, "runs[0].tool.driver.name"),
        (log(1), "runs[0].results[0]"),
        (log(result(level="bad")), "runs[0].results[0].level"),
        (log(result(kind="bad")), "runs[0].results[0].kind"),
        (log({"message": {}}), "runs[0].results[0].message"),
        (log(result(message="text")), "runs[0].results[0].message"),
        (log(result(message={"text": 7})), "runs[0].results[0].message.text"),
        (log(result(locations={})), "runs[0].results[0].locations"),
        (
            log(result(locations=[place("a", True)])),
            "runs[0].results[0].locations[0].physicalLocation.region.startLine",
        ),
        (log(result(), invocations=[{"endTimeUtc": "yesterday"}]), "runs[0].invocations[0].endTimeUtc"),
        (log(externalPropertyFileReferences={"results": [{}]}), "runs[0].externalPropertyFileReferences.results"),
    ],
)
def test_what_is_wrong_is_named(document: Any, path: str) -> None:
    assert path in problems(document)


def test_every_wrong_result_is_named_and_nothing_is_taken() -> None:
    assert list(problems(log(result(), result(level=1), result(), result(kind="x")))) == [
        "runs[0].results[1].level",
        "runs[0].results[3].kind",
    ]


def test_a_file_that_is_all_wrong_is_not_told_to_its_end() -> None:
    assert len(problems(log(*[result(level="bad")] * 3_000))) == 100


def test_more_findings_than_an_investigation_holds_are_refused() -> None:
    many = [result(locations=[place("a.py", n)]) for n in range(1, MAX_FINDINGS + 2)]
    assert len(read(log(*many[:-1])).findings) == MAX_FINDINGS
    assert "5,000" in problems(log(*many))["file"]


def test_a_byte_order_mark_and_halves_of_pairs_do_no_harm() -> None:
    content = b"\xef\xbb\xbf" + json.dumps(log(result(message={"text": "half \ud800 of a pair"}))).encode()
    assert only(content).title == "half \ufffd of a pair"


# A small file must not become a large one


def test_arguments_cannot_blow_a_message_up() -> None:
    message = {"text": "{0}" * 50_000, "arguments": ["x" * 100_000]}
    assert "arguments" in problems(log(result(message=message)))["runs[0].results[0].message"]


def test_a_long_text_of_a_rule_cannot_be_taken_any_number_of_times() -> None:
    rule = {"id": "R1", "messageStrings": {"m": {"text": "x" * 900_000}}}
    many = [result(message={"id": "m"}, locations=[place("a.py", n)]) for n in range(1, 1_000)]
    started = time.monotonic()
    assert "characters of text" in problems(log(*many, rules=[rule]))["file"]
    assert time.monotonic() - started < 5


def test_reading_takes_time_in_proportion_to_the_file() -> None:
    rule = {
        "id": "R1",
        "shortDescription": {"text": "x" * 900_000},
        "properties": {"tags": ["external/cwe/cwe-1"] * 50_000},
    }
    same = [result(fingerprints={"f": "1"}, locations=[place("a.py", n)]) for n in range(1, MAX_FINDINGS)]
    odd = result(ruleId="/" * 900_000)
    started = time.monotonic()
    assert len(read(log(*same, odd, rules=[rule])).findings) == MAX_FINDINGS
    assert time.monotonic() - started < 5


# Whatever it is: findings within all bounds, or issues

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, child in inner for found in _paths(child, (*path, key)))]


def _full() -> dict[str, Any]:
    at = place("src/a.py", 3, region={"startLine": 3, "endLine": 4, "snippet": {"text": "x"}})
    rule = {
        "id": "R1",
        "name": "rule",
        "shortDescription": {"text": "Short."},
        "fullDescription": {"text": "Full."},
        "defaultConfiguration": {"level": "error"},
        "messageStrings": {"m": {"text": "A {0}"}},
        "properties": {"tags": ["external/cwe/cwe-78"], "precision": "high", "security-severity": "7.0"},
        "relationships": [{"target": {"id": "78", "toolComponent": {"name": "CWE"}}}],
    }
    one = result(
        ruleIndex=0,
        level="note",
        kind="fail",
        message={"id": "m", "arguments": ["b"]},
        locations=[at, {"logicalLocations": [{"name": "f", "kind": "function"}]}],
        codeFlows=[{"threadFlows": [{"locations": [{"location": at}]}]}],
        suppressions=[{"status": "rejected"}],
        partialFingerprints={"a": "b"},
        provenance={"lastDetectionTimeUtc": "2026-05-01T00:00:00Z", "invocationIndex": 0},
        taxa=[{"id": "79", "toolComponent": {"name": "CWE"}}],
    )
    invocation = {"executionSuccessful": True, "endTimeUtc": "2026-05-01T00:00:00Z"}
    return log(one, rules=[rule], invocations=[invocation], artifacts=[{"location": {"uri": "x"}}])


FULL = _full()
PATHS = [path for path in _paths(FULL) if path]


def check_bounds(found: FindingsFile) -> None:
    assert len({finding.external_id for finding in found.findings}) == len(found.findings)
    for finding in found.findings:
        assert 0 < len(finding.title) <= 500
        assert finding.title.isprintable() or "\n" not in finding.title
        assert finding.severity in SEVERITIES
        assert 0 <= finding.confidence <= 1
        assert len(str(finding.external_id)) <= 256
        assert all(0 < len(text) <= 256 for n in finding.nodes for text in (n.node_id, n.type, n.name))
        assert all(0 < len(name) <= 128 and len(value) <= 256 for name, value in finding.tags.items())
        assert all(len(s.observation) <= 20_000 and len(s.evidence_ref or "") <= 2_000 for s in finding.reasoning_chain)
        assert len(finding.nodes) <= 200
        json.dumps([finding.title, finding.summary], ensure_ascii=False).encode()


def check_outcome(reading: Callable[[], FindingsFile]) -> None:
    issues: tuple[ImportIssue, ...] | None = None
    try:
        check_bounds(reading())
    except ImportProblemError as problem:
        issues = problem.issues
    assert issues is None or 0 < len(issues) <= 100


@settings(max_examples=300, deadline=None)
@given(path=st.sampled_from(PATHS), value=_json)
def test_any_value_in_any_place_gives_findings_or_issues(path: tuple[Any, ...], value: Any) -> None:
    document = deepcopy(FULL)
    inner: Any = document
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    check_outcome(lambda: read(document))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200) | _json.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_give_findings_or_issues(content: bytes) -> None:
    check_outcome(lambda: read_sarif(content, NOW))


@settings(max_examples=200, deadline=None)
@given(uri=st.text(max_size=400), text=st.text(max_size=700))
def test_any_address_and_message_keep_the_bounds(uri: str, text: str) -> None:
    check_outcome(lambda: read(log(result(message={"text": text}, locations=[place(uri, 1)], ruleId=text))))
