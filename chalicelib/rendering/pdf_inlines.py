"""Inline nodes as stretches of text, with the look and the links that they have in a PDF."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping

from chalicelib.domain.document import Inline
from chalicelib.rendering.inline_runs import Marks, flatten
from chalicelib.rendering.pdf_fonts import Style
from chalicelib.rendering.pdf_text import Ink, Stretch
from chalicelib.rendering.theme import Color, Theme
from chalicelib.rendering.visible_text import visible

CODE_GROUND: Color = (243, 244, 246)
CODE_SCALE = 0.9
_MARK_SCALE = 0.66
_MARK_RISE = 0.34


class InlineSetter:
    """Gives every run of text its look; knows the numbers of footnotes and references.

    ``target`` returns the anchor that a link to a fragment leads to, or an empty string.
    """

    def __init__(
        self, theme: Theme, footnotes: Mapping[str, int], references: Collection[int], target: Callable[[str], str]
    ) -> None:
        self._theme = theme
        self._footnotes = footnotes
        self._references = references
        self._target = target
        self._citations: Counter[int] = Counter()

    def stretches(self, children: tuple[Inline, ...], ink: Ink) -> list[Stretch]:
        """Return inline nodes as stretches, each with its look derived from ``ink``."""
        return [self._stretch(text, marks, ink) for text, marks in flatten(children)]

    def _stretch(self, text: str, marks: Marks, ink: Ink) -> Stretch:
        if marks.footnote in self._footnotes:
            return self._footnote_mark(marks.footnote, ink)
        if marks.is_source:
            return Stretch(text, ink._replace(anchor=reference_anchor(marks.citation)))
        if marks.citation:
            return self._citation(marks.citation, text, ink)
        href = self._href(marks.href)
        look = ink._replace(
            style=Style(ink.style.bold or marks.bold, ink.style.italic or marks.italic, marks.code),
            size=ink.size * CODE_SCALE if marks.code else ink.size,
            color=self._theme.link if href else ink.color,
            ground=CODE_GROUND if marks.code else None,
            strike=marks.strike,
            href=href,
        )
        return Stretch(visible(text), look, marks.line_break)

    def _href(self, href: str) -> str:
        """Return where a link of the text leads: nowhere if it names no place of this report."""
        if not href.startswith("#"):
            return href
        anchor = self._target(href[1:])
        return f"#{anchor}" if anchor else ""

    def _footnote_mark(self, identifier: str, ink: Ink) -> Stretch:
        number = self._footnotes[identifier]
        look = self.mark_ink(ink)._replace(
            href=f"#{note_anchor(number)}", footnote=identifier, anchor=mark_anchor(number)
        )
        return Stretch(str(number), look)

    def mark_ink(self, ink: Ink) -> Ink:
        """Return the look of a raised number."""
        style = ink.style._replace(italic=False, mono=False)
        return ink._replace(
            style=style, size=ink.size * _MARK_SCALE, rise=ink.size * _MARK_RISE, color=self._theme.link
        )

    def _citation(self, number: int, text: str, ink: Ink) -> Stretch:
        if number not in self._references:
            return Stretch(text, ink)
        self._citations[number] += 1
        anchor = citation_anchor(number, self._citations[number])
        href = f"#{reference_anchor(number)}"
        return Stretch(text, ink._replace(color=self._theme.link, href=href, anchor=anchor))


# No name from a text has a slash, so these are never taken.


def note_anchor(number: int) -> str:
    """Return the name of the place of footnote ``number``."""
    return f"/note/{number}"


def mark_anchor(number: int) -> str:
    """Return the name of the place where footnote ``number`` is marked."""
    return f"/mark/{number}"


def reference_anchor(number: int) -> str:
    """Return the name of the place of reference ``number``."""
    return f"/reference/{number}"


def citation_anchor(number: int, occurrence: int) -> str:
    """Return the name of a place where reference ``number`` is cited."""
    return f"/cited/{number}/{occurrence}"


def cited_reference(anchor: str) -> int:
    """Return the number of the reference that is cited at ``anchor``; 0 if it is another place."""
    return int(anchor.split("/")[2]) if anchor.startswith("/cited/") else 0
