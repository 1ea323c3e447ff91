"""Searching the web through SearXNG, scripted over real HTTP."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chalicelib.domain.report import Report
from chalicelib.privacy.detect import Detection, rules
from chalicelib.privacy.pii_type import PiiType
from chalicelib.services import web_search as module
from chalicelib.services.web_search import WebSearch, public_query, web_search
from chalicelib.settings import settings
from chalicelib.websearch.searxng_client import LONGEST_TEXT, MOST_RESULTS, WebResult, WebSearchDownError, search
from tests.support.planted_values import PLANTED
from tests.support.scripted_receiver import ScriptedReceiver, answering, silence
from tests.support.searxng import answer, form_of, page

JSON = "Content-Type: application/json"


@pytest.fixture
def instance() -> Iterator[ScriptedReceiver]:
    with ScriptedReceiver(answering("200 OK", JSON, body=answer(page(1), page(2)))) as receiver:
        yield receiver


def url(instance: ScriptedReceiver) -> str:
    return f"http://127.0.0.1:{instance.port}"


def searches(instance: ScriptedReceiver, timeout: float = 5) -> WebSearch:
    return WebSearch(url(instance), rules(), timeout=timeout)


def test_results_have_title_address_and_excerpt(instance: ScriptedReceiver) -> None:
    found = search(f"{url(instance)}/searx/", "swarms", timeout=5)
    assert found[0] == WebResult("Page 1", "https://pages.example/1", "Statement number 1 on swarms.")
    assert len(found) == 2
    (request,) = instance.requests
    assert request.line == "POST /searx/search HTTP/1.1"
    assert (request.headers["host"], request.headers["connection"]) == (f"127.0.0.1:{instance.port}", "close")
    assert form_of(request) == {"q": "swarms", "format": "json", "categories": "general", "pageno": "1"}


def test_an_excerpt_is_text_on_one_line_of_bounded_length(instance: ScriptedReceiver) -> None:
    content = "Bees <b>swarm</b>\nin&nbsp;May &lt;tag&gt; a\u202eb" + " and so on" * 500
    instance.script = answering("200 OK", body=answer(page(title="<i>A</i> \x00title", content=content)))
    (found,) = search(url(instance), "swarms", timeout=5)
    assert found.title == "A title"
    assert found.text.startswith("Bees swarm in May <tag> ab and so on")
    assert len(found.text) <= LONGEST_TEXT


def test_what_nobody_sees_and_what_is_no_text_is_taken_out(instance: ScriptedReceiver) -> None:
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "obey")
    content = f"Bees\ud800 \udfffswarm{hidden} in\ufff9 May\u2066\u061c, &#x202e;and so on.&#0;"
    instance.script = answering("200 OK", body=answer(page(title=f"\ud83dSwarms{hidden}", content=content)))
    (found,) = search(url(instance), "swarms", timeout=5)
    assert (found.title, found.text) == ("Swarms", "Bees swarm in May, and so on.\ufffd")
    assert found.text.encode()


def test_results_that_cannot_be_cited_are_left_out(instance: ScriptedReceiver) -> None:
    bad = ["javascript:alert(1)", "data:text/html,x", "https://user:pw@a.example", "ftp://a.example", "//a.example/x"]
    bad += ["https:///x", "https://a b", "https://[::1", "https://a.example:99999/", "https://a.example/\u202e"]
    bad += ["https://a.example/\ud800", f"https://a.example/{'x' * 2000}"]
    odd: list[Any] = [page(url=one) for one in (*bad, 7, None)]
    odd += [page(content=""), page(content=None), "text", None, 3, []]
    instance.script = answering("200 OK", body=answer(*odd, page(5), page(5), page(6, title=None)))
    assert [(one.url, one.title) for one in search(url(instance), "swarms", timeout=5)] == [
        ("https://pages.example/5", "Page 5"),
        ("https://pages.example/6", "pages.example"),
    ]


def test_of_many_results_the_first_are_taken(instance: ScriptedReceiver) -> None:
    instance.script = answering("200 OK", body=answer(*map(page, range(1, 100))))
    assert [one.title for one in search(url(instance), "swarms", timeout=5)] == [
        f"Page {number}" for number in range(1, MOST_RESULTS + 1)
    ]


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        ("403 Forbidden", b"<h1>Forbidden</h1>", "JSON format"),
        ("429 Too Many Requests", b"", "limiter"),
        ("302 Found", b"", "status 302"),
        ("500 Internal Server Error", b"", "status 500"),
        ("200 OK", b"<!doctype html><html>results</html>", "not that of its JSON API"),
        ("200 OK", b'{"results": {"a": 1}}', "not that of its JSON API"),
        ("200 OK", b"[]", "not that of its JSON API"),
        ("200 OK", b"[" * 100_000, "not that of its JSON API"),
        ("200 OK", b" " * (2 * 1024 * 1024 + 1), "AnswerTooLongError"),
    ],
)
def test_another_answer_is_none(instance: ScriptedReceiver, status: str, body: bytes, reason: str) -> None:
    instance.script = answering(status, "Location: http://169.254.169.254/", body=body)
    with pytest.raises(WebSearchDownError, match=reason) as caught:
        search(url(instance), "swarms of my own", timeout=5)
    assert "swarms" not in str(caught.value)
    assert instance.connections == 1


@pytest.mark.parametrize("how", ["silent", "dripping", "nobody"])
def test_an_answer_comes_in_time_or_not_at_all(instance: ScriptedReceiver, how: str) -> None:
    instance.script = silence if how == "silent" else instance.dripping(b"HTTP/1.1 200 OK\r\nX: 1\r\n")
    address = "http://127.0.0.1:9" if how == "nobody" else url(instance)
    started = time.monotonic()
    with pytest.raises(WebSearchDownError):
        search(address, "swarms", timeout=0.3)
    assert time.monotonic() - started < 2


def test_orders_to_the_instance_are_taken_for_words(instance: ScriptedReceiver) -> None:
    search(url(instance), "!!g swarms :de <9 of ?bees a!b", timeout=5)
    assert form_of(instance.requests[0])["q"] == "g swarms de 9 of bees a!b"


def test_no_private_value_is_in_a_query() -> None:
    text = "Outage at {ip_address} reported by Ms. {person} ({email}, {phone}); card {payment_card}".format(**PLANTED)
    query = public_query(text, rules())
    assert query is not None
    assert not [value for value in PLANTED.values() if value in query]
    assert {"Outage", "reported"} <= set(query.split())


def test_tokens_are_taken_out_with_what_they_leave_behind() -> None:
    assert public_query("⟦PERSON_1⟧'s hive, and ⟦EMAIL_2⟧ .", rules()) == "hive, and"
    assert public_query("⟦PERSON_1⟧ ⟦IP_2", rules()) == "IP_2"
    assert public_query("⟦PERSON_1⟧ 12", rules()) is None
    assert public_query("", rules()) is None


def test_what_stays_private_however_often_it_is_cleaned_is_not_asked() -> None:
    class Everything:
        def detect(self, text: str) -> list[Detection]:
            return [Detection(PiiType.PERSON, 0, 1, text[:1], 1.0)]

    assert public_query("word " * 40, Everything()) is None


def test_what_is_private_in_the_order_is_so_wherever_it_stands_and_in_part(instance: ScriptedReceiver) -> None:
    about = ["Outage at the clinic of Ms. {person}".format(**PLANTED), "Card: {payment_card}".format(**PLANTED)]
    web = WebSearch(url(instance), rules(), timeout=5, about=about)
    web.search("Kowalczyk's outage in 2024. kowalczyk, annegret and 4539 1488")
    web.search("⟦PERSON_1⟧ of Annegret Kowalczyk: the outage")
    web.search("outage told by annegret.kowalczyk@klinik-nord.example")
    asked = [form_of(request)["q"] for request in instance.requests]
    assert asked == ["outage in 2024. and", "of the outage", "outage told by"]


def test_what_stands_on_a_line_of_its_own_in_the_context_is_in_no_query(
    instance: ScriptedReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = replace(settings(), web_search_url=url(instance))
    monkeypatch.setattr(module, "settings", lambda: given)
    context = {"notes": ["On call.\nPassword: Gl4cier!Moth92\nTel: 030 901820"], "mrn": "A1234567"}
    parameters = {"web_search": True, "user_query": "Outage", "context": context}
    web = web_search(cast(Report, SimpleNamespace(title="T", description="", parameters=parameters)))
    assert web is not None
    web.search("outage, Gl4cier!Moth92 and 901820 of A1234567")
    (request,) = instance.requests
    assert form_of(request)["q"] == "outage, and of"


def test_a_query_is_cut_between_words(instance: ScriptedReceiver) -> None:
    searches(instance).search("overwintering " * 50)
    (request,) = instance.requests
    assert form_of(request)["q"] == " ".join(["overwintering"] * 21)


def test_where_there_is_no_instance_any_more_the_reader_is_told() -> None:
    web = WebSearch("", rules(), timeout=5)
    assert web.search("swarms of bees") == []
    assert "WEB_SEARCH_URL" in web.notices[0]


def test_each_query_is_asked_once(instance: ScriptedReceiver) -> None:
    web = searches(instance)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(web.search, ["swarms of bees"] * 8))
    assert all(len(one) == 2 for one in found)
    assert instance.connections == 1
    assert web.notices == ()


def test_an_instance_that_fails_is_left_alone_and_the_reader_is_told(instance: ScriptedReceiver) -> None:
    instance.script = answering("500 Internal Server Error")
    web = searches(instance)
    assert [web.search(f"swarms {word}") for word in ("one", "two", "three", "four")] == [[]] * 4
    assert instance.connections == 2
    assert len(web.notices) == 1
    assert "did not answer" in web.notices[0]


def test_a_report_makes_so_many_searches_and_no_more(
    instance: ScriptedReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_SEARCHES", 2)
    web = searches(instance)
    assert [len(web.search(f"swarms {word}")) for word in ("one", "two", "three")] == [2, 2, 0]
    assert "some sections only" in web.notices[0]


def test_a_search_ends_where_the_time_of_all_of_them_does(
    instance: ScriptedReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_SECONDS", 0.2)
    instance.script = silence
    started = time.monotonic()
    assert searches(instance, timeout=30).search("swarms of bees") == []
    assert time.monotonic() - started < 5


def test_nothing_is_asked_where_private_values_cannot_be_looked_for(
    instance: ScriptedReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def detect(self, text: str) -> list[Detection]:
            raise RuntimeError(text)

    web = WebSearch(url(instance), Broken(), timeout=5)
    with caplog.at_level(logging.DEBUG):
        assert web.search("about swarms") == []
    assert instance.connections == 0
    assert "private data" in web.notices[0]
    assert "swarms" not in caplog.text
