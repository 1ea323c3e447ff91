"""Time as the service writes it: UTC, ISO 8601, with ``Z``."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """Return ``moment`` with microseconds; such texts sort as the moments do."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_stamp(text: str) -> datetime:
    """Return the moment that ``stamp`` wrote.

    Raises:
        ValueError: ``text`` is not such a time.
    """
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def public_time(text: str | None) -> str | None:
    """Return a stored time as the API shows it, to the second: ``2026-01-20T15:30:00Z``."""
    return f"{text[:19]}Z" if text else None


def day(moment: datetime) -> str:
    """Return the UTC day of ``moment`` as ``2026-01-20``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d")


def millisecond_stamp(moment: datetime) -> str:
    """Return ``moment`` cut to milliseconds; such texts sort as the moments do, and ``parse_stamp`` reads them."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
