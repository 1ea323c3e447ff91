"""A Document as a Word file: styles, contents, real lists, tables and footnotes, links.

Nothing is loaded from elsewhere. The same document always gives the same bytes.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

import docx
from docx.opc.constants import CONTENT_TYPE, RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import XmlPart
from docx.oxml.parser import OxmlElement
from docx.oxml.xmlchemy import BaseOxmlElement as Element
from docx.shared import Cm, Twips

from chalicelib.domain.document import Document, Footnote, Reference
from chalicelib.domain.language import language_tag
from chalicelib.rendering.anchors import section_anchors
from chalicelib.rendering.docx_blocks import TEXT_WIDTH, Entry, PartWriter, Place, Shared
from chalicelib.rendering.docx_styles import Lists, set_settings, set_styles
from chalicelib.rendering.docx_xml import element, field, is_right_to_left, paragraph, run
from chalicelib.rendering.front_matter import created, front_matter
from chalicelib.rendering.inline_runs import Marks, Run, is_followed
from chalicelib.rendering.theme import Theme
from chalicelib.rendering.visible_text import one_line

_PAPER: Final = {"a4": (11906, 16838), "letter": (12240, 15840)}
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_UNDATED: Final = datetime(1980, 1, 1, tzinfo=UTC)
_MOST_PROPERTY: Final = 255
_MOST_RUNNING_TITLE: Final = 90
_BODY: Final = Place()
_NOTE: Final = Place(style="FootnoteText")


def render_docx(document: Document, theme: Theme | None = None) -> bytes:
    """Render ``document`` as an Office Open XML file; the same document and theme always give the same bytes."""
    return _DocxWriter(document, theme or Theme()).write()


class _DocxWriter:
    def __init__(self, document: Document, theme: Theme) -> None:
        self._document = document
        self._theme = theme
        self._title = one_line(document.title) or "Report"
        self._docx = docx.Document()
        self._part: Any = self._docx.part
        self._shared = Shared(document, Lists(self._part.numbering_part.element))
        self._writer = PartWriter(self._part, self._shared, is_body=True)

    def write(self) -> bytes:
        self._set_up()
        body = [*self._sections(), *self._references(), *self._closing(), *self._uncalled_notes()]
        self._add_footnotes()
        target = self._docx.element.body
        target[:] = [*self._front(), *self._contents(), *body, target[-1]]
        packed = io.BytesIO()
        self._docx.save(packed)
        return _reproducible(packed.getvalue())

    # Around the text

    def _set_up(self) -> None:
        set_styles(self._part.styles.element, self._theme, language_tag(self._document.language))
        set_settings(self._part.settings.element)
        self._set_properties()
        self._set_pages()
        for relation in list(self._docx.part.package.rels.values()):
            # A picture of an empty page that belongs to the template.
            if relation.reltype == RELATIONSHIP_TYPE.THUMBNAIL:
                del self._docx.part.package.rels[relation.rId]

    def _set_properties(self) -> None:
        document, properties = self._document, self._docx.core_properties
        properties.title = _property(self._title)
        properties.author = properties.last_modified_by = _property(document.author or document.model)
        properties.subject = _property(document.subject or document.description)
        properties.keywords = _property(", ".join(document.keywords))
        properties.comments = ""
        properties.language = language_tag(document.language)
        properties.identifier = _property(document.report_id)
        properties.created = properties.modified = created(document) or _UNDATED
        properties.revision = 1

    def _set_pages(self) -> None:
        section = self._docx.sections[0]
        width, height = _PAPER[self._theme.page]
        section.page_width, section.page_height = Twips(width), Twips(height)
        section.left_margin = section.right_margin = Twips((width - TEXT_WIDTH) // 2)
        section.top_margin = section.bottom_margin = Twips(1417)
        section.different_first_page_header_footer = True
        header, footer = section.header, section.footer
        header.is_linked_to_previous = footer.is_linked_to_previous = False
        title = self._title
        if len(title) > _MOST_RUNNING_TITLE:
            title = title[:_MOST_RUNNING_TITLE].rstrip() + "…"
        header._element[:] = [paragraph("Header", run(title))]
        number = [run("\tpage "), *field("PAGE", "1"), run(" of "), *field("NUMPAGES", "1")]
        footer._element[:] = [paragraph("Footer", *number)]

    # Text

    def _front(self) -> Iterator[Element]:
        document = self._document
        yield from self._sender()
        yield paragraph("Title", run(self._title), properties=_bidi(self._title))
        if description := one_line(document.description):
            yield paragraph("Subtitle", run(description), properties=_bidi(description))
        for label, value in front_matter(document):
            yield paragraph("Facts", run(f"{label}\t", [element("b"), element("bCs")]), run(value))
        for notice in filter(None, map(one_line, document.notices)):
            yield paragraph("Notice", run(notice), properties=_bidi(notice))

    def _sender(self) -> Iterator[Element]:
        """Yield whose report it is: sign and name of the organisation."""
        organisation = one_line(self._theme.organisation)
        if self._theme.logo:
            holder = self._docx.add_paragraph(style="Organisation")
            picture = holder.add_run().add_picture(io.BytesIO(self._theme.logo), height=Cm(1.4))
            picture._inline.docPr.set("descr", organisation)
            yield holder._p
        if organisation:
            yield paragraph("Organisation", run(organisation), properties=_bidi(organisation))

    def _contents(self) -> Iterator[Element]:
        """Yield the contents as a field: the entries are there, and a word processor puts in the page numbers."""
        entries = self._shared.entries
        if len(self._document.sections) < 2 or not entries:
            return
        heading = paragraph("ContentsTitle", run("Contents"), properties=[element("pageBreakBefore")])
        lines = [_contents_line(entry) for entry in entries]
        code = element("instrText")
        code.text = ' TOC \\o "1-3" \\h '
        opening = (
            element("r", element("fldChar", fldCharType="begin")),
            element("r", code),
            element("r", element("fldChar", fldCharType="separate")),
        )
        for position, part in enumerate(opening, start=1):
            lines[0].insert(position, part)
        lines[-1].append(element("r", element("fldChar", fldCharType="end")))
        gallery = element("docPartGallery", val="Table of Contents")
        about = element("sdtPr", element("docPartObj", gallery, element("docPartUnique")))
        yield element("sdt", about, element("sdtContent", heading, *lines))

    def _sections(self) -> Iterator[Element]:
        sections = self._document.sections
        for position, (section, anchor) in enumerate(zip(sections, section_anchors(sections), strict=True)):
            title = self._writer.section_title(section.title, anchor)
            if position == 0 and len(sections) > 1:
                title[0].insert(1, element("pageBreakBefore"))
            yield title
            yield from self._writer.blocks(section.blocks, _BODY)

    def _references(self) -> Iterator[Element]:
        if not self._document.references:
            return
        yield self._writer.section_title("References", " references")
        for reference in self._document.references:
            yield self._reference(reference)

    def _reference(self, reference: Reference) -> Element:
        shared, number = self._shared, reference.number
        runs = [Run(one_line(reference.title))]
        if detail := one_line(reference.detail):
            runs.append(Run(f", {detail}"))
        if reference.href:
            target = Marks(href=reference.href if is_followed(reference.href) else "")
            runs += [Run(" "), Run(one_line(reference.href), target)]
        label = shared.bookmark(shared.name(f" reference {number}"), [run(f"[{number}]\t")])
        back = shared.cited.get(number)
        links = [run(" "), element("hyperlink", run("↑", [_link_style()]), anchor=back)] if back else []
        return paragraph("Bibliography", *label, *self._writer.inline(runs), *links)

    def _closing(self) -> Iterator[Element]:
        for number, section in enumerate(self._document.closing, start=1):
            yield self._writer.section_title(section.title, f" closing {number}")
            yield from self._writer.blocks(section.blocks, _BODY)

    # Footnotes

    def _uncalled_notes(self) -> Iterator[Element]:
        """Yield the notes that nothing in the text calls: a word processor would not show them."""
        notes = [note for note in self._numbered_notes() if note.id not in self._shared.called]
        if not notes:
            return
        yield self._writer.section_title("Notes", " notes")
        for note in notes:
            number = run(f"{self._shared.notes[note.id]}. ")
            mark = self._shared.bookmark(self._shared.name(f" note {note.id}"), [number])
            yield from _begun_with(mark, self._writer.blocks(note.children, _BODY), "Normal")

    def _numbered_notes(self) -> list[Footnote]:
        return sorted(self._document.footnotes, key=lambda note: self._shared.notes[note.id])

    def _add_footnotes(self) -> None:
        called = [note for note in self._numbered_notes() if note.id in self._shared.called]
        root: Any = OxmlElement("w:footnotes")
        part = XmlPart(PackURI("/word/footnotes.xml"), CONTENT_TYPE.WML_FOOTNOTES, root, self._part.package)
        self._part.relate_to(part, RELATIONSHIP_TYPE.FOOTNOTES)
        root.append(_separator("-1", "separator"))
        root.append(_separator("0", "continuationSeparator"))
        writer = PartWriter(part, self._shared, is_body=False)
        for number, note in enumerate(called, start=1):
            style = element("rStyle", val="FootnoteReference")
            mark = [element("r", element("rPr", style), element("footnoteRef")), run(" ")]
            content = _begun_with(mark, writer.blocks(note.children, _NOTE), "FootnoteText")
            root.append(element("footnote", *content, id=str(number)))


def _begun_with(mark: Iterable[Element], content: Iterable[Element], style: str) -> list[Element]:
    """Return ``content`` with ``mark`` at its beginning; it ends with a paragraph, as a note has to."""
    made = list(content)
    if not made or not made[0].tag.endswith("}p"):
        made.insert(0, paragraph(style))
    for position, piece in enumerate(mark, start=1):
        made[0].insert(position, piece)
    return made


def _separator(identifier: str, kind: str) -> Element:
    return element("footnote", element("p", element("r", element(kind))), id=identifier, type_=kind)


def _contents_line(entry: Entry) -> Element:
    number = field(f"PAGEREF {entry.bookmark} \\h", "")
    link = element("hyperlink", run(entry.text), run("\t"), *number, anchor=entry.bookmark, history="1")
    return paragraph(f"TOC{entry.level}", link, properties=_bidi(entry.text))


def _bidi(text: str) -> list[Element]:
    return [element("bidi")] if is_right_to_left(text) else []


def _link_style() -> Element:
    return element("rStyle", val="Hyperlink")


def _property(text: str) -> str:
    """Return ``text`` as a property of the file: one line, of a length that the format takes."""
    shown = one_line(text)
    return shown if len(shown) <= _MOST_PROPERTY else shown[: _MOST_PROPERTY - 1] + "…"


def _reproducible(packed: bytes) -> bytes:
    """Return the same zip file without the time at which it was made."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name in source.namelist():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            made.writestr(entry, source.read(name))
    return target.getvalue()
