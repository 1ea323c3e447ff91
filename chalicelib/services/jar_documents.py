"""Use cases: documents of a honey jar. Files are put where uploads lie for a day; a worker takes them from there."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from chalicelib.domain.caller import Caller
from chalicelib.domain.clock import now, stamp
from chalicelib.domain.honey_jar import CONTENT_TYPES, DocumentFormat, HoneyJar, JarDocument, Reader
from chalicelib.domain.identifiers import UNIQUE_DIGITS, digits_of, sortable_id, sortable_ids
from chalicelib.services import audit
from chalicelib.services.honey_jars import HoneyJarNotFoundError, changeable_jar, readable_jar, reader_of, send_work
from chalicelib.services.idempotency import MAX_GENERATIONS, IdempotencyConflictError, RequestName
from chalicelib.settings import settings
from chalicelib.stores.artifact_store import ArtifactMissingError
from chalicelib.stores.knowledge_store import DocumentChangedError, DocumentsExistError, JarChangedError, WorkDue
from chalicelib.stores.stores import stores

UPLOAD_KEPT: Final = timedelta(hours=23)
"""How long a file may take to be put where its place is: a little less than S3 keeps it there."""

_TRIES: Final = 4


class DocumentNotFoundError(Exception):
    """There is no such document in that jar."""


class UploadMissingError(Exception):
    """Nothing was put into the place that was given out, or not what was announced."""


@dataclass(frozen=True)
class NewFile:
    """A file to put into a jar."""

    filename: str
    format: DocumentFormat
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class AddedDocuments:
    """Documents; ``replayed`` says that an earlier request of the same name had added them."""

    documents: tuple[JarDocument, ...]
    replayed: bool = False


@dataclass(frozen=True)
class Place:
    """Where a file can be put, and until when: with ``method`` and exactly ``headers``."""

    document: JarDocument
    url: str
    method: str
    headers: Mapping[str, str]
    expires_at: datetime


def upload_key(jar_id: str, document_id: str) -> str:
    """Return where a file is put by whoever uploads it."""
    return f"uploads/knowledge/{jar_id}/{document_id}"


def add_files(
    caller: Caller,
    jar_id: str,
    files: Sequence[NewFile],
    metadata: Mapping[str, Any],
    name: RequestName | None = None,
) -> AddedDocuments:
    """Put files into a jar: two AWS calls (jar, records), and two for each file (upload, message).

    One more where the request has a name.

    Args:
        caller: who does it.
        jar_id: which jar.
        files: what to put into it, few enough for one request.
        metadata: what they note about all of them.
        name: the caller's name for this request.

    Raises:
        HoneyJarNotFoundError: there is no jar that they may read.
        NotTheirsToChangeError: they may only read it.
        JarFullError: it takes no such number, or no such size.
        IdempotencyConflictError: the name was used for another request.
    """
    jar = changeable_jar(reader_of(caller), jar_id)
    for generation in range(MAX_GENERATIONS if name else 1):
        ids = _new_ids(name, generation, len(files))
        digest = name.digest if name else ""
        made = [_document(caller, jar, *pair, metadata, digest) for pair in zip(ids, files, strict=True)]
        if name is not None and stores().knowledge.are_known(jar.id, ids):
            # Its files must not be replaced by those of another request of this name.
            earlier = _earlier(made, name)
            if earlier is not None:
                return AddedDocuments(earlier, replayed=True)
            continue
        for document, file in zip(made, files, strict=True):
            # Before the record: what no record names is deleted after a day.
            key = upload_key(jar.id, document.id)
            stores().artifacts.put_at(key, file.content, CONTENT_TYPES[file.format])
        try:
            _store(jar, made, now() + timedelta(seconds=settings().resend_seconds))
        except DocumentsExistError:
            earlier = _earlier(made, name)
            if earlier is not None:
                return AddedDocuments(earlier, replayed=True)
            continue
        for document in made:
            send_work(WorkDue(jar.id, document.id))
        return AddedDocuments(tuple(made))
    raise IdempotencyConflictError


def _store(jar: HoneyJar, documents: Sequence[JarDocument], due_at: datetime) -> None:
    entries = [
        audit.entry("document.add", jar.owner, document.id, jar=jar.id, format=document.format)
        for document in documents
    ]
    try:
        stores().knowledge.add_documents(jar, documents, due_at, entries)
    except JarChangedError:
        raise HoneyJarNotFoundError from None


def _earlier(made: Sequence[JarDocument], name: RequestName | None) -> tuple[JarDocument, ...] | None:
    """Return what an earlier request of this name added, or None where its day is over."""
    found = [stores().knowledge.document(document.jar_id, document.id) for document in made]
    first = next((document for document in found if document is not None), None)
    if first is None or name is None:
        raise IdempotencyConflictError
    verdict = name.compare(first.request_digest, first.created_at, now())
    if verdict == "other":
        raise IdempotencyConflictError
    return tuple(document for document in found if document is not None) if verdict == "same" else None


def _document(
    caller: Caller,
    jar: HoneyJar,
    document_id: str,
    file: NewFile,
    metadata: Mapping[str, Any],
    request_digest: str,
) -> JarDocument:
    return JarDocument(
        id=document_id,
        jar_id=jar.id,
        filename=file.filename,
        format=file.format,
        size_bytes=len(file.content),
        status="processing",
        created_at=stamp(now()),
        uploaded_by=caller.owner,
        metadata=metadata,
        sha256=hashlib.sha256(file.content).hexdigest(),
        request_digest=request_digest,
    )


def _new_ids(name: RequestName | None, generation: int, count: int) -> list[str]:
    if name is None:
        return sortable_ids("doc_", count)
    first = name.uuid(generation).int
    return [f"doc_{digits_of(first + number, UNIQUE_DIGITS)}" for number in range(count)]


def start_upload(
    caller: Caller,
    jar_id: str,
    filename: str,
    document_format: DocumentFormat,
    size_bytes: int,
    metadata: Mapping[str, Any],
) -> Place:
    """Announce a file and return the place to put it to: two AWS calls.

    Args:
        caller: who does it.
        jar_id: which jar.
        filename: what it is called.
        document_format: what it is read as.
        size_bytes: its size, at most ``MAX_DOCUMENT_BYTES``; S3 takes no other.
        metadata: what they note about it.

    Raises:
        HoneyJarNotFoundError: there is no jar that they may read.
        NotTheirsToChangeError: they may only read it.
        JarFullError: it takes no further document, or none of that size.
    """
    jar = changeable_jar(reader_of(caller), jar_id)
    at, seconds = now(), settings().presign_seconds
    document = JarDocument(
        id=sortable_id("doc_"),
        jar_id=jar.id,
        filename=filename,
        format=document_format,
        size_bytes=size_bytes,
        status="uploading",
        created_at=stamp(at),
        uploaded_by=caller.owner,
        metadata=metadata,
        is_upload=True,
    )
    _store(jar, [document], at + UPLOAD_KEPT)
    url = stores().artifacts.upload_link(upload_key(jar.id, document.id), size_bytes, seconds)
    return Place(document, url, "PUT", {"Content-Length": str(size_bytes)}, at + timedelta(seconds=seconds))


def complete_upload(caller: Caller, jar_id: str, document_id: str) -> JarDocument:
    """Have a file read that was put where it was to be put: five AWS calls. Done before, it does nothing.

    Raises:
        HoneyJarNotFoundError: there is no jar that they may read.
        NotTheirsToChangeError: they may only read it.
        DocumentNotFoundError: there is no such document.
        UploadMissingError: nothing was put there.
    """
    changeable_jar(reader_of(caller), jar_id)
    seen = _document_of(jar_id, document_id)
    if seen.status != "uploading":
        return seen
    try:
        size = stores().artifacts.size_of(upload_key(jar_id, document_id))
    except ArtifactMissingError:
        raise UploadMissingError from None
    if size != seen.size_bytes:
        raise UploadMissingError
    try:
        due_at = now() + timedelta(seconds=settings().resend_seconds)
        started = stores().knowledge.start_processing(seen, due_at)
    except DocumentChangedError:
        return _document_of(jar_id, document_id)
    send_work(WorkDue(jar_id, document_id))
    return started


def _document_of(jar_id: str, document_id: str) -> JarDocument:
    found = stores().knowledge.document(jar_id, document_id)
    if found is None:
        raise DocumentNotFoundError
    return found


def list_documents(reader: Reader, jar_id: str, limit: int, offset: int) -> tuple[list[JarDocument], int]:
    """Return documents of a jar, the newest first, and how many there are: three AWS calls.

    Raises:
        HoneyJarNotFoundError: there is no jar that they may read.
    """
    jar = readable_jar(reader, jar_id)
    return stores().knowledge.documents(jar_id, limit, offset), jar.documents


def read_document(reader: Reader, jar_id: str, document_id: str) -> JarDocument:
    """Return a document: two AWS calls.

    Raises:
        HoneyJarNotFoundError: there is no jar that they may read.
        DocumentNotFoundError: there is no such document.
    """
    readable_jar(reader, jar_id)
    return _document_of(jar_id, document_id)


def remove_document(caller: Caller, jar_id: str, document_id: str) -> None:
    """Delete a document: four AWS calls. No search finds it from then on; a worker deletes its texts.

    Raises:
        HoneyJarNotFoundError: there is no jar that they may read.
        NotTheirsToChangeError: they may only read it.
        DocumentNotFoundError: there is no such document.
    """
    jar = changeable_jar(reader_of(caller), jar_id)
    for _ in range(_TRIES):
        seen = _document_of(jar_id, document_id)
        due_at = now() + timedelta(seconds=settings().resend_seconds)
        try:
            entry = audit.entry("document.delete", jar.owner, document_id, jar=jar_id)
            stores().knowledge.start_removing(seen, due_at, [entry])
        except DocumentChangedError:
            continue
        send_work(WorkDue(jar_id, document_id))
        return
    raise DocumentNotFoundError
