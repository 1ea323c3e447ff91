import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.generation.markdown_text import (
    heading_title,
    is_unfinished,
    open_fence,
    sentences,
    to_finished,
    to_last_sentence,
    without_code,
    without_last_heading,
    words,
)


@pytest.mark.parametrize(
    ("cut", "kept"),
    [
        ("One is done. Two is not", "One is done."),
        ("One is done. Two is, too.", "One is done. Two is, too."),
        ("A paragraph.\n\nAn unfinished one", "A paragraph."),
        ("A paragraph.\n\n| a | b", "A paragraph.\n\n| a | b"),
        ("Code:\n```\nx = 1. And", "Code:\n```\nx = 1. And"),
        ("nothing complete", "nothing complete"),
        ("He said “yes.” And then", "He said “yes.”"),
    ],
)
def test_an_unfinished_sentence_is_dropped_but_never_code_or_a_table(cut: str, kept: str) -> None:
    assert to_last_sentence(cut) == kept


@given(st.text())
def test_what_remains_is_a_beginning_of_the_text(text: str) -> None:
    assert text.startswith(to_last_sentence(text))


def test_an_open_fence_is_noticed() -> None:
    assert open_fence("```python\nx")
    assert not open_fence("```python\nx\n```\n")
    assert open_fence("~~~\n```\n")


def test_sentences_are_those_of_the_prose() -> None:
    assert sentences("One. Two!\n```\nThree.\n```\n| Four. |\nFive") == ["One.", "Two!", "Five"]


def test_scripts_without_spaces_have_words_too() -> None:
    assert words("one two") == 2
    assert words("这是一个关于网络安全的报告") > 5


@pytest.mark.parametrize(
    "text",
    [
        "It ends here.",
        "He said “yes.”",
        "- a point\n- another point",
        "| a | b |\n| --- | --- |\n| 1 | 2 |",
        "```\nx = 1\n```",
        "これは文です。",
        "ประโยคนี้ไม่มีจุด",
        "",
    ],
)
def test_what_is_finished_is_told_so(text: str) -> None:
    assert not is_unfinished(text)
    assert to_finished(text) == text


@pytest.mark.parametrize(
    ("text", "finished"),
    [
        ("One. And then the", "One."),
        ("One.\n\n### Next", "One."),
        ("One.\n\nThe points are:", "One."),
        ("One.\n\n**Next**", "One."),
        ("One.\n\n### Next\n\nThe points", "One."),
    ],
)
def test_what_breaks_off_is_cut_to_what_is_whole(text: str, finished: str) -> None:
    assert is_unfinished(text)
    assert to_finished(text) == finished


@given(st.text())
def test_what_is_cut_to_is_a_beginning_of_the_text(text: str) -> None:
    assert text.startswith(to_finished(text))
    assert text.startswith(without_last_heading(text))


def test_code_of_every_kind_is_left_out_for_judging() -> None:
    text = "Prose `<p>` and ``<|im_end|>``.\n\n    <div>\n\n```html\n<p>\n```\nend"
    assert "<" not in without_code(text)
    assert without_code(text).startswith("Prose")


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("# Growth", "Growth"),
        ("   ### Growth of C# ##  ", "Growth of C#"),
        ("## C#", "C#"),
        ("## ", ""),
        ("**Growth:**", "Growth"),
        ("__Growth__:", "Growth"),
        ("#Growth", None),
        ("#", None),
        ("**Growth** is", None),
        ("# a" + " " * 50_000 + "b", "a" + " " * 50_000 + "b"),
    ],
)
def test_titles_of_headings(line: str, title: str | None) -> None:
    assert heading_title(line) == title
