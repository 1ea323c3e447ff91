"""A provider mirror is found or given, never assumed."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra import provider_mirror
from infra.provider_mirror import PROVIDER, MirrorError, plugin_directory


def test_a_named_mirror_is_used(tmp_path: Path) -> None:
    (tmp_path / PROVIDER).mkdir(parents=True)
    assert plugin_directory({"TF_PLUGIN_DIR": str(tmp_path)}) == str(tmp_path)


def test_a_named_folder_without_the_provider_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MirrorError, match="TF_PLUGIN_DIR"):
        plugin_directory({"TF_PLUGIN_DIR": str(tmp_path)})


@pytest.mark.parametrize("below", ["", "plugins", "terraform/plugins"])
def test_a_mirror_is_found_below_a_common_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: str) -> None:
    (tmp_path / below / PROVIDER).mkdir(parents=True)
    monkeypatch.setattr(provider_mirror, "_ROOTS", (str(tmp_path),))
    assert plugin_directory({}) == str(tmp_path / below)


def test_without_a_mirror_the_registry_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_mirror, "_ROOTS", (str(tmp_path),))
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert plugin_directory({}) is None
