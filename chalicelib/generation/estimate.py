"""What a report will take, before it is written: words, requests, tokens and their price.

It plans with an outline such as the model is asked for (or the style's own, where it is not asked),
and adds up the sizes of the requests without making them: it must run where no template engine is
installed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from chalicelib.domain.price import Price, price_of
from chalicelib.generation.assignment import Assignment
from chalicelib.generation.length import TOKENS_PER_WORD, target_length
from chalicelib.generation.outline import COMPACT_BELOW_WORDS, Outline, Part, lay_out, plan_outline
from chalicelib.generation.outline_proposal import Wanted, is_asked_for
from chalicelib.generation.outline_styles import Draft, Point, is_closing, is_opening
from chalicelib.generation.prompt import Detail, material
from chalicelib.generation.style import Detected, detect_style
from chalicelib.generation.topic import find_topic
from chalicelib.generation.usage import estimated_tokens

# Measured with the request for outlines: a title and three headings as JSON.
OUTLINE_TOKENS_A_SECTION = 25
# The writer sets aside this much for an answer.
MOST_TOKENS_PER_WORD, SPARE_TOKENS = 2.0, 80
# About what the sources of a part take in its prompt.
SOURCE_TOKENS = 2_000
COMPACT_SOURCE_TOKENS = 260
# Titles and headings of proposed outlines are about this long.
USUAL_TITLE = "The title of a section"
USUAL_POINT = Point("What a heading says in brief", "What a heading says in brief.")
# The summary is written from so many lengths of one request.
DIGEST_SHARE = 3.0
# The dearer figure is for a report of which every request is made so often.
ASKED_AT_MOST = 2
# The budget sets aside twice the usual tokens for a prompt, and some around each message.
MOST_PROMPT_SHARE, TOKENS_AROUND_A_PROMPT = 2, 32


@dataclass(frozen=True)
class Estimate:
    """What a report will take.

    ``words`` is its length, ``sections`` counts the executive summary too, and ``calls`` are the
    requests to the model. Costs are None where the model has no price. ``max_cost_usd`` is what it
    costs if every request has to be made twice, with the longest answer each time: a report with
    this limit ends early only when a model gives much more trouble than that. ``detected`` is the
    style that it will have, with the reasons.
    """

    words: int
    sections: int
    calls: int
    tokens_in: int
    tokens_out: int
    cost_usd: float | None
    max_cost_usd: float | None
    detected: Detected


@dataclass(frozen=True)
class _Request:
    """The tokens of one request: of its prompt, of the answer expected, and of the longest one allowed."""

    prompt: int
    answer: int
    longest_answer: int


def estimate(
    assignment: Assignment, model: str, prices: Mapping[str, Price], section_words: int, concurrency: int
) -> Estimate:
    """Return what a report will take when nothing has to be asked for twice.

    Tokens are those of English text in a usual tokenizer (four bytes each); another language or
    model may take half as many more.

    Args:
        assignment: what to write.
        model: who will write it.
        prices: US dollars by model.
        section_words: most words to ask of the model in one request.
        concurrency: how many requests are made at the same time; it decides how sections are cut.
    """
    detected = detect_style(assignment.query, assignment.report_style)
    style = detected.style
    limit = assignment.max_output_tokens
    words = target_length(assignment.query, style, limit, template_default=assignment.default_words).words
    wanted = Wanted(
        assignment, find_topic(assignment.query, assignment.title), style, words, section_words, concurrency
    )
    outline = _likely_outline(wanted)
    requests = [*_planning(wanted), *_writing(wanted, outline), *_summary(wanted, outline)]
    tokens_in, tokens_out = sum(r.prompt for r in requests), sum(r.answer for r in requests)
    price = price_of(model, prices)
    return Estimate(
        words=words,
        sections=len(outline.sections) + bool(outline.summary_words),
        calls=len(requests),
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        cost_usd=price.cost(tokens_in, tokens_out) if price else None,
        max_cost_usd=_most(requests, price) if price else None,
        detected=detected,
    )


def _most(requests: list[_Request], price: Price) -> float:
    prompts = sum(request.prompt * MOST_PROMPT_SHARE + TOKENS_AROUND_A_PROMPT for request in requests)
    answers = sum(request.longest_answer for request in requests)
    return price.cost(prompts, answers) * ASKED_AT_MOST


def _likely_outline(wanted: Wanted) -> Outline:
    """Return an outline with as many sections and headings as the model is asked for, of usual lengths."""
    topic, words, section_words, concurrency = wanted.topic, wanted.words, wanted.section_words, wanted.concurrency
    if not is_asked_for(wanted):
        return plan_outline(topic, wanted.style, words, section_words, concurrency)
    own_frames = sum(is_opening(name) or is_closing(name) for name in topic.named)
    others = max(0, wanted.sections - len(topic.named))
    frames = min(others, 2 - min(2, own_frames))
    points = (USUAL_POINT,) * wanted.headings[1]
    drafts = [
        *(Draft(name, 0, points, frame=is_opening(name) or is_closing(name)) for name in topic.named),
        *(Draft(USUAL_TITLE, 0, points, frame=number < frames) for number in range(others)),
    ]
    return lay_out(topic.phrase, drafts, words, section_words, concurrency)


def _planning(wanted: Wanted) -> list[_Request]:
    if not is_asked_for(wanted):
        return []
    fixed = _fixed("system_outline") + _fixed("outline") + _fixed("macros")
    answer = wanted.sections * OUTLINE_TOKENS_A_SECTION
    return [_Request(fixed + _material_tokens(wanted.assignment), answer, wanted.max_tokens)]


def _writing(wanted: Wanted, outline: Outline) -> list[_Request]:
    parts = [part for section in outline.sections for part in section.parts]
    if wanted.section_words < COMPACT_BELOW_WORDS:
        shared = _fixed("system_compact") + _fixed("part_compact") + _context_tokens(wanted.assignment)
        shared += COMPACT_SOURCE_TOKENS if wanted.assignment.has_sources else 0
        return [_answered(shared + _tokens(part.brief), part.words) for part in parts]
    shared = _fixed("system") + _fixed("part") + _fixed("macros") + _material_tokens(wanted.assignment)
    shared += _outline_tokens(outline) + _tokens(outline.topic)
    shared += SOURCE_TOKENS + _fixed("citing") if wanted.assignment.has_sources else 0
    prompts = []
    for number, part in enumerate(parts):
        neighbours = (*parts[max(0, number - 1) : number], *parts[number + 1 : number + 2])
        prompts.append(_answered(shared + sum(map(_described, (part, *neighbours))), part.words))
    return prompts


def _summary(wanted: Wanted, outline: Outline) -> list[_Request]:
    if not outline.summary_words:
        return []
    told = min(wanted.words, wanted.section_words * DIGEST_SHARE)
    if wanted.section_words < COMPACT_BELOW_WORDS:
        shared = _fixed("system_compact") + _fixed("summary_compact") + _context_tokens(wanted.assignment)
    else:
        given = material(wanted.assignment.title, wanted.assignment.query, "", (), Detail.FULL)
        shared = _fixed("system") + _fixed("summary") + _fixed("macros") + sum(map(_tokens, given.values()))
    return [_answered(shared + round(told * TOKENS_PER_WORD), outline.summary_words)]


def _answered(prompt: int, words: int) -> _Request:
    longest = round(words * MOST_TOKENS_PER_WORD) + SPARE_TOKENS
    return _Request(prompt, round(words * TOKENS_PER_WORD), longest)


def _described(part: Part) -> int:
    return _tokens(part.title) + _tokens(part.brief)


def _outline_tokens(outline: Outline) -> int:
    """Return the tokens of the outline as every request shows it."""
    lines = list(outline.titles)
    lines += [part.title for section in outline.sections if len(section.parts) > 1 for part in section.parts]
    return sum(_tokens(f"{line}     ") for line in lines)


def _material_tokens(order: Assignment) -> int:
    given = material(order.title, order.query, order.context, order.conversation, Detail.FULL)
    return sum(map(_tokens, given.values()))


def _context_tokens(order: Assignment) -> int:
    return _tokens(material("", "", order.context, (), Detail.FULL, compact=True)["context"])


def _tokens(text: str) -> int:
    return estimated_tokens(text)


@cache
def _fixed(template: str) -> int:
    """Return the tokens of what a prompt template says itself; of alternatives, all are counted but for styles."""
    source = (Path(__file__).parent / "prompts" / f"{template}.j2").read_text(encoding="utf-8")
    source = re.sub(r"\{% macro way_of.*?\{% endmacro %\}", "", source, flags=re.DOTALL)
    return _tokens(" ".join(re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", source, flags=re.DOTALL).split()))
