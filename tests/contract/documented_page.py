"""The contract's page, taken apart: its samples by heading and language."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("reports-api.md")


@dataclass(frozen=True)
class Sample:
    """A code block of the page, and the heading it stands under."""

    heading: str
    language: str
    code: str


def samples() -> list[Sample]:
    """Return every code block of the page, in its order."""
    found: list[Sample] = []
    heading, language = "", ""
    code: list[str] | None = None
    for line in PAGE.read_text("utf-8").splitlines():
        if code is None and line.startswith("#"):
            heading = line.lstrip("# ").strip()
        elif code is None and line.startswith("```"):
            language, code = line[3:].strip(), []
        elif code is not None and line.startswith("```"):
            found.append(Sample(heading, language, "\n".join(code)))
            code = None
        elif code is not None:
            code.append(line)
    return found


def sample(heading: str, language: str, number: int = 0) -> str:
    """Return one code block: the ``number``-th of its language under the heading."""
    return [s.code for s in samples() if s.heading == heading and s.language == language][number]


def documented_json(heading: str, number: int = 0) -> Any:
    """Return a JSON sample."""
    return json.loads(sample(heading, "json", number))


def table(heading: str) -> list[list[str]]:
    """Return the rows of the first table under a heading, without its header."""
    part = PAGE.read_text("utf-8").partition(f" {heading}\n")[2]
    rows: list[list[str]] = []
    for line in part.splitlines():
        if line.startswith("|"):
            rows.append([cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", line.strip("|"))])
        elif rows:
            break
    return rows[2:]
