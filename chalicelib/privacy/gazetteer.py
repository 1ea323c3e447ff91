"""Names of people, and words that only look like them, as sets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import islice

# Rare names of the census are often words or places: only the frequent ones tell of a person alone.
_FREQUENT_GIVEN = 1000
_FREQUENT_SURNAMES = 20_000
# These stay surnames after a given name although a place or company has the same name.
_SURNAMES_OF_MANY = 1500


@dataclass(frozen=True)
class Gazetteer:
    """Lists of names; given names with a capital letter, all else in small letters.

    ``frequent_given`` tell of a person alone, ``given`` with any capitalised word after them, and
    ``ambiguous_given`` only with one of the ``surnames``.
    """

    frequent_given: frozenset[str]
    given: frozenset[str]
    ambiguous_given: frozenset[str]
    surnames: frozenset[str]
    frequent_surnames: frozenset[str]
    surnames_of_many: frozenset[str]
    words: frozenset[str]
    not_names: frozenset[str]

    def is_surname(self, word: str) -> bool:
        """Tell whether a word is somebody's surname, and nothing else."""
        lowered = word.lower()
        return lowered in self.surnames and lowered not in self.words and lowered not in self.not_names

    def is_frequent_surname(self, word: str) -> bool:
        """Tell whether a word is the surname of many, and nothing else."""
        return word.lower() in self.frequent_surnames and self.is_surname(word)


@cache
def gazetteer() -> Gazetteer:
    """Return the lists; read by the first call (some 60 ms), kept for the life of the process."""
    words = frozenset(word.lower() for word in _own("words.txt"))
    not_names = frozenset(word.lower() for word in _own("not_names.txt"))
    ambiguous = frozenset(_own("given_names_that_are_more.txt"))
    own = frozenset(_own("given_names.txt"))
    frequent: set[str] = set(own)
    every: set[str] = set(own)
    for name in ("dist.female.first", "dist.male.first"):
        ranked = _census(name)
        frequent.update(map(str.capitalize, islice(ranked, _FREQUENT_GIVEN)))
        every.update(map(str.capitalize, ranked))
    last = [name.lower() for name in _census("dist.all.last")]
    plain = {name for name in every if name not in ambiguous and name.lower() not in words | not_names}
    return Gazetteer(
        frequent_given=frozenset(frequent & plain),
        given=frozenset(plain),
        ambiguous_given=frozenset(every - plain),
        surnames=frozenset(last),
        frequent_surnames=frozenset(last[:_FREQUENT_SURNAMES]),
        surnames_of_many=frozenset(last[:_SURNAMES_OF_MANY]) - words,
        words=words,
        not_names=not_names,
    )


def words_around_names() -> dict[str, frozenset[str]]:
    """Return the words that stand around names, by what they do; see data/words_around_names.txt."""
    sections: dict[str, set[str]] = {}
    words: set[str] = set()
    for line in _data("words_around_names.txt"):
        if line.startswith("["):
            words = sections.setdefault(line.strip("[]"), set())
        elif not line.startswith("#"):
            words.update(line.split())
    return {name: frozenset(listed) for name, listed in sections.items()}


def _own(name: str) -> list[str]:
    return [word for line in _data(name) if not line.startswith("#") for word in line.split()]


def _data(name: str) -> list[str]:
    return files("chalicelib.privacy").joinpath("data", name).read_text("utf-8").splitlines()


def _census(name: str) -> list[str]:
    lines = files("names").joinpath(name).read_text("ascii").splitlines()
    return [line[: line.index(" ")] for line in lines if " " in line]
