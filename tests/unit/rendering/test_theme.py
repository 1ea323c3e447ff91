"""A theme is the deployment's alone: checked when it is read, and never touched by a text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chalicelib.rendering.theme import Theme, ThemeError, contrast_with_white, parse_themes

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


def test_nothing_set_is_the_default() -> None:
    assert parse_themes("").of("any") == Theme() == parse_themes("{}").default


def test_templates_differ_from_the_deployments_theme_only_where_they_say_so() -> None:
    themes = parse_themes(
        json.dumps(
            {
                "accent": "#800000",
                "organisation": "Example Ltd",
                "templates": {"Letter": {"page": "letter", "organisation": ""}},
            }
        )
    )
    assert themes.of("Other") == Theme(accent=(128, 0, 0), organisation="Example Ltd")
    assert themes.of("Letter") == Theme(accent=(128, 0, 0), page="letter")


def test_the_logo_is_a_file_of_the_deployment(tmp_path: Path) -> None:
    file = tmp_path / "logo.png"
    file.write_bytes(PNG)
    assert parse_themes(json.dumps({"logo_file": str(file)})).default.logo == PNG


@pytest.mark.parametrize("content", [b"<svg/>", b"GIF89a", b"", PNG + b"0" * 1_000_000])
def test_only_small_png_and_jpeg_files_are_logos(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "logo"
    file.write_bytes(content)
    with pytest.raises(ThemeError, match="logo_file"):
        parse_themes(json.dumps({"logo_file": str(file)}))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{", "JSON"),
        ('{"accent": "blue"}', "accent"),
        ('{"accent": "#ffee00"}', "too light"),
        ('{"link": "#cccccc"}', "too light"),
        ('{"palette": []}', "palette"),
        ('{"colour": "#000000"}', "colour"),
        ('{"page": "a3"}', "page"),
        ('{"logo_file": "/nowhere/logo.png"}', "/nowhere/logo.png"),
        ('{"templates": {"A": {"accent": "#ffffff"}}}', "templates.A.accent"),
    ],
)
def test_what_is_wrong_is_named(text: str, named: str) -> None:
    with pytest.raises(ThemeError, match=named):
        parse_themes(text)


def test_contrast_is_that_of_wcag() -> None:
    assert contrast_with_white((0, 0, 0)) == pytest.approx(21)
    assert contrast_with_white((255, 255, 255)) == pytest.approx(1)
    assert contrast_with_white((119, 119, 119)) == pytest.approx(4.48, abs=0.01)


def test_default_colours_can_be_read_and_series_come_round() -> None:
    theme = Theme()
    assert min(map(contrast_with_white, (theme.accent, theme.link))) > 4.5
    assert theme.series_color(0) == theme.series_color(12) != theme.series_color(1)
    assert Theme(palette=((1, 2, 3),)).series_color(5) == (1, 2, 3)
