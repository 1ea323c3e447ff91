"""Writes one piece of text: asks, checks, asks again differently, continues, extends."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chalicelib.generation.asking import Asked, Asker, Conversation
from chalicelib.generation.chat import Message, with_words_added
from chalicelib.generation.errors import BudgetSpent, ModelRejected
from chalicelib.generation.guards import Flaw, clean, judge, without_overlap
from chalicelib.generation.markdown_text import is_unfinished, open_fence, to_finished, to_last_sentence, words
from chalicelib.generation.prompt import Detail, Prompts
from chalicelib.generation.reasoning import before_markup, without_reasoning
from chalicelib.generation.repetition import SHORT, USUAL, Patience, before_loop, is_stuck, loops

ASKED_AT_MOST = 3
CONTINUED_AT_MOST = 3
LONG_ENOUGH = 0.8
TOO_SHORT = 0.7
SALVAGED_SHARE = 0.5
SALVAGED_AT_LAST = 0.25
FEWEST_SALVAGED = 40
TOKENS_PER_ASKED_WORD = 2.0
SPARE_TOKENS = 80
# How much more room an answer gets that was used up by reasoning.
ROOM_FOR_REASONING = 4
# A loop cannot be told from parallel sentences in a text of fewer words.
LOOPS_FROM_WORDS = 80
# How many words of a text a continuation is shown, by the detail of its request.
SHOWN_WORDS = {Detail.FULL: None, Detail.SHORT: 300, Detail.BARE: 120}
CUT_OFF = ("length", "stopped", "content_filter")

_REASONS = {
    Flaw.EMPTY: "the model gave no usable answer",
    Flaw.REFUSED: "the model declined to write it",
    Flaw.LOOP: "the model only repeated itself",
    Flaw.ECHO: "the model only repeated its instructions",
    Flaw.SAID_BEFORE: "the model only repeated other parts of the report",
    Flaw.FOREIGN: "the model did not answer in plain Markdown",
    Flaw.UNKNOWN_TOKEN: "the model made up marks for private values",
}


@dataclass(frozen=True)
class Task:
    """A piece to write: the request at each level of detail, its length in words, the titles set around it.

    ``others`` returns the finished pieces that it must not repeat.
    """

    request: Conversation
    words: int
    titles: Sequence[str]
    others: Callable[[], Sequence[str]]


@dataclass(frozen=True)
class Piece:
    """A written piece; ``missing`` says why there is none."""

    text: str
    missing: str = ""


@dataclass(frozen=True)
class Writer:
    """Writes pieces with one model; safe to use from several threads."""

    asker: Asker
    prompts: Prompts

    def write(self, task: Task) -> Piece:
        """Return the piece, or why it could not be written after several different requests.

        Raises:
            ModelUnavailable: the endpoint cannot be used.
            BudgetSpent: the budget ended before there was anything to keep.
        """
        attempt = _Attempt()
        while attempt.number < ASKED_AT_MOST:
            try:
                asked = self._ask(task, attempt)
            except ModelRejected as error:
                attempt.reject(str(error))
                continue
            except BudgetSpent:
                if _is_salvage(attempt.best, task):
                    return Piece(attempt.best)
                raise
            text, flaw = self._read(asked, task, attempt)
            if flaw is None:
                return Piece(self._completed(text, asked, task))
            attempt.fail(flaw, asked.answer.finish_reason, bool(text))
        if _is_salvage(attempt.best, task):
            return Piece(attempt.best)
        return Piece("", attempt.rejection or _REASONS[attempt.flaw])

    def rewrite(self, task: Task, flaw: Flaw) -> str | None:
        """Ask once more for a piece that has ``flaw``; None where the answer is no better.

        Raises:
            ModelUnavailable: the endpoint cannot be used.
        """
        attempt = _Attempt(number=1, flaw=flaw)
        try:
            asked = self._ask(task, attempt)
        except (ModelRejected, BudgetSpent):
            return None
        text, found = self._read(asked, task, attempt)
        return None if found else self._completed(text, asked, task)

    def revise(self, text: str, task: Task, request: str) -> str | None:
        """Ask once for another version of a text; None where there is none that could be used.

        Args:
            text: the piece as it is.
            task: what it was written for.
            request: what is to be changed.

        Raises:
            ModelUnavailable: the endpoint cannot be used.
        """

        def conversation(detail: Detail) -> Sequence[Message]:
            return [
                *task.request(detail),
                {"role": "assistant", "content": text},
                {"role": "user", "content": request},
            ]

        try:
            asked = self.asker.ask(conversation, _tokens(max(task.words, words(text))), self._goes_in_circles)
        except (ModelRejected, BudgetSpent):
            return None
        revised, flaw = self._read(asked, task, _Attempt())
        if flaw is not None:
            return None
        return (to_finished(revised) or None) if asked.answer.finish_reason in CUT_OFF else revised

    def finish(self, text: str, task: Task) -> str | None:
        """Ask once for the end of a text that stops in the middle of something; None where that fails."""
        more = self._more(text, task, self.prompts.continuation(), max(60, task.words - words(text)))
        if more is None:
            return None
        finished = to_finished(more[0])
        return finished if words(finished) >= words(text) else None

    def extend(self, text: str, task: Task) -> str:
        """Ask once for what is missing of the length; the text as it is where that brings nothing good."""
        missing = max(60, task.words - words(text))
        more = self._more(text, task, self.prompts.extension(missing), missing)
        if more is None:
            return text
        longer, finish_reason = more
        return to_finished(longer) or text if finish_reason in CUT_OFF else longer

    def _ask(self, task: Task, attempt: _Attempt) -> Asked:
        remedy = self.prompts.remedy(attempt.flaw) if attempt.number else ""

        def conversation(detail: Detail) -> Sequence[Message]:
            messages = task.request(detail)
            return with_words_added(messages, remedy) if remedy else messages

        return self.asker.ask(conversation, _tokens(task.words * attempt.room), self._goes_in_circles)

    def _goes_in_circles(self, text: str) -> bool:
        """Tell of an unfinished answer whether the rest of it would be more of the same."""
        if is_stuck(text):
            return True
        said = without_reasoning(text)
        return words(said) >= LOOPS_FROM_WORDS and loops(said, self._patience)

    def _read(self, asked: Asked, task: Task, attempt: _Attempt) -> tuple[str, Flaw | None]:
        """Return the cleaned answer and what is wrong with it; keep in ``attempt`` what could be salvaged."""
        text = clean(asked.answer.text, titles=task.titles, prompts=_contents(asked.messages))
        flaw = self._judged(text, asked.messages, task)
        if flaw is Flaw.EMPTY and asked.answer.finish_reason == "content_filter":
            flaw = Flaw.REFUSED
        if flaw is Flaw.UNKNOWN_TOKEN:
            attempt.offer(text)  # with a visible mark it is still better than nothing
        if flaw is Flaw.FOREIGN:
            good = to_finished(before_markup(text))
            if self._judged(good, asked.messages, task) is None:
                attempt.offer(good)
        if flaw is Flaw.LOOP:
            good = _unlooped(text, self._patience)
            attempt.offer(good)
            if words(good) >= SALVAGED_SHARE * task.words:
                return good, None
        return text, flaw

    def _judged(self, text: str, messages: Sequence[Message], task: Task) -> Flaw | None:
        return judge(text, prompts=_contents(messages), others=task.others(), patience=self._patience)

    @property
    def _patience(self) -> Patience:
        return SHORT if self.prompts.compact else USUAL

    def _completed(self, text: str, asked: Asked, task: Task) -> str:
        text, finish_reason = self._continued(text, asked.answer.finish_reason, task)
        if finish_reason in CUT_OFF:
            text = to_finished(text) or text
        # A very small model, asked for more, only says the same again.
        if words(text) < TOO_SHORT * task.words and not self.prompts.compact:
            text = self.extend(text, task)
        return text

    def _continued(self, text: str, finish_reason: str, task: Task) -> tuple[str, str]:
        """Ask for the rest of an answer that met the token limit, and join it without a seam."""
        for _ in range(CONTINUED_AT_MOST):
            complete = words(text) >= LONG_ENOUGH * task.words and not open_fence(text)
            if finish_reason != "length" or complete:
                break
            text = text if open_fence(text) else to_last_sentence(text)
            more = self._more(text, task, self.prompts.continuation(), max(60, task.words - words(text)))
            if more is None:
                break
            text, finish_reason = more
        return text, finish_reason

    def _more(self, text: str, task: Task, request: str, asked_words: int) -> tuple[str, str] | None:
        """Return text and continuation joined, or None where the continuation is no good or not affordable."""

        def conversation(detail: Detail) -> Sequence[Message]:
            shown = _ending(text, SHOWN_WORDS[detail])
            return [
                *task.request(detail),
                {"role": "assistant", "content": shown},
                {"role": "user", "content": request},
            ]

        try:
            asked = self.asker.ask(conversation, _tokens(asked_words), self._goes_in_circles)
        except (ModelRejected, BudgetSpent):
            return None
        raw = asked.answer.text
        addition = clean(raw, titles=task.titles, prompts=_contents(asked.messages))
        rest = without_overlap(text, addition)
        joined = _joined(text, rest, raw)
        ends_it = open_fence(text) or is_unfinished(text)
        if not rest.strip() or (not ends_it and self._judged(rest, asked.messages, task) not in (None, Flaw.EMPTY)):
            return None
        return None if loops(joined, self._patience) else (joined, asked.answer.finish_reason)


@dataclass
class _Attempt:
    """Where the writing of one piece stands: which try, what was wrong, the best of what is not good enough."""

    number: int = 0
    flaw: Flaw = Flaw.EMPTY
    room: int = 1
    rejection: str = ""
    best: str = ""

    def fail(self, flaw: Flaw, finish_reason: str, has_text: bool) -> None:
        self.number += 1
        self.flaw = flaw
        used_up = finish_reason == "length" and not has_text
        self.room = self.room * ROOM_FOR_REASONING if used_up else self.room + 1

    def reject(self, reason: str) -> None:
        self.number += 1
        self.rejection = reason

    def offer(self, text: str) -> None:
        self.best = max(self.best, text, key=words)


def _tokens(asked_words: int) -> int:
    return math.ceil(asked_words * TOKENS_PER_ASKED_WORD) + SPARE_TOKENS


def _is_salvage(text: str, task: Task) -> bool:
    return words(text) >= max(FEWEST_SALVAGED, SALVAGED_AT_LAST * task.words)


def _contents(messages: Sequence[Message]) -> list[str]:
    return [message["content"] for message in messages if message["role"] != "assistant"]


def _unlooped(text: str, patience: Patience) -> str:
    """Return what stands before the loop, or nothing where that loops as well."""
    good = before_loop(text, patience)
    return "" if loops(good, patience) else good


def _ending(text: str, most_words: int | None) -> str:
    """Return the last words of a text with the white space between them."""
    if most_words is None:
        return text
    starts = [match.start() for match in re.finditer(r"\S+", text)]
    return text[starts[-most_words] :] if len(starts) > most_words else text


def _joined(text: str, rest: str, raw: str) -> str:
    """Join a continuation with the white space that it came with, or the one that it needs."""
    if raw[:1].isspace():
        lead = raw[: len(raw) - len(raw.lstrip())]
        return text + lead + rest.lstrip()
    if open_fence(text):
        return f"{text}\n{rest}"
    if rest[:2] in ("# ", "##", "- ", "* ", "| ", "1.") or text[-1:] in (":", "|"):
        return f"{text}\n\n{rest}"
    return f"{text} {rest}"
