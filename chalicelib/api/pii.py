"""The routes that show what is found to be private in a text. The text is kept and noted nowhere."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from chalice.app import Blueprint, Response

from chalicelib.api.authentication import report_user
from chalicelib.api.envelope import json_response
from chalicelib.api.json_body import read_json_object
from chalicelib.api.limits import count_request
from chalicelib.api.problems import ProblemError, invalid
from chalicelib.api.routing import ANY_TYPE, request_of
from chalicelib.domain.risk_level import risk_level

if TYPE_CHECKING:
    from chalicelib.privacy.detect import Detection

pii = Blueprint(__name__)
_request = request_of(pii)

MAX_CHARACTERS: Final = 100_000
MAX_DETECTIONS: Final = 5_000
DEFAULT_THRESHOLD: Final = 0.5

_log = logging.getLogger(__name__)


@pii.route("/api/pii/detect", methods=["POST"])
def detect() -> Response:
    """Show what is private in a text, and how it would be masked."""
    caller = report_user(_request())
    body = read_json_object(_request().raw_body)
    text, threshold, masked = _text(body), _threshold(body), _switch(body, "mask_results", default=True)
    count_request(_request(), caller.account, "list")
    started = time.monotonic()
    found = [one for one in _detections(text) if one.confidence >= threshold]
    counts = Counter(one.type.value for one in found)
    data = {
        "detections": [_view(one, masked=masked) for one in found[:MAX_DETECTIONS]],
        "total_detections": len(found),
        "truncated": len(found) > MAX_DETECTIONS,
        "by_type": dict(counts),
        "risk_level": risk_level(counts),
        "processing_time_ms": round((time.monotonic() - started) * 1000, 1),
    }
    return json_response({"success": True, "data": data})


@pii.route("/api/pii/patterns", methods=["GET"], content_types=ANY_TYPE)
def list_patterns() -> Response:
    """Show what is looked for."""
    report_user(_request())
    # Not for the cold start of other requests.
    from chalicelib.privacy.pii_type import PiiType
    from chalicelib.privacy.told_types import FOUND_BY
    from chalicelib.settings import settings

    patterns = [
        {"pii_type": kind.value, "description": FOUND_BY[kind], "risk_level": risk_level({kind.value: 1})}
        for kind in PiiType
    ]
    data = {"patterns": patterns, "count": len(patterns), "engine": settings().pii_engine}
    return json_response({"success": True, "data": data})


def _detections(text: str) -> list[Detection]:
    # The engine, with its lists of names and numbers, is loaded by this route alone.
    from chalicelib.services.detectors import detector

    try:
        return detector().detect(text)
    except Exception as error:
        # Without the error itself, which may quote the text.
        _log.error("private data could not be looked for: %s", type(error).__name__)
        raise ProblemError(503, "Private data cannot be looked for at the moment") from None


def _view(found: Detection, *, masked: bool) -> dict[str, Any]:
    from chalicelib.privacy.masking import masked_value

    view = {
        "pii_type": found.type.value,
        "start_position": found.start,
        "end_position": found.end,
        "confidence": round(found.confidence, 2),
        "masked_value": masked_value(found.type, found.text),
    }
    return view if masked else view | {"value": found.text}


def _text(body: Mapping[str, Any]) -> str:
    text = body.get("text")
    if not isinstance(text, str) or not text.strip():
        raise invalid("text", "must be a text that is not blank")
    if len(text) > MAX_CHARACTERS:
        raise invalid("text", f"must be at most {MAX_CHARACTERS} characters")
    return text


def _threshold(body: Mapping[str, Any]) -> float:
    value = body.get("confidence_threshold")
    if value is None:
        return DEFAULT_THRESHOLD
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise invalid("confidence_threshold", "must be a number from 0 to 1")
    return float(value)


def _switch(body: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise invalid(name, "must be true or false")
    return value
