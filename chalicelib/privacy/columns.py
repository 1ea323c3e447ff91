"""Finds private values in tables and comma-separated lines: what a column is called tells what stands in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

from chalicelib.privacy.detect import Detection
from chalicelib.privacy.gazetteer import gazetteer, words_around_names
from chalicelib.privacy.pii_type import PiiType
from chalicelib.privacy.prepared_text import PreparedText
from chalicelib.privacy.user_names import is_somebody, reads_like_a_name

_TITLES: Final = {
    PiiType.BIRTHDATE: ("dob", "d.o.b.", "date of birth", "date_of_birth", "dateofbirth", "birth date", "birth_date",
                        "birthdate", "birthday", "born", "geburtsdatum", "geboren", "date de naissance",
                        "fecha de nacimiento", "data di nascita", "geboortedatum"),
    PiiType.PHONE: ("phone", "phone number", "phone_number", "phone no", "phone no.", "tel", "tel.", "telephone",
                    "mobile", "mobile number", "cell", "fax", "telefon", "handy", "mobil", "téléphone", "teléfono",
                    "telefono", "telefoon"),
    PiiType.SSN: ("ssn", "social security", "social security number", "social security no", "social_security_number"),
    PiiType.ACCOUNT: ("account number", "account_number", "account no", "account no.", "account #", "acct", "acct no",
                      "acct.", "member id", "member_id", "member no", "member number", "customer number",
                      "customer no", "customer id", "customer_id", "policy number", "policy no", "loan number",
                      "kontonummer", "kundennummer", "mitgliedsnummer", "vertragsnummer"),
    PiiType.MEDICAL: ("mrn", "patient id", "patient_id", "patient no", "patient number", "patientid",
                      "medical record", "medical record number", "medical record no", "medical_record_number",
                      "chart number", "patientennummer", "versichertennummer"),
    PiiType.IDENTITY: ("passport", "passport number", "passport no", "passport no.", "passport_number", "national id",
                       "national_id", "id number", "driver's license", "driver license", "driving licence",
                       "license no", "identity card", "ausweisnummer", "reisepass"),
    PiiType.ADDRESS: ("address", "home address", "postal address", "street address", "mailing address", "anschrift",
                      "adresse", "dirección", "indirizzo", "adres"),
    PiiType.PERSON: ("last name", "last_name", "lastname", "surname", "first name", "first_name", "firstname",
                     "full name", "full_name", "fullname", "given name", "family name", "patient name",
                     "patient_name", "employee name", "customer name", "contact name", "nachname", "vorname",
                     "nom de famille", "prénom", "apellido", "apellidos", "cognome", "achternaam", "voornaam",
                     "imię", "nazwisko", "efternamn", "förnamn"),
}  # fmt: skip
# What people are called and things as well: counts beside another title that tells of people, or for a listed name.
_OF_PEOPLE_OR_THINGS: Final = frozenset({
    "name", "names", "nom", "nombre", "nome", "naam", "namn", "employee", "patient", "contact", "contact person",
    "customer", "client", "reporter", "reported by", "assignee", "assigned to", "author", "owner", "manager",
    "account holder", "account_holder", "holder", "cardholder", "attendee", "participant", "student", "tenant name",
    "mitarbeiter", "kunde", "ansprechpartner", "responsible",
})  # fmt: skip
_SIGNED_IN: Final = frozenset({
    "username", "user name", "user_name", "user", "userid", "user id", "user_id", "login", "login name", "logon",
    "account name", "samaccountname", "benutzer", "benutzername", "utilisateur", "usuario", "utente",
})  # fmt: skip
# Who owns things besides people: a word that is once taken for a name is replaced wherever it stands.
_NOBODY: Final = words_around_names()["owners"]
_MAIL_TITLES: Final = frozenset({"e-mail", "email", "mail", "e-mail address", "email address", "e_mail"})
_KIND_OF: Final = {title: kind for kind, titles in _TITLES.items() for title in titles}
_TITLES_OF_ANY: Final = frozenset({*_KIND_OF, *_OF_PEOPLE_OR_THINGS, *_SIGNED_IN})
# How a line of titles starts: with two short cells. Nothing is read twice.
_SHORT_CELL: Final = r"([^\n,;|\t]{0,40}+[,;|\t][^\n,;|\t]{0,40}+(?=[\n,;|\t]|\Z))"
_FIRST_LINE: Final = re.compile(_SHORT_CELL)
# Starts with a rare character, so that the search leaps over the lines.
_NEXT_LINE: Final = re.compile(rf"\n{_SHORT_CELL}")
_DATE: Final = re.compile(r"(?=.*[0-9]{4}|[0-9./-]+\Z)[0-9]{1,4}[./ -]{1,2}\w{1,12}[./ -]{1,2}[0-9]{1,4}")
_PHONE: Final = re.compile(r"[+(]?[0-9][0-9 ()/.-]{4,24}[0-9]")
# The first letters or digits of a number, and at least four digits in all.
_NUMBER: Final = re.compile(r"(?=(?:[^0-9]*[0-9]){4})[A-Z0-9](?:[-./ ]?[A-Z0-9]){3,24}")
_NAME: Final = re.compile(r"[^\W\d_][^\W\d_]+(?:(?:[ '\u2019-]|, )[^\W\d_]+){0,3}")
_USER: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{1,30}(?:[._-][A-Za-z0-9]{1,30}){0,3}")
# At least two words, with a number, and no address of another kind.
_ADDRESS: Final = re.compile(r"(?=[^0-9]*[0-9])(?=[^ ]+ )[^@:|<>=]{6,120}")
_FORMS: Final = {
    PiiType.BIRTHDATE: _DATE,
    PiiType.PERSON: _NAME,
    PiiType.PHONE: _PHONE,
    PiiType.ADDRESS: _ADDRESS,
}
# A cell, which may have the separator in it if it is in quotes.
_QUOTED: Final = {
    sign: re.compile(rf'[ ]{{0,4}}"(?:[^"\n]|"")*"[^{re.escape(sign)}\n]*|[^{re.escape(sign)}\n]*')
    for sign in ("|", "\t", ";", ",")
}
_MARKS: Final = " \"'*_`\r"
_SEPARATORS: Final = ("|", "\t", ";", ",")
_LONGEST_LINE: Final = 2_000
_LONGEST_ROW: Final = 20_000
_LONGEST_CELL: Final = 200


def _anything(_: str) -> bool:
    return True


@dataclass(frozen=True)
class _Column:
    """What the cells of a column are, their form, and what tells them from other things of that form."""

    kind: PiiType
    form: re.Pattern[str]
    accepts: Callable[[str], bool] = _anything


def columns(prepared: PreparedText) -> Iterator[Detection]:
    """Yield what stands in columns whose title says what it is."""
    text = prepared.text
    read_up_to = 0
    first = _FIRST_LINE.match(text)
    for match in chain([first] if first else [], _NEXT_LINE.finditer(text)):
        start = match.start(1)
        end = text.find("\n", start, start + _LONGEST_LINE)
        if start < read_up_to or (end < 0 and len(text) - start > _LONGEST_LINE):
            continue
        end = end if end >= 0 else len(text)
        kinds, separator = _columns(prepared.lowered[start:end])
        if kinds:
            read_up_to = yield from _cells(text, end + 1, kinds, separator)


def _columns(line: str) -> tuple[list[_Column | None], str]:
    """Return what the columns hold under a line of titles, and what is between them; none where it is no such line."""
    separator = next((sign for sign in _SEPARATORS if sign in line), "")
    if not separator:
        return [], ""
    titles = [cell.strip(_MARKS) for _, cell in _cells_of(line, separator)]
    if _TITLES_OF_ANY.isdisjoint(titles):
        return [], ""
    # A list of names with one more thing that only people have is a list of people.
    of_people = any(title in _KIND_OF or title in _MAIL_TITLES for title in titles)
    made = [_column(title, of_people=of_people) for title in titles]
    return made, separator


def _column(title: str, *, of_people: bool) -> _Column | None:
    if title in _OF_PEOPLE_OR_THINGS:
        return _Column(PiiType.PERSON, _NAME, _is_no_word if of_people else _is_listed_name)
    if title in _SIGNED_IN:
        return _Column(PiiType.PERSON, _USER, _is_no_word if title != "user" or of_people else _is_user)
    kind = _KIND_OF.get(title)
    return _Column(kind, _FORMS.get(kind, _NUMBER)) if kind else None


def _is_no_word(value: str) -> bool:
    lists = gazetteer()
    words = re.findall(r"[^\W\d_]+", value.lower())
    return (
        is_somebody(value)
        and _NOBODY.isdisjoint(words)
        and not any(word in lists.not_names or word in lists.words for word in words)
    )


def _is_listed_name(value: str) -> bool:
    """Tell whether a cell is made like a name, and one of its words is in the lists."""
    lists = gazetteer()
    words = re.findall(r"[^\W\d_]+", value)
    return (
        _is_no_word(value)
        and len(words) > 1
        and all(word[0].isupper() for word in words)
        and any(word.capitalize() in lists.given or lists.is_frequent_surname(word) for word in words)
    )


def _is_user(value: str) -> bool:
    return _is_no_word(value) and reads_like_a_name(value)


def _cells_of(line: str, separator: str) -> Iterator[tuple[int, str]]:
    """Yield where each cell starts, and the cell."""
    position = 0
    if '"' not in line:
        for cell in line.split(separator):
            yield position, cell
            position += len(cell) + 1
        return
    while position <= len(line):
        match = _QUOTED[separator].match(line, position)
        cell = match.group() if match else ""
        yield position, cell
        position += len(cell) + 1


def _cells(text: str, position: int, kinds: list[_Column | None], separator: str) -> Generator[Detection, None, int]:
    """Yield the cells below the titles, and return where the table is over."""
    while position < len(text):
        end = text.find("\n", position)
        end = end if end >= 0 else len(text)
        if end - position > _LONGEST_ROW:
            return position
        cells = list(_cells_of(text[position:end], separator))
        if len(cells) != len(kinds):
            return position
        for column, (start, cell) in zip(kinds, cells, strict=True):
            value = cell.strip(_MARKS)
            if column and len(value) <= _LONGEST_CELL and column.form.fullmatch(value) and column.accepts(value):
                first = position + start + cell.find(value)
                yield Detection(column.kind, first, first + len(value), value, 0.7)
        position = end + 1
    return position
