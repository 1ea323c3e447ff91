"""What reasoning models leave around their answer: blocks of thought, channels, tokens of chat templates.

Only what stands where such models put it is removed: thought at the beginning, wrappers around
the rest, tokens at the edges. The same characters in prose or in code are somebody's subject.
"""

from __future__ import annotations

import re

from chalicelib.generation.markdown_text import fenced_lines, without_code

_NAMES = (
    r"(?:seed:|ant)?think(?:ing)?|thoughts?|reasoning|reflection|scratchpad|analysis|chain_of_thought|inner_monologue"
)
# How models open and close their thought.
_PAIRS = tuple(
    (re.compile(opening, re.IGNORECASE), re.compile(closing, re.IGNORECASE))
    for opening, closing in (
        (rf"<(?:{_NAMES})(?:\s[^<>\n]*)?>", rf"</(?:{_NAMES})\s*>"),
        (r"\[think(?:ing)?\]", r"\[/think(?:ing)?\]"),
        ("\u25c1think\u25b7", "\u25c1/think\u25b7"),
        (r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"),
        (r"<\|start_thinking\|>", r"<\|end_thinking\|>"),
        (r"<details type=\"reasoning\"[^<>]*>", r"</details>"),
        (r"<unused94>", r"<unused95>"),
        (r"<\|channel>\s*thought\b", r"<channel\|>"),
        (
            r"(?:<\|start\|>\s*assistant)?<\|channel\|>\s*(?:analysis|commentary)[^<\n]*<\|message\|>",
            r"<\|end\|>|<\|return\|>|(?=<\|start\|>\s*assistant)|(?=<\|channel\|>\s*final)",
        ),
    )
)
_ANY_OPENING = re.compile("|".join(pair[0].pattern for pair in _PAIRS), re.IGNORECASE)
_ALONE = re.compile(
    rf"\s*(?:</?(?:{_NAMES})(?:\s[^<>\n]*)?>|\[/?THINK(?:ING)?\]|\u25c1/?think\u25b7)\s*", re.IGNORECASE
)
# Some chat templates swallow the opening tag; only a closing tag alone on its line is meant.
_LOST_OPENING = re.compile(
    r"\A(?P<before>(?:(?!```|~~~).)*?)^[ \t]*(?:</(?:think|thinking)>|\[/THINK\]|\u25c1/think\u25b7)[ \t]*$\s*",
    re.DOTALL | re.IGNORECASE | re.MULTILINE,
)
_TOKEN = r"<[|\uff5c][A-Za-z][\w\u2581 ]{1,38}[|\uff5c]>|</?(?:start|end)_of_turn>"  # noqa: S105 - no secret
_LEADING = re.compile(
    r"\s*(?:<\|im_start\|>(?:assistant)?|<\|start_header_id\|>assistant<\|end_header_id\|>|<start_of_turn>(?:model)?"
    r"|(?:<\|start\|>\s*assistant)?<\|channel\|>\s*final[^<\n]*<\|message\|>|<\|start\|>\s*assistant(?:<\|message\|>)?"
    r"|<\|begin_of_solution\|>|<\|start_response\|>|<[|\uff5c]assistant[|\uff5c]>"
    r"|<[|\uff5c]begin[_\u2581 ]of[_\u2581 ](?:text|sentence)[|\uff5c]>"
    r"|\[/INST\]|<s>(?!.*</s>))[ \t]*\n*",
    re.IGNORECASE | re.DOTALL,
)
_TRAILING = re.compile(rf"\s*(?:{_TOKEN}|</s>|\[/?INST\])\s*\Z")
# The end of a turn and the beginning of one that the model made up.
_NEXT_TURN = re.compile(
    r"\s*(?:<\|(?:im_end|eot_id|end|endoftext)\|>|<end_of_turn>)\s*"
    r"(?:<\|im_start\|>|<\|start_header_id\|>|<start_of_turn>|<[|\uff5c])\s*(?:user|human|system|assistant|model)\b",
    re.IGNORECASE,
)


def without_reasoning(text: str) -> str:
    """Return the answer proper; nothing where thought was begun and never ended."""
    rest = text
    while True:
        shorter = _without_first_block(rest)
        if shorter == rest:
            break
        rest = shorter
    if rest != text:
        return rest
    lost = _LOST_OPENING.match(text)
    if lost is None or _ANY_OPENING.search(lost["before"]):
        return text
    return text[lost.end() :]


def without_template_tokens(text: str) -> str:
    """Return the text without a chat template's tokens at its edges, and without turns made up after its end."""
    while (match := _LEADING.match(text)) and match.end() < len(text):
        text = text[match.end() :]
    text = _first_turn(text)
    while match := _TRAILING.search(text):
        if match.group().strip() == "</s>" and "<s>" in text:
            break  # struck text
        text = text[: match.start()]
    return text


def has_template_tokens(text: str) -> bool:
    """Tell whether tokens of a chat template stand in the text, outside code."""
    return bool(re.search(rf"{_TOKEN}|<<SYS>>|^\s*\[/?INST\]", without_code(text), re.MULTILINE))


def has_reasoning(text: str) -> bool:
    """Tell whether a tag of a block of thought stands alone on a line, outside code."""
    return any(_ALONE.fullmatch(line) for line in without_code(text).splitlines())


def before_markup(text: str) -> str:
    """Return what stands before the first line with such a tag or token outside code."""
    kept: list[str] = []
    for line, fenced in fenced_lines(text):
        if not fenced and (_ALONE.fullmatch(line) or re.search(_TOKEN, without_code(line))):
            break
        kept.append(line)
    return "\n".join(kept).rstrip()


def _without_first_block(text: str) -> str:
    start = len(text) - len(text.lstrip())
    for opening, closing in _PAIRS:
        begun = opening.match(text, start)
        if begun is None:
            continue
        ended = closing.search(text, begun.end())
        if ended is None:
            return ""
        if _is_prose(text[begun.start() : ended.end()], text[ended.end() :]):
            return text
        return text[ended.end() :].lstrip()
    return text


def _is_prose(block: str, after: str) -> bool:
    """Tell whether a sentence only speaks of the tags: "<think> and </think> enclose …"."""
    return "\n" not in block and bool(re.match(r"[ \t]+[a-z]|[,;]", after))


def _first_turn(text: str) -> str:
    match = _NEXT_TURN.search(text)
    if match is None or match.group().strip() not in without_code(text):
        return text
    return text[: match.start()]
