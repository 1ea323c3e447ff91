"""What the links of a text can lead to in a PDF: the same names as in the HTML report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from chalicelib.domain.document import Document, Figure, Heading, plain_text, walk_blocks
from chalicelib.rendering.anchors import Anchors, slug
from chalicelib.rendering.numbering import reference_numbers
from chalicelib.rendering.pdf_inlines import note_anchor, reference_anchor
from chalicelib.rendering.visible_text import one_line

# Parts of the HTML report that take a name before any heading does.
_PAGE_PARTS = ("content", "contents")


class PlaceNames:
    """Names the sections, figures and headings of a Document, before any of them is placed.

    ``sections`` are the anchors of its sections, ``notes`` the numbers of its footnotes by their ids.
    """

    def __init__(self, document: Document, sections: Sequence[str], notes: Mapping[str, int]) -> None:
        names = Anchors(sections)
        for part in _PAGE_PARTS:
            names.take(part, part)
        blocks = [*walk_blocks(block for section in document.sections for block in section.blocks)]
        self._figures: dict[str, str] = {}
        for block in blocks:
            if isinstance(block, Figure) and block.id not in self._figures:
                self._figures[block.id] = names.take(block.id, f"figure-{len(self._figures) + 1}")
        self._targets = {
            names.take(f"note-{number}", f"note-{number}"): note_anchor(number) for number in notes.values()
        }
        for number in sorted(reference_numbers(document)):
            name = f"reference-{number}"
            self._targets[names.take(name, name)] = reference_anchor(number)
        headings = (one_line(plain_text(block.children)) for block in blocks if isinstance(block, Heading))
        self._headings = [names.take(slug(text), "heading") if text else "" for text in headings]
        self._targets |= {name: name for name in (*sections, *self._figures.values(), *self._headings) if name}
        self._targets |= self._figures
        self._targets |= {section.id: anchor for section, anchor in zip(document.sections, sections, strict=True)}
        self._placed_headings = iter(self._headings)
        self._placed_figures = dict(self._figures)

    def target(self, fragment: str) -> str:
        """Return the anchor that a link to ``fragment`` leads to, or an empty string if nothing has that name."""
        return self._targets.get(fragment) or self._targets.get(unquote(fragment), "")

    def next_heading(self) -> str:
        """Return the anchor of the heading that is placed next; empty if it has no text."""
        return next(self._placed_headings, "")

    def figure(self, figure: Figure) -> str:
        """Return the anchor of ``figure``, once: empty if another with its id was placed before."""
        return self._placed_figures.pop(figure.id, "")
