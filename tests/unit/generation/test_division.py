from hypothesis import given
from hypothesis import strategies as st

from chalicelib.generation.division import SHORTEST_SPLIT, STRETCH, divide

LENGTHS = st.lists(st.floats(60, 3000), min_size=1, max_size=20)
NINE_SECTIONS = [323.0, *[538.0] * 7, 323.0]


def test_nine_sections_on_eight_places_become_two_full_rounds() -> None:
    parts = divide(NINE_SECTIONS, [4] * 9, 600, concurrency=8)
    assert [len(section) for section in parts] == [1, 2, 2, 2, 2, 2, 2, 2, 1]
    assert len({words for section in parts for words in section}) == 1


def test_one_place_needs_no_more_requests_than_the_length_does() -> None:
    assert [len(section) for section in divide(NINE_SECTIONS, [4] * 9, 600, concurrency=1)] == [1] * 9


def test_sections_that_fit_in_one_round_are_not_cut() -> None:
    assert divide([400.0] * 8, [4] * 8, 600, concurrency=8) == [[400]] * 8


@given(LENGTHS, st.integers(1, 6), st.integers(300, 1500), st.integers(1, 32))
def test_the_length_stays_and_no_part_is_needlessly_long_or_short(
    lengths: list[float], most: int, section_words: int, concurrency: int
) -> None:
    parts = divide(lengths, [most] * len(lengths), section_words, concurrency)
    assert abs(sum(map(sum, parts)) - sum(lengths)) <= sum(map(len, parts))
    for words, section in zip(lengths, parts, strict=True):
        assert 1 <= len(section) <= most
        assert len(section) == 1 or section[0] >= 0.7 * SHORTEST_SPLIT
        longest = section_words * STRETCH * 1.4
        assert section[0] <= longest or len(section) == most or words < 2 * SHORTEST_SPLIT
