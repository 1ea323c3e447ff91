"""Cursors name a place in a list, and no list but the caller's own."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.api.problems import ProblemError
from chalicelib.api.v1.cursors import read_cursor, write_cursor
from chalicelib.domain.clock import stamp
from chalicelib.domain.identifiers import sortable_id

FILTERS = {"list": "inv", "status": None}
START = {"order": f"2026-05-03T14:22:01.000001Z#{sortable_id('inv_')}"}


@given(st.datetimes().filter(lambda moment: moment.year >= 1970), st.text(max_size=20))
def test_a_cursor_leads_back_to_where_it_was_made(moment: object, account: str) -> None:
    start = {"order": f"{stamp(moment)}#{sortable_id('inv_')}"}  # type: ignore[arg-type]
    assert read_cursor(account, FILTERS, write_cursor(account, FILTERS, start)) == start


def test_the_last_page_has_no_cursor_and_the_first_needs_none() -> None:
    assert write_cursor("acme", FILTERS, None) is None
    assert read_cursor("acme", FILTERS, None) is None


@pytest.mark.parametrize(
    ("account", "filters"),
    [("other", FILTERS), ("acme", {**FILTERS, "status": "failed"}), ("acme", {"list": "fnd", "status": None})],
)
def test_a_cursor_of_another_list_is_refused(account: str, filters: dict[str, object]) -> None:
    with pytest.raises(ProblemError) as refused:
        read_cursor(account, filters, write_cursor("acme", FILTERS, START))
    assert (refused.value.status, refused.value.details[0].field) == (400, "cursor")


@given(st.one_of(st.text(), st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode())))
def test_whatever_a_client_makes_up_is_a_400(made_up: str) -> None:
    with pytest.raises(ProblemError) as refused:
        read_cursor("acme", FILTERS, made_up)
    assert refused.value.status == 400


def test_a_cursor_is_opaque_and_fits_into_a_url() -> None:
    cursor = write_cursor("acme", FILTERS, START)
    assert cursor is not None
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert "acme" not in cursor
