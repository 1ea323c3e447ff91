"""What the use cases of ``/v1`` refuse, as its clients are told."""

from __future__ import annotations

from typing import Final

from chalicelib.api.problems import ProblemError

_BUSY_SECONDS: Final = 1


def not_completed(message: str) -> ProblemError:
    """Return the 409 for what an investigation's state does not allow."""
    return ProblemError(409, message, code="investigation_not_completed")


def idempotency_conflict() -> ProblemError:
    """Return the 409 for an idempotency key that another body was sent with."""
    return ProblemError(409, "This idempotency key was used with another body", code="idempotency_conflict")


def busy() -> ProblemError:
    """Return the 429 for an investigation that other requests are changing."""
    headers = {"Retry-After": str(_BUSY_SECONDS), "X-RateLimit-Remaining": "0"}
    return ProblemError(429, "Others are changing this investigation: send this again", (), headers)
