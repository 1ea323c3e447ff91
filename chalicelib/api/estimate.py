"""What a report would take and cost ("Estimate Report"), said by the planner that would plan it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from chalicelib.domain.caller import Caller
from chalicelib.domain.price import price_of
from chalicelib.generation.estimate import estimate
from chalicelib.generation.length import DIGEST_WORDS
from chalicelib.generation.report_assignment import assignment_of
from chalicelib.services.create_report import NewReport, unstored_report
from chalicelib.services.queue_figures import last_known_figures
from chalicelib.settings import Settings, settings

# A digest is written without a model, and costs nothing.
_WITHOUT_MODEL: Final = {
    "calls": 0,
    "tokens_in": 0,
    "tokens_out": 0,
    "cost_usd": 0.0,
    "max_cost_usd": 0.0,
    "cost_unknown_because": None,
    "model": "none",
}
_NO_MODEL: Final = "No model is configured: set LLM_MODEL"
_NO_PRICE: Final = "No price is known for this model: set LLM_PRICES"


def estimate_view(caller: Caller, new: NewReport) -> dict[str, Any]:
    """Return the ``estimate`` of a report that is not stored. No AWS call.

    Reports of the same conversation are not counted in: nobody knows before which of them are there when
    the writing begins.
    """
    given = settings()
    assignment = assignment_of(unstored_report(caller, new))
    if given.llm_off:
        assignment = replace(assignment, default_words=DIGEST_WORDS)
    expected = estimate(assignment, given.llm_model, given.llm_prices, given.llm_section_words, given.llm_concurrency)
    average, basis = last_known_figures().average()
    view = {
        "words": expected.words,
        "sections": expected.sections,
        "calls": expected.calls,
        "tokens_in": expected.tokens_in,
        "tokens_out": expected.tokens_out,
        "cost_usd": _cents(expected.cost_usd),
        "max_cost_usd": _cents(expected.max_cost_usd),
        "cost_unknown_because": _why_no_cost(given),
        "model": given.llm_model or None,
        "detected_style": expected.detected.style,
        "style_reasons": list(expected.detected.reasons),
        "estimated_minutes": round(average.total_seconds() / 60, 1),
        "estimated_minutes_basis": basis,
    }
    return view | _WITHOUT_MODEL if given.llm_off else view


def _cents(amount: float | None) -> float | None:
    return None if amount is None else round(amount, 6)


def _why_no_cost(given: Settings) -> str | None:
    if not given.llm_model:
        return _NO_MODEL
    return None if price_of(given.llm_model, given.llm_prices) else _NO_PRICE
