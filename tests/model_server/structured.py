"""Answers that keep a JSON schema: what a model says when it is asked for structured output."""

from __future__ import annotations

import itertools
import json
import random
import re
import zlib
from collections.abc import Iterator
from typing import Any

SUBJECTS = (
    "Access Paths", "Asset Inventory", "Baseline Controls", "Change Management", "Contract Obligations",
    "Cost Drivers", "Data Flows", "Emergency Procedures", "Evidence Collection", "Field Experience",
    "Governance Model", "Identity Lifecycle", "Maintenance Windows", "Monitoring Coverage", "Network Segments",
    "Open Questions", "Operating Models", "Pilot Results", "Recovery Targets", "Regulatory Context",
    "Remote Vendors", "Residual Risk", "Rollout Plan", "Skills and Training", "Supply Chain", "Test Strategy",
)  # fmt: skip
ANGLES = ("across the Sites", "after the Pilot", "under Load", "in Daily Operation", "during an Incident")
POINTS = ("Present state of {}", "Open risks of {}", "Cost and effort of {}", "Who answers for {}", "Next steps for {}")
ASKED_COUNT = re.compile(r"needs (\d{1,2}) sections")
NAMED_SECTIONS = re.compile(r"<outline>\n(.*?)\n</outline>", re.DOTALL)
DEFAULT_COUNT = 5


def asked_schema(body: dict[str, Any]) -> dict[str, Any] | None:
    """Return the JSON schema that a request names in its field or in its last message; else None."""
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        schema = wanted["json_schema"]["schema"]
        return schema if isinstance(schema, dict) else None
    messages = body.get("messages") or [{}]
    _, named, text = str(messages[-1].get("content")).partition("JSON Schema:\n")
    if not named:
        return None
    schema = json.JSONDecoder().raw_decode(text)[0]
    return schema if isinstance(schema, dict) else None


def structured_answer(schema: dict[str, Any], prompt: str, seed: int) -> Any:
    """Return a value that keeps ``schema``: sections as many, and named as, the prompt asks; nothing twice."""
    return _Filling(prompt, random.Random(seed + zlib.crc32(prompt.encode()))).value(schema)


def distorted(value: Any, fault: str) -> str:
    """Return ``value`` as JSON, spoilt in the way that ``fault`` names."""
    whole = json.dumps(value, ensure_ascii=False)
    if fault == "outline_malformed":
        return whole[: len(whole) * 2 // 3]
    if fault == "outline_duplicate":
        return json.dumps(_with_lists(value, lambda items: [items[0]] * len(items)))
    if fault == "outline_empty":
        return json.dumps(_with_lists(value, lambda items: []))
    if fault == "outline_blank":
        return json.dumps(_with_strings(value, ""))
    if fault == "outline_fenced":
        return f"```json\n{whole}\n```"
    if fault == "outline_prose":
        return "Certainly! First I would introduce the subject, and then I would go through its parts one by one."
    return whole


class _Filling:
    """Fills one schema. Lists of objects are taken for sections, lists of texts for their points."""

    def __init__(self, prompt: str, dice: random.Random) -> None:
        found = ASKED_COUNT.search(prompt)
        self._sections = int(found[1]) if found else DEFAULT_COUNT
        self._points = 5 if "four to six points" in prompt else 3
        self._titles = iter(_titles(prompt, self._sections, dice))
        self._sentences = (point.format(subject.lower()) for subject in _subjects(dice) for point in POINTS)

    def value(self, schema: dict[str, Any], name: str = "") -> Any:
        if "enum" in schema:
            return schema["enum"][0]
        kind = schema.get("type", "object")
        if kind == "object":
            return {key: self.value(part, key) for key, part in schema.get("properties", {}).items()}
        if kind == "array":
            return [self.value(schema["items"], name) for _ in range(self._count(schema))]
        if kind == "string":
            return next(self._titles if "title" in name else self._sentences, "")
        return {"integer": 1, "number": 1.0, "boolean": True}.get(str(kind))

    def _count(self, schema: dict[str, Any]) -> int:
        count = self._sections if schema["items"].get("type") == "object" else self._points
        return max(int(schema.get("minItems", 1)), min(count, int(schema.get("maxItems", 40))))


def _titles(prompt: str, count: int, dice: random.Random) -> list[str]:
    """Return the titles that the prompt names, in its order, framed and filled up to ``count``."""
    block = NAMED_SECTIONS.search(prompt)
    titles = re.findall(r"^- (.+)$", block[1], re.MULTILINE) if block else []
    if len(titles) < count:
        titles = ["Introduction", *titles]
    if len(titles) < count:
        fillers = itertools.islice(_subjects(dice), count - len(titles) - 1)
        titles = [*titles, *fillers, "Conclusion"]
    return titles


def _subjects(dice: random.Random) -> Iterator[str]:
    """Phrases that never repeat."""
    subjects = dice.sample(SUBJECTS, len(SUBJECTS))
    yield from subjects
    for angle in ANGLES:
        yield from (f"{subject} {angle}" for subject in subjects)
    yield from (f"Work Package {number}" for number in itertools.count(1))


def _with_lists(value: Any, change: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_lists(part, change) for key, part in value.items()}
    return change(value) if isinstance(value, list) else value


def _with_strings(value: Any, text: str) -> Any:
    if isinstance(value, dict):
        return {key: _with_strings(part, text) for key, part in value.items()}
    if isinstance(value, list):
        return [_with_strings(part, text) for part in value]
    return text if isinstance(value, str) else value
