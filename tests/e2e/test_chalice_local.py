"""Chalice's own development server serves the same routes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.processes import ROOT, accepts_connections, free_port
from tests.conftest import RunningStack
from tests.support.client import Client
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.xdist_group("chalice local"), pytest.mark.timeout(120)]


@pytest.fixture
def chalice_local(shared_stack: RunningStack) -> Iterator[Client]:
    port = free_port()
    command = [str(Path(sys.executable).parent / "chalice"), "local", "--port", str(port), "--no-autoreload"]
    environment = {**os.environ, **shared_stack.stack.environment}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(lambda: accepts_connections(port), 30, "chalice local")
            yield Client(f"http://127.0.0.1:{port}", shared_stack.stack.api_key)
        finally:
            process.terminate()


def test_a_report_from_request_to_download(chalice_local: Client) -> None:
    report = chalice_local.finished(chalice_local.create(output_format="pdf"))
    assert chalice_local.request("GET", report["download_url"]).content.startswith(b"%PDF-")
    assert chalice_local.request("GET", "/api/reports/").json()["data"]["pagination"]["total"] >= 1
    refused = chalice_local.request("GET", "/api/reports/", headers={"X-API-Key": "sk_wrong"})
    assert (refused.status_code, refused.json()["error"]) == (401, "Authentication required")
