"""The demonstration of investigations on a running stack, and a presigned upload as a client makes it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
import requests

from embedded.demo_investigation import Client, chosen_case, run
from tests.conftest import RunningStack

pytestmark = [pytest.mark.xdist_group("demo investigation"), pytest.mark.timeout(180)]


def test_a_real_scan_becomes_a_cited_report_and_a_pdf(shared_stack: RunningStack, tmp_path: Path) -> None:
    report = run(shared_stack.stack, chosen_case({}), tmp_path)
    assert report["severity"] == "high"
    assert Counter(f["severity"] for f in report["findings_summary"]) == {"high": 2, "medium": 11, "low": 115}
    known = {f["finding_id"] for f in report["findings_summary"]}
    assert {i for action in report["recommended_actions"] for i in action["finding_ids"]} == known
    saved = {path.suffix: path.read_bytes() for path in tmp_path.iterdir()}
    assert json.loads(saved[".json"]) == report
    assert saved[".pdf"].startswith(b"%PDF-")


def test_a_file_is_put_through_the_link_and_imported(shared_stack: RunningStack) -> None:
    stack, case = shared_stack.stack, chosen_case({})
    content = case.sarif.read_bytes()
    headers = {"Authorization": f"Bearer {stack.investigations_key}"}
    investigation_id = Client(stack.url, stack.investigations_key).create(case)
    findings = f"{stack.url}/v1/investigations/{investigation_id}/findings"

    upload = requests.post(f"{findings}/uploads", json={"size_bytes": len(content)}, headers=headers, timeout=30).json()
    not_yet = requests.post(f"{findings}/import", json=_named(upload), headers=headers, timeout=30)
    put = requests.request(upload["method"], upload["url"], data=content, headers=upload["headers"], timeout=30)
    imported = requests.post(f"{findings}/import", json=_named(upload), headers=headers, timeout=30)

    assert (not_yet.status_code, not_yet.json()["issues"][0]["path"]) == (400, "upload_id")
    assert put.status_code == 200, put.text
    assert (imported.status_code, imported.json()["created"]) == (201, 128)


def _named(upload: dict[str, str]) -> dict[str, str]:
    return {"upload_id": upload["upload_id"], "format": "sarif"}
