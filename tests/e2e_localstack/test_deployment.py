"""Through API Gateway, Lambda and SQS: every route, the whole way of a report, and its links."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
import requests

import app as app_module
from tests.e2e_localstack.conftest import Deployed
from tests.support.service import new_report
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.localstack, pytest.mark.timeout(600)]

UNKNOWN = "991a8dca-b90c-406d-9a64-dcc9b1bec33c"

# Every route of the app: method and path, a request, and the status it must answer with.
ROUTES: dict[tuple[str, str], tuple[dict[str, Any], int]] = {
    ("GET", "/api/reports/templates"): ({}, 200),
    ("POST", "/api/reports"): ({"json": new_report(output_format="md")}, 201),
    ("GET", "/api/reports"): ({"params": {"limit": "5", "search": "title"}}, 200),
    ("GET", "/api/reports/{report_id}"): ({}, 200),
    ("GET", "/api/reports/{report_id}/download"): ({"params": {"delivery": "link"}}, 200),
    ("POST", "/api/reports/{report_id}/cancel"): ({}, 400),
    ("POST", "/api/reports/{report_id}/retry"): ({}, 400),
    ("GET", "/api/reports/queue/status"): ({}, 200),
    ("GET", "/api/reports/public/queue/status"): ({}, 200),
}


@pytest.fixture(scope="module")
def finished(deployed: Deployed) -> Any:
    """A report that went the whole way: gateway, function, queue, generator, bucket."""
    return deployed.client.finished(deployed.client.create("Größe & Maß", output_format="pdf"), seconds=180)


def test_every_route_has_a_row() -> None:
    routes = {(method, path) for path, methods in app_module.app.routes.items() for method in methods}
    assert routes == set(ROUTES)


@pytest.mark.parametrize(("method", "path"), sorted(ROUTES))
@pytest.mark.parametrize("slash", ["", "/"])
def test_every_route_in_both_spellings(deployed: Deployed, finished: Any, method: str, path: str, slash: str) -> None:
    request, status = ROUTES[method, path]
    answer = deployed.client.request(method, path.replace("{report_id}", finished["id"]) + slash, **request)
    assert answer.status_code == status, answer.text
    assert answer.json()["success"] == (status < 400)


def test_a_download_gives_the_exact_bytes(deployed: Deployed, finished: Any) -> None:
    answer = deployed.client.request("GET", finished["download_url"], headers={"Accept": "application/pdf"})
    assert answer.content.startswith(b"%PDF-")
    assert hashlib.sha256(answer.content).hexdigest() == finished["sha256"]
    assert answer.headers["Content-Disposition"].startswith("attachment;")


def test_a_link_works_then_expires_and_is_refused_when_tampered(deployed: Deployed, finished: Any) -> None:
    link = deployed.client.request("GET", f"{finished['download_url']}?delivery=link").json()["data"]
    fetched = requests.get(link["url"], timeout=10)
    assert hashlib.sha256(fetched.content).hexdigest() == finished["sha256"]
    tampered = link["url"].replace("X-Amz-Signature=", "X-Amz-Signature=0")
    assert requests.get(tampered, timeout=10).status_code == 403
    wait_for(lambda: requests.get(link["url"], timeout=10).status_code == 403, 30, "the end of the link")


def test_keys_and_unknown_paths_are_answered_in_the_envelope(deployed: Deployed) -> None:
    client = deployed.client
    assert client.request("GET", "/api/reports", headers={"X-API-Key": "sk_wrong"}).status_code == 401
    for path, expected in (("/api/nothing", {"success": False, "error": "Not found"}),):
        answer = client.request("GET", path)
        assert (answer.status_code, answer.json()) == (404, expected)
    assert client.request("GET", "/v1/nothing").json()["error"] == "not_found"
    assert client.request("GET", f"/api/reports/{UNKNOWN}").status_code == 404


def test_the_schedule_rescues_a_report_whose_permit_is_lost(deployed: Deployed) -> None:
    from localstack_client.session import Session  # type: ignore[import-untyped]

    cloud = deployed.deployment.cloud
    session = Session(localstack_host=cloud.address, **cloud.credentials)
    mappings = session.client("lambda").list_event_source_mappings(
        FunctionName=deployed.deployment.outputs["functions"]["generate_low"]
    )["EventSourceMappings"]
    sqs, queue = session.client("sqs"), deployed.deployment.outputs["queue_urls"]["reports-low"]
    for mapping in mappings:
        session.client("lambda").update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    wait_for(
        lambda: all(
            session.client("lambda").get_event_source_mapping(UUID=m["UUID"])["State"] == "Disabled" for m in mappings
        ),
        60,
        "the pause of the mapping",
    )
    report_id = deployed.client.create(priority="low", output_format="md")
    sqs.purge_queue(QueueUrl=queue)
    for mapping in mappings:
        session.client("lambda").update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
    deployed.client.finished(report_id, seconds=240)


def test_a_second_plan_is_empty(deployed: Deployed) -> None:
    assert deployed.deployment.terraform.plan_is_empty()
