"""Settings are typed, and a bad one is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chalicelib.domain.price import Price
from chalicelib.settings import SettingsError, read_settings

ROOT = Path(__file__).resolve().parents[2]


def test_an_empty_environment_gives_the_defaults() -> None:
    found = read_settings({})
    assert (found.lease_seconds, found.presign_seconds, found.key_cache_seconds) == (180, 900, 30)
    assert found.workers == {"urgent": 5, "high": 5, "normal": 5, "low": 2}
    assert not found.workers_shared


def test_one_pool_may_be_shared() -> None:
    found = read_settings({"WORKERS": "shared:3"})
    assert found.workers_shared
    assert set(found.workers.values()) == {3}


def test_models_have_prices_and_a_fallback_only_where_they_are_set() -> None:
    found = read_settings({})
    assert (found.llm_prices, found.llm_fallback_base_url, found.llm_concurrency) == ({}, "", 8)
    named = {"LLM_FALLBACK_BASE_URL": "https://b/v1", "LLM_FALLBACK_MODEL": "b", "LLM_FALLBACK_API_KEY": "sk-b"}
    found = read_settings(named | {"LLM_PRICES": '{"b": [1, 4]}'})
    assert found.llm_prices == {"b": Price(1, 4)}
    assert (found.llm_fallback_base_url, found.llm_fallback_model) == ("https://b/v1", "b")
    assert "sk-b" not in repr(found)


def test_a_tier_has_a_model_of_its_own_or_the_one_of_all() -> None:
    found = read_settings({"LLM_MODEL": "usual", "LLM_MODEL_DEEP": "large", "LLM_MODEL_FAST": ""})
    assert found.llm_tier_models == {"fast": "usual", "standard": "usual", "deep": "large"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUTO_REGENERATE_SECONDS", "0"),
        ("LEASE_SECONDS", "soon"),
        ("LEASE_SECONDS", "1"),
        ("PRESIGN_SECONDS", "901"),
        ("KEY_CACHE_SECONDS", "31"),
        ("FIGURES_CACHE_SECONDS", "6"),
        ("LLM_PRICES", "cheap"),
        ("CITATION_CHECK", "always"),
        ("LLM_PRICES", '{"some-model": [1]}'),
        ("LLM_FALLBACK_BASE_URL", "https://models.example/v1"),
        ("LLM_FALLBACK_MODEL", "m"),
        ("LLM_CONCURRENCY", "65"),
        ("WORKERS", "urgent:1"),
        ("WORKERS", "shared:0"),
        ("WORKERS", "shared"),
    ],
)
def test_a_bad_value_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        read_settings({name: value})


def test_nothing_else_reads_the_environment() -> None:
    readers = re.compile(r"os\.environ|getenv")
    found = [p.name for p in (ROOT / "chalicelib").rglob("*.py") if readers.search(p.read_text("utf-8"))]
    assert found == ["settings.py"]


def test_without_a_model_no_setting_of_one_counts() -> None:
    named = {"LLM_BASE_URL": "https://a/v1", "LLM_MODEL": "a", "LLM_MODEL_DEEP": "b", "LLM_FALLBACK_MODEL": "c"}
    found = read_settings(named | {"LLM": "off"})
    assert (found.llm_off, found.llm_base_url, found.llm_model, found.llm_tier_models["deep"]) == (True, "", "", "")
    assert not read_settings({"LLM": "on"}).llm_off
    with pytest.raises(SettingsError, match="LLM="):
        read_settings({"LLM": "none"})


@pytest.mark.parametrize("url", ["search.example.com", "ftp://a.example", "https://u:p@a.example", "https://a/?q=1"])
def test_where_the_web_is_searched_is_a_url(url: str) -> None:
    assert read_settings({"WEB_SEARCH_URL": "http://10.0.0.5:8080/searx"}).web_search_url
    with pytest.raises(SettingsError, match="WEB_SEARCH_URL"):
        read_settings({"WEB_SEARCH_URL": url})
