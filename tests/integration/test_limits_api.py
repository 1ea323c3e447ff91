"""Limits and named requests as a client meets them: headers, refusals, what costs nothing, and what is given back."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.clock import now, parse_stamp, stamp
from chalicelib.domain.rate import DEFAULT_RATES
from chalicelib.services.keys import create_key
from chalicelib.services.limits import admit
from chalicelib.settings import settings
from chalicelib.stores.dynamodb import Table
from chalicelib.stores.report_store import report_key
from chalicelib.stores.stores import stores
from tests.support.refused_calls import overtaken, refused_calls
from tests.support.service import Answer, Service, counted_calls, new_report
from tests.support.tables import made_resources
from tests.support.v1_callers import Account


@pytest.fixture(scope="module", autouse=True)
def _resources() -> Iterator[None]:
    with made_resources():
        yield


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The service with the limits of the contract, and a caller whom no other test knows."""
    for name, rate in DEFAULT_RATES.items():
        monkeypatch.setenv(f"RATE_LIMIT_{name.upper()}", rate)
    settings.cache_clear()
    made = Service()
    made.permits("normal")
    made.owner = f"alice-{secrets.token_hex(4)}"
    made.key = made.new_key(made.owner)
    yield made
    settings.cache_clear()


def create(service: Service, name: str = "", body: Any = None, **fields: Any) -> Answer:
    headers = {"Idempotency-Key": name} if name else {}
    return service.post("/api/reports/", body or new_report(**fields), headers=headers)


def limits_of(answer: Answer) -> tuple[int, int, int]:
    limit, remaining, reset = (int(answer.headers[f"x-ratelimit-{n}"]) for n in ("limit", "remaining", "reset"))
    return limit, remaining, reset


def stored_reports(service: Service) -> int:
    return stores().reports.total(service.owner, None)


class TestCreating:
    def test_of_fifty_at_once_ten_are_created(self, limited: Service) -> None:
        with ThreadPoolExecutor(50) as pool:
            statuses = list(pool.map(lambda _: create(limited).status, range(50)))
        assert sorted(statuses) == [201] * 10 + [429] * 40
        assert stored_reports(limited) == 10

    def test_every_answer_tells_where_the_caller_stands(self, limited: Service) -> None:
        limit, remaining, reset = limits_of(create(limited))
        assert (limit, remaining) == (10, 9)
        assert time.time() + 3590 < reset <= time.time() + 3601
        assert [limits_of(create(limited))[1] for _ in range(9)] == list(range(8, -1, -1))
        refused = create(limited)
        assert (refused.status, refused.json()) == (429, {"success": False, "error": "Rate limit exceeded"})
        assert limits_of(refused)[:2] == (10, 0)
        assert 3500 < int(refused.headers["retry-after"]) <= 3600

    def test_keys_of_one_owner_share_a_limit_and_owners_do_not(self, limited: Service) -> None:
        second, other = limited.new_key(limited.owner), limited.new_key("bob")
        create(limited)
        assert limits_of(limited.post("/api/reports", new_report(), key=second))[1] == 8
        assert limits_of(limited.post("/api/reports", new_report(), key=other))[1] == 9

    def test_a_wrong_request_consumes_nothing(self, limited: Service) -> None:
        for body in ({"title": "no template"}, new_report() | {"priority": "now"}, b"{"):
            assert limited.post("/api/reports", body).status == 400
        assert limits_of(create(limited))[1] == 9


class TestFailuresOfOurs:
    def test_they_count_for_nothing_and_tell_where_the_caller_stands(self, limited: Service) -> None:
        admin = create_key(limited.owner, "admin", ["admin"]).secret
        body = {"name": "slow", "scopes": ["read"], "rate_limit_per_minute": 2}
        slow = limited.post("/api/keys", body, key=admin).json()["secret"]
        for _ in range(3):
            with refused_calls("BatchGetItem", "Query"):
                failed = limited.get("/api/reports", key=slow)
            assert failed.status == 500
            assert limits_of(failed)[:2] == (2, 2)
        assert limits_of(limited.get("/api/reports"))[:2] == (100, 99)

    def test_of_two_limits_the_one_that_refuses_is_told(self, limited: Service, monkeypatch: Any) -> None:
        monkeypatch.setenv("RATE_LIMIT_LIST", "1/hour")
        settings.cache_clear()
        admin = create_key(limited.owner, "admin", ["admin"]).secret
        body = {"name": "slow", "scopes": ["read"], "rate_limit_per_minute": 2}
        slow = limited.post("/api/keys", body, key=admin).json()["secret"]
        assert limited.get("/api/reports", key=slow).status == 200
        refused = limited.get("/api/reports", key=slow)
        assert (refused.status, limits_of(refused)[:2]) == (429, (1, 0))
        assert int(refused.headers["retry-after"]) > 3500


class TestOtherLimits:
    def test_lists_and_downloads_have_their_own(self, limited: Service) -> None:
        assert limits_of(limited.get("/api/reports"))[:2] == (100, 99)
        assert limits_of(limited.get("/api/reports/00000000-0000-0000-0000-000000000000/download"))[:2] == (50, 49)
        assert limited.get("/api/reports?limit=0").status == 400
        assert limits_of(limited.get("/api/reports"))[1] == 98
        assert "x-ratelimit-limit" not in limited.get("/api/reports/templates").headers

    def test_what_is_sent_to_others_counts_as_a_list(self, limited: Service) -> None:
        path = f"/api/webhooks/{limited.create()}"
        assert limits_of(limited.post(f"{path}/test"))[:2] == (100, 99)
        assert limits_of(limited.post(f"{path}/deliveries/dlv_{'0' * 26}/replay"))[:2] == (100, 98)

    def test_the_hundred_and_first_list_of_a_minute_is_refused(self, limited: Service) -> None:
        for _ in range(98):
            admit(limited.owner, "list")
        assert [limited.get("/api/reports?limit=1").status for _ in range(3)] == [200, 200, 429]

    def test_a_key_may_have_a_limit_of_its_own(self, limited: Service) -> None:
        admin = create_key(limited.owner, "admin", ["admin"], timedelta(days=1)).secret
        body = {"name": "slow", "scopes": ["read"], "rate_limit_per_minute": 2}
        slow = limited.post("/api/keys", body, key=admin).json()["secret"]
        assert limits_of(limited.get("/api/reports/templates", key=slow))[:2] == (2, 1)
        # Of two limits, the one with less left is shown.
        assert limits_of(limited.get("/api/reports", key=slow))[:2] == (2, 0)
        refused = limited.get("/api/reports/templates", key=slow)
        assert refused.status == 429
        assert 0 < int(refused.headers["retry-after"]) <= 60
        assert limited.get("/api/reports/templates").status == 200

    def test_the_investigation_api_counts_calls_and_new_investigations(self, limited: Service) -> None:
        account = Account(limited, limited.owner)
        answers = [account.post("/investigations", {"query": f"Who? {n}"}) for n in range(3)]
        assert [answer.status for answer in answers] == [202, 202, 429]
        assert answers[2].json()["error"] == "rate_limited"
        assert int(answers[2].headers["retry-after"]) > 0
        assert answers[2].headers["x-ratelimit-remaining"] == "0"
        remaining = limits_of(account.get("/investigations"))
        assert remaining[:2] == (60, 56)
        assert account.post("/investigations", {}).status == 400
        assert account.post("/investigations", {"query": "Who?"}).status == 429

    def test_the_sixty_first_call_of_a_minute_is_refused(self, limited: Service) -> None:
        account = Account(limited, limited.owner)
        for _ in range(58):
            admit(limited.owner, "v1")
        assert [account.get("/investigations").status for _ in range(3)] == [200, 200, 429]


class TestNamedRequests:
    def test_the_same_request_gives_the_same_report_and_counts_once(self, limited: Service) -> None:
        first, again = create(limited, "one"), create(limited, "one")
        assert (first.status, again.status) == (201, 201)
        assert again.json()["data"]["report"] == first.json()["data"]["report"]
        assert again.json()["data"]["queue_position"] == first.json()["data"]["queue_position"]
        assert again.headers["idempotency-replayed"] == "true"
        assert "idempotency-replayed" not in first.headers
        assert (limits_of(first)[1], limits_of(again)[1]) == (9, 9)
        assert limits_of(create(limited))[1] == 8
        assert stored_reports(limited) == 2

    def test_another_request_of_this_name_is_409(self, limited: Service) -> None:
        create(limited, "one")
        conflict = create(limited, "one", title="Another")
        assert (conflict.status, conflict.json()) == (
            409,
            {"success": False, "error": "Idempotency-Key was used with another request"},
        )
        assert limits_of(create(limited))[1] == 8

    def test_the_order_of_fields_makes_no_other_request(self, limited: Service) -> None:
        body = new_report()
        first = create(limited, "one", body)
        again = create(limited, "one", dict(reversed(body.items())))
        assert again.json()["data"]["report"]["id"] == first.json()["data"]["report"]["id"]

    def test_twenty_at_once_create_one(self, limited: Service) -> None:
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: create(limited, "one"), range(20)))
        assert {answer.status for answer in answers} <= {201, 429}
        created = {answer.json()["data"]["report"]["id"] for answer in answers if answer.status == 201}
        assert len(created) == 1
        assert stored_reports(limited) == 1
        assert len(limited.permits("normal")) == 1
        assert limits_of(create(limited))[1] == 8

    def test_it_is_told_again_when_the_limit_is_reached(self, limited: Service) -> None:
        first = create(limited, "one")
        for _ in range(9):
            create(limited)
        again = create(limited, "one")
        assert (again.status, again.json()["data"]["report"]) == (201, first.json()["data"]["report"])
        assert create(limited, "another").status == 429
        assert create(limited, "one", title="Another").status == 409

    def test_owners_do_not_share_names(self, limited: Service) -> None:
        bob = limited.new_key("bob")
        headers = {"Idempotency-Key": "one"}
        mine = create(limited, "one").json()["data"]["report"]["id"]
        his = limited.post("/api/reports", new_report(), headers=headers, key=bob).json()["data"]["report"]["id"]
        assert mine != his
        assert limited.get(f"/api/reports/{mine}", key=bob).status == 404

    def test_a_day_later_the_name_is_free_again(self, limited: Service) -> None:
        first = create(limited, "one").json()["data"]["report"]["id"]
        a_day_ago = stamp(now() - timedelta(hours=24, seconds=1))
        Table(settings().reports_table).update(report_key(first), assign={"created_at": a_day_ago})
        second = create(limited, "one", title="Another")
        assert (second.status, limits_of(second)[1]) == (201, 8)
        third = create(limited, "one", title="Another")
        assert third.json()["data"]["report"]["id"] == second.json()["data"]["report"]["id"] != first
        stored = stores().reports.get(second.json()["data"]["report"]["id"])
        assert stored is not None
        assert parse_stamp(stored.created_at) > now() - timedelta(minutes=1)

    def test_a_name_that_is_none_is_400(self, limited: Service) -> None:
        for name in ("x" * 257, "ünïcode", "a\tb"):
            answer = create(limited, name)
            assert answer.status == 400
            assert answer.json()["details"][0]["field"] == "Idempotency-Key"

    def test_who_is_overtaken_is_told_of_the_report_of_the_other(self, limited: Service) -> None:
        with overtaken(lambda: create(limited, "one")):
            again = create(limited, "one")
        assert (again.status, again.headers["idempotency-replayed"]) == (201, "true")
        assert len(limited.permits("normal")) == 1
        assert limits_of(create(limited))[1] == 8

    def test_who_is_overtaken_by_another_request_of_the_name_is_409(self, limited: Service) -> None:
        with overtaken(lambda: create(limited, "one", title="Another")):
            assert create(limited, "one").status == 409
        assert stored_reports(limited) == 1

    def test_a_name_costs_no_call(self, limited: Service) -> None:
        create(limited)
        with counted_calls() as without:
            create(limited)
        with counted_calls() as named:
            create(limited, "one")
        assert named == without

    def test_an_investigation_that_is_told_again_counts_once(self, limited: Service) -> None:
        account = Account(limited, limited.owner)
        sent = {"query": "Who?", "idempotency_key": "one"}
        ids = {account.post("/investigations", sent).json()["id"] for _ in range(3)}
        assert len(ids) == 1
        assert account.post("/investigations", {"query": "Who else?"}).status == 202
        assert account.post("/investigations", {"query": "Who then?"}).status == 429
        assert account.post("/investigations", sent).json()["id"] in ids
