"""Tells whether a text is written in something else than Markdown: HTML, LaTeX, JSON, a call of a tool, …

Code is left out first, so that a report may show all of these as examples. A single tag in
prose is no reason either: it must be what the text is mainly written in.
"""

from __future__ import annotations

import json
import re

from chalicelib.generation.markdown_text import fenced_lines, without_code
from chalicelib.generation.reasoning import has_reasoning, has_template_tokens

MARKED_LINES = 0.4
FEWEST_TAGS = 3
FEWEST_COMMANDS = 3
FEWEST_LETTERS = 0.45
# Below this many characters the share of letters says nothing.
ENOUGH_CHARACTERS = 80

_TAG = re.compile(
    r"</?(?:html|head|body|div|p|h[1-6]|ul|ol|li|table|thead|tbody|tr|td|th|section|article|header|footer|main|"
    r"span|strong|em|title|paragraph|para|content|text|report|summary|chapter|item|list|heading)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_DOCUMENT = re.compile(r"\A\s*(?:<!doctype\b|<html\b|<\?xml\b|\\documentclass\b|\{\\rtf)", re.IGNORECASE)
_LATEX = re.compile(
    r"\\(?:documentclass|usepackage|begin\{|end\{|(?:sub){0,2}section\*?\{|chapter\{|textbf\{|textit\{|emph\{|item\b|"
    r"maketitle|label\{|cite\{|ref\{)"
)
_TOOL_CALL = re.compile(
    r"^\s*(?:</?(?:tool_calls?|function_calls?|tool_use|invoke|tools)\b|<function=|<[|\uff5c]?(?:tool|python_tag)|"
    r"\[TOOL_CALLS?\]|\[tool_call|functions?\.\w+\(|```(?:tool_call|tool_code|tool)\b)",
    re.IGNORECASE | re.MULTILINE,
)
_CALL_OBJECT = re.compile(
    r"\A\s*\{\s*\"(?:name|function|tool|action)\"\s*:[\s\S]*\"(?:arguments|parameters|action_input)\""
)
_WIKI = re.compile(r"^(?:={2,5} [^=\n]+ ={2,5}|\[\[[^\]\n]+\]\]|\{\{[^}\n]+\}\}|'''[^'\n]+''')", re.MULTILINE)
_RST = re.compile(r"^\.\. [\w-]+::", re.MULTILINE)
_BBCODE = re.compile(r"\[/(?:b|i|u|h[1-6]|list|size|url|quote)\]", re.IGNORECASE)
_WHOLE_CODE = re.compile(r"\A\s*(?P<mark>`{3,}|~{3,})[^\n]*\n[\s\S]*?\n?(?:(?P=mark)[ \t]*)?\Z")


def foreign_markup(text: str) -> str | None:
    """Return the name of what the text is written in where that is not Markdown, else None."""
    if _is_json(text):
        return "JSON"
    if _is_only_code(text):
        return "code"
    prose = without_code(text)
    if _TOOL_CALL.search(prose) or _CALL_OBJECT.match(text):
        return "a call of a tool"
    if has_template_tokens(text):
        return "tokens of a chat template"
    if has_reasoning(text):
        return "a block of reasoning"
    return _document_markup(prose)


def _document_markup(prose: str) -> str | None:
    lines = [line for line in prose.splitlines() if line.strip() and not line.lstrip().startswith("|")]
    if _DOCUMENT.match(prose):
        return "a document of another format"
    if len(_TAG.findall(prose)) >= FEWEST_TAGS and _share(_TAG, lines) >= MARKED_LINES:
        return "HTML or XML"
    if len(_LATEX.findall(prose)) >= FEWEST_COMMANDS and re.search(r"\\(?:(?:sub)*section|begin|chapter)", prose):
        return "LaTeX"
    if len(_WIKI.findall(prose)) + len(_RST.findall(prose)) + len(_BBCODE.findall(prose)) >= FEWEST_TAGS:
        return "the markup of a wiki or forum"
    return "noise" if _is_noise(prose) else None


def _share(pattern: re.Pattern[str], lines: list[str]) -> float:
    return sum(bool(pattern.search(line)) for line in lines) / len(lines) if lines else 0.0


def _is_json(text: str) -> bool:
    body = text.strip()
    if body[:1] not in ("{", "["):
        return False
    try:
        return isinstance(json.loads(body), (dict, list)) and '"' in body
    except ValueError:
        # Cut off, or nearly JSON: keys in quotes from the first line on.
        return bool(re.match(r"[\[{]\s*(?:\{\s*)?\"[^\"\n]{1,80}\"\s*:", body))


def _is_only_code(text: str) -> bool:
    """Tell whether all of the text is one block of code."""
    if not _WHOLE_CODE.match(text):
        return False
    return all(fenced for line, fenced in fenced_lines(text.strip()) if line.strip())


def _is_noise(prose: str) -> bool:
    """Tell whether there are hardly any letters in what should be sentences."""
    seen = [c for line in prose.splitlines() if not line.lstrip().startswith("|") for c in line if not c.isspace()]
    if len(seen) < ENOUGH_CHARACTERS:
        return False
    return sum(c.isalpha() for c in seen) < FEWEST_LETTERS * len(seen) or seen.count("\ufffd") > len(seen) // 20
