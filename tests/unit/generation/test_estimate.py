import json
import subprocess
import sys
from dataclasses import replace

import pytest

from chalicelib.domain.price import Price
from chalicelib.generation.assignment import Assignment, EarlierReport
from chalicelib.generation.budget import most_prompt_tokens
from chalicelib.generation.estimate import estimate
from chalicelib.generation.outline import Outline, plan_outline
from chalicelib.generation.outline_proposal import Wanted, is_asked_for, outline_request, read_outline
from chalicelib.generation.prompt import Prompts
from chalicelib.generation.style import detect_style
from chalicelib.generation.topic import find_topic
from chalicelib.generation.usage import estimated_tokens

PRICES = {"m": Price(3, 15)}
BACKGROUND = '{"site": "Plant 7", "notes": "' + "what is known of the plant " * 60 + '"}'
EARLIER = (EarlierReport("Before", "It said this and that. " * 20),)
ORDER = Assignment(
    "r", "My title", "", "Write a 4500 word analysis of SCADA, including law, and drills.", "Bee", "2026-01-01"
)
ORDERS = {
    "named sections": ORDER,
    "no wish": replace(ORDER, query="bees"),
    "background": replace(ORDER, query="Compare tea and coffee", context=BACKGROUND, conversation=EARLIER),
    "summary": replace(ORDER, query="Summarize the GDPR in 900 words", context=BACKGROUND),
    "long request": replace(ORDER, query="Write 8000 words about bees. " + "They fly, and so on. " * 200),
}


def likely_outline(wanted: Wanted) -> Outline:
    """Return what a model that keeps to its request makes of it; the style's own for one that is not asked."""
    if not is_asked_for(wanted):
        return plan_outline(wanted.topic, wanted.style, wanted.words, wanted.section_words, wanted.concurrency)
    others = [f"The matter that letter {letter} names" for letter in "abcdefghijklmnop"]
    bodies = [*wanted.topic.named, *others][: wanted.sections - 2]
    sections = [
        {"title": title, "headings": [f"Aspect {n} of {title[-20:]}" for n in range(wanted.headings[1])]}
        for title in ("Introduction", *bodies, "Conclusion")
    ]
    outline = read_outline(json.dumps({"sections": sections}), wanted)
    assert outline is not None
    return outline


def prompts_of(order: Assignment, words: int, section_words: int) -> list[str]:
    """Return the requests that the planner and the writer would make, but for the summary."""
    style = detect_style(order.query).style
    wanted = Wanted(order, find_topic(order.query, order.title), style, words, section_words, 8)
    outline = likely_outline(wanted)
    compact, told = section_words < 300, {"title": order.title, "style": style, "conversation": order.conversation}
    made = Prompts(outline, order.query, order.context, compact, **told)
    asked = [made.for_part(section, part, part.words) for section in outline.sections for part in section.parts]
    planning = [outline_request(wanted)] if is_asked_for(wanted) else []
    return ["".join(message["content"] for message in messages) for messages in [*planning, *asked]]


@pytest.mark.parametrize("kind", ORDERS)
@pytest.mark.parametrize("section_words", [170, 600])
def test_the_prompts_are_as_long_as_estimated_within_a_tenth_and_the_summarys(kind: str, section_words: int) -> None:
    order = ORDERS[kind]
    found = estimate(order, "m", PRICES, section_words, 8)
    made = prompts_of(order, found.words, section_words)
    assert found.calls == len(made) + 1
    real = sum(map(estimated_tokens, made))
    summary = min(found.words, 3 * section_words) * 1.4 + 350
    assert 0.9 * real <= found.tokens_in <= 1.1 * real + 1.2 * summary + 200


def test_the_length_asked_for_is_estimated() -> None:
    found = estimate(ORDER, "m", PRICES, 600, 8)
    assert found.words == 4500
    assert found.tokens_out == pytest.approx(4500 * 1.4, rel=0.1)
    assert found.calls == 18
    assert found.sections == 10


def test_a_short_report_needs_no_summary_and_a_small_model_no_outline() -> None:
    found = estimate(replace(ORDER, query="A 300 word overview of bees"), "m", PRICES, 170, 4)
    assert found.calls == found.sections == 3


def test_the_cost_is_that_of_the_tokens() -> None:
    found = estimate(ORDER, "m", PRICES, 600, 8)
    assert found.cost_usd == pytest.approx((found.tokens_in * 3 + found.tokens_out * 15) / 1_000_000)
    assert found.max_cost_usd is not None
    assert found.cost_usd * 2 < found.max_cost_usd < found.cost_usd * 6


def test_the_dearer_figure_is_enough_for_what_the_budget_sets_aside_when_nothing_goes_wrong() -> None:
    found = estimate(ORDER, "m", PRICES, 600, 8)
    made = prompts_of(ORDER, found.words, 600)
    prompts = sum(most_prompt_tokens([{"role": "user", "content": text}]) + 16 for text in made)
    assert found.max_cost_usd is not None
    assert found.max_cost_usd > (prompts * 3 + (4500 * 1.03 * 2 + 80 * len(made)) * 15) / 1_000_000


def test_without_a_price_there_is_no_cost() -> None:
    found = estimate(ORDER, "another", PRICES, 600, 8)
    assert (found.cost_usd, found.max_cost_usd) == (None, None)
    assert found.tokens_out > 4500


def test_background_makes_every_request_longer() -> None:
    plain, more = (estimate(replace(ORDER, context=context), "m", PRICES, 600, 8) for context in ("", BACKGROUND))
    assert more.tokens_in - plain.tokens_in > 16 * 350
    assert more.tokens_out == plain.tokens_out


def test_it_needs_neither_templates_nor_the_model_s_client() -> None:
    absent = ("openai", "jinja2", "markdown_it", "fpdf")
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({absent!r}))\n"
        "from chalicelib.generation.assignment import Assignment\n"
        "from chalicelib.generation.estimate import estimate\n"
        "print(estimate(Assignment('r', 't', '', 'bees', 'Bee', '2026'), 'm', {}, 600, 8).words)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == "3500\n"
