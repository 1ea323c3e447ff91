"""Warm requests through the gateway, timed one after the other. The figures are shown at the end of the run."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import requests

from tests.e2e_localstack.conftest import Deployed
from tests.support.service import new_report

pytestmark = [pytest.mark.localstack, pytest.mark.timeout(300)]

REQUESTS = 50


def timed(send: Callable[[], requests.Response], status: int) -> tuple[float, requests.Response]:
    """Send a request; return its time in milliseconds and the answer, which must have the status."""
    started = time.perf_counter()
    answer = send()
    spent = (time.perf_counter() - started) * 1000
    assert answer.status_code == status, answer.text
    return spent, answer


def test_warm_requests_are_timed(deployed: Deployed) -> None:
    client, warm = deployed.client, deployed.figures.warm_ms
    # What is created is cancelled before anybody writes it.
    deployed.controls.pause_delivery("reports-low")
    body = new_report(priority="low", output_format="md")
    created = [timed(lambda: client.request("POST", "/api/reports/", json=body), 201) for _ in range(REQUESTS)]
    ids = [answer.json()["data"]["report"]["id"] for _, answer in created]
    warm["create"] = [spent for spent, _ in created]
    for name, path in (("templates", "/templates"), ("detail", f"/{ids[0]}"), ("list", "/?limit=20")):
        warm[name] = [timed(lambda: client.request("GET", f"/api/reports{path}"), 200)[0] for _ in range(REQUESTS)]  # noqa: B023
    warm["cancel"] = [timed(lambda: client.request("POST", f"/api/reports/{i}/cancel"), 200)[0] for i in ids]  # noqa: B023
    deployed.controls.purge("reports-low")
    deployed.controls.resume_delivery("reports-low")
