"""A honey jar over HTTP, in the processes of the embedded stack."""

from __future__ import annotations

from typing import Any

import requests

from tests.conftest import RunningStack
from tests.support.documents import docx, encrypted_pdf, pdf
from tests.support.waiting import wait_for

JARS = "/api/knowledge/honey-jars"


def test_documents_are_read_found_and_deleted(shared_stack: RunningStack) -> None:
    client = shared_stack.client
    jar = client.request("POST", JARS, json={"name": "Beekeeping"}).json()["data"]["honey_jar"]["id"]
    documents = f"{JARS}/{jar}/documents"
    sent = [
        ("files", ("bees.pdf", pdf(["Hives stand in the orchard.", "Feed the colony before the first frost."]))),
        ("files", ("yield.docx", docx(("Yield", "Heading 1"), ("In June twelve kilograms.", "")))),
        ("files", ("closed.pdf", encrypted_pdf("secret"))),
    ]
    assert client.request("POST", documents, files=sent).status_code == 201
    large = b"Records of an apiary.\n\n" * 20_000
    announced = client.request("POST", f"{documents}/uploads", json={"filename": "a.txt", "size_bytes": len(large)})
    place = announced.json()["data"]["upload"]
    assert requests.put(place["url"], data=large, timeout=30).status_code == 200
    announced_id = announced.json()["data"]["document"]["id"]
    assert client.request("POST", f"{documents}/{announced_id}/complete").status_code == 202

    def ended() -> Any:
        found = client.request("GET", documents).json()["data"]["documents"]
        return found if all(document["status"] in ("ready", "failed") for document in found) else None

    read = {document["filename"]: document for document in wait_for(ended, 60, "the documents")}
    assert {name: (d["status"], d["error_code"], d["pages"]) for name, d in read.items()} == {
        "bees.pdf": ("ready", None, 2),
        "yield.docx": ("ready", None, None),
        "closed.pdf": ("failed", "encrypted", None),
        "a.txt": ("ready", None, None),
    }
    found = client.request("POST", "/api/knowledge/search", json={"query": "feed before frost"}).json()["results"]
    assert (found[0]["metadata"]["filename"], found[0]["metadata"]["last_page"]) == ("bees.pdf", 2)
    assert client.request("DELETE", f"{JARS}/{jar}").status_code == 200
    assert client.request("POST", "/api/knowledge/search", json={"query": "frost"}).json()["results"] == []
