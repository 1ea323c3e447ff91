"""The audit of a deployment: what functions note, and what the sweep makes of denied requests."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e_localstack.conftest import OPERATOR, Deployed
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.localstack, pytest.mark.timeout(600)]

UNKNOWN = "991a8dca-b90c-406d-9a64-dcc9b1bec33c"
WRONG = {"X-API-Key": "sk_wrong"}


def entries(deployed: Deployed, **query: str) -> list[dict[str, Any]]:
    answer = deployed.client.request("GET", "/api/audit", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]["entries"]
    return found


def test_functions_note_what_they_do(deployed: Deployed) -> None:
    report_id = deployed.client.create("Noted", output_format="md")
    report = deployed.client.finished(report_id, seconds=120)
    assert deployed.client.request("GET", report["download_url"]).status_code == 200
    noted = [e for e in entries(deployed, tenant=OPERATOR) if e["target"] == report_id]
    assert [e["action"] for e in noted] == ["report.read", "report.create"]
    assert all(e["actor"].startswith("ak_") and e["request_id"] and e["address"] for e in noted)


def test_the_api_and_the_download_deny(deployed: Deployed) -> None:
    for path in ("/api/reports", f"/api/reports/{UNKNOWN}/download"):
        assert deployed.client.request("GET", path, headers=WRONG).status_code == 401


# By then the sweep has seen the minute of the test above long after its end.
@pytest.mark.run_last(0)
def test_the_sweep_has_made_entries_of_what_was_denied(deployed: Deployed) -> None:
    routes = {"GET /api/reports", "GET /api/reports/{report_id}/download"}

    def settled() -> bool:
        denied = [e for e in entries(deployed, action="access.denied") if e["tenant"] == "-"]
        # Denials of one minute are one entry, which names the first.
        return bool(routes & {e["target"] for e in denied})

    wait_for(settled, 240, "entries of what was denied", every=5)
