"""What the later reports of a conversation are told of a finished one, and the private values in that."""

from __future__ import annotations

from chalicelib.domain.document import Document
from chalicelib.domain.summary import summary_of
from chalicelib.generation.scrambling import Texts

Values = tuple[tuple[str, str], ...]
"""Private values as pairs of type and value."""


def told_later(document: Document, texts: Texts) -> tuple[str, Values]:
    """Return a summary of a finished report, and the private values in that and in its title.

    No value is cut into two: a later report, which knows whole ones, would send what is left of it to a model.

    Args:
        document: the report as its owner sees it.
        texts: knows its private values.

    Raises:
        PrivacyFailed: they could not be looked for.
    """
    summary = summary_of(document, indivisible=lambda text: [value for _, value in texts.values_in(text)])
    return summary, texts.values_in(f"{document.title}\n{summary}")
