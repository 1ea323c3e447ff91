"""Reports of one owner with one ``conversation_id`` know of each other; nobody else's do."""

from __future__ import annotations

import json
from typing import Any

from chalicelib.domain.clock import now
from chalicelib.domain.report import Artifact, Outcome, Report
from chalicelib.domain.summary import MAX_SUMMARY_CHARACTERS
from chalicelib.services.claims import Claim, claim_next
from chalicelib.settings import settings
from chalicelib.stores.dynamodb import Table
from chalicelib.stores.permit_queue import Permit
from chalicelib.stores.report_store import report_key
from chalicelib.stores.stores import stores
from chalicelib.workers import generate
from tests.model_server import ModelServer
from tests.support.service import Service, counted_calls

QUERY = "Write a 600 word analysis of network segmentation."


def asked(conversation_id: str | None, query: str = QUERY) -> dict[str, Any]:
    fields = {"user_query": query} | ({} if conversation_id is None else {"conversation_id": conversation_id})
    return {"parameters": fields, "output_format": "md"}


def claimed(service: Service, title: str, conversation_id: str | None, key: str = "") -> Report:
    report_id = service.create(title, key=key, **asked(conversation_id))
    report = claim_next(Permit("normal", report_id))
    assert report is not None
    assert report.id == report_id
    return report


def completed(service: Service, title: str, conversation_id: str | None, key: str = "", summary: str = "") -> Report:
    """Return a report that was completed with a summary, without writing it."""
    report = claimed(service, title, conversation_id, key)
    artifact = Artifact("key", "text/markdown", 1, "0" * 64)
    outcome = Outcome(artifact, "tree", 1, "m", "technical", {"calls": 1}, summary=summary or f"About {title}.")
    return stores().reports.complete(report, outcome, now())


def titles_before(report: Report) -> list[str]:
    return [earlier.title for earlier in generate._conversation(report)]


def test_a_report_is_told_of_the_newest_five_completed_before_it_the_oldest_first(service: Service) -> None:
    for number in range(7):
        completed(service, f"Part {number}", "talk")
    last = claimed(service, "Part 7", "talk")
    assert titles_before(last) == [f"Part {number}" for number in (2, 3, 4, 5, 6)]


def test_it_costs_one_call_and_without_a_conversation_none(service: Service) -> None:
    completed(service, "First", "talk")
    second, alone = claimed(service, "Second", "talk"), claimed(service, "Alone", None)
    with counted_calls() as calls:
        assert titles_before(second) == ["First"]
    assert calls == {"Query": 1}
    with counted_calls() as calls:
        assert titles_before(alone) == []
    assert calls.total() == 0


def test_only_completed_reports_that_were_asked_for_before_are_told(service: Service) -> None:
    first = claimed(service, "First", "talk")
    failed = claimed(service, "Failed", "talk")
    with Claim(failed, lambda: 900.0) as claim:
        claim.fail("no")
    cancelled = service.create("Cancelled", **asked("talk"))
    service.post(f"/api/reports/{cancelled}/cancel")
    completed(service, "Second", "talk")
    assert titles_before(first) == []
    assert titles_before(claimed(service, "Third", "talk")) == ["Second"]


def test_a_foreign_conversation_has_no_effect(service: Service) -> None:
    mallory = service.new_key("mallory")
    completed(service, "Secret plan", "talk")
    assert titles_before(claimed(service, "Mine", "talk", mallory)) == []
    assert titles_before(claimed(service, "Other", "walk")) == []


def test_no_two_pairs_of_owner_and_id_are_one_conversation(service: Service) -> None:
    # Joined with any mark, these pairs would be the same text.
    for owner, conversation_id in (("a#b", "c"), ("a", "b#c"), ('a", "b', "c"), ("a", 'b", "c')):
        key = service.new_key(owner)
        report = claimed(service, "One", conversation_id, key)
        assert titles_before(report) == []
        completed(service, "Two", conversation_id, key)


def test_a_record_without_a_conversation_is_in_no_index_of_conversations(service: Service) -> None:
    for conversation_id in (None, ""):
        report = completed(service, "Alone", conversation_id)
        item = Table(settings().reports_table).get(report_key(report.id))
        assert item is not None
        assert not {"conversation", "summary"} & set(item)


def test_a_create_with_a_conversation_takes_no_call_more(service: Service) -> None:
    service.create(**asked("talk"))
    with counted_calls() as calls:
        service.create(**asked("talk"))
    assert calls.total() <= 4


def test_the_writer_is_told_what_the_earlier_report_said_and_a_stranger_s_is_not(
    service: Service, model_server: ModelServer
) -> None:
    service.finish(service.create("Vineyards of the north", **asked("talk")))
    item = Table(settings().reports_table).query_all
    stored = [i for i in item(_owned_by("alice"), index="by_owner_text") if "vineyards" in i["search_text"]]
    item = Table(settings().reports_table).get((stored[0]["pk"], stored[0]["sk"]))
    summary = json.loads(item["summary"])["text"]  # type: ignore[index]
    assert 0 < len(summary) <= MAX_SUMMARY_CHARACTERS
    begun = len(model_server.requests())
    service.finish(service.create("Next", **asked("talk")))
    told = [r.prompt for r in model_server.requests()[begun:]]
    assert any("Vineyards of the north" in prompt and summary[:60] in prompt for prompt in told)

    begun = len(model_server.requests())
    mallory = service.new_key("mallory")
    report_id = service.create("Next", key=mallory, **asked("talk"))
    service.work()
    assert service.report(report_id, key=mallory)["status"] == "completed"
    assert not any("Vineyards" in r.prompt for r in model_server.requests()[begun:])


def _owned_by(owner: str) -> Any:
    from chalicelib.stores.dynamodb import key_is

    return key_is("owner", owner)
