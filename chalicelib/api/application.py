"""The Chalice application with the edges that the contracts need and Chalice does not round off.

Chalice answers some errors in a shape of its own, and refuses a binary answer to a
client that sends no ``Accept``. Both contracts promise their own envelope for every
error and a plain download for every client, so the answers are adjusted here, once,
for every way in which the application is run.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from chalice.app import Chalice, Request, Response

from chalicelib import log
from chalicelib.api.cors import add_cors, is_preflight, preflight_answer
from chalicelib.api.denials import count_denial
from chalicelib.api.envelope import error_response, is_v1
from chalicelib.api.limits import limits_in_answers
from chalicelib.api.problems import Detail, ProblemError
from chalicelib.domain.output_format import CONTENT_TYPES
from chalicelib.domain.request_context import RequestContext, answering
from chalicelib.settings import settings

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

# What an error that Chalice itself answered keeps of its headers.
_KEPT_HEADERS: Final = ("allow", "x-ratelimit-")

REQUEST_ID: Final = "X-Request-Id"

BINARY_TYPES: Final = [CONTENT_TYPES["pdf"], CONTENT_TYPES["docx"], "application/octet-stream"]


ACCEPT: Final = "clientAccept"
"""Where the event that a request is made of has the client's own ``Accept`` header, empty if it sent none."""


class Application(Chalice):
    """Chalice, with every error in the API's own envelope and a request per thread."""

    def __init__(self, app_name: str) -> None:
        # The threaded local server runs requests side by side in one process.
        self._per_thread = threading.local()
        super().__init__(app_name, configure_logs=False)
        self.api.binary_types = list(BINARY_TYPES)
        self.register_middleware(_problems_to_responses, "http")
        self.register_middleware(limits_in_answers, "http")

    @property
    def current_request(self) -> Request | None:
        """The request that this thread is answering."""
        return getattr(self._per_thread, "request", None)

    @current_request.setter
    def current_request(self, request: Request | None) -> None:
        self._per_thread.request = request

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Answer an API Gateway proxy event."""
        context_of_event = event.get("requestContext") or {}
        # The context's path starts with the stage on AWS, the event's own does not.
        path = str(event.get("path") or context_of_event.get("path") or "")
        route = str(context_of_event.get("resourcePath") or "/")
        request = RequestContext(
            # A client's own id is not taken: it could be anything, and another request's.
            request_id=str(context_of_event.get("requestId") or uuid.uuid4()),
            address=str((context_of_event.get("identity") or {}).get("sourceIp") or ""),
            method=str(context_of_event.get("httpMethod") or ""),
            route=route if route in self.routes else "",
        )
        log.begin(
            request_id=request.request_id,
            function_request_id=str(getattr(context, "aws_request_id", None) or ""),
            method=request.method,
            route=request.route,
        )
        with answering(request):
            return _completed(self._answer(event, context, request, path), event, path, request.request_id)

    def _answer(self, event: dict[str, Any], context: Any, request: RequestContext, path: str) -> dict[str, Any]:
        if not request.route:
            return _unknown_route(path)
        given = event.get("headers") or {}
        if not is_v1(path) and settings().cors_origins and is_preflight(request.method, _by_lower_name(given)):
            return preflight_answer(self.routes[request.route])
        headers = {k: v for k, v in given.items() if k.lower() != "accept"}
        accept = next((v for k, v in given.items() if k.lower() == "accept"), "")
        # A download is the same bytes for every client, whatever it says it accepts. A route that answers
        # by it finds what the client sent in the event.
        accepting = {**event, "headers": headers | {"accept": "*/*"}, ACCEPT: accept}
        return _own_envelope(super().__call__(accepting, context), path)

    def unknown_route(self, path: str) -> dict[str, Any]:
        """Return the proxy answer to a path that no route serves, where a server in front finds none."""
        return _completed(_unknown_route(path), {}, path, str(uuid.uuid4()))

    def refused(self, status: int, path: str) -> dict[str, Any]:
        """Return the proxy answer of a server in front of the routes that refuses a request itself."""
        problem = ProblemError(status, _ERRORS.get(status, "Invalid request"))
        return _completed(error_response(problem, path).to_dict([]), {}, path, str(uuid.uuid4()))


def _unknown_route(path: str) -> dict[str, Any]:
    answer: dict[str, Any] = error_response(ProblemError(404, "Not found"), path).to_dict([])
    return answer


def _completed(answer: dict[str, Any], event: Mapping[str, Any], path: str, request_id: str) -> dict[str, Any]:
    """Put on an answer what every answer has: its request's id, and who may read it in a browser."""
    headers = answer.setdefault("headers", {})
    headers[REQUEST_ID] = request_id
    if not is_v1(path):
        add_cors(headers, _by_lower_name(event.get("headers") or {}).get("origin"), settings().cors_origins)
    return answer


def _by_lower_name(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _problems_to_responses(request: Request, get_response: Callable[[Request], Response]) -> Response:
    try:
        return get_response(request)
    except ProblemError as problem:
        count_denial(problem.status)
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
    kept = {k: v for k, v in answer.get("headers", {}).items() if k.lower().startswith(_KEPT_HEADERS)}
    problem.headers.update(kept)
    rewritten: dict[str, Any] = error_response(problem, path).to_dict([])
    return rewritten


def _is_chalice_error(body: Any) -> bool:
    try:
        parsed = json.loads(body)
    except (TypeError, ValueError):
        return False
    return isinstance(parsed, dict) and set(parsed) == {"Code", "Message"}
