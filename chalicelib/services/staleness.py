"""When a report does not show its evidence any more: why, and when it is written again by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal

from chalicelib.domain.clock import now, stamp
from chalicelib.domain.investigation import Investigation
from chalicelib.settings import settings

EvidenceChange = Literal["new findings were added", "findings were dismissed"]

ADDED: Final[EvidenceChange] = "new findings were added"
DISMISSED: Final[EvidenceChange] = "findings were dismissed"
_BOTH: Final = "new findings were added and findings were dismissed"

LONGEST_WAIT: Final = timedelta(hours=1)
"""At most so long after a regeneration that failed, the next one is tried."""

_MOST_DOUBLINGS: Final = 10


def stale_reason(investigation: Investigation, change: EvidenceChange) -> str:
    """Return why the report is stale once its evidence has changed like that as well."""
    return change if investigation.stale_reason in ("", change) else _BOTH


def regenerate_at(investigation: Investigation) -> str | None:
    """Return when a change of now is to be in the report by itself: so long after the last change."""
    if not investigation.auto_regenerate:
        return None
    return stamp(now() + timedelta(seconds=settings().auto_regenerate_seconds))


def try_again_at(investigation: Investigation, at: datetime) -> str | None:
    """Return when a report is regenerated after this failed at ``at``: later each time, as long as it is stale.

    None where that is not wanted, or known already.
    """
    if not investigation.auto_regenerate or not investigation.stale or investigation.regenerate_at is not None:
        return None
    doublings = min(investigation.failed_regenerations + 1, _MOST_DOUBLINGS)
    wait = timedelta(seconds=settings().auto_regenerate_seconds) * 2**doublings
    return stamp(at + min(wait, LONGEST_WAIT))
