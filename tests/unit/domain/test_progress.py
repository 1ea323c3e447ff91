from __future__ import annotations

import dataclasses

import pytest

from chalicelib.domain.progress import stage_of
from chalicelib.domain.report import STATUSES, Report, Status

REPORT = Report(
    id="r", owner="o", created_at="", title="", description="", template_id="", template_name="", priority="normal",
    output_format="md", scrambling_enabled=True, honey_jar_id=None, parameters={}, warnings=(), status="processing",
    queued_at="",
)  # fmt: skip


@pytest.mark.parametrize(
    ("message", "stage"),
    [
        ("", "planning"),
        ("waiting to be resumed", "planning"),
        ("planning", "planning"),
        ("writing 3 of 8: Incident response", "writing"),
        ("writing 1 of 2: the executive summary", "writing"),
        ("writing the executive summary", "summarising"),
        ("checking", "checking"),
        ("rendering", "rendering"),
    ],
)
def test_the_stage_is_what_the_message_says(message: str, stage: str) -> None:
    assert stage_of(dataclasses.replace(REPORT, message=message)) == stage


@pytest.mark.parametrize("status", [status for status in STATUSES if status != "processing"])
def test_nothing_is_done_with_a_report_that_nobody_writes(status: Status) -> None:
    assert stage_of(dataclasses.replace(REPORT, status=status, message="writing 1 of 2")) is None
