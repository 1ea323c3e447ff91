"""A Document as one self-contained HTML file: no script, and nothing to load from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from chalicelib.domain.document import (
    Chart,
    Citation,
    Document,
    Figure,
    Footnote,
    FootnoteMark,
    Heading,
    Inline,
    Reference,
    plain_text,
    walk_blocks,
)
from chalicelib.domain.language import language_tag
from chalicelib.rendering.anchors import Anchors, section_anchors, slug
from chalicelib.rendering.front_matter import created, front_matter
from chalicelib.rendering.inline_runs import assemble, flatten, is_followed
from chalicelib.rendering.numbering import FigureCounter, chart_table, footnote_numbers, reference_numbers
from chalicelib.rendering.page_style import page_style
from chalicelib.rendering.svg_chart import svg_chart
from chalicelib.rendering.theme import Theme
from chalicelib.rendering.visible_text import one_line, visible

_TEMPLATES = Path(__file__).parent / "templates"
_RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ps", "ur", "yi"})
_TOP_HEADING = 3
_LISTED_HEADING = 3


def render_html(document: Document, theme: Theme | None = None) -> bytes:
    """Render ``document`` as UTF-8 encoded HTML; the same document and theme always give the same bytes."""
    theme = theme or Theme()
    style = page_style(theme)
    language = language_tag(document.language)
    moment = created(document)
    html = _template().render(
        document=document,
        page=_Page(document),
        title=one_line(document.title) or "Report",
        facts=front_matter(document),
        date=moment.date().isoformat() if moment else "",
        language=language,
        direction="rtl" if language.split("-")[0].lower() in _RIGHT_TO_LEFT else "ltr",
        theme=theme,
        logo=_data_uri(theme.logo) if theme.logo else "",
        style=Markup(style),  # noqa: S704 - our own, without anything from a document
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    )
    return html.encode()


class Link(NamedTuple):
    """A place in the page: its text, what it links to, and its own name."""

    text: str
    target: str
    anchor: str


class Entry(NamedTuple):
    """An entry of the contents, with those below it."""

    title: str
    anchor: str
    below: list[Entry]


class Placed(NamedTuple):
    """A heading as it stands in the page."""

    level: int
    anchor: str


class _Page:
    """What the template asks for while it writes the page from top to bottom: names, numbers, levels."""

    def __init__(self, document: Document) -> None:
        sections = section_anchors(document.sections)
        self.sections = list(zip(sections, document.sections, strict=True))
        self.contents: list[Entry] = []
        self._names = Anchors(sections)
        self.main = self._name("content")
        self.contents_name = self._name("contents")
        self._targets = dict(zip((section.id for section in document.sections), sections, strict=True))
        self._name_figures()
        self._figures = FigureCounter()
        self._notes = footnote_numbers(document)
        self._note_names = {number: self._name(f"note-{number}") for number in self._notes.values()}
        self._reference_names = {n: self._name(f"reference-{n}") for n in sorted(reference_numbers(document))}
        self._marks: dict[int, list[str]] = defaultdict(list)
        self._citations: dict[int, list[str]] = defaultdict(list)
        self._heading_level = _TOP_HEADING - 1
        self._charts = 0
        notes = {self._notes[note.id]: note for note in document.footnotes}
        self.notes: list[tuple[int, Footnote]] = [(number, notes[number]) for number in sorted(notes)]

    def _name(self, wanted: str) -> str:
        return self._names.take(wanted, wanted)

    def _name_figures(self) -> None:
        self._figure_names: dict[str, str] = {}
        for blocks in (part.blocks for _, part in self.sections):
            for block in walk_blocks(blocks):
                if isinstance(block, Figure) and block.id not in self._figure_names:
                    self._figure_names[block.id] = self._names.take(block.id, f"figure-{len(self._figure_names) + 1}")
        self._targets = self._figure_names | self._targets

    def begin_section(self, title: str, anchor: str) -> str:
        """Enter a section in the contents and return its title."""
        shown = one_line(title)
        self._heading_level = _TOP_HEADING - 1
        if shown:
            self.contents.append(Entry(shown, anchor, []))
        return shown

    def take(self, wanted: str) -> str:
        """Return a free name."""
        return self._name(wanted)

    def heading(self, node: Heading) -> Placed | None:
        """Return the level and name of the next heading, or nothing if it has no text.

        No level is left out on the way down, whatever the text had: that is how a page is heard.
        """
        text = one_line(plain_text(node.children))
        if not text and not any(isinstance(child, FootnoteMark | Citation) for child in node.children):
            return None
        level = self._heading_level = min(node.level, self._heading_level + 1)
        anchor = self._names.take(slug(text), "heading")
        if level <= _LISTED_HEADING and self.contents:
            self.contents[-1].below.append(Entry(text, anchor, []))
        return Placed(level, anchor)

    def href(self, href: str) -> str:
        """Return the address of a link; names inside the report may have become others."""
        if not href.startswith("#"):
            return href
        return f"#{self._targets.get(unquote(href[1:]), href[1:])}"

    def call(self, mark: FootnoteMark) -> Link | None:
        """Return where the next mark of a footnote leads, or nothing if there is no such footnote."""
        number = self._notes.get(mark.id)
        if number is None:
            return None
        marks = self._marks[number]
        marks.append(self._name(f"note-{number}-mark-{len(marks) + 1}"))
        return Link(str(number), self._note_names[number], marks[-1])

    def cite(self, citation: Citation) -> Link | None:
        """Return where the next citation of a reference leads, or nothing if there is no such reference."""
        number = citation.number
        if number not in self._reference_names:
            return None
        if citation.is_source:
            return Link(f"[{number}]", "", self._reference_names[number])
        found = self._citations[number]
        found.append(self._name(f"reference-{number}-citation-{len(found) + 1}"))
        return Link(f"[{number}]", self._reference_names[number], found[-1])

    def note(self, number: int) -> Link:
        """Return the name of a footnote."""
        return Link(str(number), "", self._note_names[number])

    def reference(self, reference: Reference) -> Link:
        """Return the name of a reference."""
        return Link(f"[{reference.number}]", "", self._reference_names[reference.number])

    def marks(self, number: int) -> list[str]:
        """Return the names of all marks of a footnote so far."""
        return self._marks[number]

    def citations(self, number: int) -> list[str]:
        """Return the names of all citations of a reference so far."""
        return self._citations[number]

    def figure(self, figure: Figure) -> Link:
        """Return label and name of the next figure, table or listing."""
        anchor = self._figure_names.pop(figure.id, "") or self._name("figure")
        return Link(self._figures.label(figure), "", anchor)

    def chart(self, chart: Chart) -> Markup:
        """Return the picture of the next chart."""
        self._charts += 1
        while not self._names.take_all((f"chart-{self._charts}", f"chart-{self._charts}-text")):
            self._charts += 1
        return svg_chart(chart, f"chart-{self._charts}")


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["one_line"] = one_line
    environment.filters["normal"] = _normal
    environment.filters["chart_table"] = chart_table
    environment.tests["followed"] = is_followed
    return environment.get_template("report.html.j2")


def _normal(nodes: tuple[Inline, ...]) -> tuple[Inline, ...]:
    """Return inline nodes in their normal form, which is never deeper than a few levels."""
    return assemble(flatten(nodes))


def _data_uri(picture: bytes) -> str:
    kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"


def _finalize(value: object) -> object:
    """Keep control characters out of the file; what macros return has been through here already."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(value)
    return value
