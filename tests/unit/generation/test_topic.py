import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.generation.named_sections import LONGEST_NAME, LONGEST_NOTE, MOST_NAMED
from chalicelib.generation.topic import LONGEST_TOPIC, Topic, find_topic

PIECES = "Report on |tea|\n|- |1. |2) |# |Section 1: |with sections on |including |, | and |; |: |(|)|   |\t"
REQUEST_LIKE = st.lists(
    st.sampled_from(
        [*PIECES.split("|"), "compare ", " versus ", "the following:", "e\u0301", "\u2028", "\x00", "a section on "]
    ),
    max_size=40,
).map("".join)


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
        ("Report on heat pumps with the following sections:\n1. Costs\n2. Noise", "heat pumps"),
        ("Write about tea: 1) history 2) trade 3) taste", "tea"),
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
        ("Write about bees. Make sure to cover habitats, diet, and diseases.", ("Habitats", "Diet", "Diseases")),
        ("Report on GDPR, including but not limited to fines, rights and duties", ("Fines", "Rights", "Duties")),
        ("Report on heat pumps.\n- Costs\n- Noise\n- Installation", ("Costs", "Noise", "Installation")),
        ("Report on tea, including identity and access management", ("Identity and access management",)),
        ("Report on tea, including taste, taste, and colour", ("Taste", "Colour")),
        ("Report on tea. Include a section on prices.", ("Prices",)),
        ("Report on tea, including eBPF tracing and iOS security, and JavaScript", None),
        ("Report on tea, including history, trade (UK, India), and taste", ("History", "Trade (UK, India)", "Taste")),
        ("Report on tea", ()),
    ],
)
def test_sections_that_the_user_names_are_found(query: str, named: tuple[str, ...] | None) -> None:
    found = find_topic(query, "Title")
    assert found.named == (("eBPF tracing and iOS security", "JavaScript") if named is None else named)
    assert not found.complete


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("A report on bees with sections on diet and habitat", ("Diet", "Habitat")),
        ("A report on bees with separate sections for diet, habitat, and enemies.", ("Diet", "Habitat", "Enemies")),
        ("Write on tea. Sections: History, Trade, Taste", ("History", "Trade", "Taste")),
        ("tea with five chapters: A; B, b2; C; D; E, each about 300 words", ("A", "B, b2", "C", "D", "E")),
        ("Describe tea\nSection 1: History\nSection 2: Trade", ("History", "Trade")),
        ("Write about tea\n## History\n## Trade", ("History", "Trade")),
        ("Report on tea with this structure:\n1. History\n2. Trade", ("History", "Trade")),
    ],
)
def test_a_structure_that_the_user_gives_whole_is_known_as_such(query: str, named: tuple[str, ...]) -> None:
    found = find_topic(query, "Title")
    assert found.named == named
    assert found.complete


def test_what_the_user_says_about_a_section_is_kept_apart_from_its_title() -> None:
    found = find_topic(
        "Report on heat pumps:\n- Costs: purchase and power\n- Noise\n  - at night\n  - by day\n- Law", "T"
    )
    assert found.named == ("Costs", "Noise", "Law")
    assert found.notes == ("purchase and power", "at night; by day", "")


def test_a_long_item_is_a_short_title_and_a_note() -> None:
    long = "how the price of tea " + "and of its many rivals " * 6
    found = find_topic(f"Report on tea:\n- {long}\n- taste", "T")
    assert found.named[0].startswith("How the price of tea and")
    assert len(found.named[0]) <= LONGEST_NAME
    assert "rivals" in found.notes[0]


@pytest.mark.parametrize(
    "query",
    [
        "Report on Kafka. Constraints:\n- budget 5k\n- three people",
        "Report on tea. Include examples, a table of costs, and references.",
        "Report on tea with an executive summary",
    ],
)
def test_lists_of_other_things_are_no_sections(query: str) -> None:
    assert find_topic(query, "Title").named == ()


def test_the_list_of_sections_is_not_part_of_the_subject() -> None:
    assert find_topic("A report on bees, including diet, and habitats.", "T").phrase == "bees"


@pytest.mark.parametrize(
    ("query", "compared"),
    [
        ("Compare PostgreSQL versus DynamoDB for event storage", ("PostgreSQL", "DynamoDB")),
        ("Kafka vs. RabbitMQ", ("Kafka", "RabbitMQ")),
        ("What is the difference between TCP and UDP?", ("TCP", "UDP")),
        ("Compare the following:\n- Tea\n- Coffee", ("Tea", "Coffee")),
        ("Tea and biscuits", ()),
    ],
)
def test_what_is_to_be_compared_is_found(query: str, compared: tuple[str, ...]) -> None:
    assert find_topic(query, "Title").compared == compared


@pytest.mark.parametrize("query", ["...", "The report should include sections on trade and taste."])
def test_an_order_without_a_subject_falls_back_on_the_title(query: str) -> None:
    assert find_topic(query, "Tea in winter").phrase == "Tea in winter"


@example("with sections on  ", "")
@given(st.one_of(st.text(max_size=500), REQUEST_LIKE), st.text(max_size=300))
def test_any_query_gives_bounded_single_lines(query: str, title: str) -> None:
    topic: Topic = find_topic(query, title)
    assert 0 < len(topic.phrase) <= LONGEST_TOPIC
    assert len(topic.named) == len(topic.notes) <= MOST_NAMED
    assert all(0 < len(name) <= LONGEST_NAME for name in topic.named)
    assert all(len(note) <= LONGEST_NOTE for note in topic.notes)
    assert not any("\n" in text for text in (topic.phrase, *topic.named, *topic.compared))
    assert len({name.lower() for name in topic.named}) == len(topic.named)


@pytest.mark.parametrize(
    "piece",
    [" ", ",", "(", "1) ", "- a\n", "a, ", "including ", "with sections on ", "in into has ", "\t \t", "an analysis "],
)
def test_a_hostile_query_is_read_quickly(piece: str) -> None:
    begun = time.perf_counter()
    find_topic(piece * (20_000 // len(piece)), "Title")
    assert time.perf_counter() - begun < 1
