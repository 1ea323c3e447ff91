"""Use case: take the snapshot of an investigation's evidence that its report is written from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from chalicelib.domain.evidence_selection import selection_of
from chalicelib.domain.finding import MAX_EVIDENCE_BYTES, MAX_FINDINGS, Finding, by_weight
from chalicelib.domain.investigation import Investigation
from chalicelib.services.findings import own_evidence, visible, whole_texts
from chalicelib.services.followers import follow
from chalicelib.stores.dynamodb import Item
from chalicelib.stores.finding_store import StoredFinding, finding_to_json
from chalicelib.stores.stores import stores

MOST_LOOKED_AT: Final = 5_000
"""So many of an account's newest findings are looked at."""

_READ_AT_ONCE: Final = 1_000
_LOOKED_AT_ONCE: Final = 100
_BRIEF_SUMMARY: Final = 600
_BRIEF_LIST: Final = 10


@dataclass(frozen=True)
class Snapshot:
    """The evidence of one version of a report.

    Args:
        findings: from the gravest to the least, whole, none of them dismissed.
        looked_at: how many findings were looked at to find them.
        revision: the investigation's evidence revision that they show.
        digest: SHA-256 of the findings, in hex: the same evidence gives the same.
    """

    findings: tuple[Finding, ...]
    looked_at: int
    revision: int
    digest: str


def snapshot(investigation: Investigation, *, brief: bool = False) -> Snapshot:
    """Return an investigation's evidence as it is now; from now on it is told of changes of stored evidence.

    Its own findings are read consistently: a batch is in it whole or not at all. With stored evidence, the
    account's newest findings that fit query and scope are evidence, too. One AWS call for the head and one for
    each 500 of its findings; with stored evidence one for each thousand of the account's findings and one for
    each hundred, and one to follow them; and one for each chosen finding over 64 KB.

    Args:
        investigation: whose evidence.
        brief: only as much of each finding as a report by rules needs, so that it fits a small function: what
            had to be shortened is ``truncated``.

    Raises:
        NotFoundError: there is no such investigation.
    """
    if investigation.evidence == "stored":
        # First of all: what changes while the findings are read makes the report stale.
        follow(investigation)
    kept = _brief if brief else _whole
    head, own = own_evidence(investigation.id, kept)
    candidates = {s.finding.id: s for s in own if not s.finding.dismissed}
    chosen = list(candidates.values())
    looked_at = len(chosen)
    if investigation.evidence == "stored":
        selection = selection_of(investigation)
        for other in _newest_of(investigation.account):
            if other.finding.id not in candidates:
                looked_at += 1
                if selection.takes(other.finding):
                    chosen.append(kept(other))
    bounded = _bounded(chosen)
    findings = tuple(by_weight([s.finding for s in bounded] if brief else whole_texts(bounded)))
    return Snapshot(findings, looked_at, head.investigation.evidence_revision, _digest(findings))


def _whole(stored: StoredFinding) -> StoredFinding:
    return stored


def _brief(stored: StoredFinding) -> StoredFinding:
    """Return what a report by rules needs of a finding: a few KB at most."""
    finding = stored.finding
    short = replace(
        finding,
        summary=finding.summary[:_BRIEF_SUMMARY],
        nodes=finding.nodes[:_BRIEF_LIST],
        tags=dict(sorted(finding.tags.items())[:_BRIEF_LIST]),
        # Only whether there are steps is told.
        reasoning_chain=tuple(replace(s, observation="", evidence_ref=None) for s in finding.reasoning_chain[:1]),
    )
    cut = (len(short.summary), len(short.nodes)) != (len(finding.summary), len(finding.nodes))
    return replace(stored, finding=replace(short, truncated=finding.truncated or cut))


def _newest_of(account: str) -> Iterator[StoredFinding]:
    """Yield the account's newest findings that are to be seen and not dismissed."""
    start: Item | None = None
    for _ in range(MOST_LOOKED_AT // _READ_AT_ONCE):
        ids, start = stores().findings.newest(account, limit=_READ_AT_ONCE, start=start)
        for part in range(0, len(ids), _LOOKED_AT_ONCE):
            found = visible(ids[part : part + _LOOKED_AT_ONCE])
            yield from (s for s in found if s.finding.account == account and not s.finding.dismissed)
        if start is None:
            break


def _bounded(chosen: Sequence[StoredFinding]) -> list[StoredFinding]:
    """Return as many findings as one investigation holds, the gravest first."""
    by_id = {s.finding.id: s for s in chosen}
    kept: list[StoredFinding] = []
    room = MAX_EVIDENCE_BYTES
    for finding in by_weight(s.finding for s in chosen):
        stored = by_id[finding.id]
        room -= stored.size_bytes
        if room < 0 or len(kept) == MAX_FINDINGS:
            break
        kept.append(stored)
    return kept


def _digest(findings: Sequence[Finding]) -> str:
    digest = hashlib.sha256()
    for finding in sorted(findings, key=lambda f: f.id):
        digest.update(finding_to_json(replace(finding, dismissal=None)).encode() + b"\n")
    return digest.hexdigest()
