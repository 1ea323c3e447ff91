"""The arithmetic behind bench/cost_per_report.py, by the rules that AWS publishes for its bills."""

from __future__ import annotations

import re

import pytest

from bench.costs.bill import Price, bill, read_prices, times, together, total
from bench.costs.dynamodb_units import Index, Item, item_read_units, item_size, query_read_units, write_units

DUE = Index("due", ("due", "due_at"), frozenset({"pk", "sk", "due", "due_at", "status"}))


def item(size: int = 100, **attributes: str) -> Item:
    """Return an item of ``size`` bytes with these attributes."""
    named = {name: {"S": value} for name, value in attributes.items()}
    filler = size - item_size(named) - len("filler")
    return named | {"filler": {"S": "x" * filler}}


# Sizes


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "abc"}, 3),
        ({"S": "ü€"}, 5),
        ({"N": "7"}, 2),
        ({"N": "12345"}, 4),
        ({"N": "-12345"}, 5),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"L": []}, 3),
        ({"L": [{"S": "ab"}, {"S": "c"}]}, 8),
        ({"M": {"ab": {"S": "c"}}}, 7),
    ],
)
def test_an_attribute_counts_with_its_name_and_its_value(value: dict[str, object], size: int) -> None:
    assert item_size({"name": value}) == len("name") + size


def test_a_value_of_an_unknown_kind_is_not_guessed_at() -> None:
    with pytest.raises(ValueError, match="SS"):
        item_size({"name": {"SS": ["a"]}})


# Writes


@pytest.mark.parametrize(("size", "units"), [(100, 1), (1024, 1), (1025, 2), (4096, 4)])
def test_a_write_is_billed_by_the_started_kilobyte(size: int, units: int) -> None:
    assert write_units(None, item(size)) == units


def test_a_change_is_billed_by_the_larger_of_before_and_after() -> None:
    assert write_units(item(3000), item(100)) == write_units(item(100), item(3000)) == 3


def test_a_write_that_fails_its_condition_or_deletes_nothing_is_billed_too() -> None:
    assert write_units(item(2000), item(2000)) == 2
    assert write_units(None, None) == 1


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        (None, item(due="open", due_at="1"), 1),
        (item(due="open", due_at="1"), item(), 1),
        (item(due="open", due_at="1"), item(due="open", due_at="2"), 2),
        (item(due="open", due_at="1", status="a"), item(due="open", due_at="1", status="b"), 1),
        (item(due="open", due_at="1"), item(200, due="open", due_at="1"), 0),
        (item(), item(200), 0),
    ],
    ids=["enters", "leaves", "its key moves", "what it holds changes", "it holds none of what changed", "is not in it"],
)
def test_an_index_is_billed_for_what_changes_in_it(before: Item | None, after: Item | None, units: int) -> None:
    assert DUE.write_units(before, after) == units


# Reads


@pytest.mark.parametrize(("size", "units"), [(100, 1), (4096, 1), (4097, 2)])
def test_a_read_is_billed_by_four_kilobytes_and_half_where_it_may_be_stale(size: int, units: float) -> None:
    assert item_read_units(item(size), consistent=True) == units
    assert item_read_units(item(size), consistent=False) == units / 2


def test_reading_nothing_is_billed() -> None:
    assert item_read_units(None, consistent=True) == query_read_units([], consistent=True) == 1


def test_a_query_is_billed_by_the_sum_of_what_it_reads() -> None:
    assert query_read_units([item(1000)] * 8, consistent=True) == 2
    assert query_read_units([item(1000)] * 9, consistent=False) == 1.5


# Bills


def test_a_bill_lists_the_dearest_first_and_adds_up() -> None:
    prices = {"a": Price("a", 0.5, 1_000_000), "b": Price("b", 2, 1)}
    lines = bill(times({"a": 1000, "b": 3}, 1000), prices)
    assert [(line.name, line.units, line.dollars) for line in lines] == [("b", 3000, 6000), ("a", 1_000_000, 0.5)]
    assert total(lines) == 6000.5


def test_usages_are_added_unit_by_unit() -> None:
    assert together({"a": 1, "b": 2}, {"b": 3, "c": 4}) == {"a": 1, "b": 5, "c": 4}


def test_what_has_no_price_is_not_free() -> None:
    with pytest.raises(KeyError):
        bill({"unheard of": 1}, {})


def test_the_price_list_says_of_where_and_when_it_is() -> None:
    prices = read_prices()
    assert re.fullmatch(r"[a-z]+-[a-z]+-\d", prices.region)
    assert re.fullmatch(r"20\d\d(-\d\d)?", prices.as_of)
    assert all(price.dollars > 0 and price.per > 0 and price.name for price in prices.prices.values())
