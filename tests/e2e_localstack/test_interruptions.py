"""Reports that do not go straight through: cancelled, retried, handed on, and revived by a dead letter."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e_localstack.conftest import MODEL_KEY, Deployed
from tests.support.model_calls import part_of
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.localstack, pytest.mark.timeout(300)]

# The requests to the model that a report makes at once, which is llm_concurrency in localstack-e2e.tfvars.
AT_ONCE = 4

# What the schedule sends.
SCHEDULED = {
    "version": "0",
    "id": "a",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "000000000000",
    "time": "2026-01-01T00:00:00Z",
    "region": "us-east-1",
    "resources": [],
    "detail": {},
}


def test_the_model_is_asked_with_the_key_from_the_parameter(deployed: Deployed) -> None:
    deployed.client.finished(_create(deployed, "barometers"), seconds=120)
    assert {request.authorization for request in deployed.model.requests()} == {f"Bearer {MODEL_KEY}"}


def test_cancelling_a_running_report_deletes_every_version_that_its_worker_stored(deployed: Deployed) -> None:
    deployed.model.fault("hang", match="sundials", times=None)
    report_id = _create(deployed, "sundials")
    deployed.client.wait_for_status(report_id, "processing", seconds=60)
    s3, bucket = deployed.deployment.session.client("s3"), deployed.deployment.outputs["artifacts_bucket"]
    # As if the worker had stored its document just before; twice, as a repeated request would.
    for content in (b"half", b"whole"):
        s3.put_object(Bucket=bucket, Key=f"reports/{report_id}/1/document.md", Body=content)
    assert deployed.client.request("POST", f"/api/reports/{report_id}/cancel").status_code == 200

    def is_empty() -> bool:
        left = s3.list_object_versions(Bucket=bucket, Prefix=f"reports/{report_id}/")
        return not left.get("Versions") and not left.get("DeleteMarkers")

    wait_for(is_empty, 30, "the end of what was stored")
    listed = deployed.client.request("GET", "/api/reports/", params={"status": "cancelled", "limit": "5"})
    assert report_id in [report["id"] for report in listed.json()["data"]["reports"]]


def test_a_failed_report_is_written_when_it_is_retried(deployed: Deployed) -> None:
    deployed.model.fault("error", match="astrolabes", times=None, status=400, message="too expensive today")
    report_id = _create(deployed, "astrolabes")
    assert deployed.client.wait_for_status(report_id, "failed", seconds=60)["error_message"]
    deployed.model.script.faults.clear()
    assert deployed.client.request("POST", f"/api/reports/{report_id}/retry").status_code == 200
    assert deployed.client.finished(report_id, seconds=60)["retry_count"] == 1


def test_a_report_that_a_function_has_no_time_for_is_handed_on(deployed: Deployed) -> None:
    deployed.model.fault("hang", match="chronometers", texts_only=True, times=AT_ONCE)
    report_id = _create(deployed, "chronometers")
    report = deployed.client.finished(report_id, seconds=120)
    assert report["attempt"] == 2
    # It was handed on, and not taken back from a worker that had fallen silent.
    item = _item(deployed, report_id)
    assert (int(item["releases"]["N"]), int(item.get("takeovers", {"N": "0"})["N"])) == (1, 0)


def test_the_sweep_sets_wrong_figures_right(deployed: Deployed) -> None:
    dynamodb, table = deployed.deployment.session.client("dynamodb"), deployed.deployment.outputs["tables"]["access"]
    key = {"pk": {"S": "FIGURES"}, "sk": {"S": "now"}}
    dynamodb.update_item(
        TableName=table,
        Key=key,
        UpdateExpression="ADD waiting_urgent :drift",
        ExpressionAttributeValues={":drift": {"N": "7"}},
    )
    functions, sweep = deployed.deployment.session.client("lambda"), deployed.deployment.outputs["functions"]["sweep"]

    # More than once, because what moves while it counts keeps it from correcting anything.
    def is_right() -> bool:
        assert "FunctionError" not in functions.invoke(FunctionName=sweep, Payload=json.dumps(SCHEDULED))
        return int(dynamodb.get_item(TableName=table, Key=key)["Item"]["waiting_urgent"]["N"]) == 0

    wait_for(is_right, 60, "the correction of the figures")


def test_a_dead_letter_revives_the_report_that_its_worker_abandoned(deployed: Deployed) -> None:
    deployed.model.fault("hang", match="sextants", texts_only=True, times=AT_ONCE)
    with deployed.controls.sweep_paused():
        report_id = _create(deployed, "sextants")
        wait_for(lambda: _asked(deployed, "sextants") == AT_ONCE, 60, "the middle of the report")
        deployed.controls.kill("generate_normal")
        deployed.controls.purge("reports-normal")
        _end_lease(deployed, report_id)
        sqs = deployed.deployment.session.client("sqs")
        dead = deployed.deployment.outputs["dead_letter_queue_urls"]["reports-normal"]
        sqs.send_message(QueueUrl=dead, MessageBody=json.dumps({"report_id": report_id}))
        assert deployed.client.finished(report_id, seconds=60)["attempt"] == 2


def _create(deployed: Deployed, subject: str) -> str:
    # With a private value, so that whoever goes on with the report needs its vault.
    query = f"Write a 1500 word analysis of {subject} for jane.doe@example.org."
    return deployed.client.create(subject, output_format="md", parameters={"user_query": query})


def _asked(deployed: Deployed, subject: str) -> int:
    return sum(subject in request.prompt and part_of(request) is not None for request in deployed.model.requests())


def _key(report_id: str) -> dict[str, Any]:
    return {"pk": {"S": f"R#{report_id}"}, "sk": {"S": "head"}}


def _item(deployed: Deployed, report_id: str) -> Any:
    table = deployed.deployment.outputs["tables"]["reports"]
    return deployed.deployment.session.client("dynamodb").get_item(TableName=table, Key=_key(report_id))["Item"]


def _end_lease(deployed: Deployed, report_id: str) -> None:
    """Make the lease of a report's dead worker over, instead of waiting for that."""
    deployed.deployment.session.client("dynamodb").update_item(
        TableName=deployed.deployment.outputs["tables"]["reports"],
        Key=_key(report_id),
        UpdateExpression="SET lease = :past",
        ExpressionAttributeValues={":past": {"S": "2000-01-01T00:00:00.000000Z"}},
    )
