"""What came of checking the citations of a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MOST_LISTED: Final = 20
"""Of sentences that are not supported so many are kept; all are counted."""

LONGEST_SENTENCE: Final = 400
"""Characters that are kept of a sentence, and of what it cites."""

LONGEST_REASON: Final = 200


@dataclass(frozen=True)
class Unsupported:
    """A sentence that its source does not support: as it stands in the report, what it cites, and why not."""

    sentence: str
    source: str
    reason: str


@dataclass(frozen=True)
class Citations:
    """The citations of one report.

    Args:
        claims: how many sentences cite a source.
        supported: how many of these are supported by what they cite.
        unsupported: the others, the first ``MOST_LISTED``.
        removed: how often a source was cited that there is not; such citations do not stand in the report.
    """

    claims: int = 0
    supported: int = 0
    unsupported: tuple[Unsupported, ...] = ()
    removed: int = 0
