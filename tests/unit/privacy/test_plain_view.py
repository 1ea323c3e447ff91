"""What a reader cannot see in a text does not keep a private value from being found."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.privacy.detect import rules
from chalicelib.privacy.plain_view import plain_view
from chalicelib.privacy.tokens import Scrambler, TokenMap

ODD = st.text(alphabet="aeé\u0301\u0300\u00ad\u200b\u00a0\u3000０１＠ａ．٣४-\u2011 .@1Ä日\ufeff", max_size=60)


@settings(max_examples=300, deadline=None)
@given(ODD)
def test_every_part_of_the_plain_form_has_its_place(text: str) -> None:
    view = plain_view(text)
    assert len(view.text) <= len(text)
    places = [view.span(place, place)[0] for place in range(len(view.text) + 1)]
    assert places == sorted(set(places))
    assert places[-1] == len(text)


@settings(max_examples=200, deadline=None)
@given(ODD, ODD)
def test_what_is_odd_comes_back_as_it_was(before: str, after: str) -> None:
    scrambler = Scrambler(TokenMap(), rules())
    text = f"{before} Anna\u00a0Kern, an\u200bna@kern.example {after}"
    assert scrambler.restore(scrambler.scramble(text)).text == text


@pytest.mark.parametrize(
    "value",
    [
        "Anna\u00a0Kern",
        "Anna Ker\u00adn",
        "An\u200bna Kern",
        "Jose\u0301 Garci\u0301a",
        "an\u200bna@kern.example",
        "ａｎｎａ＠ｋｅｒｎ．ｅｘａｍｐｌｅ",
        "anna.kern%40kern.example",
        "anna&#64;kern.example",
        r"anna\u0040kern.example",
        "anna [at] kern.example",
        "+49\u202f30\u202f901820",
        "+٩٦٦ ٥٠ ١٢٣ ٤٥٦٧",
        "＋４９ ３０ ９０１８２０",
    ],
)
def test_a_value_is_found_however_it_is_encoded(value: str) -> None:
    assert [one.text for one in rules().detect(f"Ask: {value}; then go on.")] == [value]


@pytest.mark.parametrize(
    "text", ["电话是13812345678，谢谢", "전화 010-1234-5678로", "電話０３－１２３４－５６７８です"]
)
def test_a_number_is_found_between_letters_that_need_no_spaces(text: str) -> None:
    assert [one.type for one in rules().detect(text)] == ["phone"]
