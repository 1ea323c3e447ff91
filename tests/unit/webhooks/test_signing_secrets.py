"""Secrets of a subscription: new ones, and both valid for a day after a rotation."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

from chalicelib.webhooks.signing_secrets import SigningSecrets, new_secret

NOON = datetime(2026, 1, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)


def test_a_new_secret_is_256_random_bits_in_base64() -> None:
    first, second = new_secret(), new_secret()
    assert first != second
    assert first.startswith("whsec_")
    assert len(base64.b64decode(first.removeprefix("whsec_"), validate=True)) == 32


def test_after_a_rotation_both_are_valid_for_a_day() -> None:
    secrets = SigningSecrets("old").rotated("new", NOON)
    assert secrets.valid_at(NOON) == ("new", "old")
    assert secrets.valid_at(NOON + DAY - MOMENT) == ("new", "old")
    assert secrets.valid_at(NOON + DAY) == ("new",)


def test_a_second_rotation_does_not_cut_the_first_ones_day_short() -> None:
    evening = NOON + timedelta(hours=6)
    secrets = SigningSecrets("a").rotated("b", NOON).rotated("c", evening)
    assert secrets.valid_at(evening) == ("c", "b", "a")
    assert secrets.valid_at(NOON + DAY) == ("c", "b")
    assert secrets.valid_at(evening + DAY) == ("c",)


def test_what_is_over_is_dropped_and_the_number_is_bounded() -> None:
    secrets = SigningSecrets("0")
    for number in range(1, 10):
        secrets = secrets.rotated(str(number), NOON)
    assert secrets.valid_at(NOON) == ("9", "8", "7", "6")
    assert secrets.rotated("later", NOON + DAY).valid_at(NOON + DAY) == ("later", "9")


def test_secrets_do_not_show_in_logs() -> None:
    secrets = SigningSecrets("hidden-one").rotated("hidden-two", NOON)
    assert "hidden" not in repr(secrets)
