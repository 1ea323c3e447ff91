import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.generation.guards import (
    SHORT,
    Flaw,
    before_loop,
    clean,
    judge,
    loops,
    shared_with,
    without_overlap,
)
from tests.model_server.text import answer

TITLES = ("Main risks", "Risks and controls", "Security Report")
PROMPTS = ("You are an expert writer.", "Write the part “Main risks”.\nSubject: zero-trust networks for all of us")
GOOD = answer(seed=7, words=250)

KEPT = [
    "The first phase costs $5 million, the second, in $ of 2026, rises to $12 million.",
    "Reasoning:\n\nA plain heading that a model may use for its own purposes in the text.",
    "### Reasoning\n\nThe committee found three grounds.",
    "```python\nprint('<think>')\n```\n\nThat was the example.",
    "```\nplain fence\n```\n\nand text after it",
    "| Item | Cost |\n| --- | --- |\n| Main risks | $5 |",
    "Here are the main risks:\n\n- fire\n- water",
    "I cannot overstate the value of backups. " + "They were needed twice in the last year. " * 2,
    "The tag `</think>` ends a block.\n\nSo it is.",
    "Main risks are those that cost lives.",
    "Überprüfung \u2013 naïve Annahmen, 日本語の文。",
]


@pytest.mark.parametrize("text", KEPT)
def test_what_is_not_recognised_stays_as_it_is(text: str) -> None:
    assert clean(text, titles=TITLES, prompts=PROMPTS) == text.strip()


@given(st.lists(st.sampled_from(KEPT), min_size=1, max_size=5))
def test_no_mixture_of_ordinary_blocks_loses_anything(blocks: list[str]) -> None:
    text = "An ordinary first sentence.\n\n" + "\n\n".join(blocks)
    assert clean(text, titles=TITLES, prompts=PROMPTS) == text.strip()


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300))
def test_any_text_after_an_ordinary_sentence_is_kept(text: str) -> None:
    whole = f"An ordinary first sentence.\n{text}".strip()
    if "think>" not in whole:
        assert clean(whole, titles=TITLES, prompts=PROMPTS) == whole


@pytest.mark.parametrize(
    "wrapped",
    [
        f"<think>\nLet me see.\n</think>\n\n{GOOD}",
        f"Let me see what to say.\n</think>\n{GOOD}",
        f"```markdown\n{GOOD}\n```",
        f"```\n{GOOD}\n```",
        f"## Main risks\n\n{GOOD}",
        f"**Main risks**\n\n{GOOD}",
        f"# Security Report\n## Risks and controls\n### Main risks\n\n{GOOD}",
        f"Section 3: Main risks\n\n{GOOD}",
        f"{PROMPTS[1]}\n\n{GOOD}",
        f"Sure! Here is the section you asked for:\n\n{GOOD}",
        f"Here's a draft of the section:\n\n{GOOD}",
    ],
)
def test_what_certainly_does_not_belong_is_removed(wrapped: str) -> None:
    assert clean(wrapped, titles=TITLES, prompts=PROMPTS) == GOOD


def test_reasoning_that_never_ends_leaves_nothing() -> None:
    assert clean("<think>\nFirst I would say", titles=(), prompts=()) == ""


def test_a_good_answer_has_no_flaw() -> None:
    assert judge(GOOD, prompts=PROMPTS) is None
    assert judge(GOOD, prompts=PROMPTS, patience=SHORT) is None


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("", Flaw.EMPTY),
        ("Too short.", Flaw.EMPTY),
        ("I'm sorry, but I can't help with that request.", Flaw.REFUSED),
        ("I\u2019m unable to write about this.", Flaw.REFUSED),
        ("As an AI language model, I have no opinion.", Flaw.REFUSED),
        ("Security is important for every organisation in the world today. " * 20, Flaw.LOOP),
        ("word " * 200, Flaw.LOOP),
        (PROMPTS[1] + "\n" + PROMPTS[1] + "\nand nothing else of any use", Flaw.ECHO),
    ],
)
def test_flaws_are_named(text: str, flaw: Flaw) -> None:
    assert judge(text, prompts=PROMPTS) == flaw


def test_a_text_that_stands_in_the_report_already_is_a_flaw() -> None:
    assert judge(GOOD, prompts=(), others=[GOOD]) == Flaw.SAID_BEFORE
    assert shared_with(GOOD, [answer(seed=8, words=250)]) < 0.1


def test_a_table_and_code_may_repeat_themselves() -> None:
    table = "| a | b |\n| --- | --- |\n" + "| the same cell again and again | and again |\n" * 30
    code = "```\n" + "the same line of code is here again\n" * 30 + "```"
    assert not loops(f"A sentence about the table that follows here.\n\n{table}\n{code}")


def test_parallel_sentences_with_different_figures_are_no_loop() -> None:
    lines = "\n".join(f"- The site number {n} had a total cost of {n * 7} thousand euros." for n in range(1, 9))
    assert before_loop(lines) == lines


def test_what_was_said_before_a_loop_is_kept() -> None:
    again = "Every gateway must carefully check each certificate before granting access."
    text = f"{GOOD}\n\n{again}\n\nIn summary, {again.lower()} {again}"
    assert before_loop(text, SHORT) == f"{GOOD}\n\n{again}"


def test_a_small_model_is_cut_where_it_rephrases_itself() -> None:
    first = "Zero-trust architecture protects network resources from unauthorized access by checking every request."
    again = "Overall, zero-trust architecture protects resources from unauthorized access by checking each request."
    assert before_loop(f"{first}\n\n{again}", SHORT) == first
    assert before_loop(f"{first}\n\n{again}") == f"{first}\n\n{again}"


def test_a_paragraph_is_cut_at_the_sentence_that_begins_the_loop() -> None:
    first = "In the first year it is crucial to enable the guard on all network devices of the company."
    other = "Training follows in the second quarter, once every branch has reported back."
    again = "In the first year it is crucial that companies enable the guard on all their network devices."
    assert before_loop(f"{first} {other} {again} {again}", SHORT) == f"{first} {other}"


def test_an_announcement_of_a_list_that_was_cut_goes_with_it() -> None:
    item = "- **Trust**: nobody inside the network has rights without a reason given before."
    text = f"A first sentence about the network.\n\n{item}\n\nThe next points are:\n\n{item}"
    assert before_loop(text, SHORT) == f"A first sentence about the network.\n\n{item}"


def test_a_continuation_does_not_repeat_the_end() -> None:
    assert without_overlap("one two three four five six", "three four five six seven") == " seven"
    assert without_overlap("one two", "three four") == "three four"
