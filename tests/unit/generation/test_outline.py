import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.generation.outline import Outline, plan_outline
from chalicelib.generation.style import COMPARISON, STYLES, SUMMARY, TECHNICAL
from chalicelib.generation.topic import Topic

ZERO_TRUST = Topic("zero-trust networks")
SCADA = Topic("SCADA security", named=("NERC CIP compliance", "Network segmentation", "Incident response"))


def planned_words(outline: Outline) -> int:
    return outline.summary_words + sum(part.words for section in outline.sections for part in section.parts)


@given(st.sampled_from(STYLES), st.integers(800, 12_000), st.integers(150, 1500))
def test_the_parts_add_up_to_the_length(style: str, words: int, section_words: int) -> None:
    outline = plan_outline(ZERO_TRUST, style, words, section_words)
    assert 0.95 * words <= planned_words(outline) <= 1.15 * words


def test_a_long_section_is_written_in_several_requests() -> None:
    small = plan_outline(ZERO_TRUST, TECHNICAL, 5000, 200)
    large = plan_outline(ZERO_TRUST, TECHNICAL, 5000, 600)
    assert max(len(section.parts) for section in small.sections) == 3
    assert {len(section.parts) for section in large.sections} == {1}
    assert small.titles == large.titles


def test_the_users_own_sections_are_all_there_in_their_order() -> None:
    outline = plan_outline(SCADA, TECHNICAL, 4500, 600)
    assert [title for title in outline.titles if title in SCADA.named] == list(SCADA.named)


def test_the_users_own_sections_survive_in_a_short_report() -> None:
    titles = plan_outline(SCADA, SUMMARY, 500, 600).titles
    assert set(SCADA.named) <= set(titles)


def test_a_comparison_has_a_section_for_each_thing() -> None:
    outline = plan_outline(Topic("A versus B", compared=("Tea", "Coffee")), COMPARISON, 2500, 600)
    assert {"Tea", "Coffee"} <= set(outline.titles)


def test_every_part_asks_about_the_topic() -> None:
    outline = plan_outline(ZERO_TRUST, TECHNICAL, 5000, 200)
    assert all("zero-trust networks" in part.brief for section in outline.sections for part in section.parts)


@pytest.mark.parametrize("style", STYLES)
def test_titles_are_distinct(style: str) -> None:
    outline = plan_outline(Topic("x", compared=("Tea", "Coffee")), style, 12_000, 200)
    assert len(set(outline.titles)) == len(outline.titles)


def test_an_outline_is_read_back_as_it_was_stored() -> None:
    outline = plan_outline(SCADA, TECHNICAL, 4500, 300)
    assert Outline.from_json(outline.to_json()) == outline


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"topic": "x", "sections": [1], "summary_words": 3}'])
def test_what_is_not_an_outline_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the message comes from json or from us
        Outline.from_json(text)
