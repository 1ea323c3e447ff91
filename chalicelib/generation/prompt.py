"""Fills the prompt templates in ``prompts/``. Text from users is always put in as delimited material."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.generation.assignment import EarlierReport
from chalicelib.generation.chat import Message
from chalicelib.generation.material import as_line, as_material, earlier_reports, readable, source_text
from chalicelib.generation.outline import COMPACT_BELOW_WORDS, Outline, Part, PlannedSection
from chalicelib.generation.source import Source

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

__all__ = ["COMPACT_BELOW_WORDS", "Detail", "Prompts", "as_material"]

LONGEST_LINE = 300
LONGEST_BRIEF = 1200


class Detail(Enum):
    """How much a request tells: everything, what is needed for a good text, or the bare task."""

    FULL = "full"
    SHORT = "short"
    BARE = "bare"


@dataclass(frozen=True)
class _Limits:
    """Characters that the user's material may have in a request, at one level of detail."""

    query: int
    context: int
    conversation: int


_LIMITS = {
    Detail.FULL: _Limits(query=6000, context=8000, conversation=4000),
    Detail.SHORT: _Limits(query=1500, context=1500, conversation=800),
    Detail.BARE: _Limits(query=500, context=0, conversation=0),
}
# Characters that all sources of a part may have. A short rest of one is not worth its place.
_SOURCES = {Detail.FULL: 10_000, Detail.SHORT: 3_200, Detail.BARE: 1_000}
_COMPACT_SOURCES = {Detail.FULL: 900, Detail.SHORT: 600, Detail.BARE: 400}
_SHORTEST_SOURCE = 200
# A model that is given short requests gets the task alone: in a long prompt it loses it.
_COMPACT_CONTEXT = {Detail.FULL: 1200, Detail.SHORT: 300, Detail.BARE: 0}


@dataclass(frozen=True)
class Prompts:
    """The prompts of one report.

    ``query``, ``context``, ``title`` and ``conversation`` are the user's; ``style`` is one of
    ``style.STYLES``, or nothing. ``compact`` prompts are for very small models.
    ``cites`` says that the report is written from sources, which are cited.
    """

    outline: Outline
    query: str
    context: str
    compact: bool
    title: str = ""
    style: str = ""
    conversation: tuple[EarlierReport, ...] = ()
    cites: bool = False

    def for_part(
        self,
        section: PlannedSection,
        part: Part,
        words: int,
        detail: Detail = Detail.FULL,
        sources: Sequence[Source] = (),
    ) -> list[Message]:
        """Return the conversation that asks for one part in about ``words`` words, written from ``sources``."""
        before, after = self._neighbours(part)
        template = "part_compact.j2" if self.compact else "part.j2"
        shown = self._room(sources, detail)
        return self._conversation(
            template, detail, section=section, part=part, words=words, before=before, after=after, sources=shown
        )

    def shown(self, sources: Sequence[Source], detail: Detail) -> tuple[int, ...]:
        """Return the numbers of the sources that :meth:`for_part` has room for at a level of detail."""
        return tuple(one["number"] for one in self._room(sources, detail))

    def for_summary(self, digest: str, words: int, detail: Detail = Detail.FULL) -> list[Message]:
        """Return the conversation that asks for the executive summary of ``words`` words.

        Args:
            digest: the main statements of the finished sections.
            words: its length.
            detail: how much to tell beside them.
        """
        template = "summary_compact.j2" if self.compact else "summary.j2"
        return self._conversation(template, detail, digest=as_material(digest), words=words)

    def continuation(self) -> str:
        """Return the request to go on where the answer was cut off."""
        return fill("continue.j2")

    def extension(self, words: int) -> str:
        """Return the request for about ``words`` words more."""
        return fill("extend.j2", words=words)

    def remedy(self, flaw: str) -> str:
        """Return what to add to a request whose answer had this flaw."""
        return fill("remedies.j2", flaw=flaw)

    def correction(self, doubtful: Sequence[tuple[str, str, str]]) -> str:
        """Return the request to write a text again, given its sentences in doubt: sentence, citations, reason."""
        return fill("correction.j2", doubtful=doubtful)

    def _room(self, sources: Sequence[Source], detail: Detail) -> list[dict[str, Any]]:
        return list(_bounded_sources(sources, (_COMPACT_SOURCES if self.compact else _SOURCES)[detail]))

    def _conversation(self, template: str, detail: Detail, **values: Any) -> list[Message]:
        system = "system_compact.j2" if self.compact else "system.j2"
        material = self._material[detail]
        return [
            {
                "role": "system",
                "content": fill(system, style=self.style, detail=detail.value, cites=self.cites, **material),
            },
            {
                "role": "user",
                "content": fill(
                    template,
                    outline=self.outline,
                    style=self.style,
                    detail=detail.value,
                    cites=self.cites,
                    **material,
                    **values,
                ),
            },
        ]

    @cached_property
    def _material(self) -> dict[Detail, dict[str, str]]:
        return {
            detail: material(self.title, self.query, self.context, self.conversation, detail, compact=self.compact)
            for detail in Detail
        }

    def _neighbours(self, part: Part) -> tuple[str, str]:
        parts = [other for section in self.outline.sections for other in section.parts]
        place = next(i for i, other in enumerate(parts) if other is part)
        before = _described(parts[place - 1]) if place else ""
        after = _described(parts[place + 1]) if place + 1 < len(parts) else ""
        return before, after


def material(
    title: str,
    query: str,
    context: str,
    conversation: Sequence[EarlierReport],
    detail: Detail,
    *,
    compact: bool = False,
) -> dict[str, str]:
    """Return the user's texts as the templates take them: bounded, and unable to leave their tags."""
    limits = _LIMITS[detail]
    longest = _COMPACT_CONTEXT[detail] if compact else limits.context
    return {
        "title": as_material(as_line(title, LONGEST_LINE)),
        "query": as_material(query, limits.query),
        "context": as_material(readable(context), longest) if context and longest else "",
        "conversation": as_material(earlier_reports(conversation, limits.conversation)),
    }


def fill(template: str, **values: Any) -> str:
    """Return a template of ``prompts/`` with its values.

    Raises:
        jinja2.UndefinedError: a value that the template needs is not there.
    """
    text = _templates().get_template(template).render(**values)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


@cache
def _templates() -> SandboxedEnvironment:
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    templates = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(Path(__file__).parent / "prompts"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # prompts are plain text, never HTML
    )
    templates.filters["line"] = lambda text: as_line(text, LONGEST_LINE)
    templates.filters["brief"] = lambda text: as_line(text, LONGEST_BRIEF)
    return templates


def _bounded_sources(sources: Sequence[Source], longest: int) -> Iterator[dict[str, Any]]:
    """Yield sources as the templates take them, as many as there is room for; the first is cut to it."""
    left = longest
    for place, source in enumerate(sources):
        if left < min(len(source.text), _SHORTEST_SOURCE) or (place and left < len(source.text) / 2):
            break
        text = source_text(source.text, left)
        left -= len(text)
        yield {
            "number": source.number,
            "title": as_material(as_line(source.title, LONGEST_LINE)),
            "detail": as_material(as_line(source.detail, LONGEST_LINE)),
            "text": text,
        }


def _described(part: Part) -> str:
    return f"\u201c{as_line(part.title, LONGEST_LINE)}\u201d: {as_line(part.brief, LONGEST_BRIEF)}"
