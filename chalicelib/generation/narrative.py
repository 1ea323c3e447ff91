"""Writes the narrative of an investigation: sections side by side, each checked against the findings.

What the model's text cannot support is asked for once more and then left out; a section of which
too little stays, or that no model could write, is made from the findings by fixed rules. What to
do first is always made so: no text of a finding can change it.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from chalicelib.domain.bulletin import Facts, facts_of
from chalicelib.domain.deterministic_narrative import (
    NOT_WRITTEN_BY_A_MODEL,
    SECTIONS,
    claims_in,
    deterministic_narrative,
    happened_with,
    narrative_text,
    section_text,
    told_issues,
)
from chalicelib.domain.finding import Finding
from chalicelib.domain.investigation import CitationCheck, Depth, Narrative, Tier
from chalicelib.domain.wording import capitalised, counted, listed
from chalicelib.generation.asking import Asked, Asker
from chalicelib.generation.budget import Meter
from chalicelib.generation.chat import Message
from chalicelib.generation.errors import BudgetSpent, ModelError, ModelUnavailable
from chalicelib.generation.guards import Flaw, clean, judge
from chalicelib.generation.hidden_findings import hidden_facts
from chalicelib.generation.journal import Journal, Monitor
from chalicelib.generation.markdown_text import cut_to, to_finished, words
from chalicelib.generation.model_client import ModelClient
from chalicelib.generation.narrative_check import Checked, Evidence, check
from chalicelib.generation.narrative_prompt import BRIEFS, CompactPrompts, NarrativePrompts
from chalicelib.generation.prompt import COMPACT_BELOW_WORDS, Detail
from chalicelib.generation.scrambling import ScrambledModel, Texts
from chalicelib.generation.side_by_side import side_by_side
from chalicelib.generation.watch import Watch
from chalicelib.generation.writer import CUT_OFF

_log = logging.getLogger(__name__)

FEWEST_WORDS: Final = 12
"""A section of fewer words than these is made by fixed rules instead."""

ENOUGH_SUPPORTED: Final = 0.8
"""With at least this share of its sentences supported, a section is not asked for again."""

_TOKENS_A_WORD: Final = 3.0
_SPARE_TOKENS: Final = 120
_COMPACT_ISSUES: Final = 3
# A sentence here and there of a model that else makes things up is not worth having.
_FEWEST_EXPLAINED: Final = 0.5
_WRITING_FROM, _WRITING_TO = 15, 90
_KEY: Final = "narrative-"


@dataclass(frozen=True)
class NarrativeTask:
    """What to write: the investigation's question and snapshot, the tier of the model and its reader's wishes.

    Args:
        findings: the snapshot.
        looked_at: how many findings were looked at to select it.
    """

    report_id: str
    query: str
    depth: Depth
    tier: Tier
    instructions: str
    findings: Sequence[Finding]
    looked_at: int


@dataclass(frozen=True)
class _Section:
    """A section that a model wrote, as far as it holds.

    Args:
        text: what holds.
        left_out: how many sentences of the model do not.
        model: who wrote it.
    """

    text: str
    left_out: int
    model: str


def write_narrative(
    task: NarrativeTask,
    checkpoints: Mapping[str, str],
    model: ModelClient,
    monitor: Monitor,
    *,
    section_words: int,
    concurrency: int,
    meter: Meter,
    texts: Texts,
) -> Narrative:
    """Write a narrative; where no model can, the deterministic one is returned, marked as degraded.

    Args:
        task: what to write.
        checkpoints: what an earlier attempt stored of the same snapshot.
        model: who writes.
        monitor: see ``Monitor``.
        section_words: most words to ask of the model in one request; few mean a very small model.
        concurrency: most requests at the same time.
        meter: counts what is used and keeps the cost limit.
        texts: how what is private is kept from the model, and put back.

    Raises:
        PrivacyFailed: it could not be kept from the model, so nothing more was sent.
        Exception: whatever the monitor raised; never an error of the model's, or of the budget.
    """
    facts = facts_of(task.findings, task.looked_at)
    if not facts.findings:
        return deterministic_narrative(task.query, task.findings, task.looked_at)
    watch = Watch(monitor.check, monitor.remaining_seconds)
    watch.check_now()
    journal = Journal(monitor, watch, meter, texts)
    asker = Asker(ScrambledModel(model, texts), meter, watch, journal.keep_usage)
    told = _Told(facts, hidden_facts(task.findings, task.looked_at, (task.query, task.instructions), texts), texts)
    texts.secure()
    kind = _CompactWriting if section_words < COMPACT_BELOW_WORDS else _Writing
    writing = kind(task, told, asker, journal, watch, checkpoints)
    writing.write(concurrency)
    return writing.narrative()


@dataclass(frozen=True)
class _Told:
    """The facts of a snapshot, the same as the model is told them, and how texts go from one to the other."""

    facts: Facts
    hidden: Facts
    texts: Texts

    @cached_property
    def _by_id(self) -> Mapping[str, Finding]:
        return {finding.id: finding for finding in self.facts.findings}

    def finding(self, hidden: Finding) -> Finding:
        """Return the finding that the model was shown as ``hidden``."""
        return self._by_id[hidden.id]

    def evidence(self, aliases: Mapping[str, Finding], query: str = "") -> Evidence:
        """Return what a text rests on whose model knows findings by these names."""
        return Evidence({name: self.finding(hidden) for name, hidden in aliases.items()}, self.facts, query)


class _Writing:
    """One narrative on its way: which sections stand, and why others do not."""

    sections: Sequence[str] = tuple(BRIEFS)

    def __init__(
        self,
        task: NarrativeTask,
        told: _Told,
        asker: Asker,
        journal: Journal,
        watch: Watch,
        checkpoints: Mapping[str, str],
    ) -> None:
        self._task = task
        self._facts = told.facts
        self._told = told
        self._texts = told.texts
        self._asker = asker
        self._journal = journal
        self._watch = watch
        query, instructions = self._texts.hide(task.query), self._texts.hide(task.instructions)
        self._prompts = NarrativePrompts(query, instructions, task.tier, told.hidden)
        self._written = {key: kept for key in self.sections if (kept := self._stored(checkpoints.get(_KEY + key, "")))}
        self._failure: ModelError | BudgetSpent | None = None

    def write(self, concurrency: int) -> None:
        """Write the sections that are not stored yet, at most ``concurrency`` at a time."""
        waiting = [key for key in self.sections if key not in self._written]
        self._show_progress()
        side_by_side(waiting, self._write, self._take_in, concurrency=concurrency, watch=self._watch)

    def narrative(self) -> Narrative:
        """Return the narrative: what was written, and by fixed rules what was not."""
        if not self._written:
            made = deterministic_narrative(self._task.query, self._task.findings, self._task.looked_at)
            return Narrative(made.text, made.degraded, "", made.citation_check, self._notices())
        texts = {key: section_text(key, self._task.query, self._facts) for key in SECTIONS if key not in self._written}
        text = narrative_text(texts | {key: section.text for key, section in self._written.items()})
        written = self._written.values()
        supported = claims_in(text)
        return Narrative(
            text=text,
            degraded=len(self._written) < len(self.sections),
            model_name=next(section.model for section in written),
            citation_check=CitationCheck(supported + self._left_out, supported),
            notices=self._notices(),
            sections_written=len(self._written),
        )

    def section(self, key: str) -> _Section | None:
        """Ask for a section, once more if too little of it holds; None where nothing usable came.

        Raises:
            ModelError: the endpoint cannot or will not answer.
            BudgetSpent: the budget does not allow the request.
        """
        best, checked = self._attempt(key, ())
        if checked.supported < ENOUGH_SUPPORTED * checked.sentences or not _is_enough(checked):
            try:
                again, rechecked = self._attempt(key, checked.problems)
            except (ModelError, BudgetSpent):
                if not _is_enough(checked):
                    raise
            else:
                if _worth(rechecked) >= _worth(checked):
                    best, checked = again, rechecked
        if not _is_enough(checked):
            return None
        return _Section(checked.text, checked.left_out, best.answer.model)

    def _attempt(self, key: str, problems: Sequence[str]) -> tuple[Asked, Checked]:
        sent = Detail.FULL

        def conversation(detail: Detail) -> Sequence[Message]:
            nonlocal sent
            sent = detail
            return self._prompts.section(key, detail, problems)

        asked = self._asker.ask(conversation, _tokens(self._prompts.words(key)))
        evidence = self._told.evidence(self._prompts.evidence[sent].aliases, self._task.query)
        text = self._texts.show(_usable(asked, SECTIONS[key]))
        return asked, check(text, evidence, may_be_open=key == "unknown", hide=self._texts.hide)

    def _write(self, key: str) -> _Section | None:
        if isinstance(self._failure, ModelUnavailable | BudgetSpent):
            return None
        try:
            section = self.section(key)
        except (ModelError, BudgetSpent) as error:
            _log.warning("job %s: the section %s was not written: %s", self._task.report_id, key, error)
            self._failure = error
            return None
        if section:
            hidden = replace(section, text=self._texts.hide(section.text))
            self._journal.keep(_KEY + key, json.dumps(vars(hidden), ensure_ascii=False))
        return section

    def _stored(self, text: str) -> _Section | None:
        section = _stored(text)
        return replace(section, text=self._texts.show(section.text)) if section else None

    def _take_in(self, key: str, section: _Section | None) -> None:
        if section:
            self._written[key] = section
        self._show_progress()

    def _show_progress(self) -> None:
        share = len(self._written) / len(self.sections)
        have = sum(words(section.text) for section in self._written.values())
        percentage = _WRITING_FROM + int((_WRITING_TO - _WRITING_FROM) * share)
        self._journal.progress(percentage, "writing the narrative", have)

    @property
    def _left_out(self) -> int:
        return sum(section.left_out for section in self._written.values())

    def _notices(self) -> tuple[str, ...]:
        missing = [SECTIONS[key] for key in self.sections if key not in self._written]
        left_out = self._left_out
        notices = []
        if not self._written:
            notices.append(NOT_WRITTEN_BY_A_MODEL)
        elif missing:
            named = listed([f"“{heading}”" for heading in missing])
            verb = "section was" if len(missing) == 1 else "sections were"
            notices.append(f"The {named} {verb} made from the findings by fixed rules, as no model's text held.")
        if missing and self._failure:
            notices.append(f"The model could not be used: {_in_neutral_words(self._failure)}.")
        elif missing and not self._written:
            notices.append("What the model wrote was not supported by the findings.")
        if left_out:
            were, them = ("was", "it") if left_out == 1 else ("were", "them")
            sentences = capitalised(counted(left_out, "sentence"))
            notices.append(f"{sentences} of the model {were} left out, as the findings do not support {them}.")
        return tuple(notices)


class _CompactWriting(_Writing):
    """A narrative by a very small model: it explains the gravest issues one by one, and writes nothing else.

    It is never shown more than one finding at a time, so what it says rests on that finding.
    """

    sections = ("happened",)

    def section(self, key: str) -> _Section | None:
        """Return what happened, by fixed rules, with an explanation of each of the gravest issues.

        Raises:
            ModelError: the endpoint cannot or will not answer.
            BudgetSpent: the budget does not allow the request.
        """
        explained: dict[str, str] = {}
        left_out = 0
        model = ""
        asked_for = told_issues(self._told.hidden)[:_COMPACT_ISSUES]
        for place, issue in enumerate(asked_for):
            asked, checked = self._explanation(place)
            left_out += checked.left_out
            if checked.supported:
                explained[issue.gravest.id] = checked.text
                model = asked.answer.model
        if len(explained) < _FEWEST_EXPLAINED * len(asked_for):
            return None
        text = happened_with(self._task.query, self._facts, explained)
        return _Section(text, left_out, model)

    def _explanation(self, place: int) -> tuple[Asked, Checked]:
        prompts = CompactPrompts(self._told.hidden)
        asked = self._asker.ask(lambda detail: prompts.finding(place, detail), _tokens(prompts.words))
        evidence = self._told.evidence({"F1": self._told.hidden.issues[place].gravest})
        text = self._texts.show(cut_to(_usable(asked, "", fewest_words=0), prompts.words * 2))
        return asked, check(text, evidence, about="F1", hide=self._texts.hide)


def _usable(asked: Asked, heading: str, fewest_words: int = FEWEST_WORDS) -> str:
    """Return an answer without what does not belong to it; nothing where it is no text to work with."""
    sent = [message["content"] for message in asked.messages]
    text = clean(asked.answer.text, titles=(heading,), prompts=sent)
    flaw = judge(text, prompts=sent[:1])
    if flaw and flaw is not Flaw.UNKNOWN_TOKEN and not (flaw is Flaw.EMPTY and words(text) >= fewest_words):
        return ""
    return to_finished(text) if asked.answer.finish_reason in CUT_OFF else text


def _in_neutral_words(failure: ModelError | BudgetSpent) -> str:
    """Return why a model did not write, for readers who do not run it: nothing of its settings or its endpoint."""
    if isinstance(failure, BudgetSpent):
        return "the cost limit of the report was reached"
    if isinstance(failure, ModelUnavailable):
        return "it was not available"
    return "it did not give a usable answer"


def _is_enough(checked: Checked) -> bool:
    return checked.supported > 0 and words(checked.text) >= FEWEST_WORDS


def _worth(checked: Checked) -> tuple[bool, int]:
    return _is_enough(checked), checked.supported


def _tokens(asked_words: int) -> int:
    return math.ceil(asked_words * _TOKENS_A_WORD) + _SPARE_TOKENS


def _stored(text: str) -> _Section | None:
    """Return the section that a checkpoint holds; None where it holds none."""
    try:
        raw = json.loads(text)
        return _Section(str(raw["text"]), int(raw["left_out"]), str(raw["model"]))
    except (ValueError, TypeError, KeyError):
        return None
