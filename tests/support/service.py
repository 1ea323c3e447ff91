"""The service in one process: the real app and handlers over moto, driven as AWS would drive them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

from chalice.config import Config
from chalice.local import LocalGateway

import app as app_module
from chalicelib.services.audit import forget_denials
from chalicelib.services.detectors import detector
from chalicelib.services.key_usage import forget_usage
from chalicelib.services.keys import create_key, forget_keys
from chalicelib.services.limits import forget_windows
from chalicelib.services.outbox import forget_subscriptions
from chalicelib.services.queue_figures import forget_figures
from chalicelib.services.search_knowledge import forget_segments
from chalicelib.settings import settings
from chalicelib.stores import aws
from chalicelib.stores.secret_store import secret_parameter
from chalicelib.stores.stores import stores
from tests.support.client_events import listening

TEMPLATE_ID = "cc030440-0005-470f-8341-6ec798d00445"
PRIORITIES = ("urgent", "high", "normal", "low")


@dataclass(frozen=True)
class Answer:
    """An HTTP answer as a client would see it."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def forget_everything() -> None:
    """Make this process as cold as a new one."""
    settings.cache_clear()
    stores.cache_clear()
    for client in (aws.dynamodb_client, aws.sqs_client, aws.s3_client, aws.ssm_client, aws.kms_client):
        client.cache_clear()
    secret_parameter.cache_clear()
    detector.cache_clear()
    forget_keys()
    forget_usage()
    forget_denials()
    forget_windows()
    forget_figures()
    forget_subscriptions()
    forget_segments()


class Context:
    """What Lambda tells a handler about its time."""

    def __init__(self, remaining_seconds: float = 900) -> None:
        self.remaining_seconds = remaining_seconds
        self.function_name = "generate"
        self.aws_request_id = "test"

    def get_remaining_time_in_millis(self) -> float:
        return self.remaining_seconds * 1000


@cache
def _gateway() -> LocalGateway:
    """Return the gateway before the app, which keeps nothing of a request; making it costs more than most of them."""
    return LocalGateway(app_module.app, Config())


class Service:
    """One deployment and a caller with a key to it."""

    app: ModuleType = app_module

    def __init__(self) -> None:
        self.owner = "alice"
        self.key = self.new_key(self.owner)
        self._gateway = _gateway()

    def new_key(self, owner: str, scopes: tuple[str, ...] = ("read", "write")) -> str:
        return create_key(owner, "test", scopes).secret  # type: ignore[arg-type]

    # HTTP

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        key: str | None = "",
    ) -> Answer:
        """Send a request; ``key=None`` sends none, and a body that is not bytes is sent as JSON."""
        sent = dict(headers or {})
        secret = self.key if key == "" else key
        if secret is not None:
            sent.setdefault("X-API-Key", secret)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        sent.setdefault("Accept", "*/*")
        answer = self._gateway.handle_request(method, path, sent, body)
        content = answer["body"]
        if answer.get("isBase64Encoded"):
            import base64

            content = base64.b64decode(content)
        elif isinstance(content, str):
            content = content.encode()
        return Answer(answer["statusCode"], {k.lower(): v for k, v in answer["headers"].items()}, content)

    def get(self, path: str, **how: Any) -> Answer:
        return self.request("GET", path, **how)

    def post(self, path: str, body: Any = None, **how: Any) -> Answer:
        return self.request("POST", path, body, **how)

    def create(self, title: str = "A title", key: str | None = "", **fields: Any) -> str:
        """Create a report and return its id."""
        answer = self.post("/api/reports/", new_report(title, **fields), key=key)
        assert answer.status == 201, answer.body
        return str(answer.json()["data"]["report"]["id"])

    def report(self, report_id: str, **how: Any) -> Any:
        answer = self.get(f"/api/reports/{report_id}", **how)
        assert answer.status == 200, answer.body
        return answer.json()["report"]

    # Events

    def deliver(self, priority: str, body: str, remaining_seconds: float = 900) -> None:
        """Hand one message to the generator of ``priority``, as the event source mapping does."""
        event = {"Records": [{"messageId": "1", "body": body, "receiptHandle": "r", "attributes": {}}]}
        getattr(app_module, f"generate_{priority}")(event, Context(remaining_seconds))

    def permits(self, priority: str) -> list[str]:
        """Take the permits off a queue."""
        url = settings().queue_urls[priority]  # type: ignore[index]
        bodies: list[str] = []
        while True:
            found = aws.sqs_client().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
            if not found:
                return bodies
            for message in found:
                bodies.append(message["Body"])
                aws.sqs_client().delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def work(self) -> int:
        """Serve every permit on every queue, highest priority first; return how many there were."""
        served = 0
        for priority in PRIORITIES:
            for body in self.permits(priority):
                self.deliver(priority, body)
                served += 1
        return served

    def sweep(self) -> None:
        """Run the scheduled sweep."""
        app_module.sweep(
            {
                "detail": {},
                "detail-type": "Scheduled Event",
                "source": "aws.events",
                "time": "",
                "version": "0",
                "region": "",
                "account": "",
                "resources": [],
                "id": "",
            },
            Context(),
        )

    def finish(self, report_id: str) -> Any:
        """Write every waiting report and return this one, which must be completed."""
        self.work()
        report = self.report(report_id)
        assert report["status"] == "completed", report
        return report


def new_report(title: str = "A title", **fields: Any) -> dict[str, Any]:
    """Return the body of a valid create request."""
    body: dict[str, Any] = {
        "template_id": TEMPLATE_ID,
        "title": title,
        "parameters": {"user_query": "Write a 300 word overview of network segmentation."},
    }
    return body | fields


@contextmanager
def counted_calls() -> Iterator[Counter[str]]:
    """Count the AWS calls of this process by operation, as botocore sends them."""
    calls: Counter[str] = Counter()

    def note(model: Any, **_: Any) -> None:
        calls[model.name] += 1

    clients = (aws.dynamodb_client(), aws.sqs_client(), aws.s3_client(), aws.kms_client())
    with listening(clients, "before-call", note):
        yield calls
