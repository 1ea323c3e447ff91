"""What all routes share: the media types that they take, and the request that they answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from chalice.app import Blueprint, Request

ANY_TYPE: Final = ["*/*"]
"""Bodies are read whatever the client calls them: the contract's samples leave the header out."""


def request_of(blueprint: Blueprint) -> Callable[[], Request]:
    """Return a function that returns the request which a route of the blueprint is answering."""

    def request() -> Request:
        found = blueprint.current_request
        assert found is not None
        return found

    return request


def query_of(request: Request) -> dict[str, str]:
    """Return a request's query string; a value that is repeated counts once, as its last."""
    return dict(request.query_params or {})
