import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.generation.outline import Outline, plan_outline
from chalicelib.generation.outline_styles import own_words
from chalicelib.generation.style import COMPARISON, STYLES, SUMMARY, TECHNICAL
from chalicelib.generation.topic import Topic

ZERO_TRUST = Topic("zero-trust networks")
SCADA = Topic("SCADA security", named=("NERC CIP compliance", "Network segmentation", "Incident response"))


def planned_words(outline: Outline) -> int:
    return outline.summary_words + sum(part.words for section in outline.sections for part in section.parts)


@given(st.sampled_from(STYLES), st.integers(800, 12_000), st.integers(150, 1500), st.integers(1, 32))
def test_the_parts_add_up_to_the_length(style: str, words: int, section_words: int, concurrency: int) -> None:
    outline = plan_outline(ZERO_TRUST, style, words, section_words, concurrency)
    assert 0.95 * words <= planned_words(outline) <= 1.15 * words


@pytest.mark.parametrize("style", STYLES)
def test_what_every_outline_asks_is_no_word_of_a_brief_s_own(style: str) -> None:
    outline = plan_outline(Topic("bees", named=("Swarming",)), style, 3000, 600)
    own = {own_words(part.brief) for section in outline.sections for part in section.parts}
    assert {word.strip("?.,:").casefold() for words in own for word in words.split()} <= {"bees", "swarming"}


def test_what_the_user_says_of_a_section_is_its_brief_s_own() -> None:
    topic = Topic("bees", named=("Swarming",), notes=("what it costs, and queen cells",))
    outline = plan_outline(topic, TECHNICAL, 1500, 600)
    (part,) = next(section.parts for section in outline.sections if section.title == "Swarming")
    assert "what it costs, and queen cells" in own_words(part.brief)


def test_a_short_report_leaves_no_room_for_a_summary() -> None:
    outline = plan_outline(ZERO_TRUST, SUMMARY, 300, 600)
    assert outline.summary_words == 0
    assert 290 <= planned_words(outline) <= 330


def test_a_long_section_is_written_in_several_requests() -> None:
    small = plan_outline(ZERO_TRUST, TECHNICAL, 5000, 200)
    large = plan_outline(ZERO_TRUST, TECHNICAL, 5000, 700)
    assert max(len(section.parts) for section in small.sections) == 3
    assert {len(section.parts) for section in large.sections} == {1}
    assert small.titles == large.titles


def test_the_users_own_sections_are_all_there_in_their_order() -> None:
    outline = plan_outline(SCADA, TECHNICAL, 4500, 600)
    assert [title for title in outline.titles if title in SCADA.named] == list(SCADA.named)


def test_the_users_own_sections_survive_in_a_short_report() -> None:
    titles = plan_outline(SCADA, SUMMARY, 500, 600).titles
    assert set(SCADA.named) <= set(titles)


def test_an_introduction_of_the_users_takes_the_place_of_the_styles() -> None:
    topic = Topic("tea", named=("Background and terms", "Trade", "Conclusions"))
    titles = plan_outline(topic, TECHNICAL, 3000, 600).titles
    assert titles[0] == "Background and terms"
    assert titles[-1] == "Conclusions"
    assert "Introduction" not in titles
    assert "Conclusion" not in titles


def test_a_structure_given_whole_gets_only_an_introduction_and_a_conclusion() -> None:
    topic = Topic("tea", named=("Trade", "Taste"), complete=True)
    assert plan_outline(topic, TECHNICAL, 3000, 600).titles == ("Introduction", "Trade", "Taste", "Conclusion")
    assert plan_outline(topic, TECHNICAL, 600, 600).titles == ("Trade", "Taste")


def test_what_the_user_said_about_a_section_reaches_its_brief() -> None:
    topic = Topic("tea", named=("Trade", "Taste"), notes=("routes and prices", ""))
    outline = plan_outline(topic, TECHNICAL, 3000, 600)
    (trade,) = [section for section in outline.sections if section.title == "Trade"]
    assert "routes and prices" in trade.parts[0].brief


def test_a_very_long_section_has_a_point_for_each_part() -> None:
    outline = plan_outline(Topic("tea", named=("Trade", "Taste"), complete=True), TECHNICAL, 8000, 600)
    assert max(part.words for section in outline.sections for part in section.parts) <= 750


def test_an_introduction_stays_short_in_a_long_report() -> None:
    outline = plan_outline(ZERO_TRUST, TECHNICAL, 12_000, 600)
    assert [part.words <= 450 for part in outline.sections[0].parts] == [True]


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
