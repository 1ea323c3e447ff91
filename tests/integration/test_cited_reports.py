"""Reports on a honey jar from the order to the file: sources are cited, checked and listed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import docx
import pypdf
import pytest

from chalicelib.generation.citation_report import TITLE
from chalicelib.generation.citing import NOT_SUPPORTED
from chalicelib.knowledge.read_content import read_content
from chalicelib.services import index_documents
from chalicelib.settings import settings
from chalicelib.stores import aws
from tests.conftest import service_here
from tests.model_server import ModelServer
from tests.support.honey_jars import Jars
from tests.support.service import Service, counted_calls
from tests.support.table_state import Kept, keep, put_back

OTHERS = ("md", "html", "docx")
QUERY = "Write a 700 word report on bees in winter."
BEES = """# Bees in winter

A colony of average strength needs about 18 kilograms of stores to survive the winter. Maren Osterwald
(maren.osterwald@example.org) has kept bees near Husum since 1998.

## Feeding bees in winter

Feeding should be finished by the middle of September. Syrup that is taken in late cannot be ripened any more.

## Risks of winter

Damp hives cost more colonies than frost. Mice enter hives whose entrance is higher than 8 millimetres.
"""
WRONG = "A colony of average strength needs about 81 kilograms of stores to survive the winter [1]."


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Service, ModelServer, Kept]]:
    with pytest.MonkeyPatch.context() as patch, ModelServer() as model, service_here(patch, model) as made:
        yield made, model, keep()


@pytest.fixture
def service(shared: tuple[Service, ModelServer, Kept], monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    made, model, empty = shared
    monkeypatch.setattr(index_documents, "read_document", read_content)  # without a process for each
    yield made
    model.script.control({"reset": True})
    put_back(empty)
    settings.cache_clear()


@pytest.fixture
def model(shared: tuple[Service, ModelServer, Kept]) -> ModelServer:
    return shared[1]


@pytest.fixture
def jar(service: Service) -> str:
    jars = Jars(service)
    made = jars.create("Bees")
    assert jars.add(made, "bees.md", BEES)["status"] == "ready"
    return made


def ordered(service: Service, jar: str, output_format: str = "md", **how: Any) -> str:
    return service.create(
        "Bees", parameters={"user_query": QUERY}, honey_jar_id=jar, output_format=output_format, **how
    )


def downloaded(service: Service, report_id: str) -> bytes:
    answer = service.get(f"/api/reports/{report_id}/download")
    assert answer.status == 200
    return answer.body


def pdf_of(content: bytes) -> tuple[list[str], int]:
    """Return the text of a PDF's pages, and how many links lead to another place in it."""
    reader = pypdf.PdfReader(io.BytesIO(content))
    links = [
        annotation.get_object()
        for page in reader.pages
        for annotation in page.get("/Annots") or ()
        if annotation.get_object().get("/Subtype") == "/Link"
    ]
    inside = sum("/Dest" in link or link.get("/A", {}).get("/S") == "/GoTo" for link in links)
    return [" ".join(page.extract_text().split()) for page in reader.pages], inside


def text_of_docx(content: bytes) -> str:
    return "\n".join(paragraph.text for paragraph in docx.Document(io.BytesIO(content)).paragraphs)


def test_a_planted_false_citation_is_found_marked_and_counted_in_every_format(
    service: Service, model: ModelServer, jar: str
) -> None:
    model.fault("cite", times=None, texts_only=True, text=WRONG)
    report_id = ordered(service, jar, "pdf")
    report = service.finish(report_id)
    citations = report["citations"]
    assert citations["claims"] > citations["supported"] > 0
    wrong = citations["unsupported"][0]
    assert wrong["sentence"] == WRONG.replace(" [1]", "")
    assert wrong["source"].startswith("[1] Bees in winter")
    assert wrong["reason"] == "the number 81 does not stand there"
    assert any("cite sources that do not support them" in request.prompt for request in model.requests())
    pages, links = pdf_of(downloaded(service, report_id))
    text = " ".join(pages)
    assert f"81 kilograms of stores to survive the winter [1] {NOT_SUPPORTED}" in text
    assert f"18 kilograms of stores to survive the winter [1] {NOT_SUPPORTED}" not in text
    assert "[1] Bees in winter" in text[text.rindex("References") :]
    assert TITLE in pages[-1]
    assert "the number 81 does not stand there" in pages[-1]
    assert links > 10
    others = {name: service.get(f"/api/reports/{report_id}/download?format={name}").body for name in OTHERS}
    assert 'href="#reference-1"' in others["html"].decode()
    texts = [others["md"].decode().replace("\\", ""), others["html"].decode(), text_of_docx(others["docx"])]
    for text in texts:
        assert text.rindex("References") < text.rindex(TITLE) < text.rindex("the number 81 does not stand there")
        assert NOT_SUPPORTED in text


def test_what_is_private_in_a_source_reaches_no_model_and_stands_in_the_report(
    service: Service, model: ModelServer, jar: str
) -> None:
    model.fault("cite", times=None, texts_only=True, text="⟦PERSON_1⟧ keeps 81 hives [1].")
    report_id = ordered(service, jar)
    with counted_calls() as calls:
        service.work()
    report = service.report(report_id)
    sent = "\n".join(request.prompt for request in model.requests())
    assert "Husum" in sent
    assert "Osterwald" not in sent
    assert "maren" not in sent.lower()
    text = downloaded(service, report_id).decode().replace("\\", "")
    assert "Maren Osterwald (maren.osterwald@example.org) has kept bees" in text
    assert "“Maren Osterwald keeps 81 hives.”" in text[text.index(TITLE) :]
    assert report["pii"]["by_type"]["email"] == 1
    # The record has backups that nobody can delete from: no private value of a source may stand there.
    assert report["citations"]["unsupported"][0]["sentence"] == "(person 1) keeps 81 hives."
    records = aws.dynamodb_client().scan(TableName=settings().reports_table)["Items"]
    assert "81 hives" in repr(records)
    assert "Osterwald" not in repr(records)
    parts = {
        request.prompt.split("Write the part “")[1].split("”")[0]
        for request in model.requests()
        if "Write the part" in request.prompt
    }
    assert calls["BatchGetItem"] == len(parts)  # who may read, and what the index consists of, for each
    assert calls["GetObject"] == 1  # the index itself, once in a process


def test_a_jar_that_is_gone_when_the_report_is_written_fails_it_with_the_reason(
    service: Service, model: ModelServer, jar: str
) -> None:
    report_id = ordered(service, jar)
    assert Jars(service).request("DELETE", f"/honey-jars/{jar}").status == 200
    service.work()
    report = service.report(report_id)
    assert report["status"] == "failed"
    assert report["error_message"].startswith("Honey jar not found")
    assert not any("Write the part" in request.prompt for request in model.requests())


def test_whoever_may_not_read_the_jar_any_more_gets_no_report_of_it(
    service: Service, model: ModelServer, jar: str
) -> None:
    owner, bob = Jars(service), service.new_key("bob")
    assert owner.request("PUT", f"/honey-jars/{jar}", {"type": "restricted", "allowed_users": ["bob"]}).status == 200
    report_id = ordered(service, jar, key=bob)
    assert owner.request("PUT", f"/honey-jars/{jar}", {"type": "private"}).status == 200
    service.work()
    report = service.report(report_id, key=bob)
    assert report["status"] == "failed"
    assert report["error_message"].startswith("Honey jar not found")
    assert "kilograms" not in "\n".join(request.prompt for request in model.requests())


def test_a_jar_with_nothing_that_fits_is_said_and_no_error(service: Service, model: ModelServer) -> None:
    jars = Jars(service)
    other = jars.create("Tariffs")
    jars.add(other, "tariffs.txt", "Zollsätze für Schrauben betragen drei Prozent.")
    report = service.finish(ordered(service, other))
    assert any(notice.startswith("Nothing in the sources fits") for notice in report["notices"])
    assert report["citations"] == {"claims": 0, "supported": 0, "unsupported": [], "removed": 0}


def test_a_report_without_a_jar_has_no_citations(service: Service) -> None:
    report = service.finish(service.create())
    assert report["citations"] is None
