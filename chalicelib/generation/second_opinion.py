"""Asks a model whether sources support sentences, where rules cannot tell. What it says is kept, and asked for once."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

from chalicelib.generation.asking import Asker
from chalicelib.generation.chat import Message
from chalicelib.generation.errors import BudgetSpent, ModelError
from chalicelib.generation.journal import Journal
from chalicelib.generation.material import as_material
from chalicelib.generation.prompt import fill
from chalicelib.generation.source import Source

_log = logging.getLogger(__name__)

OPINIONS_KEY: Final = "opinions"
_AT_ONCE: Final = 8
_LONGEST_SOURCE: Final = 2_500
_MOST_SOURCES: Final = 4
# After so many requests without an answer none is sent any more.
_MOST_FAILURES: Final = 3
_TOKENS_EACH: Final = 20
_SPARE_TOKENS: Final = 60
_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "verdicts": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"number": {"type": "integer"}, "supported": {"type": "boolean"}},
                "required": ["number", "supported"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["verdicts"],
    "additionalProperties": False,
}

Question = tuple[str, Sequence[Source]]


class Opinions:
    """A model's opinions on the citations of one report; safe to use from several threads."""

    def __init__(self, asker: Asker, journal: Journal, checkpoints: Mapping[str, str]) -> None:
        self._asker = asker
        self._journal = journal
        self._known = _stored(checkpoints.get(OPINIONS_KEY, ""))
        self._failures = 0
        self._lock = threading.Lock()

    def on(self, questions: Sequence[Question]) -> list[bool | None]:
        """Return for each sentence and its sources whether these support it; None where the model does not say."""
        names = [_name(question) for question in questions]
        by_name = dict(zip(names, questions, strict=True))
        new = [(name, one) for name, one in by_name.items() if name not in self._known and len(one[1]) <= _MOST_SOURCES]
        for at in range(0, len(new), _AT_ONCE):
            if self._failures < _MOST_FAILURES:
                self._ask(new[at : at + _AT_ONCE])
        return [self._known.get(name) for name in names]

    def _ask(self, questions: Sequence[tuple[str, Question]]) -> None:
        asked = [one for _, one in questions]
        try:
            answer = self._asker.ask_structured(_messages(asked), _SCHEMA, _SPARE_TOKENS + _TOKENS_EACH * len(asked))
        except (ModelError, BudgetSpent) as error:
            _log.info("no second opinion on %s citations: %s", len(asked), type(error).__name__)
            self._failures += 1
            return
        said = _read(answer)
        if not said:
            self._failures += 1
            return
        with self._lock:  # so that an older state never replaces a newer one
            self._known |= {name: said[at] for at, (name, _) in enumerate(questions, start=1) if at in said}
            self._journal.keep(OPINIONS_KEY, json.dumps(self._known))


def _messages(questions: Sequence[Question]) -> list[Message]:
    shown = [
        {"sentence": as_material(sentence), "sources": [_shown(one) for one in sources]}
        for sentence, sources in questions
    ]
    return [
        {"role": "system", "content": fill("system_opinion.j2")},
        {"role": "user", "content": fill("opinion.j2", questions=shown)},
    ]


def _shown(source: Source) -> str:
    """Return a source with its title and headings, as the rules compare with these too."""
    return as_material(f"{source.title}. {source.detail}\n{source.text}", _LONGEST_SOURCE)


def _read(answer: str) -> dict[int, bool]:
    """Return the verdicts by number; where a number has two that differ, none."""
    try:
        verdicts = [(one["number"], one["supported"]) for one in json.loads(answer)["verdicts"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    said = {(number, is_so) for number, is_so in verdicts if type(number) is int and isinstance(is_so, bool)}
    return {number: is_so for number, is_so in said if (number, not is_so) not in said}


def _name(question: Question) -> str:
    sentence, sources = question
    cited = json.dumps([sentence, *(source.number for source in sources)])
    return hashlib.sha256(cited.encode()).hexdigest()[:24]


def _stored(text: str) -> dict[str, bool]:
    try:
        raw = json.loads(text) if text else {}
    except ValueError:
        return {}
    return {str(name): said for name, said in raw.items() if isinstance(said, bool)} if isinstance(raw, dict) else {}
