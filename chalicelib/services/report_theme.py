"""How this deployment's reports look."""

from __future__ import annotations

from functools import lru_cache

from chalicelib.domain.report import Report
from chalicelib.rendering.theme import Theme, Themes, parse_themes
from chalicelib.settings import settings


def theme_of(report: Report) -> Theme:
    """Return the theme for a report of its template.

    Raises:
        ThemeError: ``REPORT_THEME`` is malformed; the message says where.
    """
    return theme_named(report.template_name)


def theme_named(template_name: str) -> Theme:
    """Return the theme for what is made of a template.

    Raises:
        ThemeError: ``REPORT_THEME`` is malformed; the message says where.
    """
    return _themes(settings().report_theme).of(template_name)


@lru_cache(maxsize=1)
def _themes(text: str) -> Themes:
    return parse_themes(text)
