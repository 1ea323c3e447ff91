"""How large an answer of the API is on its way through Lambda: a JSON text inside another one."""

from __future__ import annotations

from typing import Final

MAX_ANSWER_BYTES: Final = 5_500_000
"""Most bytes of an answer, as :func:`answer_bytes` counts them; Lambda takes six MiB, with headers and the rest."""


def answer_bytes(text: str | bytes) -> int:
    """Return about how many bytes ``text`` takes as the body of an answer: quotes and backslashes take two.

    Args:
        text: JSON, either in ASCII or as bytes of UTF-8; its control characters are escaped already.
    """
    if isinstance(text, bytes):
        return len(text) + text.count(b'"') + text.count(b"\\")
    return len(text) + text.count('"') + text.count("\\")
