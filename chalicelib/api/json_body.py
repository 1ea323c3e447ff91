"""Reading the JSON object that a request carries."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from chalicelib.api.problems import Detail, ProblemError

MAX_BODY_BYTES: Final = 4 * 1024 * 1024
MAX_DEPTH: Final = 50


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def read_json_object(raw: str | bytes) -> dict[str, Any]:
    """Return the JSON object in a request's body.

    Raises:
        ProblemError: 413 for a body over 4 MB; 400 ``JSON data required`` for one that
            is absent, not JSON, not an object, or holds text that is not Unicode.
    """
    body = raw.encode() if isinstance(raw, str) else raw
    if len(body) > MAX_BODY_BYTES:
        raise ProblemError(413, "Request body too large", [Detail("body", "must be at most 4 MB")])
    if not body.strip():
        raise _not_json("must not be empty")
    try:
        parsed = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
        if _depth(parsed) > MAX_DEPTH:
            raise _not_json(f"must not be nested deeper than {MAX_DEPTH} levels")
        # Valid JSON that cannot be stored or sent on: half of a surrogate pair, a number beyond all bounds.
        json.dumps(parsed, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise _not_json("must be valid JSON in UTF-8") from None
    if not isinstance(parsed, dict):
        raise _not_json("must be a JSON object")
    return parsed


def _depth(value: Any) -> int:
    """Return how deep lists and objects are nested, without recursion."""
    depth, level = 0, [value]
    while level := [v for v in level if isinstance(v, dict | list)]:
        depth += 1
        level = [inner for v in level for inner in (v.values() if isinstance(v, dict) else v)]
    return depth


def _not_json(message: str) -> ProblemError:
    return ProblemError(400, "JSON data required", [Detail("body", message)])
