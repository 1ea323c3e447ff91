"""The whole pipeline against the scripted model server, over real HTTP."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from chalicelib.domain.document import Table, block_texts, word_count
from chalicelib.generation import model_client
from chalicelib.generation.pipeline import Assignment, GenerationFailed, ModelClient, Written, write_report
from tests.model_server import ModelServer
from tests.model_server.reply import LOOP, REFUSAL

QUERY = "Provide a 3000 word analysis of SCADA security, including NERC CIP compliance, segmentation, and incidents."


class CancelledError(Exception):
    pass


@dataclass
class Recorder:
    """A monitor that keeps what it is told; ``stop`` decides when the work must end."""

    stop: Callable[[], bool] = lambda: False
    steps: list[tuple[int, str, int]] = field(default_factory=list)
    stored: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def progress(self, percentage: int, message: str, words: int) -> None:
        with self.lock:
            self.steps.append((percentage, message, words))

    def checkpoint(self, key: str, text: str) -> None:
        with self.lock:
            self.stored[key] = text

    def check(self) -> None:
        if self.stop():
            raise CancelledError


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    monkeypatch.setattr(model_client, "FIRST_WAIT_SECONDS", 0.01)
    with ModelServer() as running:
        yield running


def write(
    server: ModelServer,
    monitor: Recorder,
    checkpoints: Mapping[str, str] | None = None,
    *,
    query: str = QUERY,
    section_words: int = 600,
    concurrency: int = 4,
    notice: str = "",
    max_output_tokens: int = 16384,
) -> Written:
    assignment = Assignment(
        report_id="r-1",
        title="My <own> title",
        description="What it is",
        query=query,
        template_name="Bee",
        created_at="2026-01-20T15:30:00Z",
        max_output_tokens=max_output_tokens,
    )
    with ModelClient(base_url=server.base_url, api_key="", model="scripted-model", attempts=3) as client:
        return write_report(
            assignment,
            checkpoints or {},
            client,
            monitor,
            section_words=section_words,
            concurrency=concurrency,
            notice=notice,
        )


def text_of(written: Written) -> str:
    return "\n".join(text for section in written.document.sections for text in block_texts(section.blocks))


def test_a_report_of_the_asked_length_comes_out_in_outline_order(server: ModelServer) -> None:
    monitor = Recorder()
    written = write(server, monitor, notice="Written by a small demonstration model.")
    document = written.document
    titles = [section.title for section in document.sections]
    assert titles[0] == "Executive Summary"
    assert titles[1] == "Introduction"
    assert [t for t in titles if t in ("NERC CIP compliance", "Segmentation", "Incidents")] == [
        "NERC CIP compliance",
        "Segmentation",
        "Incidents",
    ]
    assert 2850 <= written.word_count == word_count(document) <= 3600
    assert document.title == "My <own> title"
    assert document.model == written.model == "scripted-model"
    assert document.style == written.detected_style == "technical"
    assert document.notices == ("Written by a small demonstration model.",)
    assert not any(section.degraded for section in document.sections)
    assert len({section.id for section in document.sections}) == len(document.sections)


def test_usage_is_what_the_endpoint_counted(server: ModelServer) -> None:
    written = write(server, Recorder())
    assert written.usage.calls == len(server.requests())
    assert written.usage.tokens_out > 2800
    assert written.usage.tokens_in > 1000


def test_tables_and_non_ascii_text_arrive_in_the_document(server: ModelServer) -> None:
    written = write(server, Recorder())
    assert any(isinstance(block, Table) for section in written.document.sections for block in section.blocks)
    assert "Zürich" in text_of(written)
    assert "東京" in text_of(written)


def test_progress_moves_with_the_sections_and_never_goes_back(server: ModelServer) -> None:
    monitor = Recorder()
    written = write(server, monitor)
    percentages = [step[0] for step in monitor.steps]
    assert percentages == sorted(percentages)
    assert percentages[0] == 5
    assert percentages[-1] == 95
    assert len(set(percentages)) >= len(written.document.sections)
    assert monitor.steps[-1][2] >= 2700
    assert any("NERC CIP compliance" in message for _, message, _ in monitor.steps)


def test_sections_are_written_side_by_side_but_not_too_many(server: ModelServer) -> None:
    server.script.control({"tokens_per_second": 3000})
    write(server, Recorder(), concurrency=3)
    assert server.script.max_in_flight == 3


def test_the_summary_is_written_last_from_the_sections(server: ModelServer) -> None:
    monitor = Recorder()
    write(server, monitor)
    last = server.requests()[-1].prompt
    assert "executive summary" in last
    first_sentence = monitor.stored["section-01"].split(".")[0]
    assert first_sentence in last


def test_a_short_report_needs_no_summary(server: ModelServer) -> None:
    written = write(server, Recorder(), query="A 300 word overview of bees")
    assert written.document.sections[0].title != "Executive Summary"


def test_sections_in_several_parts_have_their_own_headings(server: ModelServer) -> None:
    written = write(server, Recorder(), section_words=150)
    levels = [block.level for block in written.document.sections[2].blocks if block.kind == "heading"]
    assert levels[0] == 3
    assert set(levels) == {3, 4}


def test_a_limit_of_the_template_is_kept_and_said(server: ModelServer) -> None:
    written = write(server, Recorder(), query="9000 words on bees", max_output_tokens=1400)
    assert written.word_count < 1500
    assert any("9,000" in notice for notice in written.document.notices)


# Resuming


def test_nothing_is_paid_for_twice(server: ModelServer) -> None:
    first = Recorder()
    whole = write(server, first)
    server.script.control({"reset": True})
    again = write(server, Recorder(), first.stored)
    assert server.requests() == []
    assert again.document == whole.document


def test_a_report_that_was_interrupted_goes_on_where_it_was(server: ModelServer) -> None:
    first = Recorder()
    first.stop = lambda: len(first.stored) >= 4
    with pytest.raises(CancelledError):
        write(server, first, concurrency=1)
    finished = {key: text for key, text in first.stored.items() if key.startswith("section")}
    calls = len(server.requests())
    second = Recorder()
    written = write(server, second, first.stored)
    assert finished.keys().isdisjoint(second.stored)
    parts = len(written.document.sections)
    assert len(server.requests()) - calls == parts - len(finished)


def test_an_outline_of_another_shape_is_kept_for_the_sections_written_under_it(server: ModelServer) -> None:
    first = Recorder()
    first.stop = lambda: len(first.stored) >= 4
    with pytest.raises(CancelledError):
        write(server, first, concurrency=1, section_words=600)
    written = write(server, Recorder(), first.stored, section_words=150)
    for key, text in first.stored.items():
        if key.startswith("section"):
            assert text.split(".")[0] in text_of(written)


def test_the_progress_of_a_resumed_report_begins_where_it_was(server: ModelServer) -> None:
    first = Recorder()
    first.stop = lambda: len(first.stored) >= 5
    with pytest.raises(CancelledError):
        write(server, first, concurrency=1)
    second = Recorder()
    write(server, second, first.stored)
    assert second.steps[1][0] > 10


# Stopping


@pytest.mark.parametrize("fault", ["hang", "slow"])
def test_a_cancelled_report_aborts_its_requests_within_two_seconds(server: ModelServer, fault: str) -> None:
    server.fault(fault, times=None)
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
    assert len(server.requests()) == 4


def test_a_checkpoint_that_cannot_be_stored_stops_everything(server: ModelServer) -> None:
    class Lost(Recorder):
        def checkpoint(self, key: str, text: str) -> None:
            if key.startswith("section"):
                raise CancelledError

    server.fault("hang", times=None, match="“Principles” covers")
    server.script.control({"tokens_per_second": 2000})
    with pytest.raises(CancelledError):
        write(server, Lost())


# Faults


@pytest.mark.parametrize(
    ("fault", "trace"),
    [
        ("empty", None),
        ("refusal", REFUSAL),
        ("loop", LOOP.strip()),
        ("unclosed_think", "Let me think"),
        ("short", None),
    ],
)
def test_a_bad_answer_is_asked_for_again_differently(server: ModelServer, fault: str, trace: str | None) -> None:
    options = {"after_words": 5} if fault == "short" else {}
    server.fault(fault, match="Write the part “Segmentation”", **options)
    written = write(server, Recorder())
    asked = [r.prompt for r in server.requests() if "Write the part “Segmentation”" in r.prompt]
    assert len(asked) == 2
    assert asked[0] != asked[1]
    assert trace is None or trace not in text_of(written)
    assert not any(section.degraded for section in written.document.sections)


@pytest.mark.parametrize(
    ("fault", "trace"), [("think", "Let me think"), ("echo", "Question to answer"), ("fence", "```"), ("heading", "##")]
)
def test_what_does_not_belong_is_cleaned_without_asking_again(server: ModelServer, fault: str, trace: str) -> None:
    server.fault(fault, times=None, match="Write the part")
    written = write(server, Recorder())
    assert trace not in text_of(written)
    assert "think>" not in text_of(written)
    assert len(server.requests()) == len(written.document.sections)
    for section in written.document.sections:
        assert section.title not in block_texts(section.blocks)[0]


def test_an_answer_cut_at_the_limit_is_continued_without_a_seam(server: ModelServer) -> None:
    whole = write(server, Recorder())
    server.script.control({"reset": True})
    server.fault("length", after_words=90, match="Write the part “Introduction”")
    cut = write(server, Recorder(), concurrency=1)
    assert len(server.requests()) == len(cut.document.sections) + 1
    continued = [r for r in server.requests() if r.body["messages"][-2]["role"] == "assistant"]
    assert len(continued) == 1
    expected = block_texts(whole.document.sections[1].blocks)
    assert block_texts(cut.document.sections[1].blocks)[: len(expected)] == expected


def test_an_answer_well_short_is_extended(server: ModelServer) -> None:
    server.fault("short", after_words=60, match="Write the part “Introduction”")
    written = write(server, Recorder())
    introduction = " ".join(block_texts(written.document.sections[1].blocks))
    assert len(introduction.split()) > 150


def test_a_section_that_cannot_be_written_says_so(server: ModelServer) -> None:
    server.fault("refusal", times=None, match="Write the part “Segmentation”")
    monitor = Recorder()
    written = write(server, monitor)
    missing = next(section for section in written.document.sections if section.title == "Segmentation")
    assert missing.degraded
    assert block_texts(missing.blocks) == ["This part could not be written: the model declined to write it."]
    assert "Not everything could be written; missing: Segmentation." in written.document.notices
    asked = [r for r in server.requests() if "Write the part “Segmentation”" in r.prompt]
    assert len(asked) == 3
    assert not any("could not be written" in text for text in monitor.stored.values())


def test_a_report_of_which_most_is_missing_fails(server: ModelServer) -> None:
    server.fault("empty", times=None)
    with pytest.raises(GenerationFailed, match=r"Too little of the report could be written: \d+ of \d+"):
        write(server, Recorder())


def test_a_wrong_key_fails_the_report_at_once(server: ModelServer) -> None:
    server.fault("error", status=401, times=None)
    with pytest.raises(GenerationFailed, match="LLM_API_KEY"):
        write(server, Recorder())
    assert len(server.requests()) <= 4


def test_an_endpoint_that_goes_down_fails_the_report_and_keeps_what_was_written(server: ModelServer) -> None:
    monitor = Recorder()
    server.fault("error", status=503, times=None, match="Write the part “Incidents”")
    with pytest.raises(GenerationFailed, match="kept for a retry"):
        write(server, monitor, concurrency=1)
    assert len([key for key in monitor.stored if key.startswith("section")]) >= 3
    server.script.control({"reset": True})
    write(server, Recorder(), monitor.stored)
    assert not any("Write the part “Introduction”" in r.prompt for r in server.requests())


def test_a_loop_that_begins_late_keeps_what_is_good(server: ModelServer) -> None:
    good = " ".join(f"Sentence number {n} speaks of the matter {n * 3} in the year {1900 + n}." for n in range(40))
    server.fault("text", match="Write the part “Introduction”", text=f"{good}\n\n" + "\n\n".join([LOOP * 3] * 20))
    written = write(server, Recorder())
    introduction = block_texts(written.document.sections[1].blocks)
    assert introduction[0].startswith("Sentence number 0")
    assert not any(LOOP.strip() in text for text in introduction[1:])
