import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.generation.foreign_markup import foreign_markup
from chalicelib.generation.guards import Flaw, clean, judge, without_overlap, without_title_headings
from chalicelib.generation.repetition import SHORT, before_loop, is_stuck, loops, shared_with
from tests.model_server.text import answer

TITLES = ("Main risks", "Risks and controls", "Security Report")
PROMPTS = ("You are an expert writer.", "Write the part “Main risks”.\nSubject: zero-trust networks for all of us")
GOOD = answer(seed=7, words=250)
MARKUP = {
    "HTML or XML": "<h2>Risks</h2>\n<p>There are some.</p>\n<ul>\n<li>fire</li>\n</ul>",
    "a document of another format": "<!DOCTYPE html>\n<html><body>Risks</body></html>",
    "LaTeX": "\\section{Risks}\nThere are \\textbf{some}.\n\\begin{itemize}\n\\item fire\n\\end{itemize}",
    "JSON": '{"title": "Risks", "text": "There are some."}',
    "a call of a tool": '<tool_call>\n{"name": "search", "arguments": {}}\n</tool_call>',
    "tokens of a chat template": "There are some risks. <|im_end|> <|im_start|> And so on.",
    "a block of reasoning": "There are some risks.\n\n<think>\nWhich?\n</think>\n\nFire.",
    "the markup of a wiki or forum": "== Risks ==\nThere are some.\n=== Fire ===\nHot.\n=== Water ===\nWet.",
}

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
    "The answer lies between `<think>` and `</think>`, which are tokens of their own in the vocabulary.",
    "Models write <think> before they reason and </think> after it, and some forget one of them.",
    "```html\n<p>One</p>\n<p>Two</p>\n<think>\n</think>\n<|im_end|>\n```",
    "The template ends a turn with `<|im_end|>` and begins one with `<|im_start|>user`, as shown above.",
    "    <div>\n    indented code\n    </div>\n\nand prose again",
    "A cell may hold <br> and text may be <s>struck</s>, or even H<sub>2</sub>O.",
    "Energy is $E = mc^2$ and \\textbf{bold} is how LaTeX writes it.",
    "Thought: a plan is worth more than its paper.\n\nAnalysis: it was not.",
    "> Reasoning is what people do.\n\n1. First\n2. Second",
    "{braces} and [brackets] [INST] are no JSON.",
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


@given(st.lists(st.sampled_from(KEPT), min_size=1, max_size=5))
def test_no_mixture_of_ordinary_blocks_is_foreign_markup(blocks: list[str]) -> None:
    assert foreign_markup("\n\n".join([GOOD, *blocks])) is None


@given(st.sampled_from(sorted(MARKUP)), st.sampled_from(["```", "~~~~", "```html"]))
def test_markup_shown_as_code_is_no_foreign_markup(kind: str, fence: str) -> None:
    mark = fence.rstrip("html")
    text = f"{GOOD}\n\n{fence}\n{MARKUP[kind]}\n{mark}\n\nThat was the example."
    assert foreign_markup(text) is None
    assert clean(text, titles=TITLES, prompts=PROMPTS) == text


@pytest.mark.parametrize("kind", MARKUP)
def test_foreign_markup_is_named(kind: str) -> None:
    assert foreign_markup(MARKUP[kind]) == kind
    assert judge(MARKUP[kind], prompts=PROMPTS) is Flaw.FOREIGN


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


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("<think>", "</think>"),
        ("<thinking>", "</thinking>"),
        ("<reasoning>", "</reasoning>"),
        ("[THINK]", "[/THINK]"),
        ("\u25c1think\u25b7", "\u25c1/think\u25b7"),
        ("<|begin_of_thought|>", "<|end_of_thought|>"),
        ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
        ("<|START_THINKING|>", "<|END_THINKING|>"),
    ],
)
@given(thought=st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="<[|\u25c1"), max_size=80))
def test_any_thought_before_the_answer_goes_and_the_answer_stays(opening: str, closing: str, thought: str) -> None:
    assert clean(f"{opening}\n{thought}\n{closing}\n\n{GOOD}", titles=TITLES, prompts=PROMPTS) == GOOD


def test_a_fence_around_everything_goes_with_code_inside_it_kept() -> None:
    inner = f"{GOOD}\n\n```python\nx = 1\n```\n\nThat was code."
    assert clean(f"```markdown\n{inner}\n```", titles=(), prompts=()) == inner
    two = "```\na\n```\n\nBetween them.\n\n```\nb\n```"
    assert clean(two, titles=(), prompts=()) == two


def test_headings_that_repeat_a_title_go_and_their_text_stays() -> None:
    text = "First.\n\n## Main risks\n\nSecond.\n\n**Main Risks:**\n\n- Main risks\n\n```\n# Main risks\n```"
    kept = without_title_headings(text, TITLES)
    assert [line for line in kept.splitlines() if line] == [
        "First.", "Second.", "- Main risks", "```", "# Main risks", "```",
    ]  # fmt: skip


@given(st.lists(st.sampled_from(KEPT), max_size=5))
def test_a_text_without_such_headings_is_untouched(blocks: list[str]) -> None:
    text = "\n\n".join(blocks)
    assert without_title_headings(text, TITLES) == text


def test_a_model_that_is_stuck_is_noticed_in_code_too() -> None:
    assert is_stuck("```\n" + "row = row + 1\n" * 40)
    assert not is_stuck("\n".join(f"row = row + {n}" for n in range(60)))


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
