"""What a report is to be written from: an order that this deployment could not meet is refused."""

from __future__ import annotations

from chalicelib.api.problems import invalid
from chalicelib.services.create_report import NewReport
from chalicelib.settings import settings


def check_sources(new: NewReport) -> None:
    """Refuse a report that nobody could write, or whose sources could not be looked for.

    Raises:
        ProblemError: 400 about ``honey_jar_id`` or ``parameters.web_search``.
    """
    given = settings()
    if given.llm_off and new.honey_jar_id is None:
        raise invalid(
            "honey_jar_id",
            "is required: this deployment has no model (LLM=off), so its reports are digests of honey jars; "
            "for others it needs LLM_BASE_URL and LLM_MODEL",
        )
    if new.parameters.get("web_search") and not given.web_search_url:
        raise invalid("parameters.web_search", "is not available: this deployment has no WEB_SEARCH_URL")
