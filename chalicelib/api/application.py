"""The Chalice application with the edges that the contracts need and Chalice does not round off.

Chalice answers some errors in a shape of its own, and refuses a binary answer to a
client that sends no ``Accept``. Both contracts promise their own envelope for every
error and a plain download for every client, so the answers are adjusted here, once,
for every way in which the application is run.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from typing import Any, Final

from chalice.app import Chalice, Request, Response

from chalicelib.api.envelope import error_response
from chalicelib.api.problems import Detail, ProblemError
from chalicelib.domain.output_format import CONTENT_TYPES

_log = logging.getLogger(__name__)

_ERRORS: Final = {
    400: "Invalid request",
    401: "Authentication required",
    403: "Insufficient permissions",
    404: "Not found",
    405: "Method not allowed",
    413: "Request body too large",
    415: "JSON data required",
    429: "Too many requests",
    502: "Internal server error",
}

BINARY_TYPES: Final = [CONTENT_TYPES["pdf"], CONTENT_TYPES["docx"], "application/octet-stream"]


ACCEPT: Final = "clientAccept"
"""Where the event that a request is made of has the client's own ``Accept`` header, empty if it sent none."""


class Application(Chalice):
    """Chalice, with every error in the API's own envelope and a request per thread."""

    def __init__(self, app_name: str) -> None:
        # The threaded local server runs requests side by side in one process.
        self._per_thread = threading.local()
        super().__init__(app_name)
        self.api.binary_types = list(BINARY_TYPES)
        self.register_middleware(_problems_to_responses, "http")

    @property
    def current_request(self) -> Request | None:
        """The request that this thread is answering."""
        return getattr(self._per_thread, "request", None)

    @current_request.setter
    def current_request(self, request: Request | None) -> None:
        self._per_thread.request = request

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Answer an API Gateway proxy event."""
        request = event.get("requestContext", {})
        # The context's path starts with the stage on AWS, the event's own does not.
        path = str(event.get("path") or request.get("path") or "")
        if request.get("resourcePath", "/") not in self.routes:
            return self.unknown_route(path)
        given = event.get("headers") or {}
        headers = {k: v for k, v in given.items() if k.lower() != "accept"}
        accept = next((v for k, v in given.items() if k.lower() == "accept"), "")
        # A download is the same bytes for every client, whatever it says it accepts. A route that answers
        # by it finds what the client sent in the event.
        accepting = {**event, "headers": headers | {"accept": "*/*"}, ACCEPT: accept}
        return _own_envelope(super().__call__(accepting, context), path)

    def unknown_route(self, path: str) -> dict[str, Any]:
        """Return the proxy answer to a path that no route serves."""
        answer: dict[str, Any] = error_response(ProblemError(404, "Not found"), path).to_dict(self.api.binary_types)
        return answer

    def refused(self, status: int, path: str) -> dict[str, Any]:
        """Return the proxy answer of a server in front of the routes that refuses a request itself."""
        problem = ProblemError(status, _ERRORS.get(status, "Invalid request"))
        answer: dict[str, Any] = error_response(problem, path).to_dict(self.api.binary_types)
        return answer


def _problems_to_responses(request: Request, get_response: Callable[[Request], Response]) -> Response:
    try:
        return get_response(request)
    except ProblemError as problem:
        return error_response(problem, request.to_original_event().get("path") or request.path)


def _own_envelope(answer: dict[str, Any], path: str) -> dict[str, Any]:
    """Put an error that Chalice itself answered into the envelope of ``path``."""
    status = answer["statusCode"]
    if status < 400 or not _is_chalice_error(answer.get("body")):
        return answer
    if status == 415:
        # The contract knows one answer to a body that is not JSON.
        problem = ProblemError(400, _ERRORS[415], [Detail("Content-Type", "must be application/json")])
    elif status >= 500:
        problem = ProblemError(500, "Internal server error")
    else:
        problem = ProblemError(status, _ERRORS.get(status, "Invalid request"))
    allow = {k: v for k, v in answer.get("headers", {}).items() if k.lower() == "allow"}
    problem.headers.update(allow)
    rewritten: dict[str, Any] = error_response(problem, path).to_dict([])
    return rewritten


def _is_chalice_error(body: Any) -> bool:
    try:
        parsed = json.loads(body)
    except (TypeError, ValueError):
        return False
    return isinstance(parsed, dict) and set(parsed) == {"Code", "Message"}
