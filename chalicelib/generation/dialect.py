"""How one endpoint wants to be asked. Endpoints differ; what one refuses is left out from then on."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from chalicelib.generation.chat import Message, with_words_added

JsonFormat = Literal["json_schema", "json_object", "none"]
WEAKER: Mapping[JsonFormat, JsonFormat] = {"json_schema": "json_object", "json_object": "none"}

SCHEMA_NAME = "answer"
LENGTH_LIMIT = re.compile(r"max_tokens|max_completion_tokens|completion tokens|output tokens", re.IGNORECASE)
FEWEST_TOKENS = 256


@dataclass(frozen=True)
class Dialect:
    """The fields that an endpoint takes; begins with what most take."""

    limit_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    most_tokens: int | None = None
    usage_in_stream: bool = True
    json_format: JsonFormat = "json_schema"

    def request(
        self, model: str, messages: Sequence[Message], max_tokens: int, schema: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """Return the body of a streaming Chat Completions request."""
        fields: dict[str, Any] = {
            "model": model,
            "messages": list(messages),
            "stream": True,
            self.limit_field: min(max_tokens, self.most_tokens or max_tokens),
        }
        if self.usage_in_stream:
            fields["stream_options"] = {"include_usage": True}
        return fields if schema is None else fields | self._asking_for_json(messages, schema)

    def adapted(self, complaint: str, max_tokens: int, with_schema: bool) -> Dialect | None:
        """Return the dialect to try after the endpoint's ``complaint``; None where nothing is left to try."""
        if "max_completion_tokens" in complaint and self.limit_field == "max_tokens" and "instead" in complaint:
            return replace(self, limit_field="max_completion_tokens")
        if self.usage_in_stream and re.search(r"stream_options|include_usage", complaint):
            return replace(self, usage_in_stream=False)
        fewer = self._smaller_limit(complaint, max_tokens)
        if fewer is not None:
            return replace(self, most_tokens=fewer)
        if with_schema and self.json_format in WEAKER:
            return replace(self, json_format=WEAKER[self.json_format])
        return None

    def _smaller_limit(self, complaint: str, max_tokens: int) -> int | None:
        """Return the answer length that a complaint about too long an answer allows."""
        if not LENGTH_LIMIT.search(complaint):
            return None
        asked = min(max_tokens, self.most_tokens or max_tokens)
        named = [int(number) for number in re.findall(r"(?<![\w.])\d{3,7}(?![\w.]*\d)", complaint)]
        return max((number for number in named if FEWEST_TOKENS <= number < asked), default=None)

    def _asking_for_json(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> dict[str, Any]:
        if self.json_format == "json_schema":
            wanted = {"name": SCHEMA_NAME, "strict": True, "schema": dict(schema)}
            return {"response_format": {"type": "json_schema", "json_schema": wanted}}
        asked = {"messages": _with_schema_in_words(messages, schema)}
        return asked if self.json_format == "none" else asked | {"response_format": {"type": "json_object"}}


def _with_schema_in_words(messages: Sequence[Message], schema: Mapping[str, Any]) -> list[Message]:
    """Say in the last message what the endpoint does not take as a field."""
    request = f"Answer with one JSON object, and nothing else, that fits this JSON Schema:\n{json.dumps(schema)}"
    return with_words_added(messages, request)
