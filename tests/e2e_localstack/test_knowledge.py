"""Honey jars of a deployment: forms through the gateway, files by a link, reading, searching, deleting."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.e2e_localstack.conftest import Deployed
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.localstack, pytest.mark.timeout(600)]

QUEUE = "knowledge"
JARS = "/api/knowledge/honey-jars"
FILE = {"files": ("bees.md", b"# Bees\n\nWinter stores of eighteen kilograms.\n", "text/markdown")}

FALSE = "The winter stores are 81 kilograms [1]."

# Every route of honey jars: method and path, a request, and its answer.
ROUTES: dict[tuple[str, str], tuple[dict[str, Any], int]] = {
    ("GET", JARS): ({}, 200),
    ("POST", JARS): ({"json": {"name": "A jar"}}, 201),
    ("GET", f"{JARS}/{{jar_id}}"): ({}, 200),
    ("PUT", f"{JARS}/{{jar_id}}"): ({"json": {"type": "public"}}, 200),
    ("DELETE", f"{JARS}/{{jar_id}}"): ({}, 200),
    ("GET", f"{JARS}/{{jar_id}}/documents"): ({}, 200),
    ("POST", f"{JARS}/{{jar_id}}/documents"): ({"files": FILE}, 201),
    ("POST", f"{JARS}/{{jar_id}}/documents/upload"): ({"files": {"file": FILE["files"]}}, 201),
    ("POST", f"{JARS}/{{jar_id}}/documents/uploads"): ({"json": {"filename": "a.txt", "size_bytes": 1}}, 201),
    ("GET", f"{JARS}/{{jar_id}}/documents/{{document_id}}"): ({}, 200),
    ("DELETE", f"{JARS}/{{jar_id}}/documents/{{document_id}}"): ({}, 200),
    ("POST", f"{JARS}/{{jar_id}}/documents/{{document_id}}/complete"): ({}, 202),
    ("POST", "/api/knowledge/search"): ({"json": {"query": "winter"}}, 200),
}


@pytest.fixture
def jar(deployed: Deployed) -> Iterator[str]:
    answer = deployed.client.request("POST", JARS, json={"name": f"jar {uuid.uuid4()}"})
    assert answer.status_code == 201, answer.text
    jar_id = str(answer.json()["data"]["honey_jar"]["id"])
    yield jar_id
    assert deployed.client.request("DELETE", f"{JARS}/{jar_id}").status_code in (200, 404)


def uploaded(deployed: Deployed, jar: str) -> str:
    answer = deployed.client.request("POST", f"{JARS}/{jar}/documents", files=FILE)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["document"]["id"])


def status(deployed: Deployed, jar: str, document: str) -> str:
    answer = deployed.client.request("GET", f"{JARS}/{jar}/documents/{document}")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["data"]["document"]["status"])


@pytest.mark.parametrize(("method", "path"), sorted(ROUTES))
@pytest.mark.parametrize("slash", ["", "/"])
def test_every_route_in_both_spellings(deployed: Deployed, jar: str, method: str, path: str, slash: str) -> None:
    request, wanted = ROUTES[method, path]
    document = uploaded(deployed, jar) if "{document_id}" in path else ""
    named = path.replace("{jar_id}", jar).replace("{document_id}", document)
    answer = deployed.client.request(method, named + slash, **request)
    assert answer.status_code == wanted, answer.text
    if (method, path) == ("POST", JARS):
        made = answer.json()["data"]["honey_jar"]["id"]
        assert deployed.client.request("DELETE", f"{JARS}/{made}").status_code == 200


def found(deployed: Deployed, jar: str, query: str) -> list[dict[str, Any]]:
    answer = deployed.client.request("POST", "/api/knowledge/search", json={"query": query, "honey_jar_ids": [jar]})
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def test_the_whole_way_of_a_document(deployed: Deployed, jar: str) -> None:
    document = uploaded(deployed, jar)
    wait_for(lambda: status(deployed, jar, document) == "ready", 90, "the document", 0.5)
    assert "eighteen" in found(deployed, jar, "stores for winter")[0]["content"]
    assert deployed.client.request("DELETE", f"{JARS}/{jar}/documents/{document}").status_code == 200
    assert found(deployed, jar, "stores for winter") == []


def test_a_report_on_a_jar_cites_it_and_names_a_citation_that_is_false(deployed: Deployed, jar: str) -> None:
    document = uploaded(deployed, jar)
    wait_for(lambda: status(deployed, jar, document) == "ready", 90, "the document", 0.5)
    deployed.model.fault("cite", match="stores of bees", texts_only=True, times=None, text=FALSE)
    query = "Write a 300 word report on the winter stores of bees."
    asked = {"parameters": {"user_query": query}, "honey_jar_id": jar, "output_format": "md"}
    report_id = deployed.client.create("Winter stores", **asked)
    report = deployed.client.finished(report_id, seconds=180)
    citations = report["citations"]
    assert citations["claims"] > citations["supported"] > 0
    assert citations["unsupported"][0]["reason"] == "the number 81 does not stand there"
    text = deployed.client.request("GET", f"/api/reports/{report_id}/download").text.replace("\\", "")
    assert "eighteen kilograms" in text
    assert "[1] Bees" in text[text.rindex("References") :]


def test_a_file_that_is_put_by_a_link(deployed: Deployed, jar: str) -> None:
    content = b"Apiary records.\n\n" * 400_000
    announced = {"filename": "large.txt", "size_bytes": len(content)}
    answer = deployed.client.request("POST", f"{JARS}/{jar}/documents/uploads", json=announced)
    place, document = answer.json()["data"]["upload"], answer.json()["data"]["document"]["id"]
    assert requests.put(place["url"], data=content, timeout=60).status_code == 200
    complete = f"{JARS}/{jar}/documents/{document}/complete"
    assert deployed.client.request("POST", complete).status_code == 202
    wait_for(lambda: status(deployed, jar, document) in ("ready", "failed"), 180, "the document", 0.5)
    assert status(deployed, jar, document) == "ready"
    assert found(deployed, jar, "apiary")


def test_the_sweep_sends_what_was_lost(deployed: Deployed, jar: str) -> None:
    deployed.controls.pause_delivery(QUEUE)
    document = uploaded(deployed, jar)
    deployed.controls.purge(QUEUE)
    wait_for(lambda: deployed.controls.count(QUEUE) >= 1, 150, "the sweep's message", 1)
    deployed.controls.resume_delivery(QUEUE)
    wait_for(lambda: status(deployed, jar, document) == "ready", 90, "the document", 0.5)
