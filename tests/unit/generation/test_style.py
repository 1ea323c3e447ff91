import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.generation.style import (
    COMPARISON,
    DEFAULT_STYLE,
    STYLES,
    SUMMARY,
    TECHNICAL,
    USE_CASE,
    detect_style,
    parse_style,
)


@pytest.mark.parametrize(
    ("keyword", "style"),
    [
        ("how can", USE_CASE),
        ("implement", USE_CASE),
        ("deploy", USE_CASE),
        ("use case", USE_CASE),
        ("compare", COMPARISON),
        ("versus", COMPARISON),
        ("vs", COMPARISON),
        ("difference", COMPARISON),
        ("summarize", SUMMARY),
        ("overview", SUMMARY),
        ("brief", SUMMARY),
        ("technical", TECHNICAL),
        ("architecture", TECHNICAL),
        ("deep dive", TECHNICAL),
    ],
)
def test_the_documented_keywords_decide_where_no_other_stands_beside_them(keyword: str, style: str) -> None:
    found = detect_style(f"Bees, {keyword.upper()} and honey")
    assert found.style == style
    assert found.reasons == (f'"{keyword}" in the request',)


@pytest.mark.parametrize(
    ("query", "style"),
    [
        ("How can we deploy Kubernetes in a hospital?", USE_CASE),
        ("Implement single sign-on for our branch offices", USE_CASE),
        ("Describe use cases of digital twins", USE_CASE),
        ("Tell me how to brief my team", USE_CASE),
        ("Compare PostgreSQL and DynamoDB for event storage", COMPARISON),
        ("Kafka vs RabbitMQ", COMPARISON),
        ("What is the difference between TCP and UDP?", COMPARISON),
        ("Compare the architecture of Kafka and RabbitMQ", COMPARISON),
        ("Please analyze and compare the architecture of Kafka and RabbitMQ", COMPARISON),
        ("I'd like you to compare tea and coffee, with an overview at the end", COMPARISON),
        ("Write about bees. Then compare them with wasps.", COMPARISON),
        ("Summarize the NIST framework", SUMMARY),
        ("Summarize the architecture of Kafka", SUMMARY),
        ("Summarize how to deploy Kafka", SUMMARY),
        ("A brief overview of quantum computing", SUMMARY),
        ("Give me an overview of the differences between A and B", SUMMARY),
        ("Kafka architecture overview", SUMMARY),
        ("Technical deep dive into TLS 1.3", TECHNICAL),
        ("The architecture of modern compilers", TECHNICAL),
        ("Write a 5000 word technical report on TLS with an executive summary", TECHNICAL),
    ],
)
def test_the_request_decides_the_style(query: str, style: str) -> None:
    assert detect_style(query).style == style


@pytest.mark.parametrize(
    ("query", "style"),
    [
        ("Implement a summary table in Excel", USE_CASE),
        ("Provide a technical analysis of the summary judgment procedure", TECHNICAL),
        ("Explain the difference between a brief and a memo", COMPARISON),
        ("How should a hospital implement backups? Include a brief overview.", USE_CASE),
    ],
)
def test_what_is_asked_for_weighs_more_than_what_it_is_about(query: str, style: str) -> None:
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
        ("How do vaccines work?", USE_CASE),
        ("The vs-code editor", COMPARISON),
    ],
)
def test_parts_of_words_and_nouns_decide_nothing(query: str, not_this: str) -> None:
    assert detect_style(query).style != not_this


@pytest.mark.parametrize(
    "query",
    ["Bees, without an overview", "Do not compare bees", "Bees; don't summarize", "Bees with no brief summary at all"],
)
def test_what_is_not_wanted_decides_nothing(query: str) -> None:
    assert detect_style(query).style == DEFAULT_STYLE


def test_a_word_in_pasted_material_counts_once_however_often_it_comes() -> None:
    assert detect_style("Summarize this text: " + "the architecture of the system. " * 50).style == SUMMARY


def test_a_query_without_keywords_gets_the_default_and_says_so() -> None:
    found = detect_style("bees")
    assert found.style == DEFAULT_STYLE
    assert found.reasons == ("no word in the request asks for a style: technical is the default",)


@pytest.mark.parametrize("name", ["Use Case", "use_case", "USE-CASE", " use case "])
def test_the_callers_choice_wins_however_it_is_spelled(name: str) -> None:
    assert parse_style(name) == USE_CASE
    assert detect_style("Compare A with B", name).style == USE_CASE
    assert detect_style("Compare A with B", name).reasons == ("chosen in report_style",)


def test_an_unknown_choice_is_not_a_style() -> None:
    assert parse_style("haiku") is None
    assert detect_style("Compare A with B", "haiku").style == COMPARISON


def test_the_reasons_name_the_words_for_and_against() -> None:
    assert detect_style("Compare the architecture of tea and coffee").reasons == (
        'the request begins with "compare"',
        'against "architecture" (technical)',
    )


@given(st.text(max_size=300), st.none() | st.text(max_size=20))
def test_any_query_has_a_style_and_reasons(query: str, override: str | None) -> None:
    found = detect_style(query, override)
    assert found.style in STYLES
    assert found.reasons
