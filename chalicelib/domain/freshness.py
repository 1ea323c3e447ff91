"""How old the evidence of an investigation is, and whether only a new look at the endpoints would help."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from chalicelib.domain.clock import parse_stamp
from chalicelib.domain.investigation import Investigation

FRESH: Final = timedelta(hours=24)
"""Evidence that is older is worth collecting anew."""


@dataclass(frozen=True)
class Freshness:
    """How old the newest evidence is, in whole seconds; both None where there is none."""

    newest_evidence_at: str | None
    age_seconds: int | None
    should_rerun_live: bool


def freshness(investigation: Investigation, at: datetime) -> Freshness:
    """Return how fresh an investigation's evidence is.

    A new look is recommended once the newest evidence is older than a day, and where a finished
    investigation had none at all.

    Args:
        investigation: whose evidence.
        at: the moment it is asked.
    """
    newest = investigation.evidence_at
    if newest is None:
        return Freshness(None, None, investigation.status == "completed")
    age = max(timedelta(), at - parse_stamp(newest))
    return Freshness(newest, int(age.total_seconds()), age > FRESH)
