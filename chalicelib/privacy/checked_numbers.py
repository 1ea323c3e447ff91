"""Finds numbers of payment cards, people and bank accounts that carry a check digit or have a form of their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module

from stdnum import iban, luhn, numdb

from chalicelib.privacy.detect import Detection
from chalicelib.privacy.number_runs import Window
from chalicelib.privacy.pii_type import PiiType
from chalicelib.privacy.prepared_text import PreparedText

_CARD_SHAPES = frozenset(
    {(13,), (14,), (15,), (16,), (19,), (4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (6, 13), (4, 4, 4, 1)}
)
_CARD_STARTS = re.compile(
    r"(?:4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})|(?:5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)[0-9]*?)[0-9]*|3[47][0-9]{13}|"
    r"(?:6011|65|64[4-9]|62|81)[0-9]+|(?:2131|1800)[0-9]{11}|220[0-4][0-9]{12}|35(?:2[89]|[3-8][0-9])[0-9]{12}|"
    r"3(?:0[0-5]|[68][0-9])[0-9]{11}|"
    r"(?:50|5[6-9]|6[0-9])[0-9]{14})"
)

_MAESTRO = re.compile(r"5018|5020|5038|5[678]|6304|6390|6759|676[1-3]|0604")
_CARD_CUE = re.compile(r"(?:card|karte|carte|tarjeta|carta|maestro|debit|kort)[^.;\n]{0,20}\Z")
_SSN_CUE = re.compile(r"(?:\bssn\b|social[ _-]?sec\w*|\bss ?#|\bitin\b|tax ?payer)[^;\n]{0,24}\Z")

# Words that introduce a national number, and the checks of python-stdnum that it must pass one of.
_IDENTITY_CUES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("pesel", ("pl.pesel",)),
    (r"\bbsn\b|burgerservice|sofinummer", ("nl.bsn",)),
    (r"\bsin\b|social insurance", ("ca.sin",)),
    (r"\btfn\b|tax file", ("au.tfn",)),
    (r"aadhaar|aadhar|uidai", ("in_.aadhaar",)),
    (r"steuer|\bidnr|identifikationsnummer|tax id", ("de.idnr",)),
    (r"\bcpr\b|personnummer|cpr-n", ("dk.cpr", "se.personnummer", "no.fodselsnummer")),
    (r"fødselsnummer|fodselsnummer", ("no.fodselsnummer",)),
    (r"kimlik|\btckn?\b", ("tr.tckimlik",)),
    (r"rodné|\brč\b|birth number", ("cz.rc",)),
    (r"\bnhs\b", ("gb.nhs",)),
    (r"\butr\b", ("gb.utr",)),
    (r"sécurité sociale|\bnir\b|securite sociale|insee", ("fr.nir",)),
    (r"\bcpf\b", ("br.cpf",)),
    (r"\bcnp\b", ("ro.cnp",)),
    (r"\begn\b|егн", ("bg.egn",)),
    (r"\boib\b", ("hr.oib",)),
    (r"\bjmbg\b|\bemšo\b", ("si.emso",)),
    (r"isikukood", ("ee.ik",)),
    (r"asmens", ("lt.asmens",)),
    (r"\bamka\b", ("gr.amka",)),
    (r"\bnif\b|contribuinte", ("pt.nif",)),
    (r"rijksregister|registre national|\binsz\b|\bniss\b", ("be.nn",)),
    (r"マイナンバー|my number|個人番号", ("jp.in_",)),
    (r"ahv|\bavs\b", ("ch.ssn",)),
    (
        r"\bid\b|identity|identification|national|\bidnumber|personal (?:number|code)|身份证|주민등록",
        ("za.idnr", "pl.pesel", "nl.bsn", "tr.tckimlik", "cn.ric", "kr.rrn", "ee.ik", "ro.cnp", "no.fodselsnummer",
         "dk.cpr", "in_.aadhaar", "fr.nir", "de.idnr", "si.emso", "hr.oib", "bg.egn", "il.idnr"),
    ),
)  # fmt: skip
_CUES = tuple((re.compile(rf"(?:{cue})[^;\n]{{0,26}}\Z"), modules) for cue, modules in _IDENTITY_CUES)
_ANY_CUE = re.compile("|".join(cue for cue, _ in _IDENTITY_CUES))
# Forms that hardly anything else has: no words are needed around them.
_TELLING_SHAPES: dict[tuple[tuple[int, ...], str], str] = {
    ((3, 3, 3, 2), ".-"): "br.cpf",
    ((3, 4, 4, 2), "."): "ch.ssn",
    ((6, 4), "-"): "se.personnummer",
    ((8, 4), "-"): "se.personnummer",
    ((6, 7), "-"): "kr.rrn",
    ((1, 2, 2, 2, 3, 3, 2), " "): "fr.nir",
    ((18,), ""): "cn.ric",
}
_SHAPES_THAT_TELL = frozenset(shape for shape, _ in _TELLING_SHAPES)

# Where digits meet letters: found first, because hardly any word of prose has it.
_LETTERED = re.compile(r"[0-9][0-9]{1,17}[-+]?[A-Za-z][0-9A-Za-z]{0,8}(?![\w])")
_LONGEST_LEAD = 8
# Whole words with letters and digits, and the check of python-stdnum that they must pass.
_WITH_LETTERS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"[A-Z]{6}[0-9]{2}[A-EHLMPRST][0-9]{2}[A-Z][0-9]{3}[A-Z]", re.IGNORECASE), "it.codicefiscale"),
    (re.compile(r"[0-9]{8}-?[A-HJ-NP-TV-Z]"), "es.dni"),
    (re.compile(r"[XYZ]-?[0-9]{7}-?[A-HJ-NP-TV-Z]"), "es.nie"),
    (re.compile(r"[0-9]{7}[A-W][A-IW]?"), "ie.pps"),
    (re.compile(r"[0-9]{6}[-+A-F][0-9]{3}[0-9A-Y]"), "fi.hetu"),
    (re.compile(r"[A-Z]{4}[0-9]{6}[HM][A-Z]{5}[0-9A-Z][0-9]"), "mx.curp"),
    (re.compile(r"[A-Z]{5}[0-9]{4}[A-Z]"), "in_.pan"),
    (re.compile(r"[0-9]{17}X"), "cn.ric"),
)
_NINO = re.compile(r"[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D](?!\w)")
_NINO_LETTERS = re.compile(r"(?<!\w)(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\Z")

_IBAN_DIGITS = re.compile(r"[0-9][0-9](?:[ -]?[0-9A-Za-z]){11,40}")


def card(prepared: PreparedText, window: Window) -> bool:
    """Tell whether digits have the form, the first digits and the check digit of a payment card.

    Twelve digits, as some debit cards have, need a word before them that says so.
    """
    if window.shape == (12,) and _MAESTRO.match(window.digits) and _CARD_CUE.search(prepared.before(window.start, 40)):
        return bool(luhn.is_valid(window.digits))
    if window.shape not in _CARD_SHAPES or len(window.separators) > 1 or len(set(window.digits)) == 1:
        return False
    if not window.separators <= {" ", "-", "\u00a0"}:
        return False
    return bool(_CARD_STARTS.fullmatch(window.digits)) and bool(luhn.is_valid(window.digits))


def social_security(prepared: PreparedText, window: Window) -> float:
    """Return how sure it is that the digits are a number of the US social security, 0 for no."""
    digits = window.digits
    if len(digits) != 9 or digits[:3] in ("000", "666") or (digits[0] == "9" and digits[3] not in "5789"):
        return 0
    if digits[3:5] == "00" or digits[5:] == "0000":
        return 0
    if window.shape == (3, 2, 4) and window.separators == {"-"}:
        return 0.9 if digits[0] != "9" else 0.6
    if window.shape in ((9,), (3, 2, 4)) and window.first:
        return 0.85 if _SSN_CUE.search(prepared.before(window.start, 48)) else 0
    return 0


def national_number(prepared: PreparedText, window: Window) -> float:
    """Return how sure it is that the digits are a national number of a person, 0 for no."""
    written = prepared.text[window.start : window.end]
    if window.shape not in _SHAPES_THAT_TELL and not window.first:
        return 0
    signs = "".join(sorted(set("".join(window.separators)), key=written.find))
    if (name := _TELLING_SHAPES.get((window.shape, signs))) and _passes(name, written):
        return 0.9
    before = prepared.before(window.start, 44) if window.first else ""
    if before and 8 <= len(window.digits) <= 18 and _ANY_CUE.search(before):
        for cue, modules in _CUES:
            if cue.search(before) and any(_passes(name, written) for name in modules):
                return 0.9
    return 0


def identities_with_letters(prepared: PreparedText) -> Iterator[Detection]:
    """Yield national numbers that hold letters."""
    text = prepared.text
    for match in prepared.at_digits(_LETTERED):
        start, end = match.span()
        low = max(0, start - _LONGEST_LEAD)
        while start > low and (text[start - 1].isalnum() or text[start - 1] == "-"):
            start -= 1
        word = text[start:end]
        value = word.lstrip("-")
        start = end - len(value)
        if not prepared.starts_word(start):
            continue
        if any(pattern.fullmatch(value) and _passes(name, value.upper()) for pattern, name in _WITH_LETTERS):
            yield Detection(PiiType.IDENTITY, start, end, value, 0.9)
    for match in prepared.at_digits(_NINO):
        letters = _NINO_LETTERS.search(text[max(0, match.start() - 4) : match.start()])
        if letters:
            start = match.start() - len(letters.group())
            yield Detection(PiiType.IDENTITY, start, match.end(), text[start : match.end()], 0.9)


def ibans(prepared: PreparedText) -> Iterator[Detection]:
    """Yield international bank account numbers whose check digits are right."""
    text = prepared.text
    for digits in prepared.digit_runs:
        start = digits - 2
        if start < 0 or not (text[start:digits].isascii() and text[start:digits].isalpha()):
            continue
        match = _IBAN_DIGITS.match(text, digits) if prepared.starts_word(start) else None
        if not match:
            continue
        # What follows may be the next word of the sentence: each country's have their length.
        end = _end_of(text, start, match.end(), _iban_length(text[start:digits].upper()))
        if end and prepared.ends_word(end) and iban.is_valid(text[start:end], check_country=False):
            yield Detection(PiiType.IBAN, start, end, text[start:end], 0.99)


@cache
def _iban_length(country: str) -> int:
    """Return how many letters and digits numbers of a country (two capital letters) have; 0 where there are none."""
    structure = str(numdb.get("iban").info(country)[0][1].get("bban", ""))
    lengths = [int(length) for length in re.findall(r"([0-9]+)!", structure)]
    return 4 + sum(lengths) if lengths else 0


def _end_of(text: str, start: int, high: int, length: int) -> int:
    """Return where ``length`` letters and digits from ``start`` on end; 0 where there are fewer up to ``high``."""
    for place in range(start, high) if length else ():
        length -= text[place].isalnum()
        if not length:
            return place + 1
    return 0


def _passes(module: str, value: str) -> bool:
    check: Callable[[str], bool] = import_module(f"stdnum.{module}").is_valid
    return check(value)
