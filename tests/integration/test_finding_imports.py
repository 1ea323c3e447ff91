"""Imports over moto: SARIF, CSV and large batches through the API, sent or uploaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib.domain.caller import INVESTIGATION_SCOPES
from chalicelib.domain.finding_import import MAX_FILE_BYTES
from chalicelib.services.investigations import cancel_investigation, get_investigation
from chalicelib.services.keys import create_key
from chalicelib.settings import settings
from chalicelib.stores import aws
from tests.support.investigations import started
from tests.support.service import Answer, Service, counted_calls

ACCOUNT = "acme"
SCAN = (Path(__file__).parents[2] / "examples" / "setuptools-scan" / "bandit.sarif").read_bytes()
TABLE = b"title,severity,host\nTelnet is open,high,gw-1\nOld TLS,low,gw-2\n"
SARIF = "application/sarif+json"


class Importer:
    """A client that imports into one investigation."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.id = started(findings=None).id
        self.key = create_key(ACCOUNT, "test", INVESTIGATION_SCOPES, kind="pck_live_").secret

    def post(self, path: str, body: Any, content_type: str = "application/json", key: str = "") -> Answer:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {key or self.key}", "Content-Type": content_type}
        path = f"/v1/investigations/{self.id}/findings/{path}"
        return self.service.request("POST", path, content, headers=headers, key=None)

    def send(self, body: Any, content_type: str = "application/json", query: str = "", key: str = "") -> Answer:
        return self.post(f"import{query}", body, content_type, key)

    def upload(self, content: bytes) -> str:
        """Put a file where the API says; return the upload's id."""
        answer = self.post("uploads", {"size_bytes": len(content)})
        assert answer.status == 201, answer.body
        upload = answer.json()
        # The link itself is followed against a running stack; here its own key is written to.
        key = urlsplit(upload["url"]).path.partition("uploads/")[2]
        aws.s3_client().put_object(Bucket=settings().artifacts_bucket, Key=f"uploads/{key}", Body=content)
        return str(upload["upload_id"])

    def findings(self) -> list[dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self.key}"}
        path = f"/v1/findings?investigation_id={self.id}&limit=1000"
        found: list[dict[str, Any]] = self.service.get(path, headers=headers, key=None).json()["findings"]
        return found


@pytest.fixture
def importer(service: Service) -> Importer:
    return Importer(service)


def test_a_scan_is_imported_whole_and_once(importer: Importer) -> None:
    answer = importer.send(SCAN, SARIF)
    assert answer.status == 201, answer.body
    assert answer.json() == {
        "investigation_id": importer.id,
        "format": "sarif",
        "created": 128,
        "duplicates": 0,
        "skipped": {},
        "notices": [],
    }
    found = importer.findings()
    assert len(found) == 128
    assert {f["tags"]["tool"] for f in found} == {"Bandit"}
    again = importer.send(SCAN, SARIF).json()
    assert (again["created"], again["duplicates"]) == (0, 128)
    assert get_investigation(ACCOUNT, importer.id).finding_count == 128


def test_the_format_is_that_of_the_content_type_or_of_the_query(importer: Importer) -> None:
    batch = json.dumps({"findings": [{"title": "T", "severity": "low"}]}).encode()
    for body, content_type, query, entries in [
        (SCAN, "application/json", "", 128),
        (SCAN, "application/json; charset=utf-8", "?format=sarif", 128),
        (SCAN, "application/octet-stream", "?format=sarif", 128),
        (TABLE, "text/csv; charset=utf-8", "", 2),
        (TABLE, "application/x-www-form-urlencoded", "?format=csv", 2),
        (batch, "application/json", "?format=json", 1),
    ]:
        answer = importer.send(body, content_type, query)
        assert answer.status == 201, answer.body
        taken = answer.json()
        assert taken["created"] + taken["duplicates"] == entries, (content_type, query)


def test_a_table_becomes_findings(importer: Importer) -> None:
    assert importer.send(TABLE, "text/csv").status == 201
    assert {(f["title"], f["severity"], f["nodes"][0]["name"]) for f in importer.findings()} == {
        ("Telnet is open", "high", "gw-1"),
        ("Old TLS", "low", "gw-2"),
    }


def test_what_is_wrong_with_a_file_is_named_and_nothing_is_stored(importer: Importer) -> None:
    answer = importer.send(TABLE + b"Bad,catastrophic,gw-3\n", "text/csv")
    assert answer.status == 400
    assert answer.json()["error"] == "validation_error"
    assert [issue["path"] for issue in answer.json()["issues"]] == ["line 4, severity"]
    assert importer.findings() == []


def test_a_scan_without_findings_is_taken(importer: Importer) -> None:
    empty = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "Scanner"}}, "results": []}]}
    answer = importer.send(empty, SARIF)
    assert (answer.status, answer.json()["created"]) == (201, 0)


# Uploads


def test_an_upload_is_imported_and_can_be_again(importer: Importer) -> None:
    upload_id = importer.upload(SCAN)
    first, second = (importer.send({"upload_id": upload_id, "format": "sarif"}) for _ in range(2))
    assert (first.status, first.json()["created"]) == (201, 128)
    assert (second.status, second.json()["duplicates"]) == (201, 128)


def test_an_upload_takes_a_batch_of_thousands(importer: Importer) -> None:
    many = [{"title": f"Finding {n}", "severity": "low", "external_id": str(n)} for n in range(1_200)]
    upload_id = importer.upload(json.dumps({"findings": many}).encode())
    assert importer.send({"upload_id": upload_id}, query="?format=json").json()["created"] == 1_200


def test_a_wrong_finding_of_a_large_batch_is_named_by_its_place(importer: Importer) -> None:
    many: list[dict[str, Any]] = [{"title": "T", "severity": "low"} for _ in range(300)]
    many[250]["severity"] = "none"
    answer = importer.send({"findings": many}, query="?format=json")
    assert answer.status == 400
    assert [issue["path"] for issue in answer.json()["issues"]] == ["findings.250.severity"]


def test_the_link_takes_exactly_the_size_that_was_told(importer: Importer) -> None:
    upload = importer.post("uploads", {"size_bytes": 12_345}).json()
    query = parse_qs(urlsplit(upload["url"]).query)
    assert "content-length" in query["X-Amz-SignedHeaders"][0].split(";")
    assert (upload["method"], upload["headers"]) == ("PUT", {"Content-Length": "12345"})
    assert query["X-Amz-Expires"] == ["900"]


def test_nobody_elses_upload_is_read(importer: Importer) -> None:
    upload_id = importer.upload(SCAN)
    importer.id = started(findings=None).id
    answer = importer.send({"upload_id": upload_id, "format": "sarif"})
    assert (answer.status, [i["path"] for i in answer.json()["issues"]]) == (400, ["upload_id"])


def test_an_upload_larger_than_told_is_refused(importer: Importer) -> None:
    upload_id = importer.upload(b"x")
    key = f"uploads/{importer.id}/{upload_id}"
    aws.s3_client().put_object(Bucket=settings().artifacts_bucket, Key=key, Body=b"x" * (MAX_FILE_BYTES + 1))
    answer = importer.send({"upload_id": upload_id, "format": "csv"})
    assert (answer.status, [i["path"] for i in answer.json()["issues"]]) == (400, ["file"])


# Who may, and what is refused


WRONG: list[tuple[Any, str, str, str]] = [
    ({}, "application/json", "", "upload_id"),
    ({"upload_id": "upl_x"}, "application/json", "", "format"),
    ({"upload_id": 1, "format": "csv"}, "application/json", "", "upload_id"),
    ({"upload_id": "upl_x", "format": "xml"}, "application/json", "", "format"),
    ({"upload_id": "upl_x", "format": ["csv"]}, "application/json", "", "format"),
    ({"upload_id": "../x", "format": "csv"}, "application/json", "", "upload_id"),
    (TABLE, "text/csv", "?format=xml", "format"),
    (TABLE, "text/plain", "", "Content-Type"),
    (b"{", SARIF, "", "file"),
    (b"", SARIF, "", "file"),
    ([], SARIF, "", "file"),
    ({"findings": []}, "application/json", "?format=json", "findings"),
    ({"findings": 1}, "application/json", "?format=json", "findings"),
    (b" " * (4 * 1024 * 1024 + 1), SARIF, "", "body"),
]


def test_what_is_wrong_with_a_request_is_named(importer: Importer) -> None:
    for body, content_type, query, path in WRONG:
        answer = importer.send(body, content_type, query)
        assert answer.status == 400, answer.body
        assert answer.json()["error"] in ("validation_error", "missing_required_field")
        assert [issue["path"] for issue in answer.json()["issues"]] == [path], body


def test_a_size_that_is_none_is_refused(importer: Importer) -> None:
    for size in (None, 0, -1, True, "12", 1.5, MAX_FILE_BYTES + 1):
        answer = importer.post("uploads", {"size_bytes": size})
        assert (answer.status, [i["path"] for i in answer.json()["issues"]]) == (400, ["size_bytes"]), size


@pytest.mark.parametrize("path", ["uploads", "import?format=csv"])
def test_only_the_owner_with_the_scope_imports(importer: Importer, path: str) -> None:
    body: Any = {"size_bytes": 1} if path == "uploads" else TABLE
    kind = "application/json" if path == "uploads" else "text/csv"
    stranger = create_key("other", "test", INVESTIGATION_SCOPES, kind="pck_live_").secret
    reader = create_key(ACCOUNT, "test", ("findings:read",), kind="pck_live_").secret
    assert importer.post(path, body, kind, key=stranger).status == 404
    assert importer.post(path, body, kind, key=reader).json()["error"] == "insufficient_scope"
    assert importer.post(path, body, kind, key="pck_test_nobody").status == 401


@pytest.mark.parametrize("path", ["uploads", "import?format=csv"])
def test_a_cancelled_investigation_takes_no_file(importer: Importer, path: str) -> None:
    cancel_investigation(ACCOUNT, importer.id)
    body: Any = {"size_bytes": 1} if path == "uploads" else TABLE
    answer = importer.post(path, body, "application/json" if path == "uploads" else "text/csv")
    assert (answer.status, answer.json()["error"]) == (409, "investigation_not_completed")


def test_an_import_costs_a_call_for_each_batch(importer: Importer) -> None:
    importer.send(TABLE, "text/csv")
    with counted_calls() as calls:
        importer.send(SCAN, SARIF)
    # One for the lease, two to see which of 128 are known, six of 25 to write, one to show them and to record that,
    # one for whom they concern.
    expected = {"UpdateItem": 1, "BatchGetItem": 2, "BatchWriteItem": 6, "TransactWriteItems": 1, "Query": 1}
    assert calls == expected
