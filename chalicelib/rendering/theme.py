"""How a deployment's reports look: paper, colours, fonts, and whose name and sign they carry.

A theme comes from the deployment alone, as JSON; nothing in a report's text reaches it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

Color = tuple[int, int, int]

_HEX = r"^#[0-9A-Fa-f]{6}$"
_HexColor = Annotated[str, Field(pattern=_HEX)]
_LEAST_CONTRAST = 4.5
_MAX_LOGO_BYTES = 1_000_000
_PICTURE_STARTS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")

# At least 3:1 on white, and told apart by people who see few colours: chosen by a search for the greatest
# distance between any two, as they are and as they look to people without red, green or blue cones.
_PALETTE: Final = (
    *("#1f5a93", "#d6791b", "#0aa58e", "#bf341d", "#a076e9", "#331f05"),
    *("#2f8bc4", "#860a61", "#646974", "#82985a", "#16362c", "#b566b1"),
)


class ThemeError(ValueError):
    """A theme is malformed; the message says what is wrong with it."""


@dataclass(frozen=True)
class Theme:
    """What a renderer needs to know. Colours are red, green, blue of 0 to 255; ``logo`` is a PNG or JPEG file.

    ``accent`` colours titles; it and ``link`` are dark enough to be read on white.
    """

    page: Literal["a4", "letter"] = "a4"
    accent: Color = (24, 62, 105)
    link: Color = (16, 84, 158)
    palette: tuple[Color, ...] = ()
    font: str = "sans"
    organisation: str = ""
    logo: bytes = field(default=b"", repr=False)

    def series_color(self, number: int) -> Color:
        """Return the colour of series ``number`` of a chart, counted from 0; colours come round again."""
        colors = self.palette or _DEFAULT_PALETTE
        return colors[number % len(colors)]


@dataclass(frozen=True)
class Themes:
    """The themes of a deployment: one for all reports, and others for some templates, by name."""

    default: Theme = Theme()
    by_template: Mapping[str, Theme] = field(default_factory=dict)

    def of(self, template_name: str) -> Theme:
        """Return the theme for reports of the template ``template_name``."""
        return self.by_template.get(template_name, self.default)


class _ThemeJson(BaseModel):
    """The fields of a theme as a deployment writes them; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    page: Literal["a4", "letter"] | None = None
    accent: _HexColor | None = None
    link: _HexColor | None = None
    palette: Annotated[tuple[_HexColor, ...], Field(min_length=1, max_length=12)] | None = None
    font: Literal["sans", "serif"] | None = None
    organisation: Annotated[str, Field(max_length=80)] | None = None
    logo_file: str | None = None

    @field_validator("accent", "link")
    @classmethod
    def _can_be_read(cls, value: str | None) -> str | None:
        if value is not None and contrast_with_white(_color(value)) < _LEAST_CONTRAST:
            raise ValueError(f"{value} is too light to be read on white (contrast below {_LEAST_CONTRAST})")
        return value


class _ThemesJson(_ThemeJson):
    templates: dict[str, _ThemeJson] = Field(default_factory=dict)


def parse_themes(text: str) -> Themes:
    """Parse ``REPORT_THEME``: a JSON object; its ``templates`` maps template names to what differs for them.

    Raises:
        ThemeError: malformed JSON, an unknown field, an unreadable colour, or a logo that cannot be read.
    """
    if not text.strip():
        return Themes()
    try:
        parsed = _ThemesJson.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ThemeError(f"{'.'.join(map(str, first['loc'])) or 'JSON'}: {first['msg']}") from None
    default = _changed(Theme(), parsed)
    return Themes(default, {name: _changed(default, changes) for name, changes in parsed.templates.items()})


def contrast_with_white(color: Color) -> float:
    """Return the contrast ratio between ``color`` and white as WCAG 2 defines it: 1 to 21."""
    parts = [channel / 255 for channel in color]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)


def _changed(theme: Theme, changes: _ThemeJson) -> Theme:
    values: dict[str, Any] = {
        "page": changes.page or theme.page,
        "accent": _color(changes.accent) if changes.accent else theme.accent,
        "link": _color(changes.link) if changes.link else theme.link,
        "palette": tuple(map(_color, changes.palette)) if changes.palette else theme.palette,
        "font": changes.font or theme.font,
        "organisation": theme.organisation if changes.organisation is None else changes.organisation,
        "logo": theme.logo if changes.logo_file is None else _logo(changes.logo_file),
    }
    return Theme(**values)


def _logo(name: str) -> bytes:
    """Read the deployment's logo from a file; an empty name is no logo."""
    if not name:
        return b""
    try:
        content = Path(name).read_bytes()
    except OSError as error:
        raise ThemeError(f"logo_file: {name}: {error.strerror}") from None
    if len(content) > _MAX_LOGO_BYTES or not content.startswith(_PICTURE_STARTS):
        raise ThemeError(f"logo_file: {name} is not a PNG or JPEG file of at most {_MAX_LOGO_BYTES:,} bytes")
    return content


def _color(text: str) -> Color:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


_DEFAULT_PALETTE: Final = tuple(map(_color, _PALETTE))
