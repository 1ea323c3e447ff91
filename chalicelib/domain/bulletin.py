"""What a report says that no model decides: severity and its reason, endpoints, actions, counts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from chalicelib.domain.finding import SEVERITIES, Finding, FindingNode, Severity, by_weight, overall_severity
from chalicelib.domain.investigation import Endpoint, RecommendedAction
from chalicelib.domain.remedies import Remedy, remedy_of
from chalicelib.domain.safe_text import plain_line, quoted
from chalicelib.domain.wording import by_severity, capitalised, counted, listed_shortly, number, percent

LONGEST_TITLE: Final = 160
LONGEST_NAME: Final = 120
MOST_ACTIONS: Final = 25
MOST_ENDPOINTS: Final = 1_000
"""Endpoints that a report lists, those with the gravest findings; the rest has no details."""
DOUBTFUL_BELOW: Final = 0.5
"""A confidence below this is said to be in doubt."""

_NAMED_PLACES: Final = 3
_NAMED_TITLES: Final = 3
# What names of hosts, files, packages and accounts are made of. Anything else may be a sentence.
_NAME = re.compile(r"[\w.:@/\\+$~#-]{1,120}")
# How a node is spoken of: what one is called, what several are called, and the word before its name.
_TYPES: Final[Mapping[str, tuple[str, str, str]]] = {
    "host": ("host", "hosts", "on"),
    "server": ("server", "servers", "on"),
    "endpoint": ("endpoint", "endpoints", "on"),
    "workstation": ("workstation", "workstations", "on"),
    "laptop": ("laptop", "laptops", "on"),
    "device": ("device", "devices", "on"),
    "vm": ("virtual machine", "virtual machines", "on"),
    "container": ("container", "containers", "in"),
    "pod": ("pod", "pods", "in"),
    "cluster": ("cluster", "clusters", "in"),
    "file": ("file", "files", "in"),
    "package": ("package", "packages", "in"),
    "library": ("library", "libraries", "in"),
    "module": ("module", "modules", "in"),
    "repository": ("repository", "repositories", "in"),
    "image": ("image", "images", "in"),
    "bucket": ("bucket", "buckets", "in"),
    "database": ("database", "databases", "in"),
    "mailbox": ("mailbox", "mailboxes", "in"),
    "process": ("process", "processes", "in"),
    "service": ("service", "services", "in"),
    "application": ("application", "applications", "in"),
    "account": ("account", "accounts", "for"),
    "user": ("user", "users", "for"),
    "role": ("role", "roles", "for"),
    "identity": ("identity", "identities", "for"),
    "ip": ("address", "addresses", "at"),
    "address": ("address", "addresses", "at"),
    "domain": ("domain", "domains", "at"),
    "url": ("address", "addresses", "at"),
    "network": ("network", "networks", "in"),
    "subnet": ("subnet", "subnets", "in"),
}
_UNKNOWN_TYPE: Final = ("node", "nodes", "on")


@dataclass(frozen=True)
class Issue:
    """Findings of one title: the same thing, found at one place or at several. The gravest comes first."""

    findings: tuple[Finding, ...]

    @property
    def gravest(self) -> Finding:
        """The finding that speaks for all."""
        return self.findings[0]

    @property
    def title(self) -> str:
        """Its title as a quotation."""
        return quoted(self.gravest.title, LONGEST_TITLE)

    @property
    def nodes(self) -> tuple[FindingNode, ...]:
        """What its findings are about, each node once."""
        return tuple({node.node_id: node for finding in self.findings for node in finding.nodes}.values())


@dataclass(frozen=True)
class Facts:
    """What is certain about a snapshot.

    Args:
        findings: those that count, the gravest first.
        counts: how many there are of each severity.
        severity: that of the gravest; ``low`` where there is none.
        reason: one sentence on why it is this severity, without citations.
        issues: the findings by title, the gravest first.
        endpoints: each node and its findings, the gravest first.
        actions: what to do, the most urgent first; every finding belongs to one of them.
        looked_at: how many findings were looked at to select these.
    """

    findings: tuple[Finding, ...]
    counts: Mapping[Severity, int]
    severity: Severity
    reason: str
    issues: tuple[Issue, ...]
    endpoints: tuple[Endpoint, ...]
    actions: tuple[RecommendedAction, ...]
    looked_at: int

    @property
    def gravest(self) -> tuple[Finding, ...]:
        """The findings that give the report its severity."""
        return tuple(finding for finding in self.findings if finding.severity == self.severity)


def facts_of(findings: Iterable[Finding], looked_at: int) -> Facts:
    """Return the facts of a snapshot.

    Args:
        findings: the snapshot; dismissed findings do not count.
        looked_at: how many findings were looked at to select them.
    """
    counting = tuple(by_weight(finding for finding in findings if not finding.dismissed))
    counts = {severity: sum(f.severity == severity for f in counting) for severity in SEVERITIES}
    severity = overall_severity(counting)
    issues = issues_of(counting)
    return Facts(
        findings=counting,
        counts=counts,
        severity=severity,
        reason=_reason(counting, severity),
        issues=issues,
        endpoints=endpoints_of(counting),
        actions=actions_of(issues),
        looked_at=looked_at,
    )


def issues_of(findings: Sequence[Finding]) -> tuple[Issue, ...]:
    """Return findings, the gravest first, put together by their titles."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(" ".join(finding.title.split()).casefold(), []).append(finding)
    return tuple(Issue(tuple(group)) for group in groups.values())


def endpoints_of(findings: Sequence[Finding]) -> tuple[Endpoint, ...]:
    """Return every node that findings name: the gravest first, then the one with most findings, then by name."""
    named: dict[str, FindingNode] = {}
    concerned: dict[str, list[Finding]] = {}
    for finding in findings:
        for node in {node.node_id: node for node in finding.nodes}.values():
            named.setdefault(node.node_id, node)
            concerned.setdefault(node.node_id, []).append(finding)
    made = [
        Endpoint(
            node_id=node.node_id,
            type=node.type,
            name=node.name,
            severity=overall_severity(concerned[node_id]),
            finding_ids=tuple(finding.id for finding in concerned[node_id]),
            detail="",
        )
        for node_id, node in named.items()
    ]
    made.sort(key=lambda e: (-SEVERITIES.index(e.severity), -len(e.finding_ids), e.name, e.node_id))
    # There may be hundreds of thousands, and writing about each would take minutes.
    told = [replace(e, detail=_detail(concerned[e.node_id])) for e in made[:MOST_ENDPOINTS]]
    return (*told, *made[MOST_ENDPOINTS:])


def actions_of(issues: Sequence[Issue]) -> tuple[RecommendedAction, ...]:
    """Return what to do about ``issues``, the most urgent first; of too many, the last one stands for the rest."""
    steps: dict[str, tuple[Remedy | None, list[Issue]]] = {}
    for issue in issues:
        remedy = remedy_of(issue.gravest)
        key = remedy.key if remedy else f"title:{issue.gravest.title.casefold()}"
        steps.setdefault(key, (remedy, []))[1].append(issue)
    ordered = sorted(steps.values(), key=lambda step: _urgency(step[1]), reverse=True)
    single = ordered if len(ordered) <= MOST_ACTIONS else ordered[: MOST_ACTIONS - 1]
    actions = [_action(place, remedy, group) for place, (remedy, group) in enumerate(single, start=1)]
    if rest := [issue for _, group in ordered[len(single) :] for issue in group]:
        actions.append(_rest(len(actions) + 1, rest))
    return tuple(actions)


def where(nodes: Sequence[FindingNode]) -> str:
    """Return where something is: `` on web-01``, `` in a.py, b.py and three more files``; empty without nodes."""
    if not nodes:
        return ""
    one, several, before = type_words({node.type for node in nodes})
    names = list(dict.fromkeys(node.name or node.node_id for node in nodes))
    # What is beyond is only counted, however many there are.
    shown = [*map(shown_name, names[: _NAMED_PLACES + 1]), *names[_NAMED_PLACES + 1 :]]
    return f" {before} {listed_shortly(shown, _NAMED_PLACES, one, several)}"


def shown_name(name: str) -> str:
    """Return a node's name for a sentence: one that does not look like a name is a quotation."""
    looks_like_one = _NAME.fullmatch(name) and "://" not in name
    return plain_line(name, LONGEST_NAME) if looks_like_one else quoted(name, LONGEST_NAME)


def titles_shortly(titles: Sequence[str], most: int, longest: int = LONGEST_TITLE) -> str:
    """Return titles as quotations, each once, and of more than ``most`` how many there are beyond."""
    different = list(dict.fromkeys(titles))
    # What is beyond is only counted, however many there are.
    shown = [quoted(title, longest) for title in different[: most + 1]]
    return listed_shortly([*shown, *different[most + 1 :]], most, "issue")


def type_words(types: Iterable[str]) -> tuple[str, str, str]:
    """Return what nodes of these types are called, one and several, and the word before their names."""
    words = {_TYPES.get(name.strip().lower(), _UNKNOWN_TYPE) for name in types}
    return words.pop() if len(words) == 1 else _UNKNOWN_TYPE


def _reason(findings: Sequence[Finding], severity: Severity) -> str:
    if not findings:
        return "The severity is low because no finding counts, not because the systems were shown to be safe."
    same = sum(finding.severity == severity for finding in findings)
    if len(findings) == 1:
        return f"The severity is {severity}, as the only finding is rated {severity}."
    if same == len(findings):
        return f"The severity is {severity}, as {'both' if same == 2 else 'all'} findings are rated {severity}."
    if same == 1:
        return f"The severity is {severity} because of one finding, the only one rated so."
    return f"The severity is {severity}, the rating of the {number(same)} gravest findings."


def _detail(findings: Sequence[Finding]) -> str:
    """Return what was found on one node, as a sentence or two."""
    named = titles_shortly([finding.title for finding in findings], _NAMED_TITLES)
    if len(findings) == 1:
        only = findings[0]
        return f"One finding, rated {only.severity} with a confidence of {percent(only.confidence)}: {named}."
    return f"{capitalised(counted(len(findings), 'finding'))} ({ratings(findings)}): {named}."


def ratings(findings: Sequence[Finding]) -> str:
    """Return how findings are rated: ``high``, ``all high``, ``one critical and two low``."""
    counts = {severity: sum(f.severity == severity for f in findings) for severity in SEVERITIES}
    present = [severity for severity in SEVERITIES if counts[severity]]
    if len(present) == 1:
        return f"{'both' if len(findings) == 2 else 'all'} {present[0]}" if len(findings) > 1 else present[0]
    return by_severity(counts)


def _urgency(issues: Sequence[Issue]) -> tuple[int, bool, int, float]:
    """Return what actions are sorted by: severity, whether it is believed, how many findings, confidence."""
    findings = [finding for issue in issues for finding in issue.findings]
    gravest = max(SEVERITIES.index(finding.severity) for finding in findings)
    confidence = max(f.confidence for f in findings if SEVERITIES.index(f.severity) == gravest)
    return gravest, confidence >= DOUBTFUL_BELOW, len(findings), confidence


def _action(priority: int, remedy: Remedy | None, issues: Sequence[Issue]) -> RecommendedAction:
    findings = by_weight(finding for issue in issues for finding in issue.findings)
    nodes = tuple({node.node_id: node for issue in issues for node in issue.nodes}.values())
    doubtful = all(finding.confidence < DOUBTFUL_BELOW for finding in findings)
    step = f"{remedy.do}{where(nodes)}: {remedy.how}." if remedy else _general(issues[0], nodes)
    if doubtful:
        step = f"Verify the evidence first, as it is in doubt. If it holds: {step[0].lower()}{step[1:]}"
    return RecommendedAction(priority, step, _rationale(issues, findings), tuple(finding.id for finding in findings))


def _general(issue: Issue, nodes: Sequence[FindingNode]) -> str:
    """Return a step for what no remedy is known for: it says no more than the finding does."""
    place = where(nodes)
    if issue.gravest.severity in ("critical", "high"):
        return f"Investigate {issue.title}{place} now: contain it, establish how far it reaches, and remove its cause."
    return f"Look into {issue.title}{place}: decide whether it has to be corrected, or record why it is acceptable."


def _rationale(issues: Sequence[Issue], findings: Sequence[Finding]) -> str:
    gravest = findings[0]
    if len(findings) == 1:
        certain = f"with a confidence of {percent(gravest.confidence)}"
        return f"{issues[0].title} is rated {gravest.severity}, {certain}."
    titles = titles_shortly([issue.gravest.title for issue in issues], _NAMED_TITLES)
    return f"{capitalised(counted(len(findings), 'finding'))} ({ratings(findings)}) call for it: {titles}."


def _rest(priority: int, issues: Sequence[Issue]) -> RecommendedAction:
    findings = by_weight(finding for issue in issues for finding in issue.findings)
    step = f"Go through the remaining {counted(len(findings), 'finding')} and decide on each, the gravest first."
    rationale = f"They are rated less urgent than those above: {ratings(findings)}."
    return RecommendedAction(priority, step, rationale, tuple(finding.id for finding in findings))
