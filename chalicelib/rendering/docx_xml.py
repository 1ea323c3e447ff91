"""WordprocessingML elements, made so that no text can be anything but text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Final
from urllib.parse import quote, urlsplit

from docx.oxml.ns import qn
from docx.oxml.parser import oxml_parser
from docx.oxml.xmlchemy import BaseOxmlElement as Element

from chalicelib.rendering.visible_text import visible

_BREAKS = re.compile("([\t\n])")
# Other than OxmlElement, this asks for no map of namespaces; the elements take that of the tree they go into.
_MAKE: Final = oxml_parser.makeelement
_PRESERVE: Final = qn("xml:space")
_MOST_TARGET: Final = 2000
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL"})


@cache
def _tag(name: str) -> str:
    return qn(name if ":" in name else f"w:{name}")


@cache
def _attribute(name: str) -> str:
    return qn(f"w:{name.rstrip('_')}")


def element(tag: str, *children: Element, **attributes: str) -> Element:
    """Return an element; ``tag`` and ``attributes`` are in the main namespace unless ``tag`` has a prefix.

    Python's words get an underscore behind them: ``type_``.
    """
    made: Element = _MAKE(_tag(tag))
    for name, value in attributes.items():
        made.set(_attribute(name), value)
    made.extend(children)
    return made


def with_relation(tag: str, relation_id: str, *children: Element) -> Element:
    """Return an element that names a relation of its part."""
    made = element(tag, *children)
    made.set(qn("r:id"), relation_id)
    return made


def run(text: str, properties: Iterable[Element] = ()) -> Element:
    """Return a run of ``text``; tabs and line feeds in it become tabs and line breaks."""
    made = element("r")
    listed = list(properties)
    if text and is_right_to_left(text):
        listed.append(element("rtl"))
    if listed:
        made.append(element("rPr", *listed))
    for piece in _BREAKS.split(visible(text)):
        if piece == "\t":
            made.append(element("tab"))
        elif piece == "\n":
            made.append(element("br"))
        elif piece:
            shown = element("t")
            shown.set(_PRESERVE, "preserve")
            shown.text = piece
            made.append(shown)
    return made


def field(instruction: str, shown: str, properties: Iterable[Element] = ()) -> list[Element]:
    """Return the runs of a field that shows ``shown`` until a reader's program works it out anew."""
    code = element("instrText")
    code.set(_PRESERVE, "preserve")
    code.text = f" {instruction} "
    return [
        element("r", element("fldChar", fldCharType="begin")),
        element("r", code),
        element("r", element("fldChar", fldCharType="separate")),
        run(shown, properties),
        element("r", element("fldChar", fldCharType="end")),
    ]


def paragraph(style: str, *content: Element, properties: Iterable[Element] = ()) -> Element:
    """Return a paragraph in ``style``; ``properties`` are in the schema's order."""
    return element("p", element("pPr", element("pStyle", val=style), *properties), *content)


def is_right_to_left(text: str) -> bool:
    """Tell whether ``text`` begins with a right-to-left letter, when everything without a direction is skipped."""
    if text.isascii():
        return False
    for character in text:
        direction = unicodedata.bidirectional(character)
        if direction == "L":
            return False
        if direction in _RIGHT_TO_LEFT:
            return True
    return False


def link_target(href: str) -> str | None:
    """Return ``href`` as an address that every word processor takes, or None if it cannot be one."""
    target = quote(visible(href), safe="!#$%&'()*+,/:;=?@~")
    target = re.sub("%(?![0-9A-Fa-f]{2})", "%25", target)
    try:
        parts = urlsplit(target)
        # Reading the port is what tells whether it is one.
        usable = bool(parts.path) if parts.scheme == "mailto" else bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return target if usable and len(target) <= _MOST_TARGET else None
