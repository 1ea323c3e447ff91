"""Rates as settings write them."""

from __future__ import annotations

import pytest

from chalicelib.domain.rate import DEFAULT_RATES, LIMIT_NAMES, Rate, parse_rate
from chalicelib.settings import SettingsError, read_settings


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("10/hour", Rate(10, 3600)),
        ("100/minute", Rate(100, 60)),
        ("1/second", Rate(1, 1)),
        ("1000/day", Rate(1000, 86_400)),
        ("off", None),
    ],
)
def test_a_rate_is_a_number_and_a_unit_of_time(text: str, rate: Rate | None) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    "text", ["", "10", "0/hour", "-1/hour", "10/week", "1001/hour", "10 / hour", "ten/hour", "OFF"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="10/hour"):
        parse_rate(text)


def test_the_contract_is_the_default() -> None:
    rates = read_settings({}).rate_limits
    assert set(rates) == set(LIMIT_NAMES)
    assert {name: parse_rate(text) for name, text in DEFAULT_RATES.items()} == rates
    assert (rates["create"], rates["list"], rates["download"]) == (Rate(10, 3600), Rate(100, 60), Rate(50, 60))
    assert (rates["v1"], rates["v1_trigger"]) == (Rate(60, 60), Rate(2, 60))


def test_a_setting_changes_one_and_a_mistake_is_named() -> None:
    assert read_settings({"RATE_LIMIT_CREATE": "off"}).rate_limits["create"] is None
    assert read_settings({"RATE_LIMIT_V1_TRIGGER": "5/second"}).rate_limits["v1_trigger"] == Rate(5, 1)
    with pytest.raises(SettingsError, match="RATE_LIMIT_LIST='lots'"):
        read_settings({"RATE_LIMIT_LIST": "lots"})
