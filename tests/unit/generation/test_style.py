import pytest

from chalicelib.generation.style import (
    COMPARISON,
    DEFAULT_STYLE,
    SUMMARY,
    TECHNICAL,
    USE_CASE,
    detect_style,
    parse_style,
)


@pytest.mark.parametrize(
    ("query", "style"),
    [
        ("How can we deploy Kubernetes in a hospital?", USE_CASE),
        ("Implement single sign-on for our branch offices", USE_CASE),
        ("Describe use cases of digital twins", USE_CASE),
        ("Compare PostgreSQL and DynamoDB for event storage", COMPARISON),
        ("Kafka vs RabbitMQ", COMPARISON),
        ("What is the difference between TCP and UDP?", COMPARISON),
        ("Compare the architecture of Kafka and RabbitMQ", COMPARISON),
        ("Summarize the NIST framework", SUMMARY),
        ("A brief overview of quantum computing", SUMMARY),
        ("Technical deep dive into TLS 1.3", TECHNICAL),
        ("The architecture of modern compilers", TECHNICAL),
    ],
)
def test_the_request_decides_the_style(query: str, style: str) -> None:
    assert detect_style(query).style == style


@pytest.mark.parametrize(
    ("query", "not_this"),
    [
        ("Provide an analysis of zero-trust architecture implementation for enterprise networks.", USE_CASE),
        ("Provide a detailed analysis of zero-trust security implementation...", USE_CASE),
        ("Explain quicksort", SUMMARY),
        ("The debriefing of pilots", SUMMARY),
        ("Indifference in modern novels", COMPARISON),
        ("Deployments of the fleet in 1805", USE_CASE),
    ],
)
def test_parts_of_words_and_nouns_decide_nothing(query: str, not_this: str) -> None:
    assert detect_style(query).style != not_this


def test_a_query_without_keywords_gets_the_default_and_says_so() -> None:
    found = detect_style("bees")
    assert (found.style, found.reasons) == (DEFAULT_STYLE, ("no keyword; the default",))


@pytest.mark.parametrize("name", ["Use Case", "use_case", "USE-CASE", " use case "])
def test_the_callers_choice_wins_however_it_is_spelled(name: str) -> None:
    assert parse_style(name) == USE_CASE
    assert detect_style("Compare A with B", name).style == USE_CASE


def test_an_unknown_choice_is_not_a_style() -> None:
    assert parse_style("haiku") is None
    assert detect_style("Compare A with B", "haiku").style == COMPARISON


def test_the_reasons_name_the_words_found() -> None:
    assert "'versus' speaks for comparison (+4)" in detect_style("tea versus coffee").reasons
