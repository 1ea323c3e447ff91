"""What every engine promises, and single rules that the passages do not show."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.privacy.detect import Detection, rules, without_overlaps
from chalicelib.privacy.pii_type import PiiType
from tests.unit.privacy.labelled import passages

PASSAGES = [passage.text for name in ("tuned", "held_out") for passage in passages(name)]
SIGNS = st.text(alphabet="aAzZÄäİıßКи0123456789 .,:;@/-_+()[]{}<>|'\"=\n⟦⟧\u00a0田🙂", max_size=200)


def found(text: str) -> list[tuple[PiiType, str]]:
    return [(one.type, one.text) for one in rules().detect(text)]


@settings(max_examples=200, deadline=None)
@given(st.one_of(SIGNS, st.text(max_size=100), st.lists(st.sampled_from(PASSAGES), max_size=3).map("\n".join)))
def test_detections_are_in_order_apart_and_where_they_say(text: str) -> None:
    position = 0
    for one in rules().detect(text):
        assert position <= one.start < one.end
        assert text[one.start : one.end] == one.text
        assert 0 < one.confidence <= 1
        position = one.end


@pytest.mark.parametrize("before", ["", "İİİ ", "🙂 ", "ß\u0301 ", "\ud800 "])
def test_offsets_are_characters_whatever_stands_before(before: str) -> None:
    text = f"{before}mail anna@kern.example now"
    assert found(text) == [(PiiType.EMAIL, "anna@kern.example")]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(list(PiiType)), st.integers(0, 30), st.integers(1, 10)), max_size=12))
def test_what_overlaps_is_joined_and_nothing_is_uncovered(spans: list[tuple[PiiType, int, int]]) -> None:
    text = "x" * 40
    every = [Detection(kind, start, start + length, text[start : start + length], 0.5) for kind, start, length in spans]
    apart = without_overlaps(text, every)
    covered = {place for one in apart for place in range(one.start, one.end)}
    assert covered == {place for one in every for place in range(one.start, one.end)}
    assert all(one.end <= two.start for one, two in pairwise(apart))


@pytest.mark.parametrize(
    "text",
    [
        "Zero Trust and NERC CIP apply from May.",
        "Upgrade to 10.0.19045.3930; CVE-2021-44228 and RFC 9110 are named.",
        "SHA-1 da39a3ee5e6b4b0d3255bfef95601890afd80709, host mail02.eu-west.example.net",
        "Order 4500129987, batch 20240115-03, 1 200 000 requests, 2024-01-15.",
        "The Sarbanes-Oxley Act and the Max Planck Institute; Morgan Stanley paid.",
        "Hard-coded password: CWE-259, CWE-798/CWE-321. Credentials: CVE-2024-12345. The passcode is 6-digit.",
    ],
)
def test_what_only_looks_private_is_left(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Call 415-555-2671x204 now", "415-555-2671x204"),
        ("call (212) 736-5000 now", "(212) 736-5000"),
        ("reach us on +44 (0)20 7946 0958.", "+44 (0)20 7946 0958"),
    ],
)
def test_a_phone_number_is_found_whole(text: str, value: str) -> None:
    assert found(text) == [(PiiType.PHONE, value)]


@pytest.mark.parametrize("before", ["", "In 20 accounts ", "12 of 34 have IBAN "])
def test_an_iban_is_found_whatever_numbers_stand_before_it(before: str) -> None:
    text = f"{before}DE89 3704 0044 0532 0130 00 and 5 more"
    assert found(text) == [(PiiType.IBAN, "DE89 3704 0044 0532 0130 00")]


def test_two_numbers_with_a_plus_between_are_two() -> None:
    assert [value for _, value in found("+49 30 901820+49 30 901821")] == ["+49 30 901820", "+49 30 901821"]


def test_a_long_secret_is_found_whole() -> None:
    secret = "aB3x" * 200
    assert found(f"token: {secret} end") == [(PiiType.SECRET, secret)]


def test_the_engine_is_made_once() -> None:
    assert rules() is rules()
