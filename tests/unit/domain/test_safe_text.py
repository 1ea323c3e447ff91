"""Text of others in our sentences: it is shown as it is, and is never markup, a citation or a link."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.document import CodeSpan, Paragraph, Text, plain_text
from chalicelib.domain.safe_text import (
    any_mixed,
    as_markdown,
    first_sentence,
    mixes_alphabets,
    plain_line,
    quoted,
)
from chalicelib.rendering.parse_markdown import parse_with_footnotes


@pytest.mark.parametrize(
    "text",
    [
        "**bold** and _em_ and ~~struck~~",
        "[click](http://evil.example/x)",
        "![image](x.png)",
        "<script>alert(1)</script>",
        "[fnd_01] and [^1] and [3]",
        "# heading",
        "1. item",
        "- item",
        "&lt;b&gt; &amp; &#60;",
        "a `code` span",
        r"back\slash and C:\users",
        "see https://evil.example/?a=1 or www.evil.example",
        "| a | b |",
        "---",
        "===",
        "__init__.py and snake_case_name",
        "mail root@example.org",
    ],
)
def test_text_is_shown_as_it_is_and_is_no_markup(text: str) -> None:
    (paragraph,) = parse_with_footnotes(as_markdown(text)).blocks
    assert isinstance(paragraph, Paragraph)
    assert plain_text(paragraph.children) == text
    assert {type(child) for child in paragraph.children} <= {Text, CodeSpan}


@given(st.text(min_size=1, max_size=80))
def test_no_line_of_text_is_markup(text: str) -> None:
    line = plain_line(text, 80)
    blocks = parse_with_footnotes(as_markdown(f"“{line}”")).blocks
    assert len(blocks) == 1
    assert isinstance(blocks[0], Paragraph)
    assert {type(child) for child in blocks[0].children} <= {Text, CodeSpan}
    assert not re.search(r"(?<!\\)\[", as_markdown(line))


@given(st.text(max_size=300), st.integers(1, 60))
def test_a_line_is_one_line_and_within_its_length(text: str, longest: int) -> None:
    line = plain_line(text, longest)
    assert len(line) <= longest
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029]", line)


def test_a_long_line_is_cut_between_words() -> None:
    assert plain_line("subprocess call with shell=True", 20) == "subprocess call…"
    assert plain_line("x" * 10_000_000, 10) == "x" * 9 + "…"


def test_a_quotation_has_our_quotation_marks_alone() -> None:
    assert quoted('He said "no".', 40) == "“He said 'no'”"
    assert quoted("  ", 40) == "“untitled”"


@pytest.mark.parametrize("path", ["setuptools/wheel.py", "jaraco/context/__init__.py", "a/_b.py", "/opt/app/x.conf"])
def test_every_path_of_a_file_is_code(path: str) -> None:
    assert as_markdown(f"in {path}, too") == f"in `{path}`, too"


@pytest.mark.parametrize("text", ["temp file/directory use.", "and/or", "net 10.0.0.0/8", "http and https."])
def test_other_words_are_none(text: str) -> None:
    assert as_markdown(text) == text


def test_the_first_sentence_of_a_text() -> None:
    assert first_sentence("It was read at 09:14. Nothing else.", 100) == "It was read at 09:14."
    assert first_sentence("v1.2 of a.py is old", 100) == "v1.2 of a.py is old"


def test_names_that_mix_alphabets_are_told_from_others() -> None:
    cyrillic_a = "\N{CYRILLIC SMALL LETTER A}"
    assert mixes_alphabets(f"fin-l{cyrillic_a}p-07")
    assert mixes_alphabets("\N{FULLWIDTH LATIN SMALL LETTER A}bc")
    assert not mixes_alphabets("fin-lap-07")
    assert not mixes_alphabets("сервер-1")
    assert not mixes_alphabets("Zürich")
    assert any_mixed(["a", f"b{cyrillic_a}", f"b{cyrillic_a}"]) == [f"b{cyrillic_a}"]
