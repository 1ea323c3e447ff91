"""The investigation API through API Gateway, Lambda and SQS: every route, and the whole way of an investigation."""

from __future__ import annotations

from typing import Any, Final

import pytest
import requests

from chalicelib.domain.output_format import CONTENT_TYPES
from tests.e2e_localstack.conftest import Deployed
from tests.support.v1_callers import RemoteAccount, new_finding
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.localstack, pytest.mark.timeout(600)]

# Nothing answers at that address; its name leads nowhere.
SUBSCRIPTION: Final = {"url": "https://receiver.invalid/hook", "events": ["investigation.completed"]}

# Every route: method and path, a request, and the status it must answer with for a completed investigation.
ROUTES: Final[dict[tuple[str, str], tuple[dict[str, Any], int]]] = {
    ("POST", "/v1/investigations"): ({"json": {"query": "q", "idempotency_key": "each-route"}}, 202),
    ("GET", "/v1/investigations"): ({"params": {"limit": "5"}}, 200),
    ("GET", "/v1/investigations/{investigation_id}"): ({}, 200),
    ("DELETE", "/v1/investigations/{investigation_id}"): ({}, 200),
    ("POST", "/v1/investigations/{investigation_id}/complete"): ({}, 202),
    ("POST", "/v1/investigations/{investigation_id}/findings"): (
        {"json": {"findings": [new_finding(external_id="each-route")]}},
        201,
    ),
    ("POST", "/v1/investigations/{investigation_id}/findings/import"): (
        {
            "data": "title,severity,external_id\nOld TLS,low,csv-1\n",
            "headers": {"Content-Type": "text/csv"},
        },
        201,
    ),
    ("POST", "/v1/investigations/{investigation_id}/findings/uploads"): ({"json": {"size_bytes": 100}}, 201),
    ("GET", "/v1/investigations/{investigation_id}/report"): ({}, 200),
    ("GET", "/v1/investigations/{investigation_id}/report/versions"): ({}, 200),
    ("GET", "/v1/investigations/{investigation_id}/report/versions/{version}"): ({}, 200),
    ("POST", "/v1/investigations/{investigation_id}/report/regenerate"): ({}, 202),
    ("GET", "/v1/findings"): ({"params": {"severity": "high", "limit": "5"}}, 200),
    ("GET", "/v1/findings/{finding_id}"): ({}, 200),
    ("POST", "/v1/findings/{finding_id}/dismiss"): ({"json": {"reason": "false_positive"}}, 200),
    ("GET", "/v1/jobs/{job_id}"): ({}, 200),
    ("POST", "/v1/webhooks/subscriptions"): ({"json": SUBSCRIPTION}, 201),
    ("GET", "/v1/webhooks/subscriptions"): ({}, 200),
    ("GET", "/v1/webhooks/subscriptions/{subscription_id}"): ({}, 200),
    ("PATCH", "/v1/webhooks/subscriptions/{subscription_id}"): ({"json": {"description": "changed"}}, 200),
    ("DELETE", "/v1/webhooks/subscriptions/{subscription_id}"): ({}, 200),
    ("POST", "/v1/webhooks/subscriptions/{subscription_id}/rotate"): ({}, 201),
    ("POST", "/v1/webhooks/subscriptions/{subscription_id}/test"): ({}, 202),
    ("GET", "/v1/webhooks/subscriptions/{subscription_id}/deliveries"): ({}, 200),
    ("POST", "/v1/webhooks/subscriptions/{subscription_id}/deliveries/{delivery_id}/replay"): ({}, 404),
}


@pytest.fixture(scope="module")
def account(deployed: Deployed) -> RemoteAccount:
    return RemoteAccount(deployed.deployment.url, deployed.deployment.investigations_key, every=0.3)


@pytest.fixture(scope="module")
def completed(account: RemoteAccount) -> str:
    """An investigation that went the whole way: gateway, function, queue, generator, bucket."""
    long = new_finding("Failed logins on build-02", summary="Failed password for root\n" * 4_000, severity="low")
    return account.completed(new_finding(), long, seconds=180)


def found(account: RemoteAccount, completed: str) -> Any:
    answer = account.request("GET", "/findings", params={"investigation_id": completed})
    assert answer.status_code == 200, answer.text
    return answer.json()["findings"]


@pytest.mark.parametrize(("method", "path"), sorted(ROUTES))
@pytest.mark.parametrize("slash", ["", "/"])
def test_every_route_in_both_spellings(
    account: RemoteAccount, completed: str, method: str, path: str, slash: str
) -> None:
    request, status = ROUTES[method, path]
    named = {
        "{investigation_id}": completed,
        "{finding_id}": found(account, completed)[0]["id"],
        "{job_id}": account.request("GET", f"/investigations/{completed}").json()["job_id"],
        "{version}": "1",
        "{delivery_id}": f"dlv_{'0' * 26}",
    }
    if "{subscription_id}" in path:
        named["{subscription_id}"] = account.request("POST", "/webhooks/subscriptions", json=SUBSCRIPTION).json()["id"]
    for name, value in named.items():
        path = path.replace(name, value)
    answer = account.request(method, path.removeprefix("/v1") + slash, **request)
    made = named.get("{subscription_id}") or ("secret" in answer.json() and answer.json()["id"])
    if made:
        account.request("DELETE", f"/webhooks/subscriptions/{made}")
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"


def test_a_long_finding_is_kept_whole(account: RemoteAccount, completed: str) -> None:
    (listed,) = [f for f in found(account, completed) if f.get("truncated")]
    shown = account.request("GET", f"/findings/{listed['id']}").json()
    assert shown["summary"] == "Failed password for root\n" * 4_000


@pytest.mark.parametrize(("wanted", "start"), [("pdf", b"%PDF-"), ("html", b"<!DOCTYPE html>"), ("md", b"# ")])
def test_the_report_is_rendered_once_and_found_again(
    account: RemoteAccount, completed: str, wanted: str, start: bytes
) -> None:
    # What the emulator needs to decode a file: see the infrastructure's own page.
    headers = {"Accept": CONTENT_TYPES[wanted]}  # type: ignore[index]
    path = f"/investigations/{completed}/report/versions/1?format={wanted}"
    first, second = (account.request("GET", path, headers=headers) for _ in range(2))
    assert first.status_code == 200, first.text
    assert first.content.startswith(start)
    assert second.content == first.content


def test_evidence_is_pushed_completed_and_regenerated(account: RemoteAccount) -> None:
    pushed = account.create("Who got in?", evidence="pushed")
    batch = {"findings": [new_finding(f"Login {number}", external_id=f"x{number}") for number in range(30)]}
    for created in (30, 0):
        answer = account.request("POST", f"/investigations/{pushed}/findings", json=batch)
        assert (answer.status_code, answer.json()["created"]) == (201, created)
    assert account.job_ended(_job(account, f"/investigations/{pushed}/complete"), 180)["status"] == "succeeded"
    first = account.report(pushed)
    assert len(first["findings_summary"]) == 30
    more = {"findings": [new_finding("Wiper on build-01", severity="critical")]}
    account.request("POST", f"/investigations/{pushed}/findings", json=more)
    assert account.report(pushed)["stale"] is True
    job = account.job_ended(_job(account, f"/investigations/{pushed}/report/regenerate"), 180)
    second = account.report(pushed)
    assert job["generated_at"] == second["generated_at"] > first["generated_at"]
    assert (second["severity"], second["stale"]) == ("critical", False)
    versions = account.request("GET", f"/investigations/{pushed}/report/versions").json()["versions"]
    assert [v["version"] for v in versions] == [2, 1]


def _job(account: RemoteAccount, path: str) -> str:
    answer = account.request("POST", path)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["job_id"])


def test_a_query_alone_finds_what_is_stored(account: RemoteAccount, completed: str) -> None:
    asked = account.create("Unknown login on build-01")
    path = f"/investigations/{asked}"
    wait_for(lambda: account.request("GET", path).json()["status"] == "completed", 180, "the report", 0.3)
    assert account.report(asked)["findings_summary"]


def test_the_same_key_with_findings_gives_the_original(account: RemoteAccount) -> None:
    body = {"query": "q", "idempotency_key": "with-findings", "findings": [new_finding()]}
    first, second = (account.request("POST", "/investigations", json=body) for _ in range(2))
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] == second.json()["id"]


def test_a_large_file_is_uploaded_and_imported(account: RemoteAccount) -> None:
    rows = "".join(f"Row {number},low,row-{number}\n" for number in range(100))
    content = f"title,severity,external_id\n{rows}".encode()
    path = f"/investigations/{account.create(evidence='pushed')}/findings"
    upload = account.request("POST", f"{path}/uploads", json={"size_bytes": len(content)}).json()
    put = requests.request(upload["method"], upload["url"], data=content, headers=upload["headers"], timeout=30)
    assert put.status_code == 200, put.text
    named = {"upload_id": upload["upload_id"], "format": "csv"}
    imported = account.request("POST", f"{path}/import", json=named)
    assert (imported.status_code, imported.json()["created"]) == (201, 100), imported.text


def test_errors_have_the_envelope_of_this_api(account: RemoteAccount) -> None:
    wrong = account.request("GET", "/investigations", headers={"Authorization": "Bearer pck_test_wrong"})
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_api_key")
    pending = account.create(evidence="pushed")
    answer = account.request("GET", f"/investigations/{pending}/report")
    assert (answer.status_code, answer.json()["error"]) == (409, "investigation_not_completed")
    assert account.request("POST", "/investigations", json={}).json()["error"] == "missing_required_field"
