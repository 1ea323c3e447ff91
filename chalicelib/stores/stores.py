"""The stores of this deployment, made once per process from its settings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from chalicelib.settings import settings
from chalicelib.stores.answer_store import AnswerStore
from chalicelib.stores.artifact_store import ArtifactStore
from chalicelib.stores.audit_store import AuditStore
from chalicelib.stores.checkpoint_store import CheckpointStore
from chalicelib.stores.denial_store import DenialStore
from chalicelib.stores.figures_store import FiguresStore
from chalicelib.stores.finding_store import FindingStore
from chalicelib.stores.follower_store import FollowerStore
from chalicelib.stores.investigation_store import InvestigationStore
from chalicelib.stores.key_store import KeyStore
from chalicelib.stores.knowledge_queue import KnowledgeQueue
from chalicelib.stores.knowledge_store import KnowledgeStore
from chalicelib.stores.limit_store import LimitStore
from chalicelib.stores.narrative_store import NarrativeStore
from chalicelib.stores.outbox_store import OutboxStore
from chalicelib.stores.permit_queue import PermitQueue
from chalicelib.stores.report_store import ReportStore
from chalicelib.stores.secret_box import SecretBox
from chalicelib.stores.vault_store import VaultStore
from chalicelib.stores.webhook_queue import WebhookQueue
from chalicelib.stores.webhook_store import WebhookStore


@dataclass(frozen=True)
class Stores:
    """Everything that is kept outside this process."""

    reports: ReportStore
    figures: FiguresStore
    checkpoints: CheckpointStore
    keys: KeyStore
    limits: LimitStore
    artifacts: ArtifactStore
    permits: PermitQueue
    investigations: InvestigationStore
    findings: FindingStore
    followers: FollowerStore
    narratives: NarrativeStore
    answers: AnswerStore
    audit: AuditStore
    denials: DenialStore
    webhooks: WebhookStore
    webhook_queue: WebhookQueue
    outbox: OutboxStore
    secret_box: SecretBox
    vault: VaultStore
    knowledge: KnowledgeStore
    knowledge_queue: KnowledgeQueue


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
        limits=LimitStore(given.access_table),
        artifacts=ArtifactStore(given.artifacts_bucket),
        permits=PermitQueue(given.queue_urls),
        investigations=investigations,
        findings=FindingStore(given.investigations_table),
        followers=FollowerStore(given.investigations_table),
        narratives=NarrativeStore(investigations, reports),
        answers=AnswerStore(given.investigations_table),
        audit=AuditStore(given.audit_table),
        denials=DenialStore(given.access_table),
        webhooks=WebhookStore(given.webhooks_table),
        webhook_queue=WebhookQueue(given.webhooks_queue_url),
        outbox=OutboxStore({"reports": given.reports_table, "investigations": given.investigations_table}),
        secret_box=SecretBox(given.webhooks_key),
        vault=VaultStore(given.vault_table, given.vault_key),
        knowledge=KnowledgeStore(given.knowledge_table),
        knowledge_queue=KnowledgeQueue(given.knowledge_queue_url),
    )
