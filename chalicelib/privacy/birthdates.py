"""Finds dates of birth: a date, and a word before it that tells of a birth."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chalicelib.privacy.detect import Detection
from chalicelib.privacy.pii_type import PiiType
from chalicelib.privacy.prepared_text import PreparedText

_MONTH = r"[^\W\d_]{3,12}\.?"
_DATES = (
    re.compile(r"[0-9][0-9]{0,3}(?P<mark>[./-])[0-9]{1,2}(?P=mark)[0-9]{2,4}(?!\w)"),
    re.compile(rf"[0-9][0-9]?(?:st|nd|rd|th|er|\.|º)?[ -](?:de |of )?{_MONTH},?[ -](?:de )?[12][0-9]{{3}}(?!\w)"),
    re.compile(r"[0-9][0-9]{3}\s?年\s?[0-9]{1,2}\s?月\s?[0-9]{1,2}\s?日"),
)
# The month stands before the digits that the search is anchored at.
_MONTH_FIRST = re.compile(r"[0-9][0-9]?(?:st|nd|rd|th)?,? [12][0-9]{3}(?!\w)")
_MONTH_BEFORE = re.compile(rf"({_MONTH}) \Z")
_WIDTH = 36
_REACH = 80
_STEMS = (
    "dob", "d.o.b", "birth", "born", " b. ", "geb", "née", "né ", "nés ", "naissance", "nacimient", "nacid",
    "nació", "nato", "nata ", "nati ", "nascita", "nasciment", "nascid", "nasceu", "född", "føds", "født",
    "fødel", "syntym", "urodz", " ur.", "narozen", "geboorte", "doğum", "рожд", "родил", "生年月日", "出生", "誕生",
)  # fmt: skip
_BIRTH = re.compile(
    r"(?:\bd\.?o\.?b\b\.?|birth|\bborn\b|\bb\.|\bgeb\b\.?|geboren|geburt|\bnée?s?\b|naissance|nacimient|"
    r"\bnacid[oa]\b|\bnació\b|"
    r"\bnat[oaie]\b|nascita|nasciment|nascid[oa]|\bnasceu\b|född|födelse|fødsels|\bfødt\b|syntym|urodz|\bur\.|"
    r"narozen|geboorte|"
    r"doğum|рожд|родил|生年月日|出生|誕生)[^.;\n\d]{0,24}\Z"
)


def birthdates(prepared: PreparedText) -> Iterator[Detection]:
    """Yield dates that the words before them call a date of birth."""
    read_up_to = 0
    # Words that may tell of a birth are cheaper to find than all dates.
    for found in sorted(prepared.places(_STEMS)):
        start, end = max(found, read_up_to), min(len(prepared.text), found + _REACH)
        if start < end:
            yield from _dates_of_birth(prepared, start, end)
            read_up_to = end


def _dates_of_birth(prepared: PreparedText, low: int, high: int) -> Iterator[Detection]:
    text = prepared.text
    for pattern in _DATES:
        for match in pattern.finditer(text, low, high):
            if prepared.starts_word(match.start()) and _tells_of_birth(prepared, match.start()):
                yield Detection(PiiType.BIRTHDATE, match.start(), match.end(), match.group(), 0.85)
    for match in _MONTH_FIRST.finditer(text, low, high):
        month = _MONTH_BEFORE.search(text[max(0, match.start() - 14) : match.start()])
        start = match.start() - len(month.group()) if month else -1
        if month and _tells_of_birth(prepared, start):
            yield Detection(PiiType.BIRTHDATE, start, match.end(), text[start : match.end()], 0.85)


def _tells_of_birth(prepared: PreparedText, start: int) -> bool:
    return bool(_BIRTH.search(prepared.before(start, _WIDTH)))
