"""The investigation Reports API's page, taken apart. It is the text of a web page: samples have no fences."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).with_name("investigation-reports-api.md")
HOST: Final = "https://puck.acme.com"
INVESTIGATION: Final = "inv_01hx"

# What the page's tool puts above a sample.
_TERMINAL: Final = "Terminal window"
_HEADING: Final = re.compile(r"(GET|POST) (/v1/\S+)")
_FIELD: Final = re.compile(r"\s*• (\w+) — ")


@dataclass(frozen=True)
class Endpoint:
    """One endpoint of the page, with its samples as they stand there."""

    method: str
    path: str
    text: str
    curl: str
    javascript: str

    @property
    def fields(self) -> list[str]:
        """The fields that the page names."""
        return [found[1] for line in self.text.splitlines() if (found := _FIELD.match(line))]


def endpoints() -> list[Endpoint]:
    """Return every endpoint of the page, in its order."""
    found: list[Endpoint] = []
    parts = re.split(r"^(?=(?:GET|POST) /v1/)", PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]
    for part in parts:
        heading, _, rest = part.partition("\n")
        named = _HEADING.fullmatch(heading.strip())
        assert named is not None
        text, _, samples = rest.partition(f"{_TERMINAL}\n")
        curl, _, javascript = samples.partition("\nconst ")
        found.append(Endpoint(named[1], named[2], text, curl.strip(), f"const {javascript.strip()}"))
    return found
