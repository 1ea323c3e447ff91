"""Pages as lists of drawing operations, and the way they are filled from top to bottom.

Laying out before drawing is what lets the contents list and "page x of y" know
every page number. Lengths are in points, y grows downwards.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from chalicelib.rendering.pdf_shaping import GlyphRun
from chalicelib.rendering.pdf_structure import Element
from chalicelib.rendering.theme import Color

_NOTE_SHARE = 0.4
_NOTE_RULE_SPACE = 11.0
_NOTE_RULE_WIDTH = 60.0
_NOTE_RULE: Final[Color] = (150, 156, 164)


class Column(NamedTuple):
    """Where text may stand between the left and the right."""

    left: float
    width: float

    def indented(self, by: float, least: float = 90.0, *, at_right: bool = False) -> Column:
        """Return the column without ``by`` points at its left or right, or unchanged if it is narrow already."""
        if self.width - by < least:
            return self
        return Column(self.left if at_right else self.left + by, self.width - by)

    @property
    def right(self) -> float:
        """Where the column ends."""
        return self.left + self.width


class Sheet(NamedTuple):
    """A page's size and what its body leaves free."""

    width: float
    height: float
    side: float = 70.0
    top: float = 78.0
    foot: float = 74.0

    @property
    def body(self) -> Column:
        """The column of the text."""
        return Column(self.side, self.width - 2 * self.side)

    @property
    def bottom(self) -> float:
        """Where the body ends."""
        return self.height - self.foot

    @property
    def body_height(self) -> float:
        """The height of the body."""
        return self.bottom - self.top


SHEETS: Final = {"a4": Sheet(595.28, 841.89), "letter": Sheet(612.0, 792.0)}


class ShowText(NamedTuple):
    """Text with its baseline at ``y``."""

    x: float
    y: float
    text: str
    face: str
    size: float
    color: Color


class ShowGlyphs(NamedTuple):
    """Shaped text with its baseline at ``y``."""

    x: float
    y: float
    run: GlyphRun
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


class FillShape(NamedTuple):
    """A filled polygon."""

    points: tuple[tuple[float, float], ...]
    color: Color


class StrokeLine(NamedTuple):
    """A line through ``points``, ``width`` thick; ``dash`` has the lengths of its strokes and gaps in turn."""

    points: tuple[tuple[float, float], ...]
    width: float
    color: Color
    dash: tuple[float, ...] = ()


class ShowPicture(NamedTuple):
    """The picture that the deployment's theme holds, PNG or JPEG; never one that a text names."""

    x: float
    y: float
    width: float
    height: float
    content: bytes


class LinkArea(NamedTuple):
    """A clickable rectangle; ``target`` is a URL, or the name of an anchor after ``#``."""

    x: float
    y: float
    width: float
    height: float
    target: str
    text: str = ""
    element: Element | None = None


class Bookmark(NamedTuple):
    """An entry of the outline, at ``y``; ``level`` 0 is the highest."""

    y: float
    title: str
    level: int


class Anchor(NamedTuple):
    """A place that links can name."""

    y: float
    name: str


class Mark(NamedTuple):
    """What follows belongs to ``element``; without one it is decoration."""

    element: Element | None


Operation = ShowText | ShowGlyphs | FillBox | FillShape | StrokeLine | ShowPicture | LinkArea | Bookmark | Anchor | Mark


class NoteLine(Protocol):
    """A line of a footnote; ``height`` includes the space before it."""

    @property
    def height(self) -> float:
        """The height in points."""
        ...

    def draw(self, page: Page, top: float) -> None:
        """Draw the line between ``top`` and ``top + height``."""
        ...


@dataclass(slots=True)
class Page:
    """One page: ``ground`` is drawn first, as decoration, ``ink`` over it; ``end`` is where its content stopped."""

    sheet: Sheet
    ground: list[Operation] = field(default_factory=list)
    ink: list[Operation] = field(default_factory=list)
    end: float = 0.0
    notes: list[NoteLine] = field(default_factory=list)
    element: Element | None = None

    def mark(self, element: Element | None) -> None:
        """Let what is drawn next belong to ``element``."""
        if self.element is not element:
            self.element = element
            self.ink.append(Mark(element))

    @property
    def notes_height(self) -> float:
        """The height that footnotes take, with the rule above them."""
        return sum(line.height for line in self.notes) + _NOTE_RULE_SPACE if self.notes else 0.0


class Position(NamedTuple):
    """A place in the flow: the page's index and y."""

    page: int
    y: float


class Flow:
    """Content that runs down a page and on to the next.

    ``root`` is the element to which everything in it belongs.
    """

    def __init__(self, sheet: Sheet, root: Element) -> None:
        self.sheet = sheet
        self.pages: list[Page] = [Page(sheet)]
        self.y = sheet.top
        self.element = root
        self.last_baseline = sheet.top
        self.set_note: Callable[[str], Sequence[NoteLine]] | None = None
        self._bottom = sheet.bottom
        self._gap = 0.0
        self._takes_gaps = True
        self._on_baseline: list[Callable[[Page, float], None]] = []
        self._waiting_notes: deque[NoteLine] = deque()

    @property
    def page(self) -> Page:
        """The page that is being filled."""
        return self.pages[-1]

    @property
    def room(self) -> float:
        """Points left on this page."""
        return self._bottom - self.y

    @property
    def is_at_top(self) -> bool:
        """Whether nothing stands on this page yet."""
        return self.y <= self.sheet.top

    @contextmanager
    def within(self, role: str, *, alt: str = "", attributes: str = "", identifier: str = "") -> Iterator[Element]:
        """Let what is placed meanwhile belong to a new element of ``role``."""
        outer = self.element
        self.element = Element(role, outer, alt=alt, attributes=attributes, identifier=identifier)
        try:
            yield self.element
        finally:
            self.element = outer

    def mark(self) -> None:
        """Let what is drawn next on this page belong to the current element."""
        self.page.mark(self.element)

    def break_page(self) -> None:
        """Go on at the top of a new page."""
        self.page.end = min(self.y, self._bottom)
        self.pages.append(Page(self.sheet))
        self.y = self.sheet.top
        self._bottom = self.sheet.bottom
        self._gap = 0.0
        self._fill_notes(self.sheet.body_height * _NOTE_SHARE)

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
            self.break_page()

    def advance(self, points: float) -> None:
        """Take ``points`` of the page."""
        self.y += points

    # Footnotes

    @property
    def has_notes(self) -> bool:
        """Whether there are footnotes that lines may mark."""
        return self.set_note is not None

    def note_lines(self, identifiers: Sequence[str]) -> list[NoteLine]:
        """Return the lines of the footnotes that have not been placed yet."""
        return [line for identifier in identifiers for line in self.set_note(identifier)] if self.set_note else []

    def notes_need(self, lines: Sequence[NoteLine]) -> float:
        """Return how much lower the body ends if ``lines`` come to this page's foot; long ones go on elsewhere."""
        if not lines:
            return 0.0
        rule = 0.0 if self.page.notes else _NOTE_RULE_SPACE
        whole = sum(line.height for line in (*self._waiting_notes, *lines))
        most = self.sheet.body_height * _NOTE_SHARE - self.page.notes_height
        return rule + (whole if whole <= most else max(lines[0].height, most))

    def add_notes(self, lines: Sequence[NoteLine], used: float) -> None:
        """Put footnotes at this page's foot, as far as ``used`` points of body and those below leave room."""
        self._waiting_notes.extend(lines)
        self._fill_notes(self.room - used)

    def _fill_notes(self, room: float) -> None:
        while self._waiting_notes:
            rule = 0.0 if self.page.notes else _NOTE_RULE_SPACE
            needed = self._waiting_notes[0].height + rule
            if needed > room:
                return
            room -= needed
            self._bottom -= needed
            self.page.notes.append(self._waiting_notes.popleft())

    def finish(self) -> None:
        """Place what is left of the footnotes, and draw them all."""
        self._fill_notes(self.room)
        while self._waiting_notes:
            self.break_page()
            self._fill_notes(self.room)
        self.page.end = self.y
        for page in self.pages:
            _draw_notes(page)

    # Lines

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
            top = start.y if index == start.page else self.sheet.top
            bottom = self.y if index == last else self.pages[index].end
            if bottom > top:
                yield self.pages[index], top, bottom


def _draw_notes(page: Page) -> None:
    if not page.notes:
        return
    y = page.sheet.bottom - page.notes_height
    page.ground.append(FillBox(page.sheet.side, y + 4, _NOTE_RULE_WIDTH, 0.5, _NOTE_RULE))
    y += _NOTE_RULE_SPACE
    for line in page.notes:
        line.draw(page, y)
        y += line.height
