"""A creation that came to nothing for a fault of ours counts for nothing; one that the caller bounded counts."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.settings import settings
from chalicelib.stores.dynamodb import Table
from tests.conftest import service_here
from tests.model_server import ModelServer
from tests.support.refused_calls import refused_calls
from tests.support.service import Answer, Service, new_report


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture(scope="module")
def deployed(model: ModelServer) -> Iterator[Service]:
    with pytest.MonkeyPatch.context() as patched, service_here(patched, model) as made:
        yield made


@pytest.fixture
def limited(deployed: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The service with the limit of creations that the contract has, and a caller whom no other test knows."""
    monkeypatch.setenv("RATE_LIMIT_CREATE", "10/hour")
    settings.cache_clear()
    deployed.owner = f"alice-{secrets.token_hex(4)}"
    deployed.key = deployed.new_key(deployed.owner)
    yield deployed
    settings.cache_clear()


def create(service: Service, body: Any = None) -> Answer:
    return service.post("/api/reports/", body or new_report())


def remaining(answer: Answer) -> int:
    return int(answer.headers["x-ratelimit-remaining"])


def test_a_failure_of_ours_consumes_nothing(limited: Service) -> None:
    with refused_calls("TransactWriteItems"):
        assert create(limited).status == 500
    window = Table(settings().access_table).get((f"L#{limited.owner}", "create"))
    assert window is not None
    assert not [name for name in window if name[0] == "s" and name[1:].isdecimal()]


def test_a_report_that_reaches_its_own_cost_limit_does_not(limited: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_PRICES", '{"scripted-model": [1000000, 1000000]}')
    settings.cache_clear()
    body = new_report()
    body["parameters"]["max_cost_usd"] = 0.01
    report_id = create(limited, body).json()["data"]["report"]["id"]
    limited.work()
    assert limited.report(report_id)["status"] == "failed"
    assert remaining(create(limited)) == 8


@pytest.mark.usefixtures("short_waits")
def test_a_report_that_fails_for_our_fault_gives_its_creation_back(limited: Service, model: ModelServer) -> None:
    model.fault("error", status=400, times=None)
    report_id = create(limited).json()["data"]["report"]["id"]
    limited.work()
    assert limited.report(report_id)["status"] == "failed"
    assert remaining(create(limited)) == 9
