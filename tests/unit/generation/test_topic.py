import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.generation.topic import LONGEST_TOPIC, find_topic


@pytest.mark.parametrize(
    ("query", "phrase"),
    [
        (
            "Provide a comprehensive 5000+ word analysis of zero-trust architecture implementation for "
            "enterprise networks.",
            "zero-trust architecture implementation for enterprise networks",
        ),
        ("Provide a detailed analysis of zero-trust security implementation...", "zero-trust security implementation"),
        ("How can we deploy Kubernetes in a hospital?", "deploying Kubernetes in a hospital"),
        ("How can we use heat pumps?", "using heat pumps"),
        ("Give me a brief overview of quantum computing, 800 words", "quantum computing"),
        ("Please summarize the NIST standard briefly", "the NIST standard"),
        ("Write 3 pages about bees", "bees"),
        ("quicksort", "quicksort"),
    ],
)
def test_the_subject_is_what_remains_without_the_order(query: str, phrase: str) -> None:
    assert find_topic(query, "Title").phrase == phrase


@pytest.mark.parametrize(
    ("query", "named"),
    [
        (
            "Provide a detailed 4500+ word analysis of SCADA/ICS security best practices, including "
            "NERC CIP compliance, network segmentation, and incident response.",
            ("NERC CIP compliance", "Network segmentation", "Incident response"),
        ),
        ("Write 3 pages about bees covering habitats, diet and diseases", ("Habitats", "Diet", "Diseases")),
        ("Report on heat pumps.\n- Costs\n- Noise\n- Installation", ("Costs", "Noise", "Installation")),
        ("Report on tea, including identity and access management", ("Identity and access management",)),
        ("Report on tea, including taste, taste, and colour", ("Taste", "Colour")),
        ("Report on tea", ()),
    ],
)
def test_sections_that_the_user_names_are_found(query: str, named: tuple[str, ...]) -> None:
    assert find_topic(query, "Title").named == named


def test_the_list_of_sections_is_not_part_of_the_subject() -> None:
    assert find_topic("A report on bees, including diet, and habitats.", "T").phrase == "bees"


@pytest.mark.parametrize(
    ("query", "compared"),
    [
        ("Compare PostgreSQL versus DynamoDB for event storage", ("PostgreSQL", "DynamoDB")),
        ("Kafka vs. RabbitMQ", ("Kafka", "RabbitMQ")),
        ("What is the difference between TCP and UDP?", ("TCP", "UDP")),
        ("Tea and biscuits", ()),
    ],
)
def test_what_is_to_be_compared_is_found(query: str, compared: tuple[str, ...]) -> None:
    assert find_topic(query, "Title").compared == compared


def test_an_order_without_a_subject_falls_back_on_the_title() -> None:
    assert find_topic("...", "Tea in winter").phrase == "Tea in winter"


@given(st.text(max_size=500))
def test_any_query_gives_a_bounded_single_line(query: str) -> None:
    topic = find_topic(query, "Title")
    assert 0 < len(topic.phrase) <= LONGEST_TOPIC
    assert "\n" not in topic.phrase
    assert all("\n" not in name for name in topic.named)
