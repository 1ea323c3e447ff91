"""The Lambda entry points: the HTTP routes, one generator per priority, and the housekeeping."""

from __future__ import annotations

from typing import Any

from chalice.app import CloudWatchEvent, SQSEvent

from chalicelib import log
from chalicelib.api.application import Application
from chalicelib.api.audit import audit
from chalicelib.api.keys import keys
from chalicelib.api.knowledge import knowledge
from chalicelib.api.pii import pii
from chalicelib.api.reports import reports
from chalicelib.api.v1.findings import findings
from chalicelib.api.v1.imports import imports
from chalicelib.api.v1.investigations import investigations
from chalicelib.api.v1.jobs import jobs
from chalicelib.api.v1.reports import investigation_report
from chalicelib.api.v1.webhooks import investigation_webhooks
from chalicelib.api.webhooks import webhooks
from chalicelib.domain.priority import Priority

log.set_up()

app = Application(app_name="reports")
for blueprint in (
    reports,
    keys,
    audit,
    pii,
    knowledge,
    investigations,
    findings,
    imports,
    investigation_report,
    jobs,
    webhooks,
    investigation_webhooks,
):
    app.register_blueprint(blueprint)


def _begin(context: Any) -> None:
    """Let what is logged from now on carry this invocation's id, and nothing of the one before."""
    log.begin(function_request_id=str(getattr(context, "aws_request_id", "")))


def _generate(event: SQSEvent, priority: Priority) -> None:
    # The writing engine is imported here, so that the API's cold start does not pay for it.
    from chalicelib.workers.generate import handle_permit

    context: Any = event.context
    _begin(context)
    for record in event:
        handle_permit(record.body, priority, lambda: context.get_remaining_time_in_millis() / 1000)


@app.on_sqs_message(queue="reports-urgent", batch_size=1)
def generate_urgent(event: SQSEvent) -> None:
    """Write the urgent report that has waited longest."""
    _generate(event, "urgent")


@app.on_sqs_message(queue="reports-high", batch_size=1)
def generate_high(event: SQSEvent) -> None:
    """Write the high-priority report that has waited longest."""
    _generate(event, "high")


@app.on_sqs_message(queue="reports-normal", batch_size=1)
def generate_normal(event: SQSEvent) -> None:
    """Write the normal report that has waited longest."""
    _generate(event, "normal")


@app.on_sqs_message(queue="reports-low", batch_size=1)
def generate_low(event: SQSEvent) -> None:
    """Write the low-priority report that has waited longest."""
    _generate(event, "low")


@app.on_sqs_message(queue="webhooks", batch_size=1)
def deliver(event: SQSEvent) -> None:
    """Hand out the events of a record, or attempt the delivery of a webhook."""
    from chalicelib.workers.deliver import handle_message

    _begin(event.context)
    for record in event:
        handle_message(record.body)


@app.on_sqs_message(queue="knowledge", batch_size=1)
def index(event: SQSEvent) -> None:
    """Read a document of a honey jar and index it, or delete what is to be deleted."""
    # What reads documents is imported here alone.
    from chalicelib.workers.index import handle_message

    _begin(event.context)
    for record in event:
        handle_message(record.body)


@app.lambda_function()
def dead_letters(event: dict[str, Any], context: Any) -> None:
    """Look after the reports whose permits became dead letters."""
    from chalicelib.workers.dead_letters import handle_dead_letters

    _begin(context)
    handle_dead_letters(event)


@app.schedule("rate(1 minute)")
def sweep(event: CloudWatchEvent) -> None:
    """Put right what a crash or an outage left behind."""
    from chalicelib.services.sweep import sweep as run_sweep

    _begin(event.context)
    run_sweep()
