"""Drawing laid-out pages into a PDF, each text in the marked content that its element asks for."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from fpdf import FPDF
from fpdf.actions import URIAction
from fpdf.syntax import DestinationXYZ, Name

from chalicelib.rendering.pdf_pages import (
    Anchor,
    Bookmark,
    FillBox,
    FillShape,
    LinkArea,
    Mark,
    Operation,
    Page,
    ShowGlyphs,
    ShowPicture,
    ShowText,
    StrokeLine,
)
from chalicelib.rendering.pdf_shaping import RunPainter
from chalicelib.rendering.pdf_structure import Content, Element, LinkAnnotation, StructureTree
from chalicelib.rendering.theme import Color


class TaggedPdf(FPDF):
    """A PDF whose content can be marked."""

    def begin_content(self, role: str, number: int) -> None:
        """Begin marked content ``number`` of this page, for an element of ``role``."""
        self._out(f"/{role} <</MCID {number}>> BDC")

    def begin_decoration(self) -> None:
        """Begin content that is no part of the text."""
        self._out("/Artifact BMC")

    def end_content(self) -> None:
        """End the marked content begun last."""
        self._out("EMC")

    def show(self, operators: str) -> None:
        """Show the text of ``operators`` in the font set last."""
        if not self.current_font_is_set_on_page and self.current_font is not None:
            self._out(self._set_font_for_page(self.current_font, self.font_size_pt))
        self._out(operators)

    def line_style(self, dash: tuple[float, ...]) -> None:
        """Let the corners of lines be round, and their ends where they have no gaps, which these would close."""
        self._out(f"1 j {0 if dash else 1} J [{' '.join(f'{length:g}' for length in dash)}] 0 d")


def draw_pages(pdf: TaggedPdf, pages: Sequence[Page], document: Element) -> None:
    """Draw ``pages`` into ``pdf``; links to anchors that no page has are left out.

    ``document`` is the root of the elements that the pages name.
    """
    targets = {
        operation.name: (number, operation.y)
        for number, page in enumerate(pages, start=1)
        for operation in page.ink
        if isinstance(operation, Anchor)
    }
    painter = _Painter(pdf, targets)
    for page in pages:
        painter.draw(page)
    pdf.struct_builder = StructureTree(document, pdf)  # type: ignore[assignment]


class _Painter:
    def __init__(self, pdf: TaggedPdf, targets: dict[str, tuple[int, float]]) -> None:
        self._pdf = pdf
        self._targets = targets
        self._runs = RunPainter()
        self._color: Color | None = None
        self._font: tuple[str, float] | None = None
        self._wanted: Element | None = None
        self._open: Element | None = None
        self._is_open = False
        self._contents = 0
        self._has_links = False

    def draw(self, page: Page) -> None:
        self._pdf.add_page()
        self._font = self._wanted = None
        self._contents = 0
        self._has_links = False
        for operation in page.ground:
            self._draw(operation)
        for operation in page.ink:
            self._draw(operation)
        self._close()
        if self._has_links:
            # Readers go from link to link in the order of the structure.
            self._pdf.pages[self._pdf.page].tabs = Name("S")  # type: ignore[attr-defined]

    def _draw(self, operation: Operation) -> None:
        match operation:
            case ShowText(x, y, text, face, size, color):
                self._begin()
                self._use(color)
                if self._font != (face, size):
                    self._pdf.set_font(face, "", size)
                    self._font = (face, size)
                self._pdf.text(x, y, text)
            case ShowGlyphs(x, y, run, face, size, color):
                self._begin()
                self._use(color)
                if self._font != (face, size):
                    self._pdf.set_font(face, "", size)
                    self._font = (face, size)
                self._pdf.show(self._runs.operators(run, x, self._pdf.h - y, size))
            case Mark(element):
                self._wanted = element
            case FillBox(x, y, width, height, color):
                self._begin()
                self._use(color)
                self._pdf.rect(x, y, width, height, style="F")
            case FillShape(points, color):
                self._begin()
                self._use(color)
                self._pdf.polygon(points, style="F")
            case StrokeLine(points, width, color, dash):
                self._begin()
                self._pdf.set_draw_color(*color)
                self._pdf.set_line_width(width)
                self._pdf.line_style(dash)
                self._pdf.polyline(points)
            case ShowPicture(x, y, width, height, content):
                self._begin()
                self._pdf.image(io.BytesIO(content), x, y, width, height)
            case LinkArea():
                self._link(operation)
            case Bookmark(y, title, level):
                self._pdf.set_y(y)
                self._pdf.start_section(title, level, strict=False)
            case Anchor():
                pass

    def _begin(self) -> None:
        """Make sure that what is drawn next stands in the marked content of the wanted element."""
        if self._is_open and self._open is self._wanted:
            return
        self._close()
        self._open, self._is_open = self._wanted, True
        if self._wanted is None:
            self._pdf.begin_decoration()
            return
        self._pdf.begin_content(self._wanted.role, self._contents)
        self._wanted.kids.append(Content(self._pdf.page, self._contents))
        self._contents += 1

    def _close(self) -> None:
        if self._is_open:
            self._pdf.end_content()
        self._open, self._is_open = None, False

    def _use(self, color: Color) -> None:
        if self._color != color:
            # Both alike: fpdf2 wraps text whose colour is not the fill colour in two more operators.
            self._pdf.set_text_color(*color)
            self._pdf.set_fill_color(*color)
            self._color = color

    def _link(self, area: LinkArea) -> None:
        way = self._way(area.target)
        if not way:
            return
        annotation = LinkAnnotation(
            x=area.x,
            y=self._pdf.h - area.y,
            width=area.width,
            height=area.height,
            contents=(area.text if area.target.startswith("#") else "") or area.target,
            **way,
        )
        self._has_links = True
        page = self._pdf.pages[self._pdf.page]
        page.add_annotation(annotation)
        if area.element is not None:
            area.element.kids.append(annotation)

    def _way(self, target: str) -> dict[str, Any]:
        if not target.startswith("#"):
            return {"action": URIAction(_printable(target))}
        if target[1:] not in self._targets:
            return {}
        number, y = self._targets[target[1:]]
        return {"dest": DestinationXYZ(number, top=self._pdf.h - y)}


def _printable(url: str) -> str:
    """Return ``url`` with everything but printable ASCII percent-encoded."""
    return quote(url, safe="".join(map(chr, range(0x21, 0x7F))))
