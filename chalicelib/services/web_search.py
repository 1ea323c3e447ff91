"""Use case: look on the web for what a section of a report is about, without telling it anything private."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

from chalicelib.domain.report import Report
from chalicelib.privacy.detect import Detection, Detector
from chalicelib.privacy.pii_type import PiiType
from chalicelib.privacy.token_map import CLOSING, OPENING, TokenMap
from chalicelib.privacy.tokens import Scrambler
from chalicelib.services.detectors import detector
from chalicelib.settings import settings
from chalicelib.websearch.searxng_client import LONGEST_QUERY, WebResult, WebSearchDownError, search

__all__ = ["WebResult", "WebSearch", "public_query", "web_search"]

_log = logging.getLogger(__name__)

MOST_SEARCHES: Final = 16
"""How many searches one report makes."""

# A service that does not answer costs its timeout each time: it is not asked for ever.
_MOST_FAILURES: Final = 2
_MOST_SECONDS: Final = 60.0
_TIMES_CLEANED: Final = 4
_LONGEST_CLEANED: Final = 4 * LONGEST_QUERY
_TOKEN: Final = re.compile(f"{OPENING}[^{OPENING}{CLOSING}]*{CLOSING}|[{OPENING}{CLOSING}]")
# What a removed value leaves behind.
_LEFT_OVER: Final = re.compile(r"(?:(?<=\s)|^)(?:['\u2019]s\b|[^\w\s]+(?=\s|$))")

_FAILED: Final = "The web search did not answer, so some or all of this text was written without it."
_NOT_LOOKED_FOR: Final = "The web was not searched, because the queries could not be searched for private data first."
_ENOUGH: Final = (
    "The web was searched for some sections only: a report has so many searches, and so much time for them."
)
_NOWHERE: Final = "The web was not searched: this deployment has no WEB_SEARCH_URL any more."
_WORD: Final = re.compile(r"[^\W_]+")
# Of a private number a part is left out, too, as a text may have been cut within it; years are none.
_DIGITS: Final = re.compile(r"(?=.*\d)(?!(?:19|20)\d\d$).{3,}")
_SHORTEST_NAME: Final = 4


def public_query(text: str, engine: Detector) -> str | None:
    """Return a query without private values, not even as tokens; None where nothing is left to look for.

    Args:
        text: what to look for, best with tokens for the private values that are known already.
        engine: finds those that are not.

    Raises:
        Exception: whatever ``engine`` raised; then nothing may be asked.
    """
    query = _TOKEN.sub(" ", text[:_LONGEST_CLEANED])
    for _ in range(_TIMES_CLEANED):
        found = engine.detect(query)
        if not found:
            query = _cut(" ".join(_LEFT_OVER.sub(" ", query).split()))
            # What was cut or put together now may read as private: it is looked at as it will be sent.
            found = engine.detect(query)
            if not found:
                return query if re.search(r"[^\W\d_]{2}", query) else None
        for one in reversed(found):
            query = f"{query[: one.start]} {query[one.end :]}"
    return None


def _cut(query: str) -> str:
    return query if len(query) <= LONGEST_QUERY else query[: LONGEST_QUERY + 1].rpartition(" ")[0]


class _KnownValues:
    """Private values of texts: in a query they need not look private, as a surname by itself does not."""

    def __init__(self, texts: Iterable[str], engine: Detector) -> None:
        tokens = TokenMap()
        self._scrambler = Scrambler(tokens, engine)
        self._parts: set[str] = set()
        for text in texts:
            for found in engine.detect(text):
                tokens.token(found.type, found.text)
                self._parts.update(_parts(found))

    def hidden_in(self, query: str) -> str:
        """Return a query with tokens for the values, and for what else is private; without parts of the values."""
        hidden = self._scrambler.scramble(query)
        return _WORD.sub(lambda word: " " if word[0].casefold() in self._parts else word[0], hidden)


def _parts(found: Detection) -> Iterator[str]:
    """Yield the words of a private value that tell something of it by themselves."""
    for word in _WORD.findall(found.text):
        if _DIGITS.fullmatch(word) or (found.type is PiiType.PERSON and len(word) >= _SHORTEST_NAME):
            yield word.casefold()


class WebSearch:
    """The searches of one report; safe to use from several threads, which are served one after the other."""

    def __init__(self, base_url: str, engine: Detector, *, timeout: float, about: Iterable[str] = ()) -> None:
        """Prepare; nothing is looked for yet.

        Args:
            base_url: where the instance is; empty: there is none, and the reader is told.
            engine: finds private values.
            timeout: how long one search may take, in seconds.
            about: what the report was ordered with: a value that is private there is in no query.
        """
        self._base_url = base_url
        self._engine = engine
        self._timeout = timeout
        self._about = tuple(about)
        self._known: _KnownValues | None = None
        self._lock = threading.Lock()
        self._found: dict[str, list[WebResult]] = {}
        self._failures = 0
        self._seconds = 0.0
        self._notices: dict[str, None] = {}

    @property
    def notices(self) -> tuple[str, ...]:
        """What the reader must know: what was not searched, and why."""
        with self._lock:
            return tuple(self._notices)

    def search(self, query: str) -> list[WebResult]:
        """Return what the web has on a query, the best first; nothing where it cannot be asked.

        Args:
            query: what to look for; private values and their tokens are taken out. Each is asked once.
        """
        try:
            wanted = public_query(self._hidden(query), self._engine)
        except Exception as error:  # whatever it is, nothing may be sent
            _log.error("a query could not be searched for private data: %s", type(error).__name__)
            with self._lock:
                self._notices[_NOT_LOOKED_FOR] = None
            return []
        if wanted is None:
            return []
        with self._lock:
            if wanted not in self._found:
                self._found[wanted] = self._asked(wanted)
            return self._found[wanted]

    def _hidden(self, query: str) -> str:
        with self._lock:
            if self._known is None:
                self._known = _KnownValues(self._about, self._engine)
            return self._known.hidden_in(query)

    def _asked(self, query: str) -> list[WebResult]:
        if not self._base_url:
            self._notices[_NOWHERE] = None
            return []
        if self._failures >= _MOST_FAILURES:
            return []
        if len(self._found) >= MOST_SEARCHES or self._seconds >= _MOST_SECONDS:
            self._notices[_ENOUGH] = None
            return []
        started = time.monotonic()
        try:
            return search(self._base_url, query, timeout=min(self._timeout, _MOST_SECONDS - self._seconds))
        except WebSearchDownError as error:
            _log.warning("the web could not be searched: %s", error)
            self._failures += 1
            self._notices[_FAILED] = None
            return []
        finally:
            self._seconds += time.monotonic() - started


def _lines(value: Any) -> Iterator[str]:
    """Yield JSON as lines of "name: value": with ``\\n`` before it, a word is not found for what it is."""
    waiting = [("", value)]
    while waiting:
        name, one = waiting.pop()
        if isinstance(one, dict):
            waiting += [(str(inner), item) for inner, item in reversed(one.items())]
        elif isinstance(one, list):
            waiting += [(name, item) for item in reversed(one)]
        else:
            yield f"{name}: {one}" if name else str(one)


def web_search(report: Report) -> WebSearch | None:
    """Return the searches of a report by the settings of this deployment; None where it was ordered without."""
    if not report.parameters.get("web_search"):
        return None
    given = settings()
    context = report.parameters.get("context")
    about = [report.title, report.description, str(report.parameters.get("user_query", ""))]
    about += ["\n".join(_lines(context))] if context else []
    return WebSearch(given.web_search_url, detector(), timeout=given.web_search_timeout_seconds, about=about)
