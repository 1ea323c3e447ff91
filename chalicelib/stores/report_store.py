"""Reports in DynamoDB: one item each, changed only by conditional writes.

The item carries everything that must be atomic with the report's state, and the
attributes of its sparse indexes: ``waiting``/``enqueued`` only while it waits,
``due``/``due_at`` for what the sweep must look at. Every change of state is one
call that names the state it expects; docs/architecture.md has the table.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from boto3.dynamodb.conditions import Attr, ConditionBase, Key

from chalicelib.domain.clock import day, parse_stamp, stamp
from chalicelib.domain.priority import Priority
from chalicelib.domain.report import WAITING, Artifact, Outcome, Report, Status, completed
from chalicelib.stores.dynamodb import (
    ConditionFailedError,
    Item,
    ItemKey,
    Page,
    Put,
    Table,
    TransactionFailedError,
    Update,
    Write,
    batch_get,
    key_is,
    transact,
)
from chalicelib.stores.outbox_store import Outbox, added, assigned

DUE_SHARDS: Final = 4
EXACT_POSITIONS: Final = 1000


# Why a report goes back to its queue: its worker is silent, something went wrong in it, or its time is used up.
RequeueCause = Literal["lease over", "failure", "handed on"]


class StateConflictError(Exception):
    """The report is not in the state that the change expects; ``current`` is what it is now."""

    def __init__(self, current: Report | None) -> None:
        super().__init__(f"the report is {current.status if current else 'absent'}")
        self.current = current


@dataclass(frozen=True)
class Position:
    """A place in the queue, from 1; ``exact`` is False for an estimate."""

    number: int
    exact: bool


@dataclass(frozen=True)
class WaitingReport:
    """What the waiting index knows of a report: enough to claim it."""

    id: str
    owner: str


@dataclass(frozen=True)
class EarlierReport:
    """What the conversation index knows of a completed report; ``private`` are the private values in it."""

    title: str
    summary: str
    private: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class OpenReport:
    """What the sweep's index knows of a report that is not finished."""

    id: str
    status: Status
    priority: Priority


@dataclass(frozen=True)
class FinishedReport:
    """What the sweep's index knows of a report that came to its end."""

    status: Status
    duration_ms: int


def report_key(report_id: str) -> ItemKey:
    """Return the key of a report's item."""
    return f"R#{report_id}", "head"


def _conversation(report: Report) -> str:
    """Return the key of a report's conversation: the same words of another owner give another key."""
    named = json.dumps([report.owner, report.conversation_id])
    return hashlib.sha256(named.encode()).hexdigest()


def _created(report: Report) -> str:
    return f"{report.created_at}#{report.id}"


def _due_shard(report_id: str) -> str:
    return f"open#{zlib.crc32(report_id.encode()) % DUE_SHARDS}"


# What many reports do not have, and then their items neither.
_ONLY_IF_KNOWN: Final = ("request_digest", "limit_ticket", "webhook_url", "request_id")


def to_item(report: Report, due_at: datetime) -> Item:
    """Return the item that holds a new, waiting report; the sweep looks at it at ``due_at``."""
    pk, sk = report_key(report.id)
    return {
        "pk": pk,
        "sk": sk,
        "owner": report.owner,
        "owner_status": f"{report.owner}#{report.status}",
        "created": _created(report),
        "search_text": f"{report.title}\n{report.description}".casefold(),
        "waiting": report.priority,
        "enqueued": f"{report.queued_at}#{report.id}",
        "due": _due_shard(report.id),
        "due_at": stamp(due_at),
        "status": report.status,
        "priority": report.priority,
        "queued_at": report.queued_at,
        "created_at": report.created_at,
        "title": report.title,
        "description": report.description,
        "template_id": report.template_id,
        "template_name": report.template_name,
        "output_format": report.output_format,
        "scrambling_enabled": report.scrambling_enabled,
        "honey_jar_id": report.honey_jar_id,
        "reader_teams": list(report.reader_teams),
        "parameters": json.dumps(report.parameters, ensure_ascii=False),
        "warnings": list(report.warnings),
        "attempt": report.attempt,
        "retry_count": report.retry_count,
        "takeovers": report.takeovers,
        "releases": report.releases,
        "progress": report.progress,
        "message": report.message,
        "words": report.words,
        "kind": report.kind,
    } | {name: value for name in _ONLY_IF_KNOWN if (value := getattr(report, name)) is not None}


def _outcome(raw: str | None) -> Outcome | None:
    if raw is None:
        return None
    fields = json.loads(raw)
    fields["artifact"] = Artifact(**fields["artifact"])
    for name in ("notices", "style_reasons", "private"):
        fields[name] = tuple(fields.get(name, ()))
    return Outcome(**fields)


def _to_summary(outcome: Outcome) -> str:
    return json.dumps({"text": outcome.summary, "private": outcome.private}, ensure_ascii=False)


def _earlier(item: Item) -> EarlierReport:
    raw = item["summary"]
    # One that was stored before private values were looked for is a text alone.
    kept = json.loads(raw) if raw.startswith('{"text": ') else {"text": raw, "private": []}
    return EarlierReport(item["title"], kept["text"], tuple((kind, value) for kind, value in kept["private"]))


def _usage(report: Report) -> dict[str, Any]:
    """Return what notes a report's usage in its item, and what was found in its texts: nothing of what is not known."""
    noted: dict[str, Any] = {} if report.usage is None else {"usage": json.dumps(dict(report.usage))}
    return noted if report.pii is None else noted | {"pii": dict(report.pii)}


def _read_usage(raw: str | None) -> Mapping[str, float | None] | None:
    return None if raw is None else json.loads(raw)


def _counts(raw: Mapping[str, Any] | None) -> Mapping[str, int] | None:
    return None if raw is None else {name: int(count) for name, count in raw.items()}


def to_report(item: Item) -> Report:
    """Return the report that an item holds."""
    return Report(
        id=item["pk"].removeprefix("R#"),
        owner=item["owner"],
        created_at=item["created_at"],
        title=item["title"],
        description=item["description"],
        template_id=item["template_id"],
        template_name=item["template_name"],
        priority=item["priority"],
        output_format=item["output_format"],
        scrambling_enabled=item["scrambling_enabled"],
        honey_jar_id=item["honey_jar_id"],
        parameters=json.loads(item["parameters"]),
        warnings=tuple(item["warnings"]),
        status=item["status"],
        queued_at=item["queued_at"],
        attempt=item["attempt"],
        retry_count=item["retry_count"],
        takeovers=item["takeovers"],
        releases=item["releases"],
        progress=item["progress"],
        message=item["message"],
        words=item["words"],
        lease=item.get("lease"),
        started_at=item.get("started_at"),
        completed_at=item.get("completed_at"),
        error_message=item.get("error_message"),
        outcome=_outcome(item.get("outcome")),
        usage=_read_usage(item.get("usage")),
        pii=_counts(item.get("pii")),
        kind=item.get("kind", "report"),
        request_digest=item.get("request_digest"),
        limit_ticket=item.get("limit_ticket"),
        webhook_url=item.get("webhook_url"),
        request_id=item.get("request_id"),
        reader_teams=tuple(item.get("reader_teams", ())),
    )


def _mine(report: Report, at: datetime | None = None, expired_only: bool = False) -> ConditionBase:
    """Hold only while this very claim is the current one; with ``expired_only`` only if its lease ran out by ``at``."""
    current = Attr("status").eq("processing") & Attr("attempt").eq(report.attempt)
    return current & Attr("lease").lt(stamp(at)) if expired_only and at is not None else current


class ReportStore:
    """Reads and changes of reports. One AWS call each unless the method says otherwise."""

    def __init__(self, table_name: str) -> None:
        self._table = Table(table_name)

    # Reading

    def get(self, report_id: str) -> Report | None:
        """Return the report as it is now (a consistent read), or None."""
        item = self._table.get(report_key(report_id), consistent=True)
        return to_report(item) if item else None

    def newest(self, owner: str, status: Status | None, limit: int) -> tuple[list[str], bool]:
        """Return the ids of an owner's newest reports, at most ``limit``, and whether there are more."""
        page = self._newest(owner, status, limit, None)
        ids = [_id(i) for i in page.items]
        while page.next_key is not None and len(ids) < limit:
            page = self._newest(owner, status, limit - len(ids), page.next_key)
            ids += [_id(i) for i in page.items]
        return ids, page.next_key is not None

    def _newest(self, owner: str, status: Status | None, limit: int, start: Item | None) -> Page:
        key, index = _owner_index(owner, status)
        return self._table.query(key, index=index, limit=limit, newest_first=True, start=start)

    def total(self, owner: str, status: Status | None) -> int:
        """Count an owner's reports."""
        key, index = _owner_index(owner, status)
        return self._table.count(key, index=index)

    def search(self, owner: str, text: str, status: Status | None) -> list[str]:
        """Return the ids of an owner's reports that contain ``text`` in title or description, newest first.

        One call per MB of titles and descriptions, and one per MB of keys where ``status`` is given.
        """
        matches = self._table.query_all(
            key_is("owner", owner),
            index="by_owner_text",
            newest_first=True,
            where=Attr("search_text").contains(text.casefold()),
        )
        ids = [_id(i) for i in matches]
        if status is None:
            return ids
        key, index = _owner_index(owner, status)
        in_status = {_id(i) for i in self._table.query_all(key, index=index)}
        return [i for i in ids if i in in_status]

    def get_many(self, report_ids: Sequence[str]) -> list[Report]:
        """Return the reports that exist among at most 100 ids, in the order of the ids. No id, no call."""
        if not report_ids:
            return []
        found = batch_get({self._table.name: [report_key(i) for i in report_ids]})[self._table.name]
        by_id = {r.id: r for r in map(to_report, found)}
        return [by_id[i] for i in report_ids if i in by_id]

    def position(self, report: Report) -> Position:
        """Return a waiting report's place among those of its priority.

        Exact to 1,000; a longer queue is estimated by the caller from the figures.
        """
        # The index is eventually consistent: count those before it, so that its own row need not be there yet.
        before = self._table.count(
            Key("waiting").eq(report.priority) & Key("enqueued").lt(f"{report.queued_at}#{report.id}"),
            index="waiting",
            at_most=EXACT_POSITIONS,
        )
        return Position(before + 1, exact=before < EXACT_POSITIONS)

    def oldest_waiting(self, priority: Priority, limit: int) -> list[WaitingReport]:
        """Return the reports of ``priority`` that have waited longest."""
        page = self._table.query(key_is("waiting", priority), index="waiting", limit=limit)
        return [WaitingReport(_id(i), i["owner"]) for i in page.items]

    def earlier_in_conversation(self, report: Report, limit: int) -> list[EarlierReport]:
        """Return the completed reports of a report's conversation that were asked for before it, newest first."""
        key = Key("conversation").eq(_conversation(report)) & Key("created").lt(_created(report))
        page = self._table.query(key, index="by_conversation", limit=limit, newest_first=True)
        return [_earlier(i) for i in page.items]

    def open_reports(self) -> Iterator[OpenReport]:
        """Yield every report that is not finished: one call per shard and MB."""
        for shard in range(DUE_SHARDS):
            for item in self._table.query_all(key_is("due", f"open#{shard}"), index="due"):
                yield OpenReport(_id(item), item["status"], item["priority"])

    def due_reports(self, at: datetime) -> Iterator[OpenReport]:
        """Yield the open reports that should have moved on before ``at``: one call per shard and MB."""
        for shard in range(DUE_SHARDS):
            key = Key("due").eq(f"open#{shard}") & Key("due_at").lte(stamp(at))
            for item in self._table.query_all(key, index="due"):
                yield OpenReport(_id(item), item["status"], item["priority"])

    def finished_on(self, utc_day: str) -> Iterator[FinishedReport]:
        """Yield the reports that completed or failed on a UTC day: one call per MB."""
        for item in self._table.query_all(key_is("due", f"finished#{utc_day}"), index="due"):
            yield FinishedReport(item["status"], item.get("duration_ms", 0))

    # Changes of state

    def create(self, report: Report, due_at: datetime, beside: Sequence[Write] = ()) -> None:
        """Store a new report, and what belongs to that (``beside``) in the same transaction.

        Raises:
            StateConflictError: a report with this id exists.
        """
        creation = self.creation(report, due_at)
        if beside:
            _transact([creation, *beside])
            return
        mark = _new_mark()
        try:
            self._table.put({**creation.item, "write": mark}, creation.condition)
        except ConditionFailedError as error:
            if not _is_own(error, mark):
                raise _conflict(error) from error

    def mark_pending(self, report: Report, due_at: datetime) -> Report:
        """Note that a waiting report's permit did not reach the queue.

        Raises:
            StateConflictError: it does not wait any more.
        """
        return self._move(report, "pending", Attr("status").eq("queued") & _same_attempt(report), due_at=due_at)

    def mark_queued(self, report: Report, due_at: datetime) -> Report:
        """Note that a waiting report's permit is on the queue; look at it again at ``due_at``.

        Raises:
            StateConflictError: it does not wait any more.
        """
        return self._move(report, "queued", Attr("status").is_in(WAITING) & _same_attempt(report), due_at=due_at)

    def claim(self, waiting: WaitingReport | Report, at: datetime, lease: timedelta) -> Report:
        """Take a waiting report for writing. Of several that try, one gets it.

        Raises:
            StateConflictError: it does not wait (any more).
        """
        until = stamp(at + lease)
        return self._change(
            waiting,
            Attr("status").is_in(WAITING),
            status="processing",
            assign={"lease": until, "due_at": until},
            assign_once={"started_at": stamp(at)},
            add={"attempt": 1},
            remove=("waiting", "enqueued"),
        )

    def renew(
        self,
        report: Report,
        at: datetime,
        lease: timedelta,
        progress: int,
        message: str,
        words: int,
        outbox: Outbox | None = None,
    ) -> Report:
        """Renew the lease of a claim; note its progress, what is told of it, and the usage that ``report`` has.

        Raises:
            StateConflictError: the claim is not the current one any more.
        """
        until = stamp(at + lease)
        fields = {"lease": until, "due_at": until, "progress": progress, "message": message, "words": words}
        fields |= {**_usage(report), **assigned(outbox)}
        return self._change(report, _mine(report), assign=fields, add=added(outbox))

    def complete(
        self,
        report: Report,
        outcome: Outcome,
        at: datetime,
        outbox: Outbox | None = None,
        beside: Sequence[Write] = (),
    ) -> Report:
        """Finish a claim with its document, and note what is told of it; from then on its conversation knows it.

        ``beside`` belongs to it and is done in the same transaction.

        Raises:
            StateConflictError: the claim is not the current one any more.
        """
        completion = self.completion(report, outcome, at, outbox=outbox)
        if not beside:
            return self._do(completion)
        _transact([completion, *beside])
        return completed(report, outcome, stamp(at))

    def fail(
        self,
        report: Report,
        reason: str,
        at: datetime,
        *,
        expired_only: bool = False,
        outbox: Outbox | None = None,
    ) -> Report:
        """End a claim without a document, keeping its usage; with ``expired_only`` only if its lease ran out.

        Raises:
            StateConflictError: the claim is not the current one any more.
        """
        return self._do(self.failure(report, reason, at, expired_only=expired_only, outbox=outbox))

    def cancel(
        self, report: Report, at: datetime, beside: Sequence[Write] = (), outbox: Outbox | None = None
    ) -> Report:
        """Cancel a report that has not ended, and do what belongs to that (``beside``) in the same transaction.

        Raises:
            StateConflictError: it moved since ``report`` was read.
        """
        cancellation = self.cancellation(report, at, outbox=outbox)
        if not beside:
            return self._do(cancellation)
        _transact([cancellation, *beside])
        return replace(report, status="cancelled", completed_at=stamp(at), message="cancelled", lease=None)

    def requeue(self, report: Report, at: datetime, due_at: datetime, cause: RequeueCause) -> Report:
        """Give a claimed report back to the head of its queue.

        Args:
            report: the report as it was read, with the attempt to take it from.
            at: now.
            due_at: when the sweep looks at it again.
            cause: why; all but ``handed on`` count as takeovers.

        Raises:
            StateConflictError: the claim is not the current one any more, or (``lease over``) is alive.
        """
        condition = _mine(report, at, expired_only=cause == "lease over")
        return self._change(
            report,
            condition,
            status="queued",
            assign=self._waiting(report, report.queued_at, due_at)
            | {"message": "waiting to be resumed", **_usage(report)},
            add={"releases" if cause == "handed on" else "takeovers": 1},
            remove=("lease",),
        )

    def retry(self, report: Report, at: datetime, due_at: datetime, beside: Sequence[Write] = ()) -> Report:
        """Put a failed report at the tail of its priority again, with what belongs to that (``beside``).

        Raises:
            StateConflictError: it is not failed (any more).
        """
        fresh: dict[str, Any] = {"queued_at": stamp(at), "progress": 0, "message": "queued again", "words": 0}
        fresh |= {"takeovers": 0, "releases": 0}
        requeue = self._update(
            report,
            Attr("status").eq("failed") & _same_attempt(report),
            status="queued",
            assign=self._waiting(report, stamp(at), due_at) | fresh,
            add={"retry_count": 1},
            remove=("error_message", "started_at", "completed_at", "duration_ms"),
        )
        if not beside:
            return self._do(requeue)
        _transact([requeue, *beside])
        return replace(
            report,
            status="queued",
            retry_count=report.retry_count + 1,
            error_message=None,
            started_at=None,
            completed_at=None,
            **fresh,
        )

    # Changes of state as parts of a transaction: where a condition of theirs fails, the state is another

    def creation(self, report: Report, due_at: datetime) -> Put:
        """Return the write of :meth:`create`."""
        return Put(self._table.name, to_item(report, due_at), Attr("pk").not_exists())

    def completion(
        self,
        report: Report,
        outcome: Outcome,
        at: datetime,
        *,
        expired_only: bool = False,
        outbox: Outbox | None = None,
    ) -> Update:
        """Return the write of :meth:`complete`; with ``expired_only`` only if the claim's lease ran out."""
        fields = {
            "outcome": json.dumps(asdict(replace(outcome, summary="", private=())), ensure_ascii=False),
            "progress": 100,
            "message": "completed",
            "words": outcome.word_count,
        }
        if report.conversation_id and outcome.summary:
            fields |= {"conversation": _conversation(report), "summary": _to_summary(outcome)}
        return self._end(report, "completed", _mine(report, at, expired_only), at, fields, outbox)

    def failure(
        self,
        report: Report,
        reason: str,
        at: datetime,
        *,
        expired_only: bool = False,
        outbox: Outbox | None = None,
    ) -> Update:
        """Return the write of :meth:`fail`."""
        fields = {"error_message": reason, "message": "failed", **_usage(report)}
        return self._end(report, "failed", _mine(report, at, expired_only), at, fields, outbox)

    def cancellation(self, report: Report, at: datetime, *, outbox: Outbox | None = None) -> Update:
        """Return the write of :meth:`cancel`."""
        return self._update(
            report,
            Attr("status").eq(report.status) & _same_attempt(report),
            status="cancelled",
            assign={"completed_at": stamp(at), "message": "cancelled", **assigned(outbox)},
            add=added(outbox),
            remove=("waiting", "enqueued", "lease", "due", "due_at"),
        )

    def _waiting(self, report: Report, queued_at: str, due_at: datetime) -> dict[str, Any]:
        return {
            "waiting": report.priority,
            "enqueued": f"{queued_at}#{report.id}",
            "due": _due_shard(report.id),
            "due_at": stamp(due_at),
        }

    def _move(self, report: Report, status: Status, condition: ConditionBase, *, due_at: datetime) -> Report:
        return self._change(report, condition, status=status, assign={"due_at": stamp(due_at)})

    def _end(
        self,
        report: Report,
        status: Status,
        condition: ConditionBase,
        at: datetime,
        fields: dict[str, Any],
        outbox: Outbox | None,
    ) -> Update:
        ended = {
            "completed_at": stamp(at),
            "due": f"finished#{day(at)}",
            "due_at": stamp(at),
            "duration_ms": duration_ms(report, at),
        }
        assign = {**fields, **ended, **assigned(outbox)}
        return self._update(report, condition, status=status, assign=assign, add=added(outbox), remove=("lease",))

    def _update(
        self,
        report: Report | WaitingReport,
        condition: ConditionBase,
        *,
        status: Status | None = None,
        assign: dict[str, Any],
        **changes: Any,
    ) -> Update:
        if status is not None:
            assign = assign | {"status": status, "owner_status": f"{report.owner}#{status}"}
        return Update(self._table.name, report_key(report.id), condition, assign=assign, **changes)

    def _change(self, report: Report | WaitingReport, condition: ConditionBase, **how: Any) -> Report:
        return self._do(self._update(report, condition, **how))

    def _do(self, update: Update) -> Report:
        mark = _new_mark()
        # A renewal leaves no mark: it has no state to take for somebody else's.
        marked = {**update.assign, "write": mark} if "status" in update.assign else update.assign
        try:
            changed = self._table.update(
                update.key,
                assign=marked,
                assign_once=update.assign_once,
                add=update.add,
                remove=update.remove,
                condition=update.condition,
            )
            return to_report(changed)
        except ConditionFailedError as error:
            if error.current is not None and _is_own(error, mark):
                return to_report(error.current)
            raise _conflict(error) from error


def duration_ms(report: Report, at: datetime) -> int:
    """Return how long a report took from its first claim to ``at``, in milliseconds."""
    started = parse_stamp(report.started_at) if report.started_at else at
    return max(0, round((at - started).total_seconds() * 1000))


def _transact(writes: Sequence[Write]) -> None:
    """Do a change of a report (the first of the writes) with what belongs to it, or nothing.

    Raises:
        StateConflictError: the change's condition does not hold.
    """
    try:
        transact(writes)
    except TransactionFailedError as failed:
        if 0 not in failed.reasons:
            raise
        item = failed.reasons[0]
        raise StateConflictError(to_report(item) if item else None) from failed


def _new_mark() -> str:
    return secrets.token_urlsafe(9)


def _is_own(error: ConditionFailedError, mark: str) -> bool:
    """Tell whether the condition failed because this very write had been done already.

    When the answer to a write is lost, the SDK sends it again; the mark in the item shows whose it was.
    """
    return error.current is not None and error.current.get("write") == mark


def _id(item: Item) -> str:
    return str(item["pk"]).removeprefix("R#")


def _same_attempt(report: Report) -> ConditionBase:
    return Attr("attempt").eq(report.attempt)


def _owner_index(owner: str, status: Status | None) -> tuple[ConditionBase, str]:
    if status is None:
        return key_is("owner", owner), "by_owner"
    return key_is("owner_status", f"{owner}#{status}"), "by_owner_status"


def _conflict(error: ConditionFailedError) -> StateConflictError:
    return StateConflictError(to_report(error.current) if error.current else None)
