"""How a request is put, and what is changed after an endpoint's complaint."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.generation.chat import Message
from chalicelib.generation.dialect import Dialect

ASK: list[Message] = [{"role": "system", "content": "You write."}, {"role": "user", "content": "Plan it."}]
SCHEMA: Mapping[str, Any] = {"type": "object", "properties": {"title": {"type": "string"}}}


def test_only_what_every_endpoint_takes_is_sent() -> None:
    assert Dialect().request("m", ASK, 100, None) == {
        "model": "m",
        "messages": ASK,
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 100,
    }


def test_a_schema_is_asked_for_as_strictly_as_the_endpoint_can() -> None:
    strict = Dialect().request("m", ASK, 100, SCHEMA)
    assert strict["response_format"]["type"] == "json_schema"
    assert strict["response_format"]["json_schema"]["schema"] == SCHEMA
    assert strict["response_format"]["json_schema"]["strict"] is True
    assert strict["messages"] == ASK
    loose = Dialect(json_format="json_object").request("m", ASK, 100, SCHEMA)
    assert loose["response_format"] == {"type": "json_object"}
    plain = Dialect(json_format="none").request("m", ASK, 100, SCHEMA)
    assert "response_format" not in plain
    for request in (loose, plain):  # what the field does not say, the prompt does
        assert '"properties"' in request["messages"][-1]["content"]
        assert request["messages"][0] == ASK[0]


@pytest.mark.parametrize(
    ("complaint", "expected"),
    [
        (
            "Unsupported parameter: 'max_tokens' is not supported here. Use 'max_completion_tokens' instead.",
            Dialect(limit_field="max_completion_tokens"),
        ),
        ("Extra inputs are not permitted: stream_options", Dialect(usage_in_stream=False)),
        (
            "max_tokens is too large: 9000. This model supports at most 4096 completion tokens, not 9000.",
            Dialect(most_tokens=4096),
        ),
        ("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]", Dialect(most_tokens=8192)),
        ("the temperature is wrong", None),
        ("", None),
    ],
)
def test_a_complaint_changes_what_it_names(complaint: str, expected: Dialect | None) -> None:
    assert Dialect().adapted(complaint, 9000, with_schema=False) == expected


def test_any_refusal_of_a_schema_is_answered_with_a_weaker_format_until_none_is_left() -> None:
    dialect: Dialect | None = Dialect()
    formats = []
    while dialect:
        formats.append(dialect.json_format)
        dialect = dialect.adapted("nobody knows why", 100, with_schema=True)
    assert formats == ["json_schema", "json_object", "none"]


@given(st.text() | st.from_regex(r"max_tokens \d{1,9} instead stream_options max_completion_tokens"), st.booleans())
def test_adapting_comes_to_an_end(complaint: str, with_schema: bool) -> None:
    dialect: Dialect | None = Dialect()
    for _ in range(12):
        dialect = dialect.adapted(complaint, 9000, with_schema) if dialect else None
    assert dialect is None
