"""What requests about honey jars ask for, checked and typed."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from chalicelib.api.json_body import read_json_object
from chalicelib.api.multipart_body import Form
from chalicelib.api.problems import Detail, ProblemError, invalid
from chalicelib.domain.honey_jar import (
    DOCUMENT_FORMATS,
    JAR_TYPES,
    MAX_ALLOWED_USERS,
    MAX_DOCUMENT_BYTES,
    MAX_METADATA_BYTES,
    MAX_TAGS,
    DocumentFormat,
    format_of,
)
from chalicelib.services.honey_jars import JarFields
from chalicelib.services.jar_documents import NewFile
from chalicelib.services.search_knowledge import MOST_JARS

MAX_FILES: Final = 10
"""How many files one request brings."""

DEFAULT_TOP_K: Final = 5
MAX_TOP_K: Final = 50
MAX_QUERY: Final = 2_000
DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 100
MAX_OFFSET: Final = 10_000

_LONGEST_NAME: Final = 255
_LONGEST_TEXT: Final = 2_000
_DIGITS: Final = "[0-9abcdefghjkmnpqrstvwxyz]{26}"
_JAR_ID: Final = re.compile(f"hj_{_DIGITS}")
_DOCUMENT_ID: Final = re.compile(f"doc_{_DIGITS}")
_DIRECTIONS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_FILE_FIELDS: Final = ("files", "files[]", "file")


def is_jar_id(given: str) -> bool:
    """Tell whether a text has the form of a jar's id."""
    return _JAR_ID.fullmatch(given) is not None


def is_document_id(given: str) -> bool:
    """Tell whether a text has the form of a document's id."""
    return _DOCUMENT_ID.fullmatch(given) is not None


@dataclass(frozen=True)
class SearchQuery:
    """What a search asks for; without ``jar_ids``, in every jar that they may read."""

    query: str
    top_k: int
    jar_ids: tuple[str, ...] | None


@dataclass(frozen=True)
class AnnouncedFile:
    """A file that is to be uploaded by a link."""

    filename: str
    format: DocumentFormat
    size_bytes: int
    metadata: Mapping[str, Any]


def parse_page(query: Mapping[str, str]) -> tuple[int, int]:
    """Return limit and offset of a list.

    Raises:
        ProblemError: 400 about the field that is malformed.
    """
    return _whole(query, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT), _whole(query, "offset", 0, 0, MAX_OFFSET)


def _whole(query: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    raw = query.get(name) or str(default)
    if not re.fullmatch(r"[0-9]{1,9}", raw) or not low <= int(raw) <= high:
        raise invalid(name, f"must be a whole number from {low} to {high}")
    return int(raw)


def parse_new_jar(body: Mapping[str, Any]) -> JarFields:
    """Return what a jar is to be.

    Raises:
        ProblemError: 400 with ``details``.
    """
    if body.get("name") is None:
        raise invalid("name", "is required")
    fields = JarFields(**{"name": "", **parse_jar_changes(body)})
    if fields.type == "team" and not fields.team_id:
        raise invalid("team_id", "is required for a jar of type team")
    if fields.type == "restricted" and not fields.allowed_users:
        raise invalid("allowed_users", "is required for a jar of type restricted")
    if fields.team_id and fields.type != "team":
        raise invalid("team_id", "is only for a jar of type team")
    if fields.allowed_users and fields.type != "restricted":
        raise invalid("allowed_users", "is only for a jar of type restricted")
    return fields


def parse_jar_changes(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a jar that a request has; unknown ones and null are left out.

    Raises:
        ProblemError: 400 with ``details``.
    """
    checks: Mapping[str, Callable[[str, Any], Any]] = {
        "name": lambda name, value: _line(name, value, 1, _LONGEST_NAME),
        "description": lambda name, value: _text(name, value, 0, _LONGEST_TEXT),
        "type": _type,
        "tags": lambda name, value: _texts(name, value, MAX_TAGS, 50),
        "team_id": lambda name, value: _line(name, value, 0, _LONGEST_NAME),
        "allowed_users": lambda name, value: _texts(name, value, MAX_ALLOWED_USERS, _LONGEST_NAME),
    }
    found: dict[str, Any] = {}
    wrong: list[Detail] = []
    for name, check in checks.items():
        if body.get(name) is None:
            continue
        try:
            found[name] = check(name, body[name])
        except ProblemError as problem:
            wrong += problem.details
    if wrong:
        raise ProblemError(400, "Invalid request", wrong)
    return found


def _text(name: str, value: Any, shortest: int, longest: int) -> str:
    if not isinstance(value, str):
        raise invalid(name, "must be a text")
    text = value.strip()
    if not shortest <= len(text) <= longest:
        raise invalid(name, f"must have {shortest} to {longest} characters")
    if any(unicodedata.category(letter) in ("Cc", "Cs") and letter not in "\n\t" for letter in text):
        raise invalid(name, "must have no control characters")
    return text


def _line(name: str, value: Any, shortest: int, longest: int) -> str:
    """Return a text of one line that reads as it is stored: what turns its direction around makes names of others."""
    text = _text(name, value, shortest, longest)
    if any(unicodedata.category(letter) in ("Cc", "Zl", "Zp") or letter in _DIRECTIONS for letter in text):
        raise invalid(name, "must be one line, without characters that change its direction")
    return text


def _type(name: str, value: Any) -> str:
    if value not in JAR_TYPES:
        raise invalid(name, f"must be one of {', '.join(JAR_TYPES)}")
    return str(value)


def _texts(name: str, value: Any, most: int, longest: int) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > most:
        raise invalid(name, f"must be a list of at most {most} texts")
    return tuple(dict.fromkeys(_line(name, one, 1, longest) for one in value))


def parse_files(form: Form) -> tuple[tuple[NewFile, ...], Mapping[str, Any]]:
    """Return the files of an upload, and what is noted about them.

    Raises:
        ProblemError: 400 with ``details``.
    """
    sent = [file for file in form.files if file.sent_as in _FILE_FIELDS]
    if not sent or len(sent) > MAX_FILES:
        raise invalid("files", f"must be 1 to {MAX_FILES} files, as fields named files (or file)")
    files, wrong = list[NewFile](), list[Detail]()
    for number, file in enumerate(sent):
        try:
            filename, document_format = _file_name(f"files.{number}", file.filename)
        except ProblemError as problem:
            wrong += problem.details
        else:
            files.append(NewFile(filename, document_format, file.content))
    if wrong:
        raise ProblemError(400, "Invalid request", wrong)
    return tuple(files), _metadata(_json_field(form.fields.get("metadata")))


def _json_field(raw: str | None) -> Any:
    if raw is None or not raw.strip():
        return None
    try:
        return read_json_object(raw)
    except ProblemError as problem:
        raise invalid("metadata", problem.details[0].message) from None


def _file_name(field: str, given: str) -> tuple[str, DocumentFormat]:
    # Browsers may send a path; only the last part of it is the name.
    name = re.split(r"[/\\]", given)[-1].strip()
    filename = _line(field, name, 1, _LONGEST_NAME)
    document_format = format_of(filename)
    if document_format is None:
        raise invalid(field, f"must have a name that ends in one of {', '.join(DOCUMENT_FORMATS)}")
    return filename, document_format


def _metadata(value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid("metadata", "must be a JSON object")
    if len(json.dumps(value, ensure_ascii=False).encode()) > MAX_METADATA_BYTES:
        raise invalid("metadata", f"must be at most {MAX_METADATA_BYTES} bytes as JSON")
    return cast(Mapping[str, Any], value)


def parse_announced(body: Mapping[str, Any]) -> AnnouncedFile:
    """Return what file is to be uploaded.

    Raises:
        ProblemError: 400 about the field that is malformed.
    """
    for name in ("filename", "size_bytes"):
        if body.get(name) is None:
            raise invalid(name, "is required")
    if not isinstance(body["filename"], str):
        raise invalid("filename", "must be a text")
    filename, document_format = _file_name("filename", body["filename"])
    size = body["size_bytes"]
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= MAX_DOCUMENT_BYTES:
        raise invalid("size_bytes", f"must be a whole number from 1 to {MAX_DOCUMENT_BYTES}")
    return AnnouncedFile(filename, document_format, size, _metadata(body.get("metadata")))


def parse_search(body: Mapping[str, Any]) -> SearchQuery:
    """Return what a search asks for.

    Raises:
        ProblemError: 400 about the field that is malformed; 404 for an id that no jar can have.
    """
    if body.get("query") is None:
        raise invalid("query", "is required")
    query = _text("query", body["query"], 1, MAX_QUERY)
    top_k = body.get("top_k")
    top_k = DEFAULT_TOP_K if top_k is None else top_k
    if not isinstance(top_k, int) or isinstance(top_k, bool) or not 1 <= top_k <= MAX_TOP_K:
        raise invalid("top_k", f"must be a whole number from 1 to {MAX_TOP_K}")
    given = body.get("honey_jar_ids")
    if given is None:
        return SearchQuery(query, top_k, None)
    ids = _texts("honey_jar_ids", given, MOST_JARS, 64)
    if not ids:
        return SearchQuery(query, top_k, None)
    if not all(map(is_jar_id, ids)):
        raise ProblemError(404, "Honey jar not found")
    return SearchQuery(query, top_k, ids)
