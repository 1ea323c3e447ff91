"""Reads Markdown files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from markdown_it import MarkdownIt

from chalicelib.knowledge.blocks import Block, ReadDocument, bounded, one_line
from chalicelib.knowledge.html_text import html_text
from chalicelib.knowledge.plain_text import decoded

_FENCE: Final = "---\n"


def read_markdown(content: bytes) -> ReadDocument:
    """Return the text of a Markdown file, without its marks; the first heading of level 1 is its title.

    Raises:
        UnreadableError: it is no text, or there is none.
    """
    tokens = MarkdownIt("commonmark", {"maxNesting": 50}).enable("table").parse(_without_front_matter(decoded(content)))
    blocks = bounded(_blocks(tokens))
    title = next((block.text for block in blocks if block.kind == "heading" and block.level == 1), "")
    return ReadDocument(blocks, title=title[:200])


def _without_front_matter(text: str) -> str:
    if text.startswith(_FENCE):
        _, fence, rest = text[len(_FENCE) :].partition(f"\n{_FENCE}")
        return rest if fence else text
    return text


def _blocks(tokens: Sequence[Any]) -> Iterator[Block]:
    heading, items, row, rows = 0, 0, list[str](), list[str]()
    is_new_item = in_table = False
    for token in tokens:
        kind = token.type
        if kind == "heading_open":
            heading = int(token.tag[1:])
        elif kind == "heading_close":
            heading = 0
        elif kind in ("list_item_open", "list_item_close"):
            items += 1 if kind.endswith("open") else -1
            is_new_item = kind.endswith("open")
        elif kind == "inline":
            text = _inline(token.children or ())
            if heading:
                yield Block("heading", one_line(text), level=heading)
            elif in_table:
                row.append(one_line(text).replace("|", "/"))
            elif items:
                yield Block("list", f"- {text}" if is_new_item else text)
                is_new_item = False
            else:
                yield Block("paragraph", text)
        elif kind == "table_open":
            in_table = True
        elif kind == "tr_close":
            rows.append(" | ".join(row))
            row = []
        elif kind == "table_close":
            yield Block("table", "\n".join(rows))
            rows, in_table = [], False
        elif kind in ("fence", "code_block"):
            yield Block("code", token.content.strip("\n"))
        elif kind == "html_block":
            yield Block("paragraph", html_text(token.content))


def _inline(children: Sequence[Any]) -> str:
    pieces = []
    for child in children:
        if child.type in ("text", "code_inline"):
            pieces.append(child.content)
        elif child.type == "softbreak":
            pieces.append(" ")
        elif child.type == "hardbreak":
            pieces.append("\n")
        elif child.type == "image":
            pieces.append(child.content)
        elif child.type == "html_inline" and child.content.lower().startswith("<br"):
            pieces.append("\n")
    return "".join(pieces)
