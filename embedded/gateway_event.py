"""An HTTP request as API Gateway's proxy event, and a proxy answer as an HTTP response. No sockets here."""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(frozen=True)
class Route:
    """A route that serves a path, with the values of its ``{parameters}``, percent-decoded."""

    pattern: str
    parameters: dict[str, str]


@dataclass(frozen=True)
class HttpAnswer:
    """A response ready to send."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def split_target(target: str) -> tuple[str, str]:
    """Split a request target into path and query string; an absolute URL loses its host."""
    if target.startswith("/"):
        # urlsplit would take what follows a double slash for a host.
        path, _, query = target.partition("#")[0].partition("?")
        return path, query
    parts = urlsplit(target)
    return parts.path or "/", parts.query


def find_route(patterns: Iterable[str], path: str) -> Route | None:
    """Return the route that serves ``path``, as API Gateway chooses it: literal segments before parameters.

    ``/x/`` is served by ``/x``.
    """
    segments = (path[:-1] if len(path) > 1 and path.endswith("/") else path).split("/")
    matches = [pattern for pattern in patterns if _matches(pattern.split("/"), segments)]
    if not matches:
        return None
    pattern = min(matches, key=lambda found: [_is_parameter(part) for part in found.split("/")])
    pairs = zip(pattern.split("/"), segments, strict=True)
    return Route(pattern, {part[1:-1]: unquote(value) for part, value in pairs if _is_parameter(part)})


def _matches(pattern: Sequence[str], segments: Sequence[str]) -> bool:
    return len(pattern) == len(segments) and all(
        bool(value) if _is_parameter(part) else part == value for part, value in zip(pattern, segments, strict=True)
    )


def _is_parameter(part: str) -> bool:
    return part.startswith("{") and part.endswith("}")


def proxy_event(
    method: str,
    target: str,
    route: Route,
    headers: Sequence[tuple[str, str]],
    body: bytes,
    source_ip: str,
    binary_types: Iterable[str] = (),
) -> dict[str, Any]:
    """Build the event that API Gateway's Lambda proxy integration sends for a request.

    Args:
        method: the HTTP method.
        target: the request target: path and query string.
        route: what serves the path.
        headers: names and values as received; repeated names are kept apart.
        body: the request's body; sent base64-encoded when it is binary, or no UTF-8.
        source_ip: the client's address.
        binary_types: media types, ``*/*`` and ``type/*`` among them, whose bodies count as binary.
    """
    path, query = split_target(target)
    multi_headers: dict[str, list[str]] = {}
    for name, value in headers:
        multi_headers.setdefault(name, []).append(value)
    multi_query = parse_qs(query, keep_blank_values=True) or None
    content_type = next((value for name, value in headers if name.lower() == "content-type"), "")
    text, is_base64 = _body_text(body, content_type, list(binary_types))
    return {
        "resource": route.pattern,
        "path": path,
        "httpMethod": method,
        "headers": {name: values[-1] for name, values in multi_headers.items()},
        "multiValueHeaders": multi_headers,
        "queryStringParameters": {name: values[-1] for name, values in multi_query.items()} if multi_query else None,
        "multiValueQueryStringParameters": multi_query,
        "pathParameters": route.parameters or None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": route.pattern,
            "httpMethod": method,
            "path": path,
            "stage": "embedded",
            "protocol": "HTTP/1.1",
            "requestId": str(uuid.uuid4()),
            "requestTimeEpoch": int(time.time() * 1000),
            "identity": {"sourceIp": source_ip},
        },
        "body": text,
        "isBase64Encoded": is_base64,
    }


def _body_text(body: bytes, content_type: str, binary_types: list[str]) -> tuple[str | None, bool]:
    if not body:
        return None, False
    if not _is_binary(content_type, binary_types):
        try:
            return body.decode("utf-8"), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode("ascii"), True


def _is_binary(content_type: str, binary_types: list[str]) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    family = media_type.partition("/")[0]
    return any(kind in {media_type, f"{family}/*", "*/*"} for kind in binary_types)


def http_answer(answer: Mapping[str, Any]) -> HttpAnswer:
    """Turn a Lambda proxy answer into a response, as API Gateway does it.

    A header with several values is repeated; a body without a Content-Type is JSON.
    """
    headers = [
        (name, str(value)) for name, values in (answer.get("multiValueHeaders") or {}).items() for value in values
    ]
    repeated = {name.lower() for name, _ in headers}
    single = (answer.get("headers") or {}).items()
    headers += [(name, str(value)) for name, value in single if name.lower() not in repeated]
    body = answer.get("body") or ""
    if answer.get("isBase64Encoded"):
        content = base64.b64decode(body)
    else:
        content = body if isinstance(body, bytes) else str(body).encode("utf-8")
    if content and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    return HttpAnswer(int(answer["statusCode"]), headers, content)
