"""Honey jars from the request to the answer: filled, read, searched, deleted."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.clock import now
from chalicelib.domain.honey_jar import MAX_ALLOWED_USERS, Reader
from chalicelib.knowledge.read_content import read_content
from chalicelib.knowledge.read_document import read_document
from chalicelib.services import honey_jars as service_of_jars
from chalicelib.services import index_documents, search_knowledge
from chalicelib.services.honey_jars import HoneyJarNotFoundError
from chalicelib.services.retrieval import retrieve
from chalicelib.services.search_knowledge import forget_segments
from chalicelib.settings import settings
from chalicelib.stores import aws
from chalicelib.stores.dynamodb import Table
from chalicelib.stores.stores import stores
from tests.support.honey_jars import Jars, handle, messages, stored_keys, work, work_of
from tests.support.service import Service, counted_calls, new_report
from tests.support.table_state import items_now

HONEY = """# Keeping bees

Bees are kept in hives. A hive has a queen.

## Winter

Feed the colony with sugar syrup before the first frost; the cluster needs eighteen kilograms of stores.

## Harvest

| Month | Yield in kg |
|---|---|
| June | 12 |
| August | 9 |
"""


@pytest.fixture
def service(emptied_service: Service) -> Service:
    return emptied_service


@pytest.fixture
def jars(service: Service, monkeypatch: pytest.MonkeyPatch) -> Jars:
    # A process for each document takes its time; one test below has it.
    monkeypatch.setattr(index_documents, "read_document", read_content)
    return Jars(service)


def test_a_document_is_found_once_it_is_read(jars: Jars, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_documents, "read_document", read_document)
    jar = jars.create("Beekeeping", tags=["bees"], description="All about bees")
    answer = jars.upload(jar, {"bees.md": HONEY.encode()}, metadata=json.dumps({"author": "Maja"}))
    assert answer.status == 201
    document = answer.json()["data"]["documents"][0]
    assert (document["status"], document["metadata"]) == ("processing", {"author": "Maja"})
    assert jars.search("sugar syrup", [jar]) == []
    assert work() == 1
    ready = jars.document(jar, document["id"])
    assert (ready["status"], ready["title"], ready["chunks"]) == ("ready", "Keeping bees", 3)
    found = jars.search("What to feed a colony in winter?", [jar])
    assert "eighteen kilograms" in found[0]["content"]
    assert found[0]["metadata"]["headings"] == ["Keeping bees", "Winter"]
    assert (found[0]["honey_jar_name"], found[0]["document_id"]) == ("Beekeeping", document["id"])
    assert jars.search("yield in August", [jar])[0]["content"].endswith("August | 9")


def test_the_documented_answer_of_a_search(jars: Jars) -> None:
    jar = jars.create()
    jars.add(jar, "a.txt", "The quick brown fox.")
    body = jars.request("POST", "/search", {"query": "fox", "top_k": 3}).json()
    assert body["query"] == "fox"
    assert body["total_results"] == 1
    assert body["processing_time"] >= 0
    assert set(body["results"][0]) == {
        *("content", "score", "honey_jar_id", "honey_jar_name", "document_id", "metadata"),
    }
    assert body["data"]["results"] == body["results"]


def test_both_spellings_of_an_upload_and_several_files_at_once(jars: Jars) -> None:
    jar = jars.create()
    one = jars.upload(jar, {"one.txt": b"alpha"}, path="/upload", field="file")
    two = jars.upload(jar, {"two.txt": b"beta", "three.json": b'{"a": "gamma"}'}, path="/")
    assert two.json()["data"]["document"]["filename"] == "two.txt"
    assert (one.status, two.status) == (201, 201)
    assert [d["filename"] for d in two.json()["data"]["documents"]] == ["two.txt", "three.json"]
    work()
    listed = jars.request("GET", f"/honey-jars/{jar}/documents?limit=2").json()["data"]
    assert [d["filename"] for d in listed["documents"]] == ["three.json", "two.txt"]
    assert listed["pagination"] == {"total": 3, "limit": 2, "offset": 0}
    assert {jars.search(word, [jar])[0]["metadata"]["filename"] for word in ("alpha", "beta", "gamma")} == {
        *("one.txt", "two.txt", "three.json"),
    }


def test_a_large_file_is_put_by_a_link(jars: Jars) -> None:
    jar = jars.create()
    content = b"Apiary records. " * 30_000
    announced = {"filename": "large.txt", "size_bytes": len(content)}
    answer = jars.request("POST", f"/honey-jars/{jar}/documents/uploads", announced)
    assert answer.status == 201
    document = answer.json()["data"]["document"]["id"]
    complete = f"/honey-jars/{jar}/documents/{document}/complete"
    assert jars.request("POST", complete).status == 409
    key = f"uploads/knowledge/{jar}/{document}"
    assert key in answer.json()["data"]["upload"]["url"]
    aws.s3_client().put_object(Bucket=settings().artifacts_bucket, Key=key, Body=content[:-1])
    assert jars.request("POST", complete).status == 409, "not the size that was announced"
    aws.s3_client().put_object(Bucket=settings().artifacts_bucket, Key=key, Body=content)
    assert jars.request("POST", complete).json()["data"]["document"]["status"] == "processing"
    work()
    assert jars.document(jar, document)["status"] == "ready"
    assert jars.search("apiary", [jar])
    assert not stored_keys("uploads/")


def test_an_announced_file_that_never_came_is_forgotten(jars: Jars, monkeypatch: pytest.MonkeyPatch) -> None:
    jar = jars.create()
    announced = jars.request("POST", f"/honey-jars/{jar}/documents/uploads", {"filename": "a.txt", "size_bytes": 9})
    document = announced.json()["data"]["document"]["id"]
    jars.service.sweep()
    assert work() == 0
    monkeypatch.setattr("chalicelib.services.knowledge_due.now", lambda: now() + timedelta(hours=24))
    monkeypatch.setattr("chalicelib.services.index_documents.now", lambda: now() + timedelta(hours=24))
    jars.service.sweep()
    assert work() == 1
    assert jars.request("GET", f"/honey-jars/{jar}/documents/{document}").status == 404
    assert jars.request("GET", f"/honey-jars/{jar}").json()["data"]["honey_jar"]["document_count"] == 0


def test_a_repeated_upload_adds_nothing(jars: Jars) -> None:
    jar = jars.create()
    named = {"headers": {"Idempotency-Key": "one"}}
    first, again = (jars.upload(jar, {"a.txt": b"alpha"}, **named) for _ in range(2))
    assert first.json()["data"]["documents"][0]["id"] == again.json()["data"]["documents"][0]["id"]
    assert again.headers["idempotency-replayed"] == "true"
    assert jars.upload(jar, {"a.txt": b"beta"}, **named).status == 409
    work()
    assert jars.search("alpha", [jar])
    assert not jars.search("beta", [jar])


def test_documents_are_listed_by_when_they_came_also_where_requests_had_names(jars: Jars) -> None:
    jar = jars.create()
    for number in range(6):
        jars.upload(jar, {f"{number}.txt": b"x"}, headers={"Idempotency-Key": f"k{number}"} if number % 2 else {})
    listed = jars.request("GET", f"/honey-jars/{jar}/documents").json()["data"]["documents"]
    assert [d["filename"] for d in listed] == [f"{number}.txt" for number in reversed(range(6))]


def test_a_repeated_creation_makes_one_jar(jars: Jars) -> None:
    made = [
        jars.request("POST", "/honey-jars", {"name": "One"}, headers={"Idempotency-Key": "k"}).json() for _ in range(2)
    ]
    assert made[0]["data"]["honey_jar"]["id"] == made[1]["data"]["honey_jar"]["id"]
    other = jars.request("POST", "/honey-jars", {"name": "Two"}, headers={"Idempotency-Key": "k"})
    assert other.status == 409


# Deleting


def test_a_deleted_document_is_gone_from_search_at_once_and_from_everywhere_soon(jars: Jars) -> None:
    jar = jars.create()
    for number in range(9):
        jars.add(jar, f"{number}.txt", f"Common words and secret{number}.")
    assert any("/segments/" in key for key in stored_keys()), "some were merged by now"
    gone = jars.search("secret4", [jar])[0]["document_id"]
    assert jars.request("DELETE", f"/honey-jars/{jar}/documents/{gone}").status == 200
    assert jars.search("secret4", [jar]) == [], "before the worker came"
    assert jars.request("GET", f"/honey-jars/{jar}/documents/{gone}").status == 404
    assert work() == 1
    assert jars.search("secret4", [jar]) == []
    assert len(jars.search("common words", [jar], top_k=20)) == 8
    assert not [key for key in stored_keys() if gone in key]
    assert not _objects_with(b"secret4"), "no version of any file has it"
    assert not [key for key in items_now([settings().knowledge_table]) if gone in key[2]]


def _objects_with(text: bytes) -> list[str]:
    from chalicelib.knowledge.segment import Segment

    bucket, found = settings().artifacts_bucket, []
    for page in aws.s3_client().get_paginator("list_object_versions").paginate(Bucket=bucket):
        for version in page.get("Versions", ()):
            given = {"Bucket": bucket, "Key": version["Key"], "VersionId": version["VersionId"]}
            content = aws.s3_client().get_object(**given)["Body"].read()
            if version["Key"].endswith(".seg"):
                segment = Segment.from_bytes(content)
                content = repr([*segment.words, *map(segment.chunk, range(len(segment)))]).encode()
            if text in content:
                found.append(version["Key"])
    return found


def test_a_deleted_jar_leaves_nothing(jars: Jars) -> None:
    kept, gone = jars.create("kept"), jars.create("gone", type="public")
    jars.add(kept, "a.txt", "alpha")
    jars.add(gone, "a.txt", "alpha")
    assert jars.request("DELETE", f"/honey-jars/{gone}").status == 200
    assert jars.request("GET", f"/honey-jars/{gone}").status == 404
    assert jars.request("POST", "/search", {"query": "alpha", "honey_jar_ids": [gone]}).status == 404
    assert jars.upload(gone, {"b.txt": b"beta"}).status == 404
    assert [found["honey_jar_id"] for found in jars.search("alpha")] == [kept]
    work()
    assert not [key for key in stored_keys() if gone in key]
    assert not [key for key in items_now([settings().knowledge_table]) if gone in "".join(key)]
    assert jars.search("alpha")


def test_a_document_that_is_deleted_while_it_is_read_leaves_nothing(
    jars: Jars, monkeypatch: pytest.MonkeyPatch
) -> None:
    jar = jars.create()
    document = jars.upload(jar, {"a.txt": b"alpha"}).json()["data"]["document"]["id"]
    real = index_documents.read_document

    def deleted_meanwhile(*given: Any) -> Any:
        assert jars.request("DELETE", f"/honey-jars/{jar}/documents/{document}").status == 200
        return real(*given)

    monkeypatch.setattr(index_documents, "read_document", deleted_meanwhile)
    for body in messages():
        handle(body)
    assert jars.search("alpha", [jar]) == []
    assert work() == 1
    assert stored_keys() == set()


def test_a_deletion_waits_for_a_worker_that_may_still_store_something(jars: Jars) -> None:
    jar = jars.create()
    document = jars.upload(jar, {"a.txt": b"alpha"}).json()["data"]["document"]["id"]
    messages()
    assert stores().knowledge.claim(jar, document, now(), now() + timedelta(seconds=5))
    jars.request("DELETE", f"/honey-jars/{jar}/documents/{document}")
    jars.request("DELETE", f"/honey-jars/{jar}")
    messages()
    handle(work_of(jar, document))
    handle(work_of(jar))
    assert stores().knowledge.jar(jar) is not None
    assert len(items_now([settings().knowledge_table])) >= 3


@pytest.mark.parametrize("content", [b"alpha", b" "])
def test_a_document_that_is_deleted_while_it_is_read_and_cannot_be_used_leaves_nothing(
    jars: Jars, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    jar = jars.create()
    document = jars.upload(jar, {"a.txt": content}).json()["data"]["document"]["id"]
    real = index_documents.read_document

    def deleted_meanwhile(*given: Any) -> Any:
        assert jars.request("DELETE", f"/honey-jars/{jar}/documents/{document}").status == 200
        return real(*given)

    monkeypatch.setattr(index_documents, "read_document", deleted_meanwhile)
    monkeypatch.setattr(index_documents, "_LOCK_PATIENCE_SECONDS", 0)
    # For the document that can be read, the index is another's.
    assert stores().knowledge.lock_index(jar, "another", now(), now() + timedelta(minutes=1))
    for body in messages():
        handle(body)
    stores().knowledge.unlock_index(jar, "another")
    work()
    assert stored_keys() == set()


def test_a_repeated_upload_of_what_is_being_deleted_is_refused_and_stores_nothing(jars: Jars) -> None:
    jar = jars.create()
    named = {"headers": {"Idempotency-Key": "one"}}
    files = {"a.txt": b"alpha", "b.txt": b"beta"}
    first, second = (d["id"] for d in jars.upload(jar, files, **named).json()["data"]["documents"])
    jars.request("DELETE", f"/honey-jars/{jar}/documents/{first}")
    again = jars.upload(jar, files, **named)
    assert [d["id"] for d in again.json()["data"]["documents"]] == [second], "what is left of them"
    assert jars.upload(jar, {"a.txt": b"gamma", "b.txt": b"delta"}, **named).status == 409
    jars.request("DELETE", f"/honey-jars/{jar}/documents/{second}")
    assert jars.upload(jar, files, **named).status == 409
    work()
    assert stored_keys() == set()


def test_a_jar_is_gone_also_where_dynamodb_does_not_take_all_at_once(
    jars: Jars, monkeypatch: pytest.MonkeyPatch
) -> None:
    jar = jars.create()
    for number in range(3):
        jars.add(jar, f"{number}.txt", "alpha")
    jars.request("DELETE", f"/honey-jars/{jar}")
    real = Table.delete_many
    monkeypatch.setattr(Table, "delete_many", lambda self, keys: real(self, keys[:1]))
    work()
    assert not [key for key in items_now([settings().knowledge_table]) if jar in "".join(key)]


# Troubles


def test_a_jar_takes_no_more_than_can_be_searched(jars: Jars, monkeypatch: pytest.MonkeyPatch) -> None:
    jar = jars.create()
    first = jars.add(jar, "one.txt", "alpha")
    size = stores().knowledge.manifest(jar).size_bytes
    monkeypatch.setattr(index_documents, "MAX_INDEX_BYTES", size + 10)
    second = jars.add(jar, "two.txt", "alpha")
    assert (first["status"], second["status"], second["error_code"]) == ("ready", "failed", "jar_full")
    assert jars.request("DELETE", f"/honey-jars/{jar}/documents/{first['id']}").status == 200
    work()
    assert jars.add(jar, "three.txt", "alpha")["status"] == "ready"


def test_a_search_goes_through_so_much_and_tells_what_it_left_out(
    jars: Jars, strangers: dict[str, Jars], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = jars.create("own")
    jars.add(own, "a.txt", "alpha")
    foreign = strangers["bob"].create("published", type="public")
    strangers["bob"].add(foreign, "a.txt", "alpha")
    monkeypatch.setattr(search_knowledge, "SEARCHED_BYTES", stores().knowledge.manifest(own).size_bytes + 10)
    everything = jars.request("POST", "/search", {"query": "alpha"}).json()
    assert ([found["honey_jar_id"] for found in everything["results"]], everything["honey_jars_left_out"]) == ([own], 1)
    named = jars.request("POST", "/search", {"query": "alpha", "honey_jar_ids": [foreign, own]})
    assert (named.status, named.json()["details"][0]["field"]) == (400, "honey_jar_ids")
    assert jars.search("alpha", [foreign])


def test_what_strangers_publish_takes_no_place_from_own_jars(
    jars: Jars, strangers: dict[str, Jars], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = jars.create("own")
    jars.add(own, "a.txt", "alpha")
    for _ in range(2):
        strangers["bob"].create("published", type="public")
    monkeypatch.setattr(search_knowledge, "MOST_JARS", 2)
    assert jars.search("alpha")


def test_what_the_queue_did_not_take_is_sent_by_the_sweep(jars: Jars, monkeypatch: pytest.MonkeyPatch) -> None:
    jar = jars.create()
    document = jars.upload(jar, {"a.txt": b"alpha"}).json()["data"]["document"]["id"]
    assert len(messages()) == 1, "and it is lost"
    jars.service.sweep()
    assert not messages(), "not yet"
    monkeypatch.setattr("chalicelib.services.knowledge_due.now", lambda: now() + timedelta(minutes=5))
    jars.service.sweep()
    assert work() == 1
    assert jars.document(jar, document)["status"] == "ready"


def test_a_worker_that_dies_again_and_again_ends_in_a_status(jars: Jars, monkeypatch: pytest.MonkeyPatch) -> None:
    jar = jars.create()
    document = jars.upload(jar, {"a.txt": b"alpha"}).json()["data"]["document"]["id"]
    messages()
    monkeypatch.setattr(index_documents, "LEASE_SECONDS", -1)
    monkeypatch.setattr(index_documents, "read_document", lambda *_: 1 / 0)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            handle(work_of(jar, document))
    handle(work_of(jar, document))
    failed = jars.document(jar, document)
    assert (failed["status"], failed["error_code"]) == ("failed", "timeout")
    assert "3 attempts" in failed["message"]
    assert not stored_keys()


def test_one_bad_document_leaves_the_others_alone(jars: Jars) -> None:
    jar = jars.create()
    answer = jars.upload(jar, {"bad.pdf": b"%PDF-1.7 nonsense", "empty.txt": b"", "good.txt": b"alpha"})
    assert answer.status == 201
    work()
    documents = jars.request("GET", f"/honey-jars/{jar}/documents").json()["data"]["documents"]
    told = {d["filename"]: (d["status"], d["error_code"], bool(d["message"])) for d in documents}
    assert told == {
        "bad.pdf": ("failed", "damaged", True),
        "empty.txt": ("failed", "empty", True),
        "good.txt": ("ready", None, False),
    }
    assert jars.search("alpha", [jar])


def test_a_search_whose_segments_were_merged_meanwhile_reads_the_list_again(
    jars: Jars, monkeypatch: pytest.MonkeyPatch
) -> None:
    jar = jars.create()
    for number in range(8):
        jars.add(jar, f"{number}.txt", f"word{number} common")
    real, lists = type(stores().knowledge).indexed_jars, []

    def then_merged(self: Any, ids: Any) -> Any:
        found = real(self, ids)
        if not lists:
            lists.append(found)
            gone = jars.request("GET", f"/honey-jars/{jar}/documents").json()["data"]["documents"][0]["id"]
            jars.request("DELETE", f"/honey-jars/{jar}/documents/{gone}")
            work()
        return found

    monkeypatch.setattr(type(stores().knowledge), "indexed_jars", then_merged)
    forget_segments()
    assert len(jars.search("common", [jar], top_k=20)) == 7


# Who may


@pytest.fixture
def strangers(service: Service) -> dict[str, Jars]:
    return {name: Jars(service, service.new_key(name)) for name in ("bob", "carol")}


def test_a_private_jar_is_nobody_elses(jars: Jars, strangers: dict[str, Jars]) -> None:
    jar = jars.create("mine")
    document = jars.add(jar, "a.txt", "alpha")["id"]
    bob = strangers["bob"]
    for method, path, body in (
        ("GET", f"/honey-jars/{jar}", None),
        ("PUT", f"/honey-jars/{jar}", {"name": "his"}),
        ("DELETE", f"/honey-jars/{jar}", None),
        ("GET", f"/honey-jars/{jar}/documents", None),
        ("GET", f"/honey-jars/{jar}/documents/{document}", None),
        ("DELETE", f"/honey-jars/{jar}/documents/{document}", None),
        ("POST", f"/honey-jars/{jar}/documents/uploads", {"filename": "a.txt", "size_bytes": 1}),
        ("POST", f"/honey-jars/{jar}/documents/{document}/complete", None),
        ("POST", "/search", {"query": "alpha", "honey_jar_ids": [jar]}),
    ):
        answer = bob.request(method, path, body)
        assert (answer.status, answer.json()["error"]) == (404, "Honey jar not found"), (method, path)
    assert bob.upload(jar, {"a.txt": b"x"}).status == 404
    assert bob.search("alpha") == []
    assert bob.request("GET", "/honey-jars").json()["data"]["honey_jars"] == []
    assert jars.search("alpha", [jar])


def test_readers_of_a_public_or_restricted_jar_read_and_change_nothing(jars: Jars, strangers: dict[str, Jars]) -> None:
    public = jars.create("public", type="public")
    restricted = jars.create("restricted", type="restricted", allowed_users=["bob"])
    for jar in (public, restricted):
        jars.add(jar, "a.txt", f"alpha {jar}")
    bob, carol = strangers["bob"], strangers["carol"]
    assert {found["honey_jar_id"] for found in bob.search("alpha")} == {public, restricted}
    assert {found["honey_jar_id"] for found in carol.search("alpha")} == {public}
    assert carol.request("GET", f"/honey-jars/{restricted}").status == 404
    for jar in (public, restricted):
        shown = bob.request("GET", f"/honey-jars/{jar}").json()["data"]["honey_jar"]
        assert (shown["is_owner"], shown["can_write"]) == (False, False)
        assert "allowed_users" not in shown
        assert bob.request("PUT", f"/honey-jars/{jar}", {"name": "his"}).status == 403
        assert bob.request("DELETE", f"/honey-jars/{jar}").status == 403
        assert bob.upload(jar, {"a.txt": b"x"}).status == 403
    assert [j["id"] for j in bob.request("GET", "/honey-jars").json()["data"]["honey_jars"]] == [restricted, public]


def test_who_is_let_out_of_a_jar_is_out_at_once(jars: Jars, strangers: dict[str, Jars]) -> None:
    jar = jars.create("restricted", type="restricted", allowed_users=["bob"])
    jars.add(jar, "a.txt", "alpha")
    bob = strangers["bob"]
    assert bob.search("alpha")
    assert retrieve(Reader("bob"), jar, "alpha", 1000)
    assert jars.request("PUT", f"/honey-jars/{jar}", {"allowed_users": ["carol"]}).status == 200
    assert bob.search("alpha") == []
    assert bob.request("GET", "/honey-jars").json()["data"]["pagination"]["total"] == 0
    with pytest.raises(HoneyJarNotFoundError):
        retrieve(Reader("bob"), jar, "alpha", 1000)
    assert strangers["carol"].search("alpha")
    assert jars.request("PUT", f"/honey-jars/{jar}", {"type": "private"}).status == 200
    assert strangers["carol"].search("alpha") == []


def test_all_readers_of_a_jar_can_be_changed_at_once(jars: Jars, strangers: dict[str, Jars]) -> None:
    before, after = ([f"{name}{number}" for number in range(MAX_ALLOWED_USERS - 1)] for name in ("old", "new"))
    jar = jars.create("restricted", type="restricted", allowed_users=before)
    assert jars.request("PUT", f"/honey-jars/{jar}", {"allowed_users": [*after, "bob"]}).status == 200
    assert strangers["bob"].request("GET", f"/honey-jars/{jar}").status == 200
    too_many = [*before, *after]
    assert jars.request("PUT", f"/honey-jars/{jar}", {"allowed_users": too_many}).status == 400


def test_a_team_jar_is_its_teams(service: Service, jars: Jars) -> None:
    refused = jars.request("POST", "/honey-jars", {"name": "x", "type": "team", "team_id": "blue"})
    assert (refused.status, refused.json()["details"][0]["field"]) == (400, "team_id")
    from chalicelib.domain.caller import Caller

    owner = Caller("dave", "", frozenset({"read", "write"}), teams=("blue",))
    jar = service_of_jars.create_jar(owner, service_of_jars.JarFields("team's", type="team", team_id="blue")).jar.id
    assert service_of_jars.readable_jar(Reader("erin", ("blue",)), jar)
    assert [found.id for found in service_of_jars.list_jars(Reader("erin", ("blue", "red")), 10, 0)[0]] == [jar]
    assert service_of_jars.readable_jar(Reader("dave"), jar), "who left the team has their own jar still"
    for stranger in (Reader("erin"), Reader("erin", ("red",)), Reader("blue")):
        with pytest.raises(HoneyJarNotFoundError):
            service_of_jars.readable_jar(stranger, jar)


def test_a_report_is_ordered_on_a_jar_that_its_owner_may_read(jars: Jars, strangers: dict[str, Jars]) -> None:
    jar = jars.create("mine")
    service = jars.service
    for unknown in ("hj_1", "hj_" + "0" * 26):
        assert service.post("/api/reports", new_report(honey_jar_id=unknown)).status == 404
    foreign = service.post("/api/reports", new_report(honey_jar_id=jar), key=strangers["bob"].key)
    assert (foreign.status, foreign.json()["error"]) == (404, "Honey jar not found")
    own = service.create(honey_jar_id=jar)
    assert service.report(own)["honey_jar_id"] == jar
    estimate = service.post("/api/reports/estimate", new_report(honey_jar_id=jar), key=strangers["bob"].key)
    assert estimate.status == 404


# What it costs


def test_calls_to_aws(jars: Jars) -> None:
    jar = jars.create()
    jars.search("anything", [jar])
    with counted_calls() as calls:
        jars.upload(jar, {"a.txt": b"alpha beta"})
    assert dict(calls) == {"GetItem": 1, "PutObject": 1, "TransactWriteItems": 1, "SendMessage": 1}
    (message,) = messages()
    with counted_calls() as calls:
        handle(message)
    assert dict(calls) == {
        "GetItem": 2,
        "UpdateItem": 2,
        "GetObject": 1,
        "PutObject": 2,
        "TransactWriteItems": 1,
        "ListObjectVersions": 1,
        "DeleteObjects": 1,
    }
    jars.search("alpha", [jar])
    with counted_calls() as calls:
        assert jars.search("beta", [jar])
    assert dict(calls) == {"BatchGetItem": 1}


def test_a_wrong_request_is_400(jars: Jars) -> None:
    jar = jars.create()
    for path, body, field in (
        ("/honey-jars", {"name": ""}, "name"),
        ("/search", {"query": "x", "top_k": 51}, "top_k"),
        (f"/honey-jars/{jar}/documents/uploads", {"filename": "a.txt", "size_bytes": 0}, "size_bytes"),
    ):
        answer = jars.request("POST", path, body)
        assert (answer.status, answer.json()["details"][0]["field"]) == (400, field)
    assert jars.upload(jar, {"a.exe": b"x"}).json()["details"][0]["field"] == "files.0"
    assert jars.upload(jar, {"a.txt": b"x" * (4 * 1024 * 1024)}).status == 413


def test_what_is_no_form_is_400(jars: Jars) -> None:
    jar = jars.create()
    path = f"/honey-jars/{jar}/documents"
    for content_type, body in (
        ("application/json", b"{}"),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b"--b\r\nbroken"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n"),
    ):
        assert jars.request("POST", path, body, headers={"Content-Type": content_type}).status == 400, body
    assert jars.upload(jar, {"a.txt": b"x"}, metadata="[1]").status == 400
    assert jars.upload(jar, {"a.txt": b"x"}, metadata='{"a": "' + "x" * 5000 + '"}').status == 400


def test_a_key_that_may_only_read_changes_nothing(jars: Jars) -> None:
    jar = jars.create()
    reader = Jars(jars.service, jars.service.new_key("alice", ("read",)))
    assert reader.request("POST", "/honey-jars", {"name": "x"}).status == 403
    assert reader.upload(jar, {"a.txt": b"x"}).status == 403
    assert reader.request("DELETE", f"/honey-jars/{jar}").status == 403
    assert reader.request("GET", f"/honey-jars/{jar}").status == 200
    assert reader.search("x", [jar]) == []
