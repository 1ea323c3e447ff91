"""Settings are typed, and a bad one is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LEASE_SECONDS", "soon"),
        ("LEASE_SECONDS", "1"),
        ("PRESIGN_SECONDS", "901"),
        ("KEY_CACHE_SECONDS", "31"),
        ("FIGURES_CACHE_SECONDS", "6"),
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
