"""Waiting clients on the running stack: each holds a thread of the server, and nobody else waits for them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.conftest import RunningStack

pytestmark = [pytest.mark.xdist_group("long poll"), pytest.mark.timeout(180)]

WAITERS = 12


def test_a_client_that_waits_sees_every_stage_without_polling(shared_stack: RunningStack) -> None:
    client, model = shared_stack.client, shared_stack.model
    # One part takes some seconds, so that a client sees it being written.
    model.fault("slow", match="tape backups", texts_only=True, tokens_per_second=50)
    report_id = client.create(
        parameters={"user_query": "Write a 700 word overview of tape backups."}, output_format="md"
    )
    tag, seen = "", []
    while not seen or seen[-1]["status"] not in ("completed", "failed"):
        headers = {"If-None-Match": tag} if tag else {}
        answer = client.request("GET", f"/api/reports/{report_id}?wait=20", headers=headers)
        assert answer.status_code == 200
        tag = answer.headers["ETag"]
        seen.append(answer.json()["report"])
        assert len(seen) < 60
    assert seen[-1]["status"] == "completed", seen[-1]
    percentages = [report["progress_percentage"] for report in seen]
    assert percentages == sorted(percentages)
    assert {"writing"} <= {report["progress_stage"] for report in seen} - {None}


def test_many_waiting_clients_hold_nobody_up(shared_stack: RunningStack) -> None:
    client, model = shared_stack.client, shared_stack.model
    topic = "a report that hangs while clients wait"
    model.fault("hang", times=None, match=topic)
    report_id = client.create(parameters={"user_query": f"Write 300 words about {topic}."}, output_format="md")
    client.wait_for_status(report_id, "processing")

    def wait() -> Any:
        return client.request("GET", f"/api/reports/{report_id}?wait=20").json()["report"]["status"]

    with ThreadPoolExecutor(WAITERS) as pool:
        waiting = [pool.submit(wait) for _ in range(WAITERS)]
        begun = time.monotonic()
        assert client.request("GET", "/api/reports/templates").status_code == 200
        assert client.request("POST", f"/api/reports/{report_id}/cancel").status_code == 200
        assert time.monotonic() - begun < 5
        # The first changes that they may see are those of the planning.
        statuses = {future.result(timeout=40) for future in waiting}
    model.script.faults.clear()
    assert statuses <= {"processing", "cancelled"}
    assert client.report(report_id)["status"] == "cancelled"
