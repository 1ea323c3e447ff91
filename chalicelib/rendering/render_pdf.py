"""A Document as a PDF: cover, contents with page numbers, sections, references, outline, links, structure.

No picture is loaded but the deployment's own logo, and no address in the text is ever opened.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from chalicelib.domain.document import Document, Reference, block_texts
from chalicelib.rendering.anchors import section_anchors
from chalicelib.rendering.front_matter import front_matter, readable_day
from chalicelib.rendering.inline_runs import is_followed
from chalicelib.rendering.numbering import FIGURE_WORDS, footnote_numbers, reference_numbers
from chalicelib.rendering.pdf_anchors import PlaceNames
from chalicelib.rendering.pdf_blocks import (
    BULLETS,
    LINE,
    MUTED,
    PLAIN,
    SMALL_SIZE,
    BlockSetter,
    ContentsEntry,
    Typesetting,
)
from chalicelib.rendering.pdf_fonts import FontBook, Style, release_glyph_caches
from chalicelib.rendering.pdf_front import FrontSetter, single_line
from chalicelib.rendering.pdf_inlines import InlineSetter, cited_reference, reference_anchor
from chalicelib.rendering.pdf_metadata import describe
from chalicelib.rendering.pdf_notes import NoteSetter
from chalicelib.rendering.pdf_pages import SHEETS, Anchor, Bookmark, Column, FillBox, Flow, Page
from chalicelib.rendering.pdf_paint import TaggedPdf, draw_pages
from chalicelib.rendering.pdf_structure import Element
from chalicelib.rendering.pdf_text import Ink, Line, LineBreaker, Stretch, draw_line, place_lines
from chalicelib.rendering.theme import Theme
from chalicelib.rendering.visible_text import one_line

_REFERENCES: Final = "References"
_REFERENCES_ANCHOR: Final = "/references"
_MARGIN_INK: Final = Ink(Style(), 8.0, MUTED)
_SIGNS: Final = ("Contents", _REFERENCES, "page 0123456789 of", "…–−↩", *BULLETS, *FIGURE_WORDS.values())  # noqa: RUF001


class Pdf(NamedTuple):
    """A finished PDF, its number of pages, and the characters it shows as code points, for no font has them."""

    content: bytes
    pages: int
    missing_characters: tuple[str, ...] = ()


def render_pdf(document: Document, theme: Theme | None = None) -> Pdf:
    """Render ``document`` as a PDF; the same document and theme always give the same bytes."""
    try:
        return _PdfWriter(document, theme or Theme()).write()
    finally:
        release_glyph_caches()


class _PdfWriter:
    def __init__(self, document: Document, theme: Theme) -> None:
        self._document = document
        self._theme = theme
        self._title = one_line(document.title) or "Report"
        self._sheet = SHEETS[theme.page]
        self._anchors = section_anchors(document.sections)
        self._pdf = _new_pdf(document, self._title, theme)
        self._fonts = FontBook(self._pdf, _texts(document, theme), document.language, serif=theme.font == "serif")
        self._breaker = LineBreaker(self._fonts)
        self._notes = footnote_numbers(document)
        self._setting = self._new_setting()
        self._root = Element("Document")
        self._margin_lines: dict[tuple[str, float], Line] = {}

    def _new_setting(self) -> Typesetting:
        names = PlaceNames(self._document, self._anchors, self._notes)
        inlines = InlineSetter(self._theme, self._notes, reference_numbers(self._document), names.target)
        return Typesetting(self._fonts, self._theme, inlines, names)

    def write(self) -> Pdf:
        pages = self._pages()
        self._add_margins(pages)
        draw_pages(self._pdf, pages, self._root)
        return Pdf(bytes(self._pdf.output()), len(pages), self._fonts.missing_characters)

    def _pages(self) -> list[Page]:
        front = FrontSetter(self._document, self._title, self._setting)
        if not self._has_cover:
            flow = Flow(self._sheet, self._root)
            front.title_block(flow)
            self._sections(flow)
            self._references(flow, 0)
            self._closing(flow)
            flow.finish()
            return flow.pages
        # The front stands first in the structure, but is set last: it needs the numbers of the body's pages.
        front_root = Element("Part", self._root)
        body = Flow(self._sheet, Element("Part", self._root))
        self._sections(body)
        entries = [*self._setting.contents]
        if self._document.references:
            entries.append(ContentsEntry(_REFERENCES, 0, _REFERENCES_ANCHOR))
        for number, section in enumerate(self._document.closing, start=1):
            entries.append(ContentsEntry(section.title, 0, _closing_anchor(number)))
        # The front is as long with any numbers, for each has a width of its own at the right.
        front_length = len(self._front(front, Element("Part"), entries, {}))
        self._references(body, front_length)
        self._closing(body)
        body.finish()
        return self._front(front, front_root, entries, _anchor_pages(body.pages, front_length)) + body.pages

    @property
    def _has_cover(self) -> bool:
        return len(self._document.sections) > 1

    def _front(
        self, front: FrontSetter, root: Element, entries: list[ContentsEntry], numbers: dict[str, int]
    ) -> list[Page]:
        flow = Flow(self._sheet, root)
        front.cover(flow)
        flow.break_page()
        front.contents(flow, entries, numbers)
        flow.finish()
        return flow.pages

    def _sections(self, flow: Flow) -> None:
        setter = BlockSetter(flow, self._setting)
        column = self._sheet.body
        notes = NoteSetter(self._document.footnotes, self._notes, self._setting, lambda: flow.element)
        if self._notes:
            flow.set_note = lambda identifier: notes.lines(identifier, column)
        for section, anchor in zip(self._document.sections, self._anchors, strict=True):
            with flow.within("Sect"):
                setter.section_title(section.title, anchor, column)
                setter.blocks(section.blocks, column, PLAIN)
        if self._notes:
            flow.add_notes(notes.left_over(column), 0.0)

    # References

    def _references(self, flow: Flow, front_length: int) -> None:
        """Place the sources, each with the pages that cite it."""
        if not self._document.references:
            return
        cited = _citations(flow.pages)
        setter = BlockSetter(flow, self._setting)
        numbers = [f"[{reference.number}]" for reference in self._document.references]
        column = self._sheet.body
        widths = [self._fonts.width(number, Style(), PLAIN.size) for number in numbers]
        indent = max(widths) + 8
        with flow.within("Sect"):
            setter.section_title(_REFERENCES, _REFERENCES_ANCHOR, column)
            with flow.within("L", attributes="/O/List/ListNumbering/Decimal"):
                for reference, number, width in zip(self._document.references, numbers, widths, strict=True):
                    flow.gap(5)
                    stretches = self._reference(reference, cited[reference.number], front_length)
                    lines = self._breaker.lines(stretches, column.width - indent)
                    mirrored = any(line.right_to_left for line in lines[:1])
                    label = Column(column.right - width, width) if mirrored else column
                    with flow.within("LI"):
                        setter.await_label(number, label)
                        with flow.within("LBody"):
                            flow.at_next_baseline(_anchor_at(reference_anchor(reference.number)))
                            place_lines(flow, lines, column.indented(indent, at_right=mirrored), PLAIN.size)

    def _closing(self, flow: Flow) -> None:
        """Place what is said on the report itself, on the last page."""
        if not self._document.closing:
            return
        if self._has_cover:
            flow.break_page()
        setter = BlockSetter(flow, self._setting)
        for number, section in enumerate(self._document.closing, start=1):
            with flow.within("Sect"):
                setter.section_title(section.title, _closing_anchor(number), self._sheet.body)
                setter.blocks(section.blocks, self._sheet.body, PLAIN)

    def _reference(self, reference: Reference, places: list[tuple[str, int]], front_length: int) -> list[Stretch]:
        """Return a source as text: title, what else is known, address, and links back to its citations."""
        small = Ink(Style(), SMALL_SIZE, MUTED)
        address = one_line(reference.href)
        href = address if is_followed(address) else ""
        title = PLAIN._replace(href=href, color=self._theme.link) if href else PLAIN
        stretches = [Stretch(one_line(reference.title) or address or "–", title)]  # noqa: RUF001
        if detail := one_line(reference.detail):
            stretches.append(Stretch(f". {detail}", PLAIN))
        if address and address != reference.title:
            stretches += [Stretch(". ", PLAIN), Stretch(address, small._replace(href=href))]
        if places:
            stretches.append(Stretch(f" \u21a9\u00a0{'pages' if len(places) > 1 else 'page'} ", small))
        for index, (anchor, number) in enumerate(places):
            if index:
                stretches.append(Stretch(", ", small))
            look = small._replace(href=f"#{anchor}", color=self._theme.link)
            stretches.append(Stretch(str(number + front_length), look))
        return stretches

    # Margins

    def _add_margins(self, pages: list[Page]) -> None:
        """Give every page but the first a running header, and all but a cover their number."""
        for number, (page, section) in enumerate(zip(pages, _running_titles(pages), strict=True), start=1):
            page.mark(None)
            if number > 1:
                self._header(page, section)
            if number > 1 or not self._has_cover:
                self._footer(page, f"page {number} of {len(pages)}")

    def _header(self, page: Page, section: str) -> None:
        column, baseline = self._sheet.body, self._sheet.top - 32
        half = Column(column.left, column.width * 0.48)
        title = self._margin_line(self._title, half.width)
        draw_line(page, title, Column(column.left, title.width), baseline)
        if section and section != self._title:
            draw_line(page, self._margin_line(section, half.width), column, baseline, "right")
        page.ground.append(FillBox(column.left, baseline + 7, column.width, 0.5, LINE))

    def _footer(self, page: Page, shown: str) -> None:
        column, baseline = self._sheet.body, self._sheet.height - 40
        line = " · ".join(filter(None, (one_line(self._theme.organisation), readable_day(self._document.created_at))))
        draw_line(page, self._margin_line(line, column.width * 0.7), column, baseline)
        draw_line(page, self._margin_line(shown, column.width * 0.3), column, baseline, "right")

    def _margin_line(self, text: str, width: float) -> Line:
        """Return ``text`` in small print, cut with an ellipsis if it is wider than ``width`` points."""
        line = self._margin_lines.get((text, width))
        if line is None:
            shown = self._breaker.shortened(text, _MARGIN_INK, width)
            line = self._margin_lines[text, width] = single_line(self._breaker, shown, _MARGIN_INK)
        return line


def _closing_anchor(number: int) -> str:
    return f"/closing-{number}"


def _anchor_at(name: str) -> Callable[[Page, float], None]:
    def note(page: Page, baseline: float) -> None:
        page.ink.append(Anchor(baseline - PLAIN.size, name))

    return note


def _citations(pages: list[Page]) -> dict[int, list[tuple[str, int]]]:
    """Return where each reference is cited: an anchor for each page, with the number of the page in the body."""
    found: dict[int, dict[int, str]] = defaultdict(dict)
    for number, page in enumerate(pages, start=1):
        for operation in page.ink:
            if isinstance(operation, Anchor) and (cited := cited_reference(operation.name)):
                found[cited].setdefault(number, operation.name)
    places = {cited: [(anchor, number) for number, anchor in sorted(at.items())] for cited, at in found.items()}
    return defaultdict(list, places)


def _running_titles(pages: list[Page]) -> list[str]:
    """Return the section of every page: the one that begins at its top or goes on there."""
    titles: list[str] = []
    current = ""
    for page in pages:
        starts = [op for op in page.ink if isinstance(op, Bookmark) and op.level == 0]
        begins = bool(starts) and (not current or starts[0].y <= page.sheet.top + 1)
        titles.append(starts[0].title if begins else current)
        if starts:
            current = starts[-1].title
    return titles


def _anchor_pages(pages: list[Page], before: int) -> dict[str, int]:
    """Return the page number of every anchor; ``before`` pages come first."""
    return {
        operation.name: number
        for number, page in enumerate(pages, start=before + 1)
        for operation in page.ink
        if isinstance(operation, Anchor)
    }


def _texts(document: Document, theme: Theme) -> Iterator[str]:
    """Yield every text of ``document`` that a page may show, and the signs added to it."""
    yield from (*_SIGNS, document.title, document.description, document.created_at, theme.organisation)
    yield from document.notices
    yield from (value for pair in front_matter(document) for value in pair)
    for section in (*document.sections, *document.closing):
        yield section.title
        yield from block_texts(section.blocks)
    for note in document.footnotes:
        yield from block_texts(note.children)
    for reference in document.references:
        yield from (reference.title, reference.detail, reference.href)


def _new_pdf(document: Document, title: str, theme: Theme) -> TaggedPdf:
    sheet = SHEETS[theme.page]
    pdf = TaggedPdf(unit="pt", format=(sheet.width, sheet.height))
    pdf.set_auto_page_break(False)
    pdf.set_margin(0)
    describe(pdf, document, title)
    return pdf
