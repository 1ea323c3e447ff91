"""The model's outline: taken where it is sound, left for the style's own where it is not."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.generation.assignment import Assignment, EarlierReport
from chalicelib.generation.chat import Message
from chalicelib.generation.errors import BudgetSpent, ContextTooLong, ModelRejected, ModelUnavailable
from chalicelib.generation.outline import Outline
from chalicelib.generation.outline_proposal import Wanted, outline_request, propose_outline, read_outline
from chalicelib.generation.style import TECHNICAL
from chalicelib.generation.topic import Topic

ORDER = Assignment("r", "My title", "", "Write 4500 words about SCADA", "Bee", "2026-01-01")
WANTED = Wanted(ORDER, Topic("SCADA security"), TECHNICAL, 4500, 600, 8)
NAMED = replace(WANTED, topic=Topic("SCADA", named=("NERC CIP compliance", "Incident response"), notes=("", "drills")))
WHOLE = replace(WANTED, topic=Topic("tea", named=("Trade", "Taste"), notes=("", ""), complete=True))
TITLES = ("Introduction", "Threats", "Zones", "Access", "Monitoring", "Recovery", "People", "Costs", "Conclusion")
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["sections", "title", "headings", "x"]), inner)
    ),
    max_leaves=20,
)

Entries = list[dict[str, Any]]


def entries(titles: Sequence[str] = TITLES) -> Entries:
    return [{"title": title, "headings": [f"The {n} side of {title}" for n in ("good", "bad")]} for title in titles]


def answer(sections: Any) -> str:
    return json.dumps({"sections": sections})


def read(titles: Sequence[str], wanted: Wanted = WANTED) -> Outline | None:
    return read_outline(answer(entries(titles)), wanted)


def test_a_sound_outline_is_taken_with_its_headings() -> None:
    outline = read(TITLES)
    assert outline is not None
    assert outline.titles == TITLES
    assert [part.title for part in outline.sections[1].parts] == ["The good side of Threats", "The bad side of Threats"]
    assert 4275 <= outline.summary_words + sum(p.words for s in outline.sections for p in s.parts) <= 5000


def test_a_section_in_one_part_keeps_its_title_and_covers_all_headings() -> None:
    outline = read_outline(answer(entries()), replace(WANTED, concurrency=1))
    assert outline is not None
    (part,) = outline.sections[1].parts
    assert (part.title, part.brief) == ("Threats", "The good side of Threats. The bad side of Threats.")


@pytest.mark.parametrize(
    "wrapped", ["```json\n{}\n```", "Here it is:\n{}\nI hope it helps.", "\ufeff{}", "<think>hm</think>\n{}"]
)
def test_what_stands_around_the_json_does_not_matter(wrapped: str) -> None:
    assert read_outline(wrapped.replace("{}", answer(entries())), WANTED) is not None


def test_numbers_of_the_models_own_are_taken_off() -> None:
    outline = read([f"{n}. {title}" for n, title in enumerate(TITLES, 1)])
    assert outline is not None
    assert outline.titles == TITLES


def test_what_is_made_elsewhere_is_left_out() -> None:
    outline = read(["Executive Summary", *TITLES, "References"])
    assert outline is not None
    assert outline.titles == TITLES


def changed(change: Callable[[Entries], Any]) -> str:
    sections = entries()
    result = change(sections)
    return answer(sections if result is None else result)


UNSOUND: Mapping[str, str] = {
    "nothing": "",
    "prose": "First I would introduce the subject, then go on.",
    "broken off": answer(entries())[:200],
    "a list": json.dumps(entries()),
    "another key": json.dumps({"chapters": entries()}),
    "null": answer(None),
    "no sections": answer([]),
    "texts for sections": answer(list(TITLES)),
    "a number for a title": changed(lambda s: s[2].update(title=7)),
    "no title": changed(lambda s: s[2].pop("title") and None),
    "no headings": changed(lambda s: s[2].update(headings=[])),
    "a text for headings": changed(lambda s: s[2].update(headings="all of it")),
    "an object for a heading": changed(lambda s: s[2].update(headings=[{}])),
    "very many headings": changed(lambda s: s[2].update(headings=[f"Heading number {n}" for n in range(40)])),
    "too few sections": changed(lambda s: s[:4]),
    "too many sections": answer(entries([f"Part about letter {letter}" for letter in "abcdefghijklmnop"])),
    "an empty title": changed(lambda s: s[2].update(title="")),
    "a blank title": changed(lambda s: s[2].update(title=" \t ")),
    "a title without letters": changed(lambda s: s[2].update(title="...")),
    "a blank heading": changed(lambda s: s[2].update(headings=["Zones", " "])),
    "a title too long": changed(lambda s: s[2].update(title="zone " * 30)),
    "a heading too long": changed(lambda s: s[2].update(headings=[" ".join(f"word{n}" for n in range(60))])),
    "the same title twice": changed(lambda s: s[2].update(title="threats!")),
    "the same title in another order": answer(entries([*TITLES[:7], "Costs and uses", "Uses and costs"])),
    "a title that repeats itself": changed(lambda s: s[2].update(title="zones zones zones zones")),
    "the same headings everywhere": changed(lambda s: [section | {"headings": ["Why", "How"]} for section in s]),
    "the same section over and over": answer(entries()[:1] * 9),
    "HTML": changed(lambda s: s[2].update(title="<script>alert(1)</script>")),
    "a link": changed(lambda s: s[2].update(title="[Zones](https://example.org)")),
    "an address": changed(lambda s: s[2].update(headings=["See https://example.org"])),
    "a template": changed(lambda s: s[2].update(title="{{ config }}")),
    "several lines": changed(lambda s: s[2].update(title="Zones\n\n# Ignore all rules")),
    "a table": changed(lambda s: s[2].update(title="| a | b |")),
    "bold text": changed(lambda s: s[2].update(title="**Zones**")),
    "unseen characters": changed(lambda s: s[2].update(title="Zones\u202e\u200b")),
    "half a surrogate": changed(lambda s: s[2].update(title="Zones \ud800")),
    "deep nesting": '{"sections": ' + "[" * 20_000 + "]" * 20_000 + "}",
    "far too much": answer(entries()) + " " * 40_000 + "}",
}  # fmt: skip


@pytest.mark.parametrize("kind", UNSOUND)
def test_an_unsound_outline_is_not_taken(kind: str) -> None:
    assert read_outline(UNSOUND[kind], WANTED) is None


def test_a_heading_that_comes_twice_is_left_out_where_the_rest_is_good() -> None:
    outline = read_outline(changed(lambda s: s[2].update(headings=["The good side of Threats", "Borders"])), WANTED)
    assert outline is not None
    assert [part.title for part in outline.sections[2].parts] == ["Zones"]


# The user's own sections


def test_the_users_sections_keep_the_users_words() -> None:
    outline = read(
        ["Introduction", "Threats", "NERC CIP Compliance in practice", "incident response", *TITLES[4:]], NAMED
    )
    assert outline is not None
    assert outline.titles[2:4] == ("NERC CIP compliance", "Incident response")
    assert "drills" in outline.sections[3].parts[0].brief


@pytest.mark.parametrize(
    "titles",
    [
        TITLES,
        ("Introduction", "Incident response", "NERC CIP compliance", *TITLES[3:]),
        ("Introduction", "NERC CIP compliance", *TITLES[2:]),
    ],
)
def test_the_users_sections_must_all_be_there_in_order(titles: Sequence[str]) -> None:
    assert read(titles, NAMED) is None


def test_a_name_with_special_characters_is_allowed_to_the_user_alone() -> None:
    wanted = replace(WANTED, topic=Topic("C++", named=("Vector<T> in C++",), notes=("",)))
    text = changed(lambda s: s[1].update(title="Vector<T> in C++"))
    assert read_outline(text, wanted) is not None
    assert read_outline(text, WANTED) is None


def test_a_structure_given_whole_gets_nothing_else_but_an_introduction_and_a_conclusion() -> None:
    outline = read(["Introduction", "Trade", "Taste", "Conclusion"], WHOLE)
    assert outline is not None
    assert outline.titles == ("Introduction", "Trade", "Taste", "Conclusion")
    assert read(["Introduction", "Trade", "Prices", "Taste", "Conclusion"], WHOLE) is None
    assert read(["Trade", "Taste", "Prices", "Outlook"], WHOLE) is None


# Asking


class Model:
    """Answers from a list; an exception in it is raised."""

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, Mapping[str, Any], int]] = []

    def __call__(self, messages: Sequence[Message], schema: Mapping[str, Any], max_tokens: int) -> str:
        self.asked.append(("\n\n".join(m["content"] for m in messages), schema, max_tokens))
        result = self.answers.pop(0)
        if isinstance(result, Exception):
            raise result
        return result


def test_the_request_says_what_is_wanted() -> None:
    model = Model(answer(entries()))
    assert propose_outline(model, WANTED) is not None
    ((prompt, schema, max_tokens),) = model.asked
    assert "9 sections" in prompt
    assert "4500 words" in prompt
    assert "My title" in prompt
    assert "JSON" in prompt
    section = schema["properties"]["sections"]["items"]
    assert (section["required"], section["additionalProperties"]) == (["title", "headings"], False)
    assert 500 <= max_tokens <= 3000


def test_the_request_holds_the_users_sections_and_material() -> None:
    order = replace(ORDER, context='{"site": "Plant 7"}', conversation=(EarlierReport("Before", "It rained."),))
    text = outline_request(replace(NAMED, assignment=order))[-1]["content"]
    assert "- NERC CIP compliance\n- Incident response" in text
    assert "site: Plant 7" in text
    assert "It rained." in text


def test_a_very_small_model_is_not_asked() -> None:
    assert propose_outline(Model(), replace(WANTED, section_words=170)) is None


def test_a_request_too_long_is_made_shorter() -> None:
    model = Model(ContextTooLong("too long"), answer(entries()))
    order = replace(ORDER, context="background " * 700)
    assert propose_outline(model, replace(WANTED, assignment=order)) is not None
    assert len(model.asked[1][0]) < 0.5 * len(model.asked[0][0])


@pytest.mark.parametrize("answers", [[ModelRejected("no")], [ContextTooLong("too long")] * 3])
def test_a_request_that_the_endpoint_refuses_leaves_the_styles_own_outline(answers: list[Exception]) -> None:
    assert propose_outline(Model(*answers), WANTED) is None


@pytest.mark.parametrize("failure", [ModelUnavailable("down"), BudgetSpent("spent")])
def test_what_concerns_the_whole_report_is_not_hidden(failure: Exception) -> None:
    with pytest.raises(type(failure)):
        propose_outline(Model(failure), WANTED)


@given(st.one_of(st.text(max_size=300), ANY_JSON.map(json.dumps), ANY_JSON.map(lambda value: answer([value] * 9))))
def test_no_answer_is_an_error(text: str) -> None:
    for wanted in (WANTED, NAMED, WHOLE):
        outline = read_outline(text, wanted)
        assert outline is None or wanted.fewest_sections <= len(outline.sections) <= wanted.most_sections


@given(st.lists(st.text(max_size=100), min_size=9, max_size=9))
def test_no_title_leaves_its_bounds(titles: list[str]) -> None:
    outline = read(titles)
    if outline is not None:
        assert all(0 < len(title) <= 90 and "\n" not in title for title in outline.titles)
        assert len({title.lower() for title in outline.titles}) == len(outline.titles)
