"""A second endpoint takes over while the first is down, and gives back; over real HTTP."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.domain.price import Price
from chalicelib.generation import outage
from chalicelib.generation.budget import Meter
from chalicelib.generation.errors import BudgetSpent, ContextTooLong, ModelUnavailable
from chalicelib.generation.model_client import Endpoint, ModelClient
from chalicelib.generation.outage import Outage
from tests.model_server import ModelServer
from tests.support.model_asking import ASK, StoppedError, ask_within, client_of, go_on
from tests.support.waiting import wait_for

pytestmark = pytest.mark.usefixtures("short_waits")


@pytest.fixture
def first() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


@pytest.fixture
def second() -> Iterator[ModelServer]:
    with ModelServer(model="second-model", api_key="sk-second", check_model=True) as running:
        yield running


@pytest.fixture
def client(first: ModelServer, second: ModelServer) -> Iterator[ModelClient]:
    with client_of(first, second, attempts=3) as made:
        yield made


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def stopped_server() -> ModelServer:
    with ModelServer() as server:
        return server


def ask(client: ModelClient) -> str:
    return client.complete(ASK, max_tokens=500, check=go_on).model


def test_the_first_endpoint_is_asked_while_it_is_up(
    client: ModelClient, first: ModelServer, second: ModelServer
) -> None:
    first.fault("error", status=503, times=2)
    assert [ask(client), ask(client)] == ["scripted-model", "scripted-model"]
    assert second.requests() == []


@pytest.mark.parametrize(
    ("kind", "options"),
    [("error", {"status": 503}), ("error", {"status": 429}), ("error", {"status": 402}), ("drop", {})],
)
def test_the_fallback_takes_over_with_its_own_key_and_model(
    client: ModelClient, first: ModelServer, second: ModelServer, kind: str, options: dict[str, int]
) -> None:
    first.fault(kind, times=None, **options)
    assert ask(client) == "second-model"
    assert second.requests()[0].authorization == "Bearer sk-second"


def test_an_endpoint_that_takes_no_connection_is_left_after_two_tries(second: ModelServer) -> None:
    with client_of(stopped_server(), second, patience_seconds=600) as client:
        begun = time.monotonic()
        assert ask(client) == "second-model"
        assert time.monotonic() - begun < 5


def test_following_calls_go_to_the_fallback_at_once(
    client: ModelClient, first: ModelServer, second: ModelServer
) -> None:
    first.fault("error", status=503, times=None)
    assert [ask(client) for _ in range(5)] == ["second-model"] * 5
    assert len(first.requests()) == 3


def test_calls_that_wait_for_the_first_go_over_as_soon_as_one_has_found_it_down(
    first: ModelServer, second: ModelServer
) -> None:
    first.fault("error", status=503, retry_after=30, match="wait", times=None)
    first.fault("error", status=402, match="Write", times=None)
    with client_of(first, second, patience_seconds=600) as client, ThreadPoolExecutor() as pool:
        waiting = pool.submit(client.complete, [{"role": "user", "content": "wait"}], max_tokens=50, check=go_on)
        wait_for(first.requests, 5)
        assert ask(client) == "second-model"
        assert waiting.result(5).model == "second-model"


def test_after_a_while_the_first_is_tried_again_and_taken_back(
    client: ModelClient, first: ModelServer, second: ModelServer
) -> None:
    clock = Clock()
    client._outage = Outage(60, clock)
    first.fault("error", status=503, times=3)
    assert ask(client) == "second-model"
    assert ask(client) == "second-model"
    clock.now += 60
    assert [ask(client), ask(client)] == ["scripted-model", "scripted-model"]


def test_an_endpoint_that_is_still_down_costs_one_try_a_minute(
    client: ModelClient, first: ModelServer, second: ModelServer
) -> None:
    clock = Clock()
    client._outage = Outage(60, clock)
    first.fault("error", status=503, times=None)
    assert ask(client) == "second-model"
    clock.now += 60
    assert [ask(client) for _ in range(3)] == ["second-model"] * 3
    assert len(first.requests()) == 3 + 1


def test_the_pause_is_a_minute() -> None:
    assert outage.OUTAGE_SECONDS == 60


def test_both_down_names_both(client: ModelClient, first: ModelServer, second: ModelServer) -> None:
    first.fault("error", status=503, times=None)
    second.fault("error", status=500, times=None)
    with pytest.raises(ModelUnavailable, match=r"HTTP 503.*and the fallback.*HTTP 500"):
        ask(client)


def test_a_fallback_with_a_wrong_key_says_which_setting(first: ModelServer, second: ModelServer) -> None:
    second.script.control({"api_key": "another"})
    first.fault("error", status=503, times=None)
    with (
        client_of(first, second, attempts=2) as client,
        pytest.raises(ModelUnavailable, match=r"HTTP 503.*LLM_FALLBACK_API_KEY"),
    ):
        ask(client)


def test_without_a_working_fallback_the_first_gets_all_our_patience(second: ModelServer) -> None:
    second.fault("error", status=401, times=None)
    with (
        client_of(stopped_server(), second, attempts=5) as client,
        pytest.raises(ModelUnavailable, match=r"could not be reached \(tried 5 times\).*and the fallback.*HTTP 401"),
    ):
        ask(client)


@pytest.mark.parametrize(("status", "hint"), [(401, "LLM_API_KEY"), (404, "LLM_MODEL")])
def test_a_wrong_setting_of_the_first_is_no_outage(
    client: ModelClient, first: ModelServer, second: ModelServer, status: int, hint: str
) -> None:
    first.fault("error", status=status, times=None)
    with pytest.raises(ModelUnavailable, match=hint):
        ask(client)
    assert second.requests() == []


def test_a_request_that_is_too_long_is_no_outage(client: ModelClient, first: ModelServer, second: ModelServer) -> None:
    first.fault("context", times=None)
    with pytest.raises(ContextTooLong):
        ask(client)
    assert second.requests() == []


def test_the_deadline_holds_over_both(client: ModelClient, first: ModelServer, second: ModelServer) -> None:
    first.fault("error", status=503, retry_after=0.3, times=None)
    second.fault("hang", times=None)
    begun = time.monotonic()
    with pytest.raises(StoppedError):
        ask_within(1.5, client)
    assert 1.4 <= time.monotonic() - begun < 2.5


def test_what_the_fallback_uses_is_charged_at_its_own_price(
    client: ModelClient, first: ModelServer, second: ModelServer
) -> None:
    prices = {"scripted-model": Price(1, 1), "second-model": Price(1000, 1000)}
    meter = Meter(prices)
    first.fault("error", status=503, times=None)
    answer = client.complete(ASK, max_tokens=500, check=go_on, meter=meter)
    assert meter.total == answer.usage.priced("second-model", prices)
    with pytest.raises(BudgetSpent):
        client.complete(ASK, max_tokens=500, check=go_on, meter=Meter(prices, max_cost_usd=0.1))


def test_keys_are_not_in_what_is_printed(second: ModelServer) -> None:
    assert "sk-secret" not in repr(Endpoint(second.base_url, "sk-secret", "m"))
