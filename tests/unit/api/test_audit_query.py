"""What a request for the audit may ask for."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.api.audit import parse_audit_query
from chalicelib.api.problems import ProblemError

PLACE = "2026-01-20T15:30:00.000001Z#abcDEF-_0123"


def cursor_of(place: str) -> str:
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def test_nothing_asked_for_is_the_newest_fifty() -> None:
    query = parse_audit_query({})
    assert (query.tenant, query.since, query.until, query.action, query.actor, query.limit) == (
        None,
        "",
        "",
        None,
        None,
        50,
    )


def test_times_of_any_zone_become_stamps() -> None:
    query = parse_audit_query({"from": "2026-01-20", "to": "2026-01-20T15:30:00+02:00"})
    assert (query.since, query.until) == ("2026-01-20T00:00:00.000000Z", "2026-01-20T13:30:00.000000Z")


def test_a_cursor_goes_on_where_the_page_before_ended() -> None:
    query = parse_audit_query({"to": "2026-01-21", "cursor": cursor_of(PLACE)})
    assert query.until == PLACE


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "yesterday"}, "from"),
        ({"from": "0001-01-01T00:00:00+14:00"}, "from"),
        ({"to": "2026-13-01"}, "to"),
        ({"from": "2026-02-01", "to": "2026-02-01"}, "to"),
        ({"action": "report.burn"}, "action"),
        ({"actor": "x" * 201}, "actor"),
        ({"tenant": "\ud800"}, "tenant"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "²"}, "limit"),
        ({"cursor": "abc"}, "cursor"),
        ({"cursor": "\N{HONEYBEE}"}, "cursor"),
        ({"cursor": cursor_of("2026-01-20")}, "cursor"),
        ({"cursor": cursor_of(PLACE.replace("2026", "٢٠٢٦"))}, "cursor"),
    ],
)
def test_what_is_malformed_is_named(query: dict[str, str], field: str) -> None:
    with pytest.raises(ProblemError) as refused:
        parse_audit_query(query)
    assert refused.value.status == 400
    assert [detail.field for detail in refused.value.details] == [field]


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(["from", "to", "action", "actor", "tenant", "limit", "cursor"]), st.text()))
def test_any_query_is_taken_or_refused(query: dict[str, str]) -> None:
    try:
        parse_audit_query(query)
    except ProblemError as problem:
        assert problem.status == 400  # noqa: PT017 - taking it is as fine
