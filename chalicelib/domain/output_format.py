"""The formats a report can be had in, their content types and file extensions."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

OutputFormat = Literal["pdf", "md", "html", "docx"]

OUTPUT_FORMATS: Final[tuple[OutputFormat, ...]] = ("pdf", "md", "html", "docx")

CONTENT_TYPES: Final[Mapping[OutputFormat, str]] = MappingProxyType(
    {
        "pdf": "application/pdf",
        "md": "text/markdown; charset=utf-8",
        "html": "text/html; charset=utf-8",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    }
)

FILE_EXTENSIONS: Final[Mapping[OutputFormat, str]] = MappingProxyType(
    {"pdf": ".pdf", "md": ".md", "html": ".html", "docx": ".docx"}
)
