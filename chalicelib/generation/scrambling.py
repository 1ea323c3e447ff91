"""Keeps private values from the model: tokens for them on the way out, values for the tokens on the way back.

All of a report is written with tokens. Texts of its owner are hidden before the pipeline takes them in, every
message is looked over once more before it is sent (``ScrambledModel``), what a model bent is mended as soon as it
comes, and values are put back in the finished Document alone. Where private values cannot be looked for, or their
tokens cannot be kept, nothing is sent and the report fails.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, Final, Protocol, TypeVar

from chalicelib.generation.asking import Model
from chalicelib.generation.assignment import Assignment, EarlierReport
from chalicelib.generation.chat import Answer, Message
from chalicelib.generation.errors import PrivacyFailed
from chalicelib.generation.material import readable
from chalicelib.generation.prompt import fill
from chalicelib.privacy.detect import Detection, Detector, rules
from chalicelib.privacy.pii_type import PiiType
from chalicelib.privacy.token_map import CLOSING, OPENING, TEXT, WORDS, TokenMap
from chalicelib.privacy.tokens import WITHHELD, Restored, Scrambler

__all__ = [
    "DISCARDED",
    "WITHHELD",
    "ScrambledModel",
    "Scrambling",
    "Texts",
    "Unscrambled",
    "hidden_assignment",
    "usable_checkpoints",
]

_log = logging.getLogger(__name__)

_NOT_LOOKED_FOR: Final = (
    "The text could not be searched for private data, so nothing of it was sent to a model any more"
)
DISCARDED: Final = (
    "What an earlier attempt had written was discarded and written anew, because the private values in it "
    "had been destroyed."
)
# Texts whose private values are remembered, so that learning and hiding look for them once.
_REMEMBERED: Final = 20_000
_TOKEN = re.compile(rf"{OPENING}(?P<word>{'|'.join(WORDS)})_(?P<number>\d+)(?P<variant>[A-Z]*){CLOSING}")

_Result = TypeVar("_Result")


class Texts(Protocol):
    """How the texts of one report travel; safe to use from several threads. Each raises ``PrivacyFailed``."""

    def learn(self, texts: Iterable[str]) -> None:
        """Take note of the private values of texts that will be hidden later."""

    def learn_values(self, values: Iterable[tuple[str, str]]) -> None:
        """Take note of private values that are known, as pairs of type and value."""

    def values_in(self, text: str) -> tuple[tuple[str, str], ...]:
        """Return the private values of a text that its owner sees, as pairs of type and value."""

    def hide(self, text: str) -> str:
        """Return a text of the owner's with tokens for its private values."""

    def hide_again(self, text: str) -> str:
        """Return a text that has tokens already, a model's for instance, with tokens for what else is private."""

    def mend(self, answer: str) -> str:
        """Return a model's answer with exact tokens, and ``WITHHELD`` for those that nobody knows."""

    def show(self, text: str) -> str:
        """Return a text with tokens as its owner sees it."""

    def masked(self, text: str) -> str:
        """Return a text with tokens for those who see no values: each says of what kind it is, ``(person 1)``."""

    def knows(self, text: str) -> bool:
        """Tell whether every token of a text can be shown."""

    def secure(self) -> None:
        """Keep the tokens for a later attempt, if there are new ones: what is stored afterwards may have them."""

    @property
    def counts(self) -> Mapping[str, int] | None:
        """How many private values were learned, by type; None where nobody looks for them."""


class Unscrambled:
    """The texts of a report whose owner does not want them scrambled: they travel as they are."""

    counts = None

    def learn(self, texts: Iterable[str]) -> None:
        """Nothing is to be known of them."""

    def learn_values(self, values: Iterable[tuple[str, str]]) -> None:
        """Nothing is to be known of them."""

    def values_in(self, text: str) -> tuple[tuple[str, str], ...]:
        """Return nothing: nobody looks for them."""
        return ()

    def hide(self, text: str) -> str:
        """Return the text as it is."""
        return text

    hide_again = mend = show = masked = hide

    def knows(self, text: str) -> bool:
        """Tell that nothing is unknown: what looks like a token is somebody's own text."""
        return True

    def secure(self) -> None:
        """There is nothing to keep."""


class Scrambling:
    """The texts of a report that is scrambled."""

    def __init__(self, tokens: TokenMap, detector: Detector, keep: Callable[[str], None]) -> None:
        """Prepare to scramble.

        Args:
            tokens: those of earlier attempts, or none yet.
            detector: finds the private values of the owner's texts.
            keep: stores all tokens, as JSON that holds the private values; whatever it raises ends the report.
        """
        self._tokens = tokens
        self._detector = _Remembering(detector)
        self._scrambler = Scrambler(tokens, self._detector)
        # What was scrambled already is looked over with what runs here and at once, whatever engine found the values.
        self._again = Scrambler(tokens, rules())
        self._keep = keep
        self._kept = tokens.size
        self._learned: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def learn(self, texts: Iterable[str]) -> None:
        """Give every private value of the texts its token."""
        for text in texts:
            for token in _or_fail(partial(self._tokens_in, text)):
                self._learn(token)

    def learn_values(self, values: Iterable[tuple[str, str]]) -> None:
        """Give every value its token."""
        for kind, value in values:
            self._learn(self._tokens.token(PiiType(kind), value))

    def values_in(self, text: str) -> tuple[tuple[str, str], ...]:
        """Return the private values of a text, as pairs of type and value, each once."""
        return tuple(
            dict.fromkeys(
                (PiiType[token["word"]].value, value)
                for token in _TOKEN.finditer(self.hide(text))
                if token["word"] != TEXT
                and (value := self._tokens.value(token["word"], int(token["number"]), token["variant"])) is not None
            )
        )

    def hide(self, text: str) -> str:
        """Return a text of the owner's with tokens for its private values."""
        return _or_fail(lambda: self._scrambler.scramble(text))

    def hide_again(self, text: str) -> str:
        """Return a text that has tokens already with tokens for what else is private."""
        return _or_fail(lambda: self._again.scramble(text, has_tokens=True))

    def mend(self, answer: str) -> str:
        """Return a model's answer with exact tokens, and ``WITHHELD`` for those that nobody knows."""
        return _or_fail(lambda: self._told(self._scrambler.repair(answer)))

    def show(self, text: str) -> str:
        """Return a text with values for its tokens."""
        return _or_fail(lambda: self._told(self._scrambler.restore(text)))

    def masked(self, text: str) -> str:
        """Return a text with the kind and the number of its value for each token."""
        return _TOKEN.sub(self._kind, self.mend(text))

    def knows(self, text: str) -> bool:
        """Tell whether every token of a text can be shown."""
        return self._scrambler.knows(text)

    def secure(self) -> None:
        """Keep the tokens if there are new ones."""
        with self._lock:
            size = self._tokens.size
            if size > self._kept:
                self._keep(self._tokens.to_json())
                self._kept = size

    @property
    def counts(self) -> Mapping[str, int]:
        """How many private values were learned, by type."""
        numbers = [word for word, _ in self._learned]
        return {kind.value: numbers.count(kind.name) for kind in PiiType if kind.name in numbers}

    def _learn(self, token: str) -> None:
        if parts := _TOKEN.fullmatch(token):
            self._learned.add((parts["word"], parts["number"]))

    def _kind(self, token: re.Match[str]) -> str:
        if token["word"] == TEXT:
            return self.show(token[0])
        return f"({PiiType[token['word']].value.replace('_', ' ')} {token['number']})"

    def _tokens_in(self, text: str) -> list[str]:
        return [self._tokens.token(found.type, found.text) for found in self._detector.detect(text)]

    def _told(self, restored: Restored) -> str:
        if restored.unrestored:
            _log.warning("%s tokens of a model's answer stand for nothing", len(restored.unrestored))
        return restored.text


class _Remembering:
    """A detector that looks at the same text once."""

    def __init__(self, detector: Detector) -> None:
        self._detect = lru_cache(maxsize=_REMEMBERED)(detector.detect)

    def detect(self, text: str) -> list[Detection]:
        return self._detect(text)


def _or_fail(work: Callable[[], _Result]) -> _Result:
    """Return what ``work`` returns; without its cause, as that could quote private values, raise what ends the report.

    Raises:
        PrivacyFailed: it raised something.
    """
    try:
        return work()
    except Exception as error:
        _log.error("private data could not be looked for: %s", type(error).__name__)
        raise PrivacyFailed(_NOT_LOOKED_FOR) from None


class ScrambledModel:
    """The last gate before a model: whatever is sent passes here, for the first time, again, or to the fallback."""

    def __init__(self, model: Model, texts: Texts) -> None:
        self.model = model.model
        self._model = model
        self._texts = texts

    def complete(self, messages: Sequence[Message], **how: Any) -> Answer:
        """Return the answer to ``messages`` with exact tokens; see ``ModelClient.complete``.

        Raises:
            PrivacyFailed: the messages could not be looked over; nothing was sent.
        """
        sent: list[Message] = [
            {"role": message["role"], "content": self._texts.hide_again(message["content"])} for message in messages
        ]
        answer = self._model.complete(_with_rule(sent), **how)
        return replace(answer, text=self._texts.mend(answer.text))


def _with_rule(messages: list[Message]) -> list[Message]:
    """Return the messages with a word on tokens, where there are any."""
    token = next((found[0] for message in messages if (found := _TOKEN.search(message["content"]))), None)
    if token is None:
        return messages
    rule = fill("tokens.j2", token=token)
    first, *others = messages
    if first["role"] != "system":
        return [{"role": "system", "content": rule}, *messages]
    return [{"role": "system", "content": f"{first['content']}\n\n{rule}"}, *others]


def hidden_assignment(assignment: Assignment, texts: Texts) -> Assignment:
    """Return an order with tokens for the private values in everything that its owner wrote."""
    if isinstance(texts, Unscrambled):
        return _without_private_values_of_others(assignment)
    context = readable(assignment.context)
    earlier = [text for report in assignment.conversation for text in (report.title, report.summary)]
    for report in assignment.conversation:
        texts.learn_values(report.private)
    texts.learn([assignment.query, assignment.title, assignment.description, context, *earlier])
    return replace(
        assignment,
        title=texts.hide(assignment.title),
        description=texts.hide(assignment.description),
        query=texts.hide(assignment.query),
        context=texts.hide(context),
        conversation=tuple(
            EarlierReport(texts.hide(report.title), texts.hide(report.summary)) for report in assignment.conversation
        ),
    )


def _without_private_values_of_others(assignment: Assignment) -> Assignment:
    """Return an order that is not scrambled: what was private in an earlier report, which was, stays so."""
    return replace(
        assignment,
        conversation=tuple(
            EarlierReport(_left_out(report.title, report.private), _left_out(report.summary, report.private))
            for report in assignment.conversation
        ),
    )


def _left_out(text: str, private: Sequence[tuple[str, str]]) -> str:
    for kind, value in sorted(private, key=lambda pair: -len(pair[1])):
        text = text.replace(value, f"({kind.replace('_', ' ')})")
    return text


def usable_checkpoints(checkpoints: Mapping[str, str], texts: Texts) -> Mapping[str, str] | None:
    """Return what earlier attempts stored; None where tokens in it stand for nothing any more.

    JSON among it must have them as they are, not as ``\\u`` and digits.
    """
    return checkpoints if all(map(texts.knows, checkpoints.values())) else None
