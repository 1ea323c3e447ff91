"""Signatures that receivers verify with what they have: the Standard Webhooks library, or our documentation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from chalicelib.webhooks.signatures import puck_headers, puck_signature, standard_headers
from chalicelib.webhooks.signing_secrets import new_secret
from tests.support.puck_verifier import is_genuine

# The example of the API's documentation.
EXAMPLE_SECRET = "whsec_example"
EXAMPLE_SECONDS = 1777818121
EXAMPLE_BODY = (
    b'{"event_id":"018f2e3a-1c47-7a12-b321-aabbccddeeff","event_type":"investigation.completed",'
    b'"emitted_at":"2026-05-03T14:22:01Z","api_version":"v1","data":{}}'
)
EXAMPLE_SIGNATURE = "bc3c3b6a4bed2543f82c03a940af6eb1791a5d5a60c059d49c3ff6f605ad5662"


def puck(body: bytes, secrets: list[str], sent_at: datetime) -> dict[str, str]:
    headers = puck_headers("evt_1", "investigation.completed", "dlv_1", sent_at, body, secrets)
    return {name.lower(): value for name, value in headers.items()}


def test_the_documented_example_has_the_documented_signature() -> None:
    assert puck_signature(EXAMPLE_SECRET, EXAMPLE_SECONDS, EXAMPLE_BODY) == EXAMPLE_SIGNATURE


def test_the_headers_of_the_documented_example() -> None:
    sent_at = datetime.fromtimestamp(EXAMPLE_SECONDS, UTC)
    assert puck_headers("evt_1", "investigation.completed", "dlv_1", sent_at, EXAMPLE_BODY, [EXAMPLE_SECRET]) == {
        "X-Puck-Signature": f"t={EXAMPLE_SECONDS},v1={EXAMPLE_SIGNATURE}",
        "X-Puck-Event-Id": "evt_1",
        "X-Puck-Event-Type": "investigation.completed",
        "X-Puck-Delivery-Id": "dlv_1",
    }


@given(st.binary(max_size=200))
def test_a_puck_webhook_verifies_with_either_secret_while_one_replaces_the_other(body: bytes) -> None:
    sent_at = datetime.now(UTC)
    headers = puck(body, ["whsec_new", "whsec_old"], sent_at)
    assert is_genuine("whsec_new", headers, body, sent_at.timestamp())
    assert is_genuine("whsec_old", headers, body, sent_at.timestamp())
    assert not is_genuine("whsec_other", headers, body, sent_at.timestamp())
    assert not is_genuine("whsec_new", headers, body + b" ", sent_at.timestamp())


@pytest.mark.parametrize(("age", "genuine"), [(0, True), (299, True), (-299, True), (302, False), (-302, False)])
def test_a_puck_webhook_is_good_for_300_seconds(age: int, genuine: bool) -> None:
    sent_at = datetime.now(UTC)
    headers = puck(b"{}", ["whsec_a"], sent_at)
    assert is_genuine("whsec_a", headers, b"{}", sent_at.timestamp() + age) is genuine


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=100))
def test_a_standard_webhook_verifies_with_either_secret_while_one_replaces_the_other(text: str) -> None:
    new, old = new_secret(), new_secret()
    headers = standard_headers("evt_1", datetime.now(UTC), text.encode(), [new, old])
    for secret in (new, old):
        Webhook(secret).verify(text.encode(), headers, json_parse=False)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(text.encode(), headers, json_parse=False)
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify(text.encode() + b" ", headers, json_parse=False)


def test_a_standard_signature_holds_for_its_id_and_its_time_only() -> None:
    secret = new_secret()
    headers = standard_headers("evt_1", datetime.now(UTC), b"{}", [secret])
    for altered in ({"webhook-id": "evt_2"}, {"webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)}):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(b"{}", headers | altered)


def test_the_time_of_a_standard_webhook_is_the_moment_in_any_zone() -> None:
    moment = datetime(2026, 1, 20, 15, 30, 0, 900_000, tzinfo=timezone(timedelta(hours=5)))
    secret = new_secret()
    headers = standard_headers("evt_1", moment, b"{}", [secret])
    assert headers["webhook-timestamp"] == str(int(datetime(2026, 1, 20, 10, 30, tzinfo=UTC).timestamp()))
    assert headers == standard_headers("evt_1", moment.astimezone(UTC), b"{}", [secret])


def test_an_old_standard_webhook_is_no_longer_taken() -> None:
    secret = new_secret()
    headers = standard_headers("evt_1", datetime.now(UTC) - timedelta(minutes=6), b"{}", [secret])
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(secret).verify(b"{}", headers)
