"""What is kept of a finished report for its conversation: the beginning of its executive summary, bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.document import Document, Paragraph, Section, Text
from chalicelib.domain.summary import MAX_SUMMARY_CHARACTERS, summary_of


def document(*sections: tuple[str, str, bool]) -> Document:
    return Document(
        report_id="r",
        title="T",
        created_at="2026-01-20T15:30:00Z",
        model="m",
        sections=tuple(
            Section(
                id=title, title=title, blocks=(Paragraph(children=(Text(text=text),)),) if text else (), degraded=bad
            )
            for title, text, bad in sections
        ),
    )


def test_a_short_executive_summary_is_kept_whole() -> None:
    assert summary_of(document(("Executive Summary", "All is well.", False), ("A", "More.", False))) == "All is well."


def test_a_long_one_ends_after_a_whole_sentence() -> None:
    sentence = "Segmentation limits what an intruder reaches. "
    found = summary_of(document(("Executive Summary", sentence * 60, False)))
    assert len(found) <= MAX_SUMMARY_CHARACTERS
    assert found.endswith("reaches.")


def test_what_could_not_be_written_is_passed_over() -> None:
    found = summary_of(
        document(("Executive Summary", "This part could not be written: x.", True), ("A", "Good.", False))
    )
    assert found == "Good."


def test_a_document_without_text_has_none() -> None:
    assert summary_of(document()) == summary_of(document(("A", "", False))) == ""


@pytest.mark.parametrize("at_most", range(30, 90))
def test_a_private_value_is_not_cut(at_most: int) -> None:
    values = ("Dr. Maren Osterwald", "12 Harbour Road, Husum")
    text = f"Bees were kept by {values[0]} at {values[1]}. Nobody else did."
    found = summary_of(document(("Executive Summary", text, False)), at_most, lambda _: values)
    assert text.startswith(found)
    rest = found
    for value in values:
        rest = rest.replace(value, "")
    assert not any(word in rest for word in ("Dr.", "Maren", "Oster", "12", "Harbour", "Hus")), found


def test_a_long_word_less_text_is_cut_before_a_private_value() -> None:
    found = summary_of(document(("A", "养蜂人" * 5 + "王小明" + "说" * 9, False)), 17, lambda _: ["王小明"])
    assert found == "养蜂人" * 5


@given(st.text(max_size=400), st.integers(1, 100))
def test_it_is_always_a_beginning_within_the_bound(text: str, at_most: int) -> None:
    found = summary_of(document(("Executive Summary", text, False)), at_most)
    assert len(found) <= at_most
    assert text.strip().startswith(found)
