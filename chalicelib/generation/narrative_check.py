"""Checks a narrative sentence by sentence against the findings that it was written from.

A sentence stays if every finding that it cites exists, and everything particular in it (a host,
a file, an address, a number, a quoted title, a severity, a name) stands in the findings that it
cites or, without a citation, among the facts computed from all of them. Names are compared
character by character: a letter of another alphabet is another letter. What a model says cannot
be proved true in this way; what it adds can be found.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from chalicelib.domain.bulletin import Facts
from chalicelib.domain.finding import SEVERITIES, Finding
from chalicelib.domain.safe_text import as_markdown, plain_line
from chalicelib.domain.wording import date, percent
from chalicelib.generation.narrative_names import name_by_place, names_by_form, stands_in, without_identifiers
from chalicelib.generation.narrative_numbers import wrong_number
from chalicelib.generation.narrative_tone import (
    loaded_word,
    playing_down_or_advice,
    severities_said,
    wrong_negation,
    wrong_severity,
)
from chalicelib.generation.narrative_words import PLAIN
from chalicelib.generation.number_words import NUMBER_WORDS
from chalicelib.privacy.tokens import WITHHELD

# What a problem quotes of its sentence.
_SAID = re.compile(r"['\"“](.+)['\"”]|the number (.+) does", re.DOTALL)

LONGEST_SENTENCE: Final = 700
_LONGEST_TEXT: Final = 20_000
_MOST_PROBLEMS: Final = 6


_FINDING = r"(?:F\d{1,4}|fnd_[0-9a-z]{1,60})"
_CITED = re.compile(rf"\s*[\[(]\s*({_FINDING}(?:\s*(?:,|;|&|and)\s*{_FINDING})*)\s*[\])]")
_AFTER_STOP = re.compile(rf"([.!?])((?:{_CITED.pattern})+)(?=\s|$)")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"”\u2019)\]*]*\s+(?=[\"“\u2018(\[*]*[^\W_a-z])")
_HEADING = re.compile(r"\s*(?:#{1,6}\s.*|(\*\*|__)[^*_]{1,80}\1:?)\s*")
_BULLET = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+")
_EMPHASIS = re.compile(r"(\*{1,3}|_{2,3})(?=\S)(.{1,300}?)(?<=\S)\1")
_MARKUP = re.compile(r"<[a-z/!]|\]\(|!\[|```|\]:|&#?\w+;", re.IGNORECASE)
_LINK = re.compile(r"[a-z][a-z0-9+.-]+://|\bwww\.|\b(?:javascript|data|mailto):", re.IGNORECASE)
_QUOTED = re.compile(r"“([^“”]{2,})”|\"([^\"]{2,})\"|`([^`]+)`")
_WORD = re.compile(r"[^\W\d_]+(?:[\u2019'][^\W\d_]+)*")
_OPEN = re.compile(
    r"\bnot (?:yet )?(?:known|clear|certain|established|recorded|shown|stated|confirmed|verified|determined|mentioned|"
    r"named|specified|covered|explained)\b|\bun(?:known|clear|certain|confirmed|verified)\b|\bwhether\b|\bdoubt|"
    r"\b(?:do|does|did)(?: not|n[\u2019']t) (?:show|say|name|tell|mention|state|explain|establish|specify|cover|record|"
    r"identify|reveal|indicate|include|contain|confirm)\b|\bno finding\b|\bnone of the findings\b|"
    r"\bcannot be (?:told|said|known|determined|established|confirmed)\b|\bremains? (?:open|unresolved)\b",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"\b(?:no findings?|none of the findings)\s+(?:is |are |was |were )?(?:concerns?|names?|mentions?|affects?|"
    r"involves?|covers?|about|relates?|reported|shows?|made)\b",
    re.IGNORECASE,
)

_UNKNOWN_WORDS_OF_OPEN: Final = 3
_FEWEST_KNOWN: Final = {True: 0.34, False: 0.5}
"""Least share of a sentence's own words that the evidence has, for sentences that cite and those that do not."""

_FEWEST_KNOWN_OF_ONE: Final = 0.6
"""The same where the model was shown one finding alone."""


@dataclass(frozen=True)
class Evidence:
    """What a narrative may say: the findings under their short names, and what is certain of all of them."""

    aliases: Mapping[str, Finding]
    facts: Facts
    query: str = ""
    _texts: dict[str, str] = field(default_factory=dict, repr=False)

    def finding(self, name: str) -> Finding | None:
        """Return the finding that a citation names, by its short name or its id; None if it names none."""
        return self.aliases.get(name) or self._by_id.get(name)

    def text_of(self, findings: Sequence[Finding]) -> str:
        """Return all that ``findings`` say, folded for comparing."""
        return "\n".join(self._text(finding) for finding in findings)

    @cached_property
    def common(self) -> str:
        """What is certain without a citation: titles, nodes, dates."""
        parts = [f"{e.name}\n{e.node_id}\n{e.type}" for e in self.facts.endpoints]
        stamps = sorted(finding.discovered_at for finding in self.facts.findings)
        parts.extend(f"{date(stamp)} {stamp[:10]}" for stamp in (stamps[:1] + stamps[-1:]))
        parts.extend(issue.gravest.title[:_LONGEST_TEXT] for issue in self.facts.issues)
        parts.extend([*SEVERITIES, self.facts.reason])
        return fold("\n".join(parts))

    @cached_property
    def _by_id(self) -> Mapping[str, Finding]:
        return {finding.id: finding for finding in self.facts.findings}

    def _text(self, finding: Finding) -> str:
        if finding.id not in self._texts:
            parts = [finding.title, finding.summary[:_LONGEST_TEXT], finding.severity, percent(finding.confidence)]
            parts.extend([f"{finding.confidence:g}", date(finding.discovered_at), finding.discovered_at[:19]])
            parts.extend(f"{node.name}\n{node.node_id}\n{node.type}" for node in finding.nodes)
            parts.extend(f"{name}\n{value}" for name, value in finding.tags.items())
            parts.extend(f"{step.observation}\n{step.evidence_ref or ''}" for step in finding.reasoning_chain)
            self._texts[finding.id] = fold("\n".join(part[:_LONGEST_TEXT] for part in parts))
        return self._texts[finding.id]


@dataclass(frozen=True)
class Checked:
    """A text that was checked.

    Args:
        text: Markdown of the sentences that hold, with citations ``[fnd_…]``; nothing else in it is markup.
        sentences: how many there were.
        supported: how many of these hold.
        problems: what is wrong with the others, in words for the model, the first few.
    """

    text: str
    sentences: int
    supported: int
    problems: tuple[str, ...]

    @property
    def left_out(self) -> int:
        """How many sentences do not hold."""
        return self.sentences - self.supported


@dataclass(frozen=True)
class _Sentence:
    text: str
    cited: tuple[str, ...]

    @cached_property
    def words(self) -> list[str]:
        return [word.casefold() for word in _WORD.findall(self.text)]


def check(
    text: str,
    evidence: Evidence,
    *,
    may_be_open: bool = False,
    about: str = "",
    hide: Callable[[str], str] = str,
) -> Checked:
    """Return what of ``text`` the evidence supports.

    Args:
        text: a section of a narrative, as a model wrote it.
        evidence: what it was written from.
        may_be_open: whether sentences may say, without a citation, that something is not known.
        about: the finding that sentences without a citation rest on, where the model was shown no other.
        hide: puts tokens for the private values of a sentence into what the model is told of it.
    """
    blocks: list[str] = []
    sentences = 0
    problems: list[str] = []
    for bullet, block in _blocks(text):
        kept: list[str] = []
        for sentence in _sentences(block, about):
            sentences += 1
            problem = _problem(sentence, evidence, may_be_open=may_be_open, shown_one=bool(about))
            if problem:
                problems.append(_told(hide(sentence.text), problem))
            else:
                kept.append(_shown(sentence, evidence))
        if kept:
            blocks.append(("- " if bullet else "") + " ".join(kept))
    return Checked(_joined(blocks), sentences, sentences - len(problems), tuple(problems[:_MOST_PROBLEMS]))


def _told(sentence: str, problem: str) -> str:
    """Return a problem in words for the model, which quotes nothing that is hidden in the sentence."""
    said = _SAID.search(problem)
    if said and (said[1] or said[2]).replace("\\\\", "\\") not in sentence:
        problem = "something that it names does not stand there"
    return f"“{plain_line(sentence, 120)}”: {problem}"


def fold(text: str) -> str:
    """Return text for comparing: composed, without case; letters of other alphabets stay what they are."""
    return unicodedata.normalize("NFC", text).replace("\u2019", "'").casefold()


def _problem(sentence: _Sentence, evidence: Evidence, *, may_be_open: bool, shown_one: bool) -> str:
    """Return what is wrong with a sentence, or nothing."""
    missing = [name for name in sentence.cited if evidence.finding(name) is None]
    if missing:
        return f"there is no finding {missing[0]}"
    findings = [finding for name in sentence.cited if (finding := evidence.finding(name))]
    is_open = may_be_open and not findings and bool(_OPEN.search(sentence.text))
    pool = evidence.text_of(findings) if findings else evidence.common
    if is_open:
        pool = f"{pool}\n{fold(evidence.query)}"
    bare = _QUOTED.sub(" “” ", sentence.text)
    return (
        _withheld(sentence.text, pool)
        or _form(sentence.text)
        or wrong_severity(sentence.text, findings, evidence.facts)
        or _particulars(sentence.text, bare, pool)
        or _denial(bare, evidence)
        or _number(bare, pool, findings, evidence.facts, only_said=shown_one)
        or loaded_word(bare, pool)
        or wrong_negation(_OPEN.sub(" ", bare) if may_be_open else bare, pool)
        or _bearing(sentence, pool, _fewest_known(findings, shown_one=shown_one), cited=bool(findings), is_open=is_open)
    )


def _withheld(text: str, pool: str) -> str:
    return "it has a mark that stands for nothing" if WITHHELD in text and WITHHELD not in pool else ""


def _form(text: str) -> str:
    if len(text) > LONGEST_SENTENCE:
        return "it is too long"
    if _MARKUP.search(text) or _LINK.search(text):
        return "it has markup or a link"
    return playing_down_or_advice(text)


def _denial(bare: str, evidence: Evidence) -> str:
    """Return a problem where a sentence says that no finding concerns what some do concern."""
    if _DENIED.search(bare):
        for name in names_by_form(bare):
            if stands_in(fold(name), evidence.common):
                return f"there are findings on {name!r}"
    return ""


def _particulars(text: str, bare: str, pool: str) -> str:
    for quotation in _QUOTED.finditer(text):
        said = next(filter(None, quotation.groups()))
        if fold(said).strip(" .,…") not in pool:
            return f"{said!r} does not stand there"
    for name in names_by_form(bare):
        if not stands_in(fold(name), pool):
            return f"{name!r} does not stand there"
    strange = name_by_place(bare, pool)
    return f"{strange!r} does not stand there" if strange else ""


def _number(bare: str, pool: str, findings: Sequence[Finding], facts: Facts, *, only_said: bool) -> str:
    wrong = wrong_number(without_identifiers(bare), pool, findings, facts, only_said=only_said)
    return f"the number {wrong} does not stand there" if wrong else ""


def _fewest_known(findings: Sequence[Finding], *, shown_one: bool) -> float:
    return _FEWEST_KNOWN_OF_ONE if shown_one else _FEWEST_KNOWN[bool(findings)]


def _bearing(sentence: _Sentence, pool: str, fewest_known: float, *, cited: bool, is_open: bool) -> str:
    """Return a problem where a sentence has too little to do with what it rests on."""
    own = {word for word in sentence.words if len(word) > 3 and word not in PLAIN and word not in NUMBER_WORDS}
    known = sum(re.search(rf"(?<!\w){re.escape(word[: max(4, len(word) - 3)])}", pool) is not None for word in own)
    if is_open:
        far_off = len(own) - known > _UNKNOWN_WORDS_OF_OPEN and known < fewest_known * len(own)
        return "it cites no finding" if far_off else ""
    if not cited and not _states_facts(sentence, pool):
        return "it cites no finding"
    if own and known < fewest_known * len(own):
        return "it says what the finding does not say" if cited else "it cites no finding"
    return ""


def _states_facts(sentence: _Sentence, pool: str) -> bool:
    """Tell whether a sentence without citation has something to hold on to: a number, a severity, a name of ours."""
    counts = any(word in NUMBER_WORDS or word in ("one", "all") for word in sentence.words)
    named = any(stands_in(fold(name), pool) for name in names_by_form(sentence.text))
    return counts or named or bool(re.search(r"\d", sentence.text)) or bool(severities_said(sentence.text))


def _blocks(text: str) -> Iterator[tuple[bool, str]]:
    """Yield paragraphs and list items as single lines, and whether each is an item; headings are left out."""
    lines: list[str] = []
    bullet = False
    for raw in [*text[:_LONGEST_TEXT].splitlines(), ""]:
        line = " ".join(raw.split())
        mark = _BULLET.match(line)
        heading = _HEADING.fullmatch(line)
        if (mark or heading or not line.strip()) and lines:
            yield bullet, " ".join(lines)
            lines, bullet = [], False
        if mark and not heading:
            lines, bullet = [line[mark.end() :].strip()], True
        elif line.strip() and not heading:
            lines.append(line.strip())


def _sentences(block: str, about: str) -> Iterator[_Sentence]:
    plain = _EMPHASIS.sub(r"\2", _EMPHASIS.sub(r"\2", block))
    moved = _AFTER_STOP.sub(lambda found: found[2] + found[1], plain)
    for part in _SENTENCE_END.split(moved):
        cited = [name for found in _CITED.finditer(part) for name in re.findall(_FINDING, found[1])]
        bare = " ".join(_CITED.sub("", part).split())
        if re.search(r"\w", bare):
            yield _Sentence(bare, tuple(dict.fromkeys(cited or filter(None, [about]))))


def _shown(sentence: _Sentence, evidence: Evidence) -> str:
    """Return a sentence as Markdown without markup, its citations as ids before its last stop."""
    stop = sentence.text[-1] if sentence.text[-1] in ".!?:" else "."
    body = as_markdown(sentence.text.rstrip(".!?: "))
    ids = dict.fromkeys(finding.id for name in sentence.cited if (finding := evidence.finding(name)))
    cited = "".join(f"[{one}]" for one in ids)
    return f"{body}{' ' if cited else ''}{cited}{stop}"


def _joined(blocks: Sequence[str]) -> str:
    """Return blocks with an empty line between them, except between items of one list."""
    text = ""
    for before, block in zip(["", *blocks], blocks, strict=False):
        same_list = before.startswith("- ") and block.startswith("- ")
        text += ("\n" if same_list else "\n\n") + block
    return text.strip()
