"""Use case: take in findings from a file of a scanner (investigation API, "SARIF and CSV import").

What does not fit a request is put into the bucket through a presigned link first. It stays there for a day, so
that the import can be repeated; nothing but that import ever reads it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from chalicelib.domain.clock import now
from chalicelib.domain.finding_import import MAX_FILE_BYTES, FindingsFile
from chalicelib.domain.identifiers import UNIQUE_DIGITS, digits_of, sortable_id
from chalicelib.services.findings import OPEN, Ingested, InvestigationClosedError, ingest
from chalicelib.services.idempotency import RequestName
from chalicelib.services.named_answers import answer_writes, earlier_answer, keep_answer
from chalicelib.services.own_investigation import own_investigation
from chalicelib.settings import settings
from chalicelib.stores.artifact_store import ArtifactMissingError
from chalicelib.stores.dynamodb import TransactionFailedError, Write
from chalicelib.stores.stores import stores

TableFormat = Literal["sarif", "csv"]
FileFormat = Literal[TableFormat, "json"]

# What is kept of an import's notices, so that it fits an item.
_MOST_NOTICE_BYTES: Final = 50_000
_UPLOAD_ID: Final = re.compile(r"upl_[0-9abcdefghjkmnpqrstvwxyz]{26}")


class UploadMissingError(Exception):
    """Nothing was put there (yet), or it was a day ago."""


class UploadTooLargeError(Exception):
    """It is larger than a file of findings may be."""


@dataclass(frozen=True)
class Upload:
    """Where a file can be put, and until when: with ``method`` and exactly ``headers``."""

    id: str
    url: str
    method: str
    headers: Mapping[str, str]
    expires_at: datetime


@dataclass(frozen=True)
class Imported:
    """What became of a file.

    Args:
        format: what the file is.
        created: how many findings are new.
        duplicates: how many were there before.
        skipped: how many entries of the file were no findings, by reason.
        notices: what whoever reads the findings should know of the file.
        replayed: whether an earlier request of the same name had sent it.
    """

    format: FileFormat
    created: int
    duplicates: int
    skipped: Mapping[str, int]
    notices: tuple[str, ...]
    replayed: bool = False


def start_upload(account: str, investigation_id: str, size_bytes: int, name: RequestName | None = None) -> Upload:
    """Return a place for a file of ``size_bytes`` (at most ``MAX_FILE_BYTES``): one AWS call, two with a name.

    A request of the same name gives the same place, with a new link to it.

    Raises:
        IdempotencyConflictError: the name was used for another request.
        NotFoundError: there is no such investigation of this account.
        InvestigationClosedError: it takes no findings (any more).
        UploadTooLargeError: the file would be.
    """
    found = own_investigation(account, investigation_id)
    if found.status not in OPEN:
        raise InvestigationClosedError(found.status)
    if size_bytes > MAX_FILE_BYTES:
        raise UploadTooLargeError
    upload_id = f"upl_{digits_of(name.uuid().int, UNIQUE_DIGITS)}" if name else sortable_id("upl_")
    keep_answer(name, {})
    seconds = settings().presign_seconds
    url = stores().artifacts.upload_link(_key(investigation_id, upload_id), size_bytes, seconds)
    headers = {"Content-Length": str(size_bytes)}
    return Upload(upload_id, url, "PUT", headers, now() + timedelta(seconds=seconds))


def uploaded_file(account: str, investigation_id: str, upload_id: str) -> bytes:
    """Return what was put into a place that :func:`start_upload` gave for this investigation: two AWS calls.

    Raises:
        NotFoundError: there is no such investigation of this account.
        UploadMissingError: nothing is there, or the id is none.
        UploadTooLargeError: it is too large.
    """
    own_investigation(account, investigation_id)
    if not _UPLOAD_ID.fullmatch(upload_id):
        raise UploadMissingError
    try:
        content = stores().artifacts.get_foreign(_key(investigation_id, upload_id), MAX_FILE_BYTES)
    except ArtifactMissingError:
        raise UploadMissingError from None
    if content is None:
        raise UploadTooLargeError
    return content


def _key(investigation_id: str, upload_id: str) -> str:
    return f"uploads/{investigation_id}/{upload_id}"


def import_table(
    account: str, investigation_id: str, content: bytes, table_format: TableFormat, name: RequestName | None = None
) -> Imported:
    """Take in the findings of a SARIF or CSV file: all of them or none. AWS calls as :func:`ingest` makes them.

    Args:
        account: whose investigation.
        investigation_id: which.
        content: the file.
        table_format: what it is.
        name: the caller's name for the request; see :func:`imported_before`.

    Raises:
        ImportProblemError: the file cannot be taken; nothing was stored.
        NotFoundError: there is no such investigation of this account.
        InvestigationClosedError: it takes no findings (any more).
        EvidenceFullError: they would be more than an investigation may have.
        EvidenceBusyError: others are adding findings to it at this moment.
    """
    return import_file(account, investigation_id, _reader(table_format)(content, now()), name, table_format)


def _reader(table_format: TableFormat) -> Callable[[bytes, datetime], FindingsFile]:
    # Only an import pays for them, and no other request's cold start.
    if table_format == "sarif":
        from chalicelib.domain.sarif import read_sarif

        return read_sarif
    from chalicelib.domain.csv_findings import read_csv

    return read_csv


def import_file(
    account: str,
    investigation_id: str,
    read: FindingsFile,
    name: RequestName | None = None,
    file_format: FileFormat = "json",
) -> Imported:
    """Take in the findings of a file that was read; see :func:`import_table`."""

    def imported(taken: Ingested) -> Imported:
        return Imported(file_format, taken.created, taken.duplicates, read.skipped, read.notices)

    def note(taken: Ingested) -> Sequence[Write]:
        return answer_writes(name, asdict(_bounded(imported(taken))))

    try:
        return imported(ingest(account, investigation_id, read.findings, noting=note))
    except TransactionFailedError:
        # Another request of this name was faster.
        told = imported_before(name)
        if told is None:
            raise
        return told


def imported_before(name: RequestName | None) -> Imported | None:
    """Return what an earlier request of this name imported, or None: one AWS call, none without a name.

    Raises:
        IdempotencyConflictError: the name was used for another request.
    """
    told = earlier_answer(name)
    if told is None:
        return None
    return Imported(**{**told, "notices": tuple(told["notices"]), "replayed": True})


def _bounded(imported: Imported) -> Imported:
    """Return what is kept of an import: as many of its notices as fit."""
    notices, size = [], 0
    for notice in imported.notices:
        size += len(notice.encode("utf-8", "surrogatepass"))
        if size > _MOST_NOTICE_BYTES:
            break
        notices.append(notice)
    return replace(imported, notices=tuple(notices))
