"""A worker of honey jars dies after any of its calls: a document is found once, and what is deleted leaves nothing."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from chalicelib.domain.clock import now
from chalicelib.knowledge.read_content import read_content
from chalicelib.services import index_documents
from chalicelib.settings import settings
from chalicelib.stores import aws
from chalicelib.stores.stores import stores
from tests.support.honey_jars import Jars, handle, messages, stored_keys, work
from tests.support.service import Service
from tests.support.table_state import items_now

pytestmark = pytest.mark.timeout(120)


class Killed(BaseException):
    """The process is gone."""


@contextmanager
def killed_after(calls: int) -> Iterator[list[str]]:
    """Let the worker die once it has made so many AWS calls; yield their names."""
    made: list[str] = []

    def before(model: Any, **_: Any) -> None:
        if len(made) >= calls:
            raise Killed
        made.append(model.name)

    clients: list[Any] = [aws.dynamodb_client(), aws.sqs_client(), aws.s3_client()]
    for client in clients:
        client.meta.events.register("provide-client-params.*.*", before)
    try:
        yield made
    finally:
        for client in clients:
            client.meta.events.unregister("provide-client-params.*.*", before)


@pytest.fixture
def jars(service: Service, monkeypatch: pytest.MonkeyPatch) -> Jars:
    monkeypatch.setattr(index_documents, "read_document", read_content)
    # Whoever died has no lease any more, and two segments are enough to be merged.
    monkeypatch.setattr(index_documents, "LEASE_SECONDS", -1)
    monkeypatch.setattr(index_documents, "_LOCK_SECONDS", -1)
    monkeypatch.setattr(index_documents, "_MERGED_AT_ONCE", 2)
    return Jars(service)


def _dies(body: str, calls: int) -> bool:
    try:
        with killed_after(calls):
            handle(body)
    except Killed:
        return True
    return False


def _swept(jars: Jars) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chalicelib.services.knowledge_due.now", lambda: now() + timedelta(minutes=20))
        jars.service.sweep()
    work()


def test_killed_while_it_indexes_and_while_it_deletes(jars: Jars) -> None:
    jar = jars.create()
    jars.add(jar, "one.txt", "common alpha")
    for calls in count():
        document = jars.upload(jar, {"two.txt": b"common beta"}).json()["data"]["document"]["id"]
        died = _dies(*messages(), calls)
        _swept(jars)
        assert jars.document(jar, document)["status"] == "ready", calls
        assert len(jars.search("common", [jar])) == 2, calls
        assert jars.request("DELETE", f"/honey-jars/{jar}/documents/{document}").status == 200
        died |= _dies(*messages(), calls)
        _swept(jars)
        assert [found["content"] for found in jars.search("common", [jar])] == ["common alpha"], calls
        assert not [key for key in stored_keys() if document in key], calls
        assert not [key for key in items_now([settings().knowledge_table]) if document in "".join(key)], calls
        (segment,) = stores().knowledge.manifest(jar).segments
        assert stored_keys(f"knowledge/{jar}/segments/") == {segment.key}, "what was left goes with the document"
        if not died:
            break
    assert calls >= 15


def test_killed_while_it_deletes_a_jar(jars: Jars) -> None:
    for calls in count():
        jar = jars.create()
        jars.upload(jar, {"one.txt": b"common alpha"})
        messages()
        assert jars.request("DELETE", f"/honey-jars/{jar}").status == 200
        died = _dies(*messages(), calls)
        _swept(jars)
        assert not [key for key in stored_keys() if jar in key], calls
        assert not [key for key in items_now([settings().knowledge_table]) if jar in "".join(key)], calls
        if not died:
            break
    assert calls >= 5


def test_two_workers_and_deletions_in_the_same_jar(jars: Jars, monkeypatch: pytest.MonkeyPatch) -> None:
    # Here nobody dies: leases and locks hold.
    monkeypatch.setattr(index_documents, "LEASE_SECONDS", 60)
    monkeypatch.setattr(index_documents, "_LOCK_SECONDS", 60)
    monkeypatch.setattr(index_documents, "_AGAIN_SECONDS", 0)
    jar = jars.create()
    files = {f"{number}.txt": f"common word{number}".encode() for number in range(6)}
    documents = [document["id"] for document in jars.upload(jar, files).json()["data"]["documents"]]
    bodies, gone = messages(), documents[::3]
    with ThreadPoolExecutor(3) as pool:
        working = [pool.submit(lambda part: [handle(body) for body in part], bodies[start::2]) for start in range(2)]
        for document in gone:
            assert jars.request("DELETE", f"/honey-jars/{jar}/documents/{document}").status == 200
        for one in working:
            one.result()
    while work():
        pass
    found = jars.search("common", [jar], top_k=50)
    assert sorted(one["document_id"] for one in found) == sorted(set(documents) - set(gone))
    manifest = stores().knowledge.manifest(jar)
    assert not manifest.gone
    assert stored_keys(f"knowledge/{jar}/segments/") <= {segment.key for segment in manifest.segments}
    assert not [key for key in stored_keys() for document in gone if document in key]
