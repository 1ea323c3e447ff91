"""Bad input gets a 4xx that names the field; nothing is written and nothing is queued."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.service import PRIORITIES, TEMPLATE_ID, Service, counted_calls, new_report

WRITES = ("PutItem", "UpdateItem", "SendMessage", "PutObject", "BatchWriteItem", "TransactWriteItems")


def without(name: str) -> dict[str, Any]:
    return {k: v for k, v in new_report().items() if k != name}


def parameters(**fields: Any) -> dict[str, Any]:
    return new_report(parameters={"user_query": "A question"} | fields)


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = {"a": value}
    return value


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("no template", without("template_id"), "template_id"),
    ("no title", without("title"), "title"),
    ("blank title", new_report("   "), "title"),
    ("null title", new_report(title=None), "title"),
    ("title of a wrong type", new_report(title=7), "title"),
    ("title over 255", new_report("x" * 256), "title"),
    ("template of a wrong type", new_report(template_id=["a"]), "template_id"),
    ("template id over 64", new_report(template_id="x" * 65), "template_id"),
    ("description of a wrong type", new_report(description={}), "description"),
    ("description over 2000", new_report(description="x" * 2001), "description"),
    ("unknown priority", new_report(priority="critical"), "priority"),
    ("priority of a wrong type", new_report(priority=1), "priority"),
    ("unknown format", new_report(output_format="exe"), "output_format"),
    ("format the template does not list", new_report(output_format="docx"), "output_format"),
    ("no parameters", without("parameters"), "parameters"),
    ("parameters of a wrong type", new_report(parameters="text"), "parameters"),
    ("parameters as a list", new_report(parameters=[]), "parameters"),
    ("no query", new_report(parameters={}), "parameters.user_query"),
    ("blank query", parameters(user_query=" \n\t"), "parameters.user_query"),
    ("null query", parameters(user_query=None), "parameters.user_query"),
    ("query over 20000", parameters(user_query="x" * 20_001), "parameters.user_query"),
    ("unknown mode", parameters(generation_mode="telepathic"), "parameters.generation_mode"),
    ("conversation of a wrong type", parameters(conversation_id=7), "parameters.conversation_id"),
    ("context of a wrong type", parameters(context="text"), "parameters.context"),
    ("unknown style", parameters(report_style="poem"), "parameters.report_style"),
    ("cost limit of a wrong type", parameters(max_cost_usd="1"), "parameters.max_cost_usd"),
    ("cost limit as a boolean", parameters(max_cost_usd=True), "parameters.max_cost_usd"),
    ("cost limit of nothing", parameters(max_cost_usd=0), "parameters.max_cost_usd"),
    ("cost limit below nothing", parameters(max_cost_usd=-0.01), "parameters.max_cost_usd"),
    ("cost limit over 1000", parameters(max_cost_usd=1000.01), "parameters.max_cost_usd"),
    ("cost limit without a price", parameters(max_cost_usd=1), "parameters.max_cost_usd"),
    ("parameters over 64 KB", parameters(context={"a": "x" * 65_536}), "parameters"),
    ("scrambling of a wrong type", new_report(scrambling_enabled="yes"), "scrambling_enabled"),
    ("honey jar of a wrong type", new_report(honey_jar_id=7), "honey_jar_id"),
]


@pytest.mark.parametrize(("body", "field"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
@pytest.mark.parametrize("path", ["/api/reports/", "/api/reports/estimate"])
def test_a_bad_field_is_400_and_named(service: Service, path: str, body: dict[str, Any], field: str) -> None:
    with counted_calls() as calls:
        answer = service.post(path, body)
    assert answer.status == 400
    found = answer.json()
    assert found["success"] is False
    assert found["error"]
    assert field in [d["field"] for d in found["details"]]
    assert all(d["message"] for d in found["details"])
    assert not set(calls) & set(WRITES)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"  ",
        b"null",
        b"[]",
        b'"text"',
        b"7",
        b"{",
        b"{'a': 1}",
        b"\xff\xfe",
        b'{"title": NaN}',
        b'{"a": Infinity}',
        b'{"title": "\\ud800"}',
        b'{"a": 1e400}',
        b"\xff\xfe{\x00}\x00",
        b'{"a":' * 51 + b"1" + b"}" * 51,
        b'{"a":' * 935 + b"1" + b"}" * 935,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b"9" * 5000,
    ],
    ids=lambda raw: repr(raw[:20]),
)
def test_a_body_that_is_no_json_object_is_json_data_required(service: Service, raw: bytes) -> None:
    answer = service.post("/api/reports/", raw, headers={"Content-Type": "application/json"})
    assert answer.status == 400
    assert answer.json()["error"] == "JSON data required"


def test_fifty_levels_are_fine_and_come_back(service: Service) -> None:
    body = parameters(context=nested(48))
    report_id = service.create(parameters=body["parameters"])
    assert service.report(report_id)["parameters"]["context"] == nested(48)
    assert service.get("/api/reports/").status == 200


def test_null_means_absent_for_every_optional_field(service: Service) -> None:
    optional = dict.fromkeys(("generation_mode", "conversation_id", "context", "report_style", "max_cost_usd"))
    assert service.post("/api/reports/", parameters(**optional)).status == 201


def test_both_missing_have_the_contracts_text(service: Service) -> None:
    answer = service.post("/api/reports/", {"description": "x"})
    assert answer.json()["error"] == "template_id and title are required"


def test_an_unknown_template_is_404(service: Service) -> None:
    for template_id in ("991a8dca-b90c-406d-9a64-dcc9b1bec33c", "nope"):
        answer = service.post("/api/reports/", new_report(template_id=template_id))
        assert answer.status == 404
        assert "Template not found" in answer.json()["error"]


def test_an_unknown_honey_jar_is_404_and_never_ignored(service: Service) -> None:
    answer = service.post("/api/reports/", new_report(honey_jar_id="hj_1"))
    assert (answer.status, answer.json()["error"]) == (404, "Honey jar not found")
    assert service.get("/api/reports/").json()["data"]["pagination"]["total"] == 0


def test_a_body_over_4_mb_is_413(service: Service) -> None:
    answer = service.post("/api/reports/", new_report(description="x" * (4 * 1024 * 1024)))
    assert (answer.status, answer.json()["success"]) == (413, False)


def test_a_bad_delivery_is_400(service: Service) -> None:
    answer = service.get(f"/api/reports/{service.create()}/download?delivery=pigeon")
    assert [d["field"] for d in answer.json()["details"]] == ["delivery"]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "template_id": st.just(TEMPLATE_ID) | anything,
        "title": st.text(min_size=1, max_size=40) | anything,
        "description": st.text(max_size=40) | anything,
        "priority": st.sampled_from(PRIORITIES) | anything,
        "parameters": st.fixed_dictionaries(
            {"user_query": st.text(max_size=40) | anything},
            optional={"conversation_id": st.text(max_size=20) | anything, "max_cost_usd": st.floats(0, 1) | anything},
        )
        | anything,
        "output_format": st.sampled_from(["pdf", "md", "html", "docx"]) | anything,
        "honey_jar_id": st.none() | anything,
        "scrambling_enabled": st.booleans() | anything,
    },
)


@given(body=bodies)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_sent_is_201_or_a_named_4xx(service: Service, body: dict[str, Any]) -> None:
    answer = service.post("/api/reports/", json.dumps(body).encode(), headers={"Content-Type": "application/json"})
    if answer.status == 201:
        shown = service.report(answer.json()["data"]["report"]["id"])
        assert shown["title"] == body["title"].strip()
        assert shown["parameters"] == body["parameters"]
    else:
        assert answer.status in (400, 404)
        assert answer.json()["success"] is False
        if answer.status == 400:
            assert answer.json()["details"] or answer.json()["error"] == "JSON data required"


def test_a_limit_that_no_price_backs_says_what_to_set(service: Service) -> None:
    answer = service.post("/api/reports/", parameters(max_cost_usd=1))
    assert "LLM_PRICES" in answer.json()["details"][0]["message"]


@given(query=st.dictionaries(st.sampled_from(["limit", "offset", "status", "search"]), st.text(max_size=20)))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_list_is_asked_it_answers(service: Service, query: dict[str, str]) -> None:
    from urllib.parse import urlencode

    text = urlencode(query, errors="surrogatepass") if query else ""
    assert service.get(f"/api/reports/?{text}").status in (200, 400)
