"""How everything that is logged looks: one JSON object a line, with the request it belongs to and nothing private.

What may be told is decided here, once, and not where something is logged: keys, cookies and query strings are
cut out of every line; of an error there is its type and where it happened, because its message may quote what
somebody wrote; and of the words of libraries that read documents there is nothing at all.
"""

from __future__ import annotations

import copy
import json
import logging
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Final, TextIO

from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from botocore.exceptions import ClientError

# Loggers whose words are known to quote nothing that a caller wrote; with them, those below them.
_PLAIN_SPOKEN: Final = ("chalicelib", "embedded", "app", "reports", "botocore", "boto3", "urllib3")
WITHHELD: Final = "(withheld: this library may quote a document)"

_SECRETS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    # A header's value may have any number of parts: all of them, to the end of the line or of the quotation.
    (re.compile(r"(cookie|authorization)([\"']?\s*:[\s\[(]*[\"']?)[^\r\n\"']+", re.IGNORECASE), r"\1\2…"),
    (re.compile(r"(authorization|cookie)(\s*=\s*[\"']?)[^\s\"',;&]+", re.IGNORECASE), r"\1\2…"),
    (re.compile(r"(x-api-key)([\"']?\s*[:=][\s\[(]*[\"']?)[^\s\"',;&]+", re.IGNORECASE), r"\1\2…"),
    # Our own keys, those of model endpoints (sk-…), and sessions of Kratos.
    (re.compile(r"\b(sk|pck_live|pck_test|whsec|ory_st)([_-])[\w+/=-]{8,}"), r"\1\2…"),
    (re.compile(r"(ory_kratos_session=)[^;,\s\"']+"), r"\1…"),
    (re.compile(r"\b(bearer|basic) +[\w.~+/=-]{8,}", re.IGNORECASE), r"\1 …"),
    (re.compile(r"\?[^\s\"'<>?]*=[^\s\"'<>]*"), "?…"),
)


def redacted(text: str) -> str:
    """Return a text without the keys, cookies and query strings in it."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


class _Formatter(LambdaPowertoolsFormatter):
    def __init__(self) -> None:
        super().__init__(utc=True, use_rfc3339=True, serialize_stacktrace=False, service="reports")

    def format(self, record: logging.LogRecord) -> str:
        told = copy.copy(record)
        if not _is_plain_spoken(record.name):
            told.msg, told.args = WITHHELD, ()
        # A text that happens to be JSON stays a text.
        told.msg, told.args = "%s", (told.getMessage(),)
        told.__dict__["logger"] = record.name
        return super().format(told)

    def formatException(  # noqa: N802 - the base class's name
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        return "\n".join(_told_errors(ei[1])) if ei[1] is not None else ""

    def serialize(self, log: Any) -> str:
        log.pop("exception_notes", None)
        return super().serialize(_redacted_values(log))


def _is_plain_spoken(name: str) -> bool:
    return any(name == known or name.startswith(f"{known}.") for known in _PLAIN_SPOKEN)


def _redacted_values(value: Any) -> Any:
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, Mapping):
        return {name: _redacted_values(inner) for name, inner in value.items()}
    if value is None or isinstance(value, bool | int | float):
        return value
    return redacted(str(value))


def _told_errors(error: BaseException) -> Iterator[str]:
    """Yield what is told of an error and of those that led to it, the first one first."""
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None:
        yield from _told_errors(earlier)
    frames = "".join(traceback.format_list(traceback.extract_tb(error.__traceback__)))
    yield f"{frames}{type(error).__module__}.{type(error).__qualname__}{_why(error)}"


def _why(error: BaseException) -> str:
    """Return what of an error's message is safe to tell: names that its makers chose."""
    if isinstance(error, ClientError):
        return f": {error.operation_name} {error.response.get('Error', {}).get('Code', '')}"
    if isinstance(error, OSError) and error.errno is not None:
        return f": {error.strerror}"
    return ""


class _StandardOutput(logging.StreamHandler[TextIO]):
    """Writes to what is the standard output when something is logged."""

    def __init__(self) -> None:
        super().__init__(sys.stdout)

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stdout
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the base class's name
        """Say where a line came from that cannot be written. The base class would print what was to stand in it."""
        where = {"level": "ERROR", "logger": record.name, "location": f"{record.funcName}:{record.lineno}"}
        self.stream.write(json.dumps(where | {"message": "a line of the log could not be written"}) + "\n")


_FORMATTER: Final = _Formatter()


def set_up() -> None:
    """Log from now on as described above: warnings of everybody, and more of our own code. Once is enough."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        # What Lambda's runtime, or an earlier call, put there.
        if type(handler).__name__ in ("LambdaLoggerHandler", _StandardOutput.__name__):
            root.removeHandler(handler)
    handler = _StandardOutput()
    handler.setFormatter(_FORMATTER)
    root.addHandler(handler)
    for name in ("chalicelib", "embedded"):
        logging.getLogger(name).setLevel(logging.INFO)


def begin(**keys: str) -> None:
    """Put these keys, and no earlier ones, into every line that this thread logs from now on.

    Args:
        keys: what is being done: ids and names of ours, and nothing that a caller wrote.
    """
    _FORMATTER.thread_safe_clear_keys()
    append(**keys)


def append(**keys: str) -> None:
    """Put more keys into every line that this thread logs from now on; empty ones are left out."""
    _FORMATTER.thread_safe_append_keys(**{name: value for name, value in keys.items() if value})
