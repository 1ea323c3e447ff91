"""Cleans and judges what a model answered.

Cleaning removes only what it recognises for certain: reasoning blocks, tokens of a chat
template at the edges, a fence or tag around the whole answer, the prompt or the title said
again at the beginning. Everything else stays exactly as it came. Judging never changes the
text; it names what is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum

from chalicelib.generation.foreign_markup import foreign_markup
from chalicelib.generation.markdown_text import fenced_lines, heading_title, normal, open_fence, words
from chalicelib.generation.reasoning import without_reasoning, without_template_tokens
from chalicelib.generation.repetition import USUAL, Patience, loops, shared_with
from chalicelib.privacy.tokens import WITHHELD

FEWEST_WORDS = 20
REFUSAL_WORDS = 120
ECHO_WORDS = 5
MOST_SHARED_WITH_OTHERS = 0.35


class Flaw(StrEnum):
    """What is wrong with an answer."""

    EMPTY = "empty"
    REFUSED = "refused"
    LOOP = "loop"
    ECHO = "echo"
    SAID_BEFORE = "said_before"
    FOREIGN = "foreign"
    UNKNOWN_TOKEN = "unknown_token"  # noqa: S105


_WRAPPER = re.compile(r"\A\s*(?P<mark>`{3,})(?P<info>markdown|md|text)?[ \t]*\n(?P<body>.*)\n(?P=mark)\s*\Z", re.DOTALL)
_CUT_WRAPPER = re.compile(
    r"\A\s*`{3,}(?:markdown|md)[ \t]*\n(?P<body>(?:(?!^ {0,3}(?:```|~~~)).)*)\Z", re.DOTALL | re.MULTILINE
)
_INNER_FENCE = re.compile(r"^ {0,3}(?:`{3,}|~{3,})[ \t]*(?P<info>[^\n]*)$", re.MULTILINE)
_TAG_WRAPPER = re.compile(
    r"\A\s*<(?P<tag>answer|response|output|final|result|text|markdown|content|section|part|report|draft)>[ \t]*\n?"
    r"(?P<body>.*?)\s*</(?P=tag)>\s*\Z",
    re.DOTALL | re.IGNORECASE,
)
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


def clean(answer: str, *, titles: Sequence[str], prompts: Sequence[str]) -> str:
    """Return the answer without what certainly does not belong to it.

    Args:
        answer: the model's text as it came.
        titles: titles that the report sets itself, so that the text need not repeat them.
        prompts: the messages that were sent; their lines at the beginning are an echo.
    """
    text = without_template_tokens(answer)
    text = without_template_tokens(without_reasoning(text))
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
    if foreign_markup(text) is not None:
        return Flaw.FOREIGN
    if _echoes(text, prompts):
        return Flaw.ECHO
    if words(text) < FEWEST_WORDS:
        return Flaw.EMPTY
    if loops(text, patience):
        return Flaw.LOOP
    if WITHHELD in text:
        return Flaw.UNKNOWN_TOKEN
    if shared_with(text, others) > MOST_SHARED_WITH_OTHERS:
        return Flaw.SAID_BEFORE
    return None


def without_title_headings(text: str, titles: Sequence[str]) -> str:
    """Return the text without headings, wherever they stand, that only repeat one of ``titles``."""
    known = {normal(title) for title in titles if title.strip()}
    kept = []
    for line, fenced in fenced_lines(text):
        title = None if fenced else heading_title(line)
        if title is None or normal(title) not in known:
            kept.append(line)
    return text if len(kept) == len(text.splitlines()) else "\n".join(kept).strip()


def without_overlap(before: str, after: str) -> str:
    """Return a continuation without the words that it repeats from the end of ``before``."""
    tail = before[-400:]
    for size in range(min(len(tail), len(after)), 14, -1):
        if tail.endswith(after[:size]):
            return after[size:]
    return after


def _without_wrapper(text: str) -> str:
    tagged = _TAG_WRAPPER.match(text)
    if tagged and f"<{tagged['tag']}>" not in tagged["body"]:
        text = tagged["body"]
    match = _WRAPPER.match(text)
    if match and _holds_whole_blocks(match["body"], match["mark"], match["info"]):
        return match["body"]
    cut = _CUT_WRAPPER.match(text)
    return cut["body"] if cut else text


def _holds_whole_blocks(body: str, mark: str, info: str | None) -> bool:
    """Tell whether the outer fence encloses all: no fence inside, or in a Markdown one only whole blocks."""
    inner = _INNER_FENCE.search(body)
    if inner is None or not re.search(rf"^ {{0,3}}{mark}", body, re.MULTILINE):
        return True
    return info in ("markdown", "md") and bool(inner["info"].strip()) and not open_fence(body)


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
