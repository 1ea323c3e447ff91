"""The environment of a deployment without limits, for tests and programs that are about something else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from chalicelib.domain.rate import LIMIT_NAMES

NO_LIMITS: Final[Mapping[str, str]] = {f"RATE_LIMIT_{name.upper()}": "off" for name in LIMIT_NAMES}
