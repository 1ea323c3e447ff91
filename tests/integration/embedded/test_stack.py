"""The real stack: separate processes, started, hurt and stopped."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from embedded.processes import ROOT, StackError
from embedded.stack import Stack
from tests.model_server import ModelServer
from tests.support.no_limits import NO_LIMITS

pytestmark = pytest.mark.xdist_group("stack")

SAMPLE = {
    "template_id": "cc030440-0005-470f-8341-6ec798d00445",
    "title": "Short",
    "parameters": {"user_query": "Write 200 words about queues."},
    "output_format": "md",
}


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def call(url: str, key: str, body: Mapping[str, Any] | None = None) -> tuple[int, Any]:
    headers = {"X-API-Key": key, "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode() if body else None, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def endpoint(model: ModelServer) -> dict[str, str]:
    return {"LLM_BASE_URL": model.base_url, "LLM_MODEL": "scripted", "LLM_API_KEY": "secret-of-the-model", **NO_LIMITS}


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture(scope="module")
def stack(model: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(env=endpoint(model), directory=tmp_path_factory.mktemp("stack"), sweep_seconds=1) as running:
        yield running


def state_of(stack: Stack) -> dict[str, Any]:
    state: dict[str, Any] = json.loads((stack.directory / "stack.json").read_text())
    return state


def test_every_part_is_a_process_of_its_own(stack: Stack) -> None:
    assert set(stack.pids) == {"supervisor", "emulator", "worker", "api"}
    assert len(set(stack.pids.values())) == 4
    assert all(map(is_running, stack.pids.values()))


def test_the_api_answers_with_the_key_and_not_without(stack: Stack) -> None:
    assert call(f"{stack.url}/api/reports/templates", stack.api_key)[0] == 200
    assert call(f"{stack.url}/api/reports/templates", "sk_wrong")[0] == 401
    assert call(f"{stack.url}/nothing", stack.api_key)[0] == 404


def test_the_investigation_api_answers_with_its_own_key(stack: Stack) -> None:
    request = urllib.request.Request(
        f"{stack.url}/v1/investigations", headers={"Authorization": f"Bearer {stack.investigations_key}"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert json.load(answer) == {"investigations": [], "next_cursor": None}
    assert call(f"{stack.url}/v1/investigations", stack.investigations_key)[0] == 401


def test_scripts_find_the_stack_in_a_file_for_this_user_alone(stack: Stack) -> None:
    state = state_of(stack)
    assert (state["url"], state["api_key"], state["pids"]) == (stack.url, stack.api_key, stack.pids)
    assert state["investigations_key"] == stack.investigations_key
    assert state["aws_endpoint_url"] == state["environment"]["AWS_ENDPOINT_URL"]
    assert state["environment"]["REPORTS_TABLE"]
    assert "secret-of-the-model" not in json.dumps(state)
    assert stat.S_IMODE((stack.directory / "stack.json").stat().st_mode) == 0o600


def test_every_process_listens_on_loopback_alone(stack: Stack) -> None:
    for name, pid in stack.pids.items():
        if name == "supervisor":
            continue
        listening = [c.laddr.ip for c in psutil.Process(pid).net_connections() if c.status == psutil.CONN_LISTEN]
        assert set(listening) <= {"127.0.0.1"}, name


def test_the_callers_accounts_do_not_reach_the_processes(
    model: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "does-not-exist")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-somebodys")
    with Stack(env=endpoint(model), directory=tmp_path) as running:
        for name in ("worker", "api"):
            environment = psutil.Process(running.pids[name]).environ()
            assert not {"AWS_PROFILE", "OPENAI_API_KEY"} & set(environment)
            assert environment["LLM_BASE_URL"] == model.base_url


def test_a_report_is_written_from_request_to_download(stack: Stack) -> None:
    status, created = call(f"{stack.url}/api/reports/", stack.api_key, SAMPLE)
    assert status == 201
    detail = f"{stack.url}/api/reports/{created['data']['report']['id']}"

    def status_now() -> str:
        return str(call(detail, stack.api_key)[1]["report"]["status"])

    wait_for(lambda: status_now() in {"completed", "failed"}, seconds=60)
    report = call(detail, stack.api_key)[1]["report"]
    assert report["status"] == "completed", report
    assert report["model"] == "scripted"
    link = call(f"{detail}/download?delivery=link", stack.api_key)[1]["data"]["url"]
    with urllib.request.urlopen(link) as answer:
        assert len(answer.read()) == report["file_size_bytes"]


@pytest.mark.parametrize("name", ["worker", "api"])
def test_a_killed_worker_or_api_comes_back_by_itself(stack: Stack, name: str) -> None:
    before = stack.pids[name]
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: state_of(stack)["pids"][name] != before)
    assert not is_running(before)

    def answers() -> bool:
        try:
            return call(f"{stack.url}/api/reports/templates", stack.api_key)[0] == 200
        except OSError:
            return False

    wait_for(answers)


def test_a_busy_port_is_a_clear_message_and_starts_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        environment = {**os.environ, "PORT": str(port)}
        done = subprocess.run(
            [sys.executable, "-m", "embedded.stack"],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: Port {port} is busy")
    assert done.stderr.count("\n") == 1


def test_without_the_emulator_everything_stops_with_a_message(model: ModelServer, tmp_path: Path) -> None:
    with Stack(env=endpoint(model), directory=tmp_path) as running:
        pids = running.pids
        os.kill(pids["emulator"], signal.SIGKILL)
        with pytest.raises(StackError, match="emulator ended"):
            running.wait()
    assert not any(is_running(pid) for name, pid in pids.items() if name != "supervisor")
    assert not (tmp_path / "stack.json").exists()


_SUPERVISE = """
import sys
from pathlib import Path
from embedded.stack import Stack, StopRequested, stop_on_signals
stop_on_signals()
try:
    with Stack(env={"LLM_BASE_URL": sys.argv[2], "LLM_MODEL": "scripted"}, directory=Path(sys.argv[1])) as stack:
        stack.wait()
except StopRequested:
    pass
"""


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_no_process_stays_behind_however_the_supervisor_ends(
    model: ModelServer, tmp_path: Path, signal_number: signal.Signals
) -> None:
    supervisor = subprocess.Popen(
        [sys.executable, "-c", _SUPERVISE, str(tmp_path), model.base_url], cwd=ROOT, start_new_session=True
    )
    state = tmp_path / "stack.json"
    wait_for(lambda: state.exists() or supervisor.poll() is not None, seconds=60)
    pids = json.loads(state.read_text())["pids"]
    os.killpg(supervisor.pid, signal_number)
    wait_for(lambda: supervisor.poll() is not None)
    wait_for(lambda: not any(map(is_running, pids.values())))
    assert supervisor.returncode == (0 if signal_number != signal.SIGKILL else -signal.SIGKILL)
    assert state.exists() == (signal_number == signal.SIGKILL)


def test_an_interrupt_while_it_starts_leaves_nothing_behind(model: ModelServer, tmp_path: Path) -> None:
    supervisor = subprocess.Popen(
        [sys.executable, "-c", _SUPERVISE, str(tmp_path), model.base_url], cwd=ROOT, start_new_session=True
    )
    process = psutil.Process(supervisor.pid)
    wait_for(lambda: bool(process.children()), seconds=30)
    children = process.children(recursive=True)
    os.killpg(supervisor.pid, signal.SIGINT)
    wait_for(lambda: supervisor.poll() is not None)
    wait_for(lambda: not any(is_running(child.pid) for child in children))
    assert not (tmp_path / "stack.json").exists()


def test_an_interrupt_at_the_very_end_of_its_start_leaves_nothing_behind(
    model: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, pids = threading.Thread.start, dict[str, int]()

    def interrupted(thread: threading.Thread) -> None:
        if thread.name == "watch-children":
            pids.update(running.pids)
            raise KeyboardInterrupt
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    running = Stack(env=endpoint(model), directory=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        running.start()
    assert pids.keys() >= {"api", "worker", "emulator"}
    assert not any(is_running(pid) for name, pid in pids.items() if name != "supervisor")
    assert not (tmp_path / "stack.json").exists()
