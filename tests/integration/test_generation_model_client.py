"""The model client against the scripted server, over real HTTP."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from chalicelib.generation import model_client
from chalicelib.generation.errors import ModelRejected, ModelUnavailable
from chalicelib.generation.model_client import Message, ModelClient
from tests.model_server import ModelServer

ASK: list[Message] = [{"role": "user", "content": "Write about 60 words on bees."}]


class StoppedError(Exception):
    pass


def go_on() -> None:
    pass


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


@pytest.fixture
def client(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelClient]:
    monkeypatch.setattr(model_client, "FIRST_WAIT_SECONDS", 0.01)
    with ModelClient(base_url=server.base_url, api_key="sk-test", model="scripted-model", timeout_seconds=30) as made:
        yield made


def test_the_answer_comes_with_its_reason_to_stop_and_its_usage(client: ModelClient, server: ModelServer) -> None:
    answer = client.complete(ASK, max_tokens=500, check=go_on)
    assert len(answer.text.split()) >= 60
    assert answer.finish_reason == "stop"
    assert answer.usage.tokens_in == 6
    assert answer.usage.tokens_out == len(answer.text.split())
    assert server.requests()[0].authorization == "Bearer sk-test"


def test_nothing_but_the_common_fields_is_sent(client: ModelClient, server: ModelServer) -> None:
    client.complete(ASK, max_tokens=500, check=go_on)
    assert set(server.requests()[0].body) == {"model", "messages", "stream", "stream_options", "max_tokens"}


def test_the_token_limit_is_reported(client: ModelClient) -> None:
    answer = client.complete(ASK, max_tokens=10, check=go_on)
    assert answer.finish_reason == "length"
    assert answer.usage.tokens_out == 10


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("error", {"status": 500}),
        ("error", {"status": 503}),
        ("error", {"status": 429}),
        ("drop", {}),
        ("invalid_json", {}),
    ],
)
def test_a_failure_that_may_pass_is_tried_again(
    client: ModelClient, server: ModelServer, kind: str, options: dict[str, int]
) -> None:
    server.fault(kind, times=2, **options)
    assert client.complete(ASK, max_tokens=500, check=go_on).finish_reason == "stop"
    assert len(server.requests()) == 3


def test_the_endpoints_wish_to_wait_is_respected(client: ModelClient, server: ModelServer) -> None:
    server.fault("error", status=429, retry_after=0.6)
    client.complete(ASK, max_tokens=500, check=go_on)
    first, second = server.requests()
    assert second.at - first.at >= 0.6


def test_an_endpoint_that_keeps_failing_is_given_up(client: ModelClient, server: ModelServer) -> None:
    server.fault("error", status=500, times=None)
    with pytest.raises(ModelUnavailable, match=r"HTTP 500.*tried 5 times"):
        client.complete(ASK, max_tokens=500, check=go_on)


@pytest.mark.parametrize(("status", "hint"), [(401, "LLM_API_KEY"), (403, "LLM_API_KEY"), (404, "LLM_MODEL")])
def test_a_wrong_key_or_model_fails_at_once_and_says_what_to_check(
    client: ModelClient, server: ModelServer, status: int, hint: str
) -> None:
    server.fault("error", status=status, times=None)
    with pytest.raises(ModelUnavailable, match=hint):
        client.complete(ASK, max_tokens=500, check=go_on)
    assert len(server.requests()) == 1


def test_a_refused_request_is_not_repeated(client: ModelClient, server: ModelServer) -> None:
    server.fault("error", status=400, message="context length exceeded")
    with pytest.raises(ModelRejected, match="HTTP 400"):
        client.complete(ASK, max_tokens=500, check=go_on)
    assert len(server.requests()) == 1


def test_an_endpoint_that_wants_the_newer_limit_field_gets_it(client: ModelClient, server: ModelServer) -> None:
    server.fault("error", status=400, message="Unsupported: 'max_tokens'. Use 'max_completion_tokens' instead.")
    assert client.complete(ASK, max_tokens=10, check=go_on).finish_reason == "length"
    assert server.requests()[1].body["max_completion_tokens"] == 10


def test_nobody_listens() -> None:
    with ModelServer() as server:
        base_url = server.base_url
    with (
        ModelClient(base_url=base_url, api_key="", model="m", attempts=2) as client,
        pytest.raises(ModelUnavailable, match="could not be reached"),
    ):
        client.complete(ASK, max_tokens=10, check=go_on)


def test_a_request_takes_no_longer_than_its_timeout(server: ModelServer) -> None:
    server.fault("hang", times=None)
    with (
        ModelClient(base_url=server.base_url, api_key="", model="m", timeout_seconds=0.5, attempts=1) as client,
        pytest.raises(ModelUnavailable, match=r"within 0\.5 seconds"),
    ):
        client.complete(ASK, max_tokens=10, check=go_on)


@pytest.mark.parametrize(("kind", "options"), [("hang", {}), ("slow", {"tokens_per_second": 2})])
def test_a_stop_ends_the_request_in_flight_at_once(
    client: ModelClient, server: ModelServer, kind: str, options: dict[str, int]
) -> None:
    server.fault(kind, **options)

    def check() -> None:
        if server.script.state()["in_flight"]:
            raise StoppedError

    begun = time.monotonic()
    with pytest.raises(StoppedError):
        client.complete(ASK, max_tokens=500, check=check)
    assert time.monotonic() - begun < 3
    assert eventually(lambda: server.requests()[0].outcome == "aborted")


def test_a_stop_ends_the_wait_between_two_tries(client: ModelClient, server: ModelServer) -> None:
    server.fault("error", status=429, retry_after=50)

    def check() -> None:
        if any(received.outcome == "answered" for received in server.requests()):
            raise StoppedError

    with pytest.raises(StoppedError):
        client.complete(ASK, max_tokens=500, check=check)


def test_several_threads_share_one_client(client: ModelClient, server: ModelServer) -> None:
    server.script.control({"tokens_per_second": 200})
    threads = [
        threading.Thread(target=client.complete, args=(ASK,), kwargs={"max_tokens": 50, "check": go_on})
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.script.max_in_flight == 4
    assert [received.outcome for received in server.requests()] == ["answered"] * 4


def test_a_closed_client_can_be_used_again(client: ModelClient) -> None:
    client.complete(ASK, max_tokens=10, check=go_on)
    client.close()
    assert client.complete(ASK, max_tokens=10, check=go_on).finish_reason == "length"


def eventually(condition: Callable[[], bool], seconds: float = 3) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False
