"""What may stand in a line of the log."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from chalicelib import log
from chalicelib.log import WITHHELD, redacted

SECRET = "Zm9yIG5vYm9keQ-_" * 3


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (f"key sk_{SECRET} is bad", "key sk_… is bad"),
        (f"pck_live_{SECRET}, pck_test_{SECRET}", "pck_live_…, pck_test_…"),
        (f"whsec_{SECRET}=", "whsec_…"),
        (f"Cookie: a=b; ory_kratos_session={SECRET}; c={SECRET}\nnext", "Cookie: …\nnext"),
        (f"with ory_kratos_session={SECRET}; and c", "with ory_kratos_session=…; and c"),
        (f"{{'cookie': ['a={SECRET}; b=c'], 'host': 'x'}}", "{'cookie': ['…'], 'host': 'x'}"),
        (f'"Authorization": "Bearer {SECRET}"', '"Authorization": "…"'),
        (f"Authorization: ApiKey {SECRET}", "Authorization: …"),
        (f"sent as bearer {SECRET} by", "sent as bearer … by"),
        (f"the model's key sk-proj-{SECRET}", "the model's key sk-…"),
        (f"x-api-key={SECRET}", "x-api-key=…"),
        (f"GET https://b.s3.test/k?X-Amz-Signature={SECRET}&b=c failed", "GET https://b.s3.test/k?… failed"),
        ("/api/reports?search=private words=1", "/api/reports?… words=1"),
        ("report 991a8dca-b90c-406d-9a64-dcc9b1bec33c is completed", None),
        ("was it done? yes", None),
        ("the task_name and risk_level_of_it", None),
        ("a risk-assessment-of-everything", None),
    ],
)
def test_keys_cookies_and_query_strings_are_cut_out(said: str, told: str | None) -> None:
    assert redacted(said) == (said if told is None else told)


Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def logging_as_deployed() -> None:
    log.set_up()


def only_line(output: Output) -> dict[str, Any]:
    (line,) = output.readouterr().out.splitlines()
    parsed: dict[str, Any] = json.loads(line)
    return parsed


def test_a_line_is_one_json_object_whatever_is_in_it(capsys: Output) -> None:
    log.begin(request_id="r-1", empty="")
    logging.getLogger("chalicelib.some.module").warning('a "quoted"\nline %s', {"x": 1})
    line = only_line(capsys)
    assert line["message"] == "a \"quoted\"\nline {'x': 1}"
    assert (line["level"], line["logger"], line["request_id"]) == ("WARNING", "chalicelib.some.module", "r-1")
    assert line["service"] == "reports"
    assert line["timestamp"].endswith("+00:00")
    assert "empty" not in line


def test_a_message_that_is_json_stays_a_text(capsys: Output) -> None:
    logging.getLogger("chalicelib").info(json.dumps({"level": "x", "key": f"sk_{SECRET}"}))
    assert only_line(capsys)["message"] == '{"level": "x", "key": "sk_…"}'


def test_values_beside_the_message_are_redacted_too(capsys: Output) -> None:
    extra = {"headers": {"a": f"sk_{SECRET}"}, "listed": [f"sk_{SECRET}"], "number": 7}
    logging.getLogger("chalicelib").warning("x", extra=extra)
    line = only_line(capsys)
    assert SECRET not in json.dumps(line)
    assert line["number"] == 7


@pytest.mark.parametrize("library", ["fpdf.output", "fontTools.subset", "openai", "httpx2", "chalicelibrary", "root"])
def test_libraries_that_may_quote_a_document_are_only_named(capsys: Output, library: str) -> None:
    logging.getLogger(library).error("missing glyphs in %s", "private words")
    line = only_line(capsys)
    assert (line["logger"], line["message"]) == (library, WITHHELD)
    assert "private" not in json.dumps(line)


def test_notes_of_an_error_are_left_out(capsys: Output) -> None:
    error = ValueError("private words")
    error.add_note("private notes")
    try:
        raise error
    except ValueError:
        logging.getLogger("chalicelib").exception("it failed")
    line = only_line(capsys)
    assert line["exception_name"] == "ValueError"
    # The frame shows the line of code that raised it, and nothing of its message.
    assert "private" not in json.dumps(line)


def test_a_line_that_cannot_be_written_is_not_printed_as_it_is(capsys: Output) -> None:
    logger = logging.getLogger("chalicelib.some.module")
    record = logger.makeRecord(logger.name, logging.INFO, "f.py", 7, "%d findings", (f"sk_{SECRET}",), None, "add")
    # Through our own handler alone: that of pytest raises where a line cannot be written.
    (ours,) = (handler for handler in logging.getLogger().handlers if isinstance(handler, log._StandardOutput))
    ours.handle(record)
    output = capsys.readouterr()
    line = json.loads(output.out)
    assert (line["level"], line["logger"], line["location"]) == ("ERROR", "chalicelib.some.module", "add:7")
    assert SECRET not in output.out + output.err


def test_setting_up_twice_logs_once(capsys: Output) -> None:
    log.set_up()
    logging.getLogger("chalicelib").warning("once")
    assert len(capsys.readouterr().out.splitlines()) == 1
