"""How the checker of citations reads numbers, dates, opposites and comparisons: pairs of source and sentence."""

from __future__ import annotations

import pytest

from chalicelib.generation.source_check import SourceText, verify

SAYS_IT = [
    (
        "Headache was more frequent in the treated group (12.5%) than in the placebo group (4.9%).",
        "Headache was reported by 12.5% of the treated group and 4.9% of the placebo group.",
    ),
    (
        "They lift up to 60 tonnes, twice as much as the older cranes.",
        "They lift 60 tonnes, which is twice what the older cranes lift.",
    ),
    (
        "The station went into operation in May 2022 at Lindau.",
        "The station at Lindau went into operation in May 2022.",
    ),
    ("The board met on 2022-05-03 and elected a chair.", "The board met on 3 May 2022 and elected a chair."),
    ("The board met on 03.06.2022 and elected a chair.", "On 3 June 2022 the board met and elected a chair."),
    ("The store is kept at −5 °C during winter.", "During winter the store is kept at -5 °C."),
    ("The training lasts 2½ hours.", "The training lasts 2.5 hours."),
    ("The training lasts 2½ hours.", "The training lasts two and a half hours."),
    ("Sales grew by 35%¹ in 2022² and then fell.", "In 2022 sales grew by 35%."),
    ("Der Umsatz des Unternehmens stieg im Jahr 2022 um 4,5 Prozent.", "Der Umsatz stieg 2022 um 4,5 Prozent."),
    ("The concert was attended by 10\u202f000 people.", "10,000 people attended the concert."),
    ("The reactor holds one million cells per litre.", "The reactor holds 10⁶ cells per litre."),
    ("Revenue was €4.2m in 2021.", "Revenue was 4.2 million euros in 2021."),
    ("Copper is heavier than aluminium.", "Aluminium is lighter than copper."),
    ("The hall is 350 m wide, and costs €4m a year.", "The hall, 350 metres wide, costs 4 million euros a year."),
]
SAYS_OTHERWISE = [
    (
        "Headache was more frequent in the treated group (12.5%) than in the placebo group (4.9%).",
        "Headache was reported by 4.9% of the treated group and 12.5% of the placebo group.",
    ),
    ("The trial was stopped in November.", "The trial was continued in November."),
    ("The station went into operation on 3 June 2022.", "The station went into operation on 3 May 2022."),
    ("The station went into operation in July at Lindau.", "The station at Lindau went into operation in May."),
    ("The store is kept at a temperature of 5 °C.", "The store is kept at a temperature of -5 °C."),
    ("The training lasts 2½ hours.", "The training lasts 2¼ hours."),
    ("Der Umsatz stieg 2022 um 4,5 Prozent.", "Der Umsatz stieg 2022 um 5,4 Prozent."),
    (
        "The concert was attended by 10 000 people in the harbour.",
        "The concert in the harbour was attended by 10 people.",
    ),
    ("The reactor holds 10⁶ cells per litre.", "The reactor holds 10⁹ cells per litre."),
    ("Version 2.1 fixes the error.", "Version 2.10 fixes the error."),
    ("The trial was stopped early.", "The trial was not stopped early."),
    ("Most users log in with a phone.", "All users log in with a phone."),
    ("The firewall blocks incoming traffic on port 23.", "The firewall allows incoming traffic on port 23."),
    ("The tests failed on Tuesday.", "The tests passed on Tuesday."),
    ("Men were affected more often than women.", "Women were affected more often than men."),
    ("Copper is heavier than aluminium.", "Copper is lighter than aluminium."),
    (
        # Many capitals, as contracts have them, do not make an English text German.
        "The Supplier and the Customer agree that the Software and the Manual go to the Customer in the City of Bern.",
        "The software goes to the customer in the city of Geneva.",
    ),
]


@pytest.mark.parametrize(("source", "sentence"), SAYS_IT)
def test_the_same_in_another_spelling_is_supported(source: str, sentence: str) -> None:
    assert verify(sentence, [SourceText(source)]).holds


@pytest.mark.parametrize(("source", "sentence"), SAYS_OTHERWISE)
def test_what_is_said_otherwise_is_not(source: str, sentence: str) -> None:
    assert verify(sentence, [SourceText(source)]).supported is False


def test_a_sentence_that_is_too_long_to_be_compared_whole_is_not_supported_by_its_beginning() -> None:
    true = "The pump moves water from the lake to the town, " * 30
    verdict = verify(
        f"{true}and it cost 99 million euros.", [SourceText("The pump moves water from the lake to the town.")]
    )
    assert verdict.supported is False
    assert verdict.reason == "it is too long to be compared"


def test_who_cites_everything_at_once_cites_nothing() -> None:
    sources = [SourceText(f"The pump number {number} moves water.") for number in range(40)]
    assert verify("The pump number 7 moves water.", sources[:9]).holds
    assert verify("The pump number 7 moves water.", sources).reason == "it cites 40 sources at once"


def test_the_end_of_a_long_list_without_stops_is_compared_too() -> None:
    source = SourceText(f"{'a pump, a hose, a valve, ' * 100} and 17 buckets of grey paint")
    assert verify("There are 17 buckets of grey paint.", [source]).holds
