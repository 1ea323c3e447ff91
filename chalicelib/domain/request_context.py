"""Which request this thread is answering: its id, where it came from and, once that is known, who asks.

Whatever notes something about a request (audit, logs) finds that here, so that no use case has to hand it on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from chalicelib.domain.caller import Caller


@dataclass
class RequestContext:
    """One request.

    Args:
        request_id: the id that its answer carries.
        address: the client's IP address, empty where it is not known.
        method: the HTTP method.
        route: the pattern of its path: nothing that a client wrote.
        caller: who asks, once they have authenticated.
    """

    request_id: str
    address: str = ""
    method: str = ""
    route: str = ""
    caller: Caller | None = None


_current: Final[ContextVar[RequestContext | None]] = ContextVar("request", default=None)


def current_context() -> RequestContext | None:
    """Return the request that is being answered here, or None: a worker, the sweep, a program."""
    return _current.get()


def current_request_id() -> str | None:
    """Return the id of the request that is being answered here, or None."""
    context = _current.get()
    return context.request_id if context is not None else None


def note_caller(caller: Caller) -> None:
    """Note who asks. Outside a request this does nothing."""
    context = _current.get()
    if context is not None:
        context.caller = caller


@contextmanager
def answering(context: RequestContext) -> Iterator[RequestContext]:
    """Make ``context`` the request that is being answered here."""
    before = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(before)
