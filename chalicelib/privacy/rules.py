"""The built-in engine: every detector over one text."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.privacy.birthdates import birthdates
from chalicelib.privacy.checked_numbers import ibans, identities_with_letters
from chalicelib.privacy.columns import columns
from chalicelib.privacy.contact import contacts
from chalicelib.privacy.credentials import credentials
from chalicelib.privacy.detect import Detection, without_overlaps
from chalicelib.privacy.labelled_numbers import labelled_numbers
from chalicelib.privacy.network import addresses
from chalicelib.privacy.numbers import numbers
from chalicelib.privacy.people import People
from chalicelib.privacy.plain_view import PlainView, plain_view
from chalicelib.privacy.postal import postal_addresses
from chalicelib.privacy.prepared_text import PreparedText
from chalicelib.privacy.user_names import user_names

_DETECTORS = (
    contacts,
    credentials,
    ibans,
    identities_with_letters,
    numbers,
    labelled_numbers,
    birthdates,
    addresses,
    postal_addresses,
    user_names,
    columns,
)


class Rules:
    """Finds private values by patterns, check digits, the words around them, and lists of names."""

    def __init__(self) -> None:
        self._people = People()

    def detect(self, text: str) -> list[Detection]:
        """Return the private values of ``text``, in order and apart from each other."""
        view = plain_view(text)
        return (
            [_in_text(text, view, one) for one in self._detect(view.text)] if view.text != text else self._detect(text)
        )

    def _detect(self, text: str) -> list[Detection]:
        prepared = PreparedText(text)
        found: list[Detection] = []
        for detector in _DETECTORS:
            found.extend(detector(prepared))
        found.extend(self._people.names(prepared))
        return without_overlaps(text, found)


def _in_text(text: str, view: PlainView, found: Detection) -> Detection:
    start, end = view.span(found.start, found.end)
    return replace(found, start=start, end=end, text=text[start:end])
