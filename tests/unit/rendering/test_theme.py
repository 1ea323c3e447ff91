"""A theme is the deployment's alone: checked when it is read, and never touched by a text."""

from __future__ import annotations

import json
import math
from itertools import combinations
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


def lightness_and_hue(color: tuple[float, ...]) -> tuple[float, ...]:
    """Return a linear colour in Oklab, where distances are what people see: 0.02 is just noticed."""
    red, green, blue = color
    cones = (
        0.4122 * red + 0.5363 * green + 0.0514 * blue,
        0.2119 * red + 0.6807 * green + 0.1074 * blue,
        0.0883 * red + 0.2817 * green + 0.6300 * blue,
    )
    long, medium, short = (max(cone, 0.0) ** (1 / 3) for cone in cones)
    return (
        0.2105 * long + 0.7936 * medium - 0.0041 * short,
        1.9780 * long - 2.4286 * medium + 0.4506 * short,
        0.0259 * long + 0.7828 * medium - 0.8087 * short,
    )


# How linear colours look with all cones, and without those for long, medium and short waves (Machado et al. 2009).
SIGHTS = {
    "all": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.1523, 1.0526, -0.2049), (0.1145, 0.7863, 0.0992), (-0.0039, -0.0481, 1.0520)),
    "deuteranopia": ((0.3673, 0.8606, -0.2280), (0.2801, 0.6725, 0.0474), (-0.0118, 0.0429, 0.9690)),
    "tritanopia": ((1.2555, -0.0767, -0.1788), (-0.0784, 0.9308, 0.1476), (0.0047, 0.6914, 0.3039)),
}


@pytest.mark.parametrize("sight", SIGHTS)
def test_the_colours_of_series_are_told_apart_by_everyone(sight: str) -> None:
    seen = []
    for number in range(12):
        parts = [channel / 255 for channel in Theme().series_color(number)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        mixed = tuple(sum(m * c for m, c in zip(row, linear, strict=True)) for row in SIGHTS[sight])
        seen.append(lightness_and_hue(mixed))
    assert min(math.dist(a, b) for a, b in combinations(seen, 2)) >= 0.04
    assert min(math.dist(a, b) for a, b in combinations(seen[:6], 2)) >= 0.08


def test_the_colours_of_series_can_be_seen_on_white() -> None:
    assert min(contrast_with_white(Theme().series_color(number)) for number in range(12)) >= 3


def test_default_colours_can_be_read_and_series_come_round() -> None:
    theme = Theme()
    assert min(map(contrast_with_white, (theme.accent, theme.link))) > 4.5
    assert theme.series_color(0) == theme.series_color(12) != theme.series_color(1)
    assert Theme(palette=((1, 2, 3),)).series_color(5) == (1, 2, 3)
