"""Finds what a digest is made of: passages of the report's honey jar and, where it was ordered, pages of the web."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from chalicelib.domain.honey_jar import Reader
from chalicelib.domain.report import Report
from chalicelib.generation.digest import Extract
from chalicelib.generation.digest_report import NOTHING_FITS, Found
from chalicelib.generation.errors import GenerationFailed, SourcesGone
from chalicelib.generation.report_assignment import assignment_of
from chalicelib.generation.scrambling import Texts, Unscrambled, hidden_assignment
from chalicelib.services import embed_texts
from chalicelib.services.honey_jars import HoneyJarNotFoundError
from chalicelib.services.retrieval import Passage, retrieve
from chalicelib.services.web_search import WebResult, WebSearch, web_search
from chalicelib.workers.report_sources import JAR_GONE

# What stands on the web is found by other words than what stands in the jar: it goes behind that.
_OF_THE_WEB: Final = 0.5


class FoundExtracts:
    """Finds extracts for the sections of one report."""

    def __init__(self, report: Report, texts: Texts) -> None:
        """Prepare; nothing is looked for yet.

        Args:
            report: the order.
            texts: knows what is private in it, which an embeddings endpoint may not see.

        Raises:
            GenerationFailed: the report names nothing to be written from.
            PrivacyFailed: it could not be searched for what is private.
        """
        if report.honey_jar_id is None:
            raise GenerationFailed(f"{NOTHING_FITS} Order it with a honey_jar_id.")
        self._jar_id = report.honey_jar_id
        self._reader = Reader(report.owner, report.reader_teams)
        self._web: WebSearch | None = web_search(report)
        self._texts: Texts = texts if embed_texts.is_configured() else Unscrambled()
        hidden_assignment(assignment_of(report), self._texts)

    @property
    def notices(self) -> Sequence[str]:
        """What the reader must know of how it went."""
        return self._web.notices if self._web else ()

    def find(self, query: str, budget_tokens: int) -> list[Found]:
        """Return what fits a query, the best first.

        Raises:
            SourcesGone: the jar may not be read (any more).
        """
        try:
            passages = retrieve(self._reader, self._jar_id, query, budget_tokens, self._texts.values_in(query))
        except HoneyJarNotFoundError:
            raise SourcesGone(JAR_GONE) from None
        found = [_of_jar(passage) for passage in passages]
        best = max((one.score for one in found), default=1.0)
        results = self._web.search(query) if self._web else []
        return found + [_of_web(result, best * _OF_THE_WEB / rank) for rank, result in enumerate(results, start=1)]


def _of_jar(passage: Passage) -> Found:
    title = passage.document or passage.filename
    key = passage.document_id, passage.start, passage.end
    extract = Extract(key, passage.document_id, passage.start, passage.text, passage.headings, title)
    return Found(extract, passage.score, title, passage.place, passage.link)


def _of_web(result: WebResult, score: float) -> Found:
    return Found(
        Extract(result.url, result.url, 0, result.text, title=result.title), score, result.title, "web page", result.url
    )
