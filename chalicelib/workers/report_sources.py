"""The sources of a claimed report: passages of its honey jar and, where it was ordered, pages of the web."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from chalicelib.domain.honey_jar import Reader
from chalicelib.domain.report import Report
from chalicelib.generation.errors import SourcesGone
from chalicelib.generation.scrambling import Texts
from chalicelib.generation.sources import Passage
from chalicelib.knowledge.ranking import within
from chalicelib.services import retrieval
from chalicelib.services.honey_jars import HoneyJarNotFoundError, readable_jar
from chalicelib.services.web_search import WebResult, WebSearch, web_search

JAR_GONE: Final = "Honey jar not found: it was deleted, or whoever ordered the report may not read it any more"
# What the web may take of the room that sources have, beside a jar.
_SHARE_OF_THE_WEB: Final = 0.35


class ReportSources:
    """Finds the sources of one report for its parts."""

    def __init__(self, report: Report, texts: Texts, web: WebSearch | None) -> None:
        self._jar_id = report.honey_jar_id
        self._reader = Reader(report.owner, report.reader_teams)
        self._texts = texts
        self._web = web

    def find(self, query: str, budget_tokens: int) -> list[Passage]:
        """Return what fits a query, the best of the jar first, then of the web.

        Raises:
            SourcesGone: the jar may not be read (any more).
        """
        pages = list(within(self._room_of_web(budget_tokens), self._pages(query), lambda one: one.text))
        left = budget_tokens - self._room_of_web(budget_tokens) if pages else budget_tokens
        return [*self._of_jar(query, left), *pages]

    def check(self) -> None:
        """Return if the jar may still be read: one AWS call.

        Raises:
            SourcesGone: it may not.
        """
        if self._jar_id is None:
            return
        try:
            readable_jar(self._reader, self._jar_id)
        except HoneyJarNotFoundError:
            raise SourcesGone(JAR_GONE) from None

    @property
    def notices(self) -> Sequence[str]:
        """What the reader must know of how the web was searched."""
        return self._web.notices if self._web else ()

    def _of_jar(self, query: str, budget_tokens: int) -> list[Passage]:
        if self._jar_id is None:
            return []
        # The index has the documents' own words: it is asked with those, and nothing of it leaves the service. An
        # embeddings endpoint is sent tokens, also for what only the rest of the report tells to be private.
        words = self._texts.show(query)
        private = self._texts.values_in(words)
        try:
            found = retrieval.retrieve(self._reader, self._jar_id, words, budget_tokens, private)
        except HoneyJarNotFoundError:
            raise SourcesGone(JAR_GONE) from None
        return [_of_document(passage) for passage in found]

    def _pages(self, query: str) -> Iterator[Passage]:
        for result in self._web.search(query) if self._web else []:
            yield _of_page(result)

    def _room_of_web(self, budget_tokens: int) -> int:
        return round(budget_tokens * _SHARE_OF_THE_WEB) if self._jar_id else budget_tokens


def report_sources(report: Report, texts: Texts) -> ReportSources | None:
    """Return what finds a report's sources; None where it was ordered without any."""
    web = web_search(report)
    return ReportSources(report, texts, web) if report.honey_jar_id or web else None


def _of_document(passage: retrieval.Passage) -> Passage:
    return Passage(
        key=f"{passage.document_id}:{passage.start}-{passage.end}",
        title=passage.document or passage.filename,
        text=passage.text,
        detail=passage.place,
        href=passage.link,
    )


def _of_page(result: WebResult) -> Passage:
    return Passage(key=result.url, title=result.title, text=result.text, detail="web page", href=result.url)
