"""Where a line may break in scripts that put no spaces between words.

Chinese and Japanese break between characters, except that no line starts with a closing
sign or a small kana, or ends with an opening one. Thai, Lao, Khmer and Burmese need a dictionary
to find words; without one they break between what belongs together as one sound.
"""

from __future__ import annotations

from typing import Final

import regex

_IDEOGRAPHIC: Final = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\u3000-\u303f\u30fb-\u30ff\uff01-\uff65"
_SYLLABIC: Final = r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_UNSPACED = regex.compile(f"[{_IDEOGRAPHIC}{_SYLLABIC}]")

_BREAKABLE = regex.compile(f"[{_IDEOGRAPHIC}]")
_SYLLABLE = regex.compile(f"[{_SYLLABIC}]")
_NO_LINE_START = regex.compile(
    r"[\p{lb=CL}\p{lb=CP}\p{lb=EX}\p{lb=IS}\p{lb=SY}\p{lb=NS}\p{lb=CJ}\p{lb=IN}\p{lb=PO}\p{lb=GL}\p{lb=WJ}\p{lb=BA}"
    r"\p{M}\p{Pf}\p{Pe}\u2060\u0e2f-\u0e3a\u0e45-\u0e4e\u0eaf-\u0ebd\u0ec6-\u0ece]"
)
_NO_LINE_END = regex.compile(r"[\p{lb=OP}\p{lb=PR}\p{lb=GL}\p{lb=WJ}\p{Pi}\p{Ps}\u2060\u0e40-\u0e44\u0ec0-\u0ec4]")
_STACKERS: Final = ("\u17d2", "\u1039")  # the next letter stands under the one before
_JOINED_PAIRS: Final = ("\u2014\u2014", "\u2e3a\u2e3a", "\u2025\u2025", "\u2026\u2026")


def unbreakable_parts(text: str) -> list[str]:
    """Return ``text``, a word between spaces, as the parts between which a line may break."""
    if text.isascii() or not _UNSPACED.search(text):
        return [text]
    parts: list[str] = []
    before = ""
    for cluster in regex.findall(r"\X", text):
        if parts and not _may_break(before, cluster):
            parts[-1] += cluster
        else:
            parts.append(cluster)
        before = cluster
    return parts


def _may_break(before: str, after: str) -> bool:
    if _NO_LINE_END.match(before[0]) or _NO_LINE_START.match(after[0]):
        return False
    if before + after in _JOINED_PAIRS or before.endswith(_STACKERS):
        return False
    if _BREAKABLE.match(before[0]) or _BREAKABLE.match(after[0]):
        return True
    return _SYLLABLE.match(before[0]) is not None and _SYLLABLE.match(after[0]) is not None
