"""Which answers mean that somebody was kept out."""

from __future__ import annotations

from typing import Final

from chalicelib.domain.request_context import current_context
from chalicelib.services.audit import denied

_KEPT_OUT: Final = (401, 403)
_NOT_FOUND: Final = 404


def count_denial(status: int) -> None:
    """Count an answer in the audit if it kept somebody out: one AWS call at most.

    That is so, too, where an id leads to nothing. What belongs to others is answered like what does not exist, and
    counted like it, so that not even the time that an answer takes tells them apart.

    Args:
        status: the HTTP status of the answer.
    """
    context = current_context()
    if context is None:
        return
    names_something = context.caller is not None and "{" in context.route
    if status in _KEPT_OUT or (status == _NOT_FOUND and names_something):
        denied(status)
