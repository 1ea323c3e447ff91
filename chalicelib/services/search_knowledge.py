"""Use case: find pieces of documents in honey jars, by their words and, where an endpoint is configured, by meaning.

A jar's list of segments is read with every search, so what was added or deleted counts at once. Segments never
change: a process keeps those that it has used. In a warm process a search is one AWS call.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

from chalicelib.domain.honey_jar import HoneyJar, Reader, may_read
from chalicelib.knowledge.bm25 import search as search_words
from chalicelib.knowledge.chunks import Chunk
from chalicelib.knowledge.ranking import merged_ranks
from chalicelib.knowledge.segment import Segment, SegmentDocument
from chalicelib.knowledge.vectors import nearest
from chalicelib.services.embed_texts import embedded_query, is_configured
from chalicelib.services.honey_jars import HoneyJarNotFoundError, readable_ids
from chalicelib.stores.artifact_store import ArtifactMissingError
from chalicelib.stores.knowledge_store import Manifest
from chalicelib.stores.stores import stores

_log = logging.getLogger(__name__)

MOST_JARS: Final = 50
"""How many jars one search looks into."""

SEARCHED_BYTES: Final = 256 * 1024 * 1024
"""How much of indexes one search goes through: it holds all of that in memory."""

KEPT_BYTES: Final = SEARCHED_BYTES
_LOADED_AT_ONCE: Final = 8
# Each jar has tokens of its own, so that a query is sent once for each: with more jars words alone decide.
_MOST_JARS_BY_MEANING: Final = 5
_CANDIDATES: Final = 100
_TRIES: Final = 3


class TooMuchToSearchError(Exception):
    """The jars that were named hold more than one search goes through."""


@dataclass(frozen=True)
class Found:
    """A piece of a document that was found, with its jar and its score (comparable within one search alone)."""

    jar: HoneyJar
    document: SegmentDocument
    chunk: Chunk
    number: int
    score: float


@dataclass(frozen=True)
class SearchResult:
    """What was found, the best first, and what whoever asked should know of how.

    ``left_out`` is how many jars were not looked into, as those before them hold all that one search goes through.
    """

    found: tuple[Found, ...]
    by_meaning: bool = False
    left_out: int = 0


class SegmentCache:
    """Segments that this process has read, those used last, up to a number of bytes."""

    def __init__(self, most_bytes: int = KEPT_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[Segment, int]] = OrderedDict()
        self._bytes = 0

    def get(self, key: str) -> Segment | None:
        """Return a segment if it is kept."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None:
                return None
            self._kept.move_to_end(key)
            return kept[0]

    def put(self, key: str, segment: Segment, size_bytes: int) -> None:
        """Keep a segment, and let go of those that were not used for the longest time."""
        with self._lock:
            if key in self._kept:
                return
            self._kept[key] = segment, size_bytes
            self._bytes += size_bytes
            while self._bytes > self._most_bytes and len(self._kept) > 1:
                _, (_, freed) = self._kept.popitem(last=False)
                self._bytes -= freed

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0


_cache = SegmentCache()


def forget_segments() -> None:
    """Drop every segment that this process keeps."""
    _cache.clear()


def search(
    reader: Reader,
    query: str,
    count: int,
    jar_ids: Sequence[str] | None = None,
    private: Sequence[tuple[str, str]] = (),
) -> SearchResult:
    """Return the pieces that fit a query best: one AWS call in a warm process.

    Without ``jar_ids`` all jars that they find on their shelves are searched, at most 50: their own before those that
    others let them read, and of each kind the newest first. That takes a call more for each shelf.

    Args:
        reader: who asks.
        query: any text.
        count: how many pieces at most.
        jar_ids: the jars to search, at most ``MOST_JARS``.
        private: values in the query that no embeddings endpoint may see, as pairs of type and value, besides those
            that are found in it.

    Raises:
        HoneyJarNotFoundError: one of those is not there for them.
        TooMuchToSearchError: those hold too much.
    """
    wanted = list(dict.fromkeys(jar_ids if jar_ids is not None else readable_ids(reader, MOST_JARS)))
    for attempt in range(_TRIES):
        jars = stores().knowledge.indexed_jars(wanted)
        open_to_them = [(jar, manifest) for jar, manifest in jars if may_read(jar, reader)]
        if jar_ids is not None and len(open_to_them) < len(wanted):
            raise HoneyJarNotFoundError
        chosen = _that_fit(open_to_them)
        if jar_ids is not None and len(chosen) < len(wanted):
            raise TooMuchToSearchError
        try:
            return replace(_search(chosen, query, count, private), left_out=len(open_to_them) - len(chosen))
        except ArtifactMissingError:
            # An index that changed after its list was read: the list names other files by now.
            if attempt == _TRIES - 1:
                raise
            _log.info("an index changed while it was read")
    raise AssertionError("the last try returns or raises")


def _that_fit(jars: Sequence[tuple[HoneyJar, Manifest]]) -> list[tuple[HoneyJar, Manifest]]:
    """Return the jars whose indexes one search can hold together; those before others have their room first."""
    chosen, left = [], SEARCHED_BYTES
    for jar, manifest in jars:
        if manifest.size_bytes <= left:
            left -= manifest.size_bytes
            chosen.append((jar, manifest))
    return chosen


@dataclass(frozen=True)
class _Loaded:
    """A segment of a jar, and the numbers of its documents that are not to be found."""

    jar: HoneyJar
    segment: Segment
    hidden: frozenset[int]


def _search(
    jars: Sequence[tuple[HoneyJar, Manifest]], query: str, count: int, private: Sequence[tuple[str, str]]
) -> SearchResult:
    loaded = _load(jars)
    segments = [one.segment for one in loaded]
    by_words = search_words(segments, query, max(count, _CANDIDATES), [one.hidden for one in loaded])
    scores: list[tuple[tuple[int, int], float]] = [((hit.segment, hit.chunk), hit.score) for hit in by_words]
    by_meaning = _by_meaning([jar for jar, _ in jars], loaded, query, private) if is_configured() else []
    if by_meaning:
        scores = merged_ranks([[key for key, _ in scores], by_meaning])
    found = [_found(loaded[segment], chunk, score) for (segment, chunk), score in scores[:count]]
    return SearchResult(tuple(found), bool(by_meaning))


def _found(loaded: _Loaded, chunk: int, score: float) -> Found:
    return Found(loaded.jar, loaded.segment.document(chunk), loaded.segment.chunk(chunk), chunk, score)


def _load(jars: Sequence[tuple[HoneyJar, Manifest]]) -> list[_Loaded]:
    wanted = [(jar, manifest, entry) for jar, manifest in jars for entry in manifest.segments]
    missing = {entry.key: entry.size_bytes for _, _, entry in wanted if _cache.get(entry.key) is None}
    read: Mapping[str, Segment] = {}
    if missing:
        with ThreadPoolExecutor(min(len(missing), _LOADED_AT_ONCE)) as pool:
            read = dict(zip(missing, pool.map(_read, missing), strict=True))
        for key, segment in read.items():
            _cache.put(key, segment, missing[key])
    loaded = []
    for jar, manifest, entry in wanted:
        segment = read.get(entry.key) or _cache.get(entry.key) or _read(entry.key)
        hidden = frozenset(n for n, document in enumerate(segment.documents) if document.id in manifest.gone)
        loaded.append(_Loaded(jar, segment, hidden))
    return loaded


def _read(key: str) -> Segment:
    return Segment.from_bytes(stores().artifacts.get(key))


def _by_meaning(
    jars: Sequence[HoneyJar], loaded: Sequence[_Loaded], query: str, private: Sequence[tuple[str, str]]
) -> list[tuple[int, int]]:
    """Return the pieces whose meaning is nearest, the nearest first; none where that cannot be told."""
    if not 0 < len(jars) <= _MOST_JARS_BY_MEANING:
        return []
    with ThreadPoolExecutor(len(jars)) as pool:
        meanings = dict(
            zip((jar.id for jar in jars), pool.map(lambda jar: embedded_query(jar, query, private), jars), strict=True)
        )
    near: list[tuple[float, int, int]] = []
    for jar in jars:
        meaning = meanings[jar.id]
        numbers = [number for number, one in enumerate(loaded) if one.jar.id == jar.id]
        if meaning.vectors and numbers:
            parts = [loaded[number].segment.vectors for number in numbers]
            found = nearest(parts, meaning.vectors[0], meaning.model, _CANDIDATES)
            near += [(alike, numbers[part], chunk) for alike, part, chunk in found]
    near.sort(key=lambda one: (-one[0], one[1], one[2]))
    return [
        (number, chunk)
        for _, number, chunk in near
        if loaded[number].segment.owners[chunk] not in loaded[number].hidden
    ][:_CANDIDATES]
