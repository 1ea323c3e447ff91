"""The checking stage: what is read once more when all parts are there, and asked for again at most once."""

from __future__ import annotations

from tests.model_server import ModelServer
from tests.model_server.text import answer
from tests.support.report_writing import Recorder, asked_for, fixed_outline, section_text, write

TEXTS = [answer(seed=seed, words=200) for seed in range(20, 24)]


def finished(*texts: str) -> dict[str, str]:
    return fixed_outline() | {f"section-{n:02}": text for n, text in enumerate(texts, start=1)}


def test_a_good_report_is_not_asked_for_again(server: ModelServer) -> None:
    write(server, Recorder(), finished(*TEXTS))
    assert server.requests() == []


def test_a_section_that_says_the_same_as_an_earlier_one_is_written_again(server: ModelServer) -> None:
    monitor = Recorder()
    written = write(server, monitor, finished(TEXTS[0], TEXTS[1], TEXTS[0], TEXTS[3]))
    assert [len(asked_for(server, title)) for title in ("Alpha", "Beta", "Gamma", "Delta")] == [0, 0, 1, 0]
    assert section_text(written, "Gamma") != section_text(written, "Alpha")
    assert "section-03" in monitor.stored
    assert len(server.requests()) == 1


def test_a_rewriting_that_is_no_better_leaves_the_text_and_is_not_repeated(server: ModelServer) -> None:
    server.fault("text", times=None, text=TEXTS[0])
    monitor = Recorder(stored=finished(TEXTS[0], TEXTS[1], TEXTS[0], TEXTS[3]))
    written = write(server, monitor, dict(monitor.stored))
    assert section_text(written, "Gamma") == section_text(written, "Alpha")
    write(server, Recorder(), monitor.stored)
    assert len(server.requests()) == 1


def test_a_section_that_breaks_off_is_finished_by_one_request(server: ModelServer) -> None:
    broken = f"{TEXTS[1]}\n\nThe rest of the alphabet, which is much longer than"
    written = write(server, Recorder(), finished(TEXTS[0], broken, *TEXTS[2:]))
    assert len(server.requests()) == 1
    assert section_text(written, "Beta").startswith(section_text(write(server, Recorder(), finished(*TEXTS)), "Beta"))
    assert "which is much longer than" in section_text(written, "Beta")
    assert not section_text(written, "Beta").endswith("than")


def test_what_cannot_be_finished_is_cut_where_that_is_little(server: ModelServer) -> None:
    server.fault("empty", times=None)
    broken = f"{TEXTS[1]}\n\nThe rest of the alphabet, which is"
    written = write(server, Recorder(), finished(TEXTS[0], broken, *TEXTS[2:]))
    assert len(server.requests()) == 1
    assert "which is" not in section_text(written, "Beta")


def test_a_heading_that_repeats_the_sections_title_goes_without_a_request(server: ModelServer) -> None:
    doubled = f"{TEXTS[1].split(chr(10))[0]}\n\n## Beta\n\n{TEXTS[2]}\n\n```\n## Beta\n```"
    written = write(server, Recorder(), finished(TEXTS[0], doubled, TEXTS[3], answer(seed=30, words=200)))
    assert server.requests() == []
    assert section_text(written, "Beta").count("Beta") == 1


def test_a_report_well_short_gets_its_shortest_sections_extended(server: ModelServer) -> None:
    short = " ".join(TEXTS[1].split("\n\n")[0].split(". ")[:2]) + "."
    written = write(server, Recorder(), finished(TEXTS[0], short, *TEXTS[2:]))
    assert len(asked_for(server, "Beta")) == len(server.requests()) == 1
    assert len(section_text(written, "Beta").split()) > 120


def test_a_very_small_model_is_not_asked_to_mend(server: ModelServer) -> None:
    broken = f"{TEXTS[1]}\n\nThe rest of the alphabet, which is"
    write(server, Recorder(), finished(TEXTS[0], broken, *TEXTS[2:]), section_words=170)
    assert server.requests() == []


def test_checking_stands_between_the_sections_and_the_summary(server: ModelServer) -> None:
    monitor = Recorder()
    begun = finished(TEXTS[0], TEXTS[1], TEXTS[0], TEXTS[3]) | fixed_outline(summary_words=80)
    write(server, monitor, begun)
    assert [step[1] for step in monitor.steps] == ["checking", "checking", "writing the executive summary"]
    last = server.requests()[-1].prompt
    assert "executive summary" in last
    assert monitor.stored["section-03"].split(".")[0] in last
