"""The limits of a report: money, the template's tokens, the model's context."""

from __future__ import annotations

from contextlib import suppress

import pytest

from chalicelib.domain.document import block_texts
from chalicelib.generation.length import TOKENS_PER_WORD
from chalicelib.generation.markdown_text import words
from chalicelib.generation.pipeline import GenerationFailed, Meter, earlier_usage
from chalicelib.generation.usage import parse_prices
from tests.model_server import ModelServer
from tests.model_server.text import answer
from tests.support.report_writing import TITLES, CancelledError, Recorder, asked_for, fixed_outline, section_text, write

PRICES = parse_prices('{"*": [0, 1000]}')  # a tenth of a cent for each token written, the prompt is free
# A part of 200 words reserves 480 tokens and uses about 200 of them.
RESERVED, USED = 0.48, 0.24


def test_a_report_within_its_limit_is_whole_and_its_cost_is_told(server: ModelServer) -> None:
    written = write(server, Recorder(), fixed_outline(), meter=Meter(PRICES, max_cost_usd=5))
    assert written.document.notices == ()
    assert written.usage.cost_usd == pytest.approx(written.usage.tokens_out / 1000)


def test_a_limit_reached_after_half_of_the_report_ends_it_honestly(server: ModelServer) -> None:
    meter = Meter(PRICES, max_cost_usd=2 * USED + RESERVED)
    written = write(server, Recorder(), fixed_outline(summary_words=80), concurrency=1, meter=meter)
    assert written.usage.cost_usd is not None
    assert written.usage.cost_usd <= 2 * USED + RESERVED
    assert asked_for(server, "Delta") == []
    assert len(server.requests()) == 3
    assert section_text(written, "Delta") == "This part could not be written: the report's cost limit was reached."
    assert "cost limit" in written.document.notices[0]
    assert "Delta" in written.document.notices[1]


def test_a_limit_reached_before_half_of_the_report_fails_it_and_names_the_limit(server: ModelServer) -> None:
    monitor = Recorder(stored=fixed_outline())
    with pytest.raises(GenerationFailed, match=r"cost limit of \$0\.5.*1 of 4 parts"):
        write(server, monitor, dict(monitor.stored), concurrency=1, meter=Meter(PRICES, max_cost_usd=0.5))
    assert monitor.sections == ["section-01"]


@pytest.mark.parametrize("concurrency", [1, 4])
def test_no_limit_is_ever_passed_over_several_attempts(server: ModelServer, concurrency: int) -> None:
    stored, limit = fixed_outline(tuple("ABCDEF")), 1.2
    for _ in range(3):
        monitor = Recorder(stored=stored)
        monitor.stop = lambda seen=monitor: len(seen.sections) >= 2
        meter = Meter(PRICES, limit, before=earlier_usage(stored))
        with suppress(CancelledError, GenerationFailed):
            write(server, monitor, dict(stored), concurrency=concurrency, meter=meter)
        assert meter.total.cost_usd is not None
        assert meter.total.cost_usd <= limit
    assert meter.total.calls >= 3


def test_a_limit_reached_in_a_continuation_keeps_what_is_there(server: ModelServer) -> None:
    server.fault("length", after_words=150, match="Write the part “Alpha”")
    meter = Meter(PRICES, max_cost_usd=0.5)
    begun = {**fixed_outline(("Alpha", "Beta")), "section-02": answer(seed=1, words=200)}
    written = write(server, Recorder(), begun, meter=meter)
    assert len(server.requests()) == 1
    assert len(section_text(written, "Alpha").split()) > 100


def test_the_templates_limit_is_kept_in_fair_shares_and_said(server: ModelServer) -> None:
    server.script.control({"words": 500})
    written = write(server, Recorder(), fixed_outline(summary_words=80), max_output_tokens=1400)
    total = sum(words(text) for s in written.document.sections for text in (s.title, *block_texts(s.blocks)))
    assert total * TOKENS_PER_WORD <= 1400
    assert "The text was cut: the template allows 1,400 tokens." in written.document.notices
    lengths = [len(section_text(written, title).split()) for title in TITLES]
    assert min(lengths) > 100


def test_a_resumed_report_is_cut_in_the_same_way_without_another_request(server: ModelServer) -> None:
    server.script.control({"words": 500})
    monitor = Recorder(stored=fixed_outline())
    first = write(server, monitor, dict(monitor.stored), max_output_tokens=1000)
    server.script.control({"reset": True})
    assert write(server, Recorder(), monitor.stored, max_output_tokens=1000).document == first.document
    assert server.requests() == []


# The model's context


def too_long(server: ModelServer, match: str, times: int | None = 1) -> None:
    message = "This model's maximum context length is 512 tokens, however you requested 900 tokens."
    server.fault("error", status=400, message=message, match=match, times=times)


def test_a_request_too_long_for_the_model_is_shortened(server: ModelServer) -> None:
    too_long(server, "The whole report, with a mark", times=None)
    written = write(server, Recorder(), fixed_outline(), concurrency=1)
    assert not any(section.degraded for section in written.document.sections)
    refused = [r for r in server.requests() if r.fault]
    # What was too long once is not sent again for the other parts.
    assert len(refused) == 1
    assert len(server.requests()) == 5


def test_the_room_for_the_answer_shrinks_where_no_shorter_request_helps(server: ModelServer) -> None:
    too_long(server, "Write the part “Alpha”", times=3)
    written = write(server, Recorder(), fixed_outline(("Alpha", "Beta")), concurrency=1)
    limits = [r.body["max_tokens"] for r in server.requests() if "“Alpha”" in r.prompt][:4]
    assert limits == [480, 480, 480, 240]
    assert len(section_text(written, "Alpha").split()) > 150


def test_a_continuation_too_long_for_the_model_is_shown_less(server: ModelServer) -> None:
    server.fault("length", after_words=400, match="Write the part “Alpha”")
    too_long(server, "Your text was cut off")
    write(server, Recorder(), fixed_outline(("Alpha",), words=600), concurrency=1)
    shown = [r.body["messages"][-2]["content"] for r in server.requests() if "Your text was cut off" in r.prompt]
    assert [len(text.split()) for text in shown] == [pytest.approx(400, abs=25), 300]
    assert shown[0].endswith(shown[1])


def test_a_model_whose_context_holds_nothing_fails_the_report_with_its_words(server: ModelServer) -> None:
    too_long(server, "", times=None)
    with pytest.raises(GenerationFailed, match="Too little of the report could be written"):
        write(server, Recorder(), fixed_outline())
