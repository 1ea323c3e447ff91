"""Finds numbers that only the words before them make private: accounts, patients, passports, licences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.privacy.detect import Detection
from chalicelib.privacy.pii_type import PiiType
from chalicelib.privacy.prepared_text import PreparedText

_NUMBER_WORDS = (
    r"(?:numbers?|numero|número|numéro|nummer|num\.?|nr\.?|no\.?|n[°º]|id|identifier|code|kod|holder|#|№|\()"
)
_BETWEEN = (
    rf"[\"'*_]{{0,3}}(?:[ _-]?{_NUMBER_WORDS}){{0,3}}[\"'*_]{{0,3}}"
    r"\s{0,2}(?:[:=#]|\bis\b|\bist\b|\best\b|\bes\b)?\s{0,2}[\"'*#]{0,2}"
)
_VALUE = r"(?P<value>[A-Z0-9](?:[-./]?[A-Z0-9]){3,24})(?![\w@])"


@dataclass(frozen=True)
class _Label:
    """Words that introduce a number of one kind, and how many digits it has at least."""

    type: PiiType
    stems: tuple[str, ...]
    rest: re.Pattern[str]
    fewest_digits: int


def _label(kind: PiiType, fewest_digits: int, *stems: str, more: str = "") -> _Label:
    words = "|".join(re.escape(stem) for stem in sorted(stems, key=len, reverse=True))
    return _Label(kind, stems, re.compile(rf"(?:{words}){more}{_BETWEEN}{_VALUE}", re.IGNORECASE), fewest_digits)


_LABELS = (
    _label(PiiType.MEDICAL, 4, "mrn", "medical record", "patient", "hospital n", "hospital id", "chart n",
    "krankenversicher",
           "health insurance", "health card", "health plan", "versicherten", "medicare", "medicaid", "historia clínica",
           more=r"(?:\w{0,14})(?: (?:record|card|plan|insurance))?"),
    _label(PiiType.ACCOUNT, 5, "account", "acct", "a/c", "konto", "compte", "cuenta", "conta ", "conto ", "rekening",
           "policy n", "policy #", "customer n", "customer id", "client n", "kundennummer", "kunden-nr", "membership n",
           "member id", "member n", "vertragsnummer", "policennummer", "loan n", "n° client",
           more=r"(?:nummer|nr\.?|umber|o\.)?"),
    _label(PiiType.ACCOUNT, 6, "sort code", "routing", "aba", "blz", "bankleitzahl", more=r"(?: transit)?"),
    _label(PiiType.IDENTITY, 4, "passport", "reisepass", "passeport", "pasaporte", "passaporto", "paspoort",
    "personalausweis",
           "ausweis", "identity card", "id card", more=r"(?:nummer|nr\.?)?"),
    _label(PiiType.IDENTITY, 4, "driver's licen", "drivers licen", "driver licen", "driving licen",
           "driver\u2019s licen",
           "führerschein", "permis de conduire", "dl n", more=r"(?:[cs]e|nummer)?"),
)  # fmt: skip


def labelled_numbers(prepared: PreparedText) -> Iterator[Detection]:
    """Yield numbers of accounts, patients and papers that a label introduces."""
    for label in _LABELS:
        for found in prepared.occurrences(label.stems):
            match = label.rest.match(prepared.text, found)
            if not match:
                continue
            value = match["value"]
            digits = sum(character.isdigit() for character in value)
            if digits >= label.fewest_digits and not _is_date(value):
                yield Detection(label.type, match.start("value"), match.end("value"), value, 0.75)


def _is_date(value: str) -> bool:
    return bool(
        re.fullmatch(r"[12][0-9]{3}[-./][0-9]{1,2}[-./][0-9]{1,2}|[0-9]{1,2}[./-][0-9]{1,2}[./-][12][0-9]{3}", value)
    )
