"""Use cases of the worker: read a document and let it be found; delete documents and jars for good.

Every piece of work can be done again from any point. What is stored before it is committed lies where the deletion of
its document or its jar finds it; and a deletion waits until nobody works on what it deletes any more.
"""

from __future__ import annotations

import hashlib
import logging
import math
import random
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from chalicelib.domain.clock import now, parse_stamp, stamp
from chalicelib.domain.honey_jar import CONTENT_TYPES, MAX_DOCUMENT_BYTES, MAX_INDEX_BYTES, HoneyJar, JarDocument
from chalicelib.domain.web_address import is_web_address
from chalicelib.knowledge.blocks import ReadDocument, UnreadableError, one_line
from chalicelib.knowledge.chunks import chunks_of, word_count
from chalicelib.knowledge.read_document import read_document
from chalicelib.knowledge.segment import Segment, SegmentDocument, merged, segment_of
from chalicelib.services.embed_texts import embedded
from chalicelib.services.honey_jars import send_work
from chalicelib.services.jar_documents import upload_key
from chalicelib.settings import settings
from chalicelib.stores.artifact_store import ArtifactMissingError
from chalicelib.stores.knowledge_store import (
    DocumentChangedError,
    LockLostError,
    Manifest,
    SegmentEntry,
    WorkDue,
)
from chalicelib.stores.stores import stores

_log = logging.getLogger(__name__)

MAX_CHUNKS: Final = 10_000
"""How many chunks a document may have."""

MAX_ATTEMPTS: Final = 3
LEASE_SECONDS: Final = 660
"""Longer than the function has: whoever held a lease that is over is not at work any more."""

_LOCK_SECONDS: Final = 660
# Changing an index takes a second or two; whoever finds it taken waits this long, and is called again.
_LOCK_PATIENCE_SECONDS: Final = 20.0
_AGAIN_SECONDS: Final = 15

# So many segments of about the same size become one; the sizes of a jar's segments stay few this way, and each chunk
# is written anew once for every eightfold size.
_MERGED_AT_ONCE: Final = 8
_SMALLEST_TIER: Final = 64
_LARGEST_MERGED: Final = 40_000

Done = Literal["ready", "failed", "deleted", "later", "nothing"]


class IndexBusyError(Exception):
    """Somebody else is changing the jar's index, for long."""


@dataclass(frozen=True)
class _Change:
    """A new state of an index: its segments, and the files that none of them uses any more."""

    segments: tuple[SegmentEntry, ...]
    unused: tuple[str, ...] = ()


def document_prefix(jar_id: str, document_id: str) -> str:
    """Return where everything of one document lies."""
    return f"{jar_prefix(jar_id)}{document_id}/"


def jar_prefix(jar_id: str) -> str:
    """Return where everything of a jar lies."""
    return f"knowledge/{jar_id}/"


def _merged_prefix(jar_id: str) -> str:
    return f"{jar_prefix(jar_id)}segments/"


def do_work(work: WorkDue) -> Done:
    """Do what is to be done about a document or a jar, and tell how that went."""
    try:
        if not work.document_id:
            return _delete_jar(work.jar_id)
        if stores().knowledge.removal(work.jar_id, work.document_id) is not None:
            return _delete_document(work.jar_id, work.document_id)
        return _index(work)
    except IndexBusyError:
        send_work(work, _AGAIN_SECONDS)
        return "later"


# Reading and indexing


def _index(work: WorkDue) -> Done:
    at = now()
    claimed = stores().knowledge.claim(work.jar_id, work.document_id, at, at + timedelta(seconds=LEASE_SECONDS))
    if claimed is None:
        return _forget_unused_upload(work)
    try:
        return _ended(claimed)
    except DocumentChangedError:
        _log.info("document %s was deleted while it was read", claimed.id)
        # Whoever deletes it, or its jar, waits for the claim's end.
        stores().knowledge.end_claim(claimed)
        return "nothing"


def _ended(claimed: JarDocument) -> Done:
    """Index a document, or note why that cannot be."""
    try:
        if claimed.attempts > MAX_ATTEMPTS:
            raise UnreadableError("timeout", f"Reading the document was given up after {MAX_ATTEMPTS} attempts.")
        return _indexed(claimed)
    except UnreadableError as error:
        stores().knowledge.end_failed(claimed, error.problem, str(error))
        # What cannot be read is of no further use: the file is not kept either.
        stores().artifacts.discard_below(document_prefix(claimed.jar_id, claimed.id))
        stores().artifacts.discard_below(upload_key(claimed.jar_id, claimed.id))
        return "failed"
    except IndexBusyError:
        stores().knowledge.give_up_claim(claimed, now() + timedelta(seconds=settings().resend_seconds))
        raise


def _forget_unused_upload(work: WorkDue) -> Done:
    """Delete the record of a file that was announced and never came."""
    found = stores().knowledge.document(work.jar_id, work.document_id)
    if found is None or found.status != "uploading" or parse_stamp(found.created_at) + timedelta(hours=22) > now():
        return "nothing"
    try:
        stores().knowledge.start_removing(found, now())
    except DocumentChangedError:
        return "nothing"
    return _delete_document(work.jar_id, work.document_id)


def _indexed(claimed: JarDocument) -> Done:
    jar = stores().knowledge.jar(claimed.jar_id)
    if jar is None or jar.is_deleting:
        raise DocumentChangedError
    content = _kept(claimed)
    if claimed.sha256 and claimed.sha256 != hashlib.sha256(content).hexdigest():
        raise UnreadableError("damaged", "The file is not the one that was sent: upload it again.")
    read = read_document(content, claimed.format)
    title = one_line(read.title) or claimed.filename.rpartition(".")[0] or claimed.filename
    segment, notices = _segment(jar, claimed, read, title)
    key = f"{document_prefix(claimed.jar_id, claimed.id)}{_digest(segment[1])}.seg"
    stores().artifacts.put_at(key, segment[1], "application/octet-stream")
    entry = SegmentEntry(key, len(segment[0]), len(segment[1]), (claimed.id,))
    ready = replace(
        claimed,
        status="ready",
        title=title[:300],
        pages=read.pages,
        words=sum(word_count(block.text) for block in read.blocks),
        chunks=len(segment[0]),
        sha256=hashlib.sha256(content).hexdigest(),
        notices=(*read.notices, *notices),
        ready_at=stamp(now()),
    )
    _commit_ready(claimed, ready, entry, segment[0])
    stores().artifacts.discard_below(upload_key(claimed.jar_id, claimed.id))
    return "ready"


def _kept(claimed: JarDocument) -> bytes:
    """Return a document's file, after it was put where it stays."""
    original = f"{document_prefix(claimed.jar_id, claimed.id)}original.{claimed.format}"
    try:
        content = stores().artifacts.get_foreign(upload_key(claimed.jar_id, claimed.id), MAX_DOCUMENT_BYTES)
    except ArtifactMissingError:
        try:
            return stores().artifacts.get(original)
        except ArtifactMissingError:
            raise UnreadableError("damaged", "The file was lost before it could be read: upload it again.") from None
    if content is None:
        raise UnreadableError("too_large", f"The file is larger than {MAX_DOCUMENT_BYTES} bytes.")
    stores().artifacts.put_at(original, content, CONTENT_TYPES[claimed.format])
    return content


def _segment(
    jar: HoneyJar, claimed: JarDocument, read: ReadDocument, title: str
) -> tuple[tuple[Segment, bytes], tuple[str, ...]]:
    chunks = []
    for chunk in chunks_of(read.blocks):
        chunks.append(chunk)
        if len(chunks) > MAX_CHUNKS:
            raise UnreadableError("too_large", "The document is longer than what can be indexed of one document.")
    if not chunks:
        raise UnreadableError("empty", "The document holds headings and no text below them.")
    meanings = embedded(jar, title, chunks, read.blocks)
    url = claimed.metadata.get("url")
    document = SegmentDocument(claimed.id, title[:300], claimed.filename, url if is_web_address(url) else "")
    segment = segment_of(document, chunks, meanings.vectors, meanings.model)
    return (segment, segment.to_bytes()), meanings.notices


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def _commit_ready(claimed: JarDocument, ready: JarDocument, entry: SegmentEntry, segment: Segment) -> None:
    with _Lock(claimed.jar_id) as lock:
        before = [one for one in lock.manifest.segments if one.documents != (claimed.id,)]
        if entry.size_bytes + sum(one.size_bytes for one in before) > MAX_INDEX_BYTES:
            raise UnreadableError("jar_full", "The honey jar holds as much text as can be searched: use another one.")
        change = _with_merges(claimed.jar_id, (*before, entry), lock.manifest, {entry.key: segment})
        try:
            stores().knowledge.commit_ready(lock.mark, change.segments, claimed, ready)
        except LockLostError as lost:
            raise IndexBusyError from lost
        lock.released()
    _discard_merged(claimed.jar_id, change.unused)


def _with_merges(
    jar_id: str, segments: Sequence[SegmentEntry], manifest: Manifest, at_hand: dict[str, Segment]
) -> _Change:
    """Return an index with segments of about the same size merged, as long as there are many of one."""
    current, unused = list(segments), list[str]()
    while (group := _to_merge(current)) is not None:
        loaded = [at_hand.get(one.key) or Segment.from_bytes(stores().artifacts.get(one.key)) for one in group]
        made = merged(loaded, without=manifest.gone)
        entry = _store_merged(jar_id, made)
        at_hand[entry.key] = made
        current = [one for one in current if one not in group] + [entry]
        unused += [one.key for one in group]
    return _Change(tuple(current), tuple(unused))


def _to_merge(segments: Sequence[SegmentEntry]) -> list[SegmentEntry] | None:
    tiers: dict[int, list[SegmentEntry]] = {}
    for segment in segments:
        tiers.setdefault(_tier(segment.chunks), []).append(segment)
    for _, group in sorted(tiers.items()):
        chosen = sorted(group, key=lambda one: one.chunks)[:_MERGED_AT_ONCE]
        if len(chosen) == _MERGED_AT_ONCE and sum(one.chunks for one in chosen) <= _LARGEST_MERGED:
            return chosen
    return None


def _tier(chunks: int) -> int:
    return 0 if chunks <= _SMALLEST_TIER else 1 + int(math.log(chunks / _SMALLEST_TIER, _MERGED_AT_ONCE))


def _store_merged(jar_id: str, segment: Segment) -> SegmentEntry:
    content = segment.to_bytes()
    key = f"{_merged_prefix(jar_id)}{_digest(content)}.seg"
    stores().artifacts.put_at(key, content, "application/octet-stream")
    return SegmentEntry(key, len(segment), len(content), tuple(document.id for document in segment.documents))


def _discard_merged(jar_id: str, unused: Sequence[str]) -> None:
    """Delete merged segments that no index names any more; a document's own segment stays with the document."""
    for key in unused:
        if key.startswith(_merged_prefix(jar_id)):
            stores().artifacts.discard_below(key)


class _Lock:
    """The right to change a jar's index, for one at a time."""

    def __init__(self, jar_id: str) -> None:
        self._jar_id = jar_id
        self._is_released = False
        self.mark = secrets.token_urlsafe(9)
        self.manifest = Manifest()

    def __enter__(self) -> _Lock:
        patience = time.monotonic() + _LOCK_PATIENCE_SECONDS
        while True:
            at = now()
            found = stores().knowledge.lock_index(self._jar_id, self.mark, at, at + timedelta(seconds=_LOCK_SECONDS))
            if found is not None:
                self.manifest = found
                return self
            if time.monotonic() > patience:
                raise IndexBusyError
            time.sleep(random.uniform(0.05, 0.5))  # noqa: S311 - spreads retries, hides nothing

    def released(self) -> None:
        """Note that a change has ended the lock."""
        self._is_released = True

    def __exit__(self, *_: object) -> None:
        if not self._is_released:
            stores().knowledge.unlock_index(self._jar_id, self.mark)


# Deleting


def _delete_document(jar_id: str, document_id: str) -> Done:
    removal = stores().knowledge.removal(jar_id, document_id)
    if removal is None:
        return "nothing"
    if _is_live(removal.get("lease")):
        return _later(WorkDue(jar_id, document_id), [str(removal["lease"])])
    with _Lock(jar_id) as lock:
        jar = stores().knowledge.jar(jar_id)
        if jar is None or jar.is_deleting:
            # Whoever deletes the jar deletes this, too, and may have begun.
            return "nothing"
        change = _without(jar_id, lock.manifest, document_id)
        try:
            stores().knowledge.commit_removal(jar_id, lock.mark, change.segments, document_id)
        except LockLostError as lost:
            raise IndexBusyError from lost
        lock.released()
        named = {segment.key for segment in change.segments}
    # Everything that was merged and is named by no index: what a worker left that did not come to its end, too.
    _discard_unnamed(jar_id, named)
    stores().artifacts.discard_below(document_prefix(jar_id, document_id))
    stores().artifacts.discard_below(upload_key(jar_id, document_id))
    stores().knowledge.end_removing(jar_id, document_id)
    return "deleted"


def _without(jar_id: str, manifest: Manifest, document_id: str) -> _Change:
    segments: list[SegmentEntry] = []
    for segment in manifest.segments:
        if document_id not in segment.documents:
            segments.append(segment)
            continue
        left = merged([Segment.from_bytes(stores().artifacts.get(segment.key))], without={document_id})
        if len(left):
            segments.append(_store_merged(jar_id, left))
    return _Change(tuple(segments))


def _discard_unnamed(jar_id: str, named: set[str]) -> None:
    with _Lock(jar_id) as lock:
        named = named | {segment.key for segment in lock.manifest.segments}
        stores().artifacts.discard_below(_merged_prefix(jar_id), keep=named.__contains__)


def _delete_jar(jar_id: str) -> Done:
    jar = stores().knowledge.jar(jar_id)
    if jar is None or not jar.is_deleting:
        return "nothing"
    live = [lease for lease in stores().knowledge.leases(jar_id) if _is_live(lease)]
    if live:
        return _later(WorkDue(jar_id), live)
    stores().artifacts.discard_below(jar_prefix(jar_id))
    stores().artifacts.discard_below(f"uploads/knowledge/{jar_id}/")
    stores().knowledge.forget(jar_id)
    return "deleted"


def _is_live(lease: object) -> bool:
    return isinstance(lease, str) and parse_stamp(lease) > now()


def _later(work: WorkDue, leases: Sequence[str]) -> Done:
    """Look again when whoever works on it has ended: soon, as they usually end long before their lease."""
    until = max(map(parse_stamp, leases))
    stores().knowledge.put_off(work, datetime.max.replace(tzinfo=until.tzinfo), until)
    send_work(work, _AGAIN_SECONDS)
    return "later"
