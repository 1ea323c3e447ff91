"""Addresses of the web that come from others: only those that a reader can safely be led to become links."""

from __future__ import annotations

import re
from typing import Any, Final, TypeGuard
from urllib.parse import urlsplit

LONGEST_ADDRESS: Final = 1_000


def is_web_address(value: Any) -> TypeGuard[str]:
    """Tell whether a value is an http or https address, printable, without a login, of bounded length."""
    if not isinstance(value, str) or len(value) > LONGEST_ADDRESS:
        return False
    if not value.isprintable() or re.search(r"[\s\\<>\"]", value):
        return False
    try:
        parts = urlsplit(value)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        return is_web and parts.port != 0
    except ValueError:  # also where the port is none
        return False
