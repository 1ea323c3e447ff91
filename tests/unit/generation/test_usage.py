"""What a report has used adds up; a cost that is not known stays unknown."""

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.price import Price
from chalicelib.generation.usage import Usage, estimated_tokens

COUNTS = st.integers(min_value=0, max_value=10**6)
USAGES = st.builds(Usage, COUNTS, COUNTS, COUNTS, st.none() | st.integers(0, 1000).map(float))


@given(st.lists(USAGES))
def test_tokens_calls_and_costs_add_up(usages: list[Usage]) -> None:
    total = sum(usages, Usage())
    assert total.tokens_in == sum(usage.tokens_in for usage in usages)
    assert total.tokens_out == sum(usage.tokens_out for usage in usages)
    assert total.calls == sum(usage.calls for usage in usages)
    costs = [usage.cost_usd for usage in usages]
    assert total.cost_usd == (None if None in costs else sum(cost for cost in costs if cost))


def test_usage_is_priced_by_the_model_that_used_it() -> None:
    used = Usage(1_000_000, 500_000, 3, None)
    assert used.priced("a", {"a": Price(1, 4)}) == Usage(1_000_000, 500_000, 3, 3.0)
    assert used.priced("b", {"a": Price(1, 4)}).cost_usd is None


@given(st.text())
def test_an_estimate_never_exceeds_the_characters_bytes(text: str) -> None:
    assert bool(text) == bool(estimated_tokens(text))
    assert estimated_tokens(text) <= len(text.encode(errors="replace"))
