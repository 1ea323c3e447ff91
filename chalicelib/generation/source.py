"""A numbered passage that a report may cite."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """A passage with tokens for private values.

    Args:
        number: what it is cited by.
        title: of the document or page that it is from.
        text: its words.
        detail: where in it: page, headings.
        href: its address, or nothing.
    """

    number: int
    title: str
    text: str
    detail: str = ""
    href: str = ""
