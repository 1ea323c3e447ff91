"""One function renders every format, and loads only what that format needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from chalicelib.domain.output_format import CONTENT_TYPES, FILE_EXTENSIONS, OUTPUT_FORMATS, OutputFormat
from chalicelib.rendering import render_pdf
from chalicelib.rendering.render import render, unshown
from tests.unit.rendering.samples import document


@pytest.mark.parametrize(
    ("output_format", "start"), [("pdf", b"%PDF-"), ("md", b"# A title"), ("html", b"<!DOCTYPE html>"), ("docx", b"PK")]
)
def test_each_format_really_is_what_it_says(output_format: OutputFormat, start: bytes) -> None:
    rendering = render(document("x"), output_format)
    assert rendering.content.startswith(start)
    assert rendering.content_type == CONTENT_TYPES[output_format]
    assert rendering.pages == (1 if output_format == "pdf" else None)


def test_every_format_has_a_content_type_and_an_extension() -> None:
    assert set(OUTPUT_FORMATS) == set(CONTENT_TYPES) == set(FILE_EXTENSIONS)


@pytest.mark.parametrize(
    ("output_format", "unwanted"),
    [
        ("md", {"fpdf", "jinja2", "markdown_it", "docx", "lxml"}),
        ("html", {"fpdf", "markdown_it", "docx", "lxml"}),
        ("docx", {"fpdf", "markdown_it", "jinja2"}),
        ("pdf", {"jinja2", "markdown_it", "docx"}),
    ],
)
def test_a_format_does_not_import_the_others_libraries(output_format: str, unwanted: set[str]) -> None:
    program = (
        "import sys; from chalicelib.rendering.render import render; from chalicelib.domain.document import Document;"
        "document = Document(report_id='r', title='t', created_at='', model='m', sections=());"
        f"render(document, {output_format!r}); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert unwanted.isdisjoint(done.stdout.split())


@pytest.mark.parametrize(
    ("text", "needs_a_rendering"),
    [
        ("Größe – 5 €", False),
        ("東京 **東京** 12.5％増加「塔」", False),
        ("서울 `서울` *서울*", False),
        ("東\u0378京", True),
        ("東京 \ue000", True),
        ("か\u3099", True),
        ("\U0002ebef", True),
        ("東京 😀 مرحبا", True),
    ],
)
def test_what_a_pdf_would_not_show_is_known_without_one_where_texts_are_simple(
    text: str, needs_a_rendering: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = document(text)
    in_a_pdf = render(written, "pdf").notices
    rendered: list[object] = []
    real = render_pdf.render_pdf
    monkeypatch.setattr(render_pdf, "render_pdf", lambda one: rendered.append(one) or real(one))
    assert unshown(written) == in_a_pdf
    assert bool(rendered) == needs_a_rendering
