"""Finds the sentences of a text that can be quoted by themselves: whole, and prose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from chalicelib.generation.markdown_text import words

SHORTEST, LONGEST = 6, 60
"""Words that a sentence has which says something, and can still be read."""

_BREAK: Final = re.compile(
    r"(?<=[.!?\u2026])(?P<closing>[\"'\u201d\u2019\u00bb)\]]*)\s+(?=[\"'\u201c\u2018\u00ab(\[]*[^\W_a-z])"
    r"|(?<=[\u3002\uff01\uff1f])(?=[^\u201d\u2019\u300d\uff09])"
)
# A full stop after these ends no sentence, nor one after a single letter or within a list of numbers.
_ABBREVIATION: Final = re.compile(
    r"(?:^|[\s(\[\"'\u201c])(?:[A-Z]|[A-Za-z](?:\.[A-Za-z])+|Dr|Mr|Mrs|Ms|Prof|St|Sr|Jr|No|Nos|Fig|Figs|Eq|Sec|Art|Ch"
    r"|Vol|Vols|pp|ed|eds|etc|cf|vs|ca|approx|resp|incl|est|al|Inc|Ltd|Co|Corp|Bros|Gen|Sen|Rep|Jan|Feb|Mar|Apr|Aug"
    r"|Sept|Sep|Oct|Nov|Dec|bzw|Nr|Abb|Abs|vgl|z\.B|d\.h|u\.a)\.$"
)
_ENDED: Final = re.compile(r"[.!?\u2026\u3002\uff01\uff1f][\"'\u201d\u2019\u00bb)\]\u300d\uff09]*$")
_ITEM: Final = re.compile(r"^\s*(?:[-*+\u2022\u2013\u25aa]|\(?(?:\d{1,3}|[a-z]|[ivx]{1,4})[.)])\s+")
# Search engines put a page's date before what they show of it.
_DATED: Final = re.compile(
    r"^(?:[A-Z][a-z]{2,8}\.? \d{1,2}, \d{4}|\d{1,2}\.? [A-Z][a-z]{2,8}\.? \d{4}|\d{1,3} \w{3,7} ago)"
    r"\s+[\u2014\u2013\u00b7-]+\s+"
)
_ROW: Final = re.compile(r"\s\|\s|^\||\t")
_DOTS: Final = re.compile(r"\.{4,}|(?:\. ){3,}|_{3,}|={3,}|-{4,}")
_OPENING: Final = "\"'\u201c\u2018\u00ab(["
_PAIRS: Final = (("(", ")"), ("[", "]"), ("\u201c", "\u201d"))
# What leans on the sentence before it, or sends the reader elsewhere. "This License" names what it is about.
_LEANING: Final = re.compile(
    r"^(?:(?:this|these|those)(?! (?-i:[A-Z])| (?:document|manual|software|program|library|package|licen[cs]e|policy"
    r"|agreement|specification|standard|paper|guide)\b)|that|it|its|they|their|them|he|she|his|her|such|here"
    r"|both(?!.* and )|there(?! (?:is|are|was|were|may|can|must|will|has|have|exists?)\b)"
    r"|then|thus|therefore|hence|now|next|finally|first of all|secondly|thirdly|meanwhile|again|yet|still|nor|see"
    r"|diese[rnms]?|dies|jedoch|aber|daher|deshalb|dadurch|damit|dann|au\u00dferdem|allerdings"
    r"|zum beispiel|seine[rnms]?|beide"
    r"|however|but|and|or|so|also|moreover|furthermore|instead|otherwise|similarly|likewise|nevertheless|for example"
    r"|for instance|in addition|as an exception|in contrast|on the other hand|as a result|to restate"
    r"|(?:in|for|at|on) (?:this|that|these|those|either|both|any) (?:case|point|reason|way|example|step|purpose)s?"
    r"|(?:you|we|one|they) (?:can|could|may|must|should) (?:also )?do (?:so|this|that)"
    r"|(?:if|since|when|while|because|as|once|like) (?:it|they|this|these|those)|(?:on|in|for|with|at) such"
    r"|(?:one|two|three|some|another|other|an?|a simple|further) (?:examples?|reasons?|of (?:these|them|those|which))"
    r"|the (?:former|latter|same|above|following|next|other|previous|second|third|last|rest)"
    # What a function does is said without the function: "Returns the length …"
    r"|(?-i:[A-Z])[a-z]+(?<!s)s (?:the|an?|if|whether|all|any|each|every|its|given))\b"
    r"|\b(?:see|listed|described|shown|mentioned|given|discussed|defined|explained) (?:above|below)\b|\bas follows\b"
    r"|\bthe (?:above|following|previous|next) (?:example|table|figure|code|list|section|program)\b",
    re.IGNORECASE,
)
# What is put together from pieces, or was cut off.
_CUT: Final = re.compile(r"\u2026|\.\.\.")
# What turns letters around, or is not seen: the reader would be shown another sentence.
_HIDING: Final = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_CODE: Final = re.compile(
    r"(?:^|\s)(?://|/\*|\$\s|>>>|<\?)|[{}]|;$|\*\w+\s*[,)]|::\w+\(|\s(?:==|!=|&&|\|\||->|=>|:=)\s"
    r"|^\[[A-Z][a-z]+(?: [a-z]+)?\]\s?\w"
)
# A heading, a page's head, a line of authors, a formula or numbers of a chart that the sentence was read with.
_HEADED: Final = re.compile(
    r"^(?:\d{1,2}(?:\.\d{1,2}){2,4}\.?\s|\d{1,2}\.\d{1,2}\.?\s+[A-Z][a-z]{2}|\d[A-Z][a-z]{2}"
    r"|(?:Chapter|Section|Appendix|Part|Figure|Fig\.|Table|Listing|Algorithm)\s+(?:\d[\w.]*|[A-Z])[:.]?\s+[A-Z])"
    r"|[a-z]\d\s.*\s\d[A-Z][a-z]{2}|^\([^()]*\)\s+[a-z]|(?:^|\s)(?:\d[\d.,]*\s+){3}"
    r"|^\w+\s?[\u2212=+<>]"
)
# What explains a name that stands before it: "The key, which can be used for many messages."
_FRAGMENT: Final = re.compile(
    r"^(?:The|An?|Any|All) (?:[\w-]+ ){1,3}to be \w+ed\b[^,;]*\.$|^[A-Z]\w*(?: [\w-]+){1,3}, which [^,;]+\.$"
)
# An entry of a list of works.
_WORK: Final = re.compile(r"\[[A-Z][A-Za-z]*\+?\d{2}[a-z]?\]\s+[A-Z]|^\[\d{1,3}\]\s+[A-Z]")
_FEWEST_WORKS: Final = 2
_NARROW, _FULL = 40, 0.6
_MOST_SIGNS: Final = 0.35


@dataclass(frozen=True)
class Sentence:
    """A sentence as it stands in its text, white space aside.

    ``start`` is about where it stands, ``place`` counts the sentences of its text, quotable or not; ``leans`` says
    that it may not be understood without the one before.
    """

    text: str
    start: int
    place: int
    leans: bool


def quotable_sentences(text: str) -> list[Sentence]:
    """Return the sentences of ``text`` that can stand alone, in its order: no headings, rows, code or fragments."""
    found: list[Sentence] = []
    place = 0
    for start, paragraph, is_whole in _without_works(list(_paragraphs(text))):
        for number, (offset, sentence) in enumerate(split_sentences(paragraph)):
            plain = _DATED.sub("", _ITEM.sub("", sentence))
            # What goes on from a line that breaks off may mean the opposite without it.
            if (number or is_whole) and _is_quotable(plain):
                found.append(Sentence(plain, start + offset, place, bool(_LEANING.search(plain.lstrip(_OPENING)))))
            place += 1
    return found


def split_sentences(paragraph: str) -> Iterator[tuple[int, str]]:
    """Yield the sentences of a text without line ends, and where each begins."""
    start = 0
    for gap in _BREAK.finditer(paragraph):
        end = gap.end("closing") if gap["closing"] is not None else gap.start()
        if _ABBREVIATION.search(paragraph[max(start, gap.start() - 12) : gap.start()]):
            continue
        yield start, paragraph[start:end]
        start = gap.end()
    if paragraph[start:].strip():
        yield start, paragraph[start:].rstrip()


def _paragraphs(text: str) -> Iterator[tuple[int, str, bool]]:
    """Yield what belongs together, on one line, and whether it begins anew: lines that were wrapped are joined."""
    start, at, is_whole = 0, 0, True
    lines: list[str] = []
    before = ""
    widest = max(map(len, text.split("\n")), default=0)
    for line in text.split("\n"):
        joins = lines and line.strip() and len(lines[-1]) >= max(_NARROW, widest * _FULL) and not _ITEM.match(line)
        if lines and not joins:
            yield start, " ".join(" ".join(lines).split()), is_whole
            lines = []
        if line.strip():
            if not lines:
                start, is_whole = at, not before.strip() or bool(_ENDED.search(before.rstrip()) or _ITEM.match(line))
            lines.append(line)
        before = line
        at += len(line) + 1
    if lines:
        yield start, " ".join(" ".join(lines).split()), is_whole


def _without_works(paragraphs: list[tuple[int, str, bool]]) -> list[tuple[int, str, bool]]:
    """Return what stands before a list of works, if there is one."""
    works = [len(_WORK.findall(paragraph)) for _, paragraph, _ in paragraphs]
    first = next((place for place, count in enumerate(works) if count), len(works))
    return paragraphs[:first] if sum(works) >= _FEWEST_WORKS else paragraphs


def _is_quotable(sentence: str) -> bool:
    if not SHORTEST <= words(sentence) <= LONGEST or not _ENDED.search(sentence):
        return False
    if any(pattern.search(sentence) for pattern in (_CUT, _HIDING, _CODE, _HEADED, _FRAGMENT)):
        return False
    first = sentence.lstrip(_OPENING)[:1]
    if not first.isalnum() or first.islower() or _ROW.search(sentence) or _DOTS.search(sentence):
        return False
    if any(sentence.count(opening) != sentence.count(closing) for opening, closing in _PAIRS):
        return False
    signs = sum(not character.isalpha() and not character.isspace() for character in sentence)
    return signs <= _MOST_SIGNS * len(sentence)
