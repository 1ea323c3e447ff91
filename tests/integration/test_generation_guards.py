"""Every way in which an answer can be bad, over real HTTP and streamed: how often it is asked, and what is kept."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.document import block_texts
from chalicelib.generation.pipeline import GenerationFailed
from tests.model_server import ModelServer
from tests.model_server.reply import LOOP, REFUSAL
from tests.model_server.text import answer
from tests.support.report_writing import Recorder, asked_for, fixed_outline, section_text, write

GOOD = answer(seed=99, words=200)
HTML = "<h2>Beta</h2>\n<p>Beta is the second letter of the alphabet.</p>\n<ul>\n<li>one</li>\n<li>two</li>\n</ul>"
FOREIGN = {
    "HTML": HTML,
    "HTML in a fence": f"```html\n{HTML}\n```",
    "XML": "<?xml version='1.0'?>\n<report><text>Beta is the second letter.</text></report>",
    "LaTeX": "\\documentclass{article}\n\\begin{document}\n\\section{Beta}\nThe second letter.\n\\end{document}",
    "a piece of LaTeX": "\\section{Beta}\nThe \\textbf{second} letter of the \\emph{alphabet} comes after the first.",
    "JSON": '{"title": "Beta", "content": "Beta is the second letter of the alphabet, after alpha."}',
    "JSON in a fence": '```json\n{"title": "Beta", "content": "The second letter of the alphabet."}\n```',
    "JSON cut off": '{"title": "Beta", "content": "Beta is the second letter of',
    "a tool call": '<tool_call>\n{"name": "search", "arguments": {"query": "beta"}}\n</tool_call>',
    "a call as JSON": '{"name": "search", "arguments": {"query": "beta"}}',
    "another tool call": '[TOOL_CALLS] [{"name": "search", "arguments": {"query": "beta"}}]',
    "tokens in the middle": f"{GOOD[:120]} <|im_end|> <|fim_middle|> and so on {GOOD[120:]}",
    "reasoning in the middle": f"It is the second letter.\n\n<think>\nWhat next?\n</think>\n\n{GOOD}",
    "a wiki": "== Beta ==\n'''Beta''' is the second letter.\n=== Use ===\n[[Alpha]] is first.\n=== Form ===\nRound.",
    "noise": "#$%& " * 60 + "\ufffd" * 50,
}
REASONED = {
    "think": "<think>\nI should begin.\n</think>\n\n{}",
    "two blocks": "<think>One.</think>\n<think>\nTwo.\n</think>\n{}",
    "thinking": "<thinking>\nI should begin.\n</thinking>\n{}",
    "thought": "<thought>I should begin.</thought>\n\n{}",
    "reasoning": "<reasoning>I should begin.\n\nThen end.</reasoning>\n\n{}",
    "reflection": "<reflection>I should begin.</reflection>\n\n{}",
    "brackets": "[THINK]I should begin.[/THINK]{}",
    "triangles": "\u25c1think\u25b7I should begin.\u25c1/think\u25b7{}",
    "tokens": "<|begin_of_thought|>\nFirst.\n<|end_of_thought|>\n\n<|begin_of_solution|>\n{}\n<|end_of_solution|>",
    "channels": "<|channel|>analysis<|message|>First.<|end|><|start|>assistant<|channel|>final<|message|>{}<|return|>",
    "upper case tokens": "<|START_THINKING|>I should begin.<|END_THINKING|><|START_RESPONSE|>{}<|END_RESPONSE|>",
    "details": '<details type="reasoning" done="true">\n<summary>Thought</summary>\nI should begin.\n</details>\n{}',
    "lost opening": "I should begin.\n</think>\n\n{}",
    "end token": "{}<|im_end|>",
    "several end tokens": "{}\n<|eot_id|><|end_of_text|>",
    "made-up turn": "{}<|im_end|>\n<|im_start|>user\nNow write about cats.<|im_end|>\n<|im_start|>assistant\nCats are",
    "role header": "<|start_header_id|>assistant<|end_header_id|>\n\n{}<|eot_id|>",
    "answer tag": "<answer>\n{}\n</answer>",
    "think and answer": "<think>I should begin.</think>\n<answer>{}</answer>",
    "markdown fence": "```markdown\n{}\n```",
    "md fence, cut": "```md\n{}",
}


BAD: dict[str, dict[str, Any]] = {
    "empty": {},
    "refusal": {},
    "loop": {},
    "unclosed_think": {},
    "short": {"after_words": 5},
}


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_answer_is_asked_for_again_with_a_changed_request(server: ModelServer, fault: str) -> None:
    server.fault(fault, match="Write the part “Beta”", **BAD[fault])
    written = write(server, Recorder(), fixed_outline())
    first, second = asked_for(server, "Beta")
    assert second.startswith(first)
    assert len(second) > len(first)
    assert len(server.requests()) == 5
    text = section_text(written, "Beta")
    assert len(text.split()) > 150
    assert not any(trace in text for trace in (REFUSAL, LOOP.strip(), "Let me think"))


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_is_not_markdown_is_asked_for_again(server: ModelServer, kind: str) -> None:
    server.fault("text", match="Write the part “Beta”", text=FOREIGN[kind])
    written = write(server, Recorder(), fixed_outline())
    assert len(asked_for(server, "Beta")) == 2
    assert len(section_text(written, "Beta").split()) > 150
    assert not any(section.degraded for section in written.document.sections)


@pytest.mark.parametrize("kind", REASONED)
def test_what_is_left_around_an_answer_goes_without_another_request(server: ModelServer, kind: str) -> None:
    plain = write(server, Recorder(), {**fixed_outline(), "section-02": GOOD})
    server.script.control({"reset": True})
    server.fault("text", match="Write the part “Beta”", text=REASONED[kind].format(GOOD))
    written = write(server, Recorder(), fixed_outline())
    assert len(server.requests()) == 4
    assert section_text(written, "Beta") == section_text(plain, "Beta")


def test_a_loop_is_cut_long_before_the_limit(server: ModelServer) -> None:
    server.script.control({"tokens_per_second": 400})
    server.fault("loop", match="Write the part “Beta”")
    monitor = Recorder()
    write(server, monitor, fixed_outline(("Beta",), words=800), concurrency=1)
    looping = next(r for r in server.requests() if r.fault == "loop")
    assert looping.outcome == "aborted"
    assert looping.seconds < 1680 / 400 / 2


def test_a_section_that_cannot_be_written_says_so_after_three_different_requests(server: ModelServer) -> None:
    server.fault("refusal", times=None, match="Write the part “Beta”")
    monitor = Recorder()
    written = write(server, monitor, fixed_outline())
    assert len(asked_for(server, "Beta")) == 3
    assert section_text(written, "Beta") == "This part could not be written: the model declined to write it."
    assert [s.title for s in written.document.sections if s.degraded] == ["Beta"]
    assert written.document.notices == ("Not everything could be written; missing: Beta.",)
    assert "section-02" not in monitor.stored


def test_foreign_markup_to_the_end_keeps_what_stands_before_it(server: ModelServer) -> None:
    server.fault("text", times=None, match="Write the part “Beta”", text=f"{GOOD}\n\n<think>\nAnd now?")
    written = write(server, Recorder(), fixed_outline())
    text = section_text(written, "Beta")
    assert len(text.split()) > 150
    assert "And now" not in text


@pytest.mark.parametrize("fault", ["empty", "refusal", "loop", "unclosed_think", "echo"])
def test_a_report_of_which_too_little_can_be_written_fails_early_with_a_reason(server: ModelServer, fault: str) -> None:
    options = {"text": "Write the part “Beta”. " * 3} if fault == "echo" else {}
    server.fault("text" if fault == "echo" else fault, times=None, **options)
    with pytest.raises(
        GenerationFailed, match=r"Too little of the report could be written: 3 of 4 parts are missing \("
    ):
        write(server, Recorder(), fixed_outline(), concurrency=1)
    assert 9 <= len(server.requests()) < 12


@pytest.mark.parametrize(
    "fault", [pytest.param("length", id="cut at the limit"), pytest.param("drop", id="connection lost")]
)
def test_an_answer_that_breaks_off_is_continued_without_a_seam(server: ModelServer, fault: str) -> None:
    whole = write(server, Recorder(), fixed_outline())
    server.script.control({"reset": True})
    server.fault(fault, after_words=90, match="Write the part “Beta”")
    cut = write(server, Recorder(), fixed_outline())
    assert len(asked_for(server, "Beta")) == 2
    assert section_text(cut, "Beta").startswith(section_text(whole, "Beta")[:900])


def test_an_answer_well_short_is_extended_once(server: ModelServer) -> None:
    server.fault("short", after_words=60, match="Write the part “Beta”")
    written = write(server, Recorder(), fixed_outline())
    assert len(asked_for(server, "Beta")) == 2
    assert len(section_text(written, "Beta").split()) > 150


def test_an_answer_too_long_is_kept(server: ModelServer) -> None:
    long = answer(seed=5, words=400)
    server.fault("text", match="Write the part “Beta”", text=long)
    written = write(server, Recorder(), fixed_outline())
    assert len(asked_for(server, "Beta")) == 1
    assert len(section_text(written, "Beta").split()) > 380


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("error", {"status": 500}),
        ("error", {"status": 429, "retry_after": 0}),
        ("invalid_json", {}),
        ("drop", {"after_words": 3}),
    ],
)
def test_a_failure_that_passes_is_not_seen_in_the_report(
    server: ModelServer, fault: str, options: dict[str, Any]
) -> None:
    plain = write(server, Recorder(), fixed_outline())
    server.script.control({"reset": True})
    server.fault(fault, match="Write the part “Beta”", **options)
    written = write(server, Recorder(), fixed_outline())
    assert written.document == plain.document
    assert len(server.requests()) == 5


@pytest.mark.parametrize("fault", ["think", "echo", "fence", "heading"])
def test_usual_decorations_go_without_another_request(server: ModelServer, fault: str) -> None:
    plain = write(server, Recorder(), fixed_outline())
    server.script.control({"reset": True})
    server.fault(fault, times=None)
    written = write(server, Recorder(), fixed_outline())
    assert [block_texts(s.blocks) for s in written.document.sections] == [
        block_texts(s.blocks) for s in plain.document.sections
    ]
    assert len(server.requests()) == 4
