"""Finds e-mail addresses, and URLs that hold a password."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from chalicelib.privacy.detect import Detection
from chalicelib.privacy.pii_type import PiiType
from chalicelib.privacy.prepared_text import PreparedText

# Every pattern starts with a rare character, so that the search leaps over the prose.
_DOMAIN_NAME = r"(?:[^\W_][\w-]{0,62}\.){1,8}(?:xn--[a-z0-9-]{2,20}|[^\W\d_]{2,24})(?![\w-])"
_DOMAIN = re.compile(f"@{_DOMAIN_NAME}", re.IGNORECASE)
# The sign as links, HTML, JSON and cautious people write it.
_SIGNS_WRITTEN_OUT = ("%40", "&#64;", "&#x40;", "&commat;", "\\u0040", "(at)", "[at]")
_AFTER_SIGN = re.compile(f" ?{_DOMAIN_NAME}", re.IGNORECASE)
_LOGIN = re.compile(r"://[^\s/@:\"'<>|]{0,128}:[^\s/@\"'<>]{1,256}@[^\s\"'<>`|)\]},;]{1,512}")
_LONGEST_LOCAL_PART = 64
_LONGEST_SCHEME = 20
_LOCAL_PUNCTUATION = frozenset(".+-_%'&")
_SCHEME_PUNCTUATION = frozenset("+.-")


def contacts(prepared: PreparedText) -> Iterator[Detection]:
    """Yield e-mail addresses and URLs with credentials."""
    text = prepared.text
    yield from _emails(text, (match.span() for match in _DOMAIN.finditer(text)))
    yield from _emails(text, _written_out(prepared))
    yield from _logins(text)


def _written_out(prepared: PreparedText) -> Iterator[tuple[int, int]]:
    """Yield where a sign that is written out starts, and where the domain behind it ends."""
    for sign in _SIGNS_WRITTEN_OUT:
        for found in prepared.places((sign,)):
            if domain := _AFTER_SIGN.match(prepared.text, found + len(sign)):
                yield found - (prepared.text[found - 1 : found] == " "), domain.end()


def _emails(text: str, signs: Iterable[tuple[int, int]]) -> Iterator[Detection]:
    for at, end in signs:
        start = at
        while start > 0 and at - start < _LONGEST_LOCAL_PART:
            before = text[start - 1]
            if not (before.isalnum() or before in _LOCAL_PUNCTUATION):
                break
            start -= 1
        while start < at and text[start] in ".'&%-+":
            start += 1
        if start == at or _is_message_id(text, start) or (text[start:at] == "git" and text[end : end + 1] == ":"):
            continue
        yield Detection(PiiType.EMAIL, start, end, text[start:end], 0.98)


def _is_message_id(text: str, start: int) -> bool:
    return text[start - 1 : start] == "<" and text[max(0, start - 14) : start - 1].lower().rstrip().endswith(
        ("message-id:", "in-reply-to:", "references:")
    )


def _logins(text: str) -> Iterator[Detection]:
    for match in _LOGIN.finditer(text):
        start = match.start()
        while start > 0 and match.start() - start < _LONGEST_SCHEME:
            before = text[start - 1]
            if not (before.isascii() and (before.isalnum() or before in _SCHEME_PUNCTUATION)):
                break
            start -= 1
        if start == match.start():
            continue
        value = text[start : match.end()].rstrip(".,:!?")
        yield Detection(PiiType.LOGIN, start, start + len(value), value, 0.95)
