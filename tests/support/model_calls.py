"""What the scripted model was asked for, read from its record."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from tests.model_server.script import Received

_PART = re.compile(r"^Write the part “([^”]+)”(?: of the section “([^”]+)”)?", re.MULTILINE)


def part_of(request: Received) -> str | None:
    """Return which part of a report a request asks for; None for plans, summaries and the rest of an answer."""
    messages = request.body.get("messages") or [{}]
    found = _PART.search(str(messages[-1].get("content")))
    return " / ".join(filter(None, reversed(found.groups()))) if found else None


def parts_answered(requests: Iterable[Received]) -> Counter[str]:
    """Count how often each part was asked for and answered well, to the end."""
    good = (r for r in requests if r.outcome == "answered" and r.fault is None)
    return Counter(part for request in good if (part := part_of(request)))
