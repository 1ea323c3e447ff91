"""Which token stands for which private value, for one report.

A token reads ``⟦PERSON_1⟧``: what kind of value it hides, and the number of the one it belongs to.
The same person or number written in another way shares the number and gets a letter, ``⟦PERSON_1B⟧``,
so that a model sees who is meant and every spelling comes back as it was.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from chalicelib.privacy.known_values import KnownValues, joined_forms, name_parts
from chalicelib.privacy.pii_type import PiiType

OPENING: Final = "\u27e6"
CLOSING: Final = "\u27e7"
# The word for text that is not private but reads like a token, and so must not be mistaken for one.
TEXT: Final = "TEXT"
WORDS: Final = (*PiiType.__members__, TEXT)
# No S, because a plural reads the same; no I and O, because they read like digits.
_LETTERS: Final = "BCDEFGHJKLMNPQRTUVWXYZ"
_VERSION: Final = 1

_DIGITS_TELL = frozenset({PiiType.PHONE, PiiType.CARD, PiiType.SSN})
_SIGNS_TELL = frozenset({PiiType.IBAN, PiiType.IDENTITY, PiiType.MAC, PiiType.ACCOUNT, PiiType.MEDICAL})
_EXACT = frozenset({PiiType.SECRET, PiiType.JWT, PiiType.LOGIN})


@dataclass
class _Entity:
    """One person or thing: the word and number of its tokens, and how it was written, the first way first."""

    word: str
    number: int
    spellings: list[str]
    parts: set[str] = field(default_factory=set)


class TokenMap:
    """The tokens of one report; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._entities: list[_Entity] = []
        self._by_spelling: dict[str, tuple[_Entity, int]] = {}
        self._by_key: dict[tuple[str, str], _Entity] = {}
        self._by_token: dict[tuple[str, int], _Entity] = {}
        self._by_part: dict[str, list[_Entity]] = {}
        self._numbers: Counter[str] = Counter()
        self._known = KnownValues()

    def token(self, kind: PiiType, value: str) -> str:
        """Return the token for a private value, a new one where the value is new."""
        with self._lock:
            return self._token(kind.name, normalised(kind, value), value)

    def token_of_text(self, value: str) -> str:
        """Return the token for ``value``, which is not private but would be taken for a token."""
        with self._lock:
            return self._token(TEXT, value, value)

    def value(self, word: str, number: int, variant: str = "") -> str | None:
        """Return what a token stands for; with an unknown ``variant`` the first spelling; None if there is none."""
        with self._lock:
            entity = self._by_token.get((word, number))
            if entity is None:
                return None
            place = _place(variant)
            return entity.spellings[place] if 0 <= place < len(entity.spellings) else entity.spellings[0]

    def exact(self, word: str, number: int, variant: str = "") -> str | None:
        """Return the exact token that a bent one meant; None if there is none."""
        with self._lock:
            entity = self._by_token.get((word, number))
            if entity is None:
                return None
            place = _place(variant)
            return _written(entity, place if 0 <= place < len(entity.spellings) else 0)

    def only_number(self, word: str) -> int | None:
        """Return the number of the only token with this word; None where there are several or none."""
        with self._lock:
            return 1 if self._numbers[word] == 1 else None

    def occurrences(self, text: str, taken: Iterable[tuple[int, int]] = ()) -> list[tuple[PiiType, int, int]]:
        """Return type, start and end of each known value in a text, also beside what is ``taken`` by others."""
        with self._lock:
            return self._known.occurrences(text, taken)

    @property
    def size(self) -> int:
        """How many spellings of values it knows: it never shrinks, and grows with every change."""
        with self._lock:
            return len(self._by_spelling)

    def counts(self) -> dict[PiiType, int]:
        """Return how many different values of each type there are."""
        with self._lock:
            return {kind: self._numbers[kind.name] for kind in PiiType if self._numbers[kind.name]}

    def to_json(self) -> str:
        """Return all of it as JSON; it holds the private values."""
        with self._lock:
            entities = [[entity.word, entity.number, entity.spellings] for entity in self._entities]
        return json.dumps({"version": _VERSION, "entities": entities}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> TokenMap:
        """Return the map that ``to_json`` wrote.

        Raises:
            ValueError: it is damaged, or of another version.
        """
        try:
            data = json.loads(text)
            if data["version"] != _VERSION:
                raise ValueError("version")
            made = cls()
            for word, number, spellings in data["entities"]:
                if word not in WORDS or not isinstance(number, int) or not spellings:
                    raise ValueError("entity")
                entity = made._add(word, number, _key_of(word, spellings[0]), spellings[0])
                for spelling in spellings[1:]:
                    made._spell(entity, spelling)
        except (KeyError, TypeError, ValueError) as error:
            # Without the cause: its message may quote private values.
            raise ValueError("The map of the tokens is damaged.") from (error if isinstance(error, KeyError) else None)
        return made

    def _token(self, word: str, key: str, value: str) -> str:
        known = self._by_spelling.get(value)
        if known is None:
            entity = self._by_key.get((word, key))
            if entity is None and word == PiiType.PERSON.name:
                entity = self._same_person(value)
            if entity is None:
                known = self._add(word, self._numbers[word] + 1, key, value), 0
            else:
                known = entity, self._spell(entity, value)
        return _written(*known)

    def _add(self, word: str, number: int, key: str, value: str) -> _Entity:
        entity = _Entity(word, number, [])
        self._entities.append(entity)
        self._by_key[word, key] = entity
        self._by_token[word, number] = entity
        self._numbers[word] = max(number, self._numbers[word])
        self._spell(entity, value)
        return entity

    def _spell(self, entity: _Entity, value: str) -> int:
        entity.spellings.append(value)
        self._by_spelling[value] = entity, len(entity.spellings) - 1
        if entity.word != TEXT:
            self._by_key.setdefault((entity.word, _key_of(entity.word, value)), entity)
            self._known.add(PiiType[entity.word], value)
        if entity.word == PiiType.PERSON.name:
            for joined in joined_forms(value):
                self._by_key.setdefault((entity.word, _key_of(entity.word, joined)), entity)
            for part in name_parts(value) - entity.parts:
                entity.parts.add(part)
                self._by_part.setdefault(part, []).append(entity)
        return len(entity.spellings) - 1

    def _same_person(self, name: str) -> _Entity | None:
        """Return the one known person whose name this may be a shorter or longer form of."""
        parts = name_parts(name)
        if not parts:
            return None
        fewest = min((self._by_part.get(part, []) for part in parts), key=len)
        longer = [entity for entity in fewest if parts <= entity.parts and _initials_fit(name, entity.parts)]
        if longer:
            return longer[0] if len(longer) == 1 else None
        some = {id(entity): entity for part in parts for entity in self._by_part.get(part, [])[:8]}
        shorter = [entity for entity in some.values() if entity.parts <= parts]
        return shorter[0] if len(shorter) == 1 else None


def _written(entity: _Entity, place: int) -> str:
    return f"{OPENING}{entity.word}_{entity.number}{_variant(place)}{CLOSING}"


def _variant(place: int) -> str:
    """Return the letters of the spelling at ``place``: none for the first, then B, C, …, Z, BB, BC, …"""
    letters = ""
    while place > 0:
        place, digit = divmod(place - 1, len(_LETTERS))
        letters = _LETTERS[digit] + letters
    return letters


def _place(variant: str) -> int:
    place = 0
    for letter in variant.upper():
        if letter not in _LETTERS:
            return -1
        place = place * len(_LETTERS) + _LETTERS.index(letter) + 1
    return place


def _key_of(word: str, value: str) -> str:
    return value if word == TEXT else normalised(PiiType[word], value)


def normalised(kind: PiiType, value: str) -> str:
    """Return what all ways to write a value have in common."""
    if kind in _EXACT:
        return value
    if kind in _DIGITS_TELL:
        return "".join(character for character in value if character.isdigit()).removeprefix("00")
    if kind in _SIGNS_TELL:
        return "".join(character for character in value.casefold() if character.isalnum())
    return " ".join(re.findall(r"\w+", value.casefold()))


def _initials_fit(name: str, parts: set[str]) -> bool:
    initials = re.findall(r"(?<!\w)([^\W\d_])\.", name.casefold())
    return all(any(part.startswith(initial) for part in parts) for initial in initials)
