"""Cutting documents into pieces: along their structure, none too long, none lost, each where it says it is."""

from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from chalicelib.knowledge.blocks import Block
from chalicelib.knowledge.chunks import MOST_WORDS, Chunk, chunks_of, document_text, word_count

SENTENCE = "Bees keep their brood at thirty-five degrees in every season. "


def cut(*blocks: Block) -> list[Chunk]:
    return list(chunks_of(blocks))


def test_a_short_section_is_one_piece_under_its_headings() -> None:
    found = cut(
        Block("heading", "Bees", 1, 1),
        Block("paragraph", "Intro.", 1),
        Block("heading", "Winter", 2, 2),
        Block("paragraph", "Feed.", 2),
        Block("list", "- Sugar", 3),
        Block("heading", "Harvest", 3, 2),
        Block("paragraph", "In June.", 3),
        Block("heading", "Hives", 4, 1),
        Block("paragraph", "Wood.", 4),
    )
    assert [(chunk.text, chunk.headings, chunk.page, chunk.last_page) for chunk in found] == [
        ("Intro.", ("Bees",), 1, 1),
        ("Feed.\n\n- Sugar", ("Bees", "Winter"), 2, 3),
        ("In June.", ("Bees", "Harvest"), 3, 3),
        ("Wood.", ("Hives",), 4, 4),
    ]


def test_paragraphs_are_put_together_up_to_a_length_and_overlap_by_a_sentence() -> None:
    paragraphs = [Block("paragraph", (SENTENCE * 8 + f"It ends with number {n}.")) for n in range(1, 11)]
    found = cut(*paragraphs)
    assert 3 <= len(found) <= 6
    for before, after in pairwise(found):
        last = re.findall(r"It ends with number \d+\.", before.text)[-1]
        assert after.text.startswith(last)
        assert after.start < before.end


def test_a_page_ends_a_piece_that_has_enough_words() -> None:
    long, short = [Block("paragraph", SENTENCE * 9, page) for page in (1, 2)], Block("paragraph", SENTENCE, 3)
    assert [(chunk.page, chunk.last_page) for chunk in cut(*long, short, short)] == [(1, 1), (2, 2), (3, 3)]


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    found = cut(Block("paragraph", SENTENCE * 100))
    assert len(found) >= 4
    assert all(chunk.text.endswith("season.") and chunk.text.startswith("Bees keep") for chunk in found)
    assert all(word_count(chunk.text) <= MOST_WORDS for chunk in found)


def test_each_part_of_a_long_table_begins_with_its_first_row() -> None:
    rows = [f"hive {number} | {'honey ' * 10}" for number in range(100)]
    found = cut(Block("table", "\n".join(["Hive | Yield", *rows])))
    assert len(found) >= 4
    assert all(chunk.text.startswith("Hive | Yield\n") for chunk in found)
    assert all(sum(f"hive {number} |" in chunk.text for chunk in found) == 1 for number in range(100))


def test_text_without_spaces_is_cut_as_well() -> None:
    for text in ("蜜蜂在冬天需要糖水。" * 800, "x" * 20_000):
        found = cut(Block("paragraph", text))
        assert len(found) > 3
        assert max(len(chunk.text) for chunk in found) < 5_000


words = st.text(st.sampled_from("abc äß蜂.!? \n"), min_size=1, max_size=60).filter(str.strip)
blocks = st.lists(
    st.builds(
        Block,
        st.sampled_from(["heading", "paragraph", "list", "table", "code"]),
        st.builds(lambda text, times: (text + " ") * times, words, st.sampled_from([1, 2, 40, 400])),
        st.none() | st.integers(1, 9),
        st.integers(1, 6),
    ),
    max_size=12,
)


@given(blocks)
@settings(max_examples=60, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
def test_no_word_is_lost_and_offsets_are_right(given_blocks: list[Block]) -> None:
    whole = document_text(given_blocks)
    found = cut(*given_blocks)
    covered = [False] * len(whole)
    for chunk in found:
        assert chunk.text.strip()
        assert 0 <= chunk.start < chunk.end <= len(whole)
        covered[chunk.start : chunk.end] = [True] * (chunk.end - chunk.start)
        # Between its bounds stands what it says, but for spaces and the first row of a table.
        inside = "".join(whole[chunk.start : chunk.end].split())
        assert "".join(chunk.text.split()).endswith(inside)
    at = 0
    for block in given_blocks:
        if block.kind != "heading":
            assert all(covered[at + n] for n, letter in enumerate(block.text) if not letter.isspace())
        at += len(block.text) + 2


def test_a_piece_of_chinese_is_about_as_long_as_one_of_english() -> None:
    text = "\u8702\u7fa4\u9700\u8981\u98df\u7269\u3002" * 500
    chunks = list(chunks_of([Block("paragraph", text)]))
    assert {len(chunk.text) > 300 for chunk in chunks[:-1]} == {True}
    assert max(len(chunk.text) for chunk in chunks) < 800
