"""Vendors' wordings are told apart. (What each leads to is shown over HTTP in the model client's tests.)"""

from email.utils import formatdate
from time import time

import pytest

from chalicelib.generation.endpoint_errors import (
    CONTEXT_WORDINGS,
    KEY_WORDINGS,
    MODEL_WORDINGS,
    QUOTA_WORDINGS,
    wished_wait,
)

OTHER_REFUSALS = [
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    "max_tokens is too large: 9000. This model supports at most 4096 completion tokens, whereas you provided 9000.",
    "Invalid value for 'temperature': 3 is greater than the maximum of 2.",
    "The response was filtered due to the prompt triggering the content management policy.",
    "Invalid schema for response_format 'answer': 'minItems' is not permitted.",
    "Rate limit reached for requests per minute. Please try again in 20s.",
    "Extra inputs are not permitted: stream_options",
    "The server is overloaded or not ready yet.",
]


@pytest.mark.parametrize("said", OTHER_REFUSALS)
def test_other_refusals_are_not_taken_for_context_key_model_or_quota(said: str) -> None:
    for wordings in (CONTEXT_WORDINGS, KEY_WORDINGS, MODEL_WORDINGS, QUOTA_WORDINGS):
        assert not wordings.search(said)


@pytest.mark.parametrize(
    "said",
    [
        "Incorrect API key provided: sk-1234.",
        "API key not valid. Please pass a valid API key.",
        "invalid_api_key",
        "Invalid API Key",
        "No API key provided",
        "missing_api_key",
    ],
)
def test_a_refused_key_is_seen(said: str) -> None:
    assert KEY_WORDINGS.search(said)


@pytest.mark.parametrize(
    "said",
    [
        "The model `gpt-9` does not exist or you do not have access to it.",
        "model_not_found",
        "Model Not Exist",
        "Invalid model: tiny-9",
        "Invalid model name passed in model=tiny-9",
        "tiny-9 is not a valid model ID",
        'model "tiny-9" not found, try pulling it first',
        "Unknown model tiny-9",
    ],
)
def test_an_unknown_model_is_seen(said: str) -> None:
    assert MODEL_WORDINGS.search(said)


@pytest.mark.parametrize(
    "said", ["You exceeded your current quota, please check your plan.", "insufficient_quota", "Insufficient Balance"]
)
def test_a_used_up_account_is_seen(said: str) -> None:
    assert QUOTA_WORDINGS.search(said)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
    ],
)
def test_the_wished_wait_is_read(headers: dict[str, str], seconds: float) -> None:
    assert wished_wait(headers) == seconds


def test_the_wished_wait_may_be_a_date() -> None:
    wait = wished_wait({"retry-after": formatdate(time() + 30, usegmt=True)})
    assert wait is not None
    assert 28 <= wait <= 30


@pytest.mark.parametrize("value", ["", "soon", "-5", "nan", "inf", "1e99", "Wed, 99 Foo 2015", "\x00"])
def test_a_senseless_wish_is_none(value: str) -> None:
    assert wished_wait({"retry-after": value}) is None
