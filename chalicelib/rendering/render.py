"""A Document in any of the output formats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from chalicelib.domain.document import Document
from chalicelib.domain.output_format import CONTENT_TYPES, OutputFormat


@dataclass(frozen=True)
class Rendering:
    """A rendered report; ``pages`` is known for paged formats only."""

    content: bytes
    content_type: str
    pages: int | None = None


def render(document: Document, output_format: OutputFormat) -> Rendering:
    """Render ``document`` as ``output_format``.

    Each renderer is imported only when its format is asked for.
    """
    content_type = CONTENT_TYPES[output_format]
    if output_format == "pdf":
        from chalicelib.rendering.render_pdf import render_pdf

        pdf = render_pdf(document)
        return Rendering(pdf.content, content_type, pdf.pages)
    if output_format == "md":
        from chalicelib.rendering.render_markdown import render_markdown

        return Rendering(render_markdown(document), content_type)
    if output_format == "html":
        from chalicelib.rendering.render_html import render_html

        return Rendering(render_html(document), content_type)
    assert_never(output_format)
