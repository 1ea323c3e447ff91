"""Paths and queries of requests about webhooks, of both APIs, checked and typed. Bodies are in ``webhook_bodies``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from chalicelib.api.problems import ProblemError, invalid
from chalicelib.domain.webhook import DELIVERY_STATUSES, DeliveryStatus
from chalicelib.webhooks.target import TargetError

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 100
_DIGITS: Final = "[0-9abcdefghjkmnpqrstvwxyz]{26}"
_SUBSCRIPTION: Final = re.compile(rf"sub_{_DIGITS}")
_REPORT: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_DELIVERY: Final = re.compile(rf"dlv_{_DIGITS}")


@dataclass(frozen=True)
class DeliveriesQuery:
    """The query string of a list of deliveries; ``before`` is the id at which the page before ended."""

    limit: int
    status: DeliveryStatus | None
    before: str | None


def is_subscription_id(given: str) -> bool:
    """Tell whether a text has the form of a subscription's id."""
    return _SUBSCRIPTION.fullmatch(given) is not None


def is_report_id(given: str) -> bool:
    """Tell whether a text has the form of the id of a report, whose own webhook has it, too."""
    return _REPORT.fullmatch(given) is not None


def is_delivery_id(given: str) -> bool:
    """Tell whether a text has the form of a delivery's id."""
    return _DELIVERY.fullmatch(given) is not None


@dataclass(frozen=True)
class SubscriptionsQuery:
    """The query string of a list of subscriptions; ``before`` is the id at which the page before ended."""

    limit: int
    before: str | None


def parse_deliveries_query(
    query: Mapping[str, str], most: int = MAX_LIMIT, usual: int = DEFAULT_LIMIT
) -> DeliveriesQuery:
    """Return the query of a list of deliveries; an empty value counts as absent.

    Args:
        query: as it came.
        most: the greatest limit.
        usual: the limit where none is given.

    Raises:
        ProblemError: 400 about the field that is malformed.
    """
    limit = _limit(query, most, usual)
    return DeliveriesQuery(limit, _status(query.get("status") or None), _cursor(query, is_delivery_id))


def parse_subscriptions_query(query: Mapping[str, str], most: int, usual: int) -> SubscriptionsQuery:
    """Return the query of a list of subscriptions, as :func:`parse_deliveries_query`.

    Raises:
        ProblemError: 400 about the field that is malformed.
    """
    return SubscriptionsQuery(_limit(query, most, usual), _cursor(query, is_subscription_id))


def _limit(query: Mapping[str, str], most: int, usual: int) -> int:
    raw = query.get("limit") or str(usual)
    if not re.fullmatch(r"[0-9]{1,9}", raw) or not 1 <= int(raw) <= most:
        raise invalid("limit", f"must be a whole number from 1 to {most}")
    return int(raw)


def _cursor(query: Mapping[str, str], is_id: Callable[[str], bool]) -> str | None:
    cursor = query.get("cursor") or None
    if cursor is not None and not is_id(cursor):
        raise invalid("cursor", "must be the next_cursor of an earlier answer")
    return cursor


def _status(given: str | None) -> DeliveryStatus | None:
    known = next((status for status in DELIVERY_STATUSES if status == given), None)
    if known != given:
        raise invalid("status", f"must be one of {', '.join(DELIVERY_STATUSES)}")
    return known


def refused_target(error: TargetError, field: str = "url") -> ProblemError:
    """Return the 400 about a URL that no webhook is sent to."""
    return invalid(field, str(error))
