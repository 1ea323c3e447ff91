"""The Lambda entry points: the HTTP routes, one generator per priority, and the housekeeping."""

from __future__ import annotations

import logging
from typing import Any

from chalice.app import CloudWatchEvent, SQSEvent

from chalicelib.api.application import Application
from chalicelib.api.reports import reports
from chalicelib.api.v1.findings import findings
from chalicelib.api.v1.imports import imports
from chalicelib.api.v1.investigations import investigations
from chalicelib.api.v1.jobs import jobs
from chalicelib.api.v1.reports import investigation_report
from chalicelib.domain.priority import Priority

# Lambda writes warnings and errors alone; what our own code tells of a report's way is wanted, too.
logging.getLogger("chalicelib").setLevel(logging.INFO)

app = Application(app_name="reports")
for blueprint in (reports, investigations, findings, imports, investigation_report, jobs):
    app.register_blueprint(blueprint)


def _generate(event: SQSEvent, priority: Priority) -> None:
    # The writing engine is imported here, so that the API's cold start does not pay for it.
    from chalicelib.workers.generate import handle_permit

    context: Any = event.context
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


@app.lambda_function()
def dead_letters(event: dict[str, Any], context: Any) -> None:
    """Look after the reports whose permits became dead letters."""
    from chalicelib.workers.dead_letters import handle_dead_letters

    handle_dead_letters(event)


@app.schedule("rate(1 minute)")
def sweep(event: CloudWatchEvent) -> None:
    """Put right what a crash or an outage left behind."""
    from chalicelib.services.sweep import sweep as run_sweep

    run_sweep()
