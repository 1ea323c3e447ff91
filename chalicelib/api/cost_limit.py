"""``parameters.max_cost_usd``: a limit that could not be kept is refused."""

from __future__ import annotations

from chalicelib.api.problems import invalid
from chalicelib.domain.price import price_of
from chalicelib.services.create_report import NewReport
from chalicelib.settings import settings


def check_cost_limit(new: NewReport) -> None:
    """Refuse a cost limit where a model that may write the report has no price.

    Raises:
        ProblemError: 400 about ``parameters.max_cost_usd``.
    """
    if new.parameters.get("max_cost_usd") is None:
        return
    given = settings()
    if given.llm_off:
        return  # a digest costs nothing
    models = [given.llm_model] + ([given.llm_fallback_model] if given.llm_fallback_base_url else [])
    if not all(price_of(model, given.llm_prices) for model in models):
        raise invalid(
            "parameters.max_cost_usd",
            "cannot be kept: this deployment knows no price of its model; a limit needs LLM_PRICES",
        )
