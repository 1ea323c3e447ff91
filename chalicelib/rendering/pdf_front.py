"""What stands before a PDF's sections: cover, facts, notices, contents."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

from PIL import Image

from chalicelib.domain.document import Document
from chalicelib.rendering.bidi import is_right_to_left
from chalicelib.rendering.front_matter import front_matter
from chalicelib.rendering.pdf_blocks import BODY_SIZE, LINE, MUTED, PLAIN, BlockSetter, ContentsEntry, Typesetting
from chalicelib.rendering.pdf_fonts import Style
from chalicelib.rendering.pdf_pages import Column, FillBox, Flow, LinkArea, ShowPicture
from chalicelib.rendering.pdf_text import Ink, Line, LineBreaker, Stretch, draw_line, leading, place_lines
from chalicelib.rendering.theme import Color
from chalicelib.rendering.visible_text import one_line

_NOTICE_GROUND: Final[Color] = (255, 247, 224)
_NOTICE_EDGE: Final[Color] = (217, 164, 6)
_TITLE_SIZES: Final = ((45, 32.0), (90, 26.0), (180, 20.0), (400, 15.0))
_LEAST_TITLE_SIZE = 11.0
_LOGO_HEIGHT = 44.0
_LOGO_WIDTH = 180.0
_COVER_TITLE_TOP = 0.27
_BAR_WIDTH = 54.0
_FACTS_LABEL = 96.0
_MOST_CONTENTS = 150
_CONTENTS_HEADING = 19.0
_CONTENTS_INDENT = 14.0
_NUMBER_ROOM = 40.0


class FrontSetter:
    """Places what stands before the sections."""

    def __init__(self, document: Document, title: str, setting: Typesetting) -> None:
        self._document = document
        self._title = title
        self._setting = setting
        self._breaker = LineBreaker(setting.fonts)

    def cover(self, flow: Flow) -> None:
        """Place a page of its own with the title, and the facts at its foot; long ones go on over pages."""
        sheet, accent = flow.sheet, self._setting.theme.accent
        flow.page.ground.append(FillBox(0, 0, sheet.width, 14, accent))
        self._sign(flow)
        flow.y = max(flow.y, sheet.top + sheet.body_height * _COVER_TITLE_TOP)
        left = sheet.body.right - _BAR_WIDTH if is_right_to_left(self._title) else sheet.body.left
        flow.page.ground.append(FillBox(left, flow.y - 16, _BAR_WIDTH, 4, accent))
        self._title_lines(flow)
        facts_height = (leading(BODY_SIZE) + 3) * len(front_matter(self._document)) + 30
        notices = [self._notice_lines(flow, notice) for notice in self._notices()]
        below = facts_height + sum(leading(BODY_SIZE) * len(lines) + 26 for lines in notices)
        if flow.room > below + 30:
            flow.y = sheet.bottom - below
        else:
            flow.gap(30)
        for lines in notices:
            self._notice(flow, lines)
        flow.gap(18)
        self._facts(flow)

    def title_block(self, flow: Flow) -> None:
        """Place the same at the top of the page on which the text begins."""
        flow.page.ground.append(FillBox(0, 0, flow.sheet.width, 9, self._setting.theme.accent))
        self._sign(flow)
        self._title_lines(flow)
        flow.gap(14)
        self._facts(flow)
        for notice in self._notices():
            flow.gap(12)
            self._notice(flow, self._notice_lines(flow, notice))
        flow.gap(22)

    def _sign(self, flow: Flow) -> None:
        """Place the organisation's logo and name, if the deployment has them."""
        theme, left = self._setting.theme, flow.sheet.body.left
        if theme.logo:
            width, height = picture_size(theme.logo, _LOGO_WIDTH, _LOGO_HEIGHT)
            flow.page.ground.append(ShowPicture(left, flow.y - 18, width, height, theme.logo))
            flow.advance(height)
        if name := one_line(theme.organisation):
            ink = Ink(Style(bold=True), 11.0, theme.accent)
            BlockSetter(flow, self._setting).text_line(name, flow.sheet.body, ink)
        if theme.logo or theme.organisation:
            flow.gap(20)

    def _title_lines(self, flow: Flow) -> None:
        size = next((size for length, size in _TITLE_SIZES if len(self._title) <= length), _LEAST_TITLE_SIZE)
        ink = Ink(Style(bold=True), size, self._setting.theme.accent)
        lines = self._breaker.lines([Stretch(self._title, ink)], flow.sheet.body.width)
        with flow.within("H1"):
            place_lines(flow, lines, flow.sheet.body, size)
        if description := one_line(self._document.description):
            flow.gap(8)
            size = 13.0 if len(description) < 400 else BODY_SIZE
            BlockSetter(flow, self._setting).text_line(description, flow.sheet.body, Ink(Style(), size, MUTED))

    def _facts(self, flow: Flow) -> None:
        body = flow.sheet.body
        flow.need(leading(BODY_SIZE))
        flow.page.ground.append(FillBox(body.left, flow.y, body.width, 0.8, LINE))
        flow.advance(9)
        values = body.indented(_FACTS_LABEL)
        setter = BlockSetter(flow, self._setting)
        with flow.within("L"):
            for label, value in front_matter(self._document):
                lines = self._breaker.lines([Stretch(value, PLAIN)], values.width)
                flow.need(leading(BODY_SIZE))
                with flow.within("LI"):
                    setter.await_label(label, body, PLAIN._replace(color=MUTED))
                    with flow.within("LBody"):
                        place_lines(flow, lines, values, BODY_SIZE)
                flow.advance(3)
        flow.advance(6)

    def _notices(self) -> list[str]:
        return list(filter(None, map(one_line, self._document.notices)))

    def _notice_lines(self, flow: Flow, notice: str) -> list[Line]:
        return self._breaker.lines([Stretch(notice, PLAIN)], flow.sheet.body.width - 26)

    def _notice(self, flow: Flow, lines: list[Line]) -> None:
        body = flow.sheet.body
        flow.gap(12)
        flow.need(leading(BODY_SIZE) * min(len(lines), 3) + 14)
        start = flow.position()
        flow.advance(7)
        with flow.within("P"):
            place_lines(flow, lines, Column(body.left + 14, body.width - 26), BODY_SIZE)
        flow.advance(7)
        for page, top, bottom in flow.stretches(start):
            page.ground.append(FillBox(body.left, top, body.width, bottom - top, _NOTICE_GROUND))
            page.ground.append(FillBox(body.left, top, 3, bottom - top, _NOTICE_EDGE))

    # Contents

    def contents(self, flow: Flow, entries: Sequence[ContentsEntry], numbers: dict[str, int]) -> None:
        """Place the list of sections and their headings with the numbers of their pages."""
        ink = Ink(Style(bold=True), _CONTENTS_HEADING, self._setting.theme.accent)
        BlockSetter(flow, self._setting).text_line("Contents", flow.sheet.body, ink, role="P")
        flow.gap(10)
        with flow.within("TOC"):
            for entry in contents_shown(entries):
                self._entry(flow, entry, numbers.get(entry.anchor, 0))

    def _entry(self, flow: Flow, entry: ContentsEntry, number: int) -> None:
        body = flow.sheet.body
        is_section = entry.level == 0
        size = BODY_SIZE if is_section else BODY_SIZE * 0.94
        ink = Ink(Style(bold=is_section), size, PLAIN.color)
        width = body.width - _NUMBER_ROOM - _CONTENTS_INDENT * entry.level
        lines = self._breaker.lines([Stretch(entry.title or "–", ink)], width)  # noqa: RUF001
        mirrored = lines[-1].right_to_left
        names = Column(body.left + (_NUMBER_ROOM if mirrored else _CONTENTS_INDENT * entry.level), width)
        flow.gap(7.0 if is_section else 1.5)
        flow.need(leading(size) * min(len(lines), 2))
        start = flow.position()
        with flow.within("TOCI"), flow.within("Link") as link:
            place_lines(flow, lines, names, size)
            self._page_number(flow, single_line(self._breaker, str(number), ink), lines[-1], names)
        for page, top, bottom in flow.stretches(start):
            area = LinkArea(body.left, top, body.width, bottom - top, f"#{entry.anchor}", entry.title, link)
            page.ink.append(area)
        flow.gap(1.5)

    def _page_number(self, flow: Flow, number: Line, name: Line, names: Column) -> None:
        """Draw ``number`` across from the ``name`` placed last, and a line that leads there."""
        body = flow.sheet.body
        draw_line(flow.page, number, body, flow.last_baseline, "left" if name.right_to_left else "right")
        if name.right_to_left:
            left, right = body.left + number.width + 8, names.right - name.width - 8
        else:
            left, right = names.left + name.width + 8, body.right - number.width - 8
        if right > left:
            flow.page.ground.append(FillBox(left, flow.last_baseline - 1, right - left, 0.4, LINE))


def contents_shown(entries: Sequence[ContentsEntry]) -> list[ContentsEntry]:
    """Return the entries that the contents list: sections, and their headings unless these are too many."""
    two_levels = [entry for entry in entries if entry.level <= 1]
    return two_levels if len(two_levels) <= _MOST_CONTENTS else [entry for entry in entries if entry.level == 0]


def single_line(breaker: LineBreaker, text: str, ink: Ink) -> Line:
    """Return ``text`` as one line, however wide."""
    lines = breaker.lines([Stretch(text, ink)], float("inf"))
    return lines[0] if lines else Line((), 0.0)


def picture_size(content: bytes, most_width: float, most_height: float) -> tuple[float, float]:
    """Return the size of a picture fitted into a box, its proportions kept."""
    with Image.open(io.BytesIO(content)) as picture:
        width, height = picture.size
    scale = min(most_width / width, most_height / height)
    return width * scale, height * scale
