"""Planning with a model: its outline over real HTTP, and the estimate against what a report really takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.price import Price
from chalicelib.generation.assignment import Assignment, EarlierReport
from chalicelib.generation.chat import Endpoint, Message
from chalicelib.generation.estimate import estimate
from chalicelib.generation.length import TOKENS_PER_WORD
from chalicelib.generation.model_client import ModelClient
from chalicelib.generation.outline import Outline, plan_outline
from chalicelib.generation.outline_proposal import Wanted, propose_outline
from chalicelib.generation.pipeline import Meter, Written, write_report
from chalicelib.generation.style import TECHNICAL
from chalicelib.generation.topic import find_topic
from chalicelib.generation.usage import estimated_tokens
from tests.model_server import ModelServer
from tests.support.report_writing import Recorder
from tests.support.scrambled import scrambled

PRICES = {"scripted-model": Price(3, 15)}
# How far the estimate may be from what a report takes in which nothing goes wrong, as a share of it.
TOLERANCE = 0.15
ORDER = Assignment(
    report_id="r-1",
    title="My title",
    description="",
    query="Write a 3000 word analysis of SCADA security, including NERC CIP compliance, segmentation, and drills.",
    template_name="Bee",
    created_at="2026-01-20T15:30:00Z",
)
BACKGROUND = json.dumps({"site": {"name": "Plant 7", "lines": ["A", "B"]}, "notes": "what is known of the plant " * 40})
EARLIER = (EarlierReport("An earlier report", "It said this and that about the plant. " * 10),)
ORDERS = {
    "sections that the user names": ORDER,
    "a subject alone": replace(ORDER, query="SCADA security"),
    "a structure given whole": replace(ORDER, query="Write 2000 words on tea with sections on trade, taste and health"),
    "background and conversation": replace(
        ORDER, query="Compare tea and coffee in 1500 words", context=BACKGROUND, conversation=EARLIER
    ),
}


@pytest.fixture
def ask(server: ModelServer) -> Iterator[Callable[[Sequence[Message], Mapping[str, Any], int], str]]:
    with ModelClient(Endpoint(server.base_url, "", "scripted-model"), attempts=2) as client:
        yield (
            lambda messages, schema, max_tokens: (
                client.complete(messages, max_tokens=max_tokens, check=lambda: None, schema=schema).text
            )
        )


def wanted(order: Assignment = ORDER) -> Wanted:
    return Wanted(order, find_topic(order.query, order.title), TECHNICAL, 3000, 600, 4)


def write(server: ModelServer, order: Assignment, monitor: Recorder, concurrency: int = 4) -> Written:
    with ModelClient(Endpoint(server.base_url, "", "scripted-model"), attempts=2) as client:
        return write_report(
            order,
            {},
            client,
            monitor,
            section_words=600,
            concurrency=concurrency,
            notices=(),
            meter=Meter(PRICES),
            texts=scrambled(),
        )


@pytest.mark.parametrize("json_format", ["json_schema", "json_object", "none"])
def test_the_model_s_outline_is_taken_whatever_the_endpoint_can_do(
    server: ModelServer, ask: Any, json_format: str
) -> None:
    server.script.control({"json_format": json_format})
    outline = propose_outline(ask, wanted())
    assert outline is not None
    assert outline.titles[0] == "Introduction"
    assert [title for title in outline.titles if title in wanted().topic.named] == list(wanted().topic.named)
    assert set(outline.titles).isdisjoint({"Principles", "Structure and components", "Recommendations"})


def test_an_outline_in_a_code_fence_is_taken(server: ModelServer, ask: Any) -> None:
    server.fault("outline_fenced", times=None)
    assert propose_outline(ask, wanted()) is not None


@pytest.mark.parametrize(
    "fault",
    ["outline_malformed", "outline_duplicate", "outline_empty", "outline_blank", "outline_prose", "empty", "loop"],
)
def test_an_outline_that_is_not_sound_is_not_taken(server: ModelServer, ask: Any, fault: str) -> None:
    server.fault(fault, times=None)
    assert propose_outline(ask, wanted()) is None


def test_a_request_for_an_outline_that_is_too_long_is_made_shorter(server: ModelServer, ask: Any) -> None:
    server.fault("context", times=None, above_characters=6000)
    order = replace(ORDER, context="background " * 700)
    assert propose_outline(ask, wanted(order)) is not None
    assert [len(request.prompt) >= 6000 for request in server.requests()] == [True, False]


def test_a_report_is_written_to_the_styles_own_outline_where_the_models_is_not_sound(server: ModelServer) -> None:
    server.fault("outline_duplicate", times=None)
    monitor = Recorder()
    written = write(server, replace(ORDER, query="A 700 word overview of bees"), monitor)
    own = plan_outline(find_topic("A 700 word overview of bees", ""), "summary", 700, 600, 4)
    assert Outline.from_json(monitor.stored["outline"]) == own
    assert [section.title for section in written.document.sections] == ["Executive Summary", *own.titles]


@pytest.mark.parametrize("kind", ORDERS)
def test_the_estimate_is_what_a_report_takes(server: ModelServer, kind: str) -> None:
    expected = estimate(ORDERS[kind], "scripted-model", PRICES, 600, 4)
    written = write(server, ORDERS[kind], Recorder())
    prompts = sum(estimated_tokens(request.prompt) for request in server.requests())
    assert len(server.requests()) == written.usage.calls
    assert abs(expected.calls - written.usage.calls) <= 2
    assert expected.sections == pytest.approx(len(written.document.sections), abs=1)
    assert expected.words == pytest.approx(written.word_count, rel=TOLERANCE)
    assert expected.tokens_in == pytest.approx(prompts, rel=TOLERANCE)
    # This server's tokens are words, of which a real tokenizer makes more than one each.
    assert expected.tokens_out == pytest.approx(written.usage.tokens_out * TOKENS_PER_WORD, rel=TOLERANCE)
    words_sent = sum(len(request.prompt.split()) for request in server.requests())
    assert written.usage.tokens_in == words_sent
    assert expected.tokens_in == pytest.approx(words_sent * prompts / words_sent, rel=TOLERANCE)


def test_a_report_keeps_within_the_dearer_figure_of_its_estimate(server: ModelServer) -> None:
    order = ORDERS["a structure given whole"]
    expected = estimate(order, "scripted-model", PRICES, 600, 4)
    meter = Meter(PRICES, max_cost_usd=expected.max_cost_usd)
    with ModelClient(Endpoint(server.base_url, "", "scripted-model"), attempts=2) as client:
        written = write_report(
            order,
            {},
            client,
            Recorder(),
            section_words=600,
            concurrency=4,
            notices=(),
            meter=meter,
            texts=scrambled(),
        )
    assert not any(section.degraded for section in written.document.sections)
    assert written.document.notices == ()
