"""The stores of this deployment, made once per process from its settings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from chalicelib.settings import settings
from chalicelib.stores.artifact_store import ArtifactStore
from chalicelib.stores.checkpoint_store import CheckpointStore
from chalicelib.stores.figures_store import FiguresStore
from chalicelib.stores.finding_store import FindingStore
from chalicelib.stores.follower_store import FollowerStore
from chalicelib.stores.investigation_store import InvestigationStore
from chalicelib.stores.key_store import KeyStore
from chalicelib.stores.narrative_store import NarrativeStore
from chalicelib.stores.permit_queue import PermitQueue
from chalicelib.stores.report_store import ReportStore


@dataclass(frozen=True)
class Stores:
    """Everything that is kept outside this process."""

    reports: ReportStore
    figures: FiguresStore
    checkpoints: CheckpointStore
    keys: KeyStore
    artifacts: ArtifactStore
    permits: PermitQueue
    investigations: InvestigationStore
    findings: FindingStore
    followers: FollowerStore
    narratives: NarrativeStore


@cache
def stores() -> Stores:
    """Return the stores of this deployment."""
    given = settings()
    reports = ReportStore(given.reports_table)
    investigations = InvestigationStore(given.investigations_table)
    return Stores(
        reports=reports,
        figures=FiguresStore(given.access_table, given.reports_table),
        checkpoints=CheckpointStore(given.reports_table),
        keys=KeyStore(given.access_table),
        artifacts=ArtifactStore(given.artifacts_bucket),
        permits=PermitQueue(given.queue_urls),
        investigations=investigations,
        findings=FindingStore(given.investigations_table),
        followers=FollowerStore(given.investigations_table),
        narratives=NarrativeStore(investigations, reports),
    )
