from hypothesis import given
from hypothesis import strategies as st

from chalicelib.generation.limits import cut_to_limit
from chalicelib.generation.markdown_text import cut_to, open_fence, words
from tests.model_server.text import answer

TEXTS = [answer(seed=seed, words=200) for seed in range(4)]


def test_a_report_within_its_limit_is_untouched() -> None:
    assert cut_to_limit(TEXTS, [200] * 4, sum(map(words, TEXTS))) == TEXTS


@given(st.integers(min_value=120, max_value=900))
def test_a_report_over_its_limit_is_cut_below_it_but_not_far(limit: int) -> None:
    cut = cut_to_limit(TEXTS, [200] * 4, limit)
    total = sum(map(words, cut))
    assert total <= limit
    assert total >= limit * 0.4 - 80
    assert all(text.startswith(shorter[:20]) for text, shorter in zip(TEXTS, cut, strict=True))


def test_what_has_its_planned_length_is_kept_and_what_is_far_above_it_is_cut() -> None:
    long = answer(seed=9, words=600)
    cut = cut_to_limit([TEXTS[0], long], [210, 200], 450)
    assert cut[0] == TEXTS[0]
    assert words(cut[1]) < 250


@given(st.integers(min_value=10, max_value=400))
def test_a_cut_text_ends_with_a_whole_sentence_table_or_list(limit: int) -> None:
    cut = cut_to(answer(seed=2, words=400), limit)
    assert cut.rstrip()[-1] in ".|"


def test_code_is_kept_whole_or_not_at_all() -> None:
    text = "A sentence stands here.\n\n```\n" + "x = 1\n" * 40 + "```\n\nAnother sentence."
    cut = cut_to(text, 60)
    assert cut == "A sentence stands here."
    assert not open_fence(cut)
