"""What the use cases of ``/v1`` raise where there is nothing, or nothing of this account's."""

from __future__ import annotations


class NotFoundError(Exception):
    """There is no such thing, or it is another account's (nobody learns which)."""
