"""Finds phone numbers, in the international form and in the national forms of many countries."""

from __future__ import annotations

import re

from phonenumbers import NumberParseException, PhoneNumber, is_possible_number, is_valid_number, parse

from chalicelib.privacy.number_runs import Window
from chalicelib.privacy.prepared_text import PreparedText

# Asked in this order where words say that a phone number follows.
_REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "SE", "BR", "IN", "JP", "AU", "PL", "CH", "AT", "BE", "PT", "MX",
            "CN", "RU", "ZA", "IE", "NO", "DK", "FI", "CZ", "TR", "KR", "NZ", "SG", "RO", "GR", "HU", "UA")  # fmt: skip
# National forms that need no words around them: groups of digits, their separators, region.
_NATIONAL: dict[tuple[int, ...], tuple[frozenset[str], str]] = {
    (3, 3, 4): (frozenset({"-", ".", ") ", ")", "\u2011"}), "US"),
    (2, 2, 2, 2, 2): (frozenset({" ", ".", "\u00a0"}), "FR"),
    (3, 4, 4): (frozenset({" ", "-", ") "}), "GB"),
    (5, 6): (frozenset({" "}), "GB"),
}
_CUE = re.compile(
    r"(?:\btel\b|\btels\b|\btél\b|tele?[fp]h?on\w*|téléphone|teléfono|\bphones?\b|\bph\b|mobil\w*|móvil|\bcell\w*|"
    r"\bfax\b|handy|"
    r"\bcall(?:ed|s|ing)?\b|\bcaller\b|\bdial\b|\bring\b|\btext\b|\bsms\b|whatsapp|signal|hotline|reach(?:ed)?\b|"
    r"\bcontact\b|"
    r"landline|\bfijo\b|\bhis number\b|\bher number\b|\bmy number\b|contact number|telefone|celular|joindre|ruf\w*|"
    r"durchwahl|"
    r"\bgsm\b|telefoon|puhelin|電話|电话|手机|携帯|전화|телефон|тел\b|هاتف|جوال|טלפון|numéro|ring mig)[^;\n]{0,32}\Z"
)
# A label right before the digits: what follows is a phone number even where no numbering plan knows it.
_LABEL = re.compile(
    r"(?:\btel|tele?[fp]h?on\w*|téléphone|teléfono|\bphone|\bph|mobil\w*|móvil|\bcell\w*|\bfax|handy|hotline|"
    r"whatsapp|celular|"
    r"\bgsm|電話|电话|手机|携帯|전화|телефон|тел)(?: (?:no|nr|number|num))?[.:\"' ]{1,4}\Z"
)
_NOT_DIALLED = re.compile(
    r"(?:order|invoice|ticket|case|batch|sku|part|serial|\bpo\b|ref\w*|account|acct|isbn|\bid|card|"
    r"version)[ #:.=]*(?:no\.?|number)?[ #:.=]*\Z"
)
_FEWEST_DIGITS = 7
_MOST_DIGITS = 15
_DATES = frozenset({(4, 2, 2), (2, 2, 4), (1, 2, 4), (2, 1, 4), (4, 1, 2), (4, 2, 1), (4, 4), (1, 1, 4)})


def phone(prepared: PreparedText, window: Window) -> tuple[int, float] | None:
    """Return where the number starts (its plus sign or bracket included) and how sure it is; None if it is none."""
    if not _FEWEST_DIGITS <= len(window.digits) <= _MOST_DIGITS:
        return None
    text = prepared.text
    start = window.start
    if text[start - 1 : start] == "(":
        start -= 1
    plus = _plus_before(text, start)
    if plus >= 0:
        number = _parsed(text[plus : window.end], None)
        sure = number is not None and is_valid_number(number)
        possible = number is not None and is_possible_number(number) and len(window.digits) >= 9
        if text[plus - 1 : plus] == "(" and ")" in text[plus : window.end]:
            plus -= 1
        return (plus, 0.95 if sure else 0.6) if sure or possible else None
    if window.shape in _DATES:
        return None
    if _has_national_form(text, start, window):
        return (start, 0.8)
    if window.first and _CUE.search(prepared.before(start, 48)) and not _NOT_DIALLED.search(prepared.before(start, 20)):
        labelled = _LABEL.search(prepared.before(start, 24)) or _can_be_american(window)
        return (start, 0.75) if labelled or _is_someones(window, text[window.start : window.end]) else None
    return None


def _plus_before(text: str, start: int) -> int:
    for width in (1, 2):
        before = text[max(0, start - width) : start]
        if before.startswith(("+", "\uff0b")) and before[1:] in ("", "("):
            return start - width
    return -1


def _has_national_form(text: str, start: int, window: Window) -> bool:
    separators, region = _NATIONAL.get(window.shape, (frozenset(), ""))
    if not region or not window.separators <= separators:
        return False
    if region == "US":
        if (") " in window.separators or ")" in window.separators) != (text[start] == "("):
            return False
    elif not window.digits.startswith("0") or len(window.separators) > 1:
        return False
    number = _parsed(window.digits, region)
    return number is not None and is_valid_number(number)


def _can_be_american(window: Window) -> bool:
    return window.shape in ((3, 3, 4), (1, 3, 3, 4)) and window.digits[-10] not in "01"


def _is_someones(window: Window, written: str) -> bool:
    """Tell whether a number that words introduce can be dialled somewhere."""
    if window.digits.startswith("00"):
        number = _parsed("+" + window.digits[2:], None)
        return number is not None and is_valid_number(number)
    if window.shape == (3, 4):
        return True
    numbers = (_parsed(written, region) for region in _REGIONS)
    return any(number is not None and is_valid_number(number) for number in numbers)


def _parsed(written: str, region: str | None) -> PhoneNumber | None:
    try:
        return parse(written, region)
    except NumberParseException:
        return None
