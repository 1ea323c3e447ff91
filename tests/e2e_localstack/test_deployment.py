"""Through API Gateway, Lambda and SQS: every route, the whole way of a report, and its links."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

import app as app_module
from chalicelib.domain.output_format import CONTENT_TYPES
from tests.e2e_localstack.conftest import Deployed
from tests.e2e_localstack.test_investigations import ROUTES as INVESTIGATION_ROUTES
from tests.e2e_localstack.test_knowledge import ROUTES as KNOWLEDGE_ROUTES
from tests.model_server.text import answer
from tests.support.service import new_report
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.localstack, pytest.mark.timeout(600)]

# More than the parts of any report.
PARTS_AT_MOST = 20
UNKNOWN = "991a8dca-b90c-406d-9a64-dcc9b1bec33c"

SPARE_KEY = {"name": "each route", "scopes": ["read"], "expires_in_days": 1}
# Nothing answers at that address; its name leads nowhere.
WEBHOOK = {"url": "https://receiver.invalid/hook", "events": ["report.completed"]}
UNKNOWN_DELIVERY = f"dlv_{'0' * 26}"

# Every route of /api but those of other files here: method and path, a request, and its answer.
ROUTES: dict[tuple[str, str], tuple[dict[str, Any], int]] = {
    ("GET", "/api/reports/templates"): ({}, 200),
    ("POST", "/api/reports"): ({"json": new_report(output_format="md")}, 201),
    ("POST", "/api/reports/estimate"): ({"json": new_report()}, 200),
    ("GET", "/api/reports"): ({"params": {"limit": "5", "search": "title"}}, 200),
    ("GET", "/api/reports/{report_id}"): ({}, 200),
    ("GET", "/api/reports/{report_id}/download"): ({"params": {"delivery": "link"}}, 200),
    ("POST", "/api/reports/{report_id}/cancel"): ({}, 400),
    ("POST", "/api/reports/{report_id}/retry"): ({}, 400),
    ("GET", "/api/audit"): ({"params": {"tenant": "local", "action": "report.create", "limit": "5"}}, 200),
    ("GET", "/api/pii/patterns"): ({}, 200),
    ("POST", "/api/pii/detect"): ({"json": {"text": "Call jane.doe@example.org."}}, 200),
    ("GET", "/api/reports/queue/status"): ({}, 200),
    ("GET", "/api/reports/public/queue/status"): ({}, 200),
    ("GET", "/api/keys"): ({"params": {"active_only": "true"}}, 200),
    ("POST", "/api/keys"): ({"json": SPARE_KEY}, 201),
    ("GET", "/api/keys/verify"): ({}, 200),
    ("GET", "/api/keys/{key_id}"): ({}, 200),
    ("PUT", "/api/keys/{key_id}"): ({"json": {"name": "renamed"}}, 200),
    ("DELETE", "/api/keys/{key_id}"): ({}, 200),
    ("POST", "/api/keys/{key_id}/rotate"): ({}, 200),
    ("GET", "/api/keys/{key_id}/usage"): ({"params": {"days": "3"}}, 200),
    ("GET", "/api/webhooks"): ({}, 200),
    ("POST", "/api/webhooks"): ({"json": WEBHOOK}, 201),
    ("GET", "/api/webhooks/{webhook_id}"): ({}, 200),
    ("PATCH", "/api/webhooks/{webhook_id}"): ({"json": {"description": "changed"}}, 200),
    ("DELETE", "/api/webhooks/{webhook_id}"): ({}, 200),
    ("POST", "/api/webhooks/{webhook_id}/rotate"): ({}, 201),
    ("POST", "/api/webhooks/{webhook_id}/test"): ({}, 202),
    ("GET", "/api/webhooks/{webhook_id}/deliveries"): ({}, 200),
    ("POST", "/api/webhooks/{webhook_id}/deliveries/{delivery_id}/replay"): ({}, 404),
}


@pytest.fixture(scope="module")
def finished(deployed: Deployed) -> Any:
    """A report that went the whole way: gateway, function, queue, generator, bucket."""
    return deployed.client.finished(deployed.client.create("Größe & Maß", output_format="pdf"), seconds=180)


def test_every_route_has_a_row() -> None:
    routes = {(method, path) for path, methods in app_module.app.routes.items() for method in methods}
    assert routes == set(ROUTES) | set(INVESTIGATION_ROUTES) | set(KNOWLEDGE_ROUTES)


@pytest.mark.parametrize(("method", "path"), sorted(ROUTES))
@pytest.mark.parametrize("slash", ["", "/"])
def test_every_route_in_both_spellings(deployed: Deployed, finished: Any, method: str, path: str, slash: str) -> None:
    request, status = ROUTES[method, path]
    with things_named_in(path, deployed, finished) as named:
        answer = deployed.client.request(method, named + slash, **request)
    assert answer.status_code == status, answer.text
    assert answer.json()["success"] == (status < 400)
    if path in ("/api/keys", "/api/webhooks") and method == "POST":
        made = answer.json()["data"]
        delete(deployed, f"{path}/{(made.get('key') or made['webhook'])['id']}")


@contextmanager
def things_named_in(path: str, deployed: Deployed, finished: Any) -> Iterator[str]:
    """Fill the ids into a path: those of a key and a webhook that were made for it and are gone afterwards."""
    path = path.replace("{report_id}", finished["id"]).replace("{delivery_id}", UNKNOWN_DELIVERY)
    made = ""
    for name, folder, body in (("key", "/api/keys", SPARE_KEY), ("webhook", "/api/webhooks", WEBHOOK)):
        if f"{{{name}_id}}" in path:
            answer = deployed.client.request("POST", folder, json=body)
            assert answer.status_code == 201, answer.text
            own_id = answer.json()["data"][name]["id"]
            path, made = path.replace(f"{{{name}_id}}", own_id), f"{folder}/{own_id}"
    yield path
    if made:
        delete(deployed, made)


def delete(deployed: Deployed, path: str) -> None:
    assert deployed.client.request("DELETE", path).status_code in (200, 400, 404)


def test_a_download_gives_the_exact_bytes(deployed: Deployed, finished: Any) -> None:
    answer = deployed.client.request("GET", finished["download_url"], headers={"Accept": "application/pdf"})
    assert answer.content.startswith(b"%PDF-")
    assert hashlib.sha256(answer.content).hexdigest() == finished["sha256"]
    assert answer.headers["Content-Disposition"].startswith("attachment;")


@pytest.mark.parametrize(("wanted", "start"), [("html", b"<!DOCTYPE html>"), ("md", b"# "), ("docx", b"PK")])
def test_another_format_is_rendered_once_and_found_again(
    deployed: Deployed, finished: Any, wanted: str, start: bytes
) -> None:
    address = f"{finished['download_url']}?format={wanted}"
    # What the emulator needs to decode a file: see the infrastructure's own page.
    headers = {"Accept": CONTENT_TYPES[wanted]}  # type: ignore[index]
    first, second = (deployed.client.request("GET", address, headers=headers) for _ in range(2))
    assert first.status_code == 200, first.text
    assert first.content.startswith(start)
    assert (second.content, second.headers["ETag"]) == (first.content, first.headers["ETag"])
    link = deployed.client.request("GET", f"{address}&delivery=link").json()["data"]
    fetched = requests.get(link["url"], timeout=10)
    assert (fetched.content, fetched.headers["Content-Type"]) == (first.content, CONTENT_TYPES[wanted])  # type: ignore[index]


def test_a_large_document_comes_by_a_redirect_with_the_exact_bytes(deployed: Deployed) -> None:
    # One checkpoint holds at most 400 kB; HTML makes five bytes of each of these.
    code = "&" * 140_000
    for number in range(PARTS_AT_MOST):
        text = f"{answer(number, 600)}\n\n```\n{code}\n```"
        deployed.model.fault("text", match="suspension bridges", texts_only=True, text=text)
    query = "Write a 5000 word analysis of suspension bridges."
    report_id = deployed.client.create("Large", parameters={"user_query": query}, output_format="html")
    report = deployed.client.finished(report_id, seconds=180)
    assert report["file_size_bytes"] > 5_000_000
    redirect = deployed.client.request("GET", report["download_url"])
    assert (redirect.status_code, redirect.content) == (302, b"")
    document = requests.get(redirect.headers["Location"], timeout=10)
    assert document.status_code == 200
    assert len(document.content) == report["file_size_bytes"]
    assert hashlib.sha256(document.content).hexdigest() == report["sha256"]
    assert document.headers["Content-Type"] == report["content_type"]


def test_reports_of_one_conversation_know_each_other(deployed: Deployed) -> None:
    for subject in ("The history of abacuses", "The future of slide rules"):
        parameters = {"user_query": f"Write a 400 word analysis of: {subject}.", "conversation_id": "calculators"}
        report_id = deployed.client.create(subject, parameters=parameters, output_format="md")
        deployed.client.finished(report_id, seconds=120)
    later = [request.prompt for request in deployed.model.requests() if "slide rules" in request.prompt]
    assert later
    assert any("The history of abacuses" in prompt for prompt in later)


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


def test_a_second_plan_is_empty(deployed: Deployed) -> None:
    assert deployed.deployment.terraform.plan_is_empty()
