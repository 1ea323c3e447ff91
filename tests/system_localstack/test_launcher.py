"""Starting and stopping LocalStack: on loopback only, and without leaving anything behind."""

from __future__ import annotations

import ipaddress
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import psutil
import pytest
from launcher import LocalStack, LocalStackError

from embedded.processes import ROOT, accepts_connections, free_port
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.localstack, pytest.mark.xdist_group("localstack")]

SLEEPER = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
def handle(event, context):
    time.sleep(600)
"""


def test_every_process_listens_on_loopback_alone(cloud) -> None:
    """The gateway and each function's Runtime API: elsewhere, they would run anybody's code."""
    cloud.invoke(cloud.deploy("def handle(event, context): return 1"))
    processes = [psutil.Process(cloud.localstack.pid), *psutil.Process(cloud.localstack.pid).children(recursive=True)]
    listening = [
        connection.laddr
        for process in processes
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN or connection.type == socket.SOCK_DGRAM
    ]
    assert int(cloud.localstack.address.partition(":")[2]) in {address.port for address in listening}
    assert len(processes) > 1
    assert [address for address in listening if not ipaddress.ip_address(address.ip).is_loopback] == []


def test_gateway_refuses_an_address_that_is_not_loopback(tmp_path) -> None:
    port = free_port()
    localstack = LocalStack(tmp_path / "state", port, {"GATEWAY_LISTEN": f"0.0.0.0:{port}"})
    with pytest.raises(LocalStackError, match="not a loopback address"):
        localstack.start()
    assert not localstack.is_running()


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_program_ends_with_localstack_and_functions_in_the_middle_of_calls(tmp_path, cloud_at, sent) -> None:
    with _started_program(tmp_path) as (program, port):
        tree = _function_at_work(cloud_at(port), program)
        program.send_signal(sent)
        wait_for(lambda: not any(map(_lives, tree)), 60, "the end of all processes")
        output, _ = program.communicate(timeout=20)
    assert not accepts_connections(port)
    assert f"LocalStack answers on http://127.0.0.1:{port}" in output
    if sent != signal.SIGKILL:
        assert program.returncode == 0
        assert not (tmp_path / "ready").exists()


def test_killed_localstack_takes_its_functions_along_and_the_program_says_so(tmp_path, cloud_at) -> None:
    with _started_program(tmp_path) as (program, port):
        tree = _function_at_work(cloud_at(port), program)
        tree[0].kill()
        wait_for(lambda: not any(map(_lives, tree)), 60, "the end of all processes")
        _, errors = program.communicate(timeout=20)
    assert program.returncode == 1
    assert "LocalStack ended" in errors


def test_state_of_an_earlier_run_is_gone(tmp_path) -> None:
    with LocalStack(tmp_path / "state", free_port()) as localstack:
        boto3.client("sqs", endpoint_url=localstack.endpoint_url, **localstack.credentials).create_queue(QueueName="q")
        (tmp_path / "state" / "leftover").touch()
    assert "Ready." in localstack.log_path.read_text(), "the log is kept"
    with LocalStack(tmp_path / "state", free_port()) as localstack:
        client = boto3.client("sqs", endpoint_url=localstack.endpoint_url, **localstack.credentials)
        assert "QueueUrls" not in client.list_queues()
    assert not (tmp_path / "state" / "leftover").exists()


def test_taken_port_is_named(tmp_path, cloud) -> None:
    port = int(cloud.localstack.address.partition(":")[2])
    with pytest.raises(LocalStackError, match=f"127.0.0.1:{port} is taken"):
        LocalStack(tmp_path / "state", port).start()


def test_projects_folder_is_not_taken_for_the_package(cloud) -> None:
    """Run where the folder lies, with nothing of the launcher's care but -P."""
    code = "import localstack, reports_localstack; print(*localstack.__path__)"
    python = ROOT / ".venv-localstack" / "bin" / "python"
    answer = subprocess.run([python, "-P", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert [Path(folder).parent.name for folder in answer.stdout.split()] == ["site-packages"]


@contextmanager
def _started_program(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    port, ready = free_port(), folder / "ready"
    options = ["--port", str(port), "--directory", str(folder / "state"), "--ready-file", str(ready)]
    program = subprocess.Popen(
        [sys.executable, str(ROOT / "localstack" / "launcher.py"), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for(lambda: ready.exists() or program.poll() is not None, 60, "LocalStack")
        yield program, port
    finally:
        program.kill()
        program.wait()


def _function_at_work(cloud, program: subprocess.Popen[str]) -> list[psutil.Process]:
    """Have one function wait in a call; return LocalStack's process, the function's, and that one's child."""
    name = cloud.deploy(SLEEPER, timeout=900)
    cloud.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b"1")

    def tree() -> list[psutil.Process]:
        found = psutil.Process(program.pid).children(recursive=True)
        return found if len(found) == 3 else []

    return wait_for(tree, 20, "a function and its child")


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
