"""Least privilege, as it was seen: what the functions called while all other tests of the deployment ran.

LocalStack decides nothing by policy, so that a missing right would go unnoticed there, and a needless one
anywhere. It does know whose credentials a request was signed with: the record of that is judged here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.e2e_localstack.conftest import Deployed
from tests.support.iam_policy import grants
from tests.support.least_privilege import Observed, Right, table
from tests.support.recorded_calls import recorded_calls

# After every test that has functions called, and before the one that takes the deployment away.
pytestmark = [pytest.mark.localstack, pytest.mark.timeout(600), pytest.mark.run_last(0)]

# Granted, and not called here for a reason.
EXPLAINED: Final[dict[Right, str]] = {
    ("xray:PutTraceSegments", "*"): "by Lambda's X-Ray daemon, which LocalStack lacks",
    ("xray:PutTelemetryRecords", "*"): "by Lambda's X-Ray daemon, which LocalStack lacks",
}

# Called here, and not granted for a reason.
WITHHELD: Final[dict[str, str]] = {
    "logs:CreateLogGroup": "Terraform makes the groups; LocalStack tries before each stream, and does without",
}


@pytest.fixture(scope="module")
def observed(deployed: Deployed) -> Observed:
    outputs = deployed.deployment.outputs
    roles = {name: key for key, name in outputs["functions"].items()}
    names = {
        **{real: name for name, real in outputs["tables"].items()},
        **{url.rpartition("/")[2]: "queue" for url in outputs["queue_urls"].values()},
        **{url.rpartition("/")[2]: "dead letters" for url in outputs["dead_letter_queue_urls"].values()},
        **dict.fromkeys(roles, "itself"),
        outputs["artifacts_bucket"]: "artifacts",
    }
    calls = recorded_calls(deployed.deployment.cloud.request_record_path)
    policies = {role: grants(policy) for role, policy in outputs["policies"].items()}
    return Observed(policies, ((roles.get(name, name), call) for name, call in calls), names)


@pytest.fixture(scope="module")
def whole_run(request: pytest.FixtureRequest) -> None:
    """Skip what follows unless all tests here have run: what the others would have used is not known."""
    ran = {item.path for item in request.session.items}
    parts = any(request.config.getoption(name) for name in ("keyword", "deselect"))
    if parts or not ran >= set(Path(__file__).parent.glob("test_*.py")):
        pytest.skip("only a whole run uses every right")


def test_functions_called_only_what_their_policies_allow(observed: Observed) -> None:
    refused = observed.not_allowed()
    assert {row for row in refused if row[1] not in WITHHELD} == set()
    assert {action for _, action, _ in refused} == set(WITHHELD)


def test_policies_grant_only_what_was_used_or_is_explained(
    deployed: Deployed, observed: Observed, whole_run: None
) -> None:
    families = observed.families()
    deployed.figures.rights += table(families, EXPLAINED)
    assert {(family.name, *right) for family in families for right in family.unused - EXPLAINED.keys()} == set()


def test_every_explanation_is_of_a_right_that_was_not_used(observed: Observed) -> None:
    assert {(f.name, *right) for f in observed.families() for right in EXPLAINED.keys() - f.unused} == set()
