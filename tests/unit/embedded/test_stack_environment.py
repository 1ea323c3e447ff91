from __future__ import annotations

import pytest

from chalicelib.domain.price import Price
from chalicelib.settings import read_settings
from embedded.processes import StackError
from embedded.stack_environment import (
    EMBEDDED_MODEL,
    chosen_endpoint,
    embedded_endpoint,
    stack_settings,
    without_accounts,
)

CALLER = {
    "PATH": "/bin",
    "AWS_PROFILE": "production",
    "AWS_SECRET_ACCESS_KEY": "real",
    "OPENAI_API_KEY": "sk-real",
    "OPENAI_BASE_URL": "https://paid.example",
    "LLM_CONCURRENCY": "64",
    "REPORTS_TABLE": "production-reports",
    "INVESTIGATIONS_TABLE": "production-investigations",
    "WORKERS": "urgent:1",
    "LOG_LEVEL": "INFO",
}


def test_accounts_and_endpoints_of_the_caller_are_dropped() -> None:
    assert without_accounts(CALLER) == {"PATH": "/bin", "LOG_LEVEL": "INFO"}


def test_the_processes_see_the_emulator_and_made_up_credentials_alone() -> None:
    settings = stack_settings(CALLER, "http://127.0.0.1:1", slots=3)
    assert settings["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert settings["AWS_SECRET_ACCESS_KEY"] == "testing"
    assert settings["AWS_CONFIG_FILE"] == "/dev/null"
    assert settings["WORKERS"] == "shared:3"


def test_loopback_never_goes_through_a_proxy() -> None:
    settings = stack_settings({"no_proxy": "intranet"}, "http://127.0.0.1:1", slots=1)
    assert settings["NO_PROXY"] == settings["no_proxy"] == "intranet,127.0.0.1,localhost"


def test_without_a_named_endpoint_the_embedded_model_writes() -> None:
    assert chosen_endpoint({"OPENAI_API_KEY": "sk-real", "LLM_MODEL": "x", "LLM_API_KEY": "k"}) == {}
    assert embedded_endpoint(7)["LLM_BASE_URL"] == "http://127.0.0.1:7/v1"


def test_a_named_endpoint_is_used_with_its_own_settings_and_no_others() -> None:
    named = {"LLM_BASE_URL": "https://models.example/v1", "LLM_API_KEY": "k", "LLM_MODEL": "m"}
    assert chosen_endpoint({**CALLER, **named}) == named | {"LLM_CONCURRENCY": "64"}


def test_a_named_endpoint_brings_its_fallback_and_its_prices() -> None:
    named = {"LLM_BASE_URL": "https://models.example/v1", "LLM_MODEL": "m"}
    more = {
        "LLM_FALLBACK_BASE_URL": "https://b/v1",
        "LLM_FALLBACK_MODEL": "b",
        "LLM_FALLBACK_API_KEY": "k",
        "LLM_PRICES": "{}",
    }
    assert chosen_endpoint({**named, **more}) == named | more


def test_the_embedded_model_costs_nothing() -> None:
    assert read_settings(embedded_endpoint(7)).llm_prices == {EMBEDDED_MODEL: Price(0, 0)}


def test_an_endpoint_without_a_model_is_refused() -> None:
    with pytest.raises(StackError, match="LLM_MODEL"):
        chosen_endpoint({"LLM_BASE_URL": "https://models.example/v1"})
