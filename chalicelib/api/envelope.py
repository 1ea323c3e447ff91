"""The envelopes: how answers and errors of the two APIs look.

``/api/…`` answers ``{"success": …}``; ``/v1/…`` answers errors as
``{"error": code, "message": prose, "issues": [...]}``. One never looks like the other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from chalice.app import Response

from chalicelib.api.problems import ProblemError

_HEADERS: Final = {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}

_V1_CODES: Final = {
    400: "validation_error",
    401: "invalid_api_key",
    403: "insufficient_scope",
    404: "not_found",
    405: "method_not_allowed",
    413: "validation_error",
    429: "rate_limited",
}


def json_response(body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON answer, in UTF-8 and never cached."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(body=text, status_code=status, headers={**_HEADERS, **(headers or {})})


def is_v1(path: str) -> bool:
    """Tell whether a path belongs to the investigation API."""
    return path == "/v1" or path.startswith("/v1/")


def error_body(problem: ProblemError, path: str) -> dict[str, Any]:
    """Return the body of an error in the envelope of the API that ``path`` belongs to."""
    if is_v1(path):
        code = problem.code or _V1_CODES.get(problem.status, "internal_error")
        body: dict[str, Any] = {"error": code, "message": problem.error}
        if problem.status == 400:
            body["issues"] = [{"path": d.field, "message": d.message} for d in problem.details]
        return body
    body = {"success": False, "error": problem.error}
    if problem.code:
        body["code"] = problem.code
    if problem.details:
        body["details"] = [{"field": d.field, "message": d.message} for d in problem.details]
    return body


def error_response(problem: ProblemError, path: str) -> Response:
    """Return an error in the envelope of the API that ``path`` belongs to."""
    return json_response(error_body(problem, path), problem.status, problem.headers)
