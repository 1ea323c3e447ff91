"""Finds what was meant as a token in the answer of a model that did not copy it to the letter.

Models turn ``⟦PERSON_1⟧`` into ``[PERSON_1]``, ``⟦Person 1⟧``, ``**PERSON\\_1**``, ``⟦PERSON_1's⟧`` and
more. The word and the number are what tells; brackets, case, separators and marks of emphasis may change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from chalicelib.privacy.token_map import CLOSING, OPENING, TEXT, WORDS


@dataclass(frozen=True)
class DamagedToken:
    """Something at characters ``start`` to ``end`` that reads like a token.

    ``word`` is one of the words of tokens, or what stands there instead of one; ``number`` is None where
    none was given. ``lead`` and ``tail`` stay around the restored value: emphasis, the end of a possessive.
    ``certain`` tells that it cannot be ordinary text, so it is a failure if nothing is known for it.
    """

    start: int
    end: int
    word: str
    number: int | None
    variant: str
    lead: str
    tail: str
    certain: bool


# Full-width letters, digits and signs as plain ones; every position stays.
_PLAIN = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_GAP = r"[\s*`~\\\u200b-\u200d\u2060\u00ad]"
_SEPARATOR = r"[\s*`~\\_:.#\u200b-\u200d\u2060\u00ad\u2010-\u2015-]"
_CORE = re.compile(
    rf"(?<![^\W_])(?P<word>{'|'.join(sorted(WORDS, key=len, reverse=True))})(?P<plural>s?)"
    rf"(?P<separator>{_SEPARATOR}{{0,6}})(?P<number>[0-9\u0660-\u0669\u06f0-\u06f9\u0966-\u096f]{{1,7}})"
    r"(?P<variant>[A-HJ-NP-RT-Z]{0,2})(?P<tail>['\u2019]s|s['\u2019]?)?(?![^\W_])",
    re.IGNORECASE,
)
# The brackets of tokens, as they are and as code, HTML and links write them.
_OWN_OPENING = rf"(?:{OPENING}|\u301a|&#10214;|&#x27e6;|&lobrk;|\\u27e6|%E2%9F%A6)"
_OWN_CLOSING = rf"(?:{CLOSING}|\u301b|&#10215;|&#x27e7;|&robrk;|\\u27e7|%E2%9F%A7)"
_OPENINGS = re.compile(
    rf"(?P<brackets>(?:{_OWN_OPENING}|\\?[\[({{<]|[\u3010\u300c\u300e\u3014\u300a\u3008\u00ab\u2039\u27e8]){{1,3}})(?P<gap>{_GAP}{{0,4}}_{{0,2}})\Z",
    re.IGNORECASE,
)
_CLOSINGS = re.compile(
    rf"(?P<gap>_{{0,2}}{_GAP}{{0,4}}(?P<tail>['\u2019]s)?{_GAP}{{0,2}})"
    rf"(?P<brackets>(?:{_OWN_CLOSING}|\\?[\])}}>]|[\u3011\u300d\u300f\u3015\u300b\u3009\u00bb\u203a\u27e9]){{1,3}})",
    re.IGNORECASE,
)
_IS_OWN = re.compile(f"{_OWN_OPENING}|{_OWN_CLOSING}", re.IGNORECASE)
_REACH = 40

# In the brackets of tokens anything with a number counts, and a word of tokens without one.
_IN_OWN_BRACKETS = re.compile(
    rf"{_OWN_OPENING}{_GAP}{{0,4}}(?P<word>[^\W\d_](?:[^\W\d_]|[ -](?=[^\W\d_])){{0,30}})"
    rf"{_SEPARATOR}{{0,6}}(?P<number>[0-9]{{0,7}})(?P<variant>[B-HJ-NP-RT-Z]{{0,2}}){_GAP}{{0,4}}{_OWN_CLOSING}",
    re.IGNORECASE,
)
_TRANSLATED = {
    "PERSONNE": "PERSON", "PERSONA": "PERSON", "PESSOA": "PERSON", "NAME": "PERSON", "NOM": "PERSON",
    "NOMBRE": "PERSON",
    "MAIL": "EMAIL", "COURRIEL": "EMAIL", "CORREO": "EMAIL", "TELEFON": "PHONE", "TELEPHONE": "PHONE",
    "TÉLÉPHONE": "PHONE",
    "TELÉFONO": "PHONE", "TELEFONO": "PHONE", "TELEFONE": "PHONE", "KARTE": "CARD", "CARTE": "CARD", "TARJETA": "CARD",
    "ADRESSE": "ADDRESS", "DIRECCIÓN": "ADDRESS", "INDIRIZZO": "ADDRESS", "KONTO": "ACCOUNT", "COMPTE": "ACCOUNT",
    "CUENTA": "ACCOUNT", "CONTO": "ACCOUNT", "GEHEIMNIS": "SECRET", "SEGRETO": "SECRET", "SECRETO": "SECRET",
    "GEBURTSDATUM": "BIRTHDATE", "BIRTHDAY": "BIRTHDATE", "IDENTITÄT": "IDENTITY", "IDENTITÉ": "IDENTITY",
    "IDENTIDAD": "IDENTITY",
}  # fmt: skip


def damaged_tokens(text: str) -> Iterator[DamagedToken]:
    """Yield what reads like a token in ``text``, in order and apart; exact tokens count as well."""
    plain = text.translate(_PLAIN)
    position = 0
    others = _other_words(plain)
    other = next(others, None)
    for match in _CORE.finditer(plain):
        found = _around(text, plain, match, position)
        if found is None:
            continue
        while other and other.end <= found.start:
            if other.start >= position:
                yield other
                position = other.end
            other = next(others, None)
        if other and other.start < found.end:
            other = next(others, None)
        if found.start >= position:
            yield found
            position = found.end
    while other:
        if other.start >= position:
            yield other
            position = other.end
        other = next(others, None)


def _around(text: str, plain: str, match: re.Match[str], low: int) -> DamagedToken | None:
    """Return the token that ``match`` is the inside of, with its brackets; None where it is ordinary text."""
    before = plain[max(low, match.start() - _REACH) : match.start()]
    opening = _OPENINGS.search(before)
    closing = _CLOSINGS.match(plain, match.end(), min(len(plain), match.end() + _REACH))
    own = bool(opening and _IS_OWN.search(opening["brackets"])) or bool(closing and _IS_OWN.search(closing["brackets"]))
    word, separator = match["word"], match["separator"]
    joined = "_" in separator
    if not own and not (opening and closing) and not joined and not (word.isupper() and _is_short(separator)):
        return None
    if not own and (opening is None) != (closing is None):
        opening = closing = None
    if (
        not own
        and opening
        and closing
        and not _is_replaced(plain, match.start() - len(opening.group()), closing, opening)
    ):
        opening = closing = None
    start = match.start() - len(opening.group()) if opening else match.start()
    end = closing.end() if closing else match.end()
    tail = (match["tail"] or "") + ((closing["tail"] or "") if closing else "")
    lead = ""
    marks = opening["gap"].strip() if opening and closing else ""
    if closing and marks and set(marks) <= set("*_~`") and closing["gap"].strip() == marks:
        lead, tail = marks, tail + marks
    certain = own or (joined and word.isupper() and word != TEXT)
    return DamagedToken(start, end, word.upper(), int(match["number"]), match["variant"].upper(), lead, tail, certain)


def _is_short(separator: str) -> bool:
    return len(separator) <= 1 and separator not in (".", ":", "\n")


def _is_replaced(plain: str, start: int, closing: re.Match[str], opening: re.Match[str]) -> bool:
    """Tell whether brackets of another kind stand for those of the token, and are no part of code or a link."""
    before, after = plain[start - 1 : start], plain[closing.end() : closing.end() + 1]
    if before.isalnum() or before in tuple("_!])}"):
        return not before
    return not (closing["brackets"].endswith("]") and after in tuple("(:["))


def _other_words(plain: str) -> Iterator[DamagedToken]:
    for match in _IN_OWN_BRACKETS.finditer(plain):
        written = re.sub(r"[ -]", "", match["word"]).upper()
        word = _meant(written)
        number = int(match["number"]) if match["number"] else None
        if number is None and word not in WORDS:
            continue
        certain = word in WORDS or match["word"].isupper()
        yield DamagedToken(match.start(), match.end(), word, number, match["variant"].upper(), "", "", certain)


def _meant(written: str) -> str:
    """Return the word of tokens that was translated or misspelt, else the word as it is."""
    if written in WORDS or written in _TRANSLATED:
        return _TRANSLATED.get(written, written)
    singular = written.removesuffix("S")
    if singular in WORDS:
        return singular
    close = get_close_matches(written, [word for word in WORDS if len(word) > 3], 1, 0.8)
    return close[0] if close else written
