"""Quotes for the sections of a report whose model is too small to cite."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.document import block_texts
from chalicelib.generation.outline import Outline, Part, PlannedSection
from chalicelib.generation.quotes import SECTION_WORDS, as_block, quotes_for, quotes_in
from chalicelib.generation.report_parts import ReportParts
from chalicelib.generation.source import Source
from chalicelib.generation.sources import SourceBook
from chalicelib.generation.topic import Topic

FEEDING = Source(1, "Bees in winter", "Feeding of bees should be finished by the middle of September.")
MITES = Source(2, "Mites", "Mites weaken a colony of bees before the winter [3]. Mites of bees are counted in July.")
TOPIC = Topic("bees", named=("Feeding", "Mites", "Conclusion"))


def parts(*sections: tuple[str, int]) -> ReportParts:
    planned = tuple(
        PlannedSection(title, tuple(Part(f"{title} {n}", f"What about {title}?", 100) for n in range(count)))
        for title, count in sections
    )
    return ReportParts(Outline("bees", planned, 0), {})


def quoted(made: ReportParts, by_part: dict[str, list[int]], *sources: Source, topic: Topic = TOPIC) -> list[list[str]]:
    chosen = quotes_for(made.slots_by_section(), topic, SourceBook(sources, by_part, []))
    return [[quote.text for quote in quotes_in([section])] for section in chosen]


def test_each_section_quotes_the_sources_of_its_parts_each_sentence_once() -> None:
    made = parts(("Feeding", 1), ("Mites", 2))
    feeding, mites = quoted(
        made, {"section-01": [1], "section-02-part-1": [2, 1], "section-02-part-2": [2]}, FEEDING, MITES
    )
    assert "Feeding of bees should be finished by the middle of September." in feeding
    assert mites == ["Mites of bees are counted in July."]


@pytest.mark.parametrize("mark", ["[3]", "[ 3 ]", "[\u200b3]", "[^3]", "\u30103\u3011", "\\[3\\]"])
def test_a_source_s_own_numbers_in_brackets_are_no_citations(mark: str) -> None:
    source = replace(MITES, text=MITES.text.replace("[3]", mark))
    (mites,) = quoted(parts(("Mites", 1)), {"section-01": [2]}, source)
    assert mites == ["Mites of bees are counted in July."]


def test_what_leans_on_a_sentence_that_is_not_quoted_is_not_quoted_either() -> None:
    text = (
        "Mites of bees are counted in July. Mites of bees are killed by acid [3]. They must never be treated in July. "
        "Mites of bees and of their brood are found below the box."
    )
    (mites,) = quoted(parts(("Mites", 1)), {"section-01": [2]}, Source(2, "Mites", text))
    assert mites
    assert not any("They" in quote or "[3]" in quote for quote in mites)


def test_a_closing_that_nobody_asked_for_quotes_nothing() -> None:
    made = parts(("Conclusion", 1))
    assert quoted(made, {"section-01": [1]}, FEEDING, topic=Topic("bees")) == [[]]


def test_a_section_quotes_no_more_than_it_may() -> None:
    many = " ".join(f"Mites of bees of kind {'x' * n} weigh {n} grams on {'y' * n} scales." for n in range(1, 40))
    (mites,) = quoted(parts(("Mites", 1)), {"section-01": [2]}, Source(2, "Mites", many))
    assert 20 < sum(len(text.split()) for text in mites) <= SECTION_WORDS


def test_a_quote_is_followed_by_its_citation() -> None:
    chosen = quotes_for(parts(("Mites", 1)).slots_by_section(), TOPIC, SourceBook([MITES], {"section-01": [2]}, []))
    assert list(block_texts([as_block(chosen[0])])) == ["Mites of bees are counted in July. [2]"]
