"""The page's own samples, run verbatim against a running stack; only host, key and ids are replaced."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import RunningStack
from tests.contract.documented_page import documented_json, sample, table

pytestmark = [pytest.mark.xdist_group("documented samples"), pytest.mark.timeout(180)]

HOST, KEY = "https://your-sting.com", "sk_your_api_key_here"


def adapted(code: str, running: RunningStack, report_id: str = "") -> str:
    """Replace what the page itself makes up: host, key and the report's id."""
    assert HOST in code
    code = code.replace(HOST, running.stack.url).replace(KEY, running.stack.api_key)
    return code.replace("{report_id}", report_id) if report_id else code


def shell(code: str, folder: Path) -> str:
    found = subprocess.run(["bash", "-ec", code], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert found.returncode == 0, found.stderr
    return found.stdout


def assert_like(documented: Any, answered: Any, where: str = "$") -> None:
    """Assert that an answer has every field of the documented one, of the same type; more is welcome."""
    if isinstance(documented, dict):
        assert isinstance(answered, dict), where
        for name, value in documented.items():
            assert name in answered, f"{where}.{name} is missing"
            assert_like(value, answered[name], f"{where}.{name}")
    elif isinstance(documented, list):
        assert isinstance(answered, list), where
        if documented:
            assert answered, f"{where} is empty"
            assert_like(documented[0], answered[0], f"{where}[0]")
    else:
        assert type(answered) is type(documented), f"{where}: {answered!r} is no {type(documented).__name__}"


@pytest.fixture(scope="module")
def finished(shared_stack: RunningStack) -> str:
    report_id = shared_stack.client.create("SCADA Security Analysis", description="Comprehensive")
    shared_stack.client.finished(report_id)
    return report_id


def test_the_curl_create_sample(shared_stack: RunningStack, tmp_path: Path) -> None:
    import json

    answer = json.loads(shell(adapted(sample("cURL Example", "bash"), shared_stack), tmp_path))
    assert_like(documented_json("Create Report", 1), answer)
    assert answer["data"]["report"]["status"] == "queued"
    shared_stack.client.finished(answer["data"]["report"]["id"])


def test_the_documented_request_body(shared_stack: RunningStack) -> None:
    answer = shared_stack.client.request("POST", "/api/reports/", json=documented_json("Create Report", 0))
    assert answer.status_code == 201
    assert_like(documented_json("Create Report", 1), answer.json())


def test_the_python_create_sample(shared_stack: RunningStack, tmp_path: Path) -> None:
    code = adapted(sample("Python Example", "python"), shared_stack)
    found = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith("Report queued: ")
    report = shared_stack.client.report(found.stdout.split(": ")[1].strip())
    assert (report["title"], report["priority"]) == ("Zero Trust Architecture Analysis", "high")


def polling(running: RunningStack) -> Callable[..., str]:
    """Return the sample's function; between two looks it waits less long than it says."""
    names: dict[str, Any] = {}
    exec(adapted(sample("Polling for Completion", "python"), running), names)
    names["time"] = SimpleNamespace(time=time.time, sleep=lambda seconds: time.sleep(seconds / 30))
    return names["wait_for_report"]


def test_the_python_polling_sample(shared_stack: RunningStack) -> None:
    report_id = shared_stack.client.create("Polled", output_format="md")
    url = polling(shared_stack)(report_id, shared_stack.stack.api_key, timeout=120)
    assert url == f"/api/reports/{report_id}/download"


def test_the_polling_sample_raises_what_went_wrong(shared_stack: RunningStack) -> None:
    topic = "a report that no model can write"
    shared_stack.model.fault("empty", times=None, match=topic)
    report_id = shared_stack.client.create(topic, parameters={"user_query": f"Write 300 words about {topic}."})
    with pytest.raises(Exception, match=r"Report failed: .*could be written"):
        polling(shared_stack)(report_id, shared_stack.stack.api_key, timeout=120)


def test_the_curl_download_sample(shared_stack: RunningStack, finished: str, tmp_path: Path) -> None:
    shell(adapted(sample("Download Report", "bash"), shared_stack, finished), tmp_path)
    content = (tmp_path / "report.pdf").read_bytes()
    assert content.startswith(b"%PDF-")
    assert len(content) == shared_stack.client.report(finished)["file_size_bytes"]


@pytest.mark.parametrize(
    ("heading", "path"),
    [
        ("List Templates", "/api/reports/templates"),
        ("List Reports", "/api/reports/?status=completed"),
        ("Get Report Details", "/api/reports/{id}"),
        ("Get Queue Status (Public)", "/api/reports/public/queue/status"),
    ],
)
def test_answers_look_as_documented(shared_stack: RunningStack, finished: str, heading: str, path: str) -> None:
    answer = shared_stack.client.request("GET", path.replace("{id}", finished))
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert_like(documented_json(heading), answer.json())


def test_cancel_answers_as_documented(shared_stack: RunningStack) -> None:
    report_id = shared_stack.client.create()
    answer = shared_stack.client.request("POST", f"/api/reports/{report_id}/cancel")
    assert answer.json() == documented_json("Cancel Report")


def test_retry_answers_as_documented(shared_stack: RunningStack) -> None:
    topic = "one more report that no model can write"
    shared_stack.model.fault("empty", times=None, match=topic)
    report_id = shared_stack.client.create(topic, parameters={"user_query": f"Write 300 words about {topic}."})
    shared_stack.client.wait_for_status(report_id, "failed")
    answer = shared_stack.client.request("POST", f"/api/reports/{report_id}/retry").json()
    assert_like(documented_json("Retry Failed Report"), answer)
    assert answer["message"] == documented_json("Retry Failed Report")["message"]


@pytest.mark.parametrize("row", table("Endpoints Overview"), ids=lambda row: f"{row[0]} {row[1]}")
def test_every_endpoint_of_the_overview_exists(shared_stack: RunningStack, finished: str, row: list[str]) -> None:
    method, path = row[0], "/api/reports" + row[1].replace("{report_id}", finished)
    answer = shared_stack.client.request(method, path, json={} if method == "POST" else None)
    assert answer.status_code not in (404, 405)
    assert "success" in answer.json() if answer.headers["Content-Type"] == "application/json" else answer.content


def test_the_error_table(shared_stack: RunningStack) -> None:
    client = shared_stack.client
    unknown = "991a8dca-b90c-406d-9a64-dcc9b1bec33c"
    seen = {
        (answer.status_code, answer.json()["error"])
        for answer in (
            client.request("POST", "/api/reports/"),
            client.request("POST", "/api/reports/", json={}),
            client.request("GET", "/api/reports/", headers={"X-API-Key": "sk_wrong"}),
            client.request(
                "POST",
                "/api/reports/",
                json={"template_id": unknown, "title": "T", "parameters": {"user_query": "Q"}},
            ),
            client.request("GET", f"/api/reports/{unknown}"),
        )
    }
    documented = {(int(code), error) for code, error, _ in table("Common Errors")}
    # The keys of a stack have every scope, and its queue works: 403 and 500 are shown elsewhere.
    expected = {(c, e) for c, e in documented if c not in (403, 500)}
    assert {(c, "Template not found" if "Template" in e else e) for c, e in seen} == expected
    assert documented_json("Common Errors")["error"] in {e for _, e in seen}
