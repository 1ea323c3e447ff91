"""Which sentences of a text can be quoted by themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.generation.quotable import LONGEST, SHORTEST, quotable_sentences

GOOD = "A colony needs twelve kilograms of stores."


def quoted(text: str) -> list[str]:
    return [sentence.text for sentence in quotable_sentences(text)]


@pytest.mark.parametrize(
    "sentence",
    [
        "Dr. A. Brown weighed the hives, e.g. No. 7, at 3.5 kg each.",
        "See Fig. 3 of Smith et al. on the weight of hives.",
        "The U.S. census of 2020 counted 2.7 million colonies there.",
        "He said that the queen (a young one) had left the hive!",
        "“The queen left the hive in May,” said the old keeper.",
        "THE SOFTWARE IS PROVIDED “AS IS”, WITHOUT WARRANTY OF ANY KIND.",
        "Überwinterung gelingt mit zwölf Kilogramm Futter in jedem Volk.",
        "3 of 4 colonies that were fed in time survived the winter.",
    ],
)
def test_a_sentence_is_kept_whole(sentence: str) -> None:
    assert quoted(f"{GOOD} {sentence} {GOOD[:-1]} once more.") == [GOOD, sentence, f"{GOOD[:-1]} once more."]


@pytest.mark.parametrize(
    "text",
    [
        "Overwintering of honey bee colonies",
        "and a colony needs twelve kilograms of stores.",
        "Stores | twelve kilograms | of honey | each colony.",
        "Too short it is.",
        "1. Introduction ........................................ 7.",
        "x = f(a, b) + g[1] - 3 * (4 / 5) == {'a': 1, 'b': 2}; return 0.",
        "A colony (which needs twelve kilograms of stores is weighed.",
        "A colony needs stores, namely the following ones, as was said:",
        "word " * (LONGEST + 1) + "ends.",
        "Varroa mites were first seen on Java and then ...",
        "The mites came from Asia … and weaken each colony that has many.",
        "[Function]void hive_weigh (struct hive *hive , size t length ) Weighs the hive again.",
        "The nearest is always taken. // preferNewer: prefer a newer hive to an older one.",
        "7.1.2.3 Stores Stores are what a colony lives on in winter.",
        "7.6 Winter stores Each colony needs twelve kilograms of them there.",
        "Chapter 7: Reference 69 Stores are what a colony lives on.",
        "On the weight of hives Anna Brown1 and Carl Weiss2 1Apiary Inc.",
        "0 0.5 1 1.5 2 Stores of the colonies in the winter of that year.",
        "The cleartext message to be encrypted with that key.",
        "The key, which can be used for many messages.",
        "(Available since the second edition.) if present, it must be a number of hives.",
    ],
)
def test_what_is_no_sentence_is_left_out(text: str) -> None:
    assert quoted(f"{text}\n\n{GOOD}") == [GOOD]


def test_lines_that_were_wrapped_are_joined_and_items_are_not() -> None:
    wrapped = "A colony of honey bees needs about twelve\nkilograms of stores to live through winter. Fewer\nwill do."
    assert quoted(wrapped)[0].endswith("live through winter.")
    items = "Before the winter:\n- Feed every colony of the apiary by May.\n- Treat every colony against mites then."
    assert quoted(items) == [
        "Feed every colony of the apiary by May.",
        "Treat every colony against mites then.",
    ]


def test_what_goes_on_from_a_line_that_breaks_off_is_not_quoted() -> None:
    text = "THE UNIVERSITY HAS NO OBLIGATION TO\nPROVIDE MAINTENANCE, SUPPORT, UPDATES OR MODIFICATIONS.\n\n" + GOOD
    assert quoted(text) == [GOOD]
    assert quoted(f"Stores:\n- {GOOD}") == [GOOD]
    assert quoted(f"So it is.\n{GOOD}") == [GOOD]


def test_scripts_without_spaces_have_sentences_too() -> None:
    text = "ミツバチは冬を越すために十二キロの蜂蜜を必要とします。巣箱は南に向けて置くのが良いとされています。"
    assert len(quoted(text)) == 2


def test_it_is_known_which_lean_on_others_and_which_follow() -> None:
    found = quotable_sentences(f"{GOOD} However, this is not true of small ones there. Nine. {GOOD}")
    assert [(one.place, one.leans) for one in found] == [(0, False), (1, True), (3, False)]


@pytest.mark.parametrize(
    "sentence",
    [
        "These should point to a common file of the hive.",
        "They support both the new and the older hives.",
        "In this case the colony cannot be saved any more.",
        "If it requires other hives, the keeper has to buy them.",
        "(These sorts of hives are often made of old wood.)",
        "Returns the number of colonies that are left in May.",
        "Two examples are hives of straw and hives of wood.",
        "The weights that are listed above hold for small colonies.",
        "See the chapter on stores for what a colony needs.",
        "You can do so by feeding the colony in the autumn.",
        "Dadurch verliert das Volk im Winter viele seiner Bienen.",
    ],
)
def test_what_cannot_be_understood_alone_leans(sentence: str) -> None:
    assert [one.leans for one in quotable_sentences(f"{GOOD} {sentence}")] == [False, True]


@pytest.mark.parametrize(
    "sentence",
    [
        "There are two kinds of bees in every hive of the apiary.",
        "This License does not grant permission to use the trade names.",
        "THIS SOFTWARE IS PROVIDED BY THE KEEPERS AND NOBODY ELSE.",
        "This document describes how the colonies are kept in winter.",
        "Both the queen and the drones leave the hive in May.",
        "Bees gather nectar from the lime trees of the avenue.",
    ],
)
def test_what_names_what_it_is_about_does_not_lean(sentence: str) -> None:
    assert [one.leans for one in quotable_sentences(f"{GOOD} {sentence}")] == [False, False]


@pytest.mark.parametrize("date", ["Mar 4, 2021 — ", "4 March 2021 · ", "3 days ago — "])
def test_a_date_before_an_excerpt_is_not_quoted(date: str) -> None:
    assert quoted(f"{date}{GOOD} Fewer will do in a mild winter ...") == [GOOD]


@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\u2062", "\ufeff", "\U000e0041", "\x01"])
def test_a_sentence_that_shows_its_reader_another_one_is_not_quoted(hidden: str) -> None:
    assert quoted(f"{GOOD} A colony needs {hidden}thgie kilograms of stores in all.") == [GOOD]


def test_a_list_of_works_is_not_quoted() -> None:
    works = (
        "[Hil79] Carl Hill and Anna Brown. A table of the weight of hives. Apiary Press in Leeds, April 2001.\n\n"
        "[JK02] H. Michael Ji and Carl Weiss. The weight of hives in every month of the year. Hive Press."
    )
    assert quoted(f"As Hill [Hil79] said, a colony needs stores.\n\n{works}\n\n{GOOD}") == [
        "As Hill [Hil79] said, a colony needs stores."
    ]


@given(st.text(alphabet=st.sampled_from("Aab. \n(\"'”1|-。!?e,"), max_size=300))
def test_what_is_quoted_stands_in_the_text(text: str) -> None:
    for sentence in quotable_sentences(f"{text} {GOOD} {text}\n{GOOD}{text}"):
        assert sentence.text in " ".join(f"{text} {GOOD} {text}\n{GOOD}{text}".split())
        assert len(sentence.text.split()) >= SHORTEST or "。" in sentence.text
