"""Limits at the HTTP edge: a route names its limit, and the answer tells where the caller stands.

A route calls :func:`count_request` once it knows that the request is well formed::

    caller = report_user(_request())
    query = parse_list_query(_query())
    count_request(_request(), caller.account, "list")

The middleware :func:`limits_in_answers` then puts the headers of the limit with the fewest requests left on the
answer, and gives back what was counted where the failure is ours (5xx) or the request was wrong (400).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from chalice.app import Request, Response

from chalicelib.api.problems import ProblemError
from chalicelib.domain.caller import Caller
from chalicelib.domain.rate import LimitName
from chalicelib.services.key_usage import note_use
from chalicelib.services.limits import LimitReachedError, Standing, admit, admit_key, give_back
from chalicelib.stores.limit_store import Ticket


@dataclass
class _Counted:
    """What a request was counted against so far."""

    standings: dict[str, Standing] = field(default_factory=dict)
    admitted: dict[str, Ticket] = field(default_factory=dict)
    refused: Standing | None = None
    key_is_counted: bool = False


_ATTRIBUTE: Final = "counted_against"
_KEY: Final = "key"
# What calls a minute are limited to counts wrong ones, too: these limits protect the service.
_COUNTS_WRONG_ONES: Final = frozenset({"v1", _KEY})


def _counted(request: Request) -> _Counted:
    found = getattr(request, _ATTRIBUTE, None)
    if found is None:
        found = _Counted()
        setattr(request, _ATTRIBUTE, found)
    assert isinstance(found, _Counted)
    return found


def count_request(request: Request, caller: str, limit: LimitName) -> Ticket | None:
    """Count a request against a limit, once however often this is called: one AWS call, none where it is off.

    Args:
        request: what was sent.
        caller: whose limit: the ``account`` of the caller.
        limit: its name.

    Returns:
        What was taken, to be kept where it may be given back later.

    Raises:
        ProblemError: 429.
    """
    counted = _counted(request)
    if limit in counted.admitted:
        return counted.admitted[limit]
    try:
        admission = admit(caller, limit)
    except LimitReachedError as reached:
        raise _too_many(counted, reached) from None
    if admission is None:
        return None
    counted.standings[limit] = admission.standing
    counted.admitted[limit] = admission.ticket
    return admission.ticket


def count_key(request: Request, caller: Caller) -> None:
    """Count a request of a key: for its usage, and against its own limit where it has one (one AWS call).

    Raises:
        ProblemError: 429.
    """
    counted = _counted(request)
    if counted.key_is_counted or not caller.key_id:
        return
    counted.key_is_counted = True
    note_use(caller.account, caller.key_id)
    if caller.rate_limit_per_minute is None:
        return
    try:
        admission = admit_key(caller.account, caller.key_id, caller.rate_limit_per_minute)
    except LimitReachedError as reached:
        raise _too_many(counted, reached) from None
    counted.standings[_KEY] = admission.standing
    counted.admitted[_KEY] = admission.ticket


def uncount_request(request: Request, limit: str) -> None:
    """Let a request count for nothing, as it turned out to be the repetition of an earlier one: one AWS call.

    The headers then tell of a place more.
    """
    counted = _counted(request)
    ticket = counted.admitted.pop(limit, None)
    if ticket is None:
        return
    give_back(ticket)
    shown = counted.standings[limit]
    counted.standings[limit] = replace(shown, remaining=shown.remaining + 1)


def limits_in_answers(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Put the headers of limits on an answer, and give back what it should not have cost. A middleware."""
    try:
        response = get_response(request)
    except ProblemError as problem:
        _settle(request, problem.status)
        problem.headers = {**_headers(request), **problem.headers}
        raise
    _settle(request, response.status_code)
    response.headers = {**_headers(request), **response.headers}
    return response


def _settle(request: Request, status: int) -> None:
    if status == 400 or status >= 500:
        for limit in list(_counted(request).admitted):
            if limit not in _COUNTS_WRONG_ONES or status >= 500:
                uncount_request(request, limit)


def _headers(request: Request) -> dict[str, str]:
    counted = _counted(request)
    if not counted.standings and counted.refused is None:
        return {}
    tightest = counted.refused or min(counted.standings.values(), key=lambda standing: standing.remaining)
    return {
        "X-RateLimit-Limit": str(tightest.requests),
        "X-RateLimit-Remaining": str(tightest.remaining),
        "X-RateLimit-Reset": str(tightest.resets_at),
    }


def _too_many(counted: _Counted, reached: LimitReachedError) -> ProblemError:
    counted.refused = reached.standing
    return ProblemError(429, "Rate limit exceeded", headers={"Retry-After": str(reached.retry_after)})
