"""Finding chunks: by words, by meaning, by both; in segments that are merged, filtered, written and read again."""

from __future__ import annotations

import math
import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.knowledge.bm25 import K1, B, search
from chalicelib.knowledge.chunks import Chunk
from chalicelib.knowledge.ranking import approximate_tokens, diverse, merged_ranks, within
from chalicelib.knowledge.segment import BrokenSegmentError, Segment, SegmentDocument, indexed_text, merged, segment_of
from chalicelib.knowledge.vectors import Vectors, nearest, quantised
from chalicelib.knowledge.words import words_of


def segment(name: str, *texts: str, vectors: Any = (), model: str = "") -> Segment:
    chunks = [Chunk(text, 0, max(1, len(text)), page=number) for number, text in enumerate(texts, 1)]
    return segment_of(SegmentDocument(name, "", f"{name}.txt"), chunks, vectors, model)


def told(segments: list[Segment], query: str, count: int = 10, hidden: Any = ()) -> list[str]:
    return [segments[hit.segment].chunk(hit.chunk).text for hit in search(segments, query, count, hidden)]


# Words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("policies", "policy"),
        ("Networks'", "network"),
        ("segmenting", "segmented"),
        ("stopped", "stop"),
        ("stores", "storing"),
        ("the hive's", "hives"),
        ("Größe", "GRÖSSE"),
        ("naïve", "naive"),
        ("ＣＶＥ-２０２４", "cve 2024"),
    ],
)
def test_words_that_are_the_same(one: str, other: str) -> None:
    assert list(words_of(one)) == list(words_of(other)) != []


def test_words_that_are_not() -> None:
    assert len({tuple(words_of(word)) for word in ("bus", "bed", "bring", "this", "glass", "analysis", "ring")}) == 7
    assert list(words_of("this")) == []


def test_scripts_without_spaces_are_found_by_a_part() -> None:
    found = told([segment("a", "東京都は日本の首都です"), segment("b", "大阪は都市です")], "日本の首都")
    assert found[0] == "東京都は日本の首都です"


@pytest.mark.parametrize("text", ["пчёлы зимуют", "النحل في الشتاء", "मधुमक्खी", "ผึ้งในฤดูหนาว", "Straße"])
def test_any_script_finds_itself(text: str) -> None:
    assert told([segment("a", text), segment("b", "other words")], text)[0] == text


# BM25

WORDS = [f"w{number}" for number in range(12)]
texts = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=30).map(" ".join), min_size=1, max_size=12)


def by_definition(chunks: list[str], query: str) -> list[float]:
    counted = [Counter(words_of(chunk)) for chunk in chunks]
    average = sum(one.total() for one in counted) / len(counted)
    scores = []
    for one in counted:
        score = 0.0
        for word in set(words_of(query)):
            having = sum(word in other for other in counted)
            weight = math.log(1 + (len(counted) - having + 0.5) / (having + 0.5))
            if one[word]:
                score += weight * one[word] / (one[word] + K1 * (1 - B + B * one.total() / average))
        scores.append(score)
    return scores


@given(st.lists(texts, min_size=1, max_size=4), st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join))
@settings(max_examples=50, deadline=None)
def test_scores_are_those_of_the_definition_however_the_chunks_are_divided(parts: list[list[str]], query: str) -> None:
    segments = [segment(f"d{number}", *part) for number, part in enumerate(parts)]
    every = [text for part in parts for text in part]
    wanted = sorted((score for score in by_definition(every, query) if score), reverse=True)
    for form in (segments, [merged(segments)], [Segment.from_bytes(merged(segments).to_bytes())]):
        found = [hit.score for hit in search(form, query, len(every))]
        assert found == pytest.approx(wanted)


@given(st.lists(texts, min_size=2, max_size=5), st.integers(0, 4))
@settings(max_examples=40, deadline=None)
def test_a_segment_without_a_document_is_as_if_it_had_never_been(parts: list[list[str]], number: int) -> None:
    segments = [segment(f"d{n}", *part) for n, part in enumerate(parts)]
    gone = f"d{number % len(parts)}"
    assert merged([merged(segments)], without={gone}) == merged([s for s in segments if s.documents[0].id != gone])


def test_hidden_documents_are_not_found() -> None:
    both = merged([segment("a", "honey"), segment("b", "honey too")])
    assert told([both], "honey", hidden=[{0}]) == ["honey too"]


def test_a_query_of_no_use_finds_nothing() -> None:
    segments = [segment("a", "honey")]
    assert [told(segments, query) for query in ("", "the of and", "???", "wax")] == [[], [], [], []]
    assert search([], "honey", 5) == []


def test_titles_and_headings_help() -> None:
    chunk = Chunk("Feed them.", 0, 10, headings=("Winter stores",))
    found = segment_of(SegmentDocument("a", "Keeping bees", "a.md"), [chunk])
    assert search([found], "bees in winter", 5)
    assert "Winter stores" in indexed_text("Keeping bees", chunk)


@pytest.mark.parametrize("content", [b"", b"KSG1", b"other" * 9, segment("a", "text").to_bytes()[:-1]])
def test_what_is_no_segment_is_refused(content: bytes) -> None:
    with pytest.raises(BrokenSegmentError):
        Segment.from_bytes(content)


# Vectors


def random_vectors(count: int, size: int, seed: int) -> list[list[float]]:
    drawn = random.Random(seed)
    return [[drawn.gauss(0, 1) for _ in range(size)] for _ in range(count)]


def cosine(one: list[float], other: list[float]) -> float:
    return sum(map(lambda a, b: a * b, one, other)) / math.hypot(*one) / math.hypot(*other)


def test_the_nearest_are_found_among_many() -> None:
    every = random_vectors(1_500, 64, 1)
    kept = [Vectors.of("m", every[:500], 500), Vectors.of("m", every[500:], 1000)]
    planted = alike = 0
    for wanted in random_vectors(20, 64, 2):
        for n in (7, 700, 1499):
            near = [a + 0.35 * b for a, b in zip(every[n], wanted, strict=True)]
            _, part, chunk = nearest(kept, near, "m", 1)[0]
            planted += part * 500 + chunk == n
        exact = sorted(range(len(every)), key=lambda n: -cosine(every[n], wanted))[:5]
        alike += len(set(exact) & {part * 500 + chunk for _, part, chunk in nearest(kept, wanted, "m", 5)})
    assert planted == 60
    assert alike >= 80, "of 100, among directions that have nothing in common"


def test_vectors_of_another_model_or_size_find_nothing() -> None:
    kept = [Vectors.of("m", [[1.0, 0.0]], 1)]
    assert nearest(kept, [1.0, 0.0], "m", 1)[0][0] == pytest.approx(1)
    assert nearest(kept, [1.0, 0.0], "other", 1) == nearest(kept, [1.0], "m", 1) == []


def nearest_text(form: Segment, wanted: list[float]) -> str:
    return form.chunk(nearest([form.vectors], wanted, "m", 1)[0][2]).text


def test_vectors_stay_with_their_chunks() -> None:
    one = segment("a", "x", "y", vectors=[[1.0, 0.0], [0.0, 1.0]], model="m")
    two = segment("b", "z", vectors=[[-1.0, 0.0]], model="m")
    plain = segment("c", "no vector")
    for form in (merged([one, plain, two]), Segment.from_bytes(merged([one, plain, two]).to_bytes())):
        assert [nearest_text(form, v) for v in ([1.0, 0.0], [0.0, 1.0], [-1.0, 0.0])] == list("xyz")
        left = merged([form], without={"a"})
        assert nearest_text(left, [-1.0, 0.0]) == "z"


@pytest.mark.parametrize("vector", [[], [0.0, 0.0], [math.nan, 1.0], [math.inf]])
def test_what_is_no_vector_is_refused(vector: list[float]) -> None:
    with pytest.raises(ValueError, match="vector"):
        quantised(vector)


# Ranking


def test_what_both_lists_have_comes_first() -> None:
    ranked = [key for key, _ in merged_ranks([["a", "b", "c"], ["d", "b", "a"]])]
    assert ranked[:2] == ["a", "b"]
    assert set(ranked) == set("abcd")


def test_several_documents_get_their_turn() -> None:
    found = [("a", 10.0), ("a", 9.9), ("a", 9.8), ("b", 8.5), ("c", 2.0)]
    ordered = list(diverse(found, lambda one: one[1], lambda one: one[0]))
    assert [document for document, _ in ordered] == ["a", "b", "a", "a", "c"]


def test_a_budget_is_kept_and_filled() -> None:
    texts = ["x" * 350, "y" * 3500, "z" * 350]
    kept = list(within(300, texts, lambda text: text))
    assert kept == [texts[0], texts[2]]
    assert sum(map(approximate_tokens, kept)) <= 300
    assert approximate_tokens("hello world") >= 3
