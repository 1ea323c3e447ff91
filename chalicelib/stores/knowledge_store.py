"""Honey jars and their documents in DynamoDB.

Under ``J#<jar>`` lie a jar's record (``jar``), what its index consists of (``index``), its documents (``D#<id>``), and
those that are being deleted (``X#<id>``), which nobody finds any more. Under ``A#<shelf>`` lie the jars of a shelf, by
when they were made: a jar stands on its owner's, and on those of whoever else may read it. What a shelf says opens
nothing: every read looks at the jar's own record. Under ``C#<owner>`` lies how many jars an owner has.

What somebody still has to do something about is in the sparse index ``due``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from boto3.dynamodb.conditions import Attr, Key

from chalicelib.domain.clock import stamp
from chalicelib.domain.honey_jar import (
    MAX_DOCUMENTS,
    MAX_JAR_BYTES,
    MAX_JARS,
    HoneyJar,
    JarDocument,
    shelves_of,
)
from chalicelib.stores.dynamodb import (
    Check,
    ConditionFailedError,
    Delete,
    Item,
    ItemKey,
    Put,
    Table,
    ThrottledError,
    TransactionFailedError,
    Update,
    Write,
    key_is,
    read_many,
    transact,
)

_DUE: Final = "knowledge"
_FORGETTING_TRIES: Final = 8
_GONE: Final = "gone_"
_LOCKED: Final = ("lock", "lock_until")
_NOT_DUE: Final = ("due", "due_at")


class TooManyJarsError(Exception):
    """The owner has as many as there may be."""


class JarFullError(Exception):
    """The jar has as many documents, or as many bytes, as it may."""


class JarExistsError(Exception):
    """The id is taken; ``current`` is what has it."""

    def __init__(self, current: HoneyJar) -> None:
        super().__init__(f"{current.id} exists")
        self.current = current


class JarChangedError(Exception):
    """The jar is not as it was read, or it is gone."""


class DocumentsExistError(Exception):
    """Documents of these ids are there already."""


class DocumentChangedError(Exception):
    """The document is not as it was read, or it is gone."""


class LockLostError(Exception):
    """The index is another's to change by now."""


@dataclass(frozen=True)
class SegmentEntry:
    """A file of an index: where it lies, how many chunks and bytes it has, and of which documents."""

    key: str
    chunks: int
    size_bytes: int
    documents: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """What the index of a jar consists of, and which documents in it are not to be found any more."""

    segments: tuple[SegmentEntry, ...] = ()
    gone: frozenset[str] = frozenset()

    @property
    def chunks(self) -> int:
        """How many chunks its segments have."""
        return sum(segment.chunks for segment in self.segments)

    @property
    def size_bytes(self) -> int:
        """How large the files of its segments are together."""
        return sum(segment.size_bytes for segment in self.segments)


@dataclass(frozen=True)
class WorkDue:
    """Something to do: with a document, or with the jar itself where ``document_id`` is empty."""

    jar_id: str
    document_id: str = ""


def jar_key(jar_id: str) -> ItemKey:
    """Return the key of a jar's record."""
    return f"J#{jar_id}", "jar"


def _index_key(jar_id: str) -> ItemKey:
    return f"J#{jar_id}", "index"


def _document_key(jar_id: str, document_id: str) -> ItemKey:
    return f"J#{jar_id}", f"D#{document_id}"


def _removal_key(jar_id: str, document_id: str) -> ItemKey:
    return f"J#{jar_id}", f"X#{document_id}"


def _shelf_key(shelf: str, jar: HoneyJar) -> ItemKey:
    return f"A#{shelf}", f"{jar.created_at}#{jar.id}"


def _jar_item(jar: HoneyJar) -> Item:
    pk, sk = jar_key(jar.id)
    fields = asdict(jar) | {"pk": pk, "sk": sk, "tags": list(jar.tags), "allowed_users": list(jar.allowed_users)}
    del fields["id"]
    return fields


def _to_jar(item: Item) -> HoneyJar:
    return HoneyJar(
        id=item["pk"].removeprefix("J#"),
        owner=item["owner"],
        name=item["name"],
        created_at=item["created_at"],
        updated_at=item["updated_at"],
        type=item["type"],
        description=item["description"],
        tags=tuple(item["tags"]),
        team_id=item["team_id"],
        allowed_users=tuple(item["allowed_users"]),
        documents=item["documents"],
        size_bytes=item["size_bytes"],
        is_deleting=item["is_deleting"],
        token_key=item["token_key"],
        request_digest=item["request_digest"],
    )


def _document_item(document: JarDocument, due_at: datetime | None) -> Item:
    pk, sk = _document_key(document.jar_id, document.id)
    fields = asdict(document) | {
        "pk": pk,
        "sk": sk,
        "metadata": json.dumps(dict(document.metadata), ensure_ascii=False),
        "notices": list(document.notices),
    }
    for name in ("id", "jar_id"):
        del fields[name]
    kept = {name: value for name, value in fields.items() if value is not None}
    return kept | ({} if due_at is None else {"due": _DUE, "due_at": stamp(due_at)})


def _to_document(item: Item) -> JarDocument:
    return JarDocument(
        id=item["sk"][2:],
        jar_id=item["pk"].removeprefix("J#"),
        filename=item["filename"],
        format=item["format"],
        size_bytes=item["size_bytes"],
        status=item["status"],
        created_at=item["created_at"],
        uploaded_by=item["uploaded_by"],
        metadata=json.loads(item["metadata"]),
        title=item["title"],
        message=item["message"],
        error_code=item["error_code"],
        notices=tuple(item["notices"]),
        pages=item.get("pages"),
        words=item["words"],
        chunks=item["chunks"],
        sha256=item["sha256"],
        is_upload=item["is_upload"],
        attempts=item["attempts"],
        lease=item.get("lease"),
        ready_at=item.get("ready_at"),
        request_digest=item["request_digest"],
    )


def _segments_text(segments: Sequence[SegmentEntry]) -> str:
    return json.dumps([[s.key, s.chunks, s.size_bytes, list(s.documents)] for s in segments])


def _to_manifest(item: Item | None) -> Manifest:
    if item is None:
        return Manifest()
    segments = tuple(
        SegmentEntry(key, chunks, size, tuple(documents))
        for key, chunks, size, documents in json.loads(item["segments"])
    )
    return Manifest(segments, frozenset(name.removeprefix(_GONE) for name in item if name.startswith(_GONE)))


class KnowledgeStore:
    """Jars, documents and the lists of what their indexes consist of. One AWS call each unless it says otherwise."""

    def __init__(self, table_name: str) -> None:
        self._table = Table(table_name)

    # Jars

    def jar(self, jar_id: str) -> HoneyJar | None:
        """Return a jar as it is now (a consistent read), or None."""
        item = self._table.get(jar_key(jar_id), consistent=True)
        return _to_jar(item) if item else None

    def jars(self, jar_ids: Sequence[str]) -> list[HoneyJar]:
        """Return the jars that there are among some, in that order (consistent reads): a call for each hundred."""
        found = {item["pk"]: _to_jar(item) for item in read_many(self._table.name, [jar_key(one) for one in jar_ids])}
        return [found[f"J#{one}"] for one in jar_ids if f"J#{one}" in found]

    def indexed_jars(self, jar_ids: Sequence[str]) -> list[tuple[HoneyJar, Manifest]]:
        """Return jars with what their indexes consist of (consistent reads): a call for each fifty."""
        keys = [key(one) for one in jar_ids for key in (jar_key, _index_key)]
        items = {(item["pk"], item["sk"]): item for item in read_many(self._table.name, keys)}
        return [
            (_to_jar(items[jar_key(one)]), _to_manifest(items.get(_index_key(one))))
            for one in jar_ids
            if jar_key(one) in items
        ]

    def on_shelf(self, shelf: str, at_most: int) -> list[str]:
        """Return what stands on a shelf, the newest first, each as ``<created>#<id of the jar>``."""
        page = self._table.query(key_is("pk", f"A#{shelf}"), limit=at_most, newest_first=True, consistent=True)
        return [str(item["sk"]) for item in page.items]

    def create(self, jar: HoneyJar, beside: Sequence[Write] = ()) -> None:
        """Store a new jar, and what belongs to that (``beside``) in the same transaction.

        Raises:
            TooManyJarsError: the owner has as many as there may be.
            JarExistsError: the id is taken.
        """
        head = Put(self._table.name, _jar_item(jar), Attr("pk").not_exists())
        room = Attr("jars").not_exists() | Attr("jars").lt(MAX_JARS)
        count = Update(self._table.name, (f"C#{jar.owner}", "count"), room, add={"jars": 1})
        pk, sk = _index_key(jar.id)
        index = Put(self._table.name, {"pk": pk, "sk": sk, "segments": "[]"}, Attr("pk").not_exists())
        try:
            transact([head, count, index, *self._shelves(jar), *beside])
        except TransactionFailedError as failed:
            current = failed.reasons.get(0)
            if current is not None:
                raise JarExistsError(_to_jar(current)) from failed
            if 1 in failed.reasons:
                raise TooManyJarsError from failed
            raise

    def _shelves(self, jar: HoneyJar) -> list[Put]:
        keys = [_shelf_key(shelf, jar) for shelf in shelves_of(jar)]
        return [Put(self._table.name, {"pk": pk, "sk": sk}) for pk, sk in keys]

    def change(self, seen: HoneyJar, changed: HoneyJar, beside: Sequence[Write] = ()) -> None:
        """Change what a jar is and who may read it, and what belongs to that (``beside``), in one transaction.

        Raises:
            JarChangedError: it is not as it was ``seen`` any more.
        """
        names = ("name", "description", "type", "team_id", "updated_at")
        fields = {name: getattr(changed, name) for name in names}
        lists = {"tags": list(changed.tags), "allowed_users": list(changed.allowed_users)}
        head = Update(self._table.name, jar_key(seen.id), _as_seen(seen), assign=fields | lists)
        before, after = set(shelves_of(seen)), set(shelves_of(changed))
        taken = [Delete(self._table.name, _shelf_key(shelf, seen)) for shelf in sorted(before - after)]
        keys = [_shelf_key(shelf, changed) for shelf in sorted(after - before)]
        put = [Put(self._table.name, {"pk": pk, "sk": sk}) for pk, sk in keys]
        try:
            transact([head, *taken, *put, *beside])
        except TransactionFailedError as failed:
            raise JarChangedError from failed

    def start_deleting(self, seen: HoneyJar, due_at: datetime, beside: Sequence[Write] = ()) -> None:
        """Take a jar away from everybody; what is in it is deleted afterwards.

        Args:
            seen: the jar as it was read.
            due_at: when the sweep looks whether that was done.
            beside: what belongs to the change, for the same transaction.

        Raises:
            JarChangedError: it is not as it was ``seen`` any more.
        """
        fields = {"is_deleting": True, "due": _DUE, "due_at": stamp(due_at)}
        head = Update(self._table.name, jar_key(seen.id), _as_seen(seen), assign=fields)
        count = Update(self._table.name, (f"C#{seen.owner}", "count"), add={"jars": -1})
        taken = [Delete(self._table.name, _shelf_key(shelf, seen)) for shelf in shelves_of(seen)]
        try:
            transact([head, count, *taken, *beside])
        except TransactionFailedError as failed:
            raise JarChangedError from failed

    def forget(self, jar_id: str) -> None:
        """Delete everything that is kept of a jar, its own record last: three calls, and one for each 25 items.

        Raises:
            ThrottledError: DynamoDB did not take all of it; what is left is found by the jar's record.
        """
        head = jar_key(jar_id)
        for _ in range(_FORGETTING_TRIES):
            rest = [key for key in self._table.keys(key_is("pk", head[0])) if key != head]
            if not rest:
                break
            self._table.delete_many(rest)
        else:
            raise ThrottledError(reason="records of a deleted jar are left")
        self._table.delete_many([head])

    # Documents

    def document(self, jar_id: str, document_id: str) -> JarDocument | None:
        """Return a document as it is now (a consistent read), or None."""
        item = self._table.get(_document_key(jar_id, document_id), consistent=True)
        return _to_document(item) if item else None

    def documents(self, jar_id: str, limit: int, offset: int) -> list[JarDocument]:
        """Return documents of a jar, the newest first: two calls, or one where there are none."""
        key = Key("pk").eq(f"J#{jar_id}") & Key("sk").begins_with("D#")
        # Ids of requests with a name of their own do not follow the time.
        listed = sorted(
            ((item["created_at"], item["sk"]) for item in self._table.some(key, "created_at")), reverse=True
        )
        shown = [sk for _, sk in listed[offset : offset + limit]]
        found = {item["sk"]: item for item in read_many(self._table.name, [(f"J#{jar_id}", sk) for sk in shown])}
        return [_to_document(found[sk]) for sk in shown if sk in found]

    def are_known(self, jar_id: str, document_ids: Sequence[str]) -> bool:
        """Tell whether any of some documents is there, or being deleted (consistent reads)."""
        keys = [key(jar_id, one) for one in document_ids for key in (_document_key, _removal_key)]
        return bool(read_many(self._table.name, keys))

    def leases(self, jar_id: str) -> list[str]:
        """Return until when work on a jar, its index and its documents is leased to somebody, as stamps."""
        items = self._table.query_all(key_is("pk", f"J#{jar_id}"), consistent=True)
        return [item[name] for item in items for name in ("lease", "lock_until") if item.get(name)]

    def add_documents(
        self, jar: HoneyJar, documents: Sequence[JarDocument], due_at: datetime, beside: Sequence[Write] = ()
    ) -> None:
        """Store new documents, all or none, and what belongs to that (``beside``), in one transaction.

        Raises:
            JarFullError: the jar takes no such number, or no such size.
            JarChangedError: it is gone.
            DocumentsExistError: one of the ids is taken.
        """
        count, size = len(documents), sum(document.size_bytes for document in documents)
        room = Attr("documents").lte(MAX_DOCUMENTS - count) & Attr("size_bytes").lte(MAX_JAR_BYTES - size)
        there = Attr("pk").exists() & Attr("is_deleting").eq(False)
        head = Update(self._table.name, jar_key(jar.id), there & room, add={"documents": count, "size_bytes": size})
        puts = [Put(self._table.name, _document_item(d, due_at), Attr("pk").not_exists()) for d in documents]
        try:
            transact([head, *puts, *beside])
        except TransactionFailedError as failed:
            if any(number in failed.reasons for number in range(1, len(puts) + 1)):
                raise DocumentsExistError from failed
            current = failed.reasons.get(0)
            if current is None or current["is_deleting"]:
                raise JarChangedError from failed
            raise JarFullError from failed

    def start_processing(self, document: JarDocument, due_at: datetime) -> JarDocument:
        """Note that a document's file has been put where it was to be put.

        Raises:
            DocumentChangedError: it is not waited for any more.
        """
        fields = {"status": "processing", "due": _DUE, "due_at": stamp(due_at)}
        return self._changed(document, Attr("status").eq("uploading"), fields)

    def claim(self, jar_id: str, document_id: str, at: datetime, until: datetime) -> JarDocument | None:
        """Take a document to read it, until a moment; None if there is nothing to do, or somebody does it."""
        free = Attr("lease").not_exists() | Attr("lease").lt(stamp(at))
        try:
            item = self._table.update(
                _document_key(jar_id, document_id),
                assign={"lease": stamp(until), "due": _DUE, "due_at": stamp(until)},
                add={"attempts": 1},
                condition=Attr("status").eq("processing") & free,
            )
        except ConditionFailedError:
            return None
        return _to_document(item)

    def end_failed(self, claimed: JarDocument, error_code: str, message: str) -> None:
        """Note that a document could not be read.

        Raises:
            DocumentChangedError: the claim was lost.
        """
        fields = {"status": "failed", "error_code": error_code, "message": message}
        self._changed(claimed, _is_claimed(claimed), fields, ("lease", *_NOT_DUE))

    def give_up_claim(self, claimed: JarDocument, due_at: datetime) -> None:
        """Let a document be read by somebody else, at once.

        Raises:
            DocumentChangedError: the claim was lost.
        """
        # It was no attempt to read it.
        fields = {"due": _DUE, "due_at": stamp(due_at)}
        self._changed(claimed, _is_claimed(claimed), fields, ("lease",), {"attempts": -1})

    def end_claim(self, claimed: JarDocument) -> None:
        """Note that nobody works any more on a document that is being deleted, or whose jar is: two calls at most."""
        keys = (_removal_key(claimed.jar_id, claimed.id), _document_key(claimed.jar_id, claimed.id))
        for key in keys:
            try:
                self._table.update(key, remove=("lease",), condition=Attr("lease").eq(claimed.lease))
            except ConditionFailedError:
                continue
            return

    def _changed(
        self,
        document: JarDocument,
        condition: Any,
        fields: Mapping[str, Any],
        remove: Sequence[str] = (),
        add: Mapping[str, int] | None = None,
    ) -> JarDocument:
        key = _document_key(document.jar_id, document.id)
        try:
            item = self._table.update(key, assign=fields, remove=remove, add=add, condition=condition)
        except ConditionFailedError as failed:
            raise DocumentChangedError from failed
        return _to_document(item)

    def start_removing(self, seen: JarDocument, due_at: datetime, beside: Sequence[Write] = ()) -> None:
        """Take a document away from everybody and every search; what is kept of it is deleted afterwards.

        Args:
            seen: the document as it was read.
            due_at: when the sweep looks whether that was done.
            beside: what belongs to the change, for the same transaction.

        Raises:
            DocumentChangedError: it is gone already.
        """
        pk, sk = _removal_key(seen.jar_id, seen.id)
        removal: Item = {"pk": pk, "sk": sk, "due": _DUE, "due_at": stamp(due_at)}
        # A worker may be reading it: what that stores is deleted when its time is over.
        removal |= {"lease": seen.lease} if seen.lease else {}
        writes: list[Write] = [
            Delete(self._table.name, _document_key(seen.jar_id, seen.id), _same_lease(seen)),
            Put(self._table.name, removal),
            Update(self._table.name, _index_key(seen.jar_id), Attr("pk").exists(), assign={f"{_GONE}{seen.id}": 1}),
            Update(
                self._table.name,
                jar_key(seen.jar_id),
                Attr("is_deleting").eq(False),
                add={"documents": -1, "size_bytes": -seen.size_bytes},
            ),
        ]
        try:
            transact([*writes, *beside])
        except TransactionFailedError as failed:
            raise DocumentChangedError from failed

    def removal(self, jar_id: str, document_id: str) -> Mapping[str, Any] | None:
        """Return what is known of a document that is being deleted (a consistent read), or None."""
        return self._table.get(_removal_key(jar_id, document_id), consistent=True)

    def end_removing(self, jar_id: str, document_id: str) -> None:
        """Note that nothing is kept of a document any more."""
        self._table.delete_many([_removal_key(jar_id, document_id)])

    # The index

    def manifest(self, jar_id: str) -> Manifest:
        """Return what a jar's index consists of (a consistent read)."""
        return _to_manifest(self._table.get(_index_key(jar_id), consistent=True))

    def lock_index(self, jar_id: str, mark: str, at: datetime, until: datetime) -> Manifest | None:
        """Take the index of a jar, to change it, until a moment; None if somebody has it, or the jar is gone."""
        free = Attr("lock_until").not_exists() | Attr("lock_until").lt(stamp(at)) | Attr("lock").eq(mark)
        try:
            item = self._table.update(
                _index_key(jar_id),
                assign={"lock": mark, "lock_until": stamp(until)},
                condition=Attr("pk").exists() & free,
            )
        except ConditionFailedError:
            return None
        return _to_manifest(item)

    def unlock_index(self, jar_id: str, mark: str) -> None:
        """Give the index back without a change."""
        try:
            self._table.update(_index_key(jar_id), remove=_LOCKED, condition=Attr("lock").eq(mark))
        except ConditionFailedError:
            return

    def commit_ready(self, mark: str, segments: Sequence[SegmentEntry], claimed: JarDocument, now: JarDocument) -> None:
        """Let a document be found: its status and the index change in one transaction, and the lock ends.

        Args:
            mark: that of the lock.
            segments: what the index consists of from now on.
            claimed: the document as it was claimed.
            now: the document as it is then.

        Raises:
            LockLostError: the index is another's by now.
            DocumentChangedError: the claim was lost, or the document or its jar deleted.
        """
        names = ("status", "title", "pages", "words", "chunks", "sha256", "ready_at")
        fields = {name: getattr(now, name) for name in names if getattr(now, name) is not None}
        document = Update(
            self._table.name,
            _document_key(claimed.jar_id, claimed.id),
            _is_claimed(claimed),
            assign=fields | {"notices": list(now.notices)},
            remove=("lease", *_NOT_DUE),
        )
        jar = Check(self._table.name, jar_key(claimed.jar_id), Attr("is_deleting").eq(False))
        try:
            transact([self._index_change(claimed.jar_id, mark, segments), document, jar])
        except TransactionFailedError as failed:
            if set(failed.reasons) == {0}:
                raise LockLostError from failed
            raise DocumentChangedError from failed

    def commit_removal(self, jar_id: str, mark: str, segments: Sequence[SegmentEntry], document_id: str) -> None:
        """Take a document out of the index for good; the lock ends.

        Raises:
            LockLostError: the index is another's by now.
        """
        change = self._index_change(jar_id, mark, segments)
        try:
            self._table.update(
                change.key,
                assign=change.assign,
                remove=(*change.remove, f"{_GONE}{document_id}"),
                condition=change.condition,
            )
        except ConditionFailedError as failed:
            raise LockLostError from failed

    def _index_change(self, jar_id: str, mark: str, segments: Sequence[SegmentEntry]) -> Update:
        assign = {"segments": _segments_text(segments)}
        return Update(self._table.name, _index_key(jar_id), Attr("lock").eq(mark), assign=assign, remove=_LOCKED)

    # For the sweep

    def due(self, at: datetime, at_most: int) -> Iterator[WorkDue]:
        """Yield what somebody has to do something about, the longest due first."""
        key = Key("due").eq(_DUE) & Key("due_at").lte(stamp(at))
        for item in self._table.query(key, index="due", limit=at_most).items:
            yield WorkDue(item["pk"].removeprefix("J#"), item["sk"][2:] if item["sk"] != "jar" else "")

    def put_off(self, due: WorkDue, seen_at: datetime, due_at: datetime) -> bool:
        """Let the sweep look at something later; False if it went on by itself since ``seen_at``."""
        keys = [jar_key(due.jar_id)] if not due.document_id else []
        keys = keys or [_document_key(due.jar_id, due.document_id), _removal_key(due.jar_id, due.document_id)]
        for key in keys:
            try:
                self._table.update(key, assign={"due_at": stamp(due_at)}, condition=Attr("due_at").lte(stamp(seen_at)))
            except ConditionFailedError:
                continue
            return True
        return False


def _as_seen(jar: HoneyJar) -> Any:
    return Attr("updated_at").eq(jar.updated_at) & Attr("is_deleting").eq(False)


def _is_claimed(document: JarDocument) -> Any:
    return Attr("status").eq("processing") & Attr("lease").eq(document.lease)


def _same_lease(document: JarDocument) -> Any:
    lease = Attr("lease").eq(document.lease) if document.lease else Attr("lease").not_exists()
    return Attr("pk").exists() & lease
