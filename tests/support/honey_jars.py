"""Honey jars of the service in this process: made, filled and worked on as clients and Lambda would."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from urllib3.filepost import encode_multipart_formdata

import app as app_module
from chalicelib.settings import settings
from chalicelib.stores import aws
from tests.support.service import Answer, Context, Service


def form(files: Mapping[str, bytes], field: str = "files", **fields: str) -> tuple[bytes, str]:
    """Return a multipart body with files, and its content type."""
    sent = [(field, (filename, content, "application/octet-stream")) for filename, content in files.items()]
    return encode_multipart_formdata([*fields.items(), *sent])


class Jars:
    """The jars of one caller."""

    def __init__(self, service: Service, key: str = "") -> None:
        self.service = service
        self.key = key or service.key

    def request(self, method: str, path: str, body: Any = None, **how: Any) -> Answer:
        return self.service.request(method, f"/api/knowledge{path}", body, key=self.key, **how)

    def create(self, name: str = "A jar", **fields: Any) -> str:
        answer = self.request("POST", "/honey-jars", {"name": name, **fields})
        assert answer.status == 201, answer.body
        return str(answer.json()["data"]["honey_jar"]["id"])

    def upload(self, jar: str, files: Mapping[str, bytes], path: str = "", **how: Any) -> Answer:
        headers = how.pop("headers", {})
        body, content_type = form(files, **how)
        return self.request(
            "POST", f"/honey-jars/{jar}/documents{path}", body, headers={"Content-Type": content_type, **headers}
        )

    def add(self, jar: str, filename: str, content: bytes | str) -> dict[str, Any]:
        """Add a document and have it read; return it as it is then."""
        content = content.encode() if isinstance(content, str) else content
        answer = self.upload(jar, {filename: content})
        assert answer.status == 201, answer.body
        work()
        return self.document(jar, answer.json()["data"]["document"]["id"])

    def document(self, jar: str, document: str) -> dict[str, Any]:
        answer = self.request("GET", f"/honey-jars/{jar}/documents/{document}")
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.json()["data"]["document"]
        return found

    def search(self, query: str, jars: list[str] | None = None, **fields: Any) -> list[dict[str, Any]]:
        answer = self.request("POST", "/search", {"query": query, "honey_jar_ids": jars, **fields})
        assert answer.status == 200, answer.body
        found: list[dict[str, Any]] = answer.json()["results"]
        return found


def messages() -> list[str]:
    """Take what waits on the queue now."""
    url, found = settings().knowledge_queue_url, list[str]()
    while taken := aws.sqs_client().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        for message in taken:
            found.append(message["Body"])
            aws.sqs_client().delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def handle(body: str) -> None:
    """Hand one message to the worker."""
    record = {"messageId": "1", "body": body, "receiptHandle": "r", "attributes": {}}
    app_module.index({"Records": [record]}, Context(600))


def work() -> int:
    """Do what the messages on the queue say; return how many there were."""
    bodies = messages()
    for body in bodies:
        handle(body)
    return len(bodies)


def work_of(jar: str, document: str = "") -> str:
    """Return the message of a piece of work."""
    return json.dumps({"jar_id": jar, "document_id": document})


def stored_keys(prefix: str = "") -> set[str]:
    """Return the key of every version of every object, of deletion marks, too."""
    bucket = settings().artifacts_bucket
    pages = aws.s3_client().get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
    return {entry["Key"] for page in pages for kind in ("Versions", "DeleteMarkers") for entry in page.get(kind, ())}
