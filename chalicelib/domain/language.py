"""Languages of texts: as tags (BCP 47), and as far as a text's script gives them away."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from itertools import chain, islice
from typing import Final

DEFAULT_LANGUAGE: Final = "en"
_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,4}")
_MOST_CHARACTERS: Final = 20_000
_LEAST_SHARE: Final = 0.3  # reports in other scripts hold Latin names, units and links

# The first word of a letter's Unicode name.
_SCRIPTS: Final = {
    "HANGUL": "ko",
    "THAI": "th",
    "GREEK": "el",
    "HEBREW": "he",
    "ARMENIAN": "hy",
    "GEORGIAN": "ka",
    "KHMER": "km",
    "LAO": "lo",
    "MYANMAR": "my",
    "SINHALA": "si",
    "TAMIL": "ta",
    "TELUGU": "te",
    "KANNADA": "kn",
    "MALAYALAM": "ml",
    "GUJARATI": "gu",
    "GURMUKHI": "pa",
    "DEVANAGARI": "hi",
    "BENGALI": "bn",
    "ETHIOPIC": "am",
    "ARABIC": "ar",
    "CYRILLIC": "ru",
    "CJK": "zh",
}
# Letters that only some languages of a script have.
_TELLING: Final = {
    "ar": (("ur", "ٹڈڑےں"), ("fa", "پچژگ")),
    "ru": (("uk", "ґєії"), ("be", "ў"), ("sr", "ђћљњџј")),
}


def language_of(texts: Iterable[str]) -> str:
    """Return the language that the script of ``texts`` tells, as a tag; ``en`` where it tells nothing.

    Latin letters tell nothing, so every language written with them comes out as ``en``; and where
    several languages share a script and no letter tells them apart, the one with most readers is named.
    """
    letters = Counter(filter(str.isalpha, islice(chain.from_iterable(texts), _MOST_CHARACTERS)))
    scripts: Counter[str] = Counter()
    for letter, count in letters.items():
        scripts[unicodedata.name(letter, "").split(" ")[0]] += count
    kana = scripts.pop("HIRAGANA", 0) + scripts.pop("KATAKANA", 0)
    total = sum(scripts.values()) + kana
    if not total:
        return DEFAULT_LANGUAGE
    if kana > 0.05 * (kana + scripts["CJK"]) and kana + scripts["CJK"] > _LEAST_SHARE * total:
        return "ja"
    script, count = max(
        ((name, number) for name, number in scripts.items() if name in _SCRIPTS),
        key=lambda pair: pair[1],
        default=("", 0),
    )
    if count <= _LEAST_SHARE * total:
        return DEFAULT_LANGUAGE
    language = _SCRIPTS[script]
    told = ((other, sum(letters[letter] for letter in signs)) for other, signs in _TELLING.get(language, ()))
    return next((other for other, seen in told if seen > 0.005 * count), language)


def language_tag(language: str) -> str:
    """Return ``language`` if it is a well-formed tag, else ``en``."""
    return language if _TAG.fullmatch(language) else DEFAULT_LANGUAGE
