"""The Runtime API as a function process sees it, over HTTP."""

from __future__ import annotations

import http.client
import json
import queue
import threading
from collections.abc import Iterator

import pytest
from reports_localstack.runtime_api import MAX_RESPONSE_BYTES, EventKind, Invocation, RuntimeApi, RuntimeEvent

INVOCATION = Invocation("id-1", "arn:aws:lambda:::function:f", "Root=1", 1_700_000_000_123, b'{"n": 1}')
PREFIX = "/2018-06-01/runtime"


class Api:
    """A Runtime API, what it reported, and calls to it."""

    def __init__(self) -> None:
        self.events: queue.Queue[RuntimeEvent] = queue.Queue()
        self.api = RuntimeApi(self.events.put)

    def call(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes, http.client.HTTPMessage]:
        connection = http.client.HTTPConnection(self.api.address, timeout=5)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers
        finally:
            connection.close()


@pytest.fixture
def runtime() -> Iterator[Api]:
    runtime = Api()
    yield runtime
    runtime.api.close()


def test_next_invocation_carries_what_the_context_is_made_of(runtime) -> None:
    runtime.api.offer(INVOCATION)
    status, body, headers = runtime.call("GET", f"{PREFIX}/invocation/next")
    assert (status, body) == (200, b'{"n": 1}')
    assert headers["Lambda-Runtime-Aws-Request-Id"] == "id-1"
    assert headers["Lambda-Runtime-Deadline-Ms"] == "1700000000123"
    assert headers["Lambda-Runtime-Invoked-Function-Arn"] == "arn:aws:lambda:::function:f"
    assert headers["Lambda-Runtime-Trace-Id"] == "Root=1"


def test_first_question_means_initialised_and_later_ones_mean_nothing(runtime) -> None:
    for _ in range(2):
        runtime.api.offer(INVOCATION)
        runtime.call("GET", f"{PREFIX}/invocation/next")
    assert [event.kind for event in runtime.events.queue] == [EventKind.READY]


@pytest.mark.parametrize(
    ("path", "event"),
    [
        ("invocation/id-1/response", RuntimeEvent(EventKind.RESPONSE, "id-1", b"[1]")),
        ("invocation/id-1/error", RuntimeEvent(EventKind.ERROR, "id-1", b"[1]")),
        ("init/error", RuntimeEvent(EventKind.INIT_ERROR, "", b"[1]")),
    ],
)
def test_what_is_posted_is_reported_before_it_is_acknowledged(runtime, path, event) -> None:
    assert runtime.call("POST", f"{PREFIX}/{path}", b"[1]")[0] == 202
    assert runtime.events.get_nowait() == event


def test_answer_beyond_lambdas_limit_is_refused_unread(runtime) -> None:
    connection = http.client.HTTPConnection(runtime.api.address, timeout=5)
    connection.putrequest("POST", f"{PREFIX}/invocation/id-1/response")
    connection.putheader("Content-Length", str(MAX_RESPONSE_BYTES + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()
    event = runtime.events.get_nowait()
    assert event.kind is EventKind.TOO_LARGE
    assert json.loads(event.body)["errorType"] == "Function.ResponseSizeTooLarge"


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("POST", f"{PREFIX}/other"), ("GET", f"{PREFIX}/x")])
def test_anything_else_is_not_found(runtime, method, path) -> None:
    assert runtime.call(method, path, b"")[0] == 404
    assert runtime.events.empty()


def test_waiting_process_is_let_go_at_the_end() -> None:
    runtime = Api()
    failures: list[Exception] = []

    def wait() -> None:
        try:
            runtime.call("GET", f"{PREFIX}/invocation/next")
        except http.client.HTTPException as error:
            failures.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert runtime.events.get(timeout=5).kind is EventKind.READY
    runtime.api.close()
    waiting.join(5)
    assert [type(failure) for failure in failures] == [http.client.RemoteDisconnected]


def test_it_listens_on_loopback(runtime) -> None:
    assert runtime.api.address.startswith("127.0.0.1:")
