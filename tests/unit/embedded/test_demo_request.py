from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded.demo import DemoError, file_name, request_body


def test_without_wishes_the_request_is_the_sample_of_the_api_page() -> None:
    assert request_body({}) == {
        "template_id": "cc030440-0005-470f-8341-6ec798d00445",
        "title": "Security Analysis Report",
        "parameters": {
            "user_query": "Provide a comprehensive 5000+ word analysis of zero-trust architecture "
            "implementation for enterprise networks."
        },
        "output_format": "pdf",
    }


def test_query_title_and_format_can_be_chosen() -> None:
    body = request_body({"QUERY": "Why?", "TITLE": "Because", "FORMAT": "md"})
    assert (body["parameters"]["user_query"], body["title"], body["output_format"]) == ("Why?", "Because", "md")


def test_an_unknown_format_is_refused_before_anything_starts() -> None:
    with pytest.raises(DemoError, match="pdf, md, html"):
        request_body({"FORMAT": "docx"})


@pytest.mark.parametrize(
    ("title", "name"),
    [("Security Analysis Report", "security-analysis-report.pdf"), ("Žluťoučký / kůň", "zlutoucky-kun.pdf")],
)
def test_a_title_becomes_a_file_name(title: str, name: str) -> None:
    assert file_name(title, "pdf") == name


@given(st.text())
def test_no_title_leaves_the_output_folder(title: str) -> None:
    name = file_name(title, "md")
    assert name.endswith(".md")
    assert len(name) < 90
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")
    assert not name.startswith(".")
