"""Sentences of sources are chosen for sections, and become a report without a model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.document import Citation, Document, Heading, Text, block_texts, walk_inlines
from chalicelib.generation.assignment import Assignment
from chalicelib.generation.digest import Digest, Extract, Wanted, digest
from chalicelib.generation.digest_report import LABEL, OWN_NUMBERS, Found, write_digest
from chalicelib.generation.errors import GenerationFailed

WINTER = "Every colony needs twelve kilograms of stores for the winter."
FEEDING = "Feeding with sugar syrup ends before the first frost of October."
MITES = "Varroa mites are counted on a white board below the hive."
MITES_TOO = "On a white board below the hive varroa mites are counted."
SWARMS = "Swarms leave the hive on warm days in the month of May."
HARBOUR = "The vessel left the harbour with coal at the break of dawn."

ASSIGNMENT = Assignment(
    report_id="r-1",
    title="Bees",
    description="",
    query="Write a 600 word overview of bee colonies with sections on feeding, mites, swarms and pottery.",
    template_name="Bee",
    created_at="2026-01-20T15:30:00Z",
)


def extract(text: str, document: str = "d", start: int = 0) -> Extract:
    return Extract((document, start), document, start, text)


def wanted(title: str, *extracts: Extract, words: int = 100, general: bool = False, question: str = "") -> Wanted:
    return Wanted(title, question, words, [(one, 10.0 - n) for n, one in enumerate(extracts)], general)


def texts(section: Digest) -> list[str]:
    return [quote.text for paragraph in section.paragraphs for quote in paragraph]


def test_a_sentence_goes_where_it_fits_best_and_once() -> None:
    everything = [extract(f"{WINTER} {MITES}", "a"), extract(f"{SWARMS} {FEEDING}", "b"), extract(HARBOUR, "c")]
    found = digest("bee hives", [wanted("Feeding", *everything), wanted("Mites", *everything)])
    assert [texts(section) for section in found] == [[FEEDING], [MITES]]


def test_the_general_section_takes_what_is_about_the_topic_and_fits_nowhere_else() -> None:
    everything = [extract(f"{SWARMS} {MITES} {HARBOUR}", "a")]
    found = digest("hive", [wanted("Overview", *everything, general=True), wanted("Mites", *everything)])
    assert [texts(section) for section in found] == [[SWARMS], [MITES]]


def test_what_was_said_is_not_said_again_in_other_words() -> None:
    found = digest("bees", [wanted("Varroa mites", extract(MITES, "a"), extract(MITES_TOO, "b"), extract(MITES, "c"))])
    assert texts(found[0]) == [MITES]


def test_quotes_of_a_document_stand_together_in_its_order() -> None:
    one = extract(f"Mites live on bees and suck on them. {HARBOUR} Mites weaken each colony that has many.", "a", 500)
    other, early = (
        extract("Mites die of oxalic acid in the winter.", "b"),
        extract("Mites came from Asia in ships.", "a"),
    )
    (section,) = digest("bees", [wanted("Mites", one, other, early)])
    assert [[quote.extract.document for quote in paragraph] for paragraph in section.paragraphs] == [
        ["a", "a", "a"],
        ["b"],
    ]
    first = section.paragraphs[0]
    assert [quote.text.split()[1] for quote in first] == ["came", "live", "weaken"]
    assert not any(quote.follows for quote in first)


def test_what_leans_on_a_quote_is_quoted_with_it_and_nothing_else_is() -> None:
    leaning = "However, this takes a whole day of dry weather."
    text = f"{HARBOUR} Mites are counted in every hive on the first of August. {leaning} {SWARMS}"
    (section,) = digest("bees", [wanted("Mites", extract(text))])
    assert [(quote.text, quote.follows) for quote in section.paragraphs[0]][1:] == [(leaning, True)]


def test_what_leans_on_a_sentence_that_is_not_quoted_is_not_quoted_either() -> None:
    (section,) = digest(
        "bees", [wanted("Mites", extract(f"{HARBOUR} These mites are counted in August there. {MITES}"))]
    )
    assert texts(section) == [MITES]


def test_a_section_that_any_report_has_takes_nothing_of_documents_on_something_else() -> None:
    about = replace(extract("The cost of a new hive is paid back within two years.", "a"), title="Bees")
    other = replace(extract("The cost of a new ship is paid back within ten years.", "b"), title="Ships")
    usual = replace(wanted("Cost", about, other), of_topic=True)
    assert [texts(section) for section in digest("bees", [usual])] == [[about.text]]
    assert len(texts(digest("bees", [wanted("Cost", about, other)])[0])) == 2, "asked for by name"


def test_a_common_word_of_a_title_is_not_enough() -> None:
    keys = [f"The key of hive number {n} hangs beside the {'x' * n} door." for n in range(1, 30)]
    derived = "Derivation of queens is noted in a book for every hive."
    (section,) = digest(
        "bees", [wanted("Key derivation", *(extract(text, "a", n) for n, text in enumerate([*keys, derived])))]
    )
    assert texts(section) == [derived]


def test_lists_of_works_and_unasked_licences_are_no_part_of_what_a_document_says() -> None:
    found = [
        Extract((heading, 0), "d", n, text, (heading,))
        for n, (heading, text) in enumerate([("7. References", MITES), ("Copyright", MITES_TOO), ("8. Varroa", SWARMS)])
    ]
    assert texts(digest("hive", [wanted("Hive", *found, general=True)])[0]) == [SWARMS]
    asked = digest("hive", [wanted("Copyright", *found, question="copyright")])
    assert texts(asked[0]) == [MITES_TOO]


def test_each_passage_has_a_paragraph_of_its_own_and_long_ones_have_several() -> None:
    many = " ".join(f"Mites of kind {'x' * n} weigh {n} grams when they are put on a scale." for n in range(1, 30))
    found = [Extract(n, "d", n, text, (f"Heading {n}",)) for n, text in enumerate([MITES, f"{WINTER} {many}"])]
    (section,) = digest("bees", [wanted("Mites", *found, words=500)])
    sizes = [sum(len(quote.text.split()) for quote in paragraph) for paragraph in section.paragraphs]
    assert len({quote.extract.key for quote in section.paragraphs[0]}) == 1
    assert len(sizes) > 2


def test_a_section_has_no_more_words_than_it_may() -> None:
    many = [extract(f"Mites of kind number {n} weigh {n} grams when {'x' * n} asks.", "a", n) for n in range(1, 40)]
    (section,) = digest("bees", [wanted("Mites", *many, words=30)])
    assert 1 <= sum(len(text.split()) for text in texts(section)) <= 30


SENTENCES = [WINTER, FEEDING, MITES, MITES_TOO, SWARMS, HARBOUR, "Not one.", "# heading", "a | b | c"]
passages = st.lists(st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=5).map("\n\n".join), max_size=8)


@settings(max_examples=60)
@given(st.lists(passages, min_size=1, max_size=4), st.integers(0, 60))
def test_whatever_is_found_quotes_are_whole_and_never_the_same_twice(found: list[list[str]], words: int) -> None:
    sections = [
        wanted(title, *(extract(text, f"d{n % 3}", n) for n, text in enumerate(some)), words=words, general=not number)
        for number, (title, some) in enumerate(zip(["Hive", "Mites", "Winter stores", "Swarms"], found, strict=False))
    ]
    chosen = digest("bees in the hive", sections)
    assert chosen == digest("bees in the hive", sections)
    quoted = [text for section in chosen for text in texts(section)]
    assert len(quoted) == len(set(quoted))
    assert set(quoted) <= set(SENTENCES[:6])
    for section in chosen:
        for paragraph in section.paragraphs:
            assert all(quote.text in quote.extract.text for quote in paragraph)


class Recorder:
    def __init__(self) -> None:
        self.steps: list[tuple[int, str]] = []

    def progress(self, percentage: int, message: str, words: int) -> None:
        self.steps.append((percentage, message))

    def checkpoint(self, key: str, text: str) -> None:
        raise AssertionError("nothing of a digest is stored")

    def check(self) -> None:
        pass

    def remaining_seconds(self) -> float:
        return math.inf


FOUND = [
    Found(extract(f"{WINTER} {MITES}", "a", 0), 5.0, "Keeping bees", "page 3"),
    Found(extract(f"{FEEDING} Feeding is <b>not</b> *needed* in most years there.", "a", 900), 4.0, "Keeping bees"),
    Found(extract(SWARMS, "b", 0), 3.0, "On swarms", "", "https://a.example/swarms"),
]


class Finder:
    notices = ("A notice.",)

    def __init__(self, found: Sequence[Found] = FOUND) -> None:
        self.found = found

    def find(self, query: str, budget_tokens: int) -> Sequence[Found]:
        assert budget_tokens > 0
        return self.found


def written(query: str = "") -> Document:
    made = write_digest(replace(ASSIGNMENT, query=query or ASSIGNMENT.query), Finder(), Recorder())
    assert made.citations
    assert made.citations.claims == made.citations.supported >= 1
    return made.document


def test_a_digest_is_labelled_and_cites_every_sentence() -> None:
    document = written()
    assert document.notices[:2] == (LABEL, "A notice.")
    assert (document.model, document.title) == ("none", "Bees")
    assert [section.title.lower() for section in document.sections] == ["feeding", "mites", "swarms"]
    assert "on: " in document.notices[-1]
    assert "pottery" in document.notices[-1].lower()
    cited = [node.number for s in document.sections for node in walk_inlines(s.blocks) if isinstance(node, Citation)]
    assert cited == [1, 1, 2, 3]
    assert [(one.number, one.title, one.detail, one.href) for one in document.references] == [
        (1, "Keeping bees", "", ""),
        (2, "Keeping bees", "page 3", ""),
        (3, "On swarms", "", "https://a.example/swarms"),
    ]


def test_the_last_page_says_that_the_quotes_were_compared() -> None:
    (closing,) = written().closing
    assert "four quotes" in block_texts(closing.blocks)[0]
    assert "4 of 4 stand there" in block_texts(closing.blocks)[0]


def test_passages_at_the_same_place_are_one_reference() -> None:
    found = [Found(extract(text, "a", n), 5.0 - n, "Bees", "page 3") for n, text in enumerate([MITES, SWARMS])]
    document = write_digest(ASSIGNMENT, Finder(found), Recorder()).document
    assert [(one.title, one.detail) for one in document.references] == [("Bees", "page 3")]


def test_much_of_one_source_has_the_headings_that_it_has_there() -> None:
    passages = [
        " ".join(f"Mites of kind {letter * n} weigh {n} grams on a scale of the apiary." for n in range(1, 9))
        for letter in "xyz"
    ]
    headings = ["1. Kinds", "2. Weights", "2. Weights"]
    found = [
        Found(Extract(n, "d", n, text, ("Book", heading)), 5.0, "Bees", f"page {n}")
        for n, (text, heading) in enumerate(zip(passages, headings, strict=True))
    ]
    query = "Write a 900 word overview of bees with sections on mites and swarms."
    few = write_digest(replace(ASSIGNMENT, query=query), Finder(found), Recorder()).document
    assert [block for block in few.sections[0].blocks if isinstance(block, Heading)] == []
    found.append(Found(Extract(3, "d", 3, MITES, ("Book", "3. Counting")), 5.0, "Bees", "page 9"))
    document = write_digest(replace(ASSIGNMENT, query=query), Finder(found), Recorder()).document
    shown = [block.children[0] for block in document.sections[0].blocks if isinstance(block, Heading)]
    assert [node.text for node in shown if isinstance(node, Text)] == ["1. Kinds", "2. Weights", "3. Counting"]


def test_a_reader_is_told_which_numbers_are_the_sources_own() -> None:
    found = [Found(extract("Mites were counted on white boards by others [3] as well.", "a"), 5.0, "Bees")]
    assert OWN_NUMBERS in write_digest(ASSIGNMENT, Finder(found), Recorder()).document.notices
    assert OWN_NUMBERS not in written().notices


def test_quotes_are_text_and_no_markup() -> None:
    text = "\n".join(block_texts(written().sections[0].blocks))
    assert "Feeding is <b>not</b> *needed* in most years there. [1]" in text


def test_without_sections_of_their_own_all_is_in_the_general_one() -> None:
    document = written("Summarise what is known about the hive.")
    assert "Key points" in [section.title for section in document.sections]


def test_the_progress_grows_and_says_what_is_done() -> None:
    recorder = Recorder()
    write_digest(ASSIGNMENT, Finder(), recorder)
    percentages = [percentage for percentage, _ in recorder.steps]
    assert percentages == sorted(percentages)
    assert any(message.startswith("writing: ") for _, message in recorder.steps)


@pytest.mark.parametrize("found", [[], [Found(extract(HARBOUR), 1.0, "Ships")], [Found(extract("No prose"), 1.0, "X")]])
def test_where_nothing_fits_the_report_fails_and_says_why(found: list[Found]) -> None:
    with pytest.raises(GenerationFailed, match="say nothing"):
        write_digest(ASSIGNMENT, Finder(found), Recorder())
