"""Every answer carries the id of its request, by which logs, audit and records tell of the same."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from chalicelib.stores.stores import stores
from tests.support.service import Context, Service, new_report
from tests.support.v1_callers import Account


def event(path: str, resource: str, **fields: Any) -> dict[str, Any]:
    context = {"resourcePath": resource, "httpMethod": "GET", "path": f"/stage{path}", "requestId": "gateway-id-1"}
    return {
        "path": path,
        "headers": {},
        "multiValueQueryStringParameters": None,
        "pathParameters": {},
        "stageVariables": {},
        "body": None,
        "isBase64Encoded": False,
        "requestContext": {**context, "identity": {"sourceIp": "198.51.100.7"}},
    } | fields


def test_every_kind_of_answer_has_an_id_of_its_own(service: Service) -> None:
    answers = [
        service.get("/api/reports"),
        service.get("/api/reports", key=None),
        service.get("/api/reports/nope"),
        service.get("/api/reports/queue/status", key=None),
        service.post("/api/reports", b"{", headers={"Content-Type": "application/json"}),
        service.post("/api/reports", b"x", headers={"Content-Type": "text/plain"}),
        service.request("PUT", "/api/reports"),
        service.get("/v1/investigations", key=None),
        service.post("/api/reports", new_report()),
    ]
    ids = {str(uuid.UUID(answer.headers["x-request-id"])) for answer in answers}
    assert len(ids) == len(answers)


def test_the_gateway_s_id_is_the_request_s_and_a_client_s_is_not(service: Service) -> None:
    chosen = {"X-Request-Id": "mine", "X-Amzn-RequestId": "mine"}
    known = service.app.app(event("/api/reports", "/api/reports", headers=chosen), Context())
    unknown = service.app.app(event("/api/nothing", "/{proxy+}", headers=chosen), Context())
    for answer, status in ((known, 401), (unknown, 404)):
        assert (answer["statusCode"], answer["headers"]["X-Request-Id"]) == (status, "gateway-id-1")


@pytest.mark.parametrize(("status", "path"), [(502, "/api/reports"), (413, "/v1/investigations"), (400, "/")])
def test_what_a_server_in_front_refuses_has_one_too(service: Service, status: int, path: str) -> None:
    answer = service.app.app.refused(status, path)
    assert answer["statusCode"] == status
    assert uuid.UUID(answer["headers"]["X-Request-Id"])
    assert uuid.UUID(service.app.app.unknown_route(path)["headers"]["X-Request-Id"])
    assert json.loads(answer["body"])


def test_a_report_remembers_the_request_that_asked_for_it(service: Service) -> None:
    created = service.post("/api/reports", new_report())
    stored = stores().reports.get(created.json()["data"]["report"]["id"])
    assert stored is not None
    assert stored.request_id == created.headers["x-request-id"]
    investigation = Account(service).post("/investigations", {"query": "Who was it?", "findings": []})
    job = stores().reports.get(investigation.json()["job_id"])
    assert job is not None
    assert job.request_id == investigation.headers["x-request-id"]
