"""Names in a narrative: what in a sentence names a host, a person, a product or a file, by its form or its place."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from chalicelib.generation.narrative_numbers import NUMBER
from chalicelib.generation.narrative_words import COMMON_CAPITALS, HYPHENATED_FIRST, HYPHENATED_LAST, ORDINARY, word_set
from chalicelib.generation.number_words import NUMBER_WORDS

_TOKEN = re.compile(r"[^\s“”\"`()\[\]{},;!?—\u2013]+")
_HYPHENATED = re.compile(r"[^\W\d_]+(?:[-\u2010\u2011][^\W\d_]+)+")
_PLACE: Final = (
    "host|server|machine|workstation|laptop|computer|endpoint|node|system|device|account|user|container|database|bucket|"
    "cluster|domain|controller|appliance|gateway"
)
# A name is followed by the end of something, or by a word that no noun could stand before.
_ENDS: Final = (
    r"(?=\s*(?:$|[,;:.)\u2014\u2013“]|(?:to|and|or|but|was|were|is|are|has|had|have|by|with|at|on|in|for|from|of|that|"
    r"which|who|where|when|while|after|before|as|using|via|the|a|an|then|also|did|does|may|can|could|will|would)\b))"
)
_IN_PLACE_OF_A_NAME: Final = (
    re.compile(rf"\b(?:on|from|at|onto|via|into|in|against|by|across|towards?)\s+([a-z][a-z]+){_ENDS}"),
    re.compile(
        r"\b(?:connect|mov|spread|sen[dt]|cop[iy]|access|transfer|sign|log|upload|forward|pivot|migrat|reach|jump)\w*"
        rf"(?:\s+\w+){{0,3}}?\s+to\s+([a-z][a-z]+){_ENDS}"
    ),
    re.compile(rf"\b(?:{_PLACE})s?\s+(?:named\s+|called\s+|known as\s+)?([a-z][a-z]+){_ENDS}"),
    re.compile(rf"\w[\w.]*[-\d][\w.-]*(?:\s*,)?\s+(?:and|or)\s+(?:on\s+)?([a-z][a-z]+){_ENDS}"),
)
_BEFORE_PLACE = re.compile(rf"\b(?:the|a|an|one|another|its)\s+([a-z][a-z]+)\s+(?:{_PLACE})s?\b")
_FIRST = re.compile(r"[\s“\"(]*([A-Z][a-z]+)(?:\s+([a-z]+))?")
_VERB: Final = word_set(
    "was were is are has had have did does can could may might will would then also stole took sent wrote read "
    "made got began ran left hid broke built put set used and"
)
_ADJECTIVE = re.compile(r"\w(?:able|ible|al|ive|ous|ic|ful|less|ary|ant|ent|ed|en)$")
_ABSTRACT = re.compile(r"\w(?:ly|tions?|sions?|ments?|ity|ities|ness|ed|ing)$")
_PLURAL_OF_KIND = re.compile(r"\w(?:er|or|ant|ent|ing|ion|ment|word|al|le|ie)s$")
_NO_VERB_OR_PLURAL = re.compile(r"(?:as|us|is|ss|os)$")


def names_by_form(text: str) -> Iterator[str]:
    """Yield what names something by its form: identifiers, names in capitals, words of another alphabet."""
    for position, found in enumerate(_TOKEN.finditer(text)):
        token = re.sub(r"['\u2019]s$", "", found[0].strip(".:'\u2019*_\u2018"))
        if not token or NUMBER.fullmatch(token.removesuffix("%")):
            continue
        if is_identifier(token):
            yield token
            continue
        for part in re.split(r"[/-]", token):
            foreign = any(letter.isalpha() and not unicodedata.name(letter, "").startswith("LATIN") for letter in part)
            capital = part[:1].isupper() and position > 0 and part.casefold() not in COMMON_CAPITALS
            shouted = len(part) > 1 and part.isupper() and part.casefold() not in COMMON_CAPITALS
            if foreign or capital or shouted:
                yield part


def name_by_place(text: str, pool: str) -> str:
    """Return a word that stands where a name would and is neither in ``pool`` nor an ordinary word, or nothing.

    Args:
        text: a sentence, without what it quotes.
        pool: the text that it rests on, folded.
    """
    for found in _HYPHENATED.finditer(without_identifiers(text)):
        if not _is_usual_compound(found[0].casefold(), pool):
            return found[0]
    for pattern in _IN_PLACE_OF_A_NAME:
        for found in pattern.finditer(text):
            if not _is_usual(found[1], pool):
                return found[1]
    for found in _BEFORE_PLACE.finditer(text):
        if not _is_usual(found[1], pool) and not _ADJECTIVE.search(found[1]):
            return found[1]
    return _strange_beginning(text, pool)


def without_identifiers(text: str) -> str:
    """Return a text without the tokens that are identifiers: digits in them are no numbers."""
    return _TOKEN.sub(lambda found: " _ " if is_identifier(found[0].strip(".:'\u2019*_\u2018")) else found[0], text)


def is_identifier(token: str) -> bool:
    """Tell whether a token is the name of a file, a host, an address, a version, a time or the like."""
    if re.fullmatch(r"\d+(?:st|nd|rd|th)|[^\W\d_]+(?:[/-][^\W\d_]+)*|e\.g|i\.e", token):
        return False
    has_letter = any(letter.isalpha() for letter in token)
    has_digit = any(letter.isdigit() for letter in token)
    return (has_letter and has_digit) or bool(re.search(r"\w[._/\\@:=]\w|^[/~\\.]\w|_", token))


def stands_in(name: str, pool: str) -> bool:
    """Tell whether ``name`` stands in ``pool`` as a whole: not as a part of a longer name or number."""
    if name not in pool:
        return False
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-]|\.\d)", pool) is not None


def _strange_beginning(text: str, pool: str) -> str:
    """Return the first word of a sentence where it can only be a name that ``pool`` does not have."""
    found = _FIRST.match(text)
    if not found or is_identifier(_TOKEN.findall(text)[0]):
        return ""
    word, after = found[1].casefold(), found[2] or ""
    if word in ORDINARY or word in COMMON_CAPITALS or word in NUMBER_WORDS or _known(word, pool):
        return ""
    if _PLURAL_OF_KIND.search(word) or (_ABSTRACT.search(word) and not word.endswith("ing")):
        return ""
    is_verb = after in _VERB or after.endswith("ed")
    return "" if _ADJECTIVE.search(word) and not is_verb else found[1]


def _is_usual_compound(word: str, pool: str) -> bool:
    parts = re.split(r"[-\u2010\u2011]", word)
    if stands_in(word, pool) or parts[0] in HYPHENATED_FIRST or parts[-1] in HYPHENATED_LAST:
        return True
    if any(part in NUMBER_WORDS for part in parts) or parts[-1].endswith("ed"):
        return True
    return all(part in ORDINARY or (len(part) > 3 and _known_whole(part, pool)) for part in parts)


def _is_usual(word: str, pool: str) -> bool:
    if len(word) < 3 or word in ORDINARY or word in NUMBER_WORDS or _ABSTRACT.search(word) or _known(word, pool):
        return True
    return word.endswith("s") and not _NO_VERB_OR_PLURAL.search(word)


def _known(word: str, pool: str) -> bool:
    stem = word[: max(4, len(word) - 2)]
    return re.search(rf"(?<![\w]){re.escape(stem)}", pool) is not None


def _known_whole(word: str, pool: str) -> bool:
    stem = word[: max(4, len(word) - 3)]
    return re.search(rf"(?<![\w-]){re.escape(stem)}[^\W\d_]{{0,5}}(?![\w-]|\.\w)", pool) is not None
