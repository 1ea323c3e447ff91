"""Both forms of LocalStack are started alike, and what is installed is pinned and free."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import install
import pytest
import yaml
from launcher import LocalStack, LocalStackError
from localstack_environment import DEFAULT_PORT, SHARED, process_environment

from embedded.processes import ROOT, free_port

FOLDER = ROOT / "localstack"
SERVICE = yaml.safe_load((FOLDER / "docker-compose.yml").read_text())["services"]["localstack"]
LOCKED = (FOLDER / "requirements.txt").read_text()


def test_docker_has_the_shared_settings_and_no_others() -> None:
    assert SERVICE["environment"] == {**SHARED, "LOCALSTACK_HOST": f"127.0.0.1:{DEFAULT_PORT}"}


def test_settings_without_docker_include_the_shared_ones() -> None:
    assert SERVICE["environment"].items() <= process_environment(Path("/state"), DEFAULT_PORT).items()


def test_docker_publishes_on_loopback_alone() -> None:
    assert SERVICE["ports"] == [f"127.0.0.1:{DEFAULT_PORT}:{DEFAULT_PORT}"]


def test_both_forms_are_the_same_version() -> None:
    version = re.search(r"^localstack-core==(\S+)$", LOCKED, re.MULTILINE)
    assert version is not None
    assert SERVICE["image"] == f"localstack/localstack:{version[1]}"


def test_every_package_is_pinned_and_none_is_the_closed_one() -> None:
    names = [re.match(r"([\w.-]+)==\S+", line) for line in LOCKED.splitlines()]
    assert all(names)
    assert not {"localstack", "localstack-ext"} & {name[1] for name in names if name}


def test_nothing_of_the_callers_environment_gets_in(monkeypatch) -> None:
    for name in ("AWS_PROFILE", "AWS_SECRET_ACCESS_KEY", "LOCALSTACK_AUTH_TOKEN", "PYTHONPATH", "HTTP_PROXY"):
        monkeypatch.setenv(name, "callers")
    environment = process_environment(Path("/state"), 1)
    assert "callers" not in environment.values()
    assert environment["HOME"].startswith("/state")
    assert environment["TMPDIR"].startswith("/state")


def test_project_declares_each_plugin_that_is_chosen() -> None:
    points = tomllib.loads((FOLDER / "plugins" / "pyproject.toml").read_text())["project"]["entry-points"]
    chosen = process_environment(Path("/state"), 1)
    assert chosen["LAMBDA_RUNTIME_EXECUTOR"] in points["localstack.lambda.runtime_executor"]
    assert chosen["GATEWAY_SERVER"] in points["localstack.runtime.server"]
    for api in ("dynamodb", "dynamodbstreams"):
        assert f"{api}:{chosen[f'PROVIDER_OVERRIDE_{api.upper()}']}" in points["localstack.aws.provider"]


def test_folder_with_other_things_is_left_alone(tmp_path, monkeypatch) -> None:
    (tmp_path / "thesis.txt").touch()
    monkeypatch.setattr("launcher.INSTALLED", tmp_path)
    with pytest.raises(LocalStackError, match="holds something else"):
        LocalStack(tmp_path, free_port()).start()
    assert (tmp_path / "thesis.txt").exists()


def test_missing_installation_is_named_with_its_remedy(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("launcher.INSTALLED", tmp_path / "none")
    with pytest.raises(LocalStackError, match=r"localstack/install\.py"):
        LocalStack(tmp_path / "state").start()
    assert not (tmp_path / "state").exists()


def test_python_of_another_version_is_not_taken(tmp_path, monkeypatch) -> None:
    other = tmp_path / "python"
    other.write_text("#!/bin/sh\necho 3.13\n")
    other.chmod(0o755)
    monkeypatch.setenv("PYTHON_FOR_LOCALSTACK", str(other))
    with pytest.raises(install.InstallError, match=r"needs Python 3\.11, and none was found"):
        install.find_python()


def test_python_that_does_not_run_is_passed_over(tmp_path, monkeypatch) -> None:
    """As a version manager's shim is, when that version is not chosen."""
    shim, real = tmp_path / "shims" / "python3.11", tmp_path / "real" / "python3.11"
    for file, text in ((shim, "#!/bin/sh\nexit 127\n"), (real, "#!/bin/sh\necho 3.11\n")):
        file.parent.mkdir()
        file.write_text(text)
        file.chmod(0o755)
    monkeypatch.setattr("install.sys.executable", "/nowhere/python3")
    monkeypatch.setenv("PATH", f"{shim.parent}:{real.parent}:/bin")
    assert install.find_python() == str(real)


def test_folder_cannot_be_imported_as_a_package() -> None:
    """Not even by accident: LocalStack's own package has the same name."""
    assert not (FOLDER / "__init__.py").exists()
