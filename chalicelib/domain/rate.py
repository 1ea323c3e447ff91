"""How often something may be done: so many times in any window of a length."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

LimitName = Literal["create", "list", "download", "v1", "v1_trigger", "search", "upload"]
LIMIT_NAMES: Final[tuple[LimitName, ...]] = get_args(LimitName)

DEFAULT_RATES: Final[dict[LimitName, str]] = {
    "create": "10/hour",
    "list": "100/minute",
    "download": "50/minute",
    "v1": "60/minute",
    "v1_trigger": "2/minute",
    "search": "60/minute",
    "upload": "60/minute",
}
"""What the contracts promise; they say nothing of searches in honey jars and uploads to them."""

MAX_REQUESTS: Final = 1_000
"""Every request of a window is remembered by itself, in one item."""

_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_FORM: Final = re.compile(r"([1-9][0-9]{0,5})/(second|minute|hour|day)")


@dataclass(frozen=True)
class Rate:
    """At most ``requests`` in any window of ``seconds``."""

    requests: int
    seconds: int


def parse_rate(text: str) -> Rate | None:
    """Return the rate that ``10/hour`` means (also second, minute, day), or None for ``off``.

    Raises:
        ValueError: it is neither, or more than 1,000 requests.
    """
    if text == "off":
        return None
    found = _FORM.fullmatch(text)
    if found is None or int(found[1]) > MAX_REQUESTS:
        raise ValueError(f"must be off, or a number up to {MAX_REQUESTS} and a unit of time, as in 10/hour")
    return Rate(int(found[1]), _SECONDS[found[2]])
