"""Writes a report without a model: an extractive digest of what was found, section by section, with citations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Final, Protocol

from chalicelib.domain.citations import Citations, Unsupported
from chalicelib.domain.document import (
    Block,
    Citation,
    Document,
    Heading,
    Inline,
    Paragraph,
    Reference,
    Section,
    Text,
    block_texts,
    word_count,
)
from chalicelib.domain.language import language_of
from chalicelib.domain.wording import counted
from chalicelib.generation.assignment import Assignment
from chalicelib.generation.citation_report import TITLE
from chalicelib.generation.digest import Digest, Extract, Quote, Wanted, digest
from chalicelib.generation.errors import GenerationFailed
from chalicelib.generation.journal import Monitor
from chalicelib.generation.length import DIGEST_WORDS, target_length
from chalicelib.generation.outline import PlannedSection, plan_outline
from chalicelib.generation.outline_styles import is_closing, is_opening, own_words
from chalicelib.generation.pipeline import Written
from chalicelib.generation.style import detect_style
from chalicelib.generation.topic import Topic, find_topic
from chalicelib.generation.usage import Usage

NO_MODEL: Final = "none"
LABEL: Final = (
    "No language model wrote this report. It is an extractive digest: every sentence in it is quoted word for word "
    "from the source that it cites, and was chosen by rules. Nobody has weighed what the sources say."
)
NOTHING_FITS: Final = (
    "No model is configured here, so reports are digests of their sources, and those of this report say nothing "
    "of what it asks for that could be quoted."
)
OWN_NUMBERS: Final = (
    "Numbers in brackets within a quoted sentence are its source's own; the citation of this report follows it."
)
_NUMBER: Final = re.compile(r"\[\d{1,3}[\],;\u2013-]")
_AUTHOR: Final = "rules (an extractive digest, no language model)"
_BUDGET_TOKENS: Final = 8_000
# Sections are the bodies of an outline: quotes neither open a report nor draw its conclusions.
_SECTION_WORDS: Final = 600
KEY_POINTS: Final = "Key points"
_LONGEST_QUERY: Final = 600
# A source that fills less of a section than this (words, headings) needs none of its headings there.
_FEWEST_WORDS_WITH_HEADINGS: Final = 250
_FEWEST_HEADINGS: Final = 3
_LONGEST_HEADING: Final = 90


@dataclass(frozen=True)
class Found:
    """A passage that was found, and what a reader finds it by: its title, where in it, and its address if it has one.

    ``score`` compares within what was found for one section alone.
    """

    extract: Extract
    score: float
    title: str
    detail: str = ""
    href: str = ""


class Finder(Protocol):
    """Finds passages. Whatever this raises ends the report."""

    def find(self, query: str, budget_tokens: int) -> Sequence[Found]:
        """Return the passages that fit a query and a number of tokens, the best first."""

    @property
    def notices(self) -> Sequence[str]:
        """What the reader must know of how it went, in sentences."""


def write_digest(assignment: Assignment, finder: Finder, monitor: Monitor) -> Written:
    """Return a digest of what is found. It is the same whenever the sources are, so nothing of it is stored.

    Args:
        assignment: what to write.
        finder: finds passages for a section.
        monitor: is told the progress, and may end it.

    Raises:
        GenerationFailed: nothing that was found can be quoted.
        Exception: whatever the finder or the monitor raised.
    """
    monitor.check()
    monitor.progress(5, "planning", 0)
    detected = detect_style(assignment.query, assignment.report_style)
    length = target_length(assignment.query, detected.style, assignment.max_output_tokens, DIGEST_WORDS)
    topic = find_topic(assignment.query, assignment.title)
    planned = _planned(topic, detected.style, length.words)
    sections, found = _wanted(planned, topic, finder, monitor)
    monitor.progress(80, "writing: choosing sentences", 0)
    chosen = digest(topic.phrase, sections)
    if not any(section.paragraphs for section in chosen):
        raise GenerationFailed(NOTHING_FITS)
    monitor.check()
    references = _References(found)
    made = tuple(
        _section(number, section, references) for number, section in enumerate(chosen, 1) if section.paragraphs
    )
    citations = _compared(chosen)
    told = (LABEL, _own_numbers(chosen), *finder.notices, length.notice, _left_out(topic, chosen))
    document = Document(
        report_id=assignment.report_id,
        title=assignment.title,
        description=assignment.description,
        template_name=assignment.template_name,
        style=detected.style,
        language=language_of(text for section in made for text in block_texts(section.blocks)),
        created_at=assignment.created_at,
        model=NO_MODEL,
        author=_AUTHOR,
        notices=tuple(filter(None, told)),
        sections=made,
        references=tuple(references.listed),
        closing=(_about(citations),),
    )
    return Written(document, detected.style, detected.reasons, word_count(document), NO_MODEL, Usage(), citations)


def _planned(topic: Topic, style: str, words: int) -> list[PlannedSection]:
    outline = plan_outline(topic, style, words, _SECTION_WORDS)
    planned = [one for one in outline.sections if one.title in topic.named or not is_closing(one.title)]
    general = _general(planned, topic)
    # What fits nowhere else introduces nothing.
    return [replace(one, title=KEY_POINTS) if one is general else one for one in planned]


def _wanted(
    planned: Sequence[PlannedSection], topic: Topic, finder: Finder, monitor: Monitor
) -> tuple[list[Wanted], list[Found]]:
    sections: list[Wanted] = []
    found: list[Found] = []
    for place, section in enumerate(planned):
        monitor.check()
        monitor.progress(10 + 70 * place // len(planned), f"writing: looking for {section.title}", 0)
        question = " ".join(part.brief for part in section.parts)
        asked = " ".join(own_words(part.brief) for part in section.parts)
        is_general = section.title == KEY_POINTS and section.title not in topic.named
        about = topic.phrase if is_general else f"{section.title}. {topic.phrase}"
        some = finder.find(f"{about}. {asked}"[:_LONGEST_QUERY], _BUDGET_TOKENS)
        found += some
        words = sum(part.words for part in section.parts)
        passages = [(one.extract, one.score) for one in some]
        of_topic = section.title not in topic.named
        sections.append(Wanted(section.title, question, words, passages, is_general, of_topic))
    return sections, found


def _general(planned: Sequence[PlannedSection], topic: Topic) -> PlannedSection | None:
    """Return the section for what fits no other: none where the user has said what there is to be."""
    own = [section for section in planned if section.title not in topic.named]
    named = [section for section in own if section.title == KEY_POINTS]
    opening = [section for section in own if is_opening(section.title)]
    return next(iter([*named, *opening, *(own if not topic.named else [])]), None)


@dataclass
class _References:
    """Numbers what is cited in the order in which it is: passages that a reader finds at the same place are one."""

    found: Iterable[Found]
    listed: list[Reference] = field(default_factory=list)
    numbers: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_key = {one.extract.key: one for one in self.found}

    def number(self, extract: Extract) -> int:
        one = self._by_key[extract.key]
        place = one.title, one.detail, one.href
        if place not in self.numbers:
            self.numbers[place] = len(self.listed) + 1
            self.listed.append(Reference(number=self.numbers[place], title=one.title, href=one.href, detail=one.detail))
        return self.numbers[place]

    def title(self, extract: Extract) -> str:
        return self._by_key[extract.key].title


def _section(number: int, section: Digest, references: _References) -> Section:
    """Return a section; of several sources each has a heading, and of much from one its own headings are taken over."""
    by_source = [list(some) for _, some in groupby(section.paragraphs, lambda quotes: quotes[0].extract.document)]
    blocks: list[Block] = []
    for paragraphs in by_source:
        if len(by_source) > 1:
            blocks.append(_heading(3, references.title(paragraphs[0][0].extract)))
        level = 4 if len(by_source) > 1 else 3
        headings = _headings(paragraphs, section.title)
        before = ""
        for heading, quotes in zip(headings, paragraphs, strict=True):
            if heading and heading != before:
                blocks.append(_heading(level, heading))
            before = heading
            blocks.append(Paragraph(children=tuple(_inlines(quotes, references))))
    return Section(id=f"section-{number}", title=section.title, blocks=tuple(blocks))


def _headings(paragraphs: Sequence[Sequence[Quote]], title: str) -> list[str]:
    """Return what each paragraph stands under in its source; nothing where it is not much, or some stand under none."""
    found = ["".join(quotes[0].extract.headings[-1:]).strip() for quotes in paragraphs]
    size = sum(len(quote.text.split()) for quotes in paragraphs for quote in quotes)
    is_fit = all(heading and len(heading) <= _LONGEST_HEADING for heading in found)
    if size < _FEWEST_WORDS_WITH_HEADINGS or not is_fit or len(set(found)) < _FEWEST_HEADINGS:
        return [""] * len(found)
    first = next(place for place, heading in enumerate(found) if heading != title)
    return [""] * first + found[first:]


def _heading(level: int, text: str) -> Heading:
    return Heading(level=level, children=(Text(text=text),))


def _inlines(quotes: Sequence[Quote], references: _References) -> Iterator[Inline]:
    for place, quote in enumerate(quotes):
        if place:
            yield Text(text=" " if quote.follows else " … ")
        yield Text(text=f"{quote.text} ")
        yield Citation(number=references.number(quote.extract))


def _compared(chosen: Sequence[Digest]) -> Citations:
    """Compare every quote with its source, letter by letter: nothing of it may have been changed on the way."""
    quotes = [quote for section in chosen for paragraph in section.paragraphs for quote in paragraph]
    wrong = [quote for quote in quotes if not quote.stands_there]
    return Citations(
        claims=len(quotes),
        supported=len(quotes) - len(wrong),
        unsupported=tuple(Unsupported(one.text, one.extract.document, "it does not stand there") for one in wrong),
    )


def _about(citations: Citations) -> Section:
    quotes = counted(citations.claims, "quote")
    said = (
        f"This report consists of {quotes} from its sources. Each was compared with the passage that it cites, letter "
        f"by letter, white space aside: {citations.supported:,} of {citations.claims:,} stand there."
    )
    return Section(id="about-the-citations", title=TITLE, blocks=(Paragraph(children=(Text(text=said),)),))


def _own_numbers(chosen: Sequence[Digest]) -> str:
    quotes = (quote for section in chosen for paragraph in section.paragraphs for quote in paragraph)
    return OWN_NUMBERS if any(_NUMBER.search(quote.text) for quote in quotes) else ""


def _left_out(topic: Topic, chosen: Sequence[Digest]) -> str:
    """Return a sentence on the sections that the user has named and for which there is nothing to quote."""
    empty = [section.title for section in chosen if section.title in topic.named and not section.paragraphs]
    return f"The sources say nothing that could be quoted on: {', '.join(empty)}." if empty else ""
