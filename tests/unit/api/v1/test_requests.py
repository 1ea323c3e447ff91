"""Paths, queries and headers of ``/v1``."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.api.problems import ProblemError
from chalicelib.api.v1 import requests
from chalicelib.domain.identifiers import finding_id, sortable_id


def refused(call: Callable[[], object]) -> tuple[int, list[str]]:
    with pytest.raises(ProblemError) as problem:
        call()
    return problem.value.status, [detail.field for detail in problem.value.details]


class TestLists:
    def test_without_a_query_it_is_the_first_hundred(self) -> None:
        assert requests.investigations_query({}) == requests.InvestigationsQuery(100, None, None)
        assert requests.findings_query({}) == requests.FindingsQuery(100, None, None, False, None)

    def test_an_empty_value_counts_as_absent(self) -> None:
        empty = dict.fromkeys(("limit", "status", "cursor", "severity", "investigation_id", "dismissed"), "")
        assert requests.investigations_query(empty) == requests.investigations_query({})
        assert requests.findings_query(empty) == requests.findings_query({})

    @pytest.mark.parametrize("limit", ["1", "100", "1000"])
    def test_a_limit_may_be_1_to_1000(self, limit: str) -> None:
        assert requests.findings_query({"limit": limit}).limit == int(limit)

    @pytest.mark.parametrize("limit", ["0", "1001", "-1", "1.5", "ten", "٣", "1e3", " 5", "9" * 400])
    def test_any_other_limit_is_refused(self, limit: str) -> None:
        assert refused(lambda: requests.investigations_query({"limit": limit})) == (400, ["limit"])

    def test_complete_means_completed(self) -> None:
        """The events' page names the state one way, the reports' page the other."""
        assert requests.investigations_query({"status": "complete"}).status == "completed"
        assert requests.investigations_query({"status": "completed"}).status == "completed"

    @pytest.mark.parametrize(
        ("name", "value"), [("severity", "grave"), ("dismissed", "maybe"), ("dismissed", "1"), ("limit", "x")]
    )
    def test_unknown_filters_of_findings_are_named(self, name: str, value: str) -> None:
        assert refused(lambda: requests.findings_query({name: value})) == (400, [name])

    def test_unknown_states_are_named(self) -> None:
        assert refused(lambda: requests.investigations_query({"status": "done"})) == (400, ["status"])


class TestIds:
    def test_well_formed_ids_are_taken(self) -> None:
        one = sortable_id("inv_")
        assert requests.investigation_id(one) == one
        assert requests.job_id(sortable_id("job_"))
        assert requests.finding_id(finding_id(one, None))

    @given(st.text())
    def test_whatever_else_is_sent_is_a_404(self, given_id: str) -> None:
        for read in (requests.investigation_id, requests.job_id, requests.finding_id):
            assert refused(lambda read=read: read(given_id)) == (404, [])  # type: ignore[misc]

    def test_an_id_of_another_kind_is_a_404(self) -> None:
        assert refused(lambda: requests.job_id(sortable_id("inv_"))) == (404, [])
        assert refused(lambda: requests.finding_id(sortable_id("inv_"))) == (404, [])

    @pytest.mark.parametrize("number", ["0", "01", "-1", "x", "1234567", ""])
    def test_a_version_that_is_no_number_is_a_404(self, number: str) -> None:
        assert refused(lambda: requests.version_number(number)) == (404, [])


class TestFormat:
    @pytest.mark.parametrize(
        ("accept", "expected"),
        [
            ("", "json"),
            ("*/*", "json"),
            ("application/json", "json"),
            ("application/pdf", "pdf"),
            ("text/markdown; charset=utf-8", "md"),
            ("TEXT/HTML", "html"),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "html"),
            ("application/pdf;q=0.5, text/html;q=0.9", "html"),
            ("application/pdf, application/json", "json"),
            ("application/pdf, */*", "json"),
            ("image/png", "json"),
            ("application/pdf;q=0", "json"),
            ("application/pdf;q=nonsense", "json"),
        ],
    )
    def test_the_accept_header_chooses_json_where_nothing_speaks_against_it(self, accept: str, expected: str) -> None:
        assert requests.report_format({}, accept) == expected

    @pytest.mark.parametrize("wanted", ["json", "pdf", "md", "html"])
    def test_the_query_has_the_last_word(self, wanted: str) -> None:
        assert requests.report_format({"format": wanted}, "application/pdf") == wanted

    def test_an_unknown_format_is_named(self) -> None:
        assert refused(lambda: requests.report_format({"format": "xml"}, "")) == (400, ["format"])

    @given(st.text())
    def test_no_accept_header_is_an_error(self, accept: str) -> None:
        assert requests.report_format({}, accept) in requests.REPORT_FORMATS


class TestIdempotencyKey:
    def test_header_and_field_mean_the_same(self) -> None:
        assert requests.idempotency_key(None, {}) is None
        assert requests.idempotency_key("k", {}) == "k"
        assert requests.idempotency_key(None, {"idempotency_key": "k"}) == "k"
        assert requests.idempotency_key("k", {"idempotency_key": "k"}) == "k"

    def test_two_different_ones_are_refused(self) -> None:
        assert refused(lambda: requests.idempotency_key("a", {"idempotency_key": "b"})) == (400, ["idempotency_key"])

    @pytest.mark.parametrize("field", ["", "  ", "k" * 257, 5, ["k"], False])
    def test_the_field_is_a_text_of_at_most_256(self, field: object) -> None:
        assert refused(lambda: requests.idempotency_key(None, {"idempotency_key": field})) == (400, ["idempotency_key"])

    @pytest.mark.parametrize("header", ["", "k" * 257])
    def test_so_is_the_header(self, header: str) -> None:
        assert refused(lambda: requests.idempotency_key(header, {})) == (400, ["Idempotency-Key"])

    def test_256_characters_are_enough_for_a_key(self) -> None:
        assert requests.idempotency_key("k" * 256, {}) == "k" * 256
