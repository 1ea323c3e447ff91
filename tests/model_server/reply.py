"""What the scripted model says to a request. A token is one word with the white space after it."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import Any

from tests.model_server.script import Fault
from tests.model_server.structured import asked_schema, distorted, structured_answer
from tests.model_server.text import answer

REFUSAL = "I'm sorry, but I can't help with that request."
LOOP = "It is important to note that security is important for the organization. "
THINKING = "The user wants a section. Let me think about what to say first."
DEFAULT_WORDS = 200
FLOOD_WORDS = 1_600_000
# Tokens in one event of a flood: thousands of events would cost seconds.
FLOOD_PIECE = 16


@dataclass(frozen=True)
class Reply:
    """The tokens of an answer and why it ended."""

    tokens: tuple[str, ...]
    finish_reason: str
    prompt_tokens: int


def reply(body: dict[str, Any], fault: Fault | None, words: int | None, seed: int) -> Reply:
    """Return the answer to a chat completion request, as ``fault`` distorts it."""
    messages = [m for m in body.get("messages", []) if isinstance(m, dict)]
    tokens = _tokens(_said(body, messages, fault, words, seed))
    finish = "stop"
    if fault and fault.kind == "flood":
        pieces = ["".join(tokens[start : start + FLOOD_PIECE]) for start in range(0, len(tokens), FLOOD_PIECE)]
        return Reply(tuple(pieces) * (FLOOD_WORDS // max(1, len(tokens))), finish, _prompt_tokens(messages))
    if fault and fault.kind in ("short", "length"):
        finish = "length" if fault.kind == "length" else "stop"
        tokens = tokens[: fault.after_words]
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    if isinstance(limit, int) and len(tokens) > limit:
        tokens, finish = tokens[:limit], "length"
    return Reply(tokens, finish, _prompt_tokens(messages))


def _prompt_tokens(messages: list[dict[str, Any]]) -> int:
    return sum(len(str(m.get("content")).split()) for m in messages)


def _said(
    body: dict[str, Any], messages: list[dict[str, Any]], fault: Fault | None, words: int | None, seed: int
) -> str:
    schema = asked_schema(body)
    if schema is None:
        return _distorted(_text(messages, words, seed), messages, fault)
    prompt = "\n\n".join(str(m.get("content")) for m in messages)
    text = distorted(structured_answer(schema, prompt, seed), fault.kind if fault else "")
    return _distorted(text, messages, fault)


def _text(messages: list[dict[str, Any]], words: int | None, seed: int) -> str:
    """Return the answer, or its rest where the messages already hold its beginning."""
    asked = next((str(m.get("content")) for m in messages if m.get("role") == "user"), "")
    last = str(messages[-1].get("content")) if messages else ""
    said = "".join(str(m.get("content")) for m in messages if m.get("role") == "assistant")
    wanted = words or _asked_words(last) or _asked_words(asked) or DEFAULT_WORDS
    whole = answer(seed + zlib.crc32(asked.encode()), wanted + len(said.split()))
    return whole[len(said) :] if said and whole.startswith(said) else whole


def _asked_words(text: str) -> int | None:
    found = re.findall(r"(\d+) words", text)
    return int(found[-1]) if found else None


def _distorted(text: str, messages: list[dict[str, Any]], fault: Fault | None) -> str:
    prompt = str(messages[-1].get("content")) if messages else ""
    title = re.search(r"[“\"]([^”\"]+)[”\"]", prompt)
    distortions = {
        "empty": "",
        "refusal": REFUSAL,
        "loop": LOOP * 60,
        "think": f"<think>\n{THINKING}\n</think>\n\n{text}",
        "unclosed_think": f"<think>\n{THINKING}\n{THINKING}",
        "echo": f"{prompt}\n\n{text}",
        "fence": f"```markdown\n{text}\n```",
        "heading": f"## {title.group(1) if title else 'Section'}\n\n{text}",
        "text": fault.text if fault else "",
        "cite": f"{with_citations(text, messages)}\n\n{fault.text if fault else ''}".rstrip(),
        "marks": f"{with_marks(text, messages)}\n\n{fault.text if fault else ''}".rstrip(),
    }
    return distortions.get(fault.kind, text) if fault else text


_MARK = re.compile("\u27e6([A-Z]+)_([0-9]+)([A-Z]*)\u27e7")
_BENT = (
    "{exact}",
    "**[{word}_{digits}{letters}]**",
    "\u27e6{title} {digits}{letters}\u27e7's own file",
    "`{exact}`",
    "{word}\\_{digits}{letters}",
)
_STOP = re.compile(r"\.(?=\s|\Z)")


def with_marks(text: str, messages: list[dict[str, Any]]) -> str:
    """Return ``text`` with each mark of the request in a sentence of it, bent as models do it, and all in a table."""
    sent = "\n".join(str(m.get("content")) for m in messages if m.get("role") == "user")
    marks = list(dict.fromkeys(_MARK.findall(sent)))
    bent = iter([_bent(number, mark) for number, mark in enumerate(marks)])
    told = _STOP.sub(lambda stop: f" for {mark}." if (mark := next(bent, "")) else stop[0], text)
    rows = [f"| \u27e6{word}_{digits}{letters}\u27e7 |" for word, digits, letters in marks]
    return "\n".join([told, "", "| Who or what |", "|---|", *rows]) if rows else told


_SOURCE = re.compile(r'<source number="(\d+)"[^>]*>\n(.*?)\n</source>', re.DOTALL)
_FORMS = (
    "{said} [{number}].",
    "{said}. [{number}]",
    "{said} (Source {number}).",
    "{said}\u3010{number}\u3011.",
    "{said}^{number}^.",
)


def with_citations(text: str, messages: list[dict[str, Any]]) -> str:
    """Return ``text`` and the first sentences of each source of the request, cited as models do it."""
    sent = "\n".join(str(m.get("content")) for m in messages if m.get("role") == "user")
    said = [
        (number, sentence.rstrip("."))
        for number, source in _SOURCE.findall(sent)
        for sentence in re.split(r"(?<=\.)\s+", source)[:2]
    ]
    cited = [_FORMS[n % len(_FORMS)].format(said=one, number=number) for n, (number, one) in enumerate(said)]
    return f"{text}\n\n{' '.join(cited)}"


def _bent(number: int, mark: tuple[str, str, str]) -> str:
    word, digits, letters = mark
    exact = f"\u27e6{word}_{digits}{letters}\u27e7"
    named = {"exact": exact, "word": word, "title": word.title(), "digits": digits, "letters": letters}
    return _BENT[number % len(_BENT)].format(**named)


def _tokens(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\S+\s*|\s+", text))
