"""What reading a file of findings gives: findings, or a list of what is wrong with the file.

A file is taken whole or not at all: half of a scanner's findings would be a wrong picture of what it saw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from chalicelib.domain.finding import NewFinding

MAX_FILE_BYTES: Final = 20_000_000
MAX_ISSUES: Final = 100
UNSTATED_CONFIDENCE: Final = 0.5
"""How sure a finding is taken to be where its file does not say it."""

CUT: Final = "…"
_FUTURE: Final = timedelta(days=1)


@dataclass(frozen=True)
class ImportIssue:
    """What is wrong at one place of a file: ``runs[0].results[3].level``, or ``line 7, severity``."""

    path: str
    message: str


class ImportProblemError(Exception):
    """A file of findings cannot be taken; ``issues`` says why, with at most 100 of them."""

    def __init__(self, issues: Sequence[ImportIssue]) -> None:
        super().__init__("; ".join(f"{issue.path}: {issue.message}" for issue in issues[:3]))
        self.issues = tuple(issues)


class WrongValueError(Exception):
    """One value of a file is not what it must be; whoever reads the file collects these."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.issue = ImportIssue(path, message)


@dataclass(frozen=True)
class FindingsFile:
    """A file that was read.

    Args:
        findings: in the file's order, no two with the same ``external_id``.
        skipped: how many entries were left out, by reason.
        notices: what whoever reads the findings should know of the file.
    """

    findings: tuple[NewFinding, ...]
    skipped: Mapping[str, int] = field(default_factory=dict)
    notices: tuple[str, ...] = ()


@dataclass
class Issues:
    """What was found wrong so far."""

    found: list[ImportIssue] = field(default_factory=list)

    def add(self, error: WrongValueError) -> None:
        """Keep one more.

        Raises:
            ImportProblemError: these are enough.
        """
        self.found.append(error.issue)
        if len(self.found) >= MAX_ISSUES:
            raise ImportProblemError(self.found)

    def check(self) -> None:
        """Go on only with a file that nothing is wrong with.

        Raises:
            ImportProblemError: something is.
        """
        if self.found:
            raise ImportProblemError(self.found)


def decoded(content: bytes) -> str:
    """Return a file's text, without a byte order mark.

    Raises:
        ImportProblemError: it is too large, empty, or not UTF-8.
    """
    if len(content) > MAX_FILE_BYTES:
        raise ImportProblemError([ImportIssue("file", f"must be at most {MAX_FILE_BYTES:,} bytes")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImportProblemError([ImportIssue("file", f"must be UTF-8; byte {error.start} is not")]) from None
    if not text.strip():
        raise ImportProblemError([ImportIssue("file", "must not be empty")])
    return text


def shortened(text: str, longest: int) -> str:
    """Return ``text``, or its beginning and an ellipsis where it is longer than ``longest`` characters."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + CUT


def moment(text: str, path: str, now: datetime) -> datetime | None:
    """Return the time that ``text`` (ISO 8601; UTC where it has no offset) says; None for the future.

    A scanner whose clock is ahead would otherwise head every list for as long.

    Raises:
        WrongValueError: it is no time, or one before 1970.
    """
    try:
        read = datetime.fromisoformat(text.strip())
        read = (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise WrongValueError(path, "must be an ISO 8601 time such as 2026-05-03T14:22:01Z") from None
    if read.year < 1970:
        raise WrongValueError(path, "must not lie before 1970")
    return read if read <= now + _FUTURE else None
