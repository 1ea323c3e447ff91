from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.document import Link, block_texts, walk_inlines
from chalicelib.generation.citation_marks import (
    citations_in,
    cited_numbers,
    with_literal_citations,
    with_plain_citations,
    without_citations,
)
from chalicelib.generation.claim_parts import LONGEST_SENTENCE
from chalicelib.generation.claims import claims_in, plain_sentence, without_sentences
from chalicelib.rendering.parse_markdown import parse_markdown

KNOWN = frozenset({1, 2, 3})


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("It grew [1].", "It grew [1]."),
        ("It grew.[1]", "It grew [1]."),
        ("It grew. [1] Then it fell [2][3].", "It grew [1]. Then it fell [2][3]."),
        ("It grew [1, 2].", "It grew [1][2]."),
        ("It grew [1; 2 and 3].", "It grew [1][2][3]."),
        ("It grew [1-3].", "It grew [1][2][3]."),
        ("It grew [1\u20133].", "It grew [1][2][3]."),
        ("It grew (Source 1).", "It grew [1]."),
        ("It grew (see sources 1 and 3).", "It grew [1][3]."),
        ("It grew [Source 1][Source 2].", "It grew [1][2]."),
        ("It grew [1, p. 12].", "It grew [1]."),
        ("It grew【1】.", "It grew [1]."),
        ("It grew【2†source】 more.", "It grew [2] more."),
        ("It grew^1^.", "It grew [1]."),
        ("It grew.¹ Then it fell.", "It grew [1]. Then it fell."),
        ("It grew \\[1\\].", "It grew [1]."),
        ("It grew [^1].\n\n[^1]: Source 1, page 3", "It grew [1].\n"),
        ("As source 2 says, it grew.", "As source [2] says, it grew."),
        ("Text **in bold.**[1] Next", "Text **in bold [1].** Next"),
        ("| a | b [1] |\n|---|---|\n| x. [2] | y |", "| a | b [1] |\n|---|---|\n| x [2]. | y |"),
        ("It grew [1](see above).", "It grew [1] (see above)."),
        ("It grew [1].\n\n## References\n\n[1] A title\n[2] Another", "It grew [1].\n"),
        ("It grew [1](https://elsewhere.example) [[2]](#two).", "It grew [1][2]."),
        ("It grew [[9]](https://elsewhere.example).", "It grew."),
        ("It grew [1].\n\n[1]: https://elsewhere.example", "It grew [1].\n"),
        ("> [1]: <https://elsewhere.example> 'x'\n\nIt grew [1].", "\nIt grew [1]."),
        ("It grew.\n[1][2]\n\nIt fell.\n\n- [2]", "It grew [1][2].\n\nIt fell [2]."),
        ("## Growth [1]\n[2]\nIt grew [1].", "## Growth\n[2]\nIt grew [1]."),
        ("1. **A point**\n\n    It grew (Source 1).", "1. **A point**\n\n    It grew [1]."),
        ("- a\n\n  - b\n\n    It grew [1, 9].", "- a\n\n  - b\n\n    It grew [1]."),
        ("- a\n    - b (Source 2)", "- a\n    - b [2]"),
        ("It grew [1].\n\n**Sources:**\n- Source 1: A title\n", "It grew [1].\n"),
    ],
)
def test_what_models_write_comes_into_one_form(written: str, plain: str) -> None:
    assert with_plain_citations(written, KNOWN).text == plain


@pytest.mark.parametrize(
    "text",
    [
        "See `a[1]` and [12](http://x.example/1) and http://x.example/[2].",
        "```\na[1] = b[2]\n```",
        "    code[1]",
        "Text:\n\n    code[1]",
        "- item\n\n        code[1]",
        "- item\n\nNo item.\n\n    code[1]",
        "## Heading\n    code[1]",
        "The area is 3 m² and the range [0, 1].",
        "In [2024] it grew.",
        "It grew [^1].\n\n[^1]: Measured in spring.",
        "- [ ] to do\n- [x] done",
        "1. first\n2. second",
    ],
)
def test_other_numbers_are_none(text: str) -> None:
    cited = with_plain_citations(text, KNOWN)
    assert cited.text == text
    assert cited.unknown == ()
    assert cited_numbers(text) == ()


def test_numbers_of_no_source_go_and_are_counted() -> None:
    cited = with_plain_citations("It grew [9]. It fell [1, 8] and rose (source 7).", KNOWN)
    assert cited.text == "It grew. It fell [1] and rose."
    assert cited.unknown == (9, 8, 7)


@given(st.text(alphabet="ab [](),;.-^`\\【】¹|*\n123 source", max_size=80))
def test_the_one_form_stays_as_it_is_and_loses_no_words(text: str) -> None:
    once = with_plain_citations(text, KNOWN)
    again = with_plain_citations(once.text, KNOWN)
    assert again.unknown == () or "source" in text
    assert cited_numbers(again.text) == cited_numbers(once.text)
    assert set(cited_numbers(once.text)) <= KNOWN | {0} or "`" in text


@pytest.mark.parametrize(
    "part",
    [
        *("[1,", "(source 1 and ", "^1", "[1](x", "`a[1]", "【1", "[[[", "\\[", ".", "[1-", "[ ", "[1] ", "> ", "**"),
        *("A b [1]. ", "**a ", "*a ", "~~a ", "\n", "\n- a [1]", "\n| a [1] |", "\u2028", "| a [1] "),
    ],
)
def test_long_hostile_texts_take_time_in_proportion(part: str) -> None:
    started = time.process_time()
    list(claims_in(with_plain_citations(f"{part * (60_000 // len(part))}[1].", KNOWN).text))
    assert time.process_time() - started < 5


@pytest.mark.parametrize("run", [" ", "`", "\r", "\u3000", "#"])
@pytest.mark.parametrize("lead", ["[1", "(source", "source 1", "# a", "[1]", "", "[a]("])
def test_long_runs_of_one_sign_take_time_in_proportion(run: str, lead: str) -> None:
    started = time.process_time()
    for end in ("x [1].", "\n", ")"):
        list(claims_in(with_plain_citations(f"{lead}{run * 20_000}{end}", KNOWN).text))
    assert time.process_time() - started < 5


def test_sentences_behind_their_citations_are_no_list_of_references() -> None:
    text = "What is known:\n\n[1] The station went into operation.\n[2] Colonies need stores."
    assert with_plain_citations(text, KNOWN).text == text
    listed = "It grew [1] and fell [2].\n\n[1] A title\n[2] Another"
    assert with_plain_citations(listed, KNOWN).text == "It grew [1] and fell [2]."


@pytest.mark.parametrize("end", ["\u2028", "\x0c", "\x85", "\r"])
def test_odd_ends_of_lines_do_not_shift_what_is_code(end: str) -> None:
    text = f"One{end}two{end}three grew [1].\n\n```\nx = a[1]\n```\n\nIt fell [2]."
    assert cited_numbers(text) == (1, 2)
    assert cited_numbers(f"One{end}two\n\n```\nx = a[3]\n```\n") == ()


def test_code_beside_a_sentence_is_no_part_of_it() -> None:
    (claim,) = claims_in("It grew by 5 percent [1]\n```\nx = 99\n```\n")
    assert claim.sentence == "It grew by 5 percent"


def test_a_row_that_begins_with_its_citation_is_marked_inside_its_last_cell() -> None:
    row = "| [1] | The pump uses less |"
    (claim,) = claims_in(row)
    assert row[: claim.marked_at] == "| [1] | The pump uses less"


def test_a_sentence_too_long_to_be_compared_stays_too_long_without_its_spaces() -> None:
    (claim,) = claims_in("It grew " + "by a lot " * 900 + "[1].")
    assert len(claim.sentence) > LONGEST_SENTENCE
    (claim,) = claims_in("It grew" + " " * 9_000 + "by 5 percent [1].")
    assert claim.sentence == "It grew by 5 percent."


def test_claims_are_sentences_that_cite_with_their_places() -> None:
    text = (
        "Alpha is large. Beta grew by 5 percent [1].\nGamma fell in May [2], while **Delta** rose [1][3].\n\n"
        "- Item one grew [2]\n"
    )
    claims = list(claims_in(text))
    assert [(claim.sentence, claim.numbers) for claim in claims] == [
        ("Beta grew by 5 percent.", (1,)),
        ("Gamma fell in May, while Delta rose.", (2, 1, 3)),
        ("Item one grew", (2,)),
    ]
    assert [text[: claim.marked_at][-3:] for claim in claims] == ["[1]", "[3]", "[2]"]
    assert without_sentences(text, claims[:1]).startswith("Alpha is large. ")
    assert "Beta" not in without_sentences(text, claims[:1])


def test_a_sentence_that_begins_with_its_citation_is_marked_at_its_end() -> None:
    (claim,) = claims_in("[1] It grew by 5 percent. It fell.")
    assert claim.sentence == "It grew by 5 percent."
    assert claim.marked_at == len("[1] It grew by 5 percent")


def test_headings_tables_and_code() -> None:
    text = "# Growth of Alpha [1]\n\n| Pump | uses 35 percent less [2] |\n\n`x = a[1]`"
    assert [(claim.sentence, claim.numbers) for claim in claims_in(text)] == [("Pump; uses 35 percent less", (2,))]
    assert plain_sentence("> 1. **It** [grew](http://x.example) `much` [1].") == "It grew much."
    assert without_citations("It grew [1][2], and fell [3].") == "It grew, and fell."
    assert [numbers for _, _, numbers in citations_in("a [1][2] b\nc [3]")] == [(1, 2), (3,)]


@pytest.mark.parametrize(
    "text",
    [
        "**Bees need 81 boxes [1].**",
        "Bees need 81 boxes.\n[1]",
        "- a\n\n    Bees need 81 boxes [1].",
        "> Bees need 81 boxes.\n> [1]",
    ],
)
def test_no_sentence_that_cites_escapes_its_check(text: str) -> None:
    claims = claims_in(with_plain_citations(text, KNOWN).text)
    assert [(claim.sentence, claim.numbers) for claim in claims] == [("Bees need 81 boxes.", (1,))]


@pytest.mark.parametrize("line", ["[1]:\nhttps://elsewhere.example", "[2]: elsewhere", "- [1]: /path 'x'", ""])
@pytest.mark.parametrize("text", ["It grew [1][2].", "It [grew][1] here [2].", "Code `a[1]`, and [2] [1]."])
def test_no_line_of_a_model_s_says_where_a_citation_leads(line: str, text: str) -> None:
    plain = with_plain_citations(f"{line}\n\n{text}\n\n{line}", KNOWN).text
    blocks = parse_markdown(with_literal_citations(plain, KNOWN))
    assert not [node for node in walk_inlines(blocks) if isinstance(node, Link)]
    shown = "\n".join(block_texts(blocks))
    assert "a[1]" in shown or "[1]" in shown
    assert "\\" not in shown


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (
            "It grew: [the report [1] of May](https://x.example/a).",
            "It grew: [the report of May](https://x.example/a) [1].",
        ),
        ("It [grew [1][2]](https://x.example).", "It [grew](https://x.example) [1][2]."),
        ("It grew [[1][2]](https://x.example).", "It grew [1][2]."),
        ("It [grew [1]][note].", "It [grew][note] [1]."),
        ("It grew ![a chart [1]](https://x.example/a.png).", "It grew ![a chart](https://x.example/a.png) [1]."),
        ("It grew &#91;1&#93; and fell &lsqb;&#50;&rsqb;.", "It grew [1] and fell [2]."),
        ("It grew **[1]** and fell [*2*].", "It grew [1] and fell [2]."),
        (
            "Call `handlers[names[1]](event)` or `&#91;1&#93;` [2].",
            "Call `handlers[names[1]](event)` or `&#91;1&#93;` [2].",
        ),
    ],
)
def test_what_a_reader_would_take_for_a_citation_is_one(text: str, plain: str) -> None:
    assert with_plain_citations(text, KNOWN).text == plain
    assert with_plain_citations(plain, KNOWN).text == plain


def test_long_runs_of_spaces_behind_a_citation_take_no_longer_than_others() -> None:
    began = time.process_time()
    with_plain_citations(f"It grew.\n[1]{' ' * 30_000}x", KNOWN)
    assert time.process_time() - began < 1
