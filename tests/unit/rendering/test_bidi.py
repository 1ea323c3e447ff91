"""Levels and visual order of text of both directions, against the rules of UAX #9."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.rendering.bidi import embedding_levels, has_right_to_left, visual_order

ALEF, BET, GIMEL = "\u05d0\u05d1\u05d2"
ARABIC_TEN = "\u0661\u0660"


def seen(text: str, base: int | None = None) -> str:
    """Return ``text`` in the order in which it is seen, from left to right."""
    return "".join(text[index] for index in visual_order(embedding_levels(text, base).levels))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abc 12", "abc 12"),
        (f"{ALEF}{BET}{GIMEL}", f"{GIMEL}{BET}{ALEF}"),
        (f"abc {ALEF}{BET} def", f"abc {BET}{ALEF} def"),
        (f"{ALEF}{BET} abc {GIMEL}", f"{GIMEL} abc {BET}{ALEF}"),
        (f"{ALEF} 12 {BET}", f"{BET} 12 {ALEF}"),
        (f"{ALEF} 12.5% {BET}", f"{BET} 12.5% {ALEF}"),
        (f"{ALEF} 12-03 {BET}", f"{BET} 12-03 {ALEF}"),
        (f"\u0627 {ARABIC_TEN} \u0628", f"\u0628 {ARABIC_TEN} \u0627"),
        (f"{ALEF} (abc) {BET}.", f".{BET} )abc( {ALEF}"),  # the brackets are mirrored when they are drawn
        (f"abc ({ALEF}{BET}) def", f"abc ({BET}{ALEF}) def"),
        (f"{ALEF}, {BET} 3", f"3 {BET} ,{ALEF}"),
        (f"abc \u2067{ALEF} 1\u2069 def", f"abc 1 {ALEF} def"),
    ],
)
def test_text_is_seen_in_the_order_of_the_standard(text: str, expected: str) -> None:
    assert seen(text).replace("\u2067", "").replace("\u2069", "") == expected


def test_the_first_letter_decides_where_a_paragraph_begins() -> None:
    assert embedding_levels(f"1. {ALEF} abc").base == 1
    assert embedding_levels(f"1. abc {ALEF}").base == 0
    assert embedding_levels(f"{ALEF}", base=0).base == 0


def test_what_has_no_level_of_its_own_stays_with_what_it_follows() -> None:
    assert embedding_levels("\u0645\u06cc\u200c\u062e").levels == [1, 1, 1, 1]


@given(st.text(alphabet=f"ab {ALEF}{BET}\u062712\u0661(),.%\u200c\u200d\u2067\u2069\n", max_size=40))
def test_every_character_has_a_level_and_a_place(text: str) -> None:
    levels = embedding_levels(text).levels
    assert len(levels) == len(text)
    assert sorted(visual_order(levels)) == list(range(len(text)))


@given(st.lists(st.integers(0, 5), max_size=30))
def test_visual_order_of_even_levels_alone_is_reading_order_where_no_level_is_odd(levels: list[int]) -> None:
    even = [level * 2 for level in levels]
    assert visual_order(even) == list(range(len(even)))


@pytest.mark.parametrize(("text", "expected"), [("abc é 中", False), ("a\u05d0", True), ("a\u200f", True), ("", False)])
def test_only_text_with_right_to_left_letters_or_controls_needs_levels(text: str, expected: bool) -> None:
    assert has_right_to_left(text) is expected
