"""Tokens that need no map: the same for the same value and key, and telling nothing of either."""

from __future__ import annotations

import re

import pytest

from chalicelib.privacy.detect import rules
from chalicelib.privacy.keyed_tokens import KeyedTokens

KEY, OTHER = b"k" * 32, b"o" * 32
TEXT = "Dr. Jane Miller wrote to jane.miller@example.com on Monday. Later Jane Miller called +49 30 901820."


def scrambled(text: str, key: bytes = KEY) -> str:
    return KeyedTokens(key, rules()).scramble(text)


def test_no_value_is_left_and_all_else_is() -> None:
    told = scrambled(TEXT)
    assert not [value for value in ("Jane", "Miller", "example.com", "901820") if value in told]
    assert "wrote to" in told
    assert "on Monday" in told


def test_the_same_value_has_the_same_token_in_any_text_at_any_time() -> None:
    token = re.search("⟦EMAIL_[0-9a-f]{16}⟧", scrambled(TEXT))
    assert token
    assert token[0] in scrambled("Who is JANE.MILLER@example.com?")
    assert token[0] not in scrambled("Who is john.miller@example.com?")


def test_another_key_gives_other_tokens() -> None:
    assert not set(re.findall("⟦.*?⟧", scrambled(TEXT))) & set(re.findall("⟦.*?⟧", scrambled(TEXT, OTHER)))


def test_what_one_part_tells_of_a_name_holds_in_the_others() -> None:
    keyed = KeyedTokens(KEY, rules())
    keyed.learn("The patient, Ms. Anke Brodowski, was seen on Monday.")
    assert "Brodowski" not in keyed.scramble("brodowski improved; Anke Brodowski left.").replace("brodowski", "")


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        KeyedTokens(b"short", rules())


@pytest.mark.parametrize("cut", range(len("Write to jane.miller@example.com or call +49 30 901820 today.")))
def test_a_value_that_is_cut_in_two_is_in_neither_part(cut: int) -> None:
    text = "Write to jane.miller@example.com or call +49 30 901820 today."
    keyed = KeyedTokens(KEY, rules())
    first, second = keyed.scramble(text[:cut], "", text[cut:]), keyed.scramble(text[cut:], text[:cut])
    for part in (first, second):
        assert not [piece for piece in ("jane", "miller", "exam", "90", "82") if piece in re.sub("⟦.*?⟧", "", part)]
    assert re.sub("⟦.*?⟧", "", first + second) == "Write to  or call  today."
