"""Finds keys, tokens and passwords: by their own form, or by the word that introduces them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from chalicelib.privacy.detect import Detection
from chalicelib.privacy.pii_type import PiiType
from chalicelib.privacy.prepared_text import PreparedText

_HEX = r"[a-f0-9]"
_SIGN = r"[A-Za-z0-9]"
_WIDE = r"[A-Za-z0-9_-]"
# What a vendor's keys start with, and what follows.
_FORMS = {
    **dict.fromkeys(("AKIA", "ASIA", "ABIA", "ACCA"), r"[A-Z0-9]{16}"),
    "LTAI": rf"{_SIGN}{{16,26}}",
    **dict.fromkeys(("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), rf"{_SIGN}{{20,255}}"),
    "github_pat_": r"[A-Za-z0-9_]{20,255}",
    **dict.fromkeys(
        ("glpat-", "glrt-", "gldt-", "glcbt-", "glptt-", "glft-", "glsoat-", "glimt-", "glagent-", "gloas-"),
        rf"{_WIDE}{{16,128}}",
    ),
    "sk-": rf"(?=[A-Za-z_-]{{0,40}}[0-9]){_WIDE}{{16,256}}",
    **dict.fromkeys(("sk_live_", "sk_test_", "rk_live_", "rk_test_", "pk_live_"), rf"{_SIGN}{{16,128}}"),
    "whsec_": r"[A-Za-z0-9+/=]{16,128}",
    **dict.fromkeys(("xoxb-", "xoxp-", "xoxa-", "xoxs-", "xoxc-", "xapp-"), r"[A-Za-z0-9-]{16,160}"),
    "xoxe.": r"xox[bp]-[A-Za-z0-9-]{16,200}",
    "AIza": rf"{_WIDE}{{35}}",
    "ya29.": rf"{_WIDE}{{20,256}}",
    "GOCSPX-": rf"{_WIDE}{{20,40}}",
    "SG.": rf"{_WIDE}{{16,32}}\.{_WIDE}{{16,64}}",
    **dict.fromkeys(("npm_", "hf_", "gsk_", "r8_"), rf"{_SIGN}{{30,64}}"),
    **dict.fromkeys(("xai-", "pplx-"), rf"{_SIGN}{{40,100}}"),
    "nvapi-": rf"{_WIDE}{{40,90}}",
    "tvly-": rf"{_WIDE}{{24,60}}",
    **dict.fromkeys(("lsv2_pt_", "lsv2_sk_"), rf"{_HEX}{{32}}_{_HEX}{{10}}"),
    "pypi-": rf"AgE{_WIDE}{{30,256}}",
    "rubygems_": rf"{_HEX}{{48}}",
    "CLOJARS_": rf"{_HEX}{{60}}",
    **dict.fromkeys(("dop_v1_", "doo_v1_", "dor_v1_"), rf"{_HEX}{{64}}"),
    **dict.fromkeys(("shpat_", "shpss_", "shpca_", "shppa_"), r"[a-fA-F0-9]{32}"),
    **dict.fromkeys(("sq0atp-", "sq0csp-"), rf"{_WIDE}{{22,50}}"),
    **dict.fromkeys(("hvs.", "hvb.", "hvr."), rf"{_WIDE}{{24,300}}"),
    "dapi": rf"{_HEX}{{32}}(?:-[0-9]{{1,2}})?",
    **dict.fromkeys(("dckr_pat_", "dckr_oat_"), rf"{_WIDE}{{24,40}}"),
    "glsa_": rf"{_SIGN}{{32}}_{_HEX}{{8}}",
    "glc_": r"[A-Za-z0-9+/=]{32,400}",
    **dict.fromkeys(("lin_api_", "lin_oauth_"), rf"{_SIGN}{{32,64}}"),
    "figd_": rf"{_WIDE}{{38,60}}",
    "ntn_": rf"{_SIGN}{{40,60}}",
    "secret_": rf"{_SIGN}{{43}}",
    "PMAK-": rf"{_HEX}{{24}}-{_HEX}{{34}}",
    "NRAK-": r"[A-Z0-9]{27}",
    **dict.fromkeys(("ATATT3", "ATCTT3"), r"[A-Za-z0-9_=-]{60,260}"),
    "HRKU-": rf"{_WIDE}{{32,64}}",
    **dict.fromkeys(("sntrys_", "sntryu_"), r"[A-Za-z0-9+/=_-]{40,300}"),
    **dict.fromkeys(("dp.pt.", "dp.st.", "dp.ct.", "dp.sa."), r"(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}"),
    "pul-": rf"{_HEX}{{40}}",
    "sbp_": rf"{_HEX}{{40}}",
    "sb_secret_": rf"{_WIDE}{{20,60}}",
    **dict.fromkeys(("pscale_tkn_", "pscale_pw_", "pscale_oauth_"), r"[A-Za-z0-9_=.-]{32,64}"),
    **dict.fromkeys(("tskey-auth-", "tskey-api-", "tskey-client-"), r"[A-Za-z0-9-]{20,80}"),
    "key-": rf"{_HEX}{{32}}",
    "SK": rf"{_HEX}{{32}}",
    **dict.fromkeys(("phc_", "phx_"), rf"{_SIGN}{{40,60}}"),
    "AGE-SECRET-KEY-": r"[A-Z0-9]{40,80}",
}
# Keys that are known by what is in the midst of them: the sign to look for, what is before and from it on.
_MIDSTS = (
    (":AA", re.compile(r"(?<![0-9])[0-9]{8,10}\Z"), re.compile(rf":AA{_WIDE}{{33}}(?![\w-])")),
    (".atlasv1.", re.compile(r"(?<!\w)[A-Za-z0-9]{14}\Z"), re.compile(r"\.atlasv1\.[A-Za-z0-9_=-]{60,70}")),
    ("Q~", re.compile(r"(?<![\w~.-])[\w~.-]{3}[0-9]\Z", re.A), re.compile(r"Q~[A-Za-z0-9_~.-]{31,34}(?![\w~-])")),
)
_LONGEST_BEFORE_MIDST = 16
_BOT = re.compile(rf"[MNO]{_WIDE}{{22,27}}\.{_WIDE}{{6}}\.{_WIDE}{{27,40}}(?![\w.-])")
_BOT_IN_SMALL_LETTERS = re.compile(_BOT.pattern, re.IGNORECASE)
_SLACK_HOOK = "hooks.slack.com/services/"
_HOOK_PATH = re.compile(r"[A-Za-z0-9]{6,16}/[A-Za-z0-9]{6,16}/[A-Za-z0-9]{16,40}")
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{4,8192}\.[A-Za-z0-9_-]{8,1024}")
_PEM = re.compile(r"-----BEGIN ((?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?)-----")
_LONGEST_PEM = 20_000

_STEMS = (
    "passw",
    "passphrase",
    "passcode",
    "pwd",
    "pw",
    "secret",
    "token",
    "authtoken",
    "api_key",
    "api-key",
    "api key",
    "apikey",
    "access_key",
    "access key",
    "accesskey",
    "private_key",
    "accountkey=",
    "sharedaccesskey=",
    "sessionid=",
    "jsessionid=",
    "phpsessid=",
    "sig=",
    "signature=",
    "encryption key",
    "credential",
    "kennwort",
    "mot de passe",
    "contraseña",
    "clave de acceso",
    "senha",
    "wachtwoord",
    "lösenord",
    "hasło",
    "пароль",
    "密码",
    "パスワード",
)
_INTRODUCED = re.compile(
    r"(?P<word>[\w-]{1,40}(?: (?:de passe|de acceso|key|for [\w ]{1,30}))?)(?P<mark>[\"'`*\]]{0,3}\s{0,4}(?::=|=>|"
    r"[:=\uff1a])\s{0,4}|"
    r" (?:is|was|ist|lautet|est|es|é|är|to) )(?P<quote>[\"'`]{0,1})(?P<value>[^\s\"'`<>,;|]{4,4096})",
    re.IGNORECASE,
)
# In so long a value, and so far from its end, another label tells nothing new.
_LONG_VALUE = 200
_LONGEST_LABEL = 80
_PIN = re.compile(
    r"(?:pin(?: ?-?(?:code|number))?\s{0,2}(?:is|:|=)\s{0,2}|(?-i:PIN) )(?P<value>[0-9]{4,8})(?![\w.-])", re.IGNORECASE
)
# In quotes a password may be several words.
_PHRASE = re.compile(
    r"(?:passw\w*|passphrase|passcode|pwd?|mot de passe|kennwort|contraseña|senha)[\"'`*\]]{0,3}\s{0,4}"
    r"(?:[:=\uff1a]|(?<=\s)is\b|)\s{0,4}(?:\"(?P<double>[^\"\n]{6,200})\"|'(?P<single>[^'\n]{6,200})'|`(?P<back>[^`\n]{6,200})`)",
    re.IGNORECASE,
)
# How a sentence about a password goes on.
_SAID_OF_ONE = frozenset(
    {
        "a",
        "an",
        "at",
        "enter",
        "has",
        "is",
        "it",
        "must",
        "no",
        "not",
        "of",
        "please",
        "set",
        "should",
        "the",
        "to",
        "too",
        "was",
        "your",
    }
)
_PHRASE_STEMS = ("passw", "passphrase", "passcode", "pw", "mot de passe", "kennwort", "contraseña", "senha")
_AUTHORIZATION = re.compile(
    r"(?:basic|bearer|token|digest)\s{1,2}(?P<value>[A-Za-z0-9+/=._~-]{16,4096})", re.IGNORECASE
)
_CURL_USER = re.compile(r"(?:-u|--user)[ =][\"']?[\w.@-]{1,64}:(?P<value>[^\s\"'$]{4,128})")
_PLACEHOLDER = re.compile(
    r"[*x•.#_-]+|.*(?:example|placeholder|changeme|your|redacted|required|none|null|true|false|undefined|optional|"
    r"string).{0,12}",
    re.IGNORECASE,
)
# What a finding about passwords goes on with: "Hard-coded password: CWE-259", "the passcode is 6-digit".
_OF_A_FINDING = re.compile(
    r"(?:(?:CVE-[0-9]{4}-[0-9]{4,7}|(?:CWE|CAPEC)-[0-9]{1,4}|RFC-?[0-9]{1,5}|T[0-9]{4}(?:\.[0-9]{3})?)/?)+|"
    r"[0-9]{1,3}-(?:bit|char|character|day|digit)s?",
    re.IGNORECASE,
)
# What makers of passwords are asked for, and place-holders do not have.
_OWN_SIGNS = re.compile(r"[^\w\s.*•#-]|[a-z][A-Z]|[A-Z].*[a-z].*[0-9]")
_CODE = re.compile(
    r"[(\[{\\]|^[$%&<@]|^(?:os|env|process|self|this|config|settings|secrets?|vault|var|params?)\.|^https?:"
)


def credentials(prepared: PreparedText) -> Iterator[Detection]:
    """Yield secrets, JSON web tokens and private keys."""
    yield from _of_known_form(prepared)
    yield from _private_keys(prepared.text)
    yield from _introduced(prepared)


def _of_known_form(prepared: PreparedText) -> Iterator[Detection]:
    yield from _by_their_start(prepared)
    yield from _by_their_midst(prepared)
    text = prepared.text
    if _BOT_IN_SMALL_LETTERS.search(prepared.long_words):
        for match in _BOT.finditer(text):
            if prepared.starts_word(match.start()):
                yield Detection(PiiType.SECRET, match.start(), match.end(), match.group(), 0.9)
    found = text.find("eyJ") if "eyj" in prepared.long_words else -1
    while found >= 0:
        token = _JWT.match(text, found) if prepared.starts_word(found) else None
        if token:
            yield Detection(PiiType.JWT, found, token.end(), token.group(), 0.97)
        found = text.find("eyJ", token.end() if token else found + 3)
    found = text.find(_SLACK_HOOK)
    while found >= 0:
        start = found + len(_SLACK_HOOK)
        if path := _HOOK_PATH.match(text, start):
            yield Detection(PiiType.SECRET, start, path.end(), path.group(), 0.97)
        found = text.find(_SLACK_HOOK, start)


def _by_their_start(prepared: PreparedText) -> Iterator[Detection]:
    text, words = prepared.text, prepared.long_words
    for start_mark in _FORMS:
        # Hardly any text has one: a look at its long words is the cheapest.
        if start_mark.lower() not in words or not _form(start_mark, re.IGNORECASE).search(words):
            continue
        pattern = _form(start_mark, re.NOFLAG)
        found = text.find(start_mark)
        while found >= 0:
            match = pattern.match(text, found) if prepared.starts_word(found) else None
            if match and not _is_dashed_words(match.group()):
                yield Detection(PiiType.SECRET, found, match.end(), match.group(), 0.97)
            found = text.find(start_mark, match.end() if match else found + len(start_mark))


@cache
def _form(start_mark: str, flags: re.RegexFlag) -> re.Pattern[str]:
    return re.compile(re.escape(start_mark) + _FORMS[start_mark], flags)


def _by_their_midst(prepared: PreparedText) -> Iterator[Detection]:
    text = prepared.text
    for sign, before, after in _MIDSTS:
        found = text.find(sign) if sign.lower() in prepared.long_words else -1
        while found >= 0:
            lead = before.search(text[max(0, found - _LONGEST_BEFORE_MIDST) : found])
            rest = after.match(text, found) if lead else None
            if lead and rest:
                start = found - len(lead.group())
                yield Detection(PiiType.SECRET, start, rest.end(), text[start : rest.end()], 0.95)
            found = text.find(sign, found + len(sign))


def _is_dashed_words(value: str) -> bool:
    return not any(character.isdigit() for character in value)


def _private_keys(text: str) -> Iterator[Detection]:
    position = text.find("-----BEGIN ")
    while position >= 0:
        after = position + 11
        if match := _PEM.match(text, position):
            closing = f"-----END {match.group(1)}-----"
            end = text.find(closing, match.end(), match.end() + _LONGEST_PEM)
            after = end + len(closing) if end >= 0 else min(len(text), match.end() + _LONGEST_PEM)
            yield Detection(PiiType.SECRET, position, after, text[position:after], 0.99)
        position = text.find("-----BEGIN ", after)


def _introduced(prepared: PreparedText) -> Iterator[Detection]:
    text = prepared.text
    read_up_to = 0
    for found in sorted(prepared.occurrences(_STEMS)):
        match = _INTRODUCED.match(text, found) if found >= read_up_to else None
        if match and (value := _secret_in(match)):
            start = match.start("value")
            yield Detection(PiiType.SECRET, start, start + len(value), value, 0.8)
            if len(value) > _LONG_VALUE:
                read_up_to = start + len(value) - _LONGEST_LABEL
    for found in prepared.occurrences(_PHRASE_STEMS):
        if match := _PHRASE.match(text, found):
            start, end = match.span(match.lastgroup or 0)
            if " " in text[start:end] and text[start:end].split()[0].lower() not in _SAID_OF_ONE:
                yield Detection(PiiType.SECRET, start, end, text[start:end], 0.7)
    for stem, pattern in (
        ("pin", _PIN),
        ("basic", _AUTHORIZATION),
        ("bearer", _AUTHORIZATION),
        ("token", _AUTHORIZATION),
    ):
        for found in prepared.occurrences((stem,)):
            if (match := pattern.match(text, found)) and any(c.isdigit() for c in match["value"]):
                value = match["value"].rstrip(".")
                yield Detection(PiiType.SECRET, match.start("value"), match.start("value") + len(value), value, 0.8)
    for stem in ("-u", "--user"):
        found = text.find(stem)
        while found >= 0:
            if match := _CURL_USER.match(text, found):
                yield Detection(PiiType.SECRET, match.start("value"), match.end("value"), match["value"], 0.85)
            found = text.find(stem, found + len(stem))


def _secret_in(match: re.Match[str]) -> str | None:
    """Return the secret of ``match``, or None where a type, a call, a place-holder or a word follows."""
    value = match["value"]
    if not match["quote"]:
        value = value.rstrip(".,:;!?)]}\\") or value
    if _CODE.search(value) or _is_placeholder(value) or _OF_A_FINDING.fullmatch(value):
        return None
    word = match["word"].lower()
    if word.startswith("pw") and word not in ("pw", "pwd"):
        return None
    is_password = word.startswith(
        ("passw", "pw", "passphrase", "passcode", "mot", "kennw", "contras", "senha", "wacht")
    )
    if value.isdigit() and not is_password:
        return None
    telling = any(not character.isalpha() and character not in "_-./" for character in value)
    if not telling:
        mixed = value.lower() != value != value.capitalize() and len(value) >= 10
        quoted = bool(match["quote"]) and is_password and len(value) >= 6 and match["mark"].strip() != ""
        return value if mixed or quoted else None
    return value if len(value) >= (6 if is_password else 8) else None


def _is_placeholder(value: str) -> bool:
    """Tell whether something stands where a secret would: a password may have such a word in it, and digits."""
    return (
        len(value) <= _LONG_VALUE
        and bool(_PLACEHOLDER.fullmatch(value))
        and not (any(character.isdigit() for character in value) and _OWN_SIGNS.search(value))
    )
