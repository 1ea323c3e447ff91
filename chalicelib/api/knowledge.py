"""The routes of honey jars: collections of documents that are searched, and that reports are written from."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from chalice.app import Blueprint, Response

from chalicelib.api.authentication import report_user, report_writer
from chalicelib.api.envelope import json_response
from chalicelib.api.idempotency import REPLAYED, idempotency_conflict, request_name
from chalicelib.api.json_body import read_json_object
from chalicelib.api.limits import count_request
from chalicelib.api.problems import ProblemError, invalid
from chalicelib.api.routing import ANY_TYPE, query_of, request_of
from chalicelib.domain.caller import Caller
from chalicelib.domain.honey_jar import MAX_DOCUMENTS, MAX_JARS
from chalicelib.services import honey_jars, jar_documents
from chalicelib.services.idempotency import IdempotencyConflictError
from chalicelib.stores.knowledge_store import JarFullError, TooManyJarsError

knowledge = Blueprint(__name__)
_request = request_of(knowledge)

_FORM: Final = ["multipart/form-data"]
_JARS: Final = "/api/knowledge/honey-jars"
_JAR: Final = f"{_JARS}/{{jar_id}}"
_DOCUMENTS: Final = f"{_JAR}/documents"


def _known_jar(given: str) -> str:
    from chalicelib.api.knowledge_requests import is_jar_id

    if not is_jar_id(given):
        raise ProblemError(404, "Honey jar not found")
    return given


def _known_document(given: str) -> str:
    from chalicelib.api.knowledge_requests import is_document_id

    if not is_document_id(given):
        raise ProblemError(404, "Document not found")
    return given


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn what the use cases refuse into answers."""
    try:
        yield
    except honey_jars.HoneyJarNotFoundError:
        raise ProblemError(404, "Honey jar not found") from None
    except honey_jars.NotTheirsToChangeError:
        raise ProblemError(403, "Insufficient permissions") from None
    except honey_jars.NotInTeamError:
        raise invalid("team_id", "must be a team that you are in") from None
    except jar_documents.DocumentNotFoundError:
        raise ProblemError(404, "Document not found") from None
    except jar_documents.UploadMissingError:
        raise ProblemError(409, "The file has not been uploaded, or not in the size that was announced") from None
    except TooManyJarsError:
        raise ProblemError(409, f"At most {MAX_JARS} honey jars can be kept") from None
    except JarFullError:
        raise ProblemError(409, f"The honey jar is full: it takes {MAX_DOCUMENTS} documents and 2 GB") from None
    except IdempotencyConflictError:
        raise idempotency_conflict() from None


@knowledge.route(_JARS, methods=["GET"], content_types=ANY_TYPE)
def list_honey_jars() -> Response:
    """List the jars that the caller may read, the newest first."""
    from chalicelib.api.knowledge_requests import parse_page
    from chalicelib.api.knowledge_views import jar_view

    caller = report_user(_request())
    limit, offset = parse_page(query_of(_request()))
    count_request(_request(), caller.account, "list")
    reader = honey_jars.reader_of(caller)
    found, total = honey_jars.list_jars(reader, limit, offset)
    data = {
        "honey_jars": [jar_view(jar, reader) for jar in found],
        "pagination": {"total": total, "limit": limit, "offset": offset},
    }
    return json_response({"success": True, "data": data})


@knowledge.route(_JARS, methods=["POST"])
def create_honey_jar() -> Response:
    """Make a jar."""
    from chalicelib.api.knowledge_requests import parse_new_jar

    caller = report_writer(_request())
    body = read_json_object(_request().raw_body)
    name = request_name(_request(), caller, f"POST {_JARS}", body)
    fields = parse_new_jar(body)
    with _refusals():
        created = honey_jars.create_jar(caller, fields, name)
    return _one_jar(created.jar, caller, 201, replayed=created.replayed)


def _one_jar(jar: Any, caller: Caller, status: int = 200, *, replayed: bool = False) -> Response:
    from chalicelib.api.knowledge_views import jar_view

    data = {"honey_jar": jar_view(jar, honey_jars.reader_of(caller))}
    return json_response({"success": True, "data": data}, status, REPLAYED if replayed else None)


@knowledge.route(_JAR, methods=["GET"], content_types=ANY_TYPE)
def get_honey_jar(jar_id: str) -> Response:
    """Show a jar."""
    caller = report_user(_request())
    with _refusals():
        return _one_jar(honey_jars.readable_jar(honey_jars.reader_of(caller), _known_jar(jar_id)), caller)


@knowledge.route(_JAR, methods=["PUT"])
def change_honey_jar(jar_id: str) -> Response:
    """Change a jar, and who may read it."""
    from chalicelib.api.knowledge_requests import parse_jar_changes

    caller, wanted = report_writer(_request()), _known_jar(jar_id)
    changes = parse_jar_changes(read_json_object(_request().raw_body))
    with _refusals():
        return _one_jar(honey_jars.change_jar(caller, wanted, changes), caller)


@knowledge.route(_JAR, methods=["DELETE"], content_types=ANY_TYPE)
def delete_honey_jar(jar_id: str) -> Response:
    """Delete a jar with everything in it."""
    caller, wanted = report_writer(_request()), _known_jar(jar_id)
    with _refusals():
        honey_jars.delete_jar(caller, wanted)
    return json_response({"success": True, "message": "Honey jar deleted"})


@knowledge.route(_DOCUMENTS, methods=["GET"], content_types=ANY_TYPE)
def list_jar_documents(jar_id: str) -> Response:
    """List a jar's documents, the newest first."""
    from chalicelib.api.knowledge_requests import parse_page
    from chalicelib.api.knowledge_views import document_view

    caller, wanted = report_user(_request()), _known_jar(jar_id)
    limit, offset = parse_page(query_of(_request()))
    count_request(_request(), caller.account, "list")
    with _refusals():
        found, total = jar_documents.list_documents(honey_jars.reader_of(caller), wanted, limit, offset)
    data = {
        "documents": [document_view(document) for document in found],
        "pagination": {"total": total, "limit": limit, "offset": offset},
    }
    return json_response({"success": True, "data": data})


@knowledge.route(_DOCUMENTS, methods=["POST"], content_types=_FORM)
def add_jar_documents(jar_id: str) -> Response:
    """Put files into a jar."""
    return _add_files(jar_id)


@knowledge.route(f"{_DOCUMENTS}/upload", methods=["POST"], content_types=_FORM)
def add_jar_document(jar_id: str) -> Response:
    """Put files into a jar; another spelling of the same."""
    return _add_files(jar_id)


def _add_files(jar_id: str) -> Response:
    from chalicelib.api.knowledge_requests import parse_files
    from chalicelib.api.knowledge_views import document_view
    from chalicelib.api.multipart_body import read_form

    caller, wanted = report_writer(_request()), _known_jar(jar_id)
    files, metadata = parse_files(read_form(_request().raw_body, _request().headers.get("content-type") or ""))
    hashes = [[file.filename, hashlib.sha256(file.content).hexdigest()] for file in files]
    name = request_name(_request(), caller, f"POST {_JARS}/{wanted}/documents", {"files": hashes, "about": metadata})
    count_request(_request(), caller.account, "upload")
    with _refusals():
        added = jar_documents.add_files(caller, wanted, files, metadata, name)
    views = [document_view(document) for document in added.documents]
    # One upload or several: clients of either spelling find theirs.
    data = {"documents": views, "document": views[0] if views else None}
    return json_response({"success": True, "data": data}, 201, REPLAYED if added.replayed else None)


@knowledge.route(f"{_DOCUMENTS}/uploads", methods=["POST"])
def start_jar_upload(jar_id: str) -> Response:
    """Give out a place to put a large file to."""
    from chalicelib.api.knowledge_requests import parse_announced
    from chalicelib.api.knowledge_views import place_view

    caller, wanted = report_writer(_request()), _known_jar(jar_id)
    file = parse_announced(read_json_object(_request().raw_body))
    count_request(_request(), caller.account, "upload")
    with _refusals():
        place = jar_documents.start_upload(caller, wanted, file.filename, file.format, file.size_bytes, file.metadata)
    return json_response({"success": True, "data": place_view(place)}, 201)


@knowledge.route(f"{_DOCUMENTS}/{{document_id}}/complete", methods=["POST"], content_types=ANY_TYPE)
def complete_jar_upload(jar_id: str, document_id: str) -> Response:
    """Have a file read that was uploaded by a link."""
    from chalicelib.api.knowledge_views import document_view

    caller, wanted = report_writer(_request()), _known_jar(jar_id)
    with _refusals():
        document = jar_documents.complete_upload(caller, wanted, _known_document(document_id))
    return json_response({"success": True, "data": {"document": document_view(document)}}, 202)


@knowledge.route(f"{_DOCUMENTS}/{{document_id}}", methods=["GET"], content_types=ANY_TYPE)
def get_jar_document(jar_id: str, document_id: str) -> Response:
    """Show a document and where it stands."""
    from chalicelib.api.knowledge_views import document_view

    caller, wanted = report_user(_request()), _known_jar(jar_id)
    with _refusals():
        found = jar_documents.read_document(honey_jars.reader_of(caller), wanted, _known_document(document_id))
    return json_response({"success": True, "data": {"document": document_view(found)}})


@knowledge.route(f"{_DOCUMENTS}/{{document_id}}", methods=["DELETE"], content_types=ANY_TYPE)
def delete_jar_document(jar_id: str, document_id: str) -> Response:
    """Delete a document."""
    caller, wanted = report_writer(_request()), _known_jar(jar_id)
    with _refusals():
        jar_documents.remove_document(caller, wanted, _known_document(document_id))
    return json_response({"success": True, "message": "Document deleted"})


@knowledge.route("/api/knowledge/search", methods=["POST"])
def search_honey_jars() -> Response:
    """Find pieces of documents."""
    # Searching is imported with the first search: no other request's cold start pays for it.
    from chalicelib.api.knowledge_requests import parse_search
    from chalicelib.api.knowledge_views import found_view
    from chalicelib.services.search_knowledge import TooMuchToSearchError, search

    started = time.perf_counter()
    caller = report_user(_request())
    wanted = parse_search(read_json_object(_request().raw_body))
    count_request(_request(), caller.account, "search")
    try:
        with _refusals():
            result = search(honey_jars.reader_of(caller), wanted.query, wanted.top_k, wanted.jar_ids)
    except TooMuchToSearchError:
        raise invalid("honey_jar_ids", "hold more than one search goes through: name fewer") from None
    data = {
        "query": wanted.query,
        "results": [found_view(one) for one in result.found],
        "total_results": len(result.found),
        "processing_time": round(time.perf_counter() - started, 4),
        "search_type": "hybrid" if result.by_meaning else "words",
        "honey_jars_left_out": result.left_out,
    }
    # The documented answer has no envelope; the other endpoints have one: clients of either kind are served.
    return json_response({"success": True, **data, "data": data})
