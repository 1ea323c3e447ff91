"""The environment of the stack's processes: loopback AWS, and one model endpoint chosen on purpose."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Final

from embedded.processes import StackError

LEASE_SECONDS: Final = 30
"""Shorter than on AWS: here a killed worker is back in a second, and somebody is watching."""

WITHOUT_MODEL: Final = {"LLM": "off"}
"""The settings of a stack in which no model writes."""

EMBEDDED_MODEL: Final = "SmolLM2-135M-Instruct"
EMBEDDED_NOTICE: Final = (
    f"This text was written by {EMBEDDED_MODEL}, a very small demonstration model. "
    "Its statements, names, dates and figures may be invented; do not rely on them."
)
# A model this small loses the thread in longer pieces.
_EMBEDDED_SECTION_WORDS: Final = 170
# As many requests as its server answers at the same time.
_EMBEDDED_CONCURRENCY: Final = 4

# An account or a paid endpoint that happens to be configured must never be used from here.
_DROPPED_PREFIXES: Final = ("AWS_", "OPENAI_", "LLM_", "QUEUE_URL_")
_DROPPED: Final = frozenset(
    {
        "REPORTS_TABLE",
        "ACCESS_TABLE",
        "INVESTIGATIONS_TABLE",
        "WEBHOOKS_TABLE",
        "KNOWLEDGE_TABLE",
        "WEBHOOKS_KEY",
        "ARTIFACTS_BUCKET",
        "WORKERS",
        "PORT",
    }
)
# What an endpoint is called with, and how; nothing else of the caller reaches the processes.
_ENDPOINT: Final = (
    "LLM_BASE_URL",
    "LLM_API_KEY",
    "LLM_MODEL",
    "LLM_MODEL_FAST",
    "LLM_MODEL_STANDARD",
    "LLM_MODEL_DEEP",
    "LLM_FALLBACK_BASE_URL",
    "LLM_FALLBACK_API_KEY",
    "LLM_FALLBACK_MODEL",
    "LLM_PRICES",
    "LLM_CONCURRENCY",
    "LLM_TIMEOUT_SECONDS",
    "LLM_PATIENCE_SECONDS",
    "LLM_SECTION_WORDS",
    "LLM_NOTICE",
)


def without_accounts(caller: Mapping[str, str]) -> dict[str, str]:
    """Return the caller's environment (usually ``os.environ``) without accounts, endpoints and resources."""
    return {
        name: value for name, value in caller.items() if not name.startswith(_DROPPED_PREFIXES) and name not in _DROPPED
    }


def stack_settings(caller: Mapping[str, str], aws_endpoint_url: str, slots: int) -> dict[str, str]:
    """Return what the stack itself sets for its processes.

    Args:
        caller: the caller's environment; its ``LEASE_SECONDS`` and proxy exceptions are kept.
        aws_endpoint_url: where the emulator listens.
        slots: how many reports are written at the same time.
    """
    exceptions = caller.get("NO_PROXY") or caller.get("no_proxy")
    no_proxy = ",".join(filter(None, [exceptions, "127.0.0.1,localhost"]))
    return {
        "LEASE_SECONDS": caller.get("LEASE_SECONDS") or str(LEASE_SECONDS),
        # Whoever tries webhooks out here has their receiver here as well.
        "WEBHOOK_ALLOW_LOOPBACK": caller.get("WEBHOOK_ALLOW_LOOPBACK") or "1",
        "AWS_ENDPOINT_URL": aws_endpoint_url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "WORKERS": f"shared:{slots}",
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
        "PYTHONUNBUFFERED": "1",
    }


def chosen_endpoint(caller: Mapping[str, str]) -> dict[str, str]:
    """Return the ``LLM_*`` settings of the endpoint the caller names, or nothing for the embedded model.

    ``LLM=off`` is a choice, too: then there is no model, whatever else is named.

    Raises:
        StackError: an endpoint without a model.
    """
    if caller.get("LLM") == "off":
        return WITHOUT_MODEL
    if not caller.get("LLM_BASE_URL"):
        return {}
    if not caller.get("LLM_MODEL"):
        raise StackError("LLM_BASE_URL is set: name the model that writes there with LLM_MODEL")
    return {name: caller[name] for name in _ENDPOINT if caller.get(name)}


def embedded_endpoint(port: int) -> dict[str, str]:
    """Return the ``LLM_*`` settings of the embedded model on 127.0.0.1:``port``."""
    return {
        "LLM_BASE_URL": f"http://127.0.0.1:{port}/v1",
        "LLM_API_KEY": "embedded",
        "LLM_MODEL": EMBEDDED_MODEL,
        "LLM_PRICES": json.dumps({EMBEDDED_MODEL: [0, 0]}),
        "LLM_CONCURRENCY": str(_EMBEDDED_CONCURRENCY),
        "LLM_NOTICE": EMBEDDED_NOTICE,
        "LLM_SECTION_WORDS": str(_EMBEDDED_SECTION_WORDS),
    }
