"""The checker of citations, on sentences that were labelled by hand; a third of them it was never tuned on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from chalicelib.generation.source_check import SourceText, touches, verify


class Labelled(NamedTuple):
    source: SourceText
    sentence: str
    is_supported: bool
    kind: str


def labelled(name: str) -> Iterator[Labelled]:
    source = SourceText("")
    title, lines = "", [*(Path(__file__).parent / "claims" / name).read_text(encoding="utf-8").splitlines(), "SOURCE "]
    text: list[str] = []
    for line in lines:
        if line.startswith("SOURCE "):
            title, text = line.removeprefix("SOURCE "), []
        elif line[:2] in ("+ ", "- "):
            source = SourceText("\n".join(text), title) if text else source
            text = []
            kind, _, sentence = line[2:].partition(": ")
            yield Labelled(source, sentence, line[0] == "+", kind)
        elif line and not line.startswith("#"):
            text.append(line)


def rates(name: str) -> tuple[float, float, float, float]:
    """Return precision and recall of what is flagged, and of what is kept."""
    found = [(one.is_supported, verify(one.sentence, [one.source]).holds) for one in labelled(name)]
    flagged = sum(not said for _, said in found)
    wrong = sum(not is_so for is_so, _ in found)
    hits = sum(not is_so and not said for is_so, said in found)
    kept = sum(is_so and said for is_so, said in found)
    return hits / flagged, hits / wrong, kept / (len(found) - flagged), kept / (len(found) - wrong)


def test_there_are_enough_of_both() -> None:
    tuned, held_out = list(labelled("tuned.txt")), list(labelled("held_out.txt"))
    assert len(tuned) >= 170
    assert len(held_out) >= 0.3 * (len(tuned) + len(held_out))
    assert min(sum(one.is_supported for one in held_out), sum(not one.is_supported for one in held_out)) >= 30


def test_what_it_was_tuned_on_is_judged_rightly() -> None:
    precision, recall, kept_precision, kept_recall = rates("tuned.txt")
    assert precision >= 0.96
    assert recall >= 0.96
    assert kept_precision >= 0.94
    assert kept_recall >= 0.94


def test_what_it_was_not_tuned_on_is_judged_well() -> None:
    precision, recall, kept_precision, kept_recall = rates("held_out.txt")
    assert precision >= 0.85
    assert recall >= 0.85
    assert kept_precision >= 0.78
    assert kept_recall >= 0.78


PUMPS = SourceText(
    "The pump station at Lindau went into operation in 2022. It lowered the use of electricity by 35 percent.", "Pumps"
)


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("It lowered the use of electricity by 53 percent.", "the number 53 does not stand there"),
        ("The pump station at Bregenz went into operation in 2022.", "“Bregenz” does not stand there"),
        ("It raised the use of electricity by 35 percent.", "there it is “lowered”, not “raised”"),
        ("The pump station did not go into operation.", "“go” is not denied there"),
    ],
)
def test_the_reason_is_said(sentence: str, reason: str) -> None:
    verdict = verify(sentence, [PUMPS])
    assert verdict.supported is False
    assert verdict.reason == reason


def test_a_source_that_has_nothing_to_do_with_a_sentence_is_told() -> None:
    assert touches("The pump station uses less electricity.", PUMPS)
    assert not touches("Queens are marked with a dot of colour.", PUMPS)


def test_other_languages_are_compared_by_numbers_and_words() -> None:
    german = SourceText("Das Pumpwerk in Lindau ging 2022 in Betrieb. Es senkte den Stromverbrauch um 35 Prozent. " * 2)
    assert verify("Das Pumpwerk in Lindau ging 2022 in Betrieb.", [german]).holds
    assert not verify("Es senkte den Stromverbrauch um 53 Prozent.", [german]).holds
    chinese = SourceText("林道泵站于2022年投入运行。它使用电量减少了35%。")
    assert verify("泵站于2022年投入运行。", [chinese]).holds
    assert not verify("泵站于2021年投入运行。", [chinese]).holds


@pytest.mark.parametrize(
    "text",
    [
        "not no never ",
        "12 345 % ",
        "the supplier informs the customer ",
        "Aa Bb ",
        "a, b; ",
        "1,",
        "1-",
        "9",
        "10¹²",
        "\ufdfa",
    ],
)
def test_hostile_sentences_and_sources_take_no_time(text: str) -> None:
    whole = "The supplier informs the customer of 12 345 things, and never of Aa. "
    sources = [SourceText(text * (100_000 // len(text)), text * 100), SourceText(whole * 1_500)]
    started = time.process_time()
    verify((text * 1_000)[:1_190], sources)
    verify(whole, sources)
    assert time.process_time() - started < 5
