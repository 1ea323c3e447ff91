"""Pages as lists of drawing operations, and the way they are filled from top to bottom.

Laying out before drawing is what lets the contents list and "page x of y" know
every page number. Lengths are in points, y grows downwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import quote

from fpdf import FPDF

PAGE_WIDTH = 595.28
PAGE_HEIGHT = 841.89
MARGIN_LEFT = 70.0
MARGIN_TOP = 68.0
BODY_WIDTH = PAGE_WIDTH - 2 * MARGIN_LEFT
BODY_BOTTOM = PAGE_HEIGHT - 74.0
BODY_HEIGHT = BODY_BOTTOM - MARGIN_TOP

Color = tuple[int, int, int]


class ShowText(NamedTuple):
    """Text with its baseline at ``y``."""

    x: float
    y: float
    text: str
    face: str
    size: float
    color: Color


class FillBox(NamedTuple):
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    color: Color


class LinkArea(NamedTuple):
    """A clickable rectangle; ``target`` is a URL, or the name of an anchor after ``#``."""

    x: float
    y: float
    width: float
    height: float
    target: str


class Bookmark(NamedTuple):
    """An entry of the outline, at ``y``; ``level`` 0 is the highest."""

    y: float
    title: str
    level: int


class Anchor(NamedTuple):
    """A place that links can name."""

    y: float
    name: str


Operation = ShowText | FillBox | LinkArea | Bookmark | Anchor


@dataclass(slots=True)
class Page:
    """One page: ``ground`` is drawn first, ``ink`` over it; ``end`` is where its content stopped."""

    ground: list[FillBox] = field(default_factory=list)
    ink: list[Operation] = field(default_factory=list)
    end: float = MARGIN_TOP


class Position(NamedTuple):
    """A place in the flow: the page's index and y."""

    page: int
    y: float


class Column(NamedTuple):
    """Where text may stand between the left and the right."""

    left: float
    width: float

    def indented(self, by: float, least: float = 90.0) -> Column:
        """Return the column without ``by`` points at its left, or unchanged if it is narrow already."""
        return Column(self.left + by, self.width - by) if self.width - by >= least else self


BODY = Column(MARGIN_LEFT, BODY_WIDTH)


class Flow:
    """Content that runs down a page and on to the next."""

    def __init__(self) -> None:
        self.pages: list[Page] = [Page()]
        self.y = MARGIN_TOP
        self._gap = 0.0
        self._takes_gaps = True
        self.last_baseline = MARGIN_TOP
        self._on_baseline: list[Callable[[Page, float], None]] = []

    @property
    def page(self) -> Page:
        """The page that is being filled."""
        return self.pages[-1]

    @property
    def room(self) -> float:
        """Points left on this page."""
        return BODY_BOTTOM - self.y

    @property
    def is_at_top(self) -> bool:
        """Whether nothing stands on this page yet."""
        return self.y <= MARGIN_TOP

    def break_page(self) -> None:
        """Go on at the top of a new page."""
        self.page.end = self.y
        self.pages.append(Page())
        self.y = MARGIN_TOP
        self._gap = 0.0

    def gap(self, points: float) -> None:
        """Ask for white space before the next content: the largest wish wins, none at a page's top."""
        if self._takes_gaps:
            self._gap = max(self._gap, points)

    def no_gap(self) -> None:
        """Let the next content follow at once, whatever it asks for."""
        self._gap = 0.0
        self._takes_gaps = False

    def need(self, points: float) -> None:
        """Apply the gap, and make sure ``points`` fit on the page if they fit on any."""
        if not self.is_at_top:
            self.y += self._gap
        self._gap = 0.0
        self._takes_gaps = True
        if self.room < points and not self.is_at_top:
            self.y = min(self.y, BODY_BOTTOM)
            self.break_page()

    def advance(self, points: float) -> None:
        """Take ``points`` of the page."""
        self.y += points

    def at_next_baseline(self, draw: Callable[[Page, float], None]) -> None:
        """Call ``draw`` with page and baseline of the next line: how a list marker meets its item."""
        self._on_baseline.append(draw)

    def baseline(self, y: float) -> None:
        """Tell that a line is about to be drawn at baseline ``y`` of this page."""
        self.last_baseline = y
        if self._on_baseline:
            waiting, self._on_baseline = self._on_baseline, []
            for draw in waiting:
                draw(self.page, y)

    @property
    def awaits_baseline(self) -> bool:
        """Whether a list marker still waits for its line."""
        return bool(self._on_baseline)

    def position(self) -> Position:
        """Return where the next content goes."""
        return Position(len(self.pages) - 1, self.y)

    def stretches(self, start: Position) -> Iterator[tuple[Page, float, float]]:
        """Yield page, top and bottom of everything placed since ``start``."""
        last = len(self.pages) - 1
        for index in range(start.page, last + 1):
            top = start.y if index == start.page else MARGIN_TOP
            bottom = self.y if index == last else self.pages[index].end
            if bottom > top:
                yield self.pages[index], top, bottom


def draw_pages(pdf: FPDF, pages: list[Page]) -> None:
    """Draw ``pages`` into ``pdf``; links to anchors that no page has are left out."""
    targets = {
        operation.name: pdf.add_link(page=number, y=operation.y)
        for number, page in enumerate(pages, start=1)
        for operation in page.ink
        if isinstance(operation, Anchor)
    }
    painter = _Painter(pdf, targets)
    for page in pages:
        painter.draw(page)


class _Painter:
    def __init__(self, pdf: FPDF, targets: dict[str, int]) -> None:
        self._pdf = pdf
        self._targets = targets
        self._color: Color | None = None

    def draw(self, page: Page) -> None:
        self._pdf.add_page()
        for operation in (*page.ground, *page.ink):
            self._draw(operation)

    def _draw(self, operation: Operation) -> None:
        match operation:
            case ShowText(x, y, text, face, size, color):
                self._use(color)
                self._pdf.set_font(face, "", size)
                self._pdf.text(x, y, text)
            case FillBox(x, y, width, height, color):
                self._use(color)
                self._pdf.rect(x, y, width, height, style="F")
            case LinkArea(x, y, width, height, target):
                self._link(x, y, width, height, target)
            case Bookmark(y, title, level):
                self._pdf.set_y(y)
                self._pdf.start_section(title, level, strict=False)

    def _use(self, color: Color) -> None:
        if self._color != color:
            # Both alike: fpdf2 wraps text whose colour is not the fill colour in two more operators.
            self._pdf.set_text_color(*color)
            self._pdf.set_fill_color(*color)
            self._color = color

    def _link(self, x: float, y: float, width: float, height: float, target: str) -> None:
        if not target.startswith("#"):
            self._pdf.link(x, y, width, height, _printable(target))
        elif target[1:] in self._targets:
            self._pdf.link(x, y, width, height, self._targets[target[1:]])


def _printable(url: str) -> str:
    """Return ``url`` with everything but printable ASCII percent-encoded."""
    return quote(url, safe="".join(map(chr, range(0x21, 0x7F))))
