"""The worker is killed while it writes: the report completes exactly once, and nothing is paid for twice."""

from __future__ import annotations

import os
import signal

import boto3
import pytest

from tests.conftest import RunningStack
from tests.support.model_calls import part_of, parts_answered
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.timeout(180)]


def objects(running: RunningStack, report_id: str) -> list[str]:
    s3 = boto3.client(
        "s3",
        endpoint_url=running.stack.aws_endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    found = s3.list_objects_v2(Bucket=running.stack.environment["ARTIFACTS_BUCKET"], Prefix=f"reports/{report_id}/")
    return [str(o["Key"]) for o in found.get("Contents", [])]


def test_a_report_survives_its_worker(own_stack: RunningStack) -> None:
    client, model = own_stack.client, own_stack.model
    # One part is finished, and all others are on their way when the worker is killed.
    model.fault("slow", texts_only=True, tokens_per_second=1e6)
    model.fault("hang", texts_only=True, times=None)
    query = "Write a 1500 word analysis of backups, including tape storage, cloud storage, and restore tests."
    report_id = client.create("Backups", parameters={"user_query": query}, output_format="md")
    before = wait_for(lambda: r if (r := client.report(report_id))["words_written"] else None, 60)
    (finished,) = (part for r in model.requests() if r.outcome == "answered" and (part := part_of(r)))
    old = own_stack.stack.pids["worker"]
    os.kill(old, signal.SIGKILL)
    model.script.faults.clear()

    report = client.finished(report_id, seconds=90)

    assert own_stack.stack.pids["worker"] != old
    assert report["attempt"] == 2
    assert report["progress_percentage"] == 100
    assert before["progress_percentage"] <= 100
    # Exactly one result: one artifact and one tree, both of the attempt that completed.
    assert sorted(k.rpartition(".")[2] for k in objects(own_stack, report_id)) == ["json", "md"]
    assert all(f"/{report['attempt']}/" in k for k in objects(own_stack, report_id))
    # What had been finished was not asked for again, and everything else once.
    parts = parts_answered(model.requests())
    assert finished not in parts
    assert set(parts.values()) == {1}
    figures = client.request("GET", "/api/reports/queue/status").json()["data"]
    assert figures["pending_reports"] == 0


def test_a_report_queued_while_the_worker_is_down_is_written(own_stack: RunningStack) -> None:
    os.kill(own_stack.stack.pids["worker"], signal.SIGKILL)
    own_stack.client.finished(own_stack.client.create(output_format="md"))
