"""The optional engine keeps the promises of the built-in one, and lets nothing through when its service fails."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.privacy.pii_type import PiiType
from chalicelib.privacy.presidio import Presidio, PresidioError

TEXT = "🙂 Anna Kern, anna@kern.example"


def answering(*entries: Any) -> Presidio:
    return Presidio(lambda body: list(entries))


def entry(kind: str, start: int, end: int, score: float = 0.85) -> dict[str, Any]:
    return {"entity_type": kind, "start": start, "end": end, "score": score, "analysis_explanation": None}


def test_its_entities_become_detections_at_characters() -> None:
    found = answering(entry("EMAIL_ADDRESS", 13, 30), entry("PERSON", 2, 11)).detect(TEXT)
    assert [(one.type, one.text) for one in found] == [
        (PiiType.PERSON, "Anna Kern"),
        (PiiType.EMAIL, "anna@kern.example"),
    ]


def test_it_is_asked_with_text_language_and_threshold() -> None:
    asked: list[dict[str, Any]] = []

    def nothing(body: dict[str, Any]) -> Any:
        asked.append(body)
        return []

    Presidio(nothing, language="de", least_score=0.5).detect(TEXT)
    assert asked == [{"text": TEXT, "language": "de", "score_threshold": 0.5}]


def test_overlapping_entities_are_one() -> None:
    found = answering(entry("PERSON", 2, 6), entry("PERSON", 2, 11), entry("URL", 18, 30)).detect(TEXT)
    assert [one.text for one in found] == ["Anna Kern"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("US_SSN", PiiType.SSN),
        ("ES_NIF", PiiType.IDENTITY),
        ("US_PASSPORT", PiiType.IDENTITY),
        ("CREDIT_CARD", PiiType.CARD),
        ("LOCATION", None),
        ("DATE_TIME", None),
        ("AU_ABN", None),
        ("NRP", None),
    ],
)
def test_kinds_are_mapped(name: str, kind: PiiType | None) -> None:
    assert [one.type for one in answering(entry(name, 2, 11)).detect(TEXT)] == ([kind] if kind else [])


@pytest.mark.parametrize(
    "answer",
    [
        {"error": "No matching recognizers"},
        None,
        "[]",
        [{"entity_type": "PERSON"}],
        [entry("PERSON", 5, 99)],
        [entry("PERSON", 5, 5)],
        [entry("PERSON", 2, 11, float("nan"))],
        ["PERSON"],
    ],
)
def test_an_answer_that_cannot_be_used_is_an_error(answer: Any) -> None:
    with pytest.raises(PresidioError):
        Presidio(lambda body: answer).detect(TEXT)


def test_a_service_that_fails_is_an_error_that_quotes_nothing() -> None:
    def failing(body: dict[str, Any]) -> Any:
        raise OSError(f"cannot send {body}")

    with pytest.raises(PresidioError) as raised:
        Presidio(failing).detect(TEXT)
    assert "Anna" not in str(raised.value)
    assert raised.value.__suppress_context__


def test_a_text_without_anything_asks_nobody() -> None:
    def unreachable(body: dict[str, Any]) -> Any:
        raise AssertionError

    assert Presidio(unreachable).detect(" \n") == []
