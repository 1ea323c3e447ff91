"""Puts private values back into a finished Document: in its texts, after these were parsed, so that none is markup."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import quote, unquote

from chalicelib.domain.document import Document, Link, Node
from chalicelib.generation.scrambling import Texts
from chalicelib.privacy.token_map import CLOSING, OPENING
from chalicelib.privacy.tokens import WITHHELD

# Fields that name a node for others and show nothing; titles leave no trace of tokens in them.
_NOT_TEXT: Final = {("Section", "id"), ("Figure", "id")}
_PARTS: Final = ("sections", "footnotes", "references", "closing")
_TOKEN_IN_ADDRESS: Final = re.compile(rf"(?:{OPENING}|%E2%9F%A6).{{1,40}}?(?:{CLOSING}|%E2%9F%A7)", re.IGNORECASE)
# What a value may bring into an address as it is; the rest is written with percent signs.
_SAFE: Final = "@:/+,;=-._~"


class Restoring:
    """Restores the parts of one document, and counts the visible marks that stay."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self.withheld = 0

    def restored(self, document: Document) -> Document:
        """Return a document with values for the tokens in its text, its notes and what it cites."""
        return document.model_copy(update={name: self._value(getattr(document, name)) for name in _PARTS})

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, tuple):
            return tuple(map(self._value, value))
        return self._node(value) if isinstance(value, Node) else value

    def _node(self, node: Node) -> Node:
        kind = type(node).__name__
        changed: dict[str, Any] = {}
        for name in type(node).model_fields:
            if name == "kind" or (kind, name) in _NOT_TEXT:
                continue
            value = getattr(node, name)
            new = self._address(value) if isinstance(node, Link) and name == "href" else self._value(value)
            if new is not value:
                changed[name] = new
        return node.model_copy(update=changed) if changed else node

    def _text(self, text: str) -> str:
        self.withheld += text.count(WITHHELD) + (not self._texts.knows(text))
        return self._texts.show(text)

    def _address(self, href: str) -> str:
        return _TOKEN_IN_ADDRESS.sub(lambda found: quote(self._texts.show(unquote(found[0])), safe=_SAFE), href)
