"""The style sheet of an HTML report: our own, with the colours of a theme before it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from chalicelib.rendering.theme import Color, Theme, contrast_with_white

_SHEET: Final = Path(__file__).parent / "templates" / "report.css"
_DARK_PAPER: Final[Color] = (0x15, 0x18, 0x1C)
_TEXT_CONTRAST: Final = 7.0
_SHAPE_CONTRAST: Final = 4.0
_SERIES: Final = 12
# What readers' machines have; a page that loads nothing brings no font.
_FONTS: Final = {
    "sans": '"Noto Sans", "Segoe UI", system-ui, -apple-system, "Helvetica Neue", Arial, sans-serif',
    "serif": '"Noto Serif", Cambria, Georgia, "Times New Roman", serif',
}


def page_style(theme: Theme) -> str:
    """Return the whole style sheet for ``theme``.

    Dark paper gets the theme's colours as well, each mixed with as much white as it takes to be seen.
    """
    light = {"accent": theme.accent, "link": theme.link}
    dark = {name: _seen_on_dark(color, _TEXT_CONTRAST) for name, color in light.items()}
    for number in range(_SERIES):
        color = theme.series_color(number)
        light[f"s{number}"] = color
        dark[f"s{number}"] = _seen_on_dark(color, _SHAPE_CONTRAST)
    sheets = (
        f":root {{ {_variables(light)} --font: {_FONTS[theme.font]}; }}",
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {_variables(dark)} }} }}",
        *(f".s{number} {{ --series: var(--s{number}); }}" for number in range(_SERIES)),
        _sheet(),
    )
    return "\n".join(sheets)


@cache
def _sheet() -> str:
    return _SHEET.read_text("utf-8")


def _variables(colors: dict[str, Color]) -> str:
    return " ".join(f"--{name}: #{red:02x}{green:02x}{blue:02x};" for name, (red, green, blue) in colors.items())


def _seen_on_dark(color: Color, least: float) -> Color:
    for percent in range(0, 101, 5):
        mixed = _mixed(color, percent)
        # The contrast of two colours is the ratio of what each has with white.
        if contrast_with_white(_DARK_PAPER) / contrast_with_white(mixed) >= least:
            return mixed
    return 255, 255, 255


def _mixed(color: Color, percent: int) -> Color:
    red, green, blue = (channel + (255 - channel) * percent // 100 for channel in color)
    return red, green, blue
