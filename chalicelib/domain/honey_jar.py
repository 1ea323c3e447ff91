"""Honey jars: collections of documents that reports are written from, and who may read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

JarType = Literal["public", "private", "team", "restricted"]
DocumentStatus = Literal["uploading", "processing", "ready", "failed", "deleting"]
DocumentFormat = Literal["pdf", "docx", "txt", "md", "html", "json"]

JAR_TYPES: Final[tuple[JarType, ...]] = get_args(JarType)
DOCUMENT_FORMATS: Final[tuple[DocumentFormat, ...]] = get_args(DocumentFormat)

MAX_JARS: Final = 100
"""How many jars an owner may have."""

MAX_DOCUMENTS: Final = 1_000
"""How many documents a jar may hold."""

MAX_DOCUMENT_BYTES: Final = 50 * 1024 * 1024
MAX_JAR_BYTES: Final = 2 * 1024 * 1024 * 1024
MAX_INDEX_BYTES: Final = 192 * 1024 * 1024
"""How much of an index a jar may have, about 100,000 pieces: whoever searches it must hold all of it."""

MAX_ALLOWED_USERS: Final = 45
"""How many others may read a jar: twice as many, and what belongs to a change of them, fit one transaction."""

MAX_TAGS: Final = 20
MAX_METADATA_BYTES: Final = 4 * 1024

_EXTENSIONS: Final[Mapping[str, DocumentFormat]] = {
    "pdf": "pdf",
    "docx": "docx",
    "txt": "txt",
    "text": "txt",
    "md": "md",
    "markdown": "md",
    "html": "html",
    "htm": "html",
    "json": "json",
}

CONTENT_TYPES: Final[Mapping[DocumentFormat, str]] = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "txt": "text/plain",
    "md": "text/markdown",
    "html": "text/html",
    "json": "application/json",
}


@dataclass(frozen=True)
class Reader:
    """Whoever wants to read a jar: a user and the teams that they belong to."""

    owner: str
    teams: tuple[str, ...] = ()


@dataclass(frozen=True)
class HoneyJar:
    """A jar's record. Times are stamps (see ``clock``).

    ``team_id`` says whose a jar of type ``team`` is, ``allowed_users`` who besides its owner reads one of type
    ``restricted``. ``documents`` and ``size_bytes`` count what is in it or on its way into it.
    ``token_key`` makes the tokens that stand for private values where text of the jar goes to an endpoint.
    """

    id: str
    owner: str
    name: str
    created_at: str
    updated_at: str
    type: JarType = "private"
    description: str = ""
    tags: tuple[str, ...] = ()
    team_id: str = ""
    allowed_users: tuple[str, ...] = ()
    documents: int = 0
    size_bytes: int = 0
    is_deleting: bool = False
    token_key: str = field(default="", repr=False)
    request_digest: str = ""


@dataclass(frozen=True)
class JarDocument:
    """A document's record. Times are stamps (see ``clock``).

    Args:
        id: ``doc_…``.
        jar_id: the jar that it is in.
        filename: as its owner named it.
        format: what it is read as.
        size_bytes: of the file.
        status: where it stands; ``deleting`` is shown to nobody.
        created_at: when it was uploaded or announced.
        uploaded_by: who did that.
        metadata: what its owner noted about it.
        title: its own title, empty where it has none.
        message: why it could not be read; empty else.
        error_code: the same for programs.
        notices: what whoever relies on it should know.
        pages: how many it has, None where its format has none.
        words: how many were found in it.
        chunks: how many pieces it can be found by.
        sha256: of the file, in hexadecimal; empty while it is not known.
        is_upload: whether the file is put through a presigned link.
        attempts: how often reading it was begun.
        lease: until when somebody reads it, a stamp, or None.
        ready_at: since when it can be found, a stamp, or None.
        request_digest: of the request that named itself.
    """

    id: str
    jar_id: str
    filename: str
    format: DocumentFormat
    size_bytes: int
    status: DocumentStatus
    created_at: str
    uploaded_by: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""
    message: str = ""
    error_code: str = ""
    notices: tuple[str, ...] = ()
    pages: int | None = None
    words: int = 0
    chunks: int = 0
    sha256: str = ""
    is_upload: bool = False
    attempts: int = 0
    lease: str | None = None
    ready_at: str | None = None
    request_digest: str = ""


def may_read(jar: HoneyJar, reader: Reader) -> bool:
    """Tell whether somebody may read a jar, search it, and order reports on it."""
    if jar.is_deleting:
        return False
    if jar.owner == reader.owner or jar.type == "public":
        return True
    if jar.type == "team":
        return bool(jar.team_id) and jar.team_id in reader.teams
    return jar.type == "restricted" and reader.owner in jar.allowed_users


def may_change(jar: HoneyJar, reader: Reader) -> bool:
    """Tell whether somebody may change a jar and what is in it: its owner alone."""
    return jar.owner == reader.owner and not jar.is_deleting


def shelves_of(jar: HoneyJar) -> tuple[str, ...]:
    """Return the shelves that a jar is listed on: its owner's, and those of whoever else may read it."""
    shelves = [f"owner#{jar.owner}"]
    if jar.type == "public":
        shelves.append("public")
    if jar.type == "team" and jar.team_id:
        shelves.append(f"team#{jar.team_id}")
    if jar.type == "restricted":
        shelves += [f"user#{user}" for user in jar.allowed_users if user != jar.owner]
    return tuple(dict.fromkeys(shelves))


def shelves_for(reader: Reader) -> tuple[str, ...]:
    """Return the shelves on which somebody finds every jar that they may read: their own first, everybody's last."""
    teams = (f"team#{team}" for team in reader.teams)
    return tuple(dict.fromkeys((f"owner#{reader.owner}", *teams, f"user#{reader.owner}", "public")))


def format_of(filename: str) -> DocumentFormat | None:
    """Return the format that a file's name says, or None for one that cannot be read."""
    return _EXTENSIONS.get(filename.rpartition(".")[2].lower()) if "." in filename else None
