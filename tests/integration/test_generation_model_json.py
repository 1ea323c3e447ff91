"""Structured output with endpoints that can, half can, or cannot; over real HTTP."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from chalicelib.generation.errors import ContextTooLong, ModelRejected
from chalicelib.generation.model_client import Message, ModelClient
from tests.model_server import ModelServer
from tests.support.model_asking import ASK, go_on

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["sections"],
    "properties": {
        "sections": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["title", "headings"],
                "properties": {"title": {"type": "string"}, "headings": {"type": "array", "items": {"type": "string"}}},
            },
        }
    },
}
PLAN: list[Message] = [{"role": "user", "content": "Plan a report on bees. It needs 7 sections."}]


def plan(client: ModelClient) -> Any:
    return json.loads(client.complete(PLAN, max_tokens=2000, check=go_on, schema=SCHEMA).text)


def formats(server: ModelServer) -> list[str | None]:
    return [(received.body.get("response_format") or {}).get("type") for received in server.requests()]


@pytest.mark.parametrize(
    ("can", "asked"),
    [
        ("json_schema", ["json_schema", "json_schema"]),
        ("json_object", ["json_schema", "json_object", "json_object"]),
        ("none", ["json_schema", "json_object", None, None]),
    ],
)
def test_the_strictest_format_that_the_endpoint_takes_is_found_once(
    client: ModelClient, server: ModelServer, can: str, asked: list[str | None]
) -> None:
    server.script.control({"json_format": can})
    for _ in range(2):
        sections = plan(client)["sections"]
        assert len({section["title"] for section in sections}) == 7
    assert formats(server) == asked


def test_text_is_asked_for_without_any_format(client: ModelClient, server: ModelServer) -> None:
    server.script.control({"json_format": "none"})
    client.complete(ASK, max_tokens=500, check=go_on)
    assert formats(server) == [None]


@pytest.mark.parametrize("status", [400, 422, 500, 501])
def test_a_format_is_refused_with_any_status(client: ModelClient, server: ModelServer, status: int) -> None:
    server.fault("error", status=status, message="response_format json_schema: failed to parse grammar")
    assert plan(client)["sections"]
    assert formats(server) == ["json_schema", "json_object"]


def test_a_request_that_is_refused_without_a_format_as_well_is_refused(
    client: ModelClient, server: ModelServer
) -> None:
    server.fault("error", status=400, message="filtered by the content policy", times=None)
    with pytest.raises(ModelRejected, match="rejected the request"):
        plan(client)
    assert formats(server) == ["json_schema", "json_object", None]


def test_a_context_that_is_too_short_is_not_taken_for_a_refused_format(
    client: ModelClient, server: ModelServer
) -> None:
    server.fault("context", vendor="vllm", times=None)
    with pytest.raises(ContextTooLong):
        plan(client)
    assert formats(server) == ["json_schema"]


@pytest.mark.parametrize("fault", ["outline_malformed", "outline_prose", "outline_fenced", "outline_empty"])
def test_the_answer_is_handed_on_as_it_came(client: ModelClient, server: ModelServer, fault: str) -> None:
    server.fault(fault, match="Plan")
    text = client.complete(PLAN, max_tokens=2000, check=go_on, schema=SCHEMA).text
    assert text != json.dumps(plan(client))
    assert len(server.requests()) == 2
