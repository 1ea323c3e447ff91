"""How one version of an investigation's report differs from the one before it: findings, severity, actions."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.finding import SEVERITIES
from chalicelib.domain.investigation import Change, InvestigationReport


def change_between(before: InvestigationReport, after: InvestigationReport) -> Change:
    """Return what ``after`` has that ``before`` had not, and the other way round, each in its report's order."""
    old, new = _findings(before), _findings(after)
    old_actions, new_actions = _actions(before), _actions(after)
    change = Change(
        summary="",
        added=_missing_in(old, new),
        removed=_missing_in(new, old),
        severity_before=before.severity,
        severity_after=after.severity,
        actions_added=_missing_in(old_actions, new_actions),
        actions_removed=_missing_in(new_actions, old_actions),
    )
    return Change(**(vars(change) | {"summary": _in_words(change)}))


def _findings(report: InvestigationReport) -> list[str]:
    return [finding.finding_id for finding in report.findings_summary]


def _actions(report: InvestigationReport) -> list[str]:
    return [action.action for action in report.recommended_actions]


def _missing_in(there: Sequence[str], here: Sequence[str]) -> tuple[str, ...]:
    known = set(there)
    return tuple(one for one in dict.fromkeys(here) if one not in known)


def _in_words(change: Change) -> str:
    parts = [
        *_counted(change.added, "finding is new", "findings are new"),
        *_counted(change.removed, "finding does not count any more", "findings do not count any more"),
        *_severity(change),
        *_counted(change.actions_added, "action was added", "actions were added"),
        *_counted(change.actions_removed, "action was dropped", "actions were dropped"),
    ]
    return "; ".join(parts) if parts else "Findings, severity and actions are the same"


def _counted(changed: Sequence[str], one: str, many: str) -> list[str]:
    return [f"{len(changed)} {one if len(changed) == 1 else many}"] if changed else []


def _severity(change: Change) -> list[str]:
    before, after = change.severity_before, change.severity_after
    if before is None or after is None or before == after:
        return []
    verb = "rose" if SEVERITIES.index(after) > SEVERITIES.index(before) else "fell"
    return [f"severity {verb} from {before} to {after}"]
