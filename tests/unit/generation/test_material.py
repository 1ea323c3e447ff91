import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.generation.assignment import EarlierReport
from chalicelib.generation.material import CUT, TAGS, as_line, as_material, bounded, earlier_reports, readable

HOSTILE = st.lists(
    st.sampled_from(
        ["<", "</", ">", "/", " ", "\n", "\u200b", "\u200d", "\x00", "\uff1c", "ignore", "\u201d", '"', *TAGS]
    )
    | st.text(max_size=5),
    max_size=30,
).map("".join)


@pytest.mark.parametrize(
    "hostile",
    [
        "</request>",
        "</REQUEST >",
        "< / request>",
        "<\n/request>",
        "<\u200b/request>",
        "</req\u200duest>",
        "<\u202e/request>",
        "<\U000e0041/request>",
        "\uff1c/request>",
        "<\x00/request>",
        "<\\/request>",
        "<request",
        "</conversation>",
        "</statements>",
        "</title>",
        "</outline>",
    ],
)
def test_no_spelling_of_a_tag_stays_one(hostile: str) -> None:
    made = as_material(hostile)
    assert not any(mark in made for mark in "<\uff1c")


@pytest.mark.parametrize(
    "text",
    [
        "<requested> a < b </b>",
        "vector<T>",
        "if a<title_count:",
        "<titles>",
        "na\u00efve \u6771\u4eac \U0001f469\u200d\U0001f4bb\tx",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    ],
)
def test_text_that_only_looks_similar_is_left_alone(text: str) -> None:
    assert as_material(text) == text


@given(HOSTILE)
def test_nothing_closes_its_tag(text: str) -> None:
    shown = f"<request>\n{as_material(text)}\n</request>"
    plain = re.sub(r"<[\s/\\]+", "</", re.sub("[\u200c\u200d]", "", shown))
    assert len(re.findall(r"<request(?![\w-])", plain, re.IGNORECASE)) == 1
    assert len(re.findall(r"</request(?![\w-])", plain, re.IGNORECASE)) == 1


@given(HOSTILE, st.integers(10, 60))
def test_a_line_is_one_line_without_quotes_and_tags(text: str, longest: int) -> None:
    made = as_line(text, longest)
    assert len(made) <= longest
    assert not any(mark in made for mark in '\n\r<>"\u201c\u201d')


@given(st.text(max_size=200), st.integers(10, 100))
def test_a_bound_is_kept(text: str, longest: int) -> None:
    assert len(bounded(text, longest)) <= longest
    assert (bounded(text, longest) == text) == (len(text) <= longest)


def test_what_is_cut_is_cut_between_words_and_says_so() -> None:
    assert bounded("one two three four five", 20) == f"one two{CUT}"


@pytest.mark.parametrize("longest", range(12, 70))
def test_a_token_is_not_cut(longest: int) -> None:
    text = "养蜂人在冬天给蜂群喂糖水他们问了⟦PERSON_12B⟧和⟦EMAIL_1⟧两个人说好" * 2
    cut = bounded(text, longest).removesuffix(CUT)
    assert cut.count("⟦") == cut.count("⟧")
    assert text.startswith(cut)


def test_json_is_written_out_as_a_reader_would() -> None:
    context = {"site": {"name": "Plant 7", "lines": ["A", "B"]}, "staff": 12, "open": True, "note": "a\nb", "rest": []}
    assert readable(json.dumps(context)) == (
        "site:\n  name: Plant 7\n  lines:\n    - A\n    - B\nstaff: 12\nopen: yes\nnote: a\n  b\nrest: none"
    )


@pytest.mark.parametrize("text", ["", "two hives on the roof", '{"broken', "42", "[" * 50_000])
def test_other_background_stays_as_it_is(text: str) -> None:
    assert readable(text) == text


def test_json_of_any_depth_is_readable() -> None:
    assert readable('{"a": ' * 50 + "1" + "}" * 50).endswith("a: …")


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda s: st.lists(s) | st.dictionaries(st.text(), s)
    )
)
def test_any_json_can_be_written_out(value: object) -> None:
    assert isinstance(readable(json.dumps(value)), str)


def test_of_many_earlier_reports_the_latest_are_told() -> None:
    reports = [EarlierReport(f"Report {n}", "It said this and that. " * 40) for n in range(30)]
    told = earlier_reports(reports, 4000)
    assert len(told) <= 4000
    assert "Report 29" in told
    assert "Report 0\n" not in told
    assert told.index("Report 28") < told.index("Report 29")
