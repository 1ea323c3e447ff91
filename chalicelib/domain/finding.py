"""A finding: one thing that evidence shows (investigation API, "Finding")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Severity = Literal["low", "medium", "high", "critical"]
DismissalReason = Literal["false_positive", "accepted_risk", "resolved", "duplicate"]

SEVERITIES: Final[tuple[Severity, ...]] = ("low", "medium", "high", "critical")
DISMISSAL_REASONS: Final[tuple[DismissalReason, ...]] = ("false_positive", "accepted_risk", "resolved", "duplicate")

MAX_FINDINGS: Final = 5_000
"""Most findings of one investigation."""

MAX_EVIDENCE_BYTES: Final = 64_000_000
"""Most bytes of JSON in the findings of one investigation."""

MAX_FINDING_BYTES: Final = 2_500_000
"""Most bytes of JSON in one finding, so that one answer of the API has room for it."""

# Bounds of a finding's fields, in characters or entries; what sends findings in is checked against them.
MAX_TITLE: Final = 500
MAX_SUMMARY: Final = 1_000_000
MAX_EXTERNAL_ID: Final = 256
MAX_STEPS: Final = 500
MAX_OBSERVATION: Final = 100_000
MAX_NODES: Final = 100
MAX_NODE_FIELD: Final = 256
MAX_TAGS: Final = 50
MAX_TAG: Final = 256
MAX_NOTES: Final = 10_000


@dataclass(frozen=True)
class Step:
    """One step of the reasoning that led to a finding."""

    step: int
    observation: str
    evidence_ref: str | None = None


@dataclass(frozen=True)
class FindingNode:
    """Something that a finding is about: an endpoint, a file, an account."""

    node_id: str
    type: str
    name: str


@dataclass(frozen=True)
class Dismissal:
    """Why a finding does not count any more."""

    reason: DismissalReason
    notes: str
    dismissed_at: str


@dataclass(frozen=True)
class NewFinding:
    """A finding as it is sent in. ``discovered_at`` is a stamp, or None for now."""

    title: str
    summary: str
    severity: Severity
    confidence: float
    external_id: str | None = None
    reasoning_chain: tuple[Step, ...] = ()
    nodes: tuple[FindingNode, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    discovered_at: str | None = None


@dataclass(frozen=True)
class Finding:
    """A stored finding; ``discovered_at`` is a stamp, ``confidence`` 0 to 1.

    ``truncated`` tells that this is its short form, as lists show a very large one.
    """

    id: str
    investigation_id: str
    account: str
    title: str
    summary: str
    severity: Severity
    confidence: float
    discovered_at: str
    external_id: str | None = None
    reasoning_chain: tuple[Step, ...] = ()
    nodes: tuple[FindingNode, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    dismissal: Dismissal | None = None
    truncated: bool = False

    @property
    def dismissed(self) -> bool:
        """Whether it does not count any more."""
        return self.dismissal is not None


def by_weight(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings from the gravest to the least: by severity, then confidence, then the newest, then id."""
    newest_first = sorted(findings, key=lambda f: (f.discovered_at, f.id), reverse=True)
    return sorted(newest_first, key=lambda f: (SEVERITIES.index(f.severity), f.confidence), reverse=True)


def overall_severity(findings: Iterable[Finding]) -> Severity:
    """Return the severity of the gravest finding that is not dismissed; ``low`` if there is none."""
    ranks = [SEVERITIES.index(f.severity) for f in findings if not f.dismissed]
    return SEVERITIES[max(ranks, default=0)]
