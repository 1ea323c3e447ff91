from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

import pytest
from chalice.app import Request
from hypothesis import given
from hypothesis import strategies as st

from embedded.gateway_event import Route, find_route, http_answer, proxy_event, split_target

PATTERNS = ["/", "/reports", "/reports/{id}", "/reports/{id}/download", "/reports/templates", "/{kind}/templates"]


def event(
    target: str = "/reports", body: bytes = b"", binary: list[str] | None = None, **headers: str
) -> dict[str, Any]:
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return proxy_event("POST", target, Route("/reports", {}), named, body, "127.0.0.1", binary or [])


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("/", "/"),
        ("/reports", "/reports"),
        ("/reports/", "/reports"),
        ("/reports/7", "/reports/{id}"),
        ("/reports/7/", "/reports/{id}"),
        ("/reports/templates", "/reports/templates"),
        ("/other/templates", "/{kind}/templates"),
        ("/reports/7/download", "/reports/{id}/download"),
    ],
)
def test_a_path_reaches_its_route_with_and_without_a_trailing_slash(path: str, pattern: str) -> None:
    route = find_route(PATTERNS, path)
    assert route is not None
    assert route.pattern == pattern


@pytest.mark.parametrize("path", ["/nothing", "/reports//download", "/reports/7/download/more", "/reports//", ""])
def test_other_paths_have_no_route(path: str) -> None:
    assert find_route(PATTERNS, path) is None


@given(st.text(st.characters(blacklist_categories=["Cs"]), min_size=1))
def test_path_parameters_arrive_decoded(value: str) -> None:
    route = find_route(PATTERNS, f"/reports/{quote(value, safe='')}/download")
    assert route == Route("/reports/{id}/download", {"id": value})


@given(st.text(max_size=200))
def test_no_target_breaks_the_routing(target: str) -> None:
    path, _ = split_target(target)
    find_route(PATTERNS, path)


def test_a_target_that_looks_like_a_host_is_a_path() -> None:
    assert split_target("//evil.example/x?a=1") == ("//evil.example/x", "a=1")
    assert split_target("http://127.0.0.1:8000/x?a=1") == ("/x", "a=1")


def test_repeated_query_parameters_are_all_there_and_the_last_wins_in_the_simple_map() -> None:
    made = event("/reports?status=a&status=b&empty=&text=%C3%A9+x")
    assert made["multiValueQueryStringParameters"] == {"status": ["a", "b"], "empty": [""], "text": ["é x"]}
    assert made["queryStringParameters"]["status"] == "b"


def test_without_a_query_the_maps_are_null_as_from_api_gateway() -> None:
    made = event("/reports")
    assert made["multiValueQueryStringParameters"] is None
    assert made["queryStringParameters"] is None


def test_text_arrives_as_text_and_anything_else_as_base64() -> None:
    assert (event(body="é".encode())["body"], event(body=b"")["body"]) == ("é", None)
    binary = event(body=b"\xff\x00")
    assert binary["isBase64Encoded"]
    assert base64.b64decode(binary["body"]) == b"\xff\x00"


@pytest.mark.parametrize("kind", ["application/pdf", "application/*", "*/*"])
def test_a_body_of_a_binary_media_type_is_base64(kind: str) -> None:
    made = event(body=b"plain", binary=[kind], Content_Type="application/pdf; charset=x")
    assert base64.b64decode(made["body"]) == b"plain"


@given(st.binary(max_size=500), st.booleans())
def test_chalice_reads_back_the_bytes_that_were_sent(body: bytes, is_binary: bool) -> None:
    made = event(body=body, binary=["*/*"] if is_binary else [], Content_Type="application/json")
    assert bytes(Request(made).raw_body) == body


def test_a_proxy_answer_becomes_a_response() -> None:
    answer = http_answer(
        {
            "statusCode": 201,
            "headers": {"Content-Type": "text/plain", "Set-Cookie": "a=1"},
            "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]},
            "body": "é",
        }
    )
    assert answer.status == 201
    assert answer.body == "é".encode()
    assert sorted(answer.headers) == [("Content-Type", "text/plain"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]


def test_a_binary_proxy_answer_is_decoded() -> None:
    body = base64.b64encode(b"%PDF\xff").decode()
    assert http_answer({"statusCode": 200, "body": body, "isBase64Encoded": True}).body == b"%PDF\xff"


def test_a_body_of_no_named_type_is_json_as_behind_api_gateway() -> None:
    assert http_answer({"statusCode": 200, "body": "{}"}).headers == [("Content-Type", "application/json")]
    assert http_answer({"statusCode": 204, "body": ""}).headers == []
