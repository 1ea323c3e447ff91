"""The investigation API over moto: one test for each thing that its contract and notes settle."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from chalicelib.api.v1.requests import MAX_LIMIT
from chalicelib.domain.caller import INVESTIGATION_SCOPES
from chalicelib.domain.clock import now
from chalicelib.domain.identifiers import finding_id, sortable_id
from chalicelib.domain.investigation import INVESTIGATION_STATUSES
from chalicelib.services.findings import OPEN
from chalicelib.services.keys import create_key
from chalicelib.settings import settings
from chalicelib.stores.narrative_store import MOST_IN_FLIGHT
from chalicelib.stores.stores import stores
from tests.conftest import service_here
from tests.model_server import ModelServer
from tests.support.service import Answer, Service
from tests.support.v1_callers import Account, new_finding

# All in one process, as they share one service.
pytestmark = pytest.mark.xdist_group("investigations api")

SECOND: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
MILLISECOND: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
# Of fixed ids, as they are part of the names of tests, which every process of a run has to agree on.
NOBODYS_INVESTIGATION: Final = "inv_01m814cfy9yhzzated51ben12d"
NOBODYS_FINDING: Final = finding_id(NOBODYS_INVESTIGATION, "nobody's")
NOBODYS_JOB: Final = "job_01m814cfy932dh8bcr5t6dj8gx"

# Every route about one thing, with the path to nothing and a body that it takes.
OF_NOTHING: Final[list[tuple[str, str, Any]]] = [
    ("GET", f"/investigations/{NOBODYS_INVESTIGATION}", None),
    ("DELETE", f"/investigations/{NOBODYS_INVESTIGATION}", None),
    ("POST", f"/investigations/{NOBODYS_INVESTIGATION}/complete", None),
    ("POST", f"/investigations/{NOBODYS_INVESTIGATION}/findings", {"findings": [new_finding()]}),
    ("POST", f"/investigations/{NOBODYS_INVESTIGATION}/findings/import?format=csv", b"title,severity\nx,high\n"),
    ("POST", f"/investigations/{NOBODYS_INVESTIGATION}/findings/uploads", {"size_bytes": 5}),
    ("GET", f"/findings/{NOBODYS_FINDING}", None),
    ("POST", f"/findings/{NOBODYS_FINDING}/dismiss", {"reason": "resolved"}),
    ("GET", f"/investigations/{NOBODYS_INVESTIGATION}/report", None),
    ("GET", f"/investigations/{NOBODYS_INVESTIGATION}/report/versions", None),
    ("GET", f"/investigations/{NOBODYS_INVESTIGATION}/report/versions/1", None),
    ("POST", f"/investigations/{NOBODYS_INVESTIGATION}/report/regenerate", None),
    ("GET", f"/jobs/{NOBODYS_JOB}", None),
]


@pytest.fixture(scope="module")
def shared() -> Iterator[Service]:
    """One service for all tests of this file: accounts do not see each other, and each test has its own.

    No model writes for it: what a narrative says is tested elsewhere, and without one it is there at once.
    """
    with pytest.MonkeyPatch.context() as monkeypatch, ModelServer() as model, service_here(monkeypatch, model) as made:
        for name in ("LLM_BASE_URL", "LLM_MODEL"):
            monkeypatch.setenv(name, "")
        settings.cache_clear()
        yield made


@pytest.fixture(scope="module")
def owner(shared: Service) -> Account:
    """Who has the investigation ``finished``."""
    return Account(shared, "owner")


@pytest.fixture(scope="module")
def finished(owner: Account) -> str:
    """An investigation with a report, for tests that leave both as they are."""
    return owner.completed(new_finding(external_id="a"), new_finding("Old TLS", severity="low"))


@pytest.fixture
def account(shared: Service) -> Account:
    return Account(shared, sortable_id("acme-"))


class TestKeysAndScopes:
    """Which scope each route needs is in the table of ``test_isolation_matrix``."""

    def test_what_is_missing_is_said(self, shared: Service) -> None:
        without = Account(shared, scopes=[s for s in INVESTIGATION_SCOPES if s != "findings:read"])
        refused = without.get("/findings")
        assert refused.status == 403
        assert refused.json() == {"error": "insufficient_scope", "message": "The key lacks the scope findings:read"}

    def test_findings_in_a_trigger_need_the_scope_to_write_them(self, shared: Service) -> None:
        trigger = Account(shared, scopes=["investigations:trigger"])
        body = {"query": "q", "findings": [new_finding()]}
        assert trigger.post("/investigations", body).status == 403
        assert trigger.post("/investigations", {"query": "q"}).status == 202

    @pytest.mark.parametrize("kind", ["pck_live_", "pck_test_"])
    def test_both_kinds_of_keys_open_it(self, shared: Service, kind: Any) -> None:
        secret = create_key("acme", "k", ["investigations:read"], kind=kind).secret
        assert secret.startswith(kind)
        headers = {"Authorization": f"Bearer {secret}"}
        assert shared.get("/v1/investigations", headers=headers, key=None).status == 200

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Authorization": "Bearer pck_live_wrong"},
            {"Authorization": "Bearer"},
            {"Authorization": "pck_live_x"},
            {"Authorization": "Basic cGNrOng="},
            {"Authorization": "Bearer pck_other_x"},
            {"X-API-Key": "pck_live_x"},
        ],
    )
    def test_any_other_key_is_401(self, shared: Service, headers: Mapping[str, str]) -> None:
        answer = shared.get("/v1/investigations", headers=headers, key=None)
        assert (answer.status, answer.json()["error"]) == (401, "invalid_api_key")
        assert set(answer.json()) == {"error", "message"}

    def test_the_keys_of_one_api_do_not_open_the_other(self, account: Account) -> None:
        reports_key = {"Authorization": f"Bearer {account.service.key}"}
        assert account.service.get("/v1/investigations", headers=reports_key, key=None).status == 401
        assert account.service.get("/api/reports", key=account.key).status == 401

    def test_the_scheme_is_read_in_any_case(self, account: Account) -> None:
        headers = {"Authorization": f"bearer  {account.key} "}
        assert account.service.get("/v1/investigations", headers=headers, key=None).status == 200

    def test_nobody_can_be_named_as_an_account_is(self) -> None:
        with pytest.raises(ValueError, match="must not start"):
            create_key("v1#acme", "k", ["read"])

    @pytest.mark.usefixtures("shared")
    @pytest.mark.parametrize(("kind", "scope"), [("sk_", "reports:read"), ("pck_live_", "read")])
    def test_each_kind_has_scopes_of_its_own(self, kind: Any, scope: Any) -> None:
        with pytest.raises(ValueError, match="scopes"):
            create_key("acme", "k", [scope], kind=kind)


class TestErrors:
    def test_what_is_not_there_is_404(self, account: Account) -> None:
        for method, path, body in OF_NOTHING:
            answer = account.request(method, path, body)
            assert (answer.status, answer.json()["error"]) == (404, "not_found"), path
            assert set(answer.json()) == {"error", "message"}

    def test_what_is_another_accounts_is_404(self, owner: Account, finished: str, account: Account) -> None:
        mine, other = finished, account
        finding = owner.get("/findings").json()["findings"][0]["id"]
        job = owner.investigation(mine)["job_id"]
        for method, path, body in (
            ("GET", f"/investigations/{mine}", None),
            ("DELETE", f"/investigations/{mine}", None),
            ("POST", f"/investigations/{mine}/complete", None),
            ("POST", f"/investigations/{mine}/findings", {"findings": [new_finding()]}),
            ("GET", f"/investigations/{mine}/report", None),
            ("GET", f"/investigations/{mine}/report?format=md", None),
            ("GET", f"/investigations/{mine}/report/versions", None),
            ("GET", f"/investigations/{mine}/report/versions/1", None),
            ("POST", f"/investigations/{mine}/report/regenerate", None),
            ("GET", f"/findings/{finding}", None),
            ("POST", f"/findings/{finding}/dismiss", {"reason": "resolved"}),
            ("GET", f"/jobs/{job}", None),
        ):
            assert other.request(method, path, body).status == 404, (method, path)
        assert other.get("/findings").json() == {"findings": [], "next_cursor": None}
        assert other.get(f"/findings?investigation_id={mine}").json()["findings"] == []
        assert other.get("/investigations").json() == {"investigations": [], "next_cursor": None}
        assert owner.get(f"/findings/{finding}").json()["dismissed"] is False

    def test_a_job_is_no_report(self, account: Account) -> None:
        """Jobs lie beside reports; nobody gets at them through the other API."""
        job = account.create()["job_id"]
        assert account.service.get(f"/api/reports/{job}").status == 404
        assert (
            account.service.get("/api/reports", key=account.service.new_key(account.name)).json()["data"]["reports"]
            == []
        )

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff", b'{"query": NaN}'])
    def test_a_body_that_is_no_json_object_is_400_with_issues(self, account: Account, body: bytes) -> None:
        answer = account.post("/investigations", body, **{"Content-Type": "application/json"})
        assert (answer.status, answer.json()["error"]) == (400, "validation_error")
        assert [issue["path"] for issue in answer.json()["issues"]] == ["body"]

    def test_a_form_is_400_with_issues(self, account: Account) -> None:
        content_type = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = account.post("/investigations", b"query=q", **content_type)
        assert (answer.status, answer.json()["error"]) == (400, "validation_error")
        assert answer.json()["issues"][0]["path"] == "Content-Type"

    def test_a_missing_field_has_a_code_of_its_own(self, account: Account) -> None:
        answer = account.post("/investigations", {})
        assert (answer.status, answer.json()["error"]) == (400, "missing_required_field")
        assert answer.json()["issues"] == [{"path": "query", "message": "is required"}]

    def test_ten_megabytes_of_log_lines_are_400_with_issues(self, account: Account) -> None:
        investigation_id = account.create(evidence="pushed")["id"]
        log = "Nov 22 06:00:00 build-01 sshd[1]: Failed password\n" * 200_000
        answer = account.post(f"/investigations/{investigation_id}/findings", {"findings": [new_finding(summary=log)]})
        assert (answer.status, answer.json()["issues"][0]["path"]) == (400, "body")
        short = {"findings": [new_finding(summary=log[:1_000_001])]}
        answer = account.post(f"/investigations/{investigation_id}/findings", short)
        assert (answer.status, answer.json()["issues"][0]["path"]) == (400, "findings.0.summary")

    def test_unknown_paths_and_methods_have_the_envelope(self, account: Account) -> None:
        unknown = account.service.app.app.unknown_route("/v1/nothing")
        assert (unknown["statusCode"], json.loads(unknown["body"])["error"]) == (404, "not_found")
        answer = account.request("PUT", "/investigations")
        assert (answer.status, answer.json()["error"]) == (405, "method_not_allowed")


class TestTrigger:
    def test_answers_202_as_documented(self, account: Account) -> None:
        scope = {"type": "selector", "filter": {"tags": {"env": "prod"}, "last_seen_within": "24h"}}
        answer = account.post("/investigations", {"query": "q", "depth": "deep", "mode": "cached", "scope": scope})
        assert answer.status == 202
        body = answer.json()
        assert list(body)[:10] == [
            "id",
            "investigation_id",
            "status",
            "query",
            "depth",
            "mode",
            "scope",
            "queued_at",
            "estimated_completion_at",
            "freshness",
        ]
        assert body["id"] == body["investigation_id"]
        assert re.fullmatch("inv_[0-9a-z]{26}", body["id"])
        assert re.fullmatch("job_[0-9a-z]{26}", body["job_id"])
        assert (body["status"], body["depth"], body["mode"], body["scope"]) == ("queued", "deep", "cached", scope)
        assert SECOND.fullmatch(body["queued_at"])
        assert SECOND.fullmatch(body["estimated_completion_at"])
        assert body["freshness"] == {
            "newest_evidence_at": None,
            "age_seconds": None,
            "recommendation": {"should_rerun_live": False, "recommended_scope": None},
        }

    def test_a_query_alone_really_finishes(self, account: Account) -> None:
        """Nothing matches, which is a result: it says so, and makes nothing up."""
        created = account.create("Is anything mining coins?")
        assert (created["depth"], created["mode"], created["scope"]) == ("standard", "auto", {"type": "fleet"})
        account.service.work()
        report = account.report(created["id"])
        assert (report["severity"], report["findings_summary"], report["recommended_actions"]) == ("low", [], [])
        assert report["narrative"].strip()

    def test_stored_findings_that_match_are_its_evidence(self, account: Account) -> None:
        account.completed(new_finding("Coin miner on build-01", severity="critical"))
        later = account.create("Is a coin miner on any server?")
        account.service.work()
        report = account.report(later["id"])
        assert [f["title"] for f in report["findings_summary"]] == ["Coin miner on build-01"]
        assert report["severity"] == "critical"

    def test_live_without_a_collector_fails_and_says_why(self, account: Account) -> None:
        created = account.create(mode="live")
        assert (created["status"], created["failure_reason"]) == ("failed", "no_connected_agents")
        assert account.get(f"/investigations/{created['id']}/report").status == 409

    def test_the_same_key_and_body_give_the_original(self, account: Account) -> None:
        first = account.post("/investigations", {"query": "q"}, **{"Idempotency-Key": "k"})
        second = account.post("/investigations", {"query": "q"}, **{"Idempotency-Key": "k"})
        third = account.post("/investigations", {"idempotency_key": "k", "query": "q"})
        assert {a.status for a in (first, second, third)} == {202}
        assert {a.json()["id"] for a in (first, second, third)} == {first.json()["id"]}
        assert len(account.get("/investigations").json()["investigations"]) == 1

    @pytest.mark.parametrize(
        "body", [{"findings": [new_finding()]}, {"evidence": "pushed"}, {"mode": "live"}, {"depth": "quick"}]
    )
    def test_what_has_become_of_it_does_not_change_the_answer_to_the_same_key(
        self, account: Account, body: dict[str, Any]
    ) -> None:
        first = account.post("/investigations", {"query": "q", **body}, **{"Idempotency-Key": "k"})
        if body.get("mode") != "live":
            account.post(f"/investigations/{first.json()['id']}/findings", {"findings": [new_finding("Late")]})
            account.post(f"/investigations/{first.json()['id']}/complete")
            account.service.work()
            assert account.investigation(first.json()["id"])["status"] == "completed"
        again = account.post("/investigations", {"query": "q", **body}, **{"Idempotency-Key": "k"})
        assert (again.status, again.json()) == (first.status, first.json())

    def test_nothing_is_stale_before_there_is_a_report(self, account: Account) -> None:
        created = account.create(findings=[new_finding()])
        account.post(f"/investigations/{created['id']}/findings", {"findings": [new_finding("Second")]})
        shown = account.investigation(created["id"])
        assert (shown["status"], shown["stale"], shown["stale_reason"]) == ("queued", False, None)

    def test_many_different_regenerates_at_once_are_refused(self, account: Account) -> None:
        report = f"/investigations/{account.completed()}/report"

        def regenerate(number: int) -> Answer:
            return account.post(f"{report}/regenerate", {"instructions": f"Version {number}"})

        accepted = [regenerate(number) for number in range(MOST_IN_FLIGHT)]
        assert {answer.status for answer in accepted} == {202}
        refused = regenerate(MOST_IN_FLIGHT)
        assert (refused.status, refused.json()["error"]) == (429, "rate_limited")
        assert regenerate(0).json()["job_id"] == accepted[0].json()["job_id"]
        account.service.deliver("normal", json.dumps({"report_id": accepted[0].json()["job_id"]}))
        assert regenerate(MOST_IN_FLIGHT).status == 202

    def test_the_same_key_with_another_body_is_409(self, account: Account) -> None:
        account.create("q", idempotency_key="k")
        answer = account.post("/investigations", {"query": "another", "idempotency_key": "k"})
        assert (answer.status, answer.json()["error"]) == (409, "idempotency_conflict")

    def test_a_key_of_another_account_is_another_key(self, account: Account) -> None:
        first = account.create("q", idempotency_key="k")
        assert Account(account.service, sortable_id("other-")).create("p", idempotency_key="k")["id"] != first["id"]

    def test_evidence_that_is_pushed_is_waited_for(self, account: Account) -> None:
        created = account.create(evidence="pushed")
        assert (created["status"], created["job_id"], created["estimated_completion_at"]) == ("pending", None, None)
        account.service.work()
        assert account.investigation(created["id"])["status"] == "pending"
        taken = account.post(f"/investigations/{created['id']}/findings", {"findings": [new_finding()]})
        assert taken.status == 201
        closed = account.post(f"/investigations/{created['id']}/complete")
        again = account.post(f"/investigations/{created['id']}/complete")
        assert (closed.status, again.status) == (202, 202)
        assert closed.json()["job_id"] == again.json()["job_id"]
        account.service.work()
        assert account.investigation(created["id"])["status"] == "completed"
        assert [f["title"] for f in account.report(created["id"])["findings_summary"]] == [new_finding()["title"]]

    def test_findings_in_the_body_are_evidence_and_completion_in_one_call(self, account: Account) -> None:
        created = account.create(findings=[new_finding(), new_finding("Second", severity="low")])
        assert (created["status"], created["finding_count"]) == ("queued", 2)
        account.service.work()
        completed = account.investigation(created["id"])
        assert (completed["status"], completed["severity"]) == ("completed", "high")
        assert SECOND.fullmatch(completed["completed_at"])


class TestInvestigations:
    def test_lists_newest_first_page_by_page_while_others_arrive(self, account: Account) -> None:
        ids = [account.create(f"q{number}")["id"] for number in range(5)]
        page = account.get("/investigations?limit=2").json()
        seen = [i["id"] for i in page["investigations"]]
        account.create("one more")
        while page["next_cursor"]:
            page = account.get(f"/investigations?limit=2&cursor={page['next_cursor']}").json()
            assert len(page["investigations"]) <= 2
            seen += [i["id"] for i in page["investigations"]]
        assert seen == ids[::-1]
        assert page["next_cursor"] is None

    def test_narrows_by_status_in_both_words_for_completed(self, account: Account) -> None:
        completed, pending = account.completed(), account.create(evidence="pushed")["id"]

        def listed(status: str) -> list[str]:
            found = account.get(f"/investigations?status={status}").json()["investigations"]
            return [i["id"] for i in found]

        assert listed("completed") == listed("complete") == [completed]
        assert listed("pending") == [pending]
        assert all(isinstance(listed(status), list) for status in INVESTIGATION_STATUSES)

    @pytest.mark.parametrize("query", ["limit=0", f"limit={MAX_LIMIT + 1}", "status=done", "cursor=nonsense"])
    def test_bad_queries_are_400_with_issues(self, account: Account, query: str) -> None:
        answer = account.get(f"/investigations?{query}")
        assert (answer.status, answer.json()["error"]) == (400, "validation_error")
        assert answer.json()["issues"][0]["path"] == query.split("=")[0]

    def test_a_cursor_of_another_list_is_400(self, account: Account) -> None:
        for number in range(2):
            account.create(f"q{number}")
        cursor = account.get("/investigations?limit=1").json()["next_cursor"]
        assert account.get(f"/investigations?limit=1&status=queued&cursor={cursor}").status == 400
        assert account.get(f"/findings?cursor={cursor}").status == 400
        assert account.get(f"/investigations?limit=5&cursor={cursor}").status == 200

    def test_is_cancelled_once_and_stays_so(self, account: Account) -> None:
        created = account.create()
        first, second = (account.delete(f"/investigations/{created['id']}") for _ in range(2))
        assert (first.status, first.json()["status"]) == (200, "cancelled")
        assert (second.status, second.json()) == (200, first.json())
        account.service.work()
        assert account.investigation(created["id"])["status"] == "cancelled"
        job = account.get(f"/jobs/{created['job_id']}").json()
        assert (job["status"], job["error"]) == ("failed", "cancelled")
        assert account.get(f"/investigations/{created['id']}/report").status == 409

    def test_a_completed_one_stays_completed(self, owner: Account, finished: str) -> None:
        assert owner.delete(f"/investigations/{finished}").json()["status"] == "completed"
        assert owner.get(f"/investigations/{finished}/report").status == 200

    def test_a_cancelled_one_takes_no_findings_and_gets_no_report(self, account: Account) -> None:
        created = account.create(evidence="pushed")["id"]
        account.delete(f"/investigations/{created}")
        for path, body in (("findings", {"findings": [new_finding()]}), ("complete", None)):
            answer = account.post(f"/investigations/{created}/{path}", body)
            assert (answer.status, answer.json()["error"]) == (409, "investigation_not_completed")

    def test_freshness_tells_how_old_the_evidence_is(self, account: Account) -> None:
        old = account.create(findings=[new_finding(discovered_at="2026-01-01T00:00:00Z")])
        freshness = account.investigation(old["id"])["freshness"]
        assert freshness["newest_evidence_at"] == "2026-01-01T00:00:00Z"
        assert freshness["age_seconds"] > 86_400
        assert freshness["recommendation"] == {"should_rerun_live": True, "recommended_scope": {"type": "fleet"}}

    def test_a_page_that_would_be_too_large_for_an_answer_ends_early(self, account: Account) -> None:
        agents = [f"{number:03}" + '"' * 250 for number in range(700)]
        for number in range(10):
            account.create(f"q{number}", evidence="pushed", agent_ids=agents)
        first = account.get("/investigations")
        assert len(json.dumps(first.body.decode())) < 6_000_000
        second = account.get(f"/investigations?cursor={first.json()['next_cursor']}").json()
        shown = [i["query"] for i in first.json()["investigations"] + second["investigations"]]
        assert shown == [f"q{number}" for number in reversed(range(10))]
        assert second["next_cursor"] is None


class TestFindings:
    def test_what_is_no_investigation_has_no_findings(self, account: Account) -> None:
        answer = account.get(f"/findings?investigation_id={'x' * 3_000}")
        assert (answer.status, answer.json()) == (200, {"findings": [], "next_cursor": None})

    def test_one_that_is_too_large_is_named(self, account: Account) -> None:
        huge = new_finding(summary='"' * 900_000, reasoning_chain=[{"observation": '"' * 100_000}] * 4)
        answer = account.post("/investigations", {"query": "q", "findings": [new_finding(), huge]})
        assert (answer.status, [i["path"] for i in answer.json()["issues"]]) == (400, ["findings.1"])
        created = account.create(evidence="pushed")["id"]
        answer = account.post(f"/investigations/{created}/findings", {"findings": [huge]})
        assert (answer.status, [i["path"] for i in answer.json()["issues"]]) == (400, ["findings.0"])

    def test_a_batch_is_answered_201(self, account: Account) -> None:
        created = account.create(evidence="pushed")["id"]
        batch = {"findings": [new_finding(f"F{number}", external_id=f"x{number}") for number in range(3)]}
        first = account.post(f"/investigations/{created}/findings", batch)
        second = account.post(f"/investigations/{created}/findings", batch)
        assert (first.status, second.status) == (201, 201)
        assert (first.json()["created"], first.json()["duplicates"]) == (3, 0)
        assert (second.json()["created"], second.json()["duplicates"]) == (0, 3)
        assert [f["title"] for f in first.json()["findings"]] == ["F0", "F1", "F2"]
        assert first.json()["findings"] == second.json()["findings"]
        assert account.investigation(created)["finding_count"] == 3

    def test_while_another_batch_is_stored_it_is_to_be_sent_again(
        self, account: Account, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("chalicelib.services.findings._PATIENCE_SECONDS", 0)
        created = account.create(evidence="pushed")["id"]
        path, batch = f"/investigations/{created}/findings", {"findings": [new_finding()]}
        other = stores().findings.begin_ingest(account.name, created, OPEN, now())
        answer = account.post(path, batch)
        assert (answer.status, answer.json()["error"]) == (429, "rate_limited")
        assert (answer.headers["retry-after"], answer.headers["x-ratelimit-remaining"]) == ("1", "0")
        stores().findings.abandon_ingest(other)
        assert account.post(path, batch).status == 201

    def test_a_finding_looks_as_documented(self, account: Account) -> None:
        sent = new_finding(
            external_id="scan-1",
            reasoning_chain=[{"step": 1, "observation": "o", "evidence_ref": "log:1"}],
            discovered_at="2026-05-03T14:22:01.5Z",
        )
        created = account.create(findings=[sent])["id"]
        finding = account.get("/findings").json()["findings"][0]
        assert finding == sent | {
            "id": finding["id"],
            "investigation_id": created,
            "dismissed": False,
            "dismissal": None,
        }
        assert re.fullmatch("fnd_[0-9a-z]+", finding["id"])
        assert account.get(f"/findings/{finding['id']}").json() == finding

    def test_a_batch_with_one_bad_finding_stores_none(self, account: Account) -> None:
        created = account.create(evidence="pushed")["id"]
        batch = {"findings": [new_finding(), new_finding(severity="catastrophic")]}
        answer = account.post(f"/investigations/{created}/findings", batch)
        assert (answer.status, answer.json()["issues"][0]["path"]) == (400, "findings.1.severity")
        assert account.get("/findings").json()["findings"] == []

    def test_lists_newest_discovery_first_page_by_page(self, account: Account) -> None:
        times = [f"2026-05-03T14:22:{second:02}Z" for second in (3, 1, 5, 2, 4)]
        account.create(findings=[new_finding(t, discovered_at=t) for t in times])
        page = account.get("/findings?limit=2").json()
        seen = list(page["findings"])
        account.create(findings=[new_finding("late", discovered_at="2026-06-01T00:00:00Z")])
        while page["next_cursor"]:
            page = account.get(f"/findings?limit=2&cursor={page['next_cursor']}").json()
            seen += page["findings"]
        assert [f["discovered_at"] for f in seen] == sorted(times, reverse=True)

    def test_narrows_by_severity_investigation_and_dismissal(self, account: Account) -> None:
        first = account.create(findings=[new_finding("A", severity="low"), new_finding("B", severity="critical")])
        account.create(findings=[new_finding("C", severity="low")])

        def titles(query: str) -> list[str]:
            return sorted(f["title"] for f in account.get(f"/findings?{query}").json()["findings"])

        assert titles("severity=low") == ["A", "C"]
        assert titles(f"investigation_id={first['id']}") == ["A", "B"]
        assert titles(f"investigation_id={first['id']}&severity=low") == ["A"]
        assert titles("dismissed=true") == []
        assert titles("investigation_id=nobodys") == []
        found = account.get("/findings?severity=critical").json()["findings"][0]
        account.post(f"/findings/{found['id']}/dismiss", {"reason": "resolved"})
        assert titles("") == titles("dismissed=false") == ["A", "C"]
        assert titles("dismissed=true") == ["B"]

    def test_is_dismissed_once_with_its_reason(self, account: Account) -> None:
        account.create(findings=[new_finding()])
        found = account.get("/findings").json()["findings"][0]["id"]
        first = account.post(f"/findings/{found}/dismiss", {"reason": "false_positive", "notes": "A drill."})
        second = account.post(f"/findings/{found}/dismiss", {"reason": "duplicate"})
        assert (first.status, second.status) == (200, 200)
        assert first.json()["dismissed"] is True
        dismissal = first.json()["dismissal"]
        assert (dismissal["reason"], dismissal["notes"]) == ("false_positive", "A drill.")
        assert SECOND.fullmatch(dismissal["dismissed_at"])
        assert second.json() == first.json() == account.get(f"/findings/{found}").json()

    def test_a_very_long_one_is_listed_shortened_and_shown_whole(self, account: Account) -> None:
        log = "Failed password for root\n" * 8_000
        account.create(findings=[new_finding(summary=log)])
        listed = account.get("/findings").json()["findings"][0]
        assert listed["truncated"] is True
        assert log.startswith(listed["summary"])
        assert len(listed["summary"]) == 2_000
        shown = account.get(f"/findings/{listed['id']}").json()
        assert shown["summary"] == log
        assert "truncated" not in shown

    def test_new_and_dismissed_findings_make_a_report_stale(self, account: Account) -> None:
        completed = account.completed()
        assert account.report(completed)["stale"] is False
        assert account.report(completed)["stale_reason"] is None
        account.post(f"/investigations/{completed}/findings", {"findings": [new_finding("New")]})
        report = account.report(completed)
        assert report["stale"] is True
        assert "new" in report["stale_reason"]
        account.post(f"/investigations/{completed}/report/regenerate")
        account.service.work()
        assert account.report(completed)["stale"] is False
        finding = account.get("/findings").json()["findings"][0]["id"]
        account.post(f"/findings/{finding}/dismiss", {"reason": "resolved"})
        assert "dismissed" in account.report(completed)["stale_reason"]


class TestReport:
    def test_has_the_contracts_fields_first_and_then_ours(self, owner: Account, finished: str) -> None:
        report = owner.report(finished)
        assert list(report)[:6] == [
            "narrative",
            "severity",
            "findings_summary",
            "recommended_actions",
            "generated_at",
            "model",
        ]
        ours = {"investigation_id", "version", "stale", "stale_reason", "degraded", "endpoints", "citation_check"}
        assert ours | {"input_digest", "change_summary", "model_name"} <= set(report)
        assert (report["investigation_id"], report["version"]) == (finished, 1)
        assert (report["severity"], report["model"]) == ("high", "standard")
        assert MILLISECOND.fullmatch(report["generated_at"])
        assert set(report["citation_check"]) == {"claims", "supported"}
        first = report["findings_summary"][0]
        assert set(first) == {"finding_id", "title", "summary", "severity", "confidence", "nodes"}
        assert first["nodes"] == [{"node_id": "node-1", "type": "server", "name": "build-01"}]
        known = {f["finding_id"] for f in report["findings_summary"]}
        for priority, action in enumerate(report["recommended_actions"], 1):
            assert set(action) == {"priority", "action", "rationale", "finding_ids"}
            assert action["priority"] == priority
            assert action["finding_ids"]
            assert set(action["finding_ids"]) <= known
        assert [e["name"] for e in report["endpoints"]] == ["build-01"]

    @pytest.mark.parametrize("evidence", ["stored", "pushed"])
    @pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/regenerate"), ("GET", "/versions")])
    def test_before_it_is_completed_there_is_none(
        self, account: Account, evidence: str, method: str, path: str
    ) -> None:
        created = account.create(evidence=evidence)["id"]
        answer = account.request(method, f"/investigations/{created}/report{path}")
        assert (answer.status, answer.json()["error"]) == (409, "investigation_not_completed")
        assert set(answer.json()) == {"error", "message"}

    def test_a_regenerate_needs_neither_body_nor_type(self, account: Account) -> None:
        path = f"/investigations/{account.completed()}/report/regenerate"
        answers = [
            account.post(path),
            account.post(path, **{"Content-Type": "application/json"}),
            account.post(path, **{"Content-Type": "text/plain"}),
            account.post(path, {}),
        ]
        assert {a.status for a in answers} == {202}
        assert {a.json()["status"] for a in answers} == {"queued"}
        (job_id,) = {a.json()["job_id"] for a in answers}
        assert re.fullmatch("job_[0-9a-z]{26}", job_id)

    def test_a_regenerated_report_replaces_the_old_one_when_it_is_ready(self, account: Account) -> None:
        completed = account.completed()
        before = account.report(completed)
        job_id = account.post(f"/investigations/{completed}/report/regenerate").json()["job_id"]
        assert account.get(f"/jobs/{job_id}").json()["status"] == "queued"
        assert account.report(completed) == before
        account.service.work()
        after = account.report(completed)
        assert after["generated_at"] > before["generated_at"]
        assert after["version"] == 2
        job = account.get(f"/jobs/{job_id}").json()
        assert (job["status"], job["progress"], job["error"]) == ("succeeded", 100, None)
        assert (job["investigation_id"], job["generated_at"]) == (completed, after["generated_at"])

    def test_a_bare_regenerate_uses_the_tier_of_the_depth(self, account: Account) -> None:
        tiers = {"quick": "fast", "standard": "standard", "deep": "deep"}
        ids = {depth: account.create(depth=depth, findings=[new_finding()])["id"] for depth in tiers}
        account.service.work()
        for depth, tier in tiers.items():
            assert account.report(ids[depth])["model"] == tier
            account.post(f"/investigations/{ids[depth]}/report/regenerate")
        account.service.work()
        reports = {depth: account.report(ids[depth]) for depth in tiers}
        assert {depth: (r["model"], r["version"]) for depth, r in reports.items()} == {
            depth: (tier, 2) for depth, tier in tiers.items()
        }

    def test_a_regenerate_can_name_a_tier_and_say_what_it_wants(self, account: Account) -> None:
        completed = account.completed()
        path = f"/investigations/{completed}/report/regenerate"
        first = account.post(path, {"model": "deep", "instructions": "For the board."}).json()
        assert account.post(path, {"model": "deep", "instructions": "For the board."}).json() == first
        assert account.post(path, {"model": "fast"}).json()["job_id"] != first["job_id"]
        assert account.post(path, {"model": "huge"}).json()["issues"][0]["path"] == "model"
        account.service.work()
        versions = account.get(f"/investigations/{completed}/report/versions").json()["versions"]
        assert sorted(v["model"] for v in versions) == ["deep", "fast", "standard"]

    def test_versions_come_page_by_page(self, account: Account) -> None:
        path = f"/investigations/{account.completed()}/report"
        for tier in ("fast", "deep"):
            account.post(f"{path}/regenerate", {"model": tier})
        account.service.work()
        first = account.get(f"{path}/versions?limit=2").json()
        assert [v["version"] for v in first["versions"]] == [3, 2]
        last = account.get(f"{path}/versions?limit=2&cursor={first['next_cursor']}").json()
        assert [v["version"] for v in last["versions"]] == [1]
        assert last["next_cursor"] is None
        assert account.get(f"/investigations?cursor={first['next_cursor']}").status == 400

    def test_versions_say_what_they_changed(self, account: Account) -> None:
        completed = account.completed(new_finding("A", severity="high"))
        account.post(f"/investigations/{completed}/findings", {"findings": [new_finding("B", severity="critical")]})
        account.post(f"/investigations/{completed}/report/regenerate")
        account.service.work()
        newest, oldest = account.get(f"/investigations/{completed}/report/versions").json()["versions"]
        assert (newest["version"], oldest["version"]) == (2, 1)
        assert (oldest["change_summary"], oldest["changes"]) == (None, None)
        changes = newest["changes"]
        assert (changes["severity_before"], changes["severity_after"]) == ("high", "critical")
        assert len(changes["added"]) == 1
        assert changes["removed"] == []
        first = account.get(f"/investigations/{completed}/report/versions/1").json()
        second = account.get(f"/investigations/{completed}/report/versions/2").json()
        assert (first["severity"], second["severity"]) == ("high", "critical")
        current = account.report(completed)
        assert second == {k: v for k, v in current.items() if k not in ("stale", "stale_reason")}
        assert account.get(f"/investigations/{completed}/report/versions/3").status == 404

    @pytest.mark.parametrize(
        ("wanted", "content_type", "start"),
        [
            ("pdf", "application/pdf", b"%PDF-"),
            ("md", "text/markdown; charset=utf-8", b"# "),
            ("html", "text/html; charset=utf-8", b"<!DOCTYPE html>"),
        ],
    )
    def test_is_rendered_by_query_or_by_accept(
        self, owner: Account, finished: str, wanted: str, content_type: str, start: bytes
    ) -> None:
        path = f"/investigations/{finished}/report"
        by_query = owner.get(f"{path}?format={wanted}")
        by_accept = owner.get(path, Accept=content_type.partition(";")[0])
        by_version = owner.get(f"{path}/versions/1?format={wanted}")
        assert by_query.status == 200, by_query.body
        assert by_query.body.startswith(start)
        assert by_query.body == by_accept.body == by_version.body
        assert by_query.headers["content-type"] == content_type
        assert by_query.headers["content-disposition"].startswith("attachment;")
        assert by_query.headers["content-security-policy"] == "sandbox"
        assert by_query.headers["x-content-type-options"] == "nosniff"

    def test_is_json_by_default_and_by_name(self, owner: Account, finished: str) -> None:
        path = f"/investigations/{finished}/report"
        plain = owner.get(path)
        assert plain.headers["content-type"] == "application/json"
        assert owner.get(f"{path}?format=json", Accept="application/pdf").json() == plain.json()
        assert owner.get(path, Accept="application/pdf, application/json").json() == plain.json()
        assert owner.get(f"{path}?format=docm").json()["issues"][0]["path"] == "format"


def test_every_answer_is_json_that_is_not_cached(account: Account) -> None:
    for answer in (account.get("/investigations"), account.get("/findings"), account.get("/jobs/x")):
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store"
        json.loads(answer.body)
