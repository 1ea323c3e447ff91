"""What a conversation keeps of a report: a summary that is cut, but not in the middle of what is private."""

from __future__ import annotations

import pytest

from chalicelib.domain.document import Document, Paragraph, Section, Text
from chalicelib.domain.summary import MAX_SUMMARY_CHARACTERS
from chalicelib.generation.scrambling import Unscrambled
from chalicelib.generation.told_later import told_later
from tests.support.scrambled import scrambled

NAME, MAIL = "Katharina Hohenberg", "k.hohenberg@example.org"


def document(text: str) -> Document:
    section = Section(id="s", title="S", blocks=(Paragraph(children=(Text(text=text),)),))
    return Document(
        report_id="r", title=f"On {MAIL}", created_at="2026-01-20T15:30:00Z", model="m", sections=(section,)
    )


@pytest.mark.parametrize("before", range(MAX_SUMMARY_CHARACTERS - 20, MAX_SUMMARY_CHARACTERS + 3))
def test_a_summary_ends_before_a_private_value_that_it_has_no_room_for(before: int) -> None:
    texts = scrambled()
    texts.learn([f"The keeper is Mrs. {NAME}.", f"Write to {MAIL}."])
    summary, private = told_later(document(f"{'x' * (before - 1)} {NAME} keeps bees and has done so for long."), texts)
    assert 700 < len(summary) <= MAX_SUMMARY_CHARACTERS
    assert ("Katharina" in summary) == (NAME in summary)
    assert (("person", NAME) in private) == (NAME in summary)
    assert ("email", MAIL) in private


def test_a_report_that_is_not_scrambled_is_cut_anywhere_between_words() -> None:
    summary, private = told_later(document(f"{'x' * 1485} {NAME} keeps bees."), Unscrambled())
    assert summary.endswith("x Katharina")
    assert private == ()
