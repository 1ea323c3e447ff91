"""``python -m infra.api_key``: the keys of a deployment, which it finds through Terraform's outputs."""

from __future__ import annotations

import io
import json
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.domain.caller import INVESTIGATION_SCOPES
from chalicelib.services.keys import INVESTIGATION_KEYS, caller_of, forget_keys
from infra import api_key
from tests.support.service import Service, forget_everything
from tests.support.tables import made_resources


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with made_resources():
        yield Service()


@pytest.fixture
def terraform(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ``terraform`` that answers with the outputs of the service's own deployment."""
    names = [name for name in os.environ if name.endswith(("_TABLE", "_BUCKET")) or name.startswith("QUEUE_URL_")]
    answer = json.dumps({name: os.environ[name] for name in names})
    program = tmp_path / "terraform"
    program.write_text(f"#!/bin/sh\nset -eu\n[ \"$2 $3 $4\" = 'output -json environment' ]\necho '{answer}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    for name in names:
        monkeypatch.delenv(name)
    forget_everything()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    status = api_key.main(arguments)
    return status, capsys.readouterr().out.strip()


@pytest.mark.usefixtures("terraform")
def test_a_new_key_opens_the_reports_of_its_owner(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    status, key = run(capsys, "create", "alice", "--name", "laptop", "--days", "30")
    assert status == 0
    report_id = service.create(key=key)
    assert service.report(report_id)["id"] == report_id


@pytest.mark.usefixtures("terraform")
def test_a_key_has_the_scopes_it_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    _, key = run(capsys, "create", "alice", "--scopes", "read")
    caller = caller_of(key)
    assert caller is not None
    assert caller.scopes == {"read"}


@pytest.mark.usefixtures("terraform")
@pytest.mark.parametrize(("kind", "prefix"), [("live", "pck_live_"), ("test", "pck_test_")])
def test_a_key_to_the_investigations_has_every_scope_unless_some_are_named(
    capsys: pytest.CaptureFixture[str], kind: str, prefix: str
) -> None:
    _, key = run(capsys, "create", "acme", "--v1", kind)
    assert key.startswith(prefix)
    caller = caller_of(key, INVESTIGATION_KEYS)
    assert caller is not None
    assert caller.scopes == set(INVESTIGATION_SCOPES)
    _, key = run(capsys, "create", "acme", "--v1", kind, "--scopes", "reports:read")
    caller = caller_of(key, INVESTIGATION_KEYS)
    assert caller is not None
    assert caller.scopes == {"reports:read"}
    assert run(capsys, "create", "acme", "--v1", kind, "--scopes", "read")[0] == 1


@pytest.mark.usefixtures("terraform")
def test_a_revoked_key_is_refused(
    service: Service, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, key = run(capsys, "create", "alice")
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{key}\n"))
    assert run(capsys, "revoke")[0] == 0
    forget_keys()
    assert service.get("/api/reports", key=key).status == 401


@pytest.mark.usefixtures("terraform")
@pytest.mark.parametrize("arguments", [("create", "alice", "--scopes", "everything"), ("revoke",)])
def test_a_mistake_is_an_error_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("sk_unknown\n"))
    assert api_key.main(arguments) == 1
    assert capsys.readouterr().err.startswith("error: ")


def test_a_stack_on_this_machine_says_itself_where_it_is(
    service: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "stack.json"
    state.write_text(json.dumps({"environment": {"ACCESS_TABLE": os.environ["ACCESS_TABLE"]}}))
    status, key = run(capsys, "--running", str(state), "create", "alice", "--scopes", "admin")
    assert status == 0
    assert service.get("/api/keys", key=key).status == 200
    state.write_text("[]")
    assert api_key.main(["--running", str(state), "create", "alice"]) == 1
    assert "stack.json" in capsys.readouterr().err


def test_a_stack_that_has_ended_is_an_error_that_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    environment = {
        "ACCESS_TABLE": "x",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)  # which also takes back what the program sets
    forget_everything()
    state = tmp_path / "stack.json"
    state.write_text(json.dumps({"environment": environment}))
    assert api_key.main(["--running", str(state), "create", "alice"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert "make run" in told
    forget_everything()


@pytest.mark.parametrize("days", ["0", "-3", "3651", "1e9", "soon"])
def test_a_key_lasts_a_sensible_time(capsys: pytest.CaptureFixture[str], days: str) -> None:
    with pytest.raises(SystemExit):
        api_key.main(["create", "alice", f"--days={days}"])
    assert "whole number from 1" in capsys.readouterr().err


def test_without_a_deployment_it_says_so(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert api_key.main(["create", "alice"]) == 1
    assert "terraform" in capsys.readouterr().err
