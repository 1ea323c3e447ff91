"""Which events a subscription wants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

SEVERITIES: Final = ("low", "medium", "high", "critical")


@dataclass(frozen=True)
class SubscriptionFilter:
    """Events by name, by severity and by tags.

    An event that has no severity passes ``min_severity``, and one that has no tags passes ``tags``.
    """

    events: frozenset[str]
    min_severity: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def wants(self, event_type: str, data: Mapping[str, Any]) -> bool:
        """Return whether an event with this data is to be sent."""
        return event_type in self.events and self._is_grave_enough(data) and self._has_tags(data)

    def _is_grave_enough(self, data: Mapping[str, Any]) -> bool:
        severity = data.get("severity")
        if self.min_severity is None or severity is None:
            return True
        return SEVERITIES.index(severity) >= SEVERITIES.index(self.min_severity)

    def _has_tags(self, data: Mapping[str, Any]) -> bool:
        tags = data.get("tags")
        return tags is None or self.tags.items() <= tags.items()
