"""The loopback HTTP server in front of a Chalice application."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

import pytest
from chalice.app import Response

from chalicelib.api.application import Application
from embedded.api_server import MAX_BODY_BYTES, ApiServer


def _make_app() -> Application:
    app = Application("scratch")
    methods = {"methods": ["GET", "POST"], "content_types": ["application/json", "text/plain"]}

    @app.route("/echo", **methods)
    def echo() -> dict[str, Any]:
        request = app.current_request
        assert request is not None
        query = request.query_params
        return {
            "query": {name: query.getlist(name) for name in query} if query else {},
            "body": bytes(request.raw_body).decode(),
            "header": request.headers.get("x-test"),
        }

    @app.route("/items/{name}")
    def item(name: str) -> dict[str, str]:
        return {"name": name}

    @app.route("/binary")
    def binary() -> Response:
        return Response(bytes(range(256)), headers={"Content-Type": "application/pdf"})

    @app.route("/slow/{name}")
    def slow(name: str) -> dict[str, Any]:
        barrier.wait(5)
        request = app.current_request
        assert request is not None
        return {"name": request.uri_params["name"]}

    @app.route("/broken")
    def broken() -> None:
        raise RuntimeError("no")

    return app


barrier = threading.Barrier(4)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = ApiServer(_make_app(), 0)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield server.port
    server.shutdown()
    server.server_close()


def call(
    port: int, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, content


def raw(port: int, request: bytes) -> bytes:
    """Send bytes and return everything up to the end of the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_request_reaches_its_view_with_query_headers_and_body(port: int) -> None:
    status, headers, content = call(port, "POST", "/echo?a=1&a=2&b=%C3%A9", "é".encode(), {"X-Test": "t"})
    assert status == 200
    assert headers["content-type"] == "application/json"
    assert json.loads(content) == {"query": {"a": ["1", "2"], "b": ["é"]}, "body": "é", "header": "t"}


def test_a_trailing_slash_makes_no_difference(port: int) -> None:
    assert call(port, "GET", "/echo/")[0] == call(port, "GET", "/echo")[0] == 200


def test_path_parameters_are_decoded(port: int) -> None:
    assert json.loads(call(port, "GET", "/items/a%20b%2Fc")[2]) == {"name": "a b/c"}


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "application/pdf"])
def test_binary_answers_arrive_as_bytes_whatever_the_client_accepts(port: int, accept: str | None) -> None:
    status, headers, content = call(port, "GET", "/binary", headers={"Accept": accept} if accept else {})
    assert (status, headers["content-type"], content) == (200, "application/pdf", bytes(range(256)))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("GET", "/api/nothing/", 404), ("DELETE", "/echo", 405), ("BREW", "/echo", 405)],
)
def test_unknown_paths_and_methods_are_answered_in_the_envelope(port: int, method: str, path: str, status: int) -> None:
    answered, _, content = call(port, method, path)
    assert answered == status
    assert json.loads(content)["success"] is False


def test_a_failing_view_is_an_error_in_the_envelope(port: int) -> None:
    status, _, content = call(port, "GET", "/broken")
    assert status == 500
    assert json.loads(content)["success"] is False


def test_head_is_get_without_the_body(port: int) -> None:
    status, headers, content = call(port, "HEAD", "/binary")
    assert (status, headers["content-length"], content) == (200, "256", b"")


def test_options_says_which_methods_there_are(port: int) -> None:
    status, headers, content = call(port, "OPTIONS", "/echo")
    assert (status, headers["allow"]) == (405, "GET, POST")
    assert json.loads(content)["success"] is False


def test_a_body_of_ten_megabytes_is_taken_and_one_byte_more_is_refused(port: int) -> None:
    headers = {"Content-Type": "text/plain"}
    assert call(port, "POST", "/echo", b"x" * MAX_BODY_BYTES, headers)[0] == 200
    status, _, content = call(port, "POST", "/echo", b"x" * (MAX_BODY_BYTES + 1), headers)
    assert (status, json.loads(content)["success"]) == (413, False)


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (b"Content-Length: x", 400),
        (b"Content-Length: -1", 400),
        (b"Content-Length: 1\r\nContent-Length: 2", 400),
        (b"Content-Length: 99999999999", 413),
        (b"Content-Length: 99999999999\r\nExpect: 100-continue", 413),
        (b"Transfer-Encoding: chunked", 411),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 3", 400),
    ],
)
def test_bodies_that_cannot_be_read_are_refused_and_the_connection_ends(port: int, header: bytes, status: int) -> None:
    answer = raw(port, b"POST /echo HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\nabcGET /echo HTTP/1.1\r\n\r\n")
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert answer.count(b"HTTP/1.1") == 1
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["success"] is False


@pytest.mark.parametrize("request_line", [b"nonsense", b"GET /echo HTTP/9.9", b"GET /" + b"x" * 70_000 + b" HTTP/1.1"])
def test_what_is_no_request_is_refused_in_the_envelope(port: int, request_line: bytes) -> None:
    body = raw(port, request_line + b"\r\n\r\n").partition(b"\r\n\r\n")[2] or raw(port, request_line + b"\r\n\r\n")
    assert json.loads(body)["success"] is False


def test_a_client_may_ask_before_it_sends_its_body(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"hi")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_a_connection_is_kept_and_small_answers_are_quick(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    seconds = []
    for _ in range(20):
        started = time.perf_counter()
        connection.request("GET", "/items/a")
        connection.getresponse().read()
        seconds.append(time.perf_counter() - started)
    sock = connection.sock
    connection.close()
    assert sock is not None
    assert median(seconds) < 0.035  # with Nagle it would be 0.04


def test_requests_run_side_by_side_and_never_see_each_other(port: int) -> None:
    names = ["a", "b", "c", "d"]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda name: json.loads(call(port, "GET", f"/slow/{name}")[2]), names))
    assert answers == [{"name": name} for name in names]


def test_a_client_that_leaves_in_the_middle_disturbs_nobody(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
    assert call(port, "GET", "/echo")[0] == 200
    assert "Traceback" not in "".join(capfd.readouterr())
