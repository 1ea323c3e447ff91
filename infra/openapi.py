"""The OpenAPI 3 body of the API Gateway, made from the routes of the app.

Every path that the app serves is listed, so that the gateway hands on its parameters
and names it in logs and metrics. Routes that infra/resources.json gives a function of their
own go to that; all others, and whatever is not listed, to the API's, which answers it in the
envelope of the API that the path belongs to: the gateway itself can only answer with one fixed
text, whatever the path.

``python -m infra.openapi`` prints the body; infra/terraform/openapi.json is its output.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from chalicelib.api.application import BINARY_TYPES, REQUEST_ID
from chalicelib.api.envelope import error_body
from chalicelib.api.problems import ProblemError

API_FUNCTION: Final = "api"
RESOURCES: Final = Path(__file__).resolve().parent / "resources.json"

_ANY_METHOD: Final = "x-amazon-apigateway-any-method"
_GREEDY: Final = "/{proxy+}"

# "*/*" makes AWS decode a base64 answer for every client. The types stand beside it for
# gateways that take the entry literally.
_BINARY_MEDIA_TYPES: Final = ["*/*", *BINARY_TYPES]


@dataclass(frozen=True)
class GatewayError:
    """An error that the gateway answers itself; without a ``status`` it keeps its own."""

    error: str
    status: int | None = None
    retry_after_seconds: int | None = None


_NOT_FOUND: Final = GatewayError("Not found", 404)
_TOO_MANY: Final = GatewayError("Too many requests", 429, retry_after_seconds=1)

# What the gateway answers without asking the function. The envelope is that of /api; the
# gateway's templates cannot tell one path from another.
GATEWAY_ERRORS: Final[Mapping[str, GatewayError]] = {
    "DEFAULT_4XX": GatewayError("Invalid request"),
    "DEFAULT_5XX": GatewayError("Internal server error"),
    # What API Gateway calls a path that it does not know. It looks for a signature in an
    # Authorization header there; no route of ours takes one, so that means the same.
    "MISSING_AUTHENTICATION_TOKEN": _NOT_FOUND,
    "INVALID_SIGNATURE": _NOT_FOUND,
    "EXPIRED_TOKEN": _NOT_FOUND,
    "RESOURCE_NOT_FOUND": _NOT_FOUND,
    "ACCESS_DENIED": GatewayError("Insufficient permissions", 403),
    "WAF_FILTERED": GatewayError("Insufficient permissions", 403),
    "REQUEST_TOO_LARGE": GatewayError("Request body too large", 413),
    "UNSUPPORTED_MEDIA_TYPE": GatewayError("JSON data required", 400),
    "THROTTLED": _TOO_MANY,
    "QUOTA_EXCEEDED": _TOO_MANY,
}


def invoke_arn(function: str) -> str:
    """Return what stands for a function's invoke ARN; Terraform's ``templatefile`` fills it in."""
    return f"${{{function}_invoke_arn}}"


def functions_of_routes() -> dict[str, str]:
    """Return the function of every path that has one of its own."""
    declared = json.loads(RESOURCES.read_text("utf-8"))["routes"]
    return {path: name for name, route in declared.items() for path in route["paths"]}


def openapi_body(routes: Mapping[str, Iterable[str]], functions: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the API Gateway's body.

    Args:
        routes: path pattern → methods, as ``Chalice.routes`` has them.
        functions: path pattern → function, for those that do not go to the API's.
    """
    functions = functions or {}
    return {
        "openapi": "3.0.1",
        "info": {"title": "Reports", "version": "1"},
        "paths": {
            path: _path_item(path, routes.get(path, ()), functions.get(path, API_FUNCTION)) for path in _paths(routes)
        },
        "x-amazon-apigateway-binary-media-types": _BINARY_MEDIA_TYPES,
        "x-amazon-apigateway-gateway-responses": {
            kind: _gateway_response(answer) for kind, answer in GATEWAY_ERRORS.items()
        },
    }


def render(body: Mapping[str, Any]) -> str:
    """Return the body as the text that Terraform reads."""
    return json.dumps(body, indent=2) + "\n"


def _paths(routes: Iterable[str]) -> list[str]:
    """Return the routes, every node above them, and the catch-all.

    The gateway keeps a node for ``/api`` as soon as it has ``/api/reports``; a node without
    a method would hide the catch-all.
    """
    nodes = {"/", _GREEDY}
    for path in routes:
        segments = path.split("/")
        nodes.update("/".join(segments[:end]) for end in range(2, len(segments) + 1))
    return sorted(nodes)


def _path_item(path: str, methods: Iterable[str], function: str) -> dict[str, Any]:
    """Return a path's methods. Any other method goes to the function too: it answers 404 or 405."""
    names = [*(method.lower() for method in sorted(methods)), _ANY_METHOD]
    return {name: _operation(path, function) for name in names}


def _operation(path: str, function: str) -> dict[str, Any]:
    operation: dict[str, Any] = {
        # The proxy integration hands every status on; the format wants one to be named.
        "responses": {"200": {"description": "The function's own answer"}},
        "x-amazon-apigateway-integration": {
            "type": "aws_proxy",
            "httpMethod": "POST",
            "uri": invoke_arn(function),
            "passthroughBehavior": "when_no_match",
        },
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)\+?}", path)
    ]
    return {"parameters": parameters, **operation} if parameters else operation


def _gateway_response(answer: GatewayError) -> dict[str, Any]:
    headers = {"Cache-Control": "'no-store'", "X-Content-Type-Options": "'nosniff'", REQUEST_ID: "context.requestId"}
    if answer.retry_after_seconds is not None:
        headers["Retry-After"] = f"'{answer.retry_after_seconds}'"
    body = error_body(ProblemError(answer.status or 500, answer.error), "/api")
    response: dict[str, Any] = {
        "responseParameters": {f"gatewayresponse.header.{name}": value for name, value in headers.items()},
        "responseTemplates": {"application/json": json.dumps(body, separators=(",", ":"))},
    }
    return {"statusCode": str(answer.status), **response} if answer.status else response


def main() -> int:
    """Print the body of the app's own routes; return the exit status."""
    from app import app

    sys.stdout.write(render(openapi_body(app.routes, functions_of_routes())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
