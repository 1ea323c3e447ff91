"""What a webhook of the investigation API says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chalicelib.webhooks.envelopes import body_of
from chalicelib.webhooks.investigation_envelopes import (
    MAX_TEXT_CHARACTERS,
    cancelled_data,
    completed_data,
    discovered_data,
    failed_data,
    investigation_envelope,
    queued_data,
    regenerated_data,
    shortened,
)


def test_the_envelope_is_the_documented_one_to_the_byte() -> None:
    envelope = investigation_envelope(
        "018f2e3a-1c47-7a12-b321-aabbccddeeff",
        "investigation.completed",
        datetime(2026, 5, 3, 14, 22, 1, 999999, tzinfo=UTC),
        {},
    )
    assert body_of(envelope) == (
        b'{"event_id":"018f2e3a-1c47-7a12-b321-aabbccddeeff","event_type":"investigation.completed",'
        b'"emitted_at":"2026-05-03T14:22:01Z","api_version":"v1","data":{}}'
    )


def test_a_queued_investigation_has_the_documented_fields() -> None:
    assert queued_data("inv_1", "who?", {"type": "fleet"}, "2026-05-03T14:22:01.000000Z") == {
        "investigation_id": "inv_1",
        "query": "who?",
        "scope": {"type": "fleet"},
        "severity": None,
        "queued_at": "2026-05-03T14:22:01Z",
    }


def test_a_completed_investigation_has_the_documented_fields() -> None:
    assert completed_data("inv_1", "who?", "high", 3, "Three hosts.") == {
        "investigation_id": "inv_1",
        "query": "who?",
        "severity": "high",
        "finding_count": 3,
        "summary": "Three hosts.",
    }


def test_the_other_ends_of_an_investigation() -> None:
    assert failed_data("inv_1", "who?", "no_connected_agents") == {
        "investigation_id": "inv_1",
        "query": "who?",
        "severity": None,
        "reason": "no_connected_agents",
    }
    assert cancelled_data("inv_1", "who?") == {"investigation_id": "inv_1", "query": "who?", "severity": None}


def test_a_discovered_finding_is_told_with_where_it_was() -> None:
    nodes = [{"node_id": "n1", "type": "host", "name": "db1"}]
    data = discovered_data(
        "fnd_1", "inv_1", "Open port", "22 is open", "low", 0.9, nodes, {"env": "prod"}, "2026-05-03T14:22:01.000000Z"
    )
    assert data == {
        "finding_id": "fnd_1",
        "investigation_id": "inv_1",
        "title": "Open port",
        "summary": "22 is open",
        "severity": "low",
        "confidence": 0.9,
        "nodes": nodes,
        "tags": {"env": "prod"},
        "discovered_at": "2026-05-03T14:22:01Z",
    }


def test_a_regenerated_report_keeps_the_milliseconds_of_its_version() -> None:
    data = regenerated_data("inv_1", "job_1", 2, "high", "2026-05-03T14:22:01.123Z", "One finding more.")
    assert data == {
        "investigation_id": "inv_1",
        "job_id": "job_1",
        "version": 2,
        "severity": "high",
        "generated_at": "2026-05-03T14:22:01.123Z",
        "change_summary": "One finding more.",
    }


@pytest.mark.parametrize("length", [0, MAX_TEXT_CHARACTERS])
def test_a_text_that_fits_is_whole(length: int) -> None:
    assert shortened("é" * length) == "é" * length


def test_a_text_that_is_longer_says_so() -> None:
    text = completed_data("inv_1", "q", "low", 0, "é" * (MAX_TEXT_CHARACTERS + 1))["summary"]
    assert len(text) == MAX_TEXT_CHARACTERS
    assert text.endswith("é…")
