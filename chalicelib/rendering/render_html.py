"""A Document as one self-contained HTML file: no script, and nothing to load from elsewhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from chalicelib.domain.document import Document
from chalicelib.rendering.anchors import section_anchors
from chalicelib.rendering.front_matter import front_matter
from chalicelib.rendering.inline_runs import is_followed
from chalicelib.rendering.visible_text import one_line, visible

_TEMPLATES = Path(__file__).parent / "templates"
_RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ps", "ur", "yi"})


def render_html(document: Document) -> bytes:
    """Render ``document`` as UTF-8 encoded HTML."""
    html = _template().render(
        document=document,
        facts=front_matter(document),
        sections=list(zip(section_anchors(document.sections), document.sections, strict=True)),
        direction="rtl" if document.language.split("-")[0].lower() in _RIGHT_TO_LEFT else "ltr",
    )
    return html.encode()


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
    environment.tests["followed"] = is_followed
    return environment.get_template("report.html.j2")


def _finalize(value: object) -> object:
    """Keep control characters out of the file; what macros return has been through here already."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(value)
    return value
