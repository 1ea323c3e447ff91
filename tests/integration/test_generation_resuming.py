"""Interrupted reports: what is finished is never asked for again, and progress goes on from where it was."""

from __future__ import annotations

import itertools
import math
import time

import pytest

from chalicelib.generation.pipeline import GenerationFailed, earlier_usage
from tests.model_server import ModelServer
from tests.model_server.text import answer
from tests.support.report_writing import TITLES, CancelledError, Recorder, asked_for, fixed_outline, section_text, write
from tests.support.scrambled import Kept


def test_nothing_is_paid_for_twice(server: ModelServer) -> None:
    first = Recorder(stored=fixed_outline(summary_words=80))
    kept = Kept()
    whole = write(server, first, first.stored, texts=kept.scrambling())
    server.script.control({"reset": True})
    again = write(server, Recorder(), first.stored, texts=kept.scrambling())
    assert server.requests() == []
    assert again.document == whole.document
    assert again.usage == whole.usage


@pytest.mark.parametrize("finished", range(1, 5))
def test_a_report_stopped_after_any_section_asks_only_for_the_others(server: ModelServer, finished: int) -> None:
    first = Recorder(stored=fixed_outline(summary_words=80))
    first.stop = lambda: len(first.sections) >= finished
    with pytest.raises(CancelledError):
        write(server, first, dict(first.stored), concurrency=1)
    kept = set(first.sections)
    assert len(kept) >= finished
    server.script.control({"reset": True})
    second = Recorder(stored=dict(first.stored))
    write(server, second, first.stored, concurrency=1)
    assert kept.isdisjoint(second.sections)
    assert len(server.requests()) == len(TITLES) - len(kept) + 1
    for number, title in enumerate(TITLES, start=1):
        assert len(asked_for(server, title)) == (0 if f"section-{number:02}" in kept else 1)


def test_a_report_longer_than_one_run_completes_over_several_and_pays_each_section_once(server: ModelServer) -> None:
    stored, runs = fixed_outline(tuple("ABCDEFGH"), summary_words=80), 0
    while True:
        runs += 1
        monitor = Recorder(stored=stored)
        monitor.stop = lambda seen=monitor: len(seen.sections) >= 2
        try:
            written = write(server, monitor, dict(stored), concurrency=2)
            break
        except CancelledError:
            assert monitor.sections
    assert runs >= 3
    assert not any(section.degraded for section in written.document.sections)
    answered = [r for r in server.requests() if r.outcome == "answered" and "executive summary" not in r.prompt]
    parts = [r.prompt.split("Write the part “")[1][0] for r in answered]
    # A request that was answered in the moment of the stop is the only one that may come again.
    assert len(parts) <= 8 + runs


def test_a_continued_section_is_stored_once_and_whole(server: ModelServer) -> None:
    server.fault("length", after_words=60, match="Write the part “Beta”")
    first = Recorder(stored=fixed_outline())
    first.stop = lambda: "section-02" in first.stored
    with pytest.raises(CancelledError):
        write(server, first, dict(first.stored), concurrency=1)
    assert first.order.count("section-02") == 1
    assert len(first.stored["section-02"].split()) > 150
    server.script.control({"reset": True})
    write(server, Recorder(), first.stored)
    assert asked_for(server, "Beta") == []


def test_usage_is_stored_with_every_section_and_counted_on(server: ModelServer) -> None:
    first = Recorder(stored=fixed_outline())
    first.stop = lambda: len(first.sections) >= 2
    with pytest.raises(CancelledError):
        write(server, first, dict(first.stored), concurrency=1)
    before = earlier_usage(first.stored)
    assert before.calls == len(server.requests())
    written = write(server, Recorder(), first.stored)
    assert written.usage.calls == len(server.requests())
    assert written.usage.tokens_out > before.tokens_out > 0


def test_progress_never_goes_back_and_a_resumed_report_begins_where_it_was(server: ModelServer) -> None:
    first = Recorder(stored=fixed_outline(summary_words=80))
    first.stop = lambda: len(first.sections) >= 2
    with pytest.raises(CancelledError):
        write(server, first, dict(first.stored), concurrency=1)
    second = Recorder()
    write(server, second, first.stored, concurrency=1)
    shown = [step[0] for step in first.steps + second.steps]
    assert shown == sorted(shown)
    assert second.steps[0][0] == first.steps[-1][0] > 10
    assert second.steps[0][2] > 300


def test_the_stages_are_told_in_their_order(server: ModelServer) -> None:
    monitor = Recorder()
    write(server, monitor, fixed_outline(summary_words=80), concurrency=1)
    stages = [message for message, _ in itertools.groupby(step[1] for step in monitor.steps)]
    assert stages == [
        "writing 1 of 4: Alpha",
        "writing 2 of 4: Beta",
        "writing 3 of 4: Gamma",
        "writing 4 of 4: Delta",
        "checking",
        "writing the executive summary",
    ]


def test_a_failed_endpoint_keeps_finished_sections_for_the_retry(server: ModelServer) -> None:
    monitor = Recorder(stored=fixed_outline())
    server.fault("error", status=503, times=None, match="Write the part “Gamma”")
    with pytest.raises(GenerationFailed, match="kept for a retry"):
        write(server, monitor, dict(monitor.stored), concurrency=1)
    assert monitor.sections == ["section-01", "section-02"]
    server.script.control({"reset": True})
    write(server, Recorder(), monitor.stored)
    assert [len(asked_for(server, title)) for title in TITLES] == [0, 0, 1, 1]


def test_a_section_that_a_retry_rewrote_in_checking_is_not_asked_for_again(server: ModelServer) -> None:
    same = answer(seed=3, words=200)
    begun = {**fixed_outline(), "section-01": same, "section-02": same}
    monitor = Recorder(stored=dict(begun))
    write(server, monitor, begun)
    assert len(asked_for(server, "Beta")) == 1
    server.script.control({"reset": True})
    written = write(server, Recorder(), monitor.stored)
    assert server.requests() == []
    assert section_text(written, "Beta") != section_text(written, "Alpha")


def test_no_request_begins_that_the_time_left_is_too_short_for(server: ModelServer) -> None:
    server.script.control({"tokens_per_second": 1000})
    left = [math.inf]
    monitor = Recorder(stored=fixed_outline(), remaining=lambda: left[0])

    def stop() -> bool:
        if monitor.sections:
            left[0] = 0.05
        return left[0] < 1 and monitor.steps[-1][1] == "never"

    monitor.stop = stop
    seen_at_end: list[int] = []

    def remaining() -> float:
        if left[0] < 1:
            seen_at_end.append(len(server.requests()))
            monitor.stop = lambda: True
        return left[0]

    monitor.remaining = remaining
    with pytest.raises(CancelledError):
        write(server, monitor, dict(monitor.stored), concurrency=1)
    assert len(server.requests()) == seen_at_end[0] == 1


@pytest.mark.parametrize("seconds", [0.8, 0.95, 1.1, 1.25])
def test_time_that_runs_out_in_the_middle_of_a_request_stops_the_work_and_fails_nothing(
    server: ModelServer, seconds: float
) -> None:
    server.fault("hang", times=None)
    end = time.monotonic() + seconds
    monitor = Recorder(stored=fixed_outline(), remaining=lambda: end - time.monotonic())
    monitor.stop = lambda: time.monotonic() >= end
    with pytest.raises(CancelledError):
        write(server, monitor, dict(monitor.stored))
