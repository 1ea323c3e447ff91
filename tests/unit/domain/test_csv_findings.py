"""Tables of findings are read whole or not at all, whoever wrote them."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.csv_findings import COLUMNS, read_csv
from chalicelib.domain.finding import MAX_FINDINGS, SEVERITIES
from chalicelib.domain.finding_import import FindingsFile, ImportProblemError

NOW = datetime(2026, 5, 3, 14, 0, tzinfo=UTC)


def read(text: str | bytes) -> FindingsFile:
    return read_csv(text if isinstance(text, bytes) else text.encode(), NOW)


def problems(text: str | bytes) -> dict[str, str]:
    with pytest.raises(ImportProblemError) as caught:
        read(text)
    return {issue.path: issue.message for issue in caught.value.issues}


def test_a_row_with_every_column() -> None:
    (found,) = read(
        "title,severity,summary,confidence,external_id,discovered_at,node_name,node_type,node_id,tag.env,tag.team\n"
        '"Open port, 23",High,"Two\nlines",0.8,X-1,2026-05-01T10:00:00+02:00,web-01,server,n-1,prod,\n'
    ).findings
    assert (found.title, found.severity, found.summary, found.confidence) == (
        "Open port, 23",
        "high",
        "Two\nlines",
        0.8,
    )
    assert (found.external_id, found.discovered_at) == ("X-1", "2026-05-01T08:00:00.000000Z")
    assert [(n.node_id, n.type, n.name) for n in found.nodes] == [("n-1", "server", "web-01")]
    assert found.tags == {"env": "prod"}


def test_title_and_severity_are_enough() -> None:
    (found,) = read("severity;Title\nmoderate;Weak key\n").findings
    assert (found.title, found.severity, found.confidence, found.nodes) == ("Weak key", "medium", 0.5, ())
    assert found.discovered_at is None


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_separators_of_spreadsheets(separator: str) -> None:
    assert read(separator.join(["title", "severity", "host"]) + "\r\n" + separator.join(["T", "low", "h"])).findings


@pytest.mark.parametrize("name", [name for others in COLUMNS.values() for name in others])
def test_columns_have_other_names_too(name: str) -> None:
    column = next(column for column, others in COLUMNS.items() if name in others)
    names = [name if column == wanted else wanted for wanted in ("title", "severity", column)]
    values = {"title": "T", "severity": "low", "discovered_at": "2026-05-01T00:00:00Z"}
    unique = list(dict.fromkeys(names))
    row = [values.get(column if n == name else n, "v") for n in unique]
    if column in ("node_type",):
        unique, row = [*unique, "node_name"], [*row, "h"]
    assert len(read(",".join(unique) + "\n" + ",".join(row)).findings) == 1


def test_a_byte_order_mark_and_empty_lines_do_no_harm() -> None:
    assert len(read(b"\xef\xbb\xbf\n\ntitle,severity\n\n,\nT,low\n").findings) == 1


def test_several_nodes_stand_in_one_cell() -> None:
    (found,) = read("title,severity,host,node_type\nT,low,web-01|web-02,server\n").findings
    assert [(n.node_id, n.type) for n in found.nodes] == [("web-01", "server"), ("web-02", "server")]


def test_the_same_row_is_the_same_finding() -> None:
    found = read("title,severity,host\nT,low,a\nT,low,a\nT,low,b\n")
    assert (len(found.findings), found.skipped) == (2, {"repeated": 1})
    again = read("title,severity,host\nT,low,b\n")
    assert again.findings[0].external_id == found.findings[1].external_id


def test_unknown_columns_are_left_out_and_named() -> None:
    assert read("title,severity,colour\nT,low,red\n").notices == ("Columns that were left out: colour.",)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", "file"),
        (b"\xff", "file"),
        ("\n \n", "file"),
        ("severity\nlow\n", "title"),
        ("title\nT\n", "severity"),
        ("title,title,severity\n", "line 1"),
        ("title,severity,host,asset\n", "line 1"),
        ("title,severity\nT,bad\n", "line 2, severity"),
        ("title,severity\n,low\n", "line 2, title"),
        ("title,severity\nT,low,more\n", "line 2"),
        ('title,severity\n"T"x,low\n', "line 2"),
        ('title,severity\n"T,low\n', "line 2"),
        ("title,severity,confidence\nT,low,2\n", "line 2, confidence"),
        ("title,severity,confidence\nT,low,nan\n", "line 2, confidence"),
        ("title,severity,date\nT,low,soon\n", "line 2, discovered_at"),
        ("title,severity,host,node_id\nT,low,a|b,1\n", "line 2, node_name"),
        (f"title,severity\n{'T' * 501},low\n", "line 2, title"),
        (f"title,severity,id\nT,low,{'x' * 257}\n", "line 2, external_id"),
        (f"title,severity,tag.a\nT,low,{'x' * 257}\n", "line 2, tag.a"),
        (f"title,severity,summary\nT,low,{'x' * 1_000_001}\n", "line 2"),
        ("title,severity," + ",".join(f"c{n}" for n in range(300)), "line 1"),
    ],
)
def test_what_is_wrong_is_named(text: str | bytes, path: str) -> None:
    assert list(problems(text)) == [path]


def test_every_wrong_row_is_named_up_to_a_hundred() -> None:
    assert list(problems("title,severity\nT,low\n,low\nT,bad\n")) == ["line 3, title", "line 4, severity"]
    assert len(problems("title,severity\n" + "T,bad\n" * 3_000)) == 100


def test_more_rows_than_an_investigation_holds_are_refused() -> None:
    rows = "".join(f"T{n},low\n" for n in range(MAX_FINDINGS))
    assert len(read("title,severity\n" + rows).findings) == MAX_FINDINGS
    assert "5,000" in problems("title,severity\n" + rows + "more,low\n")["file"]


def _table(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(min_size=1, max_size=30).filter(str.strip), st.sampled_from(SEVERITIES), st.text(max_size=50)
        ),
        min_size=1,
        max_size=5,
    )
)
def test_what_a_spreadsheet_writes_is_read_back(rows: list[tuple[str, str, str]]) -> None:
    whole = [[cell.encode("utf-8", "replace").decode() for cell in row] for row in rows]
    found = read_csv(_table([["title", "severity", "summary"], *whole]).encode(), NOW)
    wanted = dict.fromkeys(tuple(cell.strip() for cell in row) for row in whole)
    assert [(f.title, f.severity, f.summary) for f in found.findings] == list(wanted)


_cell = st.text(max_size=12) | st.sampled_from([*COLUMNS, "tag.x", "low", "high", "0.5", "a|b", "2026-05-01T00:00:00Z"])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(_cell, max_size=6), max_size=4).map(_table) | st.text(max_size=80))
def test_any_table_gives_findings_or_issues(text: str) -> None:
    found, issues = FindingsFile(()), None
    try:
        found = read_csv(text.encode("utf-8", "replace"), NOW)
    except ImportProblemError as problem:
        issues = problem.issues
    assert issues is None or 0 < len(issues) <= 100
    for finding in found.findings:
        assert 0 < len(finding.title) <= 500
        assert finding.severity in SEVERITIES
        assert 0 <= finding.confidence <= 1
        assert all(0 < len(value) <= 256 for n in finding.nodes for value in (n.node_id, n.type, n.name))
