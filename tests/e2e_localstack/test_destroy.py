"""The end of the deployment: ``terraform destroy`` leaves nothing behind."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.e2e_localstack.conftest import MODEL_KEY_PARAMETER, Deployed

# After every other test, because it takes the deployment away.
pytestmark = [pytest.mark.localstack, pytest.mark.timeout(300), pytest.mark.run_last(1)]


def inventory(session: Any) -> dict[str, list[str]]:
    """Return the names of everything in a LocalStack that Terraform can have made, by kind."""
    dynamodb, sqs, s3, functions = (session.client(name) for name in ("dynamodb", "sqs", "s3", "lambda"))
    iam, gateway, events = (session.client(name) for name in ("iam", "apigateway", "events"))
    cloudwatch, logs, ssm = (session.client(name) for name in ("cloudwatch", "logs", "ssm"))
    return {
        "tables": dynamodb.list_tables()["TableNames"],
        "queues": sqs.list_queues().get("QueueUrls", []),
        "buckets": [b["Name"] for b in s3.list_buckets()["Buckets"]],
        "functions": [f["FunctionName"] for f in functions.list_functions()["Functions"]],
        "deliveries": [m["EventSourceArn"] for m in functions.list_event_source_mappings()["EventSourceMappings"]],
        "roles": [r["RoleName"] for r in iam.list_roles()["Roles"]],
        "REST APIs": [a["name"] for a in gateway.get_rest_apis()["items"]],
        "rules": [r["Name"] for r in events.list_rules()["Rules"]],
        "alarms": [a["AlarmName"] for a in cloudwatch.describe_alarms()["MetricAlarms"]],
        "dashboards": [d["DashboardName"] for d in cloudwatch.list_dashboards()["DashboardEntries"]],
        "log groups": [g["logGroupName"] for g in logs.describe_log_groups()["logGroups"]],
        "parameters": [p["Name"] for p in ssm.describe_parameters()["Parameters"]],
    }


def test_destroy_leaves_nothing(deployed: Deployed) -> None:
    deployment = deployed.deployment
    before = inventory(deployment.session)
    assert [kind for kind, names in before.items() if not names] == []
    assert deployment.terraform.resources()
    started = time.monotonic()
    deployment.terraform.destroy()
    deployment.seconds["terraform destroy"] = time.monotonic() - started
    assert deployment.terraform.resources() == []
    # The one parameter, the model's key, is made and deleted outside Terraform.
    left = {kind: names for kind, names in inventory(deployment.session).items() if names}
    assert left == {"parameters": [MODEL_KEY_PARAMETER]}
