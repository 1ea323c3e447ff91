"""The model client against the scripted server, over real HTTP: answers, failures that pass, and refusals."""

import threading
import time

import pytest

from chalicelib.domain.price import Price
from chalicelib.generation import retrying
from chalicelib.generation.budget import Meter
from chalicelib.generation.errors import BudgetSpent, ContextTooLong, ModelRejected, ModelUnavailable
from chalicelib.generation.model_client import ModelClient
from tests.model_server import ModelServer
from tests.model_server.refusals import CONTEXT_TOO_LONG
from tests.support.model_asking import ASK, Deadline, StoppedError, ask_until, ask_within, client_of, go_on

PRICES = {"scripted-model": Price(1000, 4000)}


class TestAnswers:
    def test_an_answer_comes_with_its_reason_to_stop_its_usage_and_its_model(
        self, client: ModelClient, server: ModelServer
    ) -> None:
        answer = client.complete(ASK, max_tokens=500, check=go_on)
        assert len(answer.text.split()) >= 60
        assert answer.finish_reason == "stop"
        assert (answer.usage.tokens_in, answer.usage.tokens_out) == (6, len(answer.text.split()))
        assert (answer.usage.calls, answer.usage.cost_usd) == (1, None)
        assert answer.model == "scripted-model"
        assert server.requests()[0].authorization == "Bearer sk-test"

    def test_nothing_but_the_common_fields_is_sent(self, client: ModelClient, server: ModelServer) -> None:
        client.complete(ASK, max_tokens=500, check=go_on)
        assert set(server.requests()[0].body) == {"model", "messages", "stream", "stream_options", "max_tokens"}

    def test_the_token_limit_is_reported(self, client: ModelClient) -> None:
        answer = client.complete(ASK, max_tokens=10, check=go_on)
        assert answer.finish_reason == "length"
        assert answer.usage.tokens_out == 10

    def test_an_endpoint_that_tells_no_usage_is_estimated(self, client: ModelClient, server: ModelServer) -> None:
        server.fault("no_usage")
        answer = client.complete(ASK, max_tokens=500, check=go_on)
        assert 0.5 < answer.usage.tokens_out / (len(answer.text.split()) * 1.5) < 2
        assert answer.usage.tokens_in > 0

    def test_an_endpoint_that_does_not_stream_is_understood(self, client: ModelClient, server: ModelServer) -> None:
        server.fault("unstreamed")
        answer = client.complete(ASK, max_tokens=500, check=go_on)
        assert answer.finish_reason == "stop"
        assert answer.usage.tokens_out == len(answer.text.split()) >= 60

    def test_several_threads_share_one_client(self, client: ModelClient, server: ModelServer) -> None:
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

    def test_a_closed_client_can_be_used_again(self, client: ModelClient) -> None:
        client.complete(ASK, max_tokens=10, check=go_on)
        client.close()
        assert client.complete(ASK, max_tokens=10, check=go_on).finish_reason == "length"


class TestFailuresThatPass:
    @pytest.mark.parametrize(
        ("kind", "options"),
        [
            ("error", {"status": 500}),
            ("error", {"status": 503}),
            ("error", {"status": 429}),
            ("error", {"status": 408}),
            ("drop", {}),
            ("drop", {"after_words": 0}),
            ("invalid_json", {}),
            ("stream_error", {}),
        ],
    )
    def test_they_are_tried_again(
        self, client: ModelClient, server: ModelServer, kind: str, options: dict[str, int]
    ) -> None:
        server.fault(kind, times=2, **options)
        assert client.complete(ASK, max_tokens=500, check=go_on).finish_reason == "stop"
        assert len(server.requests()) == 3

    def test_the_endpoints_wish_to_wait_is_kept(self, client: ModelClient, server: ModelServer) -> None:
        server.fault("error", status=429, retry_after=0.6)
        client.complete(ASK, max_tokens=500, check=go_on)
        first, second = server.requests()
        assert 0.6 <= second.at - first.at < 2

    def test_the_wish_may_be_a_date(self, client: ModelClient, server: ModelServer) -> None:
        server.fault("error", status=503, retry_after=2, retry_after_as_date=True)
        client.complete(ASK, max_tokens=500, check=go_on)
        first, second = server.requests()
        assert 0.9 <= second.at - first.at < 4  # a date has whole seconds

    def test_waits_grow(self, client: ModelClient, server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(retrying, "FIRST_WAIT_SECONDS", 0.1)
        server.fault("error", status=500, times=3)
        client.complete(ASK, max_tokens=500, check=go_on)
        at = [received.at for received in server.requests()]
        assert at[1] - at[0] < at[2] - at[1] < at[3] - at[2]

    def test_an_endpoint_that_keeps_failing_is_given_up(self, client: ModelClient, server: ModelServer) -> None:
        server.fault("error", status=500, times=None)
        with pytest.raises(ModelUnavailable, match=r"HTTP 500.*tried 5 times"):
            client.complete(ASK, max_tokens=500, check=go_on)
        assert len(server.requests()) == 5

    def test_patience_goes_on_after_the_last_try(self, server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(retrying, "FIRST_WAIT_SECONDS", 0.05)
        server.fault("error", status=500, times=6)
        with client_of(server, attempts=2, patience_seconds=20) as client:
            assert client.complete(ASK, max_tokens=500, check=go_on).finish_reason == "stop"
        assert len(server.requests()) == 7

    def test_nobody_listens(self) -> None:
        with ModelServer() as server:
            pass
        with client_of(server, attempts=2) as client, pytest.raises(ModelUnavailable, match="could not be reached"):
            client.complete(ASK, max_tokens=10, check=go_on)

    def test_a_request_takes_no_longer_than_its_timeout(self, server: ModelServer) -> None:
        server.fault("hang", times=None)
        with (
            client_of(server, timeout_seconds=0.5, attempts=1) as client,
            pytest.raises(ModelUnavailable, match=r"within 0\.5 seconds"),
        ):
            client.complete(ASK, max_tokens=10, check=go_on)
        assert server.requests()[0].seconds < 1.5


class TestRefusals:
    def test_a_wrong_key_fails_at_once_and_says_what_to_check(self, client: ModelClient, server: ModelServer) -> None:
        server.script.control({"api_key": "sk-other"})
        with pytest.raises(ModelUnavailable, match="check LLM_API_KEY") as caught:
            client.complete(ASK, max_tokens=500, check=go_on)
        assert "sk-" not in str(caught.value)
        assert len(server.requests()) == 1

    def test_an_unknown_model_fails_at_once_and_says_what_to_check(
        self, client: ModelClient, server: ModelServer
    ) -> None:
        server.script.control({"check_model": True, "model": "another"})
        with pytest.raises(ModelUnavailable, match=r"'scripted-model'.*LLM_MODEL"):
            client.complete(ASK, max_tokens=500, check=go_on)
        assert len(server.requests()) == 1

    @pytest.mark.parametrize(
        ("status", "message", "hint"),
        [
            (403, "", "LLM_API_KEY"),
            (400, "API key not valid. Please pass a valid API key.", "LLM_API_KEY"),
            (400, "Invalid model: tiny-9", "LLM_MODEL"),
            (404, "", "LLM_BASE_URL"),
            (402, "Insufficient Balance", "used up"),
            (429, "You exceeded your current quota, please check your plan and billing details.", "used up"),
        ],
    )
    def test_what_will_not_pass_is_not_tried_again(
        self, client: ModelClient, server: ModelServer, status: int, message: str, hint: str
    ) -> None:
        server.fault("error", status=status, message=message, times=None)
        with pytest.raises(ModelUnavailable, match=hint):
            client.complete(ASK, max_tokens=500, check=go_on)
        assert len(server.requests()) == 1

    @pytest.mark.parametrize("vendor", sorted(CONTEXT_TOO_LONG))
    def test_a_context_that_is_too_short_is_told_apart_in_every_vendors_words(
        self, client: ModelClient, server: ModelServer, vendor: str
    ) -> None:
        server.fault("context", vendor=vendor, above_characters=1000, times=None)
        with pytest.raises(ContextTooLong, match="too long for the model's context"):
            client.complete([{"role": "user", "content": "bees " * 300}], max_tokens=500, check=go_on)
        assert len(server.requests()) == 1
        assert client.complete(ASK, max_tokens=500, check=go_on).text

    def test_a_context_may_turn_out_too_short_in_the_stream(self, client: ModelClient, server: ModelServer) -> None:
        server.fault("stream_error", after_words=0, message="The context length was exceeded", times=None)
        with pytest.raises(ContextTooLong):
            client.complete(ASK, max_tokens=500, check=go_on)

    def test_any_other_refusal_is_not_repeated_and_is_named_without_quoting_the_endpoint(
        self, client: ModelClient, server: ModelServer
    ) -> None:
        server.fault("error", status=400, message="No words about Projekt Nordlicht", times=None)
        with pytest.raises(ModelRejected, match=r"HTTP 400\): scripted$") as caught:
            client.complete(ASK, max_tokens=500, check=go_on)
        assert not isinstance(caught.value, ContextTooLong)
        assert len(server.requests()) == 1

    @pytest.mark.parametrize(
        ("message", "field", "value"),
        [
            ("Unsupported: 'max_tokens'. Use 'max_completion_tokens' instead.", "max_completion_tokens", 3000),
            ("max_tokens is too large: 3000. At most 2048 completion tokens are supported.", "max_tokens", 2048),
            ("stream_options: extra fields not permitted", "stream_options", None),
        ],
    )
    def test_an_endpoint_that_wants_to_be_asked_differently_is_remembered(
        self, client: ModelClient, server: ModelServer, message: str, field: str, value: int | None
    ) -> None:
        server.fault("error", status=400, message=message)
        for _ in range(2):
            assert client.complete(ASK, max_tokens=3000, check=go_on).finish_reason == "stop"
        assert [received.body.get(field) for received in server.requests()[1:]] == [value, value]
        assert len(server.requests()) == 3


class TestDeadline:
    def test_a_request_ends_with_the_reports_time(self, client: ModelClient, server: ModelServer) -> None:
        server.fault("hang", times=None)
        begun = time.monotonic()
        with pytest.raises(StoppedError):
            ask_within(0.6, client)
        assert 0.6 <= time.monotonic() - begun < 1.6

    def test_a_request_that_the_check_does_not_end_ends_all_the_same(
        self, client: ModelClient, server: ModelServer
    ) -> None:
        server.fault("hang", times=None)
        with pytest.raises(ModelUnavailable, match="time is used up"):
            client.complete(ASK, max_tokens=500, check=go_on, remaining_seconds=Deadline(0.6).remaining_seconds)
        assert len(server.requests()) == 1
        assert server.requests()[0].seconds < 1.6

    def test_a_wait_ends_with_the_reports_time(self, client: ModelClient, server: ModelServer) -> None:
        server.fault("error", status=429, retry_after=50, times=None)
        begun = time.monotonic()
        with pytest.raises(StoppedError):
            ask_within(0.6, client)
        assert 0.6 <= time.monotonic() - begun < 1.6
        assert len(server.requests()) == 1

    def test_a_wait_that_the_check_does_not_end_ends_all_the_same(
        self, client: ModelClient, server: ModelServer
    ) -> None:
        server.fault("error", status=429, retry_after=50, times=None)
        begun = time.monotonic()
        with pytest.raises(ModelUnavailable, match="time is used up"):
            client.complete(ASK, max_tokens=500, check=go_on, remaining_seconds=Deadline(0.6).remaining_seconds)
        assert time.monotonic() - begun < 1.6
        assert len(server.requests()) == 1

    def test_there_is_no_retry_after_it(self, client: ModelClient, server: ModelServer) -> None:
        server.fault("error", status=500, times=None)
        deadline = Deadline(0.05)
        with pytest.raises(StoppedError):
            ask_until(deadline, client)
        asked = len(server.requests())
        with pytest.raises(StoppedError):
            ask_until(deadline, client)
        assert len(server.requests()) == asked


class TestUsage:
    def test_failed_tries_that_broke_off_are_counted(self, client: ModelClient, server: ModelServer) -> None:
        server.fault("drop", after_words=20, times=2)
        meter = Meter(PRICES)
        answer = client.complete(ASK, max_tokens=500, check=go_on, meter=meter)
        assert answer.usage.calls == 3
        assert answer.usage.tokens_out > len(answer.text.split()) + 2 * 20
        assert meter.total == answer.usage.priced("scripted-model", PRICES)

    def test_refused_requests_used_nothing(self, client: ModelClient, server: ModelServer) -> None:
        server.fault("error", status=429, times=2)
        assert client.complete(ASK, max_tokens=500, check=go_on).usage.calls == 1

    def test_tries_of_a_call_that_fails_are_counted(self, client: ModelClient, server: ModelServer) -> None:
        server.fault("drop", after_words=20, times=None)
        meter = Meter(PRICES)
        with pytest.raises(ModelUnavailable):
            client.complete(ASK, max_tokens=500, check=go_on, meter=meter)
        assert meter.total.calls == 5
        assert meter.total.tokens_out >= 5 * 20

    def test_an_abandoned_request_is_counted(self, client: ModelClient, server: ModelServer) -> None:
        server.fault("stall", after_words=30)
        meter = Meter(PRICES)
        with pytest.raises(StoppedError):
            ask_within(1, client, meter)
        assert meter.total.calls == 1
        assert meter.total.tokens_out >= 30

    def test_nothing_is_sent_that_could_pass_the_limit(self, client: ModelClient, server: ModelServer) -> None:
        meter = Meter(PRICES, max_cost_usd=3.0)
        with pytest.raises(BudgetSpent, match=r"\$3\.00"):
            ask_until_it_raises(client, meter)
        assert 0 < (meter.total.cost_usd or 0) <= 3.0
        assert meter.total.calls == len(server.requests()) > 1


def ask_until_it_raises(client: ModelClient, meter: Meter) -> None:
    for _ in range(100):
        client.complete(ASK, max_tokens=500, check=go_on, meter=meter)
