"""Finds postal addresses: a street with a number, and the town that follows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chalicelib.privacy.detect import Detection
from chalicelib.privacy.pii_type import PiiType
from chalicelib.privacy.prepared_text import PreparedText

_UP = r"[^\W\d_a-zß-öø-ÿ]"
_NAME = rf"{_UP}[\w'\u2019.-]{{0,24}}"
_ENGLISH_STREET = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Ter|Way|"
    r"Parkway|"
    r"Pkwy|Highway|Hwy|Crescent|Close|Circle|Cir|Trail|Trl|Alley|Gardens|Grove|Mews|Quay|Row|Walk|Hill|Green|Rise)\b\.?"
)
# Streets that start with the word for street.
_ROMANCE_STREET = (
    r"(?:rue|avenue|boulevard|bd|place|chemin|allée|allee|impasse|quai|cours|route|passage|square|faubourg)\b"
)
_NUMBER_FIRST = re.compile(
    rf"[0-9][0-9]{{0,4}}[A-Za-z]?(?:[-/][0-9]{{1,4}}[A-Za-z]?)?,? (?:(?:bis|ter|quater),? )?"
    rf"(?:(?:{_NAME} |[0-9]{{1,3}}(?:st|nd|rd|th) ){{1,4}}?{_ENGLISH_STREET}(?: (?:NW|NE|SW|SE|N|S|E|W|North|South|"
    rf"East|West)\b)?"
    rf"|{_ROMANCE_STREET}(?: (?:de|du|des|la|le|les|l['\u2019]|d['\u2019]|{_NAME})){{1,6}})"
)
_STREET_BEFORE_NUMBER = re.compile(
    rf"(?:(?:(?:[Cc]alle|C/|[Aa]venida|[Aa]vda\.?|[Aa]v\.|[Pp]laza|[Pp]aseo|[Cc]arrera|[Pp]asaje|[Rr]ambla|[Cc]amino|"
    rf"[Cc]arretera|[Cc]uesta|[Rr]ua|[Vv]icolo|[Ss]trada|[Pp]lac|[Pp]l\.|[Aa]leja|[Oo]s\.|[Tt]řída|[Nn]áměstí|"
    rf"[Bb]ulevardul|[Ss]trada|[Ss]tr\.|[Vv]ia|[Vv]iale|[Pp]iazza|[Cc]orso|"
    rf"[Ll]argo|[Rr]ue|[Bb]oulevard|[Uu]l\.|[Aa]l\.|[Uu]lica|[Tt]ravessa|[Rr]onda|ул\.|улица|проспект) ?)"
    rf"(?:(?:de|del|della|dei|di|da|do|dos|das|la|las|los|le|il|el|du|des|{_NAME}),? ){{1,6}}(?:n[°ºr]?\.? ?)?"
    rf"|(?:{_NAME} ){{0,2}}{_UP}?[\w-]{{0,24}}(?:straße|strasse|str\.|weg|platz|gasse|allee|damm|ufer|gracht|straat|"
    rf"laan|plein|kade|"
    rf"gatan|vägen|gränd|torget|stigen|vej|gade|stræde|vænget|veien|gata|svingen|katu|kuja|polku|tie|utca|steeg|hof) "
    rf"|(?:{_NAME} ){{1,2}}(?:Straße|Strasse|Str\.|Weg|Platz|Allee|Gasse|Damm|Ufer|Ring|Straat|Laan) "
    rf"|(?:Am|An der|Im|In der|Auf dem|Zum|Zur|Unter den) (?:{_NAME} ){{1,3}})\Z"
)
_HOUSE_NUMBER = re.compile(
    r"[0-9][0-9]{0,3}(?: ?[a-zA-Z]\b)?(?:[-/][0-9]{1,3}[a-zA-Z]?)?(?![\w.]?[0-9])(?=$|[\s,.;)\"'<|])"
)
_UNIT = (
    r"(?:,? (?:Apt\.?|Apartment|Suite|Ste\.?|Unit|Flat|Floor|Fl\.?|Room|Rm\.?|Wohnung|Stock|piso|bajo|#) ?[\w-]{1,6}|"
    r",? [0-9]{1,2}[ºª°] ?[A-Za-z]?\b|,? [0-9]{1,2}(?:st|nd|rd|th) [Ff]loor)?"
)
_POSTCODE = r"(?:[A-Z]{1,2}-)?(?:[0-9]{2}-[0-9]{3}|[0-9]{3} [0-9]{2}|[0-9]{4} [A-Z]{2}|[0-9]{5}-[0-9]{3}|[0-9]{4,6})"
_UK = r"[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2}\b"
_CITY = rf"{_NAME}(?:[ -](?:{_NAME}|de|la|am|an der|sur|upon|du|del|do)){{0,3}}"
_TOWN = re.compile(
    rf"{_UNIT}(?:(?:,|\n|,\n|\s-)[ ]?(?:"
    rf"{_POSTCODE} {_CITY}"
    rf"|(?:{_CITY},?[ \n])?{_UK}"
    rf"|{_CITY},? (?:[A-Z]{{2}}|{_NAME}),? [0-9]{{5}}(?:-[0-9]{{4}})?\b"
    rf"|(?:{_CITY},? )?[A-Z]{{2,3}} [0-9]{{4,5}}\b"
    rf"|{_CITY}))?"
)
# A street of any name, where the town with its code leaves no doubt.
_ANY_STREET = re.compile(
    rf"[0-9][0-9]{{0,4}}[A-Za-z]? (?:{_NAME} ){{0,4}}{_NAME}{_UNIT}, (?:{_CITY}, )?(?:{_CITY},? )?"
    rf"(?:[A-Z]{{2}},? [0-9]{{5}}(?:-[0-9]{{4}})?\b|[A-Z]{{2,3}},? [0-9]{{4}}\b|{_UK})"
)
_NUMBER_AND_TOWN = re.compile(
    rf"(?:{_UNIT}),? ?,\s?(?:[A-Z]-)?(?:[0-9]{{5}}|[0-9]{{3}} [0-9]{{2}}|[0-9]{{2}}-[0-9]{{3}}|"
    rf"[0-9]{{4}} ?[A-Z]{{2}}),? {_CITY}(?: \([A-Z]{{2}}\))?"
)
_STREET_OF_ANY_NAME = re.compile(rf"(?:{_NAME}|\b[a-zú]{{1,3}}\.)(?: {_NAME}| de| la| del){{0,3}},? \Z")
_FULL_TOWN = re.compile(rf"{_POSTCODE} {_NAME}|{_UK}|[A-Z]{{2}},? [0-9]{{5}}")
_UNIT_BEFORE = re.compile(r"(?:Flat|Apt\.?|Apartment|Unit|Suite|Room) [\w-]{1,5}, \Z")
_PO_BOX = re.compile(
    r"(?:P\.? ?O\.? ?Box|Post Office Box|Postfach|Apartado(?: de Correos)?|Boîte postale|BP) [0-9]{1,7}"
)
_JAPANESE = re.compile(r"〒[0-9]{3}-?[0-9]{4}[ \u3000]?[\w\u3400-\u9fff-]{4,60}")
_LIVING = re.compile(
    r"(?:address|anschrift|adresse|dirección|domicilio|indirizzo|adres|home|lives?|living|resid\w+|house|located|"
    r"deliver\w*|"
    r"ship(?:ped)?|mail\w*|send|street|wohnhaft|wohnt|sede|calle|rue|staying|return\w*|at|to)\b[\"' :=a-z]{0,24}\Z"
)
_LONGEST_STREET = 70
_STREET_STARTS = frozenset(
    {
    "calle", "avenida", "avda", "avda.", "av.", "av", "plaza", "paseo", "carrera", "pasaje", "rambla", "camino",
    "carretera", "cuesta", "rua", "via", "viale", "piazza", "corso", "largo", "vicolo", "strada", "plac", "pl.",
    "aleja", "al.", "os.", "třída", "náměstí", "bulevardul", "str.", "rue", "boulevard", "ul.", "ulica",
    "travessa", "ronda", "ул.", "улица", "проспект", "am", "an", "im", "in", "auf", "zum", "zur", "unter", "ring",
    }
)  # fmt: skip
_STREET_ENDS = (
    "gatan", "vägen", "gränd", "torget", "stigen", "vej", "gade", "stræde", "vænget", "veien", "gata", "svingen",
    "katu", "kuja", "polku", "tie", "utca", "steeg", "hof", "plein", "kade", "ring", "straße", "strasse", "str.",
    "weg", "platz", "gasse", "allee", "damm", "ufer", "gracht", "straat", "laan",
)  # fmt: skip


def postal_addresses(prepared: PreparedText) -> Iterator[Detection]:
    """Yield postal addresses, with their town where it follows."""
    text = prepared.text
    yield from _number_first(prepared)
    yield from _street_first(prepared)
    for match in prepared.at_digits(_ANY_STREET):
        if prepared.starts_word(match.start()):
            yield Detection(PiiType.ADDRESS, match.start(), match.end(), match.group(), 0.8)
    if "ox " in text or "fach " in text or "partado" in text or "ostale " in text:
        for match in _PO_BOX.finditer(text):
            yield _with_town(text, match.start(), match.end(), 0.8)
    if "〒" in text:
        for match in _JAPANESE.finditer(text):
            yield Detection(PiiType.ADDRESS, match.start(), match.end(), match.group(), 0.85)


def _number_first(prepared: PreparedText) -> Iterator[Detection]:
    text = prepared.text
    for match in prepared.at_digits(_NUMBER_FIRST):
        start = match.start()
        if not prepared.starts_word(start) or text[start - 1 : start] in tuple(".,-/:"):
            continue
        whole = _with_town(text, start, match.end(), 0.8)
        if not (_FULL_TOWN.search(whole.text, match.end() - start) or _LIVING.search(prepared.before(start, 40))):
            if not match.group()[0].isdigit() or not _is_plausible_alone(match.group()):
                continue
            whole = Detection(whole.type, start, match.end(), match.group(), 0.6)
        unit = _UNIT_BEFORE.search(text[max(0, start - 20) : start])
        if unit:
            start -= len(unit.group())
        yield Detection(PiiType.ADDRESS, start, whole.end, text[start : whole.end], whole.confidence)


def _is_plausible_alone(street: str) -> bool:
    """Tell whether a street and number, with nothing around that tells of an address, may be one."""
    return bool(
        re.fullmatch(
            rf"[0-9]{{1,5}}[A-Z]? (?:{_NAME} ){{1,2}}(?:Street|Avenue|Road|Boulevard|Blvd\.?|Lane|Terrace)", street
        )
    )


def _street_first(prepared: PreparedText) -> Iterator[Detection]:
    text = prepared.text
    for match in prepared.at_digits(_HOUSE_NUMBER):
        number = match.start()
        if text[number - 1 : number] != " " or not _follows_a_name(text, number - 1):
            continue
        low = max(0, number - _LONGEST_STREET)
        low = max(low, text.rfind("\n", low, number) + 1)
        town = _NUMBER_AND_TOWN.match(text, match.end())
        if town and (named := _STREET_OF_ANY_NAME.search(text[low:number])):
            yield Detection(
                PiiType.ADDRESS, low + named.start(), town.end(), text[low + named.start() : town.end()], 0.75
            )
        street = (
            _STREET_BEFORE_NUMBER.search(text[low:number]) if _hints_at_street(prepared.lowered[low:number]) else None
        )
        if not street:
            continue
        whole = _with_town(text, low + street.start(), match.end(), 0.8)
        if _FULL_TOWN.search(whole.text) or _says_street(street.group()):
            yield whole


def _hints_at_street(before: str) -> bool:
    """Tell whether a word before a number may belong to a street: a cheap look before the costly one."""
    words = before.split()
    return bool(words) and (words[-1].endswith(_STREET_ENDS) or not _STREET_STARTS.isdisjoint(words))


def _follows_a_name(text: str, end: int) -> bool:
    """Tell whether the word that ends at ``end`` may end the name of a street: a cheap look before the costly one."""
    first = text[text.rfind(" ", max(0, end - 28), end) + 1 : end].lstrip("(\"'>|\n")[:1]
    if first.isupper() or first in ("n", "#"):
        return True
    return text[max(0, end - 6) : end].lower().endswith(_STREET_ENDS)


def _says_street(street: str) -> bool:
    return not re.match(
        r"(?:Am|An der|Im|In der|Auf dem|Zum|Zur|Unter den|[Vv]ia|[Ll]argo|[Cc]orso|[Rr]onda|\w+(?:tie|gata|weg|"
        r"laan)\b) ",
        street,
    )


def _with_town(text: str, start: int, end: int, confidence: float) -> Detection:
    town = _TOWN.match(text, end)
    if town and town.end() > end and "|" not in town.group():
        end = town.end()
        end -= len(text[start:end]) - len(text[start:end].rstrip(" .,\n"))
    return Detection(PiiType.ADDRESS, start, end, text[start:end], confidence)
