"""Which events a subscription gets."""

from __future__ import annotations

import pytest

from chalicelib.webhooks.subscription_filter import SEVERITIES, SubscriptionFilter

FOUND = frozenset({"finding.discovered"})


def test_only_named_events_are_wanted() -> None:
    subscription = SubscriptionFilter(FOUND)
    assert subscription.wants("finding.discovered", {})
    assert not subscription.wants("investigation.queued", {})


@pytest.mark.parametrize("least", SEVERITIES)
@pytest.mark.parametrize("severity", SEVERITIES)
def test_an_event_is_at_least_as_grave_as_asked(least: str, severity: str) -> None:
    wanted = SubscriptionFilter(FOUND, min_severity=least).wants("finding.discovered", {"severity": severity})
    assert wanted is (SEVERITIES.index(severity) >= SEVERITIES.index(least))


@pytest.mark.parametrize("data", [{}, {"severity": None}])
def test_an_event_without_a_severity_passes(data: dict[str, None]) -> None:
    assert SubscriptionFilter(FOUND, min_severity="critical").wants("finding.discovered", data)


@pytest.mark.parametrize(
    ("tags", "wanted"),
    [
        ({"env": "prod", "site": "a"}, True),
        ({"env": "prod"}, True),
        ({"env": "test"}, False),
        ({}, False),
        (None, True),
    ],
)
def test_an_event_with_tags_has_all_that_are_asked_for(tags: dict[str, str] | None, wanted: bool) -> None:
    data = {} if tags is None else {"tags": tags}
    assert SubscriptionFilter(FOUND, tags={"env": "prod"}).wants("finding.discovered", data) is wanted
