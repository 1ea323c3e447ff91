"""Reads JSON files: every value as a line with its path, every element of a list as a paragraph."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from chalicelib.knowledge.blocks import Block, ReadDocument, UnreadableError, bounded, cleaned, one_line
from chalicelib.knowledge.plain_text import decoded

_MAX_DEPTH: Final = 60
# A list or object with at most so many letters is one paragraph.
_WHOLE: Final = 1_500


def read_json_file(content: bytes) -> ReadDocument:
    """Return what a JSON file says; names of objects are headings as long as what they hold is large.

    Raises:
        UnreadableError: it is no JSON, nested too deep, or empty.
    """
    try:
        said = json.loads(decoded(content))
    except RecursionError as error:
        raise UnreadableError("unsafe", f"The JSON is nested deeper than {_MAX_DEPTH} levels.") from error
    except ValueError as error:
        reason = f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else "a number"
        raise UnreadableError("damaged", f"The file is not valid JSON ({reason}).") from error
    return ReadDocument(bounded(_blocks(said, "", 1)), title=_title(said))


def _title(said: Any) -> str:
    if isinstance(said, dict):
        for name in ("title", "name"):
            if isinstance(said.get(name), str):
                return one_line(said[name])[:200]
    return ""


def _blocks(said: Any, path: str, depth: int) -> Iterator[Block]:
    if depth > _MAX_DEPTH:
        raise UnreadableError("unsafe", f"The JSON is nested deeper than {_MAX_DEPTH} levels.")
    lines = list(_some_lines(said, path, depth))
    if lines and lines[-1] is not None:
        yield Block("paragraph", "\n".join(line for line in lines if line is not None))
        return
    if not isinstance(said, dict | list):
        return
    for name, value in said.items() if isinstance(said, dict) else enumerate(said):
        if isinstance(name, str) and isinstance(value, dict | list):
            yield Block("heading", one_line(name)[:200] or '""', level=min(depth, 6))
        yield from _blocks(value, _joined(path, name), depth + 1)


def _some_lines(said: Any, path: str, depth: int) -> Iterator[str | None]:
    """Yield the lines of a value, and None at the end of too many."""
    letters = 0
    for line in _lines(said, path, depth):
        letters += len(line)
        if letters > _WHOLE and isinstance(said, dict | list):
            yield None
            return
        yield line


def _lines(said: Any, path: str, depth: int) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        raise UnreadableError("unsafe", f"The JSON is nested deeper than {_MAX_DEPTH} levels.")
    if isinstance(said, dict):
        for name, value in said.items():
            yield from _lines(value, _joined(path, name), depth + 1)
    elif isinstance(said, list):
        for number, value in enumerate(said):
            yield from _lines(value, _joined(path, number), depth + 1)
    else:
        # An escape may stand for what no text has: a control character, or half of a character.
        text = cleaned(said) if isinstance(said, str) else json.dumps(said)
        if text.strip():
            yield f"{path}: {text}" if path else text


def _joined(path: str, name: str | int) -> str:
    step = f"[{name}]" if isinstance(name, int) else one_line(name)[:200]
    return step if not path else f"{path}{step}" if isinstance(name, int) else f"{path}.{step}"
