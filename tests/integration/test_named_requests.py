"""``Idempotency-Key`` of every ``POST`` of ``/v1`` that creates, and of webhooks: sent again, it has one effect.

Creations of reports, keys and investigations are in the tests of those.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from secrets import token_hex
from typing import Any

import pytest

from chalicelib.domain.clock import now
from chalicelib.services.fail_report import fail_report
from chalicelib.services.idempotency import IdempotencyConflictError, RequestName
from chalicelib.services.investigations import cancel_investigation
from chalicelib.services.named_answers import earlier_answer, keep_answer
from chalicelib.stores.answer_store import StoredAnswer
from chalicelib.stores.stores import stores
from tests.conftest import service_here
from tests.model_server import ModelServer
from tests.support.investigations import ACCOUNT, completed, started
from tests.support.refused_calls import overtaken
from tests.support.service import Answer, Service, counted_calls
from tests.support.v1_callers import Account, new_finding

TABLE = b"title,severity,host\nTelnet is open,high,gw-1\nOld TLS,low,gw-2\n"
HOOK = {"url": "https://example.com/hook", "events": ["investigation.completed"]}
JOBS = f"v1#{ACCOUNT}"


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with pytest.MonkeyPatch.context() as patched, ModelServer() as model, service_here(patched, model) as made:
        yield made


@pytest.fixture(scope="module")
def account(service: Service) -> Account:
    return Account(service, ACCOUNT)


@dataclass(frozen=True)
class Creation:
    """A request that creates something: where, with what, another body for there, and how much there is of it."""

    path: str
    body: Any
    other: Any
    count: Callable[[], int]
    made: int = 1
    content_type: str = "application/json"


def send(account: Account, to: Creation, name: str, *, other: bool = False) -> Answer:
    body = to.other if other else to.body
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return account.post(to.path, raw, **{"Content-Type": to.content_type, "Idempotency-Key": name})


def findings_of(investigation_id: str) -> int:
    head = stores().findings.head(investigation_id)
    assert head is not None
    return head.investigation.finding_count


def batch(service: Service) -> Creation:
    investigation = started(findings=None).id
    findings = [new_finding(), new_finding("Another", external_id="e-1")]
    path = f"/investigations/{investigation}/findings"
    body, other = {"findings": findings}, {"findings": findings[:1]}
    return Creation(path, body, other, lambda: findings_of(investigation), made=2)


def known_batch(service: Service) -> Creation:
    """A batch of which nothing is new."""
    made = batch(service)
    made.body["findings"] = made.body["findings"][1:]
    Account(service, ACCOUNT).post(made.path, made.body)
    return Creation(made.path, made.body, made.other, made.count, made=0)


def file_import(service: Service) -> Creation:
    investigation = started(findings=None).id
    path, other = f"/investigations/{investigation}/findings/import", TABLE + b"Old SSH,low,gw-3\n"
    return Creation(path, TABLE, other, lambda: findings_of(investigation), 2, "text/csv")


@cache
def reported(service: Service) -> str:
    """Return the one investigation here that has a report."""
    return completed(service).id


def regeneration(service: Service) -> Creation:
    path = f"/investigations/{reported(service)}/report/regenerate"
    one, other = ({"instructions": f"For readers {token_hex(4)}."} for _ in range(2))
    return Creation(path, one, other, lambda: stores().reports.total(JOBS, None))


def subscription(service: Service) -> Creation:
    for old in stores().webhooks.subscriptions(JOBS):
        stores().webhooks.delete(old)
    path, other = "/webhooks/subscriptions", HOOK | {"events": ["investigation.failed"]}
    return Creation(path, HOOK, other, lambda: len(stores().webhooks.subscriptions(JOBS)))


@pytest.fixture(params=[batch, known_batch, file_import, regeneration, subscription])
def creation(request: pytest.FixtureRequest, service: Service) -> Creation:
    made: Creation = request.param(service)
    return made


def test_sent_twice_or_at_once_it_has_one_effect(creation: Creation, account: Account) -> None:
    before = creation.count()
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: send(account, creation, "one"), range(3)))
    answers.append(send(account, creation, "one"))
    assert creation.count() == before + creation.made
    assert len({answer.status for answer in answers}) == 1
    assert answers[-1].headers["idempotency-replayed"] == "true"
    told = [{k: v for k, v in answer.json().items() if k != "secret"} for answer in answers]
    assert all(body == told[0] for body in told)
    if creation.path == "/webhooks/subscriptions":
        assert sum(bool(answer.json().get("secret")) for answer in answers) == 1


def test_with_another_body_or_name_it_is_another_request(creation: Creation, account: Account) -> None:
    first = send(account, creation, "two")
    conflict = send(account, creation, "two", other=True)
    assert (conflict.status, conflict.json()["error"]) == (409, "idempotency_conflict")
    another = send(account, creation, "three", other=True)
    assert another.status == first.status, another.body
    assert "idempotency-replayed" not in another.headers


def test_what_was_done_is_told_although_the_investigation_takes_nothing_more(
    service: Service, account: Account
) -> None:
    for made in (batch(service), file_import(service)):
        first = send(account, made, "one")
        cancel_investigation(ACCOUNT, made.path.split("/")[2])
        assert send(account, made, "two").status == 409
        again = send(account, made, "one")
        assert (again.status, again.json()) == (201, first.json())


def test_a_shared_job_is_told_again_when_it_has_ended(service: Service, account: Account) -> None:
    made = regeneration(service)
    first, shared = send(account, made, "asked first"), send(account, made, "shared")
    assert shared.json()["job_id"] == first.json()["job_id"]
    job = stores().reports.get(first.json()["job_id"])
    assert job is not None
    fail_report(stores().reports.claim(job, now(), timedelta(seconds=30)), "It was too long", now())
    again = send(account, made, "shared")
    assert again.json()["job_id"] == first.json()["job_id"]
    assert again.json()["status"] != "queued"
    assert send(account, made, "asked later").json()["job_id"] != first.json()["job_id"]


def test_an_upload_has_one_place(account: Account) -> None:
    investigation = started(findings=None).id
    made = Creation(
        f"/investigations/{investigation}/findings/uploads", {"size_bytes": 9}, {"size_bytes": 8}, lambda: 0
    )
    first, again = (send(account, made, "one").json()["upload_id"] for _ in range(2))
    assert first == again
    assert send(account, made, "one", other=True).status == 409
    assert send(account, made, "two").json()["upload_id"] != first


def test_a_name_costs_one_read_where_no_id_follows_from_it(service: Service, account: Account) -> None:
    made = batch(service)
    account.post(made.path, made.body)
    with counted_calls() as without:
        account.post(made.path, made.body)
    with counted_calls() as named:
        send(account, made, "one")
    assert named - without == {"GetItem": 1}


def test_names_are_their_owners_and_their_paths(service: Service, account: Account) -> None:
    made, elsewhere = batch(service), batch(service)
    send(account, made, "one")
    assert "idempotency-replayed" not in send(account, elsewhere, "one").headers
    other = Account(service, "another")
    assert send(other, made, "one").status == 404


def test_a_day_later_the_name_is_free() -> None:
    name = RequestName("acme", "POST /v1/x", "k", "digest")
    at = now()
    assert stores().answers.put(str(name.uuid()), StoredAnswer("digest", {"n": 1}), at, at + timedelta(seconds=60))
    assert earlier_answer(name) == {"n": 1}
    with pytest.raises(IdempotencyConflictError):
        keep_answer(RequestName("acme", "POST /v1/x", "k", "another"), {})
    later = at + timedelta(seconds=61)
    assert stores().answers.get(str(name.uuid()), later) is None
    assert stores().answers.put(str(name.uuid()), StoredAnswer("another", {}), later, later + timedelta(hours=24))


@pytest.mark.parametrize("api", ["reports", "investigations"])
def test_a_secret_is_rotated_once_by_requests_of_one_name(service: Service, account: Account, api: str) -> None:
    if api == "reports":
        body = {"url": HOOK["url"], "events": ["report.completed"]}
        post, path = service.post, "/api/webhooks"
        made = post(path, body).json()["data"]["webhook"]["id"]
    else:
        post, path = lambda path, headers: account.post(path, **headers), "/webhooks/subscriptions"
        made = account.post(path, HOOK).json()["id"]

    def rotate() -> Answer:
        return post(f"{path}/{made}/rotate", headers={"Idempotency-Key": "r"})

    answers = []
    with overtaken(lambda: answers.append(rotate()), goes_on=True):
        answers.append(rotate())
    answers.append(rotate())
    assert {answer.status for answer in answers} == {201}
    secrets = [answer.json().get("secret") or answer.json().get("data", {}).get("secret") for answer in answers]
    assert [secret is not None for secret in secrets] == [True, False, False]
    owner = service.owner if api == "reports" else JOBS
    stored = stores().webhooks.get(owner, made)
    assert stored is not None
    assert len(stored.retired) == 1
