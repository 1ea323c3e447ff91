"""The whole pipeline, planning included, against the scripted model server over real HTTP."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.document import Table, block_texts, word_count
from chalicelib.generation.outline import Outline
from chalicelib.generation.pipeline import GenerationFailed, Written
from tests.model_server import ModelServer
from tests.support import report_writing
from tests.support.report_writing import CancelledError, Recorder

QUERY = "Provide a 3000 word analysis of SCADA security, including NERC CIP compliance, segmentation, and incidents."


def write(
    server: ModelServer,
    monitor: Recorder,
    checkpoints: Mapping[str, str] | None = None,
    *,
    query: str = QUERY,
    **options: Any,
) -> Written:
    """Write a report that has to be planned; ``options`` are those of ``report_writing.write``."""
    order = replace(report_writing.ASSIGNMENT, title="My <own> title", description="What it is", query=query)
    return report_writing.write(server, monitor, checkpoints or {}, assignment=order, **options)


def text_of(written: Written) -> str:
    return "\n".join(text for section in written.document.sections for text in block_texts(section.blocks))


def parts_of(monitor: Recorder) -> int:
    return sum(len(section.parts) for section in Outline.from_json(monitor.stored["outline"]).sections)


def test_a_report_of_the_asked_length_comes_out_in_outline_order(server: ModelServer) -> None:
    monitor = Recorder()
    written = write(server, monitor, notice="Written by a small demonstration model.")
    document = written.document
    titles = [section.title for section in document.sections]
    assert titles == ["Executive Summary", *Outline.from_json(monitor.stored["outline"]).titles]
    named = ["NERC CIP compliance", "Segmentation", "Incidents"]
    assert [title for title in titles if title in named] == named
    assert 2850 <= written.word_count == word_count(document) <= 3600
    assert document.title == "My <own> title"
    assert document.model == written.model == "scripted-model"
    assert document.style == written.detected_style == "technical"
    assert written.style_reasons
    assert document.notices == ("Written by a small demonstration model.",)
    assert not any(section.degraded for section in document.sections)
    assert len({section.id for section in document.sections}) == len(document.sections)


def test_a_usual_report_takes_one_request_for_the_outline_each_part_and_the_summary(server: ModelServer) -> None:
    monitor = Recorder()
    written = write(server, monitor)
    assert len(server.requests()) == written.usage.calls == parts_of(monitor) + 2
    assert "response_format" in server.requests()[0].body
    assert "executive summary" in server.requests()[-1].prompt
    assert all(request.body["stream"] for request in server.requests())
    assert written.usage.tokens_out > 2800
    assert written.usage.tokens_in > 1000


def test_tables_and_non_ascii_text_arrive_in_the_document(server: ModelServer) -> None:
    written = write(server, Recorder())
    assert any(isinstance(block, Table) for section in written.document.sections for block in section.blocks)
    assert "Zürich" in text_of(written)
    assert "東京" in text_of(written)


def test_progress_moves_with_every_part_and_never_goes_back(server: ModelServer) -> None:
    monitor = Recorder()
    write(server, monitor)
    percentages = [step[0] for step in monitor.steps]
    assert percentages == sorted(percentages)
    assert monitor.steps[0] == (5, "planning", 0)
    assert len(set(percentages)) >= parts_of(monitor) + 2
    assert monitor.steps[-1][2] >= 2700
    titles = "|".join(map(re.escape, Outline.from_json(monitor.stored["outline"]).titles))
    told = [message for _, message, _ in monitor.steps if message.startswith("writing") and ":" in message]
    assert all(re.fullmatch(rf"writing \d+ of {parts_of(monitor)}: (?:{titles})", message) for message in told)


def test_parts_are_written_side_by_side_but_not_too_many(server: ModelServer) -> None:
    server.script.control({"tokens_per_second": 500})
    write(server, Recorder(), concurrency=3, query="A technical analysis of bees in 1200 words")
    assert server.script.max_in_flight == 3


def test_the_summary_is_written_from_the_sections(server: ModelServer) -> None:
    monitor = Recorder()
    write(server, monitor)
    last = server.requests()[-1].prompt
    assert monitor.stored[min(monitor.sections)].split(".")[0] in last


def test_a_short_report_needs_no_summary(server: ModelServer) -> None:
    written = write(server, Recorder(), query="A 300 word overview of bees")
    assert written.document.sections[0].title != "Executive Summary"


def test_sections_in_several_parts_have_their_own_headings(server: ModelServer) -> None:
    written = write(server, Recorder(), section_words=150)
    levels = [block.level for block in written.document.sections[2].blocks if block.kind == "heading"]
    assert levels[0] == 3
    assert set(levels) <= {3, 4}


def test_a_limit_of_the_template_is_kept_and_said(server: ModelServer) -> None:
    written = write(server, Recorder(), query="9000 words on bees", max_output_tokens=1400)
    assert written.word_count <= 1000
    assert any("9,000" in notice for notice in written.document.notices)


def test_a_proposal_is_paid_for_once_over_all_attempts(server: ModelServer) -> None:
    first = Recorder()
    first.stop = lambda: "outline" in first.stored
    with pytest.raises(CancelledError):
        write(server, first)
    write(server, Recorder(), first.stored)
    assert sum("response_format" in request.body for request in server.requests()) == 1


def test_an_outline_of_another_shape_is_kept_for_the_sections_written_under_it(server: ModelServer) -> None:
    first = Recorder()
    first.stop = lambda: len(first.sections) >= 3
    with pytest.raises(CancelledError):
        write(server, first, concurrency=1, section_words=600)
    written = write(server, Recorder(), first.stored, section_words=150)
    for key in first.sections:
        assert first.stored[key].split(".")[0] in text_of(written)


@pytest.mark.parametrize("fault", ["hang", "slow"])
def test_a_cancelled_report_aborts_its_requests_within_two_seconds(server: ModelServer, fault: str) -> None:
    server.fault(fault, times=None, match="Write the part")
    stopped_at = 0.0

    def stop() -> bool:
        nonlocal stopped_at
        if server.script.in_flight < 4:
            return False
        stopped_at = stopped_at or time.monotonic()
        return True

    with pytest.raises(CancelledError):
        write(server, Recorder(stop=stop))
    assert time.monotonic() - stopped_at < 2
    assert len(server.requests()) == 5


def test_a_checkpoint_that_cannot_be_stored_stops_everything(server: ModelServer) -> None:
    class Lost(Recorder):
        def checkpoint(self, key: str, text: str) -> None:
            if key.startswith("section"):
                raise CancelledError

    server.fault("hang", match="Write the part")
    server.script.control({"tokens_per_second": 2000})
    with pytest.raises(CancelledError):
        write(server, Lost())


def test_a_wrong_key_fails_the_report_at_once(server: ModelServer) -> None:
    server.fault("error", status=401, times=None)
    with pytest.raises(GenerationFailed, match="LLM_API_KEY"):
        write(server, Recorder())
    assert len(server.requests()) == 1
