"""Findings on the deployment: a large batch, a text that lies in the bucket, and stored findings as evidence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e_localstack.conftest import Deployed
from tests.support.v1_callers import RemoteAccount, new_finding
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.localstack, pytest.mark.timeout(300)]

WORD = "quuxd"
LOG_LINE = f"{WORD}: connection refused\n"


@pytest.fixture(scope="module")
def account(deployed: Deployed) -> RemoteAccount:
    return RemoteAccount(deployed.deployment.url, deployed.deployment.investigations_key)


def report_of(account: RemoteAccount, investigation_id: str) -> Any:
    answer = account.request("GET", f"/investigations/{investigation_id}/report")
    return answer.json() if answer.status_code == 200 else None


def test_a_large_batch_is_listed_and_a_large_text_is_whole_and_both_are_evidence(account: RemoteAccount) -> None:
    waiting = account.create(evidence="pushed")
    many = [new_finding(f"{WORD} stopped {n}", external_id=f"scan-{n}", severity="medium") for n in range(59)]
    large = new_finding(f"{WORD} wrote much", external_id="log", severity="critical", summary=LOG_LINE * 5_000)
    for _ in range(2):
        sent = account.request("POST", f"/investigations/{waiting}/findings", json={"findings": [*many, large]})
        assert sent.status_code == 201, sent.text

    listed = account.request("GET", f"/findings?investigation_id={waiting}&limit=1000").json()["findings"]
    assert len(listed) == 60
    (short,) = account.request("GET", "/findings?severity=critical&limit=1").json()["findings"]
    assert short["truncated"]
    whole = account.request("GET", f"/findings/{short['id']}").json()
    assert whole["summary"] == large["summary"]
    mild = next(f for f in listed if f["severity"] == "medium")
    dismissed = account.request("POST", f"/findings/{mild['id']}/dismiss", json={"reason": "resolved"})
    assert dismissed.status_code == 200

    asked = account.create(f"What about {WORD}?")
    report = wait_for(lambda: report_of(account, asked), 90, "the report")
    assert (report["severity"], len(report["findings_summary"])) == ("critical", 59)
