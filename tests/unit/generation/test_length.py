import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.generation.length import (
    DEFAULT_WORDS,
    WORDS_PER_PAGE,
    AskedLength,
    Bound,
    asked_length,
    asked_words,
    target_length,
)
from chalicelib.generation.style import STYLES, SUMMARY, TECHNICAL

PIECES = (
    "4500|+| |-|words|word|pages|3|two|a|half|k|,|.|000|to|at least|no more than|per|the|thousand|1,000|book|\u0663"
)
LENGTH_LIKE = st.lists(st.sampled_from([*PIECES.split("|"), "9" * 40, "word count:"]), max_size=30).map("".join)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("a detailed 4500+ word analysis", 4500),
        ("in 5,000 words", 5000),
        ("comprehensive 5000+ word analysis", 5000),
        ("a 5000-word report", 5000),
        ("2.5k words on tea", 2500),
        ("a 5k-word essay", 5000),
        ("two thousand words", 2000),
        ("a thousand words on tea", 1000),
        ("1 500 words", 1500),
        ("10.000 W\u00f6rter \u00fcber Tee", 10_000),
        ("Word count: 2000", 2000),
        ("two pages on tea", 2 * WORDS_PER_PAGE),
        ("a 3-page report", 3 * WORDS_PER_PAGE),
        ("3 pages", 3 * WORDS_PER_PAGE),
        ("3 A4 pages", 3 * WORDS_PER_PAGE),
        ("on half a page", WORDS_PER_PAGE / 2),
        ("5 pages (2,500 words)", 2500),
    ],
)
def test_lengths_are_read_from_the_query(query: str, words: int) -> None:
    assert asked_words(query) == words


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("1,200-1,500 words on tea", 1350),
        ("between 1000 and 1500 words", 1250),
        ("about 1500 to 2000 words", 1750),
        ("2-3k words", 2500),
        ("3-4 pages", 3.5 * WORDS_PER_PAGE),
        ("two to three pages", 2.5 * WORDS_PER_PAGE),
    ],
)
def test_of_a_range_the_middle_is_taken(query: str, words: int) -> None:
    assert asked_words(query) == words


@pytest.mark.parametrize(
    ("query", "bound"),
    [
        ("4500+ words", Bound.AT_LEAST),
        ("at least 4,500 words", Bound.AT_LEAST),
        ("4500 words or more", Bound.AT_LEAST),
        ("more than 4500 words", Bound.AT_LEAST),
        ("no more than 4500 words", Bound.AT_MOST),
        ("up to 4500 words", Bound.AT_MOST),
        ("under 4500 words", Bound.AT_MOST),
        ("about 4500 words", Bound.ABOUT),
    ],
)
def test_a_bound_is_kept_with_a_margin(query: str, bound: Bound) -> None:
    assert asked_length(query) == AskedLength(4500, bound)
    aim = target_length(query, TECHNICAL, 16384).words
    assert {Bound.AT_LEAST: aim > 4500, Bound.AT_MOST: aim < 4500, Bound.ABOUT: aim == 4500}[bound]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("Summarize the 300-page standard in 800 words", 800),
        ("Summarise a 40-page contract in 2 pages", 2 * WORDS_PER_PAGE),
        ("Sections of 300 words each, 3,000 words in total", 3000),
        ("A 2000 word security manual review", 2000),
        ("Write a 10-page manual on bees", 10 * WORDS_PER_PAGE),
    ],
)
def test_the_length_of_the_report_is_told_from_others(query: str, words: int) -> None:
    assert asked_words(query) == words


@pytest.mark.parametrize(
    "query",
    [
        "Summarize the 300-page standard",
        "Review a 300-page book",
        "7 keywords",
        "the 2026 pageant",
        "16 words per cache line",
        "200 words per section",
        "a 1000 word vocabulary",
        "Design a page layout",
        "in your own words",
        "tea",
        "",
    ],
)
def test_other_numbers_are_not_lengths(query: str) -> None:
    assert asked_words(query) is None


@pytest.mark.parametrize("style", STYLES)
def test_without_a_wish_the_style_decides(style: str) -> None:
    assert target_length("tea", style, 16384).words == DEFAULT_WORDS[style]


def test_the_templates_own_length_comes_before_the_styles_and_after_the_users() -> None:
    assert target_length("tea", SUMMARY, 16384, template_default=2000).words == 2000
    assert target_length("tea in 700 words", SUMMARY, 16384, template_default=2000).words == 700


def test_the_templates_limit_cuts_a_wish_and_says_so() -> None:
    length = target_length("50,000 words on tea", TECHNICAL, 14000)
    assert length.words == 10000
    assert "50,000" in length.notice
    assert "10,000" in length.notice


def test_a_wish_within_the_limit_is_not_called_cut_because_of_its_margin() -> None:
    length = target_length("10,000+ words on tea", TECHNICAL, 14000)
    assert (length.words, length.notice) == (10000, "")


def test_the_templates_limit_cuts_a_default_silently() -> None:
    assert target_length("tea", TECHNICAL, 1400).words == 1000
    assert target_length("tea", TECHNICAL, 1400).notice == ""


@given(st.one_of(st.text(max_size=200), LENGTH_LIKE), st.integers(min_value=1, max_value=100_000))
def test_any_query_gets_a_length_that_fits(query: str, tokens: int) -> None:
    assert 150 <= target_length(query, TECHNICAL, tokens).words <= max(150, tokens / 1.4)


@pytest.mark.parametrize("piece", ["9", "9 ", "9-", "9,999,", "a ", "\t \t", "one two ", "the ", "half a "])
def test_a_hostile_query_is_read_quickly(piece: str) -> None:
    begun = time.perf_counter()
    asked_length(piece * (20_000 // len(piece)))
    assert time.perf_counter() - begun < 1
