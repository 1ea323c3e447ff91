"""What to write: a report's order, as the pipeline and the estimate take it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EarlierReport:
    """A report of the same conversation, written before this one: its title and what it said in short.

    ``private`` are the private values in these, as pairs of type and value: what told of them may stand there no more.
    """

    title: str
    summary: str
    private: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Assignment:
    """What to write.

    ``query`` is the user's request; ``created_at`` is UTC in ISO 8601; ``report_style`` overrides
    the detected style; ``context`` is background from the caller, plain text or JSON;
    ``max_output_tokens`` is the template's limit for the whole report, ``default_words`` its length
    where the request names none (None: the style's); ``conversation`` holds earlier reports, the
    oldest first. The prompts bound what they take of context and conversation. ``has_sources`` says that it
    is written from sources, which are found for each part.
    """

    report_id: str
    title: str
    description: str
    query: str
    template_name: str
    created_at: str
    report_style: str | None = None
    context: str = ""
    max_output_tokens: int = 16384
    conversation: tuple[EarlierReport, ...] = ()
    default_words: int | None = None
    has_sources: bool = False
