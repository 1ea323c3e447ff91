"""What readers of documents return: the text as blocks, in order, each with its page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

BlockKind = Literal["heading", "paragraph", "list", "table", "code"]
Problem = Literal[
    "encrypted", "damaged", "empty", "too_large", "too_many_pages", "unsafe", "timeout", "no_text", "jar_full"
]

MAX_CHARACTERS: Final = 20_000_000
"""How much text is taken from a document."""

MAX_BLOCKS: Final = 400_000

# What XML, JSON and a terminal would stumble over, and what has no width to be seen.
_DROPPED: Final = dict.fromkeys(
    (*range(9), 11, *range(14, 32), *range(127, 160), 173, 8203, 65279, 65534, 65535)
) | dict.fromkeys(range(55296, 57344), 65533)


class UnreadableError(Exception):
    """A document cannot be read; the message is for whoever uploaded it."""

    def __init__(self, problem: Problem, message: str) -> None:
        super().__init__(message)
        self.problem: Problem = problem


@dataclass(frozen=True)
class Block:
    """A piece of a document's text.

    Args:
        kind: what it is.
        text: its text; the rows of a table are lines, their cells separated by `` | ``.
        page: the page it begins on, from 1; None where the format has no pages.
        level: of a heading, from 1.
    """

    kind: BlockKind
    text: str
    page: int | None = None
    level: int = 0


@dataclass(frozen=True)
class ReadDocument:
    """A document's text, its own title (empty for none), and the number of its pages, where it has any."""

    blocks: tuple[Block, ...]
    title: str = ""
    pages: int | None = None
    notices: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as what ``json`` writes."""
        blocks = [[b.kind, b.text, b.page, b.level] for b in self.blocks]
        return {"blocks": blocks, "title": self.title, "pages": self.pages, "notices": list(self.notices)}

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> ReadDocument:
        """Return what :meth:`to_json` wrote."""
        blocks = tuple(Block(*fields) for fields in said["blocks"])
        return cls(blocks, said["title"], said["pages"], tuple(said["notices"]))


def cleaned(text: str) -> str:
    """Return a text without control characters and half characters, with ``\\n`` for every end of a line."""
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_DROPPED)


def one_line(text: str) -> str:
    """Return a text on one line, with single spaces."""
    return " ".join(cleaned(text).split())


def bounded(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """Return blocks that have any text.

    Raises:
        UnreadableError: there is none, or far too much.
    """
    kept: list[Block] = []
    characters = 0
    for block in blocks:
        if not block.text.strip():
            continue
        characters += len(block.text)
        if characters > MAX_CHARACTERS or len(kept) >= MAX_BLOCKS:
            raise UnreadableError("too_large", "The document holds more text than can be indexed (20 million letters).")
        kept.append(block)
    if not kept:
        raise UnreadableError("empty", "The document holds no text.")
    return tuple(kept)
