"""Findings in DynamoDB, beside the head of their investigation, and how a batch of them appears at once.

Every batch has a number. It is handed out with a lease on the head, so one batch is taken in at a time; its
findings carry the number, and nobody shows them before the head says that the number is committed. A number
whose batch broke off is abandoned for good. So one write to the head shows the whole batch, or nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from boto3.dynamodb.conditions import Attr, Key

from chalicelib.domain.clock import stamp
from chalicelib.domain.finding import Dismissal, Finding, FindingNode, Severity, Step
from chalicelib.domain.identifiers import investigation_of
from chalicelib.domain.investigation import Investigation, InvestigationStatus
from chalicelib.stores.dynamodb import (
    ConditionFailedError,
    Item,
    ItemKey,
    Table,
    TransactionFailedError,
    Update,
    Write,
    batch_write,
    new_mark,
    read_many,
    transact,
)
from chalicelib.stores.investigation_store import due_at, head_key, to_investigation
from chalicelib.stores.listing import ORDER, list_page, place

INGEST_LEASE: Final = timedelta(seconds=60)
"""How long a batch may take. Whoever takes it in stops writing long before, see ``services/findings``."""

MAX_ITEM_BYTES: Final = 64 * 1024
"""Most bytes of JSON that a finding's item holds; what is larger lies among the artifacts."""

# A page of findings is quick to read and to parse, far from the time that one call has.
_READ_AT_ONCE: Final = 500

_LEASED: Final = ("ingest_mark", "ingest_until")


class IngestUnderWayError(Exception):
    """Another batch of this investigation is being taken in."""


class IngestLostError(Exception):
    """The batch took too long, and another one was let in."""


class HeadRefusedError(Exception):
    """The investigation is not there, or not in a state that takes findings; ``current`` is what it is now."""

    def __init__(self, current: Investigation | None) -> None:
        super().__init__(f"the investigation is {current.status if current else 'absent'}")
        self.current = current


@dataclass(frozen=True)
class Visibility:
    """Which batches of an investigation are to be seen."""

    committed: int
    abandoned: frozenset[int]

    def shows(self, ingest: int) -> bool:
        """Tell whether the batch with this number is to be seen."""
        return ingest <= self.committed and ingest not in self.abandoned


@dataclass(frozen=True)
class Head:
    """An investigation with what its findings need of it. ``evidence_bytes`` counts the JSON of all of them."""

    investigation: Investigation
    visibility: Visibility
    evidence_bytes: int


@dataclass(frozen=True)
class Ingest:
    """A batch that is being taken in: its number, the mark of its lease, and the head as it was then."""

    number: int
    mark: str
    head: Head


@dataclass(frozen=True)
class StoredFinding:
    """A finding as its item has it.

    ``text_key`` names the object with the whole of a very large one, whose item has the short form;
    ``size_bytes`` counts the JSON of the whole.
    """

    finding: Finding
    ingest: int
    size_bytes: int
    text_key: str | None = None


def finding_key(finding_id: str) -> ItemKey:
    """Return the key of a finding's item; for an id that is no finding's, one where nothing lies."""
    return f"I#{investigation_of(finding_id)}", f"F#{finding_id}"


def finding_to_json(finding: Finding) -> str:
    """Return a finding as JSON in ASCII, without its dismissal."""
    fields = asdict(finding)
    del fields["dismissal"]
    return json.dumps(fields, separators=(",", ":"))


def finding_from_json(text: str) -> Finding:
    """Return the finding that :func:`finding_to_json` wrote."""
    fields = json.loads(text)
    fields["reasoning_chain"] = tuple(Step(**s) for s in fields["reasoning_chain"])
    fields["nodes"] = tuple(FindingNode(**n) for n in fields["nodes"])
    return Finding(**fields)


def to_item(stored: StoredFinding) -> Item:
    """Return the item that holds a finding."""
    finding = stored.finding
    pk, sk = finding_key(finding.id)
    item: Item = {
        "pk": pk,
        "sk": sk,
        "account_list": f"F#{finding.account}",
        "narrow_list": _narrow_list(finding.account, finding.severity),
        "investigation_list": finding.investigation_id,
        ORDER: place(finding.discovered_at, finding.id),
        "ingest": stored.ingest,
        "size_bytes": stored.size_bytes,
        "finding": finding_to_json(finding),
    }
    if stored.text_key is not None:
        item["text_key"] = stored.text_key
    if finding.dismissal is not None:
        item["dismissal"] = json.dumps(asdict(finding.dismissal))
    return item


def to_stored(item: Item) -> StoredFinding:
    """Return the finding that an item holds."""
    finding = finding_from_json(item["finding"])
    if "dismissal" in item:
        finding = replace(finding, dismissal=Dismissal(**json.loads(item["dismissal"])))
    return StoredFinding(finding, item["ingest"], item["size_bytes"], item.get("text_key"))


def to_head(item: Item) -> Head:
    """Return what a head's item tells of the investigation and its findings."""
    abandoned = frozenset(int(number) for number in item.get("abandoned_ingests", ()))
    visibility = Visibility(item.get("committed_ingest", 0), abandoned)
    return Head(to_investigation(item), visibility, item.get("evidence_bytes", 0))


class FindingStore:
    """Reads and changes of findings. One AWS call each unless the method says otherwise."""

    def __init__(self, table_name: str) -> None:
        self._table = Table(table_name)

    # Reading

    def head(self, investigation_id: str) -> Head | None:
        """Return an investigation with what its findings need of it (a consistent read), or None."""
        item = self._table.get(head_key(investigation_id), consistent=True)
        return to_head(item) if item else None

    def get_with_heads(
        self, finding_ids: Iterable[str], investigation_ids: Iterable[str]
    ) -> tuple[dict[str, StoredFinding], dict[str, Head]]:
        """Return findings and heads by their ids, as far as they exist (consistent): one call for each hundred."""
        keys = [finding_key(i) for i in finding_ids] + [head_key(i) for i in investigation_ids]
        findings, heads = {}, {}
        for item in read_many(self._table.name, keys):
            if item["sk"] == "head":
                head = to_head(item)
                heads[head.investigation.id] = head
            else:
                stored = to_stored(item)
                findings[stored.finding.id] = stored
        return findings, heads

    def of_investigation(self, investigation_id: str, after: str = "") -> Iterator[StoredFinding]:
        """Yield every finding of an investigation, to be seen or not, by their ids (consistent).

        One call for each 500 of them, or for each MB where they are larger.

        Args:
            investigation_id: whose.
            after: only findings with a greater id.
        """
        # Both bounds may be met, so the lower one is just above the id, and the upper one above every id.
        key = Key("pk").eq(f"I#{investigation_id}") & Key("sk").between(f"F#{after}!" if after else "F#", "F$")
        return map(to_stored, self._table.query_all(key, consistent=True, limit=_READ_AT_ONCE))

    def newest(
        self,
        account: str,
        *,
        severity: Severity | None = None,
        investigation_id: str | None = None,
        limit: int,
        start: Item | None = None,
    ) -> tuple[list[str], Item | None]:
        """Return the ids of the newest findings, to be seen or not, and where the next page starts.

        With an investigation, its findings of every severity are listed, whoever's it is.

        Args:
            account: whose.
            severity: only those of this severity.
            investigation_id: only those of this investigation.
            limit: how many at most.
            start: where the page starts, as the one before gave it.
        """
        if investigation_id is not None:
            which = ("by_investigation", "investigation_list", investigation_id)
        elif severity is not None:
            which = ("by_narrow", "narrow_list", _narrow_list(account, severity))
        else:
            which = ("by_account", "account_list", f"F#{account}")
        keys, following = list_page(self._table, *which, limit=limit, start=start, key_of=finding_key)
        return [sk.removeprefix("F#") for _, sk in keys], following

    # Taking in a batch

    def begin_ingest(
        self, account: str, investigation_id: str, allowed: Sequence[InvestigationStatus], at: datetime
    ) -> Ingest:
        """Let a batch in: two calls where the batch before broke off.

        Raises:
            HeadRefusedError: there is no such investigation of this account, or its status is not ``allowed``.
            IngestUnderWayError: another batch is being taken in.
        """
        mark = new_mark()
        ready = Attr("account").eq(account) & Attr("status").is_in(list(allowed))
        lease = {"ingest_mark": mark, "ingest_until": stamp(at + INGEST_LEASE)}
        key = head_key(investigation_id)
        try:
            changed = self._table.update(
                key, assign=lease, add={"ingest_number": 1}, condition=ready & Attr("ingest_mark").not_exists()
            )
        except ConditionFailedError as error:
            changed = self._take_over(error.current, account, allowed, at, lease)
        return Ingest(changed["ingest_number"], mark, to_head(changed))

    def _take_over(
        self,
        current: Item | None,
        account: str,
        allowed: Sequence[InvestigationStatus],
        at: datetime,
        lease: Mapping[str, str],
    ) -> Item:
        """Let a batch in whose first try found another one's lease, if that ran out; give its number up."""
        if current is None or current["account"] != account or current["status"] not in allowed:
            raise HeadRefusedError(to_investigation(current) if current else None)
        if current.get("ingest_mark") == lease["ingest_mark"]:
            return current
        if "ingest_mark" not in current or current["ingest_until"] >= stamp(at):
            raise IngestUnderWayError
        try:
            return self._table.update(
                (current["pk"], current["sk"]),
                assign=lease,
                add={"ingest_number": 1, "abandoned_ingests": {current["ingest_number"]}},
                condition=Attr("ingest_mark").eq(current["ingest_mark"]),
            )
        except ConditionFailedError as error:
            if error.current is not None and error.current.get("ingest_mark") == lease["ingest_mark"]:
                return error.current
            raise IngestUnderWayError from error

    def put_many(self, findings: Sequence[StoredFinding], before_each: Callable[[], None]) -> None:
        """Write findings, 25 a call, some calls at the same time; ``before_each`` may end it by raising."""
        batch_write(self._table.name, [to_item(f) for f in findings], before_each=before_each)

    def commit_ingest(
        self,
        ingest: Ingest,
        assign: Mapping[str, Any],
        add: Mapping[str, Any],
        status: InvestigationStatus | None,
        beside: Sequence[Write] = (),
    ) -> Investigation | None:
        """Show a batch and end its lease.

        Args:
            ingest: the batch.
            assign: attributes of the head to set with it.
            add: numbers of the head to raise with it.
            status: the status that those suppose; None for any.
            beside: what belongs to the change and is written with it.

        Returns:
            None, or the investigation as it is where its status is another by now: nothing was changed then.

        Raises:
            IngestLostError: another batch was let in meanwhile.
        """
        leased = Attr("ingest_mark").eq(ingest.mark)
        condition = leased if status is None else leased & Attr("status").eq(status)
        head = Update(
            self._table.name,
            head_key(ingest.head.investigation.id),
            condition,
            assign={**assign, "committed_ingest": ingest.number},
            add=add,
            remove=_LEASED,
        )
        try:
            transact([head, *beside])
        except TransactionFailedError as failed:
            if 0 not in failed.reasons:
                raise
            current = failed.reasons[0]
            if current is None:
                raise IngestLostError from failed
            if current.get("ingest_mark") == ingest.mark:
                return to_investigation(current)
            # Every number below a later one is committed or abandoned, so this tells whose the commit was.
            if not to_head(current).visibility.shows(ingest.number):
                raise IngestLostError from failed
        return None

    def abandon_ingest(self, ingest: Ingest) -> None:
        """Give a batch up, so that none of its findings is ever seen, and let the next one in."""
        try:
            self._table.update(
                head_key(ingest.head.investigation.id),
                add={"abandoned_ingests": {ingest.number}},
                remove=_LEASED,
                condition=Attr("ingest_mark").eq(ingest.mark),
            )
        except ConditionFailedError:
            # It had ended already: committed, or taken over and given up by the next one.
            return

    # Dismissing

    def dismiss(
        self,
        finding_id: str,
        dismissal: Dismissal,
        seen: Investigation,
        reason: str,
        regenerate_at: str | None,
        beside: Sequence[Write] = (),
    ) -> None:
        """Note that a finding is dismissed, and in the head that its evidence changed, both or neither.

        Args:
            finding_id: which.
            dismissal: why.
            seen: its investigation as it was read.
            reason: why a report of the evidence before is stale.
            regenerate_at: when the report is to be regenerated by itself, a stamp, or None.
            beside: what belongs to the change and is written with it.

        Raises:
            TransactionFailedError: it was dismissed before, or the investigation's status is another by now.
        """
        finding = Update(
            self._table.name,
            finding_key(finding_id),
            Attr("pk").exists() & Attr("dismissal").not_exists(),
            assign={"dismissal": json.dumps(asdict(dismissal))},
        )
        head = Update(
            self._table.name,
            head_key(seen.id),
            Attr("status").eq(seen.status),
            assign=evidence_change(seen, reason, regenerate_at),
            add={"evidence_revision": 1},
        )
        transact([finding, head, *beside])


def evidence_change(investigation: Investigation, reason: str, regenerate_at: str | None) -> dict[str, Any]:
    """Return the attributes of a head that a change of its evidence sets, besides the revision that it raises.

    Args:
        investigation: whose evidence, in the status that the write must name in its condition.
        reason: why a report of the evidence before is stale; not noted while evidence is awaited.
        regenerate_at: when the report is to be regenerated by itself, a stamp, or None.
    """
    return {} if investigation.status == "pending" else {"stale_reason": reason, **due_at(regenerate_at)}


def _narrow_list(account: str, severity: Severity) -> str:
    return f"F#{account}#{severity}"
