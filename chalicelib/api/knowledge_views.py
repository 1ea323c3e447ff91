"""Honey jars, their documents and what is found in them, as the API shows them."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.clock import public_time
from chalicelib.domain.honey_jar import HoneyJar, JarDocument, Reader, may_change
from chalicelib.services.jar_documents import Place
from chalicelib.services.search_knowledge import Found


def jar_view(jar: HoneyJar, reader: Reader) -> dict[str, Any]:
    """Return a jar as whoever may read it sees it; who else may is shown to its owner alone."""
    view: dict[str, Any] = {
        "id": jar.id,
        "name": jar.name,
        "description": jar.description,
        "type": jar.type,
        "tags": list(jar.tags),
        "is_owner": jar.owner == reader.owner,
        "can_write": may_change(jar, reader),
        "document_count": jar.documents,
        "size_bytes": jar.size_bytes,
        "created_at": public_time(jar.created_at),
        "updated_at": public_time(jar.updated_at),
    }
    if jar.type == "team":
        view["team_id"] = jar.team_id
    if jar.owner == reader.owner:
        view["owner"] = jar.owner
        if jar.type == "restricted":
            view["allowed_users"] = list(jar.allowed_users)
    return view


def document_view(document: JarDocument) -> dict[str, Any]:
    """Return a document."""
    return {
        "id": document.id,
        "honey_jar_id": document.jar_id,
        "filename": document.filename,
        "title": document.title or document.filename,
        "format": document.format,
        "size_bytes": document.size_bytes,
        "status": document.status,
        "message": document.message or None,
        "error_code": document.error_code or None,
        "notices": list(document.notices),
        "pages": document.pages,
        "words": document.words,
        "chunks": document.chunks,
        "sha256": document.sha256 or None,
        "metadata": dict(document.metadata),
        "created_at": public_time(document.created_at),
        "ready_at": public_time(document.ready_at),
    }


def place_view(place: Place) -> dict[str, Any]:
    """Return where a file can be put."""
    return {
        "document": document_view(place.document),
        "upload": {
            "url": place.url,
            "method": place.method,
            "headers": dict(place.headers),
            "expires_at": place.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
    }


def found_view(found: Found) -> dict[str, Any]:
    """Return a piece of a document that was found."""
    chunk = found.chunk
    return {
        "content": chunk.text,
        "score": round(found.score, 6),
        "honey_jar_id": found.jar.id,
        "honey_jar_name": found.jar.name,
        "document_id": found.document.id,
        "metadata": {
            "title": found.document.title,
            "filename": found.document.filename,
            "page": chunk.page,
            "last_page": chunk.last_page,
            "headings": list(chunk.headings),
            "start": chunk.start,
            "end": chunk.end,
            "chunk": found.number,
        },
    }
