"""The outline of each style: sections, and for each the points that it makes.

A point's brief is a question, because a question is what every model, small or large,
answers to the point. ``{topic}`` in it is filled by the planner. ``rank`` says what to keep
first when the report is too short for all (lower is kept longer).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from chalicelib.generation.style import COMPARISON, SUMMARY, USE_CASE
from chalicelib.generation.topic import Topic
from chalicelib.knowledge.words import words_of

_TO_COVER: Final = " It is to cover: "


@dataclass(frozen=True)
class Point:
    """One thing a section explains: its heading and the question it answers."""

    title: str
    brief: str


@dataclass(frozen=True)
class Draft:
    """A possible section.

    ``frame`` opens or closes the report; ``base`` explains the ground before the body;
    ``named`` was asked for by the user.
    """

    title: str
    rank: int
    points: tuple[Point, ...]
    frame: bool = False
    base: bool = False
    named: bool = False


def drafts_for(style: str, topic: Topic) -> Sequence[Draft]:
    """Return every section that ``style`` knows, in reading order."""
    if style == COMPARISON:
        return _comparison(topic)
    return {USE_CASE: _USE_CASE, SUMMARY: _SUMMARY}.get(style, _TECHNICAL)


def named_draft(name: str, note: str = "") -> Draft:
    """Return a section that the user asked for by name, and what they said about it.

    "Introduction" or "Recommendations" are what they are in the styles, under the user's spelling.
    """
    known = _known(name)
    if known and not note:
        return replace(known, title=name, rank=0, named=True)
    said = f"{_TO_COVER}{note}." if note else ""
    return Draft(
        name,
        0,
        (
            Point("What it means", f"What does {name} mean in {{topic}}, and why does it matter?{said}"),
            Point("Putting it into practice", f"Which concrete steps lead to good {name} in {{topic}}?"),
            Point("Common difficulties", f"What usually goes wrong with {name} in {{topic}}, and what helps?"),
            Point("Who is involved", f"Who decides and who does the work in {name} for {{topic}}?"),
            Point("An example", f"What is a telling example of {name} in {{topic}}?"),
            Point("Measuring it", f"By what can one tell whether {name} in {{topic}} is good enough?"),
        ),
        frame=is_opening(name) or is_closing(name),
        named=True,
    )


def own_words(brief: str) -> str:
    """Return what a brief asks that others do not: without the words that the briefs of every outline ask with.

    What the user said about the section stays as it is.
    """
    question, _, note = brief.partition(_TO_COVER)
    told = [word for word in question.split() if not _asked_of_all().issuperset(words_of(word))]
    return " ".join(filter(None, (*told, note)))


@cache
def _asked_of_all() -> frozenset[str]:
    nothing = Topic("", ())
    drafts = [*_TECHNICAL, *_USE_CASE, *_SUMMARY, *_comparison(nothing), named_draft("")]
    briefs = (point.brief.replace("{topic}", "") for draft in drafts for point in draft.points)
    return frozenset(word for brief in briefs for word in words_of(brief))


def is_opening(title: str) -> bool:
    """Tell whether a section of this title opens a report."""
    return bool(_OPENING.match(title))


def is_closing(title: str) -> bool:
    """Tell whether a section of this title closes a report."""
    return bool(_CLOSING.match(title))


def _known(name: str) -> Draft | None:
    drafts = (*_TECHNICAL, *_USE_CASE, *_SUMMARY)
    return next((draft for draft in drafts if draft.title.lower() == name.lower()), None)


_OPENING = re.compile(
    r"(?:introduction|introducci[oó]n|introduzione|einleitung|einf[uü]hrung|background)\b", re.IGNORECASE
)
_CLOSING = re.compile(
    r"(?:conclusions?|concluding\b.*|conclusi[oó]n(?:es)?|conclusione|closing\b.*|fazit|schluss|outlook|ausblick)\b",
    re.IGNORECASE,
)

# fmt: off
_TECHNICAL = (
    Draft("Introduction", 1, (
        Point("Why the subject matters", "Which problem does {topic} solve, and why is it needed now?"),
        Point("Key terms", "Which terms must one know to understand {topic}, and what does each mean?"),
        Point("Whom it concerns", "Which people and departments does {topic} concern, and how?"),
    ), frame=True),
    Draft("Principles", 2, (
        Point("Core ideas", "What are the core principles of {topic}, and what is the reason for each?"),
        Point("How it differs from older approaches",
              "How was this done before {topic}, and what has changed since?"),
        Point("Common misunderstandings", "What do people often get wrong about {topic}, and what is true?"),
        Point("An example", "What is a simple example of {topic} at work?"),
    ), base=True),
    Draft("Structure and components", 3, (
        Point("Main components", "What are the main components of {topic}, and what does each one do?"),
        Point("How the components work together",
              "How do the components of {topic} work together, step by step?"),
        Point("Dependencies and interfaces", "Which existing systems does {topic} depend on, and how?"),
        Point("Tools and technologies", "Which kinds of tools and technologies are used for {topic}?"),
    )),
    Draft("Requirements and design choices", 7, (
        Point("Requirements", "Which requirements must {topic} meet?"),
        Point("Options and trade-offs", "Which options are there in designing {topic}, each with what drawback?"),
        Point("Standards and good practice", "Which standards and proven practices guide {topic}?"),
        Point("Law and regulation", "How do laws and regulations affect {topic}?"),
    )),
    Draft("Implementation", 4, (
        Point("Preparation", "How should an organisation prepare for {topic}?"),
        Point("Rollout in phases", "In which phases should {topic} be rolled out, beginning with a pilot?"),
        Point("Testing and migration", "How should {topic} be tested before the old system is switched off?"),
        Point("Mistakes to avoid", "Which mistakes are common when introducing {topic}?"),
    )),
    Draft("Operation", 8, (
        Point("Monitoring and maintenance", "What must be monitored and maintained every day in {topic}?"),
        Point("People and responsibilities", "Which people and skills does {topic} need, and who decides?"),
        Point("Handling incidents", "How should a team respond when an incident happens in {topic}?"),
        Point("Documentation and review", "How should {topic} be documented, and when reviewed?"),
    )),
    Draft("Risks and controls", 6, (
        Point("Main risks", "What can go wrong with {topic}, and what damage would it do?"),
        Point("Measures that reduce the risks", "Which measures reduce the risks of {topic}?"),
        Point("Limits of the approach", "What can {topic} not do, and what else is needed?"),
        Point("Warning signs", "Which early signs show that {topic} is failing?"),
    )),
    Draft("Costs and benefits", 9, (
        Point("Costs", "What does {topic} cost in money, time and training?"),
        Point("Benefits", "What does an organisation gain from {topic}?"),
        Point("Measuring success", "Which figures show whether {topic} succeeds?"),
        Point("Small and large organisations",
              "How do the costs and benefits of {topic} differ for small and large organisations?"),
    )),
    Draft("Recommendations", 5, (
        Point("First steps", "What should be done in the first three months of {topic}?"),
        Point("The following year", "What should follow in the first full year of {topic}?"),
        Point("Who should act", "What should managers do about {topic}, and what should engineers do?"),
        Point("Open questions", "Which questions about {topic} are still open, and what should one watch?"),
    )),
    Draft("Conclusion", 3, (
        Point("Conclusion", "What should a decision maker remember about {topic}?"),
    ), frame=True),
)

_USE_CASE = (
    Draft("Introduction", 1, (
        Point("The situation", "Who needs {topic}, and why is a change wanted now?"),
        Point("The goal", "What should be different once {topic} has succeeded?"),
    ), frame=True),
    Draft("Needs and starting point", 5, (
        Point("Who needs what", "Which people does {topic} concern, and what does each of them need?"),
        Point("What is already there", "Which existing systems, skills and limits matter for {topic}?"),
    ), base=True),
    Draft("A typical scenario", 2, (
        Point("Before", "What does an ordinary working day look like before {topic}? Give an example."),
        Point("The solution at work", "What does the same working day look like after {topic}, step by step?"),
        Point("What has improved", "What does {topic} improve, and how can that be measured?"),
    )),
    Draft("Further scenarios", 8, (
        Point("A small organisation", "How would a small organisation with little money go about {topic}?"),
        Point("A large organisation", "How would a large organisation with many sites go about {topic}?"),
        Point("When it does not fit", "When is {topic} the wrong choice, and what is better then?"),
    )),
    Draft("Solution design", 4, (
        Point("Building blocks", "What are the building blocks for {topic}, and what does each one do?"),
        Point("How it fits in", "How does {topic} connect to the systems that are already there?"),
    )),
    Draft("Implementation steps", 3, (
        Point("Preparation", "What must be decided, bought and learned before {topic} begins?"),
        Point("Step by step", "What are the steps of {topic} in their order, and who does each of them?"),
        Point("Going live", "What happens in the first days after {topic} goes live?"),
    )),
    Draft("Difficulties and how to meet them", 6, (
        Point("Technical difficulties", "Which technical obstacles does {topic} meet, and what helps?"),
        Point("People and organisation", "Which resistance among people does {topic} meet, and what helps?"),
    )),
    Draft("Results and measurement", 9, (
        Point("Expected results", "Which results of {topic} can be expected after a month and after a year?"),
        Point("Measuring", "Which figures should be collected about {topic}, and when is a change needed?"),
    )),
    Draft("Recommendations", 7, (
        Point("What to do first", "Which decisions about {topic} should come first?"),
        Point("What to do next", "What should follow in the first year of {topic}?"),
    )),
    Draft("Conclusion", 4, (
        Point("Conclusion", "When does the effort of {topic} pay off?"),
    ), frame=True),
)

_SUMMARY = (
    Draft("Background", 2, (
        Point("Background", "What is meant by {topic}, where does it come from, and why does it matter?"),
    ), frame=True),
    Draft("Key points", 1, (
        Point("Key facts", "What are the most important facts about {topic}?"),
        Point("How it works", "How does {topic} work, in terms that a manager understands?"),
    )),
    Draft("Benefits and drawbacks", 4, (
        Point("Benefits", "What are the main benefits of {topic}, and who has them?"),
        Point("Drawbacks", "What are the main drawbacks, risks and costs of {topic}?"),
    )),
    Draft("Practical consequences", 5, (
        Point("Practical consequences", "What does {topic} mean for an organisation's daily work and budget?"),
    )),
    Draft("What to do", 3, (
        Point("What to do", "Which actions concerning {topic} are most useful now, and whose are they?"),
    )),
    Draft("Outlook", 6, (
        Point("Outlook", "How is {topic} likely to develop over the next years?"),
    ), frame=True),
)


def _comparison(topic: Topic) -> Sequence[Draft]:
    """Return a section for each compared thing, and one for each aspect that is weighed."""
    things = topic.compared or ("The first option", "The second option")
    both = " and ".join((", ".join(things[:-1]), things[-1])) if len(things) > 1 else things[0]
    if not topic.compared:
        both = "the options in {topic}"
    return (
        Draft("Introduction", 3, (
            Point("What is compared", f"What are {both}, and why would one compare them?"),
            Point("Criteria", f"Which criteria matter in choosing between {both}?"),
        ), frame=True),
        *(Draft(thing, 2, (
            Point("How it works", f"What is {thing}, and how does it work?"),
            Point("Strengths", f"What is {thing} good at? Give examples."),
            Point("Weaknesses", f"What is {thing} bad at? Give examples."),
        )) for thing in topic.compared),
        Draft("Function and quality", 4, (
            Point("What they have in common", f"What do {both} have in common?"),
            Point("Where they differ", f"What are the main differences in function between {both}?"),
        )),
        Draft("Cost and effort", 5, (
            Point("Costs", f"How do the costs of {both} differ, at the start and later?"),
            Point("Skills and time", f"Which skills and how much time do {both} demand?"),
        )),
        Draft("Performance and scale", 7, (
            Point("Performance", f"How do {both} differ in speed and capacity?"),
            Point("Growth", f"What happens to {both} when demand grows?"),
        )),
        Draft("Risks and safety", 8, (
            Point("Risks", f"Which risks come with {both}?"),
            Point("Dependence", f"How hard is it to leave {both} again?"),
        )),
        Draft("Which to choose", 1, (
            Point("Typical situations", f"In which situations does each of {both} fit best?"),
            Point("Recommendation", f"How should one decide between {both}?"),
        )),
        Draft("Conclusion", 6, (
            Point("Conclusion", f"What is the outcome of comparing {both}?"),
        ), frame=True),
    )
# fmt: on
