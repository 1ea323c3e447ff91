"""A report's cost limit holds: over threads, failures and attempts."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.price import Price
from chalicelib.generation.budget import Meter, most_prompt_tokens
from chalicelib.generation.chat import Message
from chalicelib.generation.errors import BudgetSpent
from chalicelib.generation.usage import Usage

PRICES = {"cheap": Price(1, 4), "dear": Price(10, 40)}
ASK: list[Message] = [{"role": "user", "content": "x" * 968}]  # 500 tokens at most
TOKENS = most_prompt_tokens(ASK)
ROUNDING = 1e-9


class StoppedError(Exception):
    pass


def no_longer_than(calls: int) -> Callable[[], None]:
    """A check that stops a wait that would never end."""
    left = iter(range(calls))

    def check() -> None:
        if next(left, None) is None:
            raise StoppedError

    return check


def test_what_is_settled_counts_at_its_models_price() -> None:
    meter = Meter(PRICES)
    with meter.reserve("cheap", ASK, 1000) as reservation:
        reservation.settle(Usage(400, 800, 1, None), "cheap")
    with meter.reserve("cheap", ASK, 1000) as reservation:
        reservation.settle(Usage(400, 800, 1, None), "dear")
    assert meter.total.cost_usd == pytest.approx(0.0036 + 0.036)
    assert (meter.total.tokens_in, meter.total.tokens_out, meter.total.calls) == (800, 1600, 2)


def test_an_exception_before_an_answer_gives_the_reservation_back() -> None:
    meter = Meter(PRICES, max_cost_usd=0.005)
    for _ in range(10):
        with pytest.raises(StoppedError), meter.reserve("cheap", ASK, 1000):
            raise StoppedError
    assert meter.total == Usage()


def test_the_message_names_the_limit_and_what_is_spent() -> None:
    meter = Meter(PRICES, max_cost_usd=1.5, before=Usage(1, 1, 1, 1.25))
    with pytest.raises(BudgetSpent, match=r"\$1\.50.*\$1\.25 are spent"):
        meter.reserve("dear", ASK, 10_000)


def test_earlier_attempts_count() -> None:
    fits = Meter(PRICES, max_cost_usd=0.01, before=Usage(0, 0, 1, 0.005))
    assert fits.reserve("cheap", ASK, 1000)
    spent = Meter(PRICES, max_cost_usd=0.01, before=Usage(0, 0, 1, 0.0099))
    with pytest.raises(BudgetSpent):
        spent.reserve("cheap", ASK, 1000)


def test_what_other_requests_hold_is_not_free() -> None:
    meter = Meter(PRICES, max_cost_usd=0.008)
    with meter.reserve("cheap", ASK, 1000), pytest.raises(BudgetSpent):
        meter.reserve("cheap", ASK, 1000)
    assert meter.reserve("cheap", ASK, 1000)


def test_a_request_waits_for_what_others_may_give_back() -> None:
    meter = Meter(PRICES, max_cost_usd=0.008)
    waiting = threading.Event()
    with ThreadPoolExecutor() as pool, meter.reserve("cheap", ASK, 1000) as first:
        second = pool.submit(meter.reserve, "cheap", ASK, 1000, waiting.set)
        assert waiting.wait(5)
        first.settle(Usage(TOKENS, 100, 1, None), "cheap")
        assert second.result(5)


def test_a_wait_ends_with_what_the_check_raises() -> None:
    meter = Meter(PRICES, max_cost_usd=0.008)
    with meter.reserve("cheap", ASK, 1000), pytest.raises(StoppedError):
        meter.reserve("cheap", ASK, 1000, no_longer_than(0))


def test_nobody_waits_for_what_cannot_come() -> None:
    meter = Meter(PRICES, max_cost_usd=0.004)
    with meter.reserve("cheap", ASK, 100), pytest.raises(BudgetSpent):
        meter.reserve("cheap", ASK, 1000, no_longer_than(0))


def test_a_limit_needs_the_models_price() -> None:
    with pytest.raises(BudgetSpent, match=r"'free'.*LLM_PRICES"):
        Meter(PRICES, max_cost_usd=1).reserve("free", ASK, 10)
    with pytest.raises(BudgetSpent, match="not known"):
        Meter(PRICES, max_cost_usd=1, before=Usage(9, 9, 1, None)).reserve("cheap", ASK, 10)


def test_without_a_limit_prices_are_not_needed() -> None:
    meter = Meter({})
    with meter.reserve("free", ASK, 10) as reservation:
        reservation.settle(Usage(5, 5, 1, None), "free")
    assert meter.total == Usage(5, 5, 1, None)


@given(st.lists(st.text(), max_size=4))
def test_the_prompts_bound_grows_with_every_message(texts: list[str]) -> None:
    messages: list[Message] = [{"role": "user", "content": text} for text in texts]
    assert most_prompt_tokens(messages) >= sum(len(text.encode(errors="replace")) / 2 for text in texts)


REQUESTS = st.lists(
    st.tuples(st.sampled_from(sorted(PRICES)), st.integers(1, 4000), st.floats(0, 1), st.booleans()),
    min_size=1,
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(REQUESTS, st.floats(0.0005, 0.4))
def test_the_limit_holds_under_concurrency(requests: list[tuple[str, int, float, bool]], limit: float) -> None:
    meter = Meter(PRICES, max_cost_usd=limit)
    real: list[Usage] = []

    def ask(request: tuple[str, int, float, bool]) -> bool:
        model, max_tokens, share, answered = request
        try:
            with meter.reserve(model, ASK, max_tokens, no_longer_than(1000)) as reservation:
                if answered:
                    used = Usage(int(TOKENS * share), int(max_tokens * share), 1, None)
                    real.append(used.priced(model, PRICES))
                    reservation.settle(used, model)
        except BudgetSpent:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        served = list(pool.map(ask, requests))
    assert meter.total.calls == len(real)
    assert meter.total.cost_usd == pytest.approx(sum(usage.cost_usd or 0 for usage in real))
    assert (meter.total.cost_usd or 0) <= limit + ROUNDING
    for request, was_served in zip(requests, served, strict=True):
        if not was_served:  # then it really did not fit beside what was spent in the end
            most = PRICES[request[0]].cost(TOKENS, request[1])
            assert most + (meter.total.cost_usd or 0) > limit - ROUNDING
