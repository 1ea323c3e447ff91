"""Reads HTML files. Nothing that they name is fetched, and nothing in them is run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from lxml import etree, html

from chalicelib.knowledge.blocks import Block, BlockKind, ReadDocument, UnreadableError, bounded, cleaned, one_line
from chalicelib.knowledge.plain_text import decoded

_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
_HIDDEN: Final = frozenset(
    [
        "script",
        "style",
        "template",
        "noscript",
        "svg",
        "math",
        "head",
        "nav",
        "iframe",
        "object",
        "embed",
        "select",
        "button",
        "textarea",
        "input",
    ]
)
# What ends the paragraph before it and begins another.
_PARAGRAPHS: Final = frozenset(
    [
        "p",
        "div",
        "section",
        "article",
        "main",
        "header",
        "footer",
        "aside",
        "address",
        "blockquote",
        "figure",
        "figcaption",
        "dl",
        "dt",
        "dd",
        "ul",
        "ol",
        "body",
        "html",
        "hr",
        "details",
        "summary",
        "center",
        "fieldset",
        "form",
        # Of a table that is there for the looks: any other is read as one.
        "table",
        "caption",
        "tr",
        "td",
        "th",
    ]
)

_PERMALINKS: Final = frozenset(["\u00b6", "#", "\u00a7", "\U0001f517"])

# Stands for <br>: no text has it, as it is a non-character.
_BREAK: Final = "\ufdd0"


def read_html(content: bytes) -> ReadDocument:
    """Return the visible text of an HTML file.

    Raises:
        UnreadableError: there is none, or it is no HTML.
    """
    return html_document(_tree(content))


def _tree(content: bytes) -> Any:
    # The parser knows how to find out a page's encoding; a byte order mark or UTF-8 is certain.
    encoding = None
    try:
        content.decode("utf-8")
        encoding = "utf-8"
    except UnicodeDecodeError:
        pass
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        content, encoding = decoded(content).encode(), "utf-8"
    parser = html.HTMLParser(encoding=encoding, no_network=True, huge_tree=False, remove_comments=True, remove_pis=True)
    try:
        return html.document_fromstring(content, parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        if "empty" in str(error).lower():
            raise UnreadableError("empty", "The document holds no text.") from error
        raise UnreadableError("damaged", "The file is not HTML that can be read.") from error


def html_document(tree: Any) -> ReadDocument:
    """Return the visible text of a parsed page."""
    title = one_line(tree.findtext(".//title") or "")[:200]
    return ReadDocument(bounded(_Reader().blocks(tree)), title=title)


def html_text(content: str) -> str:
    """Return the visible text of a piece of HTML, as one text."""
    if not content.strip():
        return ""
    try:
        fragment = html.fragment_fromstring(content, create_parent="div")
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return ""
    return "\n\n".join(block.text for block in _Reader().blocks(fragment))


class _Reader:
    """Collects the text of elements into blocks, without recursion: nesting may be deep."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._kind: BlockKind = "paragraph"
        self._level = 0

    def blocks(self, tree: Any) -> Iterator[Block]:
        walker = etree.iterwalk(tree, events=("start", "end"))
        for event, element in walker:
            tag = element.tag if isinstance(element.tag, str) else ""
            if event == "start":
                is_table = tag == "table" and not _is_layout(element)
                if tag == "a" and _is_permalink(element):
                    walker.skip_subtree()
                    continue
                if tag in _HIDDEN or is_table:
                    yield from self._ended()
                    walker.skip_subtree()
                    if is_table:
                        yield Block("table", _table(element))
                    continue
                yield from self._begin(tag)
                self._add(element.text)
            else:
                if tag in _HEADINGS or tag in _PARAGRAPHS or tag in ("li", "pre"):
                    yield from self._ended()
                if element is not tree:
                    self._add(element.tail)
        yield from self._ended()

    def _begin(self, tag: str) -> Iterator[Block]:
        if tag in _HEADINGS:
            yield from self._ended()
            self._kind, self._level = "heading", _HEADINGS[tag]
        elif tag == "li":
            yield from self._ended()
            self._kind = "list"
        elif tag == "pre":
            yield from self._ended()
            self._kind = "code"
        elif tag in _PARAGRAPHS:
            # A paragraph in an item of a list is the item's.
            kind = self._kind if self._kind == "list" and not "".join(self._pieces).strip() else "paragraph"
            yield from self._ended()
            self._kind = kind
        elif tag == "br":
            self._pieces.append(_BREAK)

    def _add(self, text: str | None) -> None:
        if text:
            self._pieces.append(text)

    def _ended(self) -> Iterator[Block]:
        text = cleaned("".join(self._pieces))
        kind, level = self._kind, self._level
        self._pieces, self._kind, self._level = [], "paragraph", 0
        if kind == "code":
            text = text.replace(_BREAK, "\n").strip("\n")
        else:
            # An end of a line in the source is a space; only <br> ends one.
            text = "\n".join(filter(None, (" ".join(line.split()) for line in text.split(_BREAK))))
        if kind == "heading":
            text = one_line(text)
        if text.strip():
            yield Block(kind, f"- {text}" if kind == "list" else text, level=level)


def _is_permalink(link: Any) -> bool:
    """Tell whether a link is a sign beside a heading that leads to that heading: no word of the page's."""
    return (link.get("href") or "").startswith("#") and "".join(link.itertext()).strip() in _PERMALINKS


def _is_layout(table: Any) -> bool:
    """Tell whether a table only places what is in it: headings, or other tables."""
    return any(inner is not table for inner in table.iter("table", *_HEADINGS))


def _table(table: Any) -> str:
    rows = [one_line(" ".join(_visible(caption))) for caption in table.iterchildren("caption")]
    for row in table.iter("tr"):
        cells = [one_line(" ".join(_visible(cell))) for cell in row if cell.tag in ("td", "th")]
        if any(cells):
            rows.append(" | ".join(cells))
    return "\n".join(filter(None, rows))


def _visible(element: Any) -> Iterator[str]:
    walker = etree.iterwalk(element, events=("start", "end"))
    for event, part in walker:
        if event == "start":
            if part.tag in _HIDDEN:
                walker.skip_subtree()
            elif part.text:
                yield part.text
        elif part is not element and part.tail:
            yield part.tail
