"""How endpoints say no: a key, a model, a response format, or a context that is too short, vendor by vendor."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from tests.model_server.script import Fault, Script

# The shape and the substance of what vendors answer to a prompt beyond the model's context.
CONTEXT_TOO_LONG: dict[str, tuple[int, dict[str, Any]]] = {
    "openai": (
        400,
        {
            "error": {
                "message": "This model's maximum context length is 8192 tokens. However, your messages resulted in "
                "9012 tokens. Please reduce the length of the messages.",
                "type": "invalid_request_error",
                "param": "messages",
                "code": "context_length_exceeded",
            }
        },
    ),
    "azure": (
        400,
        {"error": {"message": "Your input exceeds the context window of this model.", "code": "invalid_prompt"}},
    ),
    "vllm": (
        400,
        {
            "object": "error",
            "message": "This model's maximum context length is 4096 tokens. However, you requested 5021 tokens "
            "(4021 in the messages, 1000 in the completion).",
            "type": "BadRequestError",
            "code": 400,
        },
    ),
    "vllm_decoder": (
        400,
        {
            "error": {
                "message": "The decoder prompt (length 5021) is longer than the maximum model length of 4096.",
                "type": "BadRequestError",
                "code": 400,
            }
        },
    ),
    "llama_cpp": (
        400,
        {
            "error": {
                "code": 400,
                "message": "request (5021 tokens) exceeds the available context size (4096 tokens), try increasing it",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": 5021,
                "n_ctx": 4096,
            }
        },
    ),
    "ollama": (500, {"error": {"message": "the input length exceeds the context length", "type": "api_error"}}),
    "anthropic": (
        400,
        {
            "error": {
                "type": "invalid_request_error",
                "message": "prompt is too long: 208310 tokens > 200000 maximum",
            }
        },
    ),
    "anthropic_sum": (
        400,
        {
            "error": {
                "type": "invalid_request_error",
                "message": "input length and `max_tokens` exceed context limit: 197000 + 8000 > 200000",
            }
        },
    ),
    "gemini": (
        400,
        {
            "error": {
                "code": 400,
                "message": "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
                "status": "INVALID_ARGUMENT",
            }
        },
    ),
    "tgi": (
        422,
        {
            "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. "
            "Given: 4021 `inputs` tokens and 1000 `max_new_tokens`",
            "error_type": "validation",
        },
    ),
    "mistral": (
        400,
        {
            "object": "error",
            "message": "Prompt contains 40021 tokens and 0 draft tokens, too large for model with 32768 maximum "
            "context length",
            "type": "invalid_request_message_length",
            "code": "3051",
        },
    ),
    "groq": (
        413,
        {"error": {"message": "Request too large for model", "type": "tokens", "code": "rate_limit_exceeded"}},
    ),
    "bedrock": (400, {"message": "Input is too long for requested model."}),
    "xai": (
        400,
        {
            "code": "Client specified an invalid argument",
            "error": "This model's maximum prompt length is 131072 but the request contains 150021 tokens.",
        },
    ),
    "cohere": (
        400,
        {"message": "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 5021."},
    ),
    "sglang": (
        400,
        {
            "object": "error",
            "message": "The input (5021 tokens) is longer than the model's context length (4096 tokens).",
        },
    ),
    "moonshot": (
        400,
        {
            "error": {
                "message": "Invalid request: Your request exceeded model token limit: 8192",
                "type": "invalid_request_error",
            }
        },
    ),
    "zhipu": (400, {"error": {"code": "1261", "message": "Prompt exceeds max length"}}),
    "proxy": (413, {}),
}
STRENGTH = {"none": 0, "json_object": 1, "json_schema": 2}


@dataclass(frozen=True)
class Refusal:
    """An answer with a status that is not 200."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


def refusal(script: Script, body: dict[str, Any], authorization: str, fault: Fault | None) -> Refusal | None:
    """Return how the request is turned down, if it is."""
    if script.api_key and authorization != f"Bearer {script.api_key}":
        return _said(401, "Incorrect API key provided.", "invalid_api_key")
    if script.check_model and body.get("model") != script.model:
        return _said(404, f"The model `{body.get('model')}` does not exist.", "model_not_found")
    wanted = (body.get("response_format") or {}).get("type", "none")
    if STRENGTH.get(wanted, 2) > STRENGTH[script.json_format]:
        return _said(400, f"'response_format' of type '{wanted}' is not supported with this model.", None)
    if fault and fault.kind == "context":
        return Refusal(*CONTEXT_TOO_LONG[fault.vendor])
    if fault and fault.kind == "error":
        return Refusal(fault.status, _error(fault.message or f"scripted {fault.status}", None), _retry_after(fault))
    return None


def _said(status: int, message: str, code: str | None) -> Refusal:
    return Refusal(status, _error(message, code))


def _error(message: str, code: str | None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "scripted", "code": code}}


def _retry_after(fault: Fault) -> dict[str, str]:
    if fault.retry_after is None:
        return {}
    if fault.retry_after_as_date:
        return {"Retry-After": formatdate(time.time() + fault.retry_after, usegmt=True)}
    return {"Retry-After": f"{fault.retry_after:g}"}
