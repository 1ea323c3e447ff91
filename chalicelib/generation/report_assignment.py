"""A report's record as the pipeline's order."""

from __future__ import annotations

import json
from collections.abc import Sequence

from chalicelib.domain.report import Report
from chalicelib.domain.template import CONVERSATIONAL, find_template
from chalicelib.generation.assignment import Assignment, EarlierReport


def assignment_of(report: Report, conversation: Sequence[EarlierReport] = ()) -> Assignment:
    """Return what a report's record asks for.

    Args:
        report: the record, stored or not.
        conversation: completed reports of its conversation, the oldest first.
    """
    template = find_template(report.template_id) or CONVERSATIONAL
    context = report.parameters.get("context")
    return Assignment(
        report_id=report.id,
        title=report.title,
        description=report.description,
        query=report.parameters["user_query"],
        template_name=report.template_name,
        created_at=report.created_at,
        report_style=report.parameters.get("report_style"),
        context=json.dumps(context, ensure_ascii=False) if context else "",
        max_output_tokens=template.max_output_tokens,
        conversation=tuple(conversation),
        has_sources=report.honey_jar_id is not None or bool(report.parameters.get("web_search")),
    )
