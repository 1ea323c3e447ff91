"""What stands before the sections: the same facts, in the same words, in every format."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from chalicelib.domain.document import Document
from chalicelib.rendering.visible_text import one_line

_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def front_matter(document: Document) -> list[tuple[str, str]]:
    """Return the labelled facts about ``document`` that a reader should see; empty ones left out."""
    facts = [
        ("Date", readable_date(document.created_at)),
        ("Template", document.template_name),
        ("Style", document.style),
        ("Written by", document.author or document.model),
        ("Report", document.report_id),
    ]
    return [(label, shown) for label, value in facts if (shown := one_line(value))]


def created(document: Document) -> datetime | None:
    """Return when ``document`` was made, or ``None`` if its time stamp cannot be read."""
    try:
        return datetime.fromisoformat(document.created_at)
    except ValueError:
        return None


def readable_date(timestamp: str) -> str:
    """Return an ISO 8601 UTC ``timestamp`` in words; one that cannot be read is returned as it is."""
    try:
        moment = datetime.fromisoformat(timestamp)
    except ValueError:
        return timestamp
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}, {moment:%H:%M} UTC"


def readable_day(timestamp: str) -> str:
    """Return the day of an ISO 8601 UTC ``timestamp`` in words; nothing if it cannot be read."""
    try:
        moment = datetime.fromisoformat(timestamp)
    except ValueError:
        return ""
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"
