"""What requests about honey jars may say."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.api.knowledge_requests import parse_announced, parse_files, parse_new_jar, parse_page, parse_search
from chalicelib.api.multipart_body import Form, SentFile, read_form
from chalicelib.api.problems import ProblemError
from chalicelib.domain.honey_jar import MAX_DOCUMENT_BYTES
from tests.support.honey_jars import form


def refused(call: Any, *given: Any) -> tuple[int, str]:
    with pytest.raises(ProblemError) as problem:
        call(*given)
    return problem.value.status, problem.value.details[0].field


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": 7}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "x", "type": "secret"}, "type"),
        ({"name": "x", "type": "team"}, "team_id"),
        ({"name": "x", "type": "restricted"}, "allowed_users"),
        ({"name": "x", "allowed_users": ["bob"]}, "allowed_users"),
        ({"name": "x", "tags": ["t"] * 21}, "tags"),
        ({"name": "x", "tags": "t"}, "tags"),
        ({"name": "x", "tags": [1]}, "tags"),
    ],
)
def test_a_wrong_jar_is_400(body: dict[str, Any], field: str) -> None:
    assert refused(parse_new_jar, body) == (400, field)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "query"),
        ({"query": "  "}, "query"),
        ({"query": "x" * 2001}, "query"),
        ({"query": 1}, "query"),
        ({"query": "x", "top_k": 0}, "top_k"),
        ({"query": "x", "top_k": 51}, "top_k"),
        ({"query": "x", "top_k": True}, "top_k"),
        ({"query": "x", "honey_jar_ids": "hj"}, "honey_jar_ids"),
        ({"query": "x", "honey_jar_ids": ["x"] * 51}, "honey_jar_ids"),
    ],
)
def test_a_wrong_search_is_400(body: dict[str, Any], field: str) -> None:
    assert refused(parse_search, body) == (400, field)


def test_an_id_that_no_jar_can_have_is_404() -> None:
    with pytest.raises(ProblemError) as problem:
        parse_search({"query": "x", "honey_jar_ids": ["hj_1"]})
    assert (problem.value.status, problem.value.error) == (404, "Honey jar not found")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"size_bytes": 1}, "filename"),
        ({"filename": "a.txt"}, "size_bytes"),
        ({"filename": "a.exe", "size_bytes": 1}, "filename"),
        ({"filename": "a.txt", "size_bytes": MAX_DOCUMENT_BYTES + 1}, "size_bytes"),
        ({"filename": "a.txt", "size_bytes": 1.5}, "size_bytes"),
        ({"filename": "a.txt", "size_bytes": 1, "metadata": []}, "metadata"),
        ({"filename": "a.txt", "size_bytes": 1, "metadata": {"a": "x" * 5000}}, "metadata"),
    ],
)
def test_a_wrong_announcement_is_400(body: dict[str, Any], field: str) -> None:
    assert refused(parse_announced, body) == (400, field)


@pytest.mark.parametrize(
    ("names", "field"),
    [
        ((), "files"),
        (("a.exe",), "files.0"),
        (("a.txt", "noending"), "files.1"),
        (tuple(f"{number}.txt" for number in range(11)), "files"),
    ],
)
def test_wrong_files_are_400(names: tuple[str, ...], field: str) -> None:
    sent = Form(tuple(SentFile("files", name, b"x") for name in names), {})
    assert refused(parse_files, sent) == (400, field)


def test_a_path_in_a_name_is_cut_off() -> None:
    sent = Form((SentFile("file", "C:\\bees\\..\\hive.TXT", b"x"),), {})
    files, _ = parse_files(sent)
    assert (files[0].filename, files[0].format) == ("hive.TXT", "txt")


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "x"}, {"offset": "-1"}, {"limit": "101"}])
def test_a_wrong_page_is_400(query: dict[str, str]) -> None:
    assert refused(parse_page, query) == (400, next(iter(query)))


def test_a_form_is_read_byte_by_byte() -> None:
    content = bytes(range(256)) * 40 + b"\r\n--"
    body, content_type = form({"bees \u00e4.txt": content}, metadata="{}")
    read = read_form(body, content_type)
    assert [(file.sent_as, file.filename, file.content) for file in read.files] == [("files", "bees ä.txt", content)]
    assert read.fields == {"metadata": "{}"}


@pytest.mark.parametrize(
    "name", ["evil\u202etxt.md", "two\nlines.md", "a\tb.md", "a\u2028b.md", "\u2066a.md", "a\x00b.md"]
)
def test_a_name_is_one_line_that_reads_as_it_is(name: str) -> None:
    assert refused(parse_files, Form((SentFile("files", name, b"x"),), {})) == (400, "files.0")
    assert refused(parse_new_jar, {"name": name}) == (400, "name")
    assert refused(parse_new_jar, {"name": "x", "tags": [name]}) == (400, "tags")
