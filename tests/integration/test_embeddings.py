"""Searching by meaning: what an embeddings endpoint is sent, what it is used for, and that nothing rests on it."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from chalicelib.domain.honey_jar import Reader
from chalicelib.knowledge.embeddings import EmbeddingsDownError, EmbeddingsEndpoint, vectors_of
from chalicelib.knowledge.read_content import read_content
from chalicelib.services import detectors, embed_texts, index_documents
from chalicelib.services.retrieval import retrieve
from chalicelib.settings import settings
from chalicelib.stores.stores import stores
from chalicelib.workers.find_extracts import FoundExtracts
from chalicelib.workers.report_sources import ReportSources
from tests.support.honey_jars import Jars
from tests.support.scrambled import scrambled
from tests.support.service import Service

TOPICS = {"bee": 0, "hive": 0, "apiary": 0, "ship": 1, "vessel": 1, "boat": 1}
PRIVATE = ("Anke Brodowski", "anke.brodowski@example.com", "+49 30 901820")


class Endpoint:
    """An embeddings endpoint that knows two topics, and keeps every byte that it is sent."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[str] = []
        self.answer: bytes | None = None
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.bodies.append(body)
                outer.headers.append(str(self.headers))
                content = outer.answer if outer.answer is not None else outer.vectors(json.loads(body)["input"])
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @staticmethod
    def vectors(texts: list[str]) -> bytes:
        def vector(text: str) -> list[float]:
            found = [0.01] * 8
            for word, topic in TOPICS.items():
                found[topic] += text.lower().count(word)
            return found

        data = [{"index": n, "embedding": vector(text)} for n, text in enumerate(texts)]
        return json.dumps({"data": data[::-1], "model": "m"}).encode()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    made = Endpoint()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def service(emptied_service: Service) -> Service:
    return emptied_service


@pytest.fixture
def jars(service: Service, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Iterator[Jars]:
    monkeypatch.setenv("EMBEDDINGS_BASE_URL", endpoint.url)
    monkeypatch.setenv("EMBEDDINGS_MODEL", "m")
    monkeypatch.setenv("EMBEDDINGS_API_KEY", "the-key")
    monkeypatch.setattr(index_documents, "read_document", read_content)
    settings.cache_clear()
    yield Jars(service)
    settings.cache_clear()


def test_pieces_are_found_by_meaning_and_the_endpoint_sees_no_private_value(jars: Jars, endpoint: Endpoint) -> None:
    jar = jars.create()
    private = f"# Apiary\n\nOur bee keeper is Ms. {PRIVATE[0]} ({PRIVATE[1]}, phone {PRIVATE[2]}).\n\nBrodowski's hive."
    assert jars.add(jar, "one.md", private)["notices"] == []
    jars.add(jar, "two.md", "# Harbour\n\nThe vessel left at dawn.")
    answer = jars.request("POST", "/search", {"query": "boat", "honey_jar_ids": [jar]}).json()
    assert (answer["search_type"], answer["results"][0]["metadata"]["title"]) == ("hybrid", "Harbour")
    assert PRIVATE[0] in jars.search(f"Who is {PRIVATE[0]}?", [jar])[0]["content"], "answers have the originals"
    assert retrieve(Reader("alice"), jar, "ship", 500)[0].document == "Harbour"
    sent = b"".join(endpoint.bodies).decode("unicode_escape")
    assert not [value for value in (*PRIVATE, "Brodowski", "901820", jar) if value in sent]
    assert "PERSON_" in sent
    assert all("Bearer the-key" in headers for headers in endpoint.headers)


def test_a_private_value_in_a_query_reads_like_the_one_in_the_text(jars: Jars, endpoint: Endpoint) -> None:
    jar = jars.create()
    jars.add(jar, "one.txt", f"Write to {PRIVATE[1]}.")
    jars.search(f"Whose is {PRIVATE[1]}?", [jar])
    tokens = [body.decode("unicode_escape").partition("EMAIL_")[2][:16] for body in endpoint.bodies]
    assert len(tokens) == 2
    assert tokens[0] == tokens[1] != ""
    other = jars.create()
    jars.search(f"Whose is {PRIVATE[1]}?", [other])
    assert tokens[0] not in endpoint.bodies[-1].decode("unicode_escape"), "each jar has tokens of its own"


def test_a_report_looks_for_its_sources_with_tokens_also_for_what_its_order_alone_tells_to_be_private(
    jars: Jars, endpoint: Endpoint
) -> None:
    jar = jars.create()
    jars.add(jar, "one.txt", "Brodowski's hive has a queen.")
    report = stores().reports.get(jars.service.create(honey_jar_id=jar))
    assert report is not None
    texts = scrambled()
    texts.learn([f"The keeper is Ms. {PRIVATE[0]}."])
    del endpoint.bodies[:]
    assert ReportSources(report, texts, None).find(texts.hide("Where the hive of Brodowski is"), 500)
    of_digest = replace(report, title=f"On Mrs. {PRIVATE[0]}")
    assert FoundExtracts(of_digest, scrambled()).find("What the hive of Brodowski has", 500)
    sent = b"".join(endpoint.bodies).decode("unicode_escape")
    assert "Where the hive of" in sent
    assert "What the hive of" in sent
    assert "Brodowski" not in sent


def test_where_detection_fails_nothing_is_sent(jars: Jars, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def detect(self, text: str) -> Any:
            raise RuntimeError(text)

    monkeypatch.setattr(detectors, "detector", Broken)
    jar = jars.create()
    read = jars.add(jar, "one.txt", "Our bee keeper")
    assert (read["status"], len(read["notices"])) == ("ready", 1)
    assert jars.search("keeper", [jar])
    assert endpoint.bodies == []


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (500, b"{}"),
        (200, b"not json"),
        (200, b'{"data": []}'),
        (200, b'{"data": [{"index": 0, "embedding": []}]}'),
        (200, b'{"data": [{"index": 0, "embedding": ["x"]}]}'),
        (200, b'{"data": [{"index": 0, "embedding": [NaN, 1.0]}]}'),
        (200, b'{"data": [{"index": 0, "embedding": [1e999]}]}'),
        (200, b'{"data": [{"index": 0, "embedding": [1' + b"0" * 400 + b"]}]}"),
    ],
)
def test_an_endpoint_that_is_no_use_is_done_without(jars: Jars, endpoint: Endpoint, status: int, answer: bytes) -> None:
    endpoint.status, endpoint.answer = status, answer
    jar = jars.create()
    read = jars.add(jar, "one.txt", "Our bee keeper")
    assert (read["status"], len(read["notices"])) == ("ready", 1)
    found = jars.request("POST", "/search", {"query": "keeper", "honey_jar_ids": [jar]}).json()
    assert (found["search_type"], found["total_results"]) == ("words", 1)


def test_an_endpoint_that_did_not_answer_a_search_is_left_alone_for_a_while(jars: Jars, endpoint: Endpoint) -> None:
    jar = jars.create()
    jars.add(jar, "one.txt", "Our bee keeper")
    endpoint.status, asked = 500, len(endpoint.bodies)
    for _ in range(3):
        assert jars.search("keeper", [jar])
    assert len(endpoint.bodies) == asked + 1


def test_a_key_that_cannot_be_read_keeps_nothing_from_being_found(jars: Jars, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDDINGS_API_KEY_PARAMETER", "/there/is/none")
    monkeypatch.delenv("EMBEDDINGS_API_KEY")
    settings.cache_clear()
    jar = jars.create()
    assert jars.add(jar, "one.txt", "Our bee keeper")["status"] == "ready"
    assert jars.search("keeper", [jar])


def test_a_name_in_the_name_of_a_file_is_not_sent(jars: Jars, endpoint: Endpoint) -> None:
    jars.add(jars.create(), "Theresa_Brodowski-CV.txt", "Dear Ms. Theresa Brodowski, your bees are here.")
    sent = b"".join(endpoint.bodies).decode("unicode_escape")
    assert "bees" in sent
    assert "Brodowski" not in sent


def test_many_texts_go_in_several_requests_and_keep_their_order(endpoint: Endpoint) -> None:
    texts = ["bee"] * 70 + ["ship"] * 70
    found = vectors_of(EmbeddingsEndpoint(endpoint.url, "m"), texts, timeout=5, in_all=20)
    assert [vector.index(max(vector)) for vector in found] == [0] * 70 + [1] * 70
    assert len(endpoint.bodies) == 3
    assert math.isclose(found[0][0], 1.01)


def test_an_endpoint_that_is_not_there_is_told(endpoint: Endpoint) -> None:
    with pytest.raises(EmbeddingsDownError):
        vectors_of(EmbeddingsEndpoint("http://127.0.0.1:1/v1", "m"), ["x"], timeout=2, in_all=2)
    with pytest.raises(EmbeddingsDownError):
        vectors_of(EmbeddingsEndpoint(endpoint.url, "m"), ["x"] * 100, timeout=2, in_all=0)


def test_no_endpoint_is_asked_where_none_is_configured(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not embed_texts.is_configured()
