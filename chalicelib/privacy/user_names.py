"""Finds names that people sign in with: by the field they stand in, or as the owner of a home directory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from chalicelib.privacy.detect import Detection
from chalicelib.privacy.gazetteer import gazetteer, words_around_names
from chalicelib.privacy.pii_type import PiiType
from chalicelib.privacy.prepared_text import PreparedText

# What is written before a mark that such a name follows; before it may stand more ("target_user").
_LABELS: Final = (
    "user", "username", "user_name", "user-name", "user name", "userid", "user_id", "user id", "login", "login name",
    "loginname", "logon", "benutzer", "benutzername", "utilisateur", "usuario", "utente", "account", "account name",
    "accountname", "account_name", "acct", "principal", "principalname", "principal_name", "actor",
)  # fmt: skip
_SHORT_LABELS: Final = ("uid",)
_OF_MACHINES_TOO: Final = ("principal", "principalname", "principal_name", "actor")
# Groups of attackers have names as well, which a report must tell.
_NOT_OF_PEOPLE: Final = ("threat actor", "threat_actor", "threat-actor", "threatactor")
_LONGEST_LABEL: Final = 20
_MARK: Final = re.compile(r"[=:]")
_NAMED: Final = re.compile(
    r"\s{0,2}[\"']?(?:[\w-]{1,20}\\{1,2})?(?P<value>[A-Za-z][A-Za-z0-9]{0,30}(?:[._-][A-Za-z0-9]{1,30}){0,3})"
    r"(?![\w@.:/\\${}()%-]{0,64}[@:/\\${}()%])"
)
_HOMES: Final = ("\\users\\", "/users/", "/home/")
_WINDOWS_HOME: Final = re.compile(r"\\{1,2}users\\{1,2}(?P<value>[^\\/:*?\"<>|\r\n]{2,40})(?=\\)", re.IGNORECASE)
_UNIX_HOME: Final = re.compile(r"(?:/Users|/home)/(?P<value>[A-Za-z][\w.-]{1,31})(?=/)")
# As shells and keys say it, "akern@fin-lap-07": a host without a dot, else it is an e-mail address.
_AT_HOST: Final = re.compile(r"@[A-Za-z][\w-]{1,62}(?![\w@-]|\.\w)")
_BEFORE_AT: Final = re.compile(r"(?<![\w.@/-])([A-Za-z][\w.-]{2,31})\Z")
_LONGEST_NAME: Final = 33
# A Windows domain, and who belongs to it; anchored at the rare character.
_DOMAIN: Final = re.compile(r"\\\\?(?P<value>[A-Za-z][\w.-]{2,31})(?![\w\\/])")
_DOMAIN_BEFORE: Final = re.compile(r"(?<![\w\\/])[A-Z][A-Z0-9-]{1,14}\Z")
_LONGEST_DOMAIN: Final = 16
# How systems say who it was: words before the name, and what is around it. People write nearly the same, "failed
# audits for access from partners", and a word that is once taken for a name is replaced wherever it stands.
_METHOD: Final = r"(?:password|publickey|keyboard-interactive(?:/pam)?|gssapi-(?:with-mic|keyex)|hostbased|none) for "
_FROM_HOST: Final = r" from (?=\w*[0-9]|[\w-]*[.:][\w:]|localhost\b)"
_ADDRESS: Final = r"(?=[0-9a-f]{0,4}[.:][0-9a-f:])"
_NO_NAME: Final = (
    r"(?!(?:and|binary|can|commands?|does|for|from|in|is|options?|or|program|script|the|to|tool|utilit(?:y|ies)|was|"
    r"with)\b)"
)
_SAID: Final = tuple(
    (stem, re.compile(rf"{stem}{between}(?P<value>[A-Za-z][\w.-]{{0,30}}\w){after}", re.IGNORECASE))
    for stem, between, after in (
        ("accepted ", _METHOD, _FROM_HOST),
        ("failed ", rf"{_METHOD}(?:invalid user )?", _FROM_HOST),
        ("invalid user ", "", rf"(?: from {_ADDRESS}| \[preauth)"),
        ("authenticating user ", "", rf" {_ADDRESS}"),
        ("for user ", "", r"(?: by [\w.-]{0,32}\(uid|\(uid)"),
        ("session opened for user ", "", r"(?: by |\s*\Z|\s*\n)"),
        ("session closed for user ", "", r"(?:\s*\Z|\s*\n)"),
        ("sudo: ", r"\s{0,3}", r" : (?:TTY|PWD|USER|user NOT)"),
        ("chown ", r"(?:-[a-zA-Z]{1,4} )?", r"(?=:[\w. ]| ~?\.{0,2}/)"),
        ("su - ", "", r"(?![\w/-]|\.\w)"),
        ("sudo -u ", "", r"(?![\w/-]|\.\w)"),
        ("useradd ", rf"(?:-\w )?{_NO_NAME}", r"(?![\w/-]|\.\w)"),
        ("userdel ", rf"(?:-\w )?{_NO_NAME}", r"(?![\w/-]|\.\w)"),
        ("git config ", r"(?:--\w+ )?user\.name [\"']?", r"(?![\w/-]|\.\w)"),
    )
)
# In a sentence a name must look like one that nobody would take for a word: "jmiller", "j.miller".
_IN_PROSE: Final = ("user ", "account ", "login ", "benutzer ", "utilisateur ", "usuario ", "username ", "konto ")
_PLAIN_NAME: Final = re.compile(
    r"[\"'`*]{0,2}(?P<value>[a-z][a-z0-9]{0,20}(?:[._-][a-z0-9]{1,20}){0,2})(?![\w@:/\\(-])"
)
_LEAST_SURNAME: Final = 5
# A name after an at sign, of two parts that are names both: other words after one are code.
_HANDLE: Final = re.compile(r"@(?P<value>[A-Za-z]{2,20}_[A-Za-z]{2,20}[0-9]{0,4})(?![\w@.(-])")
# Nobody is called so: accounts that systems come with, and words that stand for a name.
_NOBODY: Final = words_around_names()["nobody"]
_MACHINES: Final = re.compile(
    r"(?:svc|srv|sa|app|sys|service|host|api|bot|test|user|admin)[._-]?.*|.*[._-](?:svc|bot|sa|service|admin)",
    re.IGNORECASE,
)


def user_names(prepared: PreparedText) -> Iterator[Detection]:
    """Yield names that people sign in with; those of services and of nobody stay."""
    text = prepared.text
    for mark in _MARK.finditer(text):
        label = prepared.before(mark.start(), _LONGEST_LABEL).rstrip("\"' ")
        if not _is_label(label):
            continue
        match = _NAMED.match(text, mark.end())
        tells = mark.group() == "=" and not label.endswith(_OF_MACHINES_TOO)
        if match and is_somebody(match["value"]) and (tells or reads_like_a_name(match["value"])):
            yield _detection(match)
    for home, pattern in zip(_HOMES, (_WINDOWS_HOME, _UNIX_HOME, _UNIX_HOME), strict=True):
        place = prepared.lowered.find(home)
        while place >= 0:
            start = place - (text[place - 1 : place] == "\\")
            match = pattern.match(text, start) or pattern.match(text, place)
            if match and is_somebody(match["value"]):
                yield _detection(match)
            place = prepared.lowered.find(home, place + len(home))
    yield from _said(prepared)
    for match in _AT_HOST.finditer(text):
        name = _BEFORE_AT.search(text[max(0, match.start() - _LONGEST_NAME) : match.start()])
        if name and is_somebody(name[1]) and reads_like_a_name(name[1]):
            start = match.start() - len(name[1])
            yield Detection(PiiType.PERSON, start, match.start(), name[1], 0.7)
    for match in _DOMAIN.finditer(text):
        before = text[max(0, match.start() - _LONGEST_DOMAIN) : match.start()]
        if _DOMAIN_BEFORE.search(before) and is_somebody(match["value"]) and reads_like_a_name(match["value"]):
            yield _detection(match)


def _said(prepared: PreparedText) -> Iterator[Detection]:
    """Yield names in the words of logs and commands, after the word for them in a sentence, and after an at sign."""
    text = prepared.text
    for stem, pattern in _SAID:
        for place in prepared.occurrences((stem,)):
            if (match := pattern.match(text, place)) and is_somebody(match["value"]):
                yield _detection(match)
    for stem in _IN_PROSE:
        for place in prepared.occurrences((stem,)):
            match = _PLAIN_NAME.match(text, place + len(stem))
            if match and is_somebody(match["value"]) and _can_only_be_a_name(match["value"]):
                yield _detection(match)
    for match in _HANDLE.finditer(text):
        parts = match["value"].lower().rstrip("0123456789").split("_")
        lists = gazetteer()
        given = [part for part in parts if part.capitalize() in lists.frequent_given]
        if prepared.starts_word(match.start()) and given and lists.surnames.issuperset(set(parts) - set(given)):
            yield _detection(match)


def _can_only_be_a_name(value: str) -> bool:
    """Tell whether a word is an initial or given name and a surname, and hardly anything else."""
    lists = gazetteer()
    parts = re.split(r"[._-]", value.rstrip("0123456789"))
    surname = parts[0][1:] if len(parts) == 1 else parts[-1]
    if len(surname) < _LEAST_SURNAME or parts[0] in lists.words or surname in lists.words:
        return False
    if len(parts) == 1:
        return surname in lists.surnames_of_many
    return len(parts[0]) == 1 or any(map(_is_name, parts))


def _is_label(label: str) -> bool:
    if label.endswith(_NOT_OF_PEOPLE):
        return False
    return label.endswith(_LABELS) or (label.endswith(_SHORT_LABELS) and not label[:-3][-1:].isalnum())


def is_somebody(value: str) -> bool:
    """Tell whether a name that is signed in with can be a person's."""
    lowered = value.lower()
    return len(lowered) > 2 and lowered not in _NOBODY and not _MACHINES.fullmatch(lowered)


def _detection(match: re.Match[str]) -> Detection:
    return Detection(PiiType.PERSON, match.start("value"), match.end("value"), match["value"], 0.7)


def reads_like_a_name(value: str) -> bool:
    """Tell whether a word is made of a name: "anna.kern", "akern", "Kern"."""
    lists = gazetteer()
    parts = [part for part in re.split(r"[._-]", value.lower()) if not part.isdigit()]
    known = [part.rstrip("0123456789") for part in parts]
    if len(known) > 1:
        return any(_is_name(part) for part in known)
    return any(_is_name(part) for part in (known or [""])) or (
        len(known[0]) > 4 and known[0] not in lists.words | lists.not_names and known[0][1:] in lists.frequent_surnames
    )


def _is_name(part: str) -> bool:
    lists = gazetteer()
    return part.capitalize() in lists.frequent_given or lists.is_frequent_surname(part)
