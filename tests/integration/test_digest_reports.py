"""LLM=off: reports on honey jars without any model, through the API and the worker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.knowledge.read_content import read_content
from chalicelib.services import index_documents
from chalicelib.settings import settings
from tests.conftest import service_here
from tests.model_server import ModelServer
from tests.support.documents import pdf
from tests.support.honey_jars import Jars, work
from tests.support.scripted_receiver import ScriptedReceiver, answering
from tests.support.searxng import answer, form_of, page
from tests.support.service import Service, new_report

QUERY = "Write a 500 word overview of honey bees with sections on winter stores, varroa mites and pottery."
PAGES = [
    "Every colony of bees needs twelve kilograms of winter stores. Stores are weighed in October by Ms. Alice Weber.",
    "Varroa mites are counted on a white board. The mites are treated with oxalic acid in December.",
]


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Service, ModelServer]]:
    with pytest.MonkeyPatch.context() as patched, ModelServer() as model, service_here(patched, model) as made:
        patched.setenv("LLM", "off")
        patched.setattr(index_documents, "read_document", read_content)
        settings.cache_clear()
        yield made, model


@pytest.fixture
def service(shared: tuple[Service, ModelServer]) -> Iterator[Service]:
    settings.cache_clear()
    yield shared[0]
    assert shared[1].requests() == [], "nobody asked a model for anything"
    settings.cache_clear()


@pytest.fixture(scope="module")
def jar(shared: tuple[Service, ModelServer]) -> str:
    """A jar that all of these tests leave as it is."""
    return filled(shared[0])


def filled(service: Service) -> str:
    jars = Jars(service)
    made = jars.create("Apiary")
    jars.add(made, "bees.pdf", pdf(PAGES, title="Keeping bees"))
    jars.add(made, "notes.md", "# Mites\n\nVarroa mites weaken a colony until it dies.\n\n# Ships\n\nA vessel left.")
    return made


def ordered(service: Service, jar: str, **parameters: Any) -> dict[str, Any]:
    asked = {"user_query": QUERY} | parameters
    found: dict[str, Any] = service.finish(
        service.create("Bees", honey_jar_id=jar, output_format="md", parameters=asked)
    )
    return found


def text_of(service: Service, report: dict[str, Any]) -> str:
    return service.get(report["download_url"]).body.decode()


def test_a_report_is_a_digest_of_its_jar_and_says_so(service: Service, jar: str) -> None:
    report = ordered(service, jar)
    text = text_of(service, report)
    assert report["model"] == "none"
    assert report["usage"] == {"tokens_in": 0, "tokens_out": 0, "calls": 0, "cost_usd": 0.0}
    assert report["citations"]["claims"] == report["citations"]["supported"] == 5
    assert "extractive digest" in report["notices"][0]
    assert any("Pottery" in notice for notice in report["notices"])
    assert text.index("extractive digest") < text.index("twelve kilograms")
    for sentence in (*PAGES[0].split(". ", 1), *PAGES[1].split(". "), "Varroa mites weaken a colony until it dies"):
        assert sentence.rstrip(".") in text
    assert "vessel" not in text
    assert "Keeping bees" in text
    assert "Keeping bees, pages 1-2" in text


@pytest.mark.parametrize("output_format", ["pdf", "html", "docx"])
def test_it_comes_in_every_format(
    service: Service, jar: str, output_format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = ordered(service, jar)
    answer_ = service.get(f"{report['download_url']}?format={output_format}")
    assert answer_.status == 200
    assert len(answer_.body) > 1_000


def test_a_document_with_an_address_is_linked_and_with_a_false_one_is_not(service: Service) -> None:
    jars = Jars(service)
    jar = jars.create("Linked")
    for name, url in (("bees.pdf", "https://wiki.example/bees.pdf"), ("mites.pdf", "javascript:alert(1)")):
        content = pdf(PAGES[:1] if name == "bees.pdf" else PAGES[1:], title=name)
        assert jars.upload(jar, {name: content}, metadata=json.dumps({"url": url})).status == 201
    work()
    text = text_of(service, ordered(service, jar))
    assert "https://wiki.example/bees.pdf#page=1" in text
    assert "mites.pdf, page 1" in text
    assert "javascript" not in text


def test_without_a_jar_it_is_refused_with_what_to_set(service: Service) -> None:
    refused = service.post("/api/reports/", new_report())
    assert refused.status == 400
    (detail,) = refused.json()["details"]
    assert detail["field"] == "honey_jar_id"
    assert "LLM_BASE_URL" in detail["message"]


def test_one_that_was_ordered_from_a_model_fails_with_what_to_do(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM", "on")
    settings.cache_clear()
    report_id = service.create("Bees", parameters={"user_query": QUERY})
    monkeypatch.setenv("LLM", "off")
    settings.cache_clear()
    service.work()
    report = service.report(report_id)
    assert report["status"] == "failed"
    assert "Order it with a honey_jar_id." in report["error_message"]


def test_an_estimate_costs_nothing_and_a_cost_limit_holds(service: Service, jar: str) -> None:
    body = new_report(honey_jar_id=jar, parameters={"user_query": "What about mites?", "max_cost_usd": 0.01})
    found = service.post("/api/reports/estimate", body).json()["data"]["estimate"]
    assert (found["calls"], found["cost_usd"], found["model"], found["words"]) == (0, 0.0, "none", 1200)
    assert service.post("/api/reports/", body).status == 201
    service.work()


def test_a_jar_that_is_gone_fails_the_report(service: Service) -> None:
    jar = filled(service)
    report_id = service.create("Bees", honey_jar_id=jar, parameters={"user_query": QUERY})
    assert Jars(service).request("DELETE", f"/honey-jars/{jar}").status == 200
    service.work()
    report = service.report(report_id)
    assert report["status"] == "failed"
    assert "Honey jar not found" in report["error_message"]


def test_a_jar_that_says_nothing_of_it_fails_the_report(service: Service, jar: str) -> None:
    report_id = service.create("X", honey_jar_id=jar, parameters={"user_query": "Compare quantum computers."})
    service.work()
    report = service.report(report_id)
    assert report["status"] == "failed"
    assert "say nothing" in report["error_message"]


def test_the_web_is_searched_where_it_was_ordered_and_cited(
    service: Service, jar: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mites = page(1, title="On varroa", content="Varroa mites were first seen on Java by a collector of bees in 1904.")
    with ScriptedReceiver(answering("200 OK", body=answer(mites))) as instance:
        monkeypatch.setenv("WEB_SEARCH_URL", f"http://127.0.0.1:{instance.port}")
        settings.cache_clear()
        query = f"{QUERY.replace('pottery', 'Weber and pottery')} Contact: Ms. Alice Weber, alice@weber.example."
        text = text_of(service, ordered(service, jar, user_query=query, web_search=True))
        asked = [form_of(request)["q"] for request in instance.requests]
        ordered(service, jar)
        assert len(instance.requests) == len(asked), "not ordered, not searched"
    assert "first seen on Java" in text
    assert "https://pages.example/1" in text
    assert 1 <= len(asked) <= 6
    assert not [query for query in asked if "Weber" in query or "alice" in query]


def test_a_search_that_cannot_be_had_any_more_is_told(
    service: Service, jar: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEB_SEARCH_URL", "http://127.0.0.1:9")
    settings.cache_clear()
    report_id = service.create("Bees", honey_jar_id=jar, parameters={"user_query": QUERY, "web_search": True})
    monkeypatch.delenv("WEB_SEARCH_URL")
    settings.cache_clear()
    assert any("The web was not searched" in notice for notice in service.finish(report_id)["notices"])


def test_a_search_that_fails_costs_the_report_nothing_but_a_notice(
    service: Service, jar: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedReceiver(answering("403 Forbidden")) as instance:
        monkeypatch.setenv("WEB_SEARCH_URL", f"http://127.0.0.1:{instance.port}")
        settings.cache_clear()
        report = ordered(service, jar, web_search=True)
    assert any("web search did not answer" in notice for notice in report["notices"])
    assert "twelve kilograms" in text_of(service, report)


def test_a_web_search_that_cannot_be_had_is_refused(service: Service, jar: str) -> None:
    refused = service.post(
        "/api/reports/", new_report(honey_jar_id=jar, parameters={"user_query": QUERY, "web_search": True})
    )
    assert (refused.status, refused.json()["details"][0]["field"]) == (400, "parameters.web_search")
    wrong = service.post("/api/reports/", new_report(parameters={"user_query": QUERY, "web_search": "yes"}))
    assert wrong.status == 400
