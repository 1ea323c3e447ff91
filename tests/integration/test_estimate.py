"""``POST /api/reports/estimate``: the body of a create request, answered with what it would take; nothing happens."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from chalicelib.settings import settings
from tests.model_server import ModelServer
from tests.support.service import Service, counted_calls, new_report

PRICES = '{"scripted-model": [3, 15]}'
LONG = {"user_query": "Compare VPN with zero trust in 4500+ words."}


@pytest.fixture
def priced(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setenv("LLM_PRICES", PRICES)
    settings.cache_clear()
    return service


def estimate(service: Service, **fields: Any) -> Any:
    answer = service.post("/api/reports/estimate", new_report(**fields))
    assert answer.status == 200, answer.body
    assert answer.json()["success"] is True
    return answer.json()["data"]["estimate"]


def test_it_says_what_a_report_would_take_and_cost(priced: Service) -> None:
    found = estimate(priced, parameters=LONG)
    assert 4500 <= found["words"] <= 5500
    assert found["sections"] >= 3
    assert found["calls"] >= found["sections"]
    assert found["tokens_out"] > found["words"]
    assert found["tokens_in"] > 0
    assert 0 < found["cost_usd"] <= found["max_cost_usd"]
    assert found["cost_unknown_because"] is None
    assert (found["model"], found["detected_style"]) == ("scripted-model", "comparison")
    assert found["style_reasons"]
    assert (found["estimated_minutes"], found["estimated_minutes_basis"]) == (15, "default")


def test_without_a_price_the_cost_is_null_and_says_why(service: Service) -> None:
    found = estimate(service)
    assert found["cost_usd"] is None
    assert "LLM_PRICES" in found["cost_unknown_because"]


def test_nothing_is_stored_and_nothing_called(priced: Service, model_server: ModelServer) -> None:
    estimate(priced)
    with counted_calls() as calls:
        estimate(priced, parameters=LONG)
    assert calls.total() == 0
    assert model_server.requests() == []
    assert priced.get("/api/reports/").json()["data"]["pagination"]["total"] == 0
    assert priced.permits("normal") == []


def test_the_checks_are_those_of_a_create_request(priced: Service) -> None:
    for path in ("/api/reports", "/api/reports/estimate"):
        assert priced.post(path, new_report(), key=None).status == 401
        assert priced.post(path, new_report(), key=priced.new_key("alice", ("write",))).status == 403
        assert priced.post(path, new_report(template_id="nope")).status == 404
        assert priced.post(path, new_report(honey_jar_id="hj_1")).status == 404
        assert priced.post(path, b"[]", headers={"Content-Type": "application/json"}).status == 400


def test_a_limit_is_taken_where_the_model_has_a_price(priced: Service) -> None:
    assert priced.post("/api/reports", new_report(parameters=LONG | {"max_cost_usd": 0.5})).status == 201


def test_a_limit_needs_the_price_of_the_fallback_too(priced: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_FALLBACK_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("LLM_FALLBACK_MODEL", "another")
    settings.cache_clear()
    answer = priced.post("/api/reports", new_report(parameters=LONG | {"max_cost_usd": 0.5}))
    assert (answer.status, answer.json()["details"][0]["field"]) == (400, "parameters.max_cost_usd")


def test_what_was_estimated_is_about_what_the_report_takes(priced: Service) -> None:
    parameters = {"user_query": "Write a 1500 word analysis of network segmentation."}
    expected = estimate(priced, parameters=parameters)
    report = priced.finish(priced.create(parameters=parameters, output_format="md"))
    assert report["usage"]["cost_usd"] <= expected["max_cost_usd"]
    assert report["usage"]["cost_usd"] == pytest.approx(expected["cost_usd"], rel=0.6)
    assert report["detected_style"] == expected["detected_style"]
    assert report["style_reasons"] == expected["style_reasons"]


def test_it_needs_no_library_that_the_api_s_package_lacks() -> None:
    absent = ("openai", "jinja2", "fpdf", "markdown_it", "uharfbuzz", "fontTools")
    program = f"import sys; sys.modules.update(dict.fromkeys({absent!r})); import app; import chalicelib.api.estimate"
    subprocess.run([sys.executable, "-c", program], check=True)
