"""Asks a SearXNG instance over its JSON API: one request, bounded in time and in bytes.

Which instance is the operator's choice; it may well stand in a private network. What it finds comes from
strangers: of a result only title, address and excerpt are taken, as text, and no address is ever fetched.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from chalicelib.bounded_http.deadline import Deadline
from chalicelib.bounded_http.post import UnansweredError, post
from chalicelib.domain.web_address import is_web_address

MOST_RESULTS: Final = 8
LONGEST_TITLE: Final = 200
LONGEST_TEXT: Final = 1_000
LONGEST_QUERY: Final = 300

_MAX_ANSWER_BYTES: Final = 2 * 1024 * 1024
# An instance has no parameter for their number, and sends some dozens.
_MOST_LOOKED_AT: Final = 200
_LONGEST_LOOKED_AT: Final = 20_000

_TAG: Final = re.compile(r"</?[A-Za-z][^<>]{0,200}>")
# Control characters, marks of writing direction, halves of pairs, and the invisible alphabet of "tags". Joiners stay:
# some scripts need them.
_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)
# What SearXNG takes for an order and not for a word: engines (!), other sites (!!), languages (:), time-outs (<).
_ORDER: Final = re.compile(r"(?:^|(?<=\s))[!?:<]+")
_REASONS: Final = {
    403: "it does not allow its JSON format (search.formats in its settings.yml)",
    429: "it has been asked too often (its limiter)",
}


@dataclass(frozen=True)
class WebResult:
    """A page of the web: its title, its address (http or https), and what a search engine shows of it."""

    title: str
    url: str
    text: str


class WebSearchDownError(Exception):
    """The instance gave no results that can be read; the message says why, without what it was asked."""


def search(base_url: str, query: str, *, timeout: float) -> list[WebResult]:
    """Return what an instance finds, the best first: at most ``MOST_RESULTS``.

    Args:
        base_url: where the instance is, without ``/search``.
        query: what to look for; nothing in it may be private. What follows its first 300 characters is not asked.
        timeout: how long the whole of it may take, in seconds.

    Raises:
        WebSearchDownError: there is no answer in time, or none that can be read.
    """
    # Sent as a form: unlike addresses, bodies stand in nobody's access log.
    form = {"q": _ORDER.sub("", query)[:LONGEST_QUERY], "format": "json", "categories": "general", "pageno": "1"}
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    try:
        status, answer = post(
            f"{base_url.rstrip('/')}/search",
            headers,
            urlencode(form, errors="replace").encode("ascii"),
            deadline=Deadline(timeout),
            max_answer_bytes=_MAX_ANSWER_BYTES,
        )
    except (UnansweredError, TimeoutError) as error:
        raise WebSearchDownError(f"it could not be asked: {error}") from None
    if status != 200:
        raise WebSearchDownError(_REASONS.get(status, f"it answered with status {status}"))
    return list(_results(_list_in(answer)))


def _list_in(answer: bytes) -> list[Any]:
    try:
        found = json.loads(answer)["results"]
    except (ValueError, KeyError, TypeError, RecursionError):
        found = None
    if not isinstance(found, list):
        raise WebSearchDownError("its answer is not that of its JSON API")
    return found


def _results(entries: list[Any]) -> Iterator[WebResult]:
    seen: set[str] = set()
    for entry in entries[:_MOST_LOOKED_AT]:
        found = _result(entry) if isinstance(entry, dict) else None
        if found is None or found.url in seen:
            continue
        seen.add(found.url)
        yield found
        if len(seen) == MOST_RESULTS:
            return


def _result(entry: Mapping[str, Any]) -> WebResult | None:
    """Return a result that can be cited: with an address, and with words."""
    url, text = entry.get("url"), _plain(entry.get("content"), LONGEST_TEXT)
    if not is_web_address(url) or not text:
        return None
    return WebResult(_plain(entry.get("title"), LONGEST_TITLE) or urlsplit(url).netloc, url, text)


def _plain(value: Any, longest: int) -> str:
    """Return a text on one line, without the tags that some engines leave in it."""
    if not isinstance(value, str):
        return ""
    text = html.unescape(_TAG.sub(" ", value[:_LONGEST_LOOKED_AT]))
    text = " ".join(_INVISIBLE.sub("", text).split())
    return text if len(text) <= longest else f"{text[: longest - 1].rsplit(' ', 1)[0]}…"
