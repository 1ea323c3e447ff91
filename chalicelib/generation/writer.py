"""Writes one piece of text: asks, checks, asks again differently, continues, extends."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chalicelib.generation.errors import ModelRejected
from chalicelib.generation.guards import SHORT, USUAL, Flaw, Patience, before_loop, clean, judge, loops, without_overlap
from chalicelib.generation.markdown_text import open_fence, to_last_sentence, words
from chalicelib.generation.model_client import Answer, Message, ModelClient
from chalicelib.generation.prompt import Prompts
from chalicelib.generation.usage import UsageMeter

ASKED_AT_MOST = 3
CONTINUED_AT_MOST = 3
LONG_ENOUGH = 0.8
TOO_SHORT = 0.55
SALVAGED_SHARE = 0.5
SALVAGED_AT_LAST = 0.25
FEWEST_SALVAGED = 40
TOKENS_PER_ASKED_WORD = 2.0
SPARE_TOKENS = 80

_REASONS = {
    Flaw.EMPTY: "the model gave no usable answer",
    Flaw.REFUSED: "the model declined to write it",
    Flaw.LOOP: "the model only repeated itself",
    Flaw.ECHO: "the model only repeated its instructions",
    Flaw.SAID_BEFORE: "the model only repeated other parts of the report",
}


@dataclass(frozen=True)
class Task:
    """A piece to write: the request, its length in words and the titles set around it."""

    messages: Sequence[Message]
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

    model: ModelClient
    prompts: Prompts
    meter: UsageMeter
    check: Callable[[], None]

    def write(self, task: Task) -> Piece:
        """Return the piece, or why it could not be written after several different requests.

        Raises:
            ModelUnavailable: the endpoint cannot be used.
        """
        flaw, rejection, best = Flaw.EMPTY, "", ""
        for attempt in range(ASKED_AT_MOST):
            messages = _changed(task.messages, self.prompts.remedy(flaw)) if attempt else list(task.messages)
            try:
                answer = self._ask(messages, task.words * (attempt + 1))
            except ModelRejected as error:
                rejection = str(error)
                continue
            text = clean(answer.text, titles=task.titles, prompts=_contents(messages))
            found = self._judged(text, task)
            if found is Flaw.LOOP:
                text, found = _salvaged(text, task.words, self._patience)
                best = max(best, _unlooped(text, self._patience), key=words)
            if found is None:
                return Piece(self._completed(text, answer.finish_reason, messages, task))
            flaw = found
        if words(best) >= max(FEWEST_SALVAGED, SALVAGED_AT_LAST * task.words):
            return Piece(best)
        return Piece("", rejection or _REASONS[flaw])

    def _ask(self, messages: Sequence[Message], asked_words: int) -> Answer:
        limit = math.ceil(asked_words * TOKENS_PER_ASKED_WORD) + SPARE_TOKENS
        answer = self.model.complete(messages, max_tokens=limit, check=self.check)
        self.meter.add(answer.usage)
        return answer

    def _judged(self, text: str, task: Task) -> Flaw | None:
        prompts = _contents(task.messages)
        return judge(text, prompts=prompts, others=task.others(), patience=self._patience)

    @property
    def _patience(self) -> Patience:
        return SHORT if self.prompts.compact else USUAL

    def _completed(self, text: str, finish_reason: str, messages: Sequence[Message], task: Task) -> str:
        text, finish_reason = self._continued(text, finish_reason, messages, task)
        if finish_reason == "length":
            text = to_last_sentence(text)
        # A very small model, asked for more, only says the same again.
        if words(text) < TOO_SHORT * task.words and not self.prompts.compact:
            text = self._extended(text, messages, task)
        return text

    def _continued(self, text: str, finish_reason: str, messages: Sequence[Message], task: Task) -> tuple[str, str]:
        """Ask for the rest of an answer that met the token limit, and join it without a seam."""
        for _ in range(CONTINUED_AT_MOST):
            complete = words(text) >= LONG_ENOUGH * task.words and not open_fence(text)
            if finish_reason != "length" or complete:
                break
            text = text if open_fence(text) else to_last_sentence(text)
            more = self._more(text, messages, self.prompts.continuation(), task)
            if more is None:
                break
            text, finish_reason = more
        return text, finish_reason

    def _extended(self, text: str, messages: Sequence[Message], task: Task) -> str:
        """Ask once for more; keep the text as it is where that brings nothing good."""
        missing = max(60, task.words - words(text))
        more = self._more(text, messages, self.prompts.extension(missing), task)
        if more is None:
            return text
        longer, finish_reason = more
        return to_last_sentence(longer) if finish_reason == "length" else longer

    def _more(self, text: str, messages: Sequence[Message], request: str, task: Task) -> tuple[str, str] | None:
        """Return text and continuation joined, or None where the continuation is no good."""
        conversation: list[Message] = [
            *messages,
            {"role": "assistant", "content": text},
            {"role": "user", "content": request},
        ]
        try:
            answer = self._ask(conversation, max(60, task.words - words(text)))
        except ModelRejected:
            return None
        addition = clean(answer.text, titles=task.titles, prompts=[*_contents(messages), request])
        rest = without_overlap(text, addition)
        joined = _joined(text, rest, answer.text)
        if not rest.strip() or (not open_fence(text) and self._judged(rest, task) not in (None, Flaw.EMPTY)):
            return None
        return None if loops(joined, self._patience) else (joined, answer.finish_reason)


def _changed(messages: Sequence[Message], remedy: str) -> list[Message]:
    *before, last = messages
    return [*before, {"role": last["role"], "content": f"{last['content']}\n\n{remedy}"}]


def _contents(messages: Sequence[Message]) -> list[str]:
    return [message["content"] for message in messages if message["role"] != "assistant"]


def _salvaged(text: str, asked_words: int, patience: Patience) -> tuple[str, Flaw | None]:
    """Keep what a model said before it began to loop, if that is enough."""
    good = _unlooped(text, patience)
    return (good, None) if words(good) >= SALVAGED_SHARE * asked_words else (text, Flaw.LOOP)


def _unlooped(text: str, patience: Patience) -> str:
    """Return what stands before the loop, or nothing where that loops as well."""
    good = before_loop(text, patience)
    return "" if loops(good, patience) else good


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
