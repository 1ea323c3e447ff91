"""A Document as a PDF: title block, contents with page numbers, sections, outline, links.

No picture is ever loaded and no address in the text is ever opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from fpdf import FPDF

from chalicelib.domain.document import Document, block_texts
from chalicelib.rendering.anchors import section_anchors
from chalicelib.rendering.front_matter import created, front_matter
from chalicelib.rendering.pdf_blocks import ACCENT, BLACK, BODY_SIZE, BULLETS, LINE, MUTED, BlockSetter
from chalicelib.rendering.pdf_fonts import FontBook, Style, release_glyph_caches
from chalicelib.rendering.pdf_pages import (
    BODY,
    MARGIN_LEFT,
    PAGE_HEIGHT,
    PAGE_WIDTH,
    Anchor,
    Column,
    FillBox,
    Flow,
    LinkArea,
    Page,
    draw_pages,
)
from chalicelib.rendering.pdf_text import Ink, Line, LineBreaker, Stretch, draw_line, leading, place_lines
from chalicelib.rendering.visible_text import one_line

_UNDATED = datetime(1970, 1, 1, tzinfo=UTC)
_TITLE_SIZE = 25.0
_NOTICE_GROUND = (255, 247, 224)
_NOTICE_EDGE = (217, 164, 6)
_FOOTER_SIZE = 8.0
_PLAIN = Ink(Style(), BODY_SIZE, BLACK)


class Pdf(NamedTuple):
    """A finished PDF and its number of pages."""

    content: bytes
    pages: int


def render_pdf(document: Document) -> Pdf:
    """Render ``document`` as a PDF; the same document always gives the same bytes."""
    try:
        return _PdfWriter(document).write()
    finally:
        release_glyph_caches()


class _PdfWriter:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._title = one_line(document.title) or "Report"
        self._anchors = section_anchors(document.sections)
        self._pdf = _new_pdf(document, self._title)
        self._fonts = FontBook(self._pdf, _texts(document))
        self._breaker = LineBreaker(self._fonts)

    def write(self) -> Pdf:
        pages = self._pages()
        self._add_footers(pages)
        draw_pages(self._pdf, pages)
        return Pdf(bytes(self._pdf.output()), len(pages))

    def _pages(self) -> list[Page]:
        if len(self._document.sections) < 2:
            flow = Flow()
            self._front(flow)
            self._body(flow)
            return flow.pages
        body = Flow()
        self._body(body)
        numbers = _anchor_pages(body.pages)
        # Numbers are set flush right in a width of their own, so the front's length does not depend on them.
        front_length = len(self._front_with_contents(numbers, 0))
        return self._front_with_contents(numbers, front_length) + body.pages

    def _front_with_contents(self, numbers: dict[str, int], offset: int) -> list[Page]:
        flow = Flow()
        self._front(flow)
        self._contents(flow, numbers, offset)
        return flow.pages

    def _front(self, flow: Flow) -> None:
        """Place title, description, the facts about the report, and its notices."""
        setter = BlockSetter(flow, self._fonts)
        flow.page.ground.append(FillBox(0, 0, PAGE_WIDTH, 9, ACCENT))
        title = self._breaker.lines([Stretch(self._title, Ink(Style(bold=True), _TITLE_SIZE, ACCENT))], BODY.width)
        flow.advance(26)
        place_lines(flow, title, BODY, _TITLE_SIZE)
        if description := one_line(self._document.description):
            flow.gap(6)
            setter.text_line(description, BODY, Ink(Style(), 12.0, MUTED))
        flow.gap(14)
        self._facts(flow)
        for notice in filter(None, map(one_line, self._document.notices)):
            self._notice(flow, notice)
        flow.gap(22)

    def _facts(self, flow: Flow) -> None:
        flow.need(leading(BODY_SIZE))
        flow.page.ink.append(FillBox(BODY.left, flow.y, BODY.width, 0.8, LINE))
        flow.advance(8)
        values = BODY.indented(88)
        for label, value in front_matter(self._document):
            lines = self._breaker.lines([Stretch(value, _PLAIN)], values.width)
            flow.need(leading(BODY_SIZE))
            self._await_label(flow, label)
            place_lines(flow, lines, values, BODY_SIZE)
        flow.advance(8)
        flow.page.ink.append(FillBox(BODY.left, flow.y, BODY.width, 0.8, LINE))

    def _await_label(self, flow: Flow, label: str) -> None:
        line = self._single_line(label, _PLAIN._replace(color=MUTED))
        flow.at_next_baseline(lambda page, baseline: draw_line(page, line, BODY, baseline))

    def _single_line(self, text: str, ink: Ink) -> Line:
        lines = self._breaker.lines([Stretch(text, ink)], float("inf"))
        return lines[0] if lines else Line((), 0.0)

    def _notice(self, flow: Flow, notice: str) -> None:
        inner = Column(BODY.left + 14, BODY.width - 26)
        lines = self._breaker.lines([Stretch(notice, _PLAIN)], inner.width)
        flow.gap(12)
        flow.need(leading(BODY_SIZE) * min(len(lines), 3) + 14)
        start = flow.position()
        flow.advance(7)
        place_lines(flow, lines, inner, BODY_SIZE)
        flow.advance(7)
        for page, top, bottom in flow.stretches(start):
            page.ground.append(FillBox(BODY.left, top, BODY.width, bottom - top, _NOTICE_GROUND))
            page.ground.append(FillBox(BODY.left, top, 3, bottom - top, _NOTICE_EDGE))

    def _contents(self, flow: Flow, numbers: dict[str, int], offset: int) -> None:
        heading = self._breaker.lines([Stretch("Contents", Ink(Style(bold=True), 13.0, ACCENT))], BODY.width)
        flow.gap(26)
        flow.need(leading(13.0) + 2 * leading(BODY_SIZE))
        place_lines(flow, heading, BODY, 13.0)
        flow.gap(6)
        names = Column(BODY.left, BODY.width - 40)
        for section, anchor in zip(self._document.sections, self._anchors, strict=True):
            lines = self._breaker.lines([Stretch(one_line(section.title), _PLAIN)], names.width)
            number = self._single_line(str(numbers[anchor] + offset), _PLAIN)
            flow.need(leading(BODY_SIZE) * min(len(lines), 2))
            start = flow.position()
            place_lines(flow, lines, names, BODY_SIZE)
            self._page_number(flow, number, lines[-1].width if lines else 0.0)
            for page, top, bottom in flow.stretches(start):
                page.ink.append(LinkArea(BODY.left, top, BODY.width, bottom - top, f"#{anchor}"))
            flow.advance(3)

    def _page_number(self, flow: Flow, number: Line, name_width: float) -> None:
        """Draw ``number`` at the right of the line placed last, and a line that leads there."""
        draw_line(flow.page, number, BODY, flow.last_baseline, "right")
        left = BODY.left + name_width + 8
        width = BODY.left + BODY.width - number.width - 8 - left
        if width > 0:
            flow.page.ground.append(FillBox(left, flow.last_baseline - 1, width, 0.4, LINE))

    def _body(self, flow: Flow) -> None:
        setter = BlockSetter(flow, self._fonts)
        for section, anchor in zip(self._document.sections, self._anchors, strict=True):
            setter.section_title(section.title, anchor, BODY)
            setter.blocks(section.blocks, BODY, _PLAIN)

    def _add_footers(self, pages: list[Page]) -> None:
        ink = Ink(Style(), _FOOTER_SIZE, MUTED)
        baseline = PAGE_HEIGHT - 40
        title = self._single_line(self._shortened(self._title, ink, BODY.width - 100), ink)
        for number, page in enumerate(pages, start=1):
            page.ground.append(FillBox(MARGIN_LEFT, baseline - 14, BODY.width, 0.5, LINE))
            draw_line(page, title, BODY, baseline)
            draw_line(page, self._single_line(f"page {number} of {len(pages)}", ink), BODY, baseline, "right")

    def _shortened(self, text: str, ink: Ink, width: float) -> str:
        """Return ``text``, cut with an ellipsis if it is wider than ``width`` points."""
        lines = self._breaker.lines([Stretch(text, ink)], width)
        if len(lines) < 2:
            return text
        return "".join(span.text for span in lines[0].spans).rstrip() + "…"


def _texts(document: Document) -> Iterator[str]:
    """Yield every text of ``document`` that a page may show, and the signs added to it."""
    yield from (*BULLETS, document.title, document.description, *document.notices)
    yield from (value for _, value in front_matter(document))
    for section in document.sections:
        yield section.title
        yield from block_texts(section.blocks)


def _new_pdf(document: Document, title: str) -> FPDF:
    pdf = FPDF(unit="pt", format=(PAGE_WIDTH, PAGE_HEIGHT))
    pdf.set_auto_page_break(False)
    pdf.set_margin(0)
    pdf.set_title(title)
    if author := one_line(document.model):
        pdf.set_author(author)
    if subject := one_line(document.description):
        pdf.set_subject(subject)
    pdf.set_lang(one_line(document.language) or "en")
    pdf.set_creation_date(created(document) or _UNDATED)
    return pdf


def _anchor_pages(pages: list[Page]) -> dict[str, int]:
    """Return the page number of every anchor, counted from 1."""
    return {
        operation.name: number
        for number, page in enumerate(pages, start=1)
        for operation in page.ink
        if isinstance(operation, Anchor)
    }
