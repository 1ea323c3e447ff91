"""The price table is read as it is written, and a bad entry is named."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.price import Price, parse_prices, price_of

AMOUNTS = st.floats(min_value=0, max_value=1000)


@given(st.dictionaries(st.text(), st.tuples(AMOUNTS, AMOUNTS)))
def test_every_table_of_pairs_is_read(table: dict[str, tuple[float, float]]) -> None:
    assert parse_prices(json.dumps(table)) == {model: Price(*pair) for model, pair in table.items()}


@pytest.mark.parametrize("text", ["", "  \n", "{}"])
def test_no_table_is_an_empty_table(text: str) -> None:
    assert parse_prices(text) == {}


@pytest.mark.parametrize(
    "entry", ["5", "[5]", "[1, 2, 3]", '["1", 2]', "[true, 2]", "[-1, 2]", "[NaN, 2]", "[1, Infinity]", "null", "{}"]
)
def test_a_bad_entry_is_named(entry: str) -> None:
    with pytest.raises(ValueError, match="'some-model'"):
        parse_prices(f'{{"fine": [1, 2], "some-model": {entry}}}')


@pytest.mark.parametrize("text", ["no json", "[1, 2]", "7", '{"a": [1, 2]'])
def test_what_is_no_table_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="price table"):
        parse_prices(text)


def test_a_models_own_price_comes_before_that_of_any_model() -> None:
    prices = {"a": Price(0, 0), "*": Price(1, 2)}
    assert price_of("a", prices) == Price(0, 0)
    assert price_of("b", prices) == Price(1, 2)
    assert price_of("b", {"a": Price(1, 1)}) is None


def test_a_price_is_for_a_million_tokens() -> None:
    assert Price(2.5, 10).cost(200_000, 50_000) == pytest.approx(1.0)
