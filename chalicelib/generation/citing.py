"""Checks the citations of a report: what a source does not support is asked for once more, and marked if it stays."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from chalicelib.domain.citations import LONGEST_REASON, LONGEST_SENTENCE, MOST_LISTED, Citations, Unsupported
from chalicelib.generation.citation_marks import Cited, with_plain_citations
from chalicelib.generation.claims import Claim, claims_in, without_sentences
from chalicelib.generation.journal import Journal
from chalicelib.generation.markdown_text import words
from chalicelib.generation.material import bounded
from chalicelib.generation.second_opinion import Opinions
from chalicelib.generation.source import Source
from chalicelib.generation.source_check import SourceText, Verdict, touches, verify
from chalicelib.generation.sources import SourceBook
from chalicelib.generation.writer import Task, Writer

CITED_KEY: Final = "cited"
NOT_SUPPORTED: Final = "(not supported by its source)"
_SHORTEST_REVISION: Final = 0.6
_MOST_TOLD: Final = 8


@dataclass(frozen=True)
class CheckedClaim:
    """A claim and what is known of it; ``silent`` is the number of a source that has nothing to do with it."""

    claim: Claim
    verdict: Verdict
    silent: int | None = None

    @property
    def holds(self) -> bool:
        """Whether it is taken for supported."""
        return self.verdict.holds

    def reason(self, numbers: Mapping[int, int] | None = None) -> str:
        """Return why it does not hold; ``numbers`` are those that sources have for whoever is told."""
        if self.silent is None:
            return self.verdict.reason
        return f"source {(numbers or {}).get(self.silent, self.silent)} says nothing of it"


class Citing:
    """The citations of one report's texts; safe to use from several threads."""

    def __init__(
        self, book: SourceBook, journal: Journal, checkpoints: Mapping[str, str], opinions: Opinions | None = None
    ) -> None:
        """Prepare to check.

        Args:
            book: the report's sources.
            journal: where it is kept what was asked for once more.
            checkpoints: what an earlier attempt kept.
            opinions: is asked where the rules leave a claim undecided.
        """
        self.book = book
        self._journal = journal
        self._opinions = opinions
        self._asked, self._removed = _stored(checkpoints.get(CITED_KEY, ""))
        self._lock = threading.Lock()
        self._source_text = lru_cache(maxsize=1024)(_source_text)
        self._checked = lru_cache(maxsize=256)(self._check)

    def in_one_form(self, text: str, numbers: Collection[int]) -> Cited:
        """Return a model's text with its citations in one form; those of sources that it was not given are removed.

        Args:
            text: what the model wrote.
            numbers: those that it was given.
        """
        return with_plain_citations(text, frozenset(numbers) & self.book.numbers)

    def note_kept(self, key: str, cited: Cited, *, goes_on: bool = False) -> str:
        """Count what was removed from a text that is kept; return the text.

        Args:
            key: the text's name among the checkpoints.
            cited: the text.
            goes_on: whether it begins with the text that was kept before; else it takes the place of that.
        """
        with self._lock:
            before = self._removed.get(key, 0)
            self._removed[key] = len(cited.unknown) + (before if goes_on else 0)
            changed = self._removed[key] != before
        if changed:
            self._keep()
        return cited.text

    def checked(self, text: str) -> tuple[CheckedClaim, ...]:
        """Return the claims of a text, in their order, with what is known of them."""
        return self._checked(text)

    def doubtful(self, text: str) -> list[CheckedClaim]:
        """Return the claims of a text that do not hold."""
        return [one for one in self.checked(text) if not one.holds]

    def was_asked(self, key: str) -> bool:
        """Tell whether a text was asked for once more already."""
        return key in self._asked

    def revised(self, text: str, task: Task, writer: Writer) -> str | None:
        """Ask once for a text in which the claims hold; None where the answer is no better."""
        doubtful = self.doubtful(text)
        told = [
            (bounded(one.claim.sentence, LONGEST_SENTENCE), _marks(one.claim.numbers), one.reason())
            for one in doubtful[:_MOST_TOLD]
        ]
        return writer.revise(text, task, writer.prompts.correction(told))

    def is_better(self, text: str, before: str) -> bool:
        """Tell whether a text takes the place of another: fewer claims in doubt, and about as much said."""
        if words(text) < _SHORTEST_REVISION * words(before):
            return False
        held, held_before = (sum(one.holds for one in self.checked(some)) for some in (text, before))
        return len(self.doubtful(text)) < len(self.doubtful(before)) and (held > 0 or held_before == 0)

    def note_asked(self, key: str) -> None:
        """Keep that a text was asked for once more."""
        with self._lock:
            self._asked.add(key)
        self._keep()

    def _keep(self) -> None:
        with self._lock:  # so that an older state never replaces a newer one
            self._journal.keep(CITED_KEY, json.dumps({"asked": sorted(self._asked), "removed": self._removed}))

    def marked(self, text: str) -> str:
        """Return a text with a mark after each claim that does not hold."""
        kept, end = [], 0
        for one in sorted(self.doubtful(text), key=lambda one: one.claim.marked_at):
            kept += [text[end : one.claim.marked_at], f" *{NOT_SUPPORTED}*"]
            end = one.claim.marked_at
        return "".join([*kept, text[end:]])

    def trusted(self, text: str) -> str:
        """Return a text without the sentences that do not hold."""
        return without_sentences(text, [one.claim for one in self.doubtful(text)])

    def counted(self, texts: Sequence[str], numbers: Mapping[int, int], show: Callable[[str], str]) -> Citations:
        """Return what came of all texts of a report.

        Args:
            texts: the texts.
            numbers: which number each source that they cite has for the reader.
            show: returns a text with tokens for private values as the reader sees it.
        """
        checked = [one for text in texts for one in self.checked(text)]
        doubtful = [one for one in checked if not one.holds]
        return Citations(
            claims=len(checked),
            supported=len(checked) - len(doubtful),
            unsupported=tuple(self._told(one, numbers, show) for one in doubtful[:MOST_LISTED]),
            removed=sum(self._removed.values()),
        )

    def _told(self, one: CheckedClaim, numbers: Mapping[int, int], show: Callable[[str], str]) -> Unsupported:
        titles = "; ".join(
            f"{_marks([numbers[number]])} {_title(source)}" if number in numbers else _title(source)
            for number in one.claim.numbers
            if (source := self.book.source(number))
        )
        return Unsupported(
            show(bounded(one.claim.sentence, LONGEST_SENTENCE)),
            show(bounded(titles, LONGEST_SENTENCE)),
            show(bounded(one.reason(numbers), LONGEST_REASON)),
        )

    def _check(self, text: str) -> tuple[CheckedClaim, ...]:
        found = [self._compared(claim) for claim in claims_in(text)]
        if self._opinions is None:
            return tuple(found)
        undecided = {
            place: (one.claim.sentence, [source for n in one.claim.numbers if (source := self.book.source(n))])
            for place, one in enumerate(found)
            if one.verdict.supported is None
        }
        opinions = self._opinions.on(list(undecided.values()))
        for place, opinion in zip(undecided, opinions, strict=True):
            if opinion is not None:
                found[place] = CheckedClaim(found[place].claim, Verdict(opinion, found[place].verdict.reason))
        return tuple(found)

    def _compared(self, claim: Claim) -> CheckedClaim:
        sources = [source for number in claim.numbers if (source := self.book.source(number))]
        if not sources:
            return CheckedClaim(claim, Verdict(False, "there is no such source"))
        texts = [self._source_text(source) for source in sources]
        verdict = verify(claim.sentence, texts)
        if len(sources) > 1 and verdict.supported is not False:
            for source, text in zip(sources, texts, strict=True):
                if not touches(claim.sentence, text):
                    return CheckedClaim(claim, Verdict(False), source.number)
        return CheckedClaim(claim, verdict)


def _title(source: Source) -> str:
    return f"{source.title}{', ' if source.detail else ''}{source.detail}"


def _source_text(source: Source) -> SourceText:
    return SourceText(source.text, f"{source.title}. {source.detail}")


def _marks(numbers: Iterable[int]) -> str:
    return "".join(f"[{number}]" for number in numbers)


def _stored(text: str) -> tuple[set[str], dict[str, int]]:
    try:
        raw = json.loads(text) if text else {}
        return set(map(str, raw.get("asked", ()))), {str(k): int(v) for k, v in raw.get("removed", {}).items()}
    except (ValueError, AttributeError, TypeError):
        return set(), {}
