"""A finished report in any format: rendered from its stored tree when it is first asked for, then found again."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import re
import zipfile
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib.domain import template
from chalicelib.domain.output_format import CONTENT_TYPES, OUTPUT_FORMATS, OutputFormat
from chalicelib.settings import settings
from chalicelib.stores.aws import s3_client
from chalicelib.stores.stores import stores
from tests.model_server import ModelServer
from tests.support.service import Service, counted_calls, forget_everything

STARTS = {"pdf": b"%PDF-", "md": b"# ", "html": b"<!DOCTYPE html>", "docx": b"PK"}
OTHERS = ("md", "html", "docx")


@pytest.fixture
def finished(service: Service) -> str:
    return str(service.finish(service.create("Größe & Maß", output_format="pdf"))["id"])


def stored_keys(report_id: str) -> list[str]:
    found = s3_client().list_objects_v2(Bucket=settings().artifacts_bucket, Prefix=f"reports/{report_id}/")
    return [str(entry["Key"]) for entry in found["Contents"]]


@pytest.mark.parametrize("wanted", OUTPUT_FORMATS)
def test_every_format_comes_with_its_type_name_and_hash(service: Service, finished: str, wanted: OutputFormat) -> None:
    answer = service.get(f"/api/reports/{finished}/download?format={wanted}")
    assert answer.status == 200, answer.body
    assert answer.body.startswith(STARTS[wanted])
    assert answer.headers["content-type"] == CONTENT_TYPES[wanted]
    assert f'filename="Gr_e _ Ma_.{wanted}"' in answer.headers["content-disposition"]
    assert answer.headers["content-disposition"].endswith(f"Gr%C3%B6%C3%9Fe%20%26%20Ma%C3%9F.{wanted}")
    assert answer.headers["etag"] == f'"{hashlib.sha256(answer.body).hexdigest()}"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "sandbox"


def test_all_formats_say_the_same(service: Service, finished: str) -> None:
    written = {f: service.get(f"/api/reports/{finished}/download?format={f}").body for f in OTHERS}
    headings = re.findall(r"^## (.*)$", written["md"].decode(), re.MULTILINE)
    assert headings
    document = zipfile.ZipFile(io.BytesIO(written["docx"])).read("word/document.xml").decode()
    for heading in headings:
        assert f"<h2>{heading}</h2>" in written["html"].decode()
        assert f">{heading}<" in document


def test_without_a_format_it_is_the_file_that_was_ordered(service: Service, finished: str) -> None:
    plain, named = (service.get(f"/api/reports/{finished}/download{query}") for query in ("", "?format=pdf"))
    assert plain.body == named.body
    assert plain.headers["etag"] == named.headers["etag"]
    assert [key for key in stored_keys(finished) if key.endswith(".pdf")] == [
        key for key in stored_keys(finished) if hashlib.sha256(plain.body).hexdigest() in key
    ]


@pytest.mark.parametrize("wanted", OTHERS)
def test_it_is_rendered_once_and_found_again_without_a_list(service: Service, finished: str, wanted: str) -> None:
    address = f"/api/reports/{finished}/download?format={wanted}"
    with counted_calls() as first:
        one = service.get(address)
    with counted_calls() as second:
        two = service.get(address)
    assert one.body == two.body
    assert dict(first) == {"GetItem": 1, "GetObject": 2, "PutObject": 1, "PutItem": 1}
    assert dict(second) == {"GetItem": 1, "GetObject": 1, "PutItem": 1}


def test_what_was_ordered_costs_a_read_a_note_and_the_file(service: Service, finished: str) -> None:
    service.get(f"/api/reports/{finished}/download")
    for query in ("", "?format=pdf"):
        with counted_calls() as calls:
            service.get(f"/api/reports/{finished}/download{query}")
        assert dict(calls) == {"GetItem": 1, "GetObject": 1, "PutItem": 1}
    with counted_calls() as calls:
        service.get(f"/api/reports/{finished}/download?delivery=link")
    assert dict(calls) == {"GetItem": 1, "PutItem": 1}


def test_a_link_leads_to_the_rendering(service: Service, finished: str) -> None:
    address = f"/api/reports/{finished}/download?format=docx"
    with counted_calls() as first:
        link = service.get(f"{address}&delivery=link").json()["data"]
    with counted_calls() as second:
        assert service.get(f"{address}&delivery=link").json()["data"]["sha256"] == link["sha256"]
    content = service.get(address).body
    assert link["content_type"] == CONTENT_TYPES["docx"]
    assert (link["file_size_bytes"], link["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    asked = parse_qs(urlsplit(link["url"]).query)
    assert asked["response-content-type"] == [CONTENT_TYPES["docx"]]
    assert asked["response-content-disposition"][0].endswith(".docx")
    assert dict(first) == {"GetItem": 1, "HeadObject": 1, "GetObject": 1, "PutObject": 1, "PutItem": 1}
    assert dict(second) == {"GetItem": 1, "HeadObject": 1, "PutItem": 1}


def test_a_rendering_that_is_too_large_for_an_answer_comes_by_a_redirect(
    service: Service, finished: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOWNLOAD_INLINE_BYTES", "100")
    forget_everything()
    for _ in range(2):
        answer = service.get(f"/api/reports/{finished}/download?format=html")
        assert (answer.status, answer.body) == (302, b"")
        assert ".html?" in answer.headers["location"]


@pytest.mark.parametrize("wanted", ["exe", "PDF", "../pdf", "json"])
@pytest.mark.parametrize("delivery", ["direct", "link"])
def test_an_unknown_format_is_400_and_named(service: Service, wanted: str, delivery: str) -> None:
    answer = service.get(f"/api/reports/{service.create()}/download?format={wanted}&delivery={delivery}")
    assert answer.status == 400
    assert [detail["field"] for detail in answer.json()["details"]] == ["format"]


def test_an_empty_format_is_none(service: Service, finished: str) -> None:
    assert service.get(f"/api/reports/{finished}/download?format=").body.startswith(b"%PDF-")


def test_nobody_elses_and_nothing_unfinished_is_rendered(service: Service, finished: str) -> None:
    mallory = service.new_key("mallory")
    waiting = service.create()
    with counted_calls() as calls:
        foreign = service.get(f"/api/reports/{finished}/download?format=docx", key=mallory)
        early = service.get(f"/api/reports/{waiting}/download?format=docx")
    assert (foreign.status, foreign.json()["error"]) == (404, "Report not found")
    assert (early.status, early.json()["error"]) == (400, "Report not ready for download")
    assert calls["PutObject"] == 0


@pytest.mark.parametrize("wanted", OTHERS)
def test_reports_from_before_the_tree_had_its_newer_fields_are_rendered(
    service: Service, finished: str, wanted: str
) -> None:
    newer = {"author", "subject", "keywords", "footnotes", "references"}
    report = stores().reports.get(finished)
    assert report is not None
    assert report.outcome is not None
    key = report.outcome.document_key
    tree: dict[str, Any] = json.loads(stores().artifacts.get(key))
    older = {name: value for name, value in tree.items() if name not in newer}
    assert older.keys() < tree.keys()
    stores().artifacts.put_at(key, json.dumps(older).encode(), "application/json")
    answer = service.get(f"/api/reports/{finished}/download?format={wanted}")
    assert answer.status == 200, answer.body
    assert answer.body.startswith(STARTS[wanted])


def test_other_looks_are_another_file(service: Service, finished: str, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"/api/reports/{finished}/download?format=html"
    plain = service.get(address).body
    monkeypatch.setenv("REPORT_THEME", '{"accent": "#7a1020", "organisation": "Example Ltd"}')
    forget_everything()
    themed = service.get(address).body.decode()
    assert "--accent: #7a1020" in themed
    assert "Example Ltd" in themed
    assert themed.encode() != plain
    assert len([key for key in stored_keys(finished) if key.endswith(".html")]) == 2


def test_a_theme_that_cannot_be_read_keeps_no_finished_report_back(
    service: Service, finished: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPORT_THEME", '{"accent": "red"}')
    forget_everything()
    for wanted in OTHERS:
        assert service.get(f"/api/reports/{finished}/download?format={wanted}").body.startswith(STARTS[wanted])


def test_markdown_has_no_looks(service: Service, finished: str, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"/api/reports/{finished}/download?format=md"
    service.get(address)
    monkeypatch.setenv("REPORT_THEME", '{"accent": "#7a1020"}')
    forget_everything()
    with counted_calls() as calls:
        service.get(address)
    assert calls["PutObject"] == 0


@pytest.mark.parametrize("ordered", ["md", "html"])
def test_what_a_pdf_could_not_show_is_told_whatever_was_ordered(
    service: Service, model_server: ModelServer, ordered: str
) -> None:
    report_id = service.create("Missing \u0378 letters", output_format=ordered)
    report = service.finish(report_id)
    assert any("U+0378" in notice for notice in report["notices"]), report
    made = service.get(f"/api/reports/{report_id}/download?format=pdf")
    assert made.body.startswith(b"%PDF-")


def test_a_theme_that_cannot_be_read_fails_the_report_before_it_costs_anything(
    service: Service, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPORT_THEME", '{"accent": "red"}')
    forget_everything()
    report_id = service.create()
    service.work()
    report = service.report(report_id)
    assert report["status"] == "failed"
    assert "REPORT_THEME" in report["error_message"]
    assert model_server.requests() == []


@pytest.fixture
def template_with_docx(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = dataclasses.replace(template.CONVERSATIONAL, output_formats=OUTPUT_FORMATS)
    monkeypatch.setattr(template, "BUILT_IN", (listed,))


@pytest.mark.usefixtures("template_with_docx")
def test_docx_can_be_ordered_where_the_template_lists_it(service: Service) -> None:
    report = service.finish(service.create(output_format="docx"))
    assert (report["output_format"], report["content_type"]) == ("docx", CONTENT_TYPES["docx"])
    answer = service.get(report["download_url"])
    assert answer.headers["content-type"] == CONTENT_TYPES["docx"]
    assert zipfile.ZipFile(io.BytesIO(answer.body)).testzip() is None
    assert hashlib.sha256(answer.body).hexdigest() == report["sha256"]
