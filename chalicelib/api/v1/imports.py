"""The routes that take in findings from files: SARIF, CSV, and batches too large for a request."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, cast, get_args

from chalice.app import Blueprint, Response

from chalicelib.api.envelope import json_response
from chalicelib.api.idempotency import REPLAYED
from chalicelib.api.json_body import MAX_BODY_BYTES
from chalicelib.api.problems import Detail, ProblemError, invalid
from chalicelib.api.routing import ANY_TYPE, query_of, request_of
from chalicelib.api.v1 import requests
from chalicelib.api.v1.access import account_with
from chalicelib.api.v1.idempotency import request_name
from chalicelib.api.v1.problems import busy, idempotency_conflict, not_completed
from chalicelib.domain.clock import public_time, stamp
from chalicelib.domain.finding import MAX_FINDINGS, NewFinding
from chalicelib.domain.finding_import import MAX_FILE_BYTES, FindingsFile, ImportProblemError, decoded
from chalicelib.services import import_findings as service
from chalicelib.services.findings import EvidenceBusyError, EvidenceFullError, InvestigationClosedError
from chalicelib.services.idempotency import IdempotencyConflictError, RequestName
from chalicelib.services.import_findings import FileFormat
from chalicelib.services.not_found import NotFoundError

imports = Blueprint(__name__)
_request = request_of(imports)

FORMATS: Final[tuple[FileFormat, ...]] = get_args(FileFormat)
_FORMAT_OF_TYPE: Final[Mapping[str, FileFormat]] = {"application/sarif+json": "sarif", "text/csv": "csv"}
# So many findings are checked at a time: a file that is all wrong is not checked to its end.
_CHECKED_AT_ONCE: Final = 100


@imports.route("/v1/investigations/{investigation_id}/findings/uploads", methods=["POST"])
def start_upload(investigation_id: str) -> Response:
    """Give out a place to put a file to."""
    account = account_with(_request(), "findings:write")
    wanted = requests.investigation_id(investigation_id)
    sent = requests.json_body(_request())
    name = request_name(_request(), account, f"POST /v1/investigations/{wanted}/findings/uploads", sent)
    size = _size(sent)
    with _refusals():
        upload = service.start_upload(account, wanted, size, name)
    body = {
        "upload_id": upload.id,
        "url": upload.url,
        "method": upload.method,
        "headers": dict(upload.headers),
        "expires_at": public_time(stamp(upload.expires_at)),
    }
    return json_response(body, 201)


def _size(body: Mapping[str, Any]) -> int:
    size = body.get("size_bytes")
    if size is None:
        raise _missing("size_bytes")
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= MAX_FILE_BYTES:
        raise invalid("size_bytes", f"must be a whole number from 1 to {MAX_FILE_BYTES}")
    return size


@imports.route("/v1/investigations/{investigation_id}/findings/import", methods=["POST"], content_types=ANY_TYPE)
def import_findings(investigation_id: str) -> Response:
    """Take in the findings of a file that was sent or uploaded: all of them or none."""
    account = account_with(_request(), "findings:write")
    wanted = requests.investigation_id(investigation_id)
    name = _name(account, wanted)
    with _refusals():
        taken = service.imported_before(name) or _import(account, wanted, name)
    body = {
        "investigation_id": wanted,
        "format": taken.format,
        "created": taken.created,
        "duplicates": taken.duplicates,
        "skipped": dict(taken.skipped),
        "notices": list(taken.notices),
    }
    return json_response(body, 201, REPLAYED if taken.replayed else None)


def _name(account: str, investigation_id: str) -> RequestName | None:
    sent = {
        "body": hashlib.sha256(_sent()).hexdigest(),
        "type": _content_type(),
        "format": query_of(_request()).get("format"),
    }
    return request_name(_request(), account, f"POST /v1/investigations/{investigation_id}/findings/import", sent)


def _content_type() -> str:
    return (_request().headers.get("content-type") or "").partition(";")[0].strip().lower()


def _import(account: str, investigation_id: str, name: RequestName | None) -> service.Imported:
    content, file_format = _file(account, investigation_id)
    if file_format == "json":
        return service.import_file(account, investigation_id, FindingsFile(_findings(content)), name)
    return service.import_table(account, investigation_id, content, file_format, name)


def _file(account: str, investigation_id: str) -> tuple[bytes, FileFormat]:
    """Return the file that a request sends or names, and its format."""
    named = query_of(_request()).get("format") or None
    if named is not None:
        requests.one_of("format", named, FORMATS)
    stated = cast(FileFormat | None, named)
    content_type = _content_type()
    if content_type == "application/json" and (stated is None or not _is_file()):
        return _named_file(account, investigation_id, stated)
    file_format = stated or _FORMAT_OF_TYPE.get(content_type)
    if file_format is None:
        known = ", ".join((*_FORMAT_OF_TYPE, "application/json"))
        raise invalid("Content-Type", f"must be one of {known}, or the query must say the format")
    return _sent(), file_format


def _is_file() -> bool:
    """Tell whether a JSON body is a file, and does not name one that was uploaded."""
    try:
        return "upload_id" not in requests.json_body(_request())
    except ProblemError:
        # What it is not is said by whoever reads it.
        return True


def _named_file(account: str, investigation_id: str, stated: FileFormat | None) -> tuple[bytes, FileFormat]:
    body = requests.json_body(_request())
    upload_id, file_format = body.get("upload_id"), stated or body.get("format")
    if upload_id is None and stated is None and "runs" in body:
        return _sent(), "sarif"
    for name, value in {"upload_id": upload_id, "format": file_format}.items():
        if value is None:
            raise _missing(name)
        if not isinstance(value, str):
            raise invalid(name, "must be a text")
    requests.one_of("format", str(file_format), FORMATS)
    return service.uploaded_file(account, investigation_id, str(upload_id)), cast(FileFormat, file_format)


def _sent() -> bytes:
    raw = _request().raw_body
    content = raw.encode() if isinstance(raw, str) else bytes(raw)
    if len(content) > MAX_BODY_BYTES:
        raise invalid("body", f"must be at most {MAX_BODY_BYTES} bytes; larger files are uploaded")
    return content


def _findings(content: bytes) -> tuple[NewFinding, ...]:
    """Return the findings of a file ``{"findings": […]}``, in the form of a batch."""
    from chalicelib.api.v1.bodies import parse_findings
    from chalicelib.domain.json_object import read_json

    given = read_json(decoded(content)).fields.get("findings")
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_FINDINGS:
        raise invalid("findings", f"must be a list of 1 to {MAX_FINDINGS} findings")
    checked: list[NewFinding] = []
    for start in range(0, len(given), _CHECKED_AT_ONCE):
        try:
            checked += parse_findings({"findings": given[start : start + _CHECKED_AT_ONCE]})
        except ProblemError as problem:
            problem.details = tuple(_moved(detail, start) for detail in problem.details)
            raise
    return tuple(checked)


def _moved(detail: Detail, start: int) -> Detail:
    """Return what is wrong with the n-th finding of a part as what is wrong with one of the file."""
    name, number, *rest = detail.field.split(".")
    return Detail(".".join([name, str(int(number) + start), *rest]), detail.message)


def _missing(field: str) -> ProblemError:
    return ProblemError(
        400, "A required field is missing", [Detail(field, "is required")], code="missing_required_field"
    )


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn what the use cases refuse into the answers of ``/v1``."""
    try:
        yield
    except NotFoundError:
        raise requests.not_found("investigation") from None
    except InvestigationClosedError as closed:
        raise not_completed(f"The investigation is {closed.status}: it takes no findings") from None
    except EvidenceFullError as full:
        raise invalid("file" if full.path == "findings" else full.path, str(full)) from None
    except EvidenceBusyError:
        raise busy() from None
    except IdempotencyConflictError:
        raise idempotency_conflict() from None
    except service.UploadMissingError:
        raise invalid("upload_id", "nothing was uploaded under this id, or too long ago") from None
    except service.UploadTooLargeError:
        raise invalid("file", f"must be at most {MAX_FILE_BYTES} bytes") from None
    except ImportProblemError as problem:
        issues = [Detail(issue.path, issue.message) for issue in problem.issues]
        raise ProblemError(400, "The file cannot be imported", issues) from None
