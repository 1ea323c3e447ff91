"""Cleans and judges what a model answered.

Cleaning removes only what it recognises for certain: reasoning blocks, a fence around the
whole answer, the prompt or the title said again at the beginning. Everything else stays
exactly as it came. Judging never changes the text; it names what is wrong with it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.generation.markdown_text import normal, prose_lines, sentences, words

FEWEST_WORDS = 20
REFUSAL_WORDS = 120
ECHO_WORDS = 5
SHINGLE = 5
MOST_REPEATED_SHINGLES = 0.35
MOST_REPEATED_SENTENCES = 0.3
MOST_SHARED_WITH_OTHERS = 0.35
REHASH_SHARE = 0.5
# Of short sentences, only those with exactly the same content count.
REHASH_WORDS = 7
FEWEST_CONTENT = 3


@dataclass(frozen=True)
class Patience:
    """How much rehashing is too much.

    A line of prose rehashes what stands before it when at least ``sentences`` of its sentences,
    and half of them, share ``overlap`` (0 to 1) of their words of content with an earlier one. So does, unless
    ``same_labels`` are allowed, a list item with the label ("**Cost**: …") of an earlier one.
    """

    overlap: float
    sentences: int
    same_labels: bool


# Parallel sentences are good style in a capable model; in a very small one, which goes round
# in circles with slightly different words, they are the beginning of a loop.
USUAL = Patience(overlap=0.85, sentences=2, same_labels=True)
SHORT = Patience(overlap=0.7, sentences=1, same_labels=False)


class Flaw(StrEnum):
    """What is wrong with an answer."""

    EMPTY = "empty"
    REFUSED = "refused"
    LOOP = "loop"
    ECHO = "echo"
    SAID_BEFORE = "said_before"


_THINK = re.compile(r"\A\s*<(?P<tag>think|thinking|reasoning)>.*?</(?P=tag)>\s*", re.DOTALL | re.IGNORECASE)
_OPEN_THINK = re.compile(r"\A\s*<(?:think|thinking|reasoning)>", re.IGNORECASE)
# Some chat templates swallow the opening tag; only a closing tag alone on its line is meant.
_LOST_OPENING = re.compile(r"\A(?:(?!```|~~~).)*?^\s*</(?:think|thinking)>[ \t]*$\s*", re.DOTALL | re.I | re.M)
_WRAPPER = re.compile(r"\A\s*(?P<mark>`{3,})(?:markdown|md|text)?[ \t]*\n(?P<body>.*)\n(?P=mark)\s*\Z", re.DOTALL)
# "Here are the main risks:" may open a good section; only talk about the text itself goes.
_PREAMBLE = re.compile(
    r"\A\s*(?:(?:sure|certainly|of course|absolutely)[,!.][^\n]{0,160}[:!.]"
    r"|here(?:['\u2019]s| is| are) (?:the|a|an|your|my)\b[^\n:]{0,80}"
    r"\b(?:section|part|paragraphs?|draft|text|report|version)\b[^\n:]{0,80}:)[ \t]*\n+",
    re.IGNORECASE,
)
_TITLE_LINE = re.compile(
    r"\A\s*(?:(?:#{1,6}\s+|\*\*|__)?(?:section|part|title|chapter)?\s*[\d.]*\s*[:.]?\s*)(?P<title>[^\n]*)\n*",
    re.IGNORECASE,
)
_CANNOT = r"(?:cannot|can['\u2019]t|won['\u2019]t|am unable|am not able)"
_REFUSAL = re.compile(
    rf"\A\W*(?:i['\u2019]?m (?:sorry|unable|afraid)|i am (?:sorry|unable|afraid)|sorry,|i {_CANNOT}|"
    rf"i apologi[sz]e|as an ai\b|unfortunately, i {_CANNOT})",
    re.IGNORECASE,
)
_LABEL = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+(?P<label>[^:\n]{1,60}):")


def clean(answer: str, *, titles: Sequence[str], prompts: Sequence[str]) -> str:
    """Return the answer without what certainly does not belong to it.

    Args:
        answer: the model's text as it came.
        titles: titles that the report sets itself, so that the text need not repeat them.
        prompts: the messages that were sent; their lines at the beginning are an echo.
    """
    text = _without_thinking(answer)
    text = _without_wrapper(text)
    text = _without_echo(text, prompts)
    text = _PREAMBLE.sub("", text, count=1)
    return _without_titles(text, titles).strip()


def judge(text: str, *, prompts: Sequence[str], others: Iterable[str] = (), patience: Patience = USUAL) -> Flaw | None:
    """Return what is wrong with a cleaned answer, or None.

    Args:
        text: the cleaned answer.
        prompts: the messages that were sent.
        others: finished parts of the same report.
        patience: how much rehashing is a loop.
    """
    if _is_refusal(text):
        return Flaw.REFUSED
    if _echoes(text, prompts):
        return Flaw.ECHO
    if words(text) < FEWEST_WORDS:
        return Flaw.EMPTY
    if loops(text, patience):
        return Flaw.LOOP
    if shared_with(text, others) > MOST_SHARED_WITH_OTHERS:
        return Flaw.SAID_BEFORE
    return None


def loops(text: str, patience: Patience = USUAL) -> bool:
    """Tell whether the prose goes round in circles: sentences or runs of words that recur."""
    said = [normal(sentence) for sentence in sentences(text)]
    said = [sentence for sentence in said if len(sentence.split()) >= 4]
    if len(said) >= 4 and _repeated(said) > MOST_REPEATED_SENTENCES:
        return True
    if _first_rehash(text, patience) is not None:
        return True
    shingles = _shingles(normal("\n".join(prose_lines(text))))
    return len(shingles) >= 40 and _repeated(shingles) > MOST_REPEATED_SHINGLES


def before_loop(text: str, patience: Patience = USUAL) -> str:
    """Return what stands before the sentence with which the text begins to say itself again."""
    place = _first_rehash(text, patience)
    lines = text.splitlines()
    if place is None:
        return text
    number, sentence = place
    kept = [*lines[:number], lines[number][: max(0, lines[number].find(sentence))].rstrip()]
    while kept and (not kept[-1].strip() or kept[-1].rstrip().endswith(":")):
        kept.pop()  # an announcement of what has been cut
    return "\n".join(kept)


def _first_rehash(text: str, patience: Patience) -> tuple[int, str] | None:
    """Return the number of the line and the sentence in it from which on the line only rehashes."""
    said: list[set[str]] = []
    labels: set[str] = set()
    prose = set(prose_lines(text))
    for number, line in enumerate(text.splitlines()):
        if line not in prose:
            continue
        label = _LABEL.match(line)
        if label and not patience.same_labels and normal(label["label"]) in labels:
            return number, line
        if label:
            labels.add(normal(label["label"]))
        parts = [part for part in sentences(line) if len(_content(part)) >= FEWEST_CONTENT]
        again = _said_again(parts, said, patience)
        for index, part in enumerate(parts):
            count = sum(again[index:])
            if again[index] and count >= patience.sentences and count >= REHASH_SHARE * len(again[index:]):
                return number, line if index == 0 else part
        said.extend(_content(part) for part in parts)
    return None


def _said_again(parts: Sequence[str], said: Sequence[set[str]], patience: Patience) -> list[bool]:
    """Tell of each sentence of a line whether it stands before, in the line or above it."""
    before = list(said)
    again: list[bool] = []
    for part in parts:
        content = _content(part)
        if len(content) < REHASH_WORDS:
            again.append(content in before)
        else:
            again.append(any(_same_content(content, other, patience.overlap) for other in before))
        before.append(content)
    return again


def _content(sentence: str) -> set[str]:
    """Return the words that carry a sentence's meaning; numbers always do."""
    return {word for word in normal(sentence).split() if len(word) > 3 or word.isdigit()}


def _same_content(one: set[str], other: set[str], overlap: float) -> bool:
    """Tell whether two sentences differ by little; different numbers make them different."""
    if {word for word in one if word.isdigit()} != {word for word in other if word.isdigit()}:
        return False
    smaller = min(len(one), len(other))
    return smaller >= REHASH_WORDS and len(one & other) >= overlap * smaller


def shared_with(text: str, others: Iterable[str]) -> float:
    """Return which share of the text's sentences (0 to 1) stands in the other texts already."""
    mine = {normal(sentence) for sentence in sentences(text)}
    mine = {sentence for sentence in mine if len(sentence.split()) >= 6}
    if not mine:
        return 0.0
    theirs = {normal(sentence) for other in others for sentence in sentences(other)}
    return len(mine & theirs) / len(mine)


def without_overlap(before: str, after: str) -> str:
    """Return a continuation without the words that it repeats from the end of ``before``."""
    tail = before[-400:]
    for size in range(min(len(tail), len(after)), 14, -1):
        if tail.endswith(after[:size]):
            return after[size:]
    return after


def _without_thinking(text: str) -> str:
    stripped = _THINK.sub("", text, count=1)
    if _OPEN_THINK.match(stripped):
        return ""
    return stripped if stripped != text else _LOST_OPENING.sub("", text, count=1)


def _without_wrapper(text: str) -> str:
    match = _WRAPPER.match(text)
    if match is None or re.search(rf"^{match['mark']}", match["body"], re.MULTILINE):
        return text
    return match["body"]


def _without_echo(text: str, prompts: Sequence[str]) -> str:
    sent = _prompt_lines(prompts)
    lines = text.splitlines(keepends=True)
    skip = echoed = 0
    for number, line in enumerate(lines):
        said = normal(line)
        cut_off = number + 1 == len(lines) and any(other.startswith(said) for other in sent)
        if said in sent or (said and cut_off):
            skip, echoed = number + 1, max(echoed, len(said.split()))
        elif said:
            break
    return "".join(lines[skip:]) if echoed >= ECHO_WORDS else text


def _without_titles(text: str, titles: Sequence[str]) -> str:
    known = {normal(title) for title in titles if title.strip()}
    while True:
        match = _TITLE_LINE.match(text)
        if not match or not match["title"].strip() or not _same_title(match["title"], known):
            return text
        rest = text[match.end() :]
        if not rest.strip():
            return text
        text = rest


def _same_title(line: str, known: set[str]) -> bool:
    said = normal(line)
    parts = [normal(part) for part in re.split(r"[:\u2013\u2014]", line) if normal(part)]
    return said in known or (len(parts) > 1 and all(part in known for part in parts))


def _is_refusal(text: str) -> bool:
    return bool(_REFUSAL.match(text)) and words(text) <= REFUSAL_WORDS


def _echoes(text: str, prompts: Sequence[str]) -> bool:
    lines = [normal(line) for line in text.splitlines()]
    lines = [line for line in lines if line]
    sent = _prompt_lines(prompts)
    echoed = sum(len(line.split()) for line in lines if line in sent and len(line.split()) >= ECHO_WORDS)
    return bool(lines) and echoed > 0.3 * sum(len(line.split()) for line in lines)


def _prompt_lines(prompts: Sequence[str]) -> set[str]:
    return {said for prompt in prompts for line in prompt.splitlines() if (said := normal(line))}


def _shingles(text: str) -> list[str]:
    tokens = text.split()
    return [" ".join(tokens[i : i + SHINGLE]) for i in range(len(tokens) - SHINGLE + 1)]


def _repeated(items: Sequence[str]) -> float:
    """Return which share of the items is there more than once (each first time not counted)."""
    return 1 - len(Counter(items)) / len(items) if items else 0.0
