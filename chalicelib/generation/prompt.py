"""Fills the prompt templates in ``prompts/``. Text from users is always put in as delimited material."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.generation.model_client import Message
from chalicelib.generation.outline import Outline, Part, PlannedSection

if TYPE_CHECKING:
    from jinja2 import Environment

LONGEST_QUERY = 6000
# A model that wants short requests gets the task alone, without outline and rules: in a
# long prompt a very small model loses the task.
COMPACT_BELOW_WORDS = 300

_DELIMITERS = re.compile(r"<(/?)(request|context|statements)(?=[\s>/])", re.IGNORECASE)


def as_material(text: str) -> str:
    """Return text that cannot close the delimiters it is put between."""
    return _DELIMITERS.sub("\u2039\\1\\2", text)


@dataclass(frozen=True)
class Prompts:
    """The prompts of one report."""

    outline: Outline
    query: str
    context: str
    compact: bool

    def for_part(self, section: PlannedSection, part: Part, words: int) -> list[Message]:
        """Return the conversation that asks for one part in about ``words`` words."""
        before, after = self._neighbours(part)
        template = "part_compact.j2" if self.compact else "part.j2"
        return self._conversation(template, section=section, part=part, words=words, before=before, after=after)

    def for_summary(self, digest: str, words: int) -> list[Message]:
        """Return the conversation that asks for the executive summary of ``words`` words."""
        template = "summary_compact.j2" if self.compact else "summary.j2"
        return self._conversation(template, digest=as_material(digest), words=words)

    def continuation(self) -> str:
        """Return the request to go on where the answer was cut off."""
        return self._fill("continue.j2")

    def extension(self, words: int) -> str:
        """Return the request for about ``words`` words more."""
        return self._fill("extend.j2", words=words)

    def remedy(self, flaw: str) -> str:
        """Return what to add to a request whose answer had this flaw."""
        return self._fill("remedies.j2", flaw=flaw)

    def _conversation(self, template: str, **values: Any) -> list[Message]:
        system = "system_compact.j2" if self.compact else "system.j2"
        return [
            {"role": "system", "content": self._fill(system)},
            {"role": "user", "content": self._fill(template, **values)},
        ]

    def _neighbours(self, part: Part) -> tuple[str, str]:
        parts = [other for section in self.outline.sections for other in section.parts]
        place = next(i for i, other in enumerate(parts) if other is part)
        before = _described(parts[place - 1]) if place else ""
        after = _described(parts[place + 1]) if place + 1 < len(parts) else ""
        return before, after

    def _fill(self, template: str, **values: Any) -> str:
        text = self._templates.get_template(template).render(
            outline=self.outline,
            query=as_material(self.query[:LONGEST_QUERY]),
            context=as_material(self.context),
            **values,
        )
        return re.sub(r"\n{3,}", "\n\n", text).strip()

    @cached_property
    def _templates(self) -> Environment:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        return Environment(
            loader=FileSystemLoader(Path(__file__).parent / "prompts"),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=False,  # noqa: S701 - prompts are plain text, never HTML
        )


def _described(part: Part) -> str:
    return f"“{part.title}”: {part.brief}"
