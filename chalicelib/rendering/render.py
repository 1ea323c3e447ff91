"""A Document in any of the output formats."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from chalicelib.domain.document import Document
from chalicelib.domain.output_format import CONTENT_TYPES, OutputFormat
from chalicelib.rendering.theme import Theme

_MOST_NAMED: Final = 20
# Latin letters, and the punctuation and signs that texts in them have.
_ORDINARY: Final = re.compile("[\x20-\x7e\xa0-\u017f\u2010-\u2027\u2030-\u203a\u20ac]*")


@dataclass(frozen=True)
class Rendering:
    """A rendered report; ``pages`` is known for paged formats only.

    ``notices`` say what its reader would not see in it as it was written.
    """

    content: bytes
    content_type: str
    pages: int | None = None
    notices: tuple[str, ...] = ()


def _missing(characters: Sequence[str]) -> tuple[str, ...]:
    if not characters:
        return ()
    named = ", ".join(f"U+{ord(character):04X}" for character in characters[:_MOST_NAMED])
    more = len(characters) - _MOST_NAMED
    others = f" and {more} more" if more > 0 else ""
    return (f"No font has these characters, so the PDF shows their code points instead: {named}{others}.",)


def unshown(document: Document) -> tuple[str, ...]:
    """Return what a PDF of ``document`` would not show as it was written: one may be asked for at any time.

    It takes a rendering to know, but for texts of Latin letters alone, which every font has, and of
    ideographs beside them.
    """
    unusual = set(_ORDINARY.sub("", document.model_dump_json()))
    if not unusual:
        return ()
    from chalicelib.rendering.pdf_fonts import has_every_ideograph

    if has_every_ideograph(unusual):
        return ()
    from chalicelib.rendering.render_pdf import render_pdf

    return _missing(render_pdf(document).missing_characters)


def render(document: Document, output_format: OutputFormat, theme: Theme | None = None) -> Rendering:
    """Render ``document`` as ``output_format``; Markdown has no looks, and takes nothing from ``theme``.

    Each renderer is imported only when its format is asked for.
    """
    content_type = CONTENT_TYPES[output_format]
    if output_format == "pdf":
        from chalicelib.rendering.render_pdf import render_pdf

        pdf = render_pdf(document, theme)
        return Rendering(pdf.content, content_type, pdf.pages, _missing(pdf.missing_characters))
    if output_format == "md":
        from chalicelib.rendering.render_markdown import render_markdown

        return Rendering(render_markdown(document), content_type)
    if output_format == "html":
        from chalicelib.rendering.render_html import render_html

        return Rendering(render_html(document, theme), content_type)
    if output_format == "docx":
        from chalicelib.rendering.render_docx import render_docx

        return Rendering(render_docx(document, theme), content_type)
    assert_never(output_format)
