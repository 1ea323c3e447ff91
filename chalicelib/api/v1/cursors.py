"""Cursors: where a list goes on, in a form that clients hand back and do not look into.

A cursor holds a place in time (or the number of a version) and nothing else. It opens nothing: whose list is
read follows from the key of the request, so a forged one leads at most to another place in the caller's own list.
It names the list that it was made for, so that one which is sent with other filters is an error and not a wrong
page.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from chalicelib.api.problems import invalid

_LONGEST: Final = 300
_DIGEST_DIGITS: Final = 16
_ORDER: Final = "order"
_LIST: Final = "list"
_DIGITS: Final = "[0-9abcdefghjkmnpqrstvwxyz]"
_PLACE: Final = re.compile(
    rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}\.[0-9]{{6}}Z"
    rf"#(?:inv_{_DIGITS}{{26}}|fnd_{_DIGITS}{{42}})|version_[1-9][0-9]{{0,5}}"
)


def _list_digest(account: str, filters: Mapping[str, object]) -> str:
    named = json.dumps([account, dict(filters)], sort_keys=True)
    return hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_DIGITS]


def write_cursor(account: str, filters: Mapping[str, object], start: Mapping[str, Any] | None) -> str | None:
    """Return the cursor of a list's next page, None after the last.

    Args:
        account: whose list it is.
        filters: what it is narrowed to, and as ``list`` the prefix of its ids.
        start: where the next page starts, as the use case gave it.
    """
    if start is None:
        return None
    text = _list_digest(account, filters) + str(start[_ORDER])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(account: str, filters: Mapping[str, object], cursor: str | None) -> dict[str, str] | None:
    """Return where a page starts, as the use case takes it; None for a list's first.

    Raises:
        ProblemError: 400 about ``cursor``: it is none of ours, or was made for another list.
    """
    if cursor is None:
        return None
    text = _decoded(cursor)
    digest, place = text[:_DIGEST_DIGITS], text[_DIGEST_DIGITS:]
    if not _PLACE.fullmatch(place) or not place.rpartition("#")[2].startswith(str(filters[_LIST])):
        raise invalid("cursor", "must be the next_cursor of an earlier answer")
    if digest != _list_digest(account, filters):
        raise invalid("cursor", "belongs to a list with other filters")
    return {_ORDER: place}


def _decoded(cursor: str) -> str:
    """Return what a cursor says, or nothing where it says nothing of ours."""
    padded = cursor + "=" * (-len(cursor) % 4)
    try:
        if len(cursor) > _LONGEST:
            return ""
        return base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True).decode("ascii")
    except (ValueError, binascii.Error):
        return ""
