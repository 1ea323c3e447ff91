"""Reads every run of digits once, and says what kind of private number it is, if any."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.privacy.checked_numbers import card, national_number, social_security
from chalicelib.privacy.detect import Detection
from chalicelib.privacy.number_runs import EXTENSION, Window, number_windows
from chalicelib.privacy.phones import phone
from chalicelib.privacy.pii_type import PiiType
from chalicelib.privacy.prepared_text import PreparedText


def numbers(prepared: PreparedText) -> Iterator[Detection]:
    """Yield payment cards, social security and national numbers, and phone numbers."""
    read_up_to = 0
    for windows in number_windows(prepared):
        if windows[0].start < read_up_to:
            continue
        for window in windows:
            if found := _kind_of(prepared, window):
                read_up_to = found.end
                yield found
                break


def _kind_of(prepared: PreparedText, window: Window) -> Detection | None:
    text = prepared.text
    start, end = window.start, window.end
    if not prepared.ends_word(end):
        return _phone_in(prepared, window)
    if card(prepared, window):
        return Detection(PiiType.CARD, start, end, text[start:end], 0.97)
    if sure := social_security(prepared, window):
        return Detection(PiiType.SSN, start, end, text[start:end], sure)
    if sure := national_number(prepared, window):
        return Detection(PiiType.IDENTITY, start, end, text[start:end], sure)
    return _phone_in(prepared, window)


def _phone_in(prepared: PreparedText, window: Window) -> Detection | None:
    dialled = phone(prepared, window)
    if not dialled:
        return None
    start, sure = dialled
    extension = EXTENSION.match(prepared.text, window.end)
    end = extension.end() if extension else window.end
    return Detection(PiiType.PHONE, start, end, prepared.text[start:end], sure)
