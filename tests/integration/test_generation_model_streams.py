"""Streams that break off, go on for ever, or are ended by us; over real HTTP."""

import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor

import pytest

from chalicelib.generation.model_client import Message, ModelClient
from tests.model_server import ModelServer
from tests.support.model_asking import ASK, StoppedError, client_of, go_on
from tests.support.waiting import wait_for

ABORTED_WITHIN_SECONDS = 0.5


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(words=300) as running:
        yield running


class TestBreakingOff:
    @pytest.mark.parametrize("kind", ["drop", "stream_error"])
    def test_much_text_is_kept_to_be_continued(self, client: ModelClient, server: ModelServer, kind: str) -> None:
        server.fault(kind, after_words=60)
        answer = client.complete(ASK, max_tokens=500, check=go_on)
        assert answer.finish_reason == "length"
        assert len(answer.text.split()) == 60
        assert answer.usage.calls == len(server.requests()) == 1
        assert answer.usage.tokens_out >= 60

    def test_a_timeout_keeps_it_too(self, server: ModelServer) -> None:
        server.fault("stall", after_words=60)
        with client_of(server, timeout_seconds=1) as client:
            answer = client.complete(ASK, max_tokens=500, check=go_on)
        assert (answer.finish_reason, len(answer.text.split())) == ("length", 60)

    @pytest.mark.parametrize("kind", ["drop", "stream_error"])
    def test_little_text_is_written_again(self, client: ModelClient, server: ModelServer, kind: str) -> None:
        server.fault(kind, after_words=15)
        answer = client.complete(ASK, max_tokens=500, check=go_on)
        assert answer.finish_reason == "stop"
        assert len(answer.text.split()) >= 300
        assert answer.usage.calls == len(server.requests()) == 2

    def test_half_of_a_json_object_is_written_again(self, client: ModelClient, server: ModelServer) -> None:
        schema = {"type": "object", "properties": {"items": {"type": "array", "items": {"type": "string"}}}}
        ask: list[Message] = [{"role": "user", "content": "It needs 12 sections."}]
        server.fault("drop", after_words=9)
        answer = client.complete(ask, max_tokens=900, check=go_on, schema=schema)
        assert answer.text.endswith("}")


class TestBounds:
    def test_a_stream_that_never_ends_is_cut(self, client: ModelClient, server: ModelServer) -> None:
        server.fault("flood", times=None)
        answer = client.complete(ASK, max_tokens=12_000, check=go_on)
        assert answer.finish_reason == "length"
        assert 12_000 * 16 <= len(answer.text) < 12_000 * 16 + 200
        assert wait_for(lambda: server.requests()[0].outcome == "aborted", 3)

    def test_a_short_answer_has_room(self, client: ModelClient, server: ModelServer) -> None:
        server.fault("flood", times=None)
        assert 160_000 <= len(client.complete(ASK, max_tokens=10, check=go_on).text) < 160_200


class TestStopping:
    def test_an_answer_ends_when_the_caller_has_heard_enough(self, client: ModelClient, server: ModelServer) -> None:
        server.script.control({"tokens_per_second": 400, "words": 3000})
        heard: list[str] = []

        def enough(text: str) -> bool:
            heard.append(text)
            return len(text.split()) > 500

        answer = client.complete(ASK, max_tokens=5000, check=go_on, stop_when=enough)
        assert answer.finish_reason == "stopped"
        assert 500 < len(answer.text.split()) < 1200
        assert answer.text.startswith(heard[-1])
        assert len(heard) >= 2
        assert answer.usage.tokens_out > 500
        assert wait_for(lambda: server.requests()[0].outcome == "aborted", 3)

    def test_a_slow_answer_is_shown_about_once_a_second(self, client: ModelClient, server: ModelServer) -> None:
        server.script.control({"tokens_per_second": 20, "words": 60})
        asked_at: list[float] = []

        def not_enough(text: str) -> bool:
            asked_at.append(time.monotonic())
            return False

        client.complete(ASK, max_tokens=60, check=go_on, stop_when=not_enough)
        assert 2 <= len(asked_at) <= 4
        assert min(later - earlier for earlier, later in itertools.pairwise(asked_at)) >= 0.95

    def test_what_the_caller_raises_there_propagates(self, client: ModelClient, server: ModelServer) -> None:
        def broken(text: str) -> bool:
            raise StoppedError

        server.script.control({"tokens_per_second": 200})
        with pytest.raises(StoppedError):
            client.complete(ASK, max_tokens=500, check=go_on, stop_when=broken)


class TestCancelling:
    @pytest.mark.parametrize(
        ("kind", "options"),
        [("hang", {}), ("slow", {"tokens_per_second": 2}), ("slow", {"tokens_per_second": 200}), ("stall", {})],
    )
    def test_the_call_in_flight_ends_at_once_for_the_endpoint_too(
        self, client: ModelClient, server: ModelServer, kind: str, options: dict[str, int]
    ) -> None:
        server.fault(kind, **options)
        cancelled_at: list[float] = []

        def check() -> None:
            if server.script.state()["in_flight"] and time.monotonic() - server.requests()[0].at > 0.3:
                cancelled_at.append(time.monotonic())
                raise StoppedError

        with pytest.raises(StoppedError):
            client.complete(ASK, max_tokens=500, check=check)
        request = server.requests()[0]
        assert wait_for(lambda: request.outcome == "aborted", 3)
        assert request.at + request.seconds - cancelled_at[0] < ABORTED_WITHIN_SECONDS

    def test_a_wait_between_two_tries_ends_too(self, client: ModelClient, server: ModelServer) -> None:
        server.fault("error", status=429, retry_after=50)
        begun = time.monotonic()
        with pytest.raises(StoppedError):
            client.complete(ASK, max_tokens=500, check=stop_after_first(server))
        assert time.monotonic() - begun < 2

    def test_closing_the_client_ends_what_others_still_ask(self, server: ModelServer) -> None:
        server.fault("hang", times=None)
        client = client_of(server)
        with ThreadPoolExecutor() as pool:
            asking = pool.submit(client.complete, ASK, max_tokens=500, check=go_on)
            wait_for(server.requests, 5)
            client.close()
            assert isinstance(asking.exception(5), CancelledError)
        assert wait_for(lambda: server.requests()[0].outcome == "aborted", 3)


def stop_after_first(server: ModelServer) -> Callable[[], None]:
    def check() -> None:
        if any(received.outcome == "answered" for received in server.requests()):
            raise StoppedError

    return check
