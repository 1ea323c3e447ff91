import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.generation.length import DEFAULT_WORDS, WORDS_PER_PAGE, asked_words, target_length
from chalicelib.generation.style import SUMMARY, TECHNICAL


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("a detailed 4500+ word analysis", 4500),
        ("in 5,000 words", 5000),
        ("comprehensive 5000+ word analysis", 5000),
        ("a 5000-word report", 5000),
        ("2.5k words on tea", 2500),
        ("1,200-1,500 words on tea", 1500),
        ("two pages on tea", 2 * WORDS_PER_PAGE),
        ("a 3-page report", 3 * WORDS_PER_PAGE),
        ("3 pages", 3 * WORDS_PER_PAGE),
        ("Summarize the 300-page standard in 800 words", 800),
    ],
)
def test_lengths_are_read_from_the_query(query: str, words: int) -> None:
    assert asked_words(query) == words


@pytest.mark.parametrize("query", ["Summarize the 300-page standard", "7 keywords", "the 2026 pageant", "tea"])
def test_other_numbers_are_not_lengths(query: str) -> None:
    assert asked_words(query) is None


def test_without_a_wish_the_style_decides() -> None:
    assert target_length("tea", SUMMARY, 16384).words == DEFAULT_WORDS[SUMMARY]


def test_the_templates_limit_cuts_a_wish_and_says_so() -> None:
    length = target_length("50,000 words on tea", TECHNICAL, 14000)
    assert length.words == 10000
    assert "50,000" in length.notice
    assert "10,000" in length.notice


def test_the_templates_limit_cuts_a_default_silently() -> None:
    assert target_length("tea", TECHNICAL, 1400).words == 1000
    assert target_length("tea", TECHNICAL, 1400).notice == ""


@given(st.text(max_size=200), st.integers(min_value=1, max_value=100_000))
def test_any_query_gets_a_length_that_fits(query: str, tokens: int) -> None:
    assert 150 <= target_length(query, TECHNICAL, tokens).words <= max(150, tokens / 1.4)
