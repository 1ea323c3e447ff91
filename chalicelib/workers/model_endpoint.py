"""The model that this deployment writes with, and what a report's requests to it are charged to."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.domain.report import Report
from chalicelib.generation.budget import Meter
from chalicelib.generation.model_client import Endpoint, ModelClient
from chalicelib.generation.pipeline import earlier_usage
from chalicelib.generation.usage import Usage
from chalicelib.settings import Settings
from chalicelib.stores.secret_store import secret_parameter


def meter_of(report: Report, checkpoints: Mapping[str, str], given: Settings) -> Meter:
    """Return a meter that counts on from earlier attempts, whose cost the limit covers, too.

    The checkpoint is of the last request, but ends before the record does, which knows every attempt that came
    to an end of its own.
    """
    recorded = Usage(**report.usage) if report.usage is not None else Usage()  # type: ignore[arg-type]
    before = max(recorded, earlier_usage(checkpoints), key=lambda usage: usage.calls)
    return Meter(given.llm_prices, report.parameters.get("max_cost_usd"), before)


def model_client(given: Settings, model: str) -> ModelClient:
    """Return a client for ``model``, with the fallback if there is one. Close it after use."""
    first = Endpoint(given.llm_base_url, _key(given.llm_api_key, given.llm_api_key_parameter), model)
    second = None
    if given.llm_fallback_base_url and given.llm_fallback_model:
        key = _key(given.llm_fallback_api_key, given.llm_fallback_api_key_parameter)
        second = Endpoint(given.llm_fallback_base_url, key, given.llm_fallback_model)
    return ModelClient(
        first, second, timeout_seconds=given.llm_timeout_seconds, patience_seconds=given.llm_patience_seconds
    )


def _key(value: str, parameter: str) -> str:
    return secret_parameter(parameter) if parameter else value
