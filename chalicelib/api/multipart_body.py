"""Reading a request of ``multipart/form-data``, within bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from chalicelib.api.problems import Detail, ProblemError, invalid

MAX_BODY_BYTES: Final = 4 * 1024 * 1024
"""What one request may bring: base64-coded, it must fit what a function is called with."""

_MAX_PARTS: Final = 40
_MAX_FIELD_BYTES: Final = 64 * 1024
_MAX_HEADER_BYTES: Final = 4 * 1024


@dataclass(frozen=True)
class SentFile:
    """A file in a request: the field that it was sent as, its name, and what it holds."""

    sent_as: str
    filename: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Form:
    """What a request brings: its files, and the texts of its other fields, the last one of each name."""

    files: tuple[SentFile, ...]
    fields: Mapping[str, str]


def read_form(raw: str | bytes, content_type: str) -> Form:
    """Return the files and fields of a request.

    Args:
        raw: its body.
        content_type: its ``Content-Type``.

    Raises:
        ProblemError: 413 for more than 4 MB; 400 for what is no form, or too many parts.
    """
    # Loaded with the first upload: no other request's cold start pays for it.
    from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

    body = raw.encode() if isinstance(raw, str) else bytes(raw)
    if len(body) > MAX_BODY_BYTES:
        detail = Detail("body", f"must be at most {MAX_BODY_BYTES} bytes; larger files are uploaded by a link")
        raise ProblemError(413, "Request body too large", [detail])
    kind, options = parse_options_header(content_type)
    if kind != "multipart/form-data" or not options.get("boundary"):
        raise invalid("Content-Type", "must be multipart/form-data with a boundary")
    files: list[SentFile] = []
    fields: dict[str, str] = {}
    current: MultipartSegment | None = None
    pieces: list[bytes] = []
    try:
        with PushMultipartParser(
            options["boundary"],
            content_length=len(body),
            max_header_size=_MAX_HEADER_BYTES,
            max_segment_count=_MAX_PARTS,
            strict=True,
        ) as parser:
            for event in parser.parse(body):
                if isinstance(event, MultipartSegment):
                    current, pieces = event, []
                elif event:
                    pieces.append(bytes(event))
                elif current is not None:
                    _add(current.name, current.filename, b"".join(pieces), files, fields)
                    current = None
    except (MultipartError, UnicodeDecodeError, LookupError) as error:
        # Only what is wrong: the rest of the error may quote what was sent.
        reason = next(iter(error.args), type(error).__name__)
        raise invalid("body", f"must be a whole multipart/form-data body: {reason}") from None
    return Form(tuple(files), fields)


def _add(name: str | None, filename: str | None, content: bytes, files: list[SentFile], fields: dict[str, str]) -> None:
    if not name:
        raise invalid("body", "every part must have a name")
    if filename is not None:
        files.append(SentFile(name, filename, content))
        return
    if len(content) > _MAX_FIELD_BYTES:
        raise invalid(name, f"must be at most {_MAX_FIELD_BYTES} bytes")
    try:
        fields[name] = content.decode("utf-8")
    except UnicodeDecodeError:
        raise invalid(name, "must be UTF-8") from None
