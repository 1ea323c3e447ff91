from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.clock import stamp
from chalicelib.domain.freshness import Freshness, freshness
from chalicelib.domain.investigation import Investigation, InvestigationScope

NOW = datetime(2026, 5, 3, 14, 22, 1, tzinfo=UTC)


def investigation(status: str, newest: str | None) -> Investigation:
    return Investigation(
        id="inv_1",
        account="acme",
        status=status,  # type: ignore[arg-type]
        query="q",
        depth="standard",
        mode="auto",
        scope=InvestigationScope(),
        created_at=stamp(NOW),
        queued_at=stamp(NOW),
        newest_evidence_at=newest,
    )


@pytest.mark.parametrize(("hours", "old"), [(0, False), (23.9, False), (24.1, True), (2_400, True)])
def test_evidence_older_than_a_day_is_worth_collecting_anew(hours: float, old: bool) -> None:
    newest = stamp(NOW - timedelta(hours=hours))
    assert freshness(investigation("completed", newest), NOW) == Freshness(newest, int(hours * 3600), old)


def test_evidence_that_is_newer_than_now_is_fresh() -> None:
    assert freshness(investigation("queued", stamp(NOW + timedelta(hours=1))), NOW).age_seconds == 0


@pytest.mark.parametrize(("status", "recommended"), [("pending", False), ("analyzing", False), ("completed", True)])
def test_none_at_all_is_worth_a_look_once_the_investigation_is_over(status: str, recommended: bool) -> None:
    assert freshness(investigation(status, None), NOW) == Freshness(None, None, recommended)
