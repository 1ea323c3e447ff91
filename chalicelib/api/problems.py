"""Errors of the HTTP edge, as both APIs know them before they are put in an envelope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chalice.app import ChaliceUnhandledError


@dataclass(frozen=True)
class Detail:
    """What is wrong with one field of the request."""

    field: str
    message: str


class ProblemError(ChaliceUnhandledError):
    """A request that cannot be answered as asked.

    It is of the one kind that Chalice lets through to the middleware.

    Args:
        status: the HTTP status code.
        error: the text of the contract's error table.
        details: what is wrong, field by field (400 only).
        headers: headers that go with the answer.
        code: the error's code: in ``/v1``, empty for the one that goes with the status; in ``/api``, empty for none.
    """

    def __init__(
        self,
        status: int,
        error: str,
        details: Sequence[Detail] = (),
        headers: Mapping[str, str] | None = None,
        code: str = "",
    ) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.details = tuple(details)
        self.headers = dict(headers or {})
        self.code = code


def invalid(field: str, message: str, error: str = "Invalid request") -> ProblemError:
    """Return a 400 about one field."""
    return ProblemError(400, error, [Detail(field, message)])
