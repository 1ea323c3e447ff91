"""AWS calls per warm request of ``/v1``, counted through botocore's events. They are what a request costs.

The budgets leave room for limits: one more call on every limited route.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from tests.support.service import Service, counted_calls
from tests.support.v1_callers import Account, new_finding


@pytest.fixture
def account(service: Service) -> Account:
    return Account(service)


def batch(size: int) -> dict[str, object]:
    return {"findings": [new_finding(f"F{number}") for number in range(size)]}


def dismissals(account: Account) -> Iterator[str]:
    for finding in account.get("/findings").json()["findings"]:
        yield f"/findings/{finding['id']}/dismiss"


def test_every_request_keeps_its_budget(account: Account) -> None:
    done = account.completed(*[new_finding(f"F{number}") for number in range(10)])
    pending = account.create(evidence="pushed")["id"]
    finding = account.get("/findings").json()["findings"][0]["id"]
    job = account.investigation(done)["job_id"]
    waiting = iter([account.create(f"q{number}")["id"] for number in range(3)])
    open_ones = iter([account.create(evidence="pushed")["id"] for _ in range(3)])
    to_dismiss, keys, tiers = dismissals(account), count(), iter(["fast", "deep", "standard"])
    report = f"/investigations/{done}/report"
    account.get(f"{report}?format=md")
    requests: dict[str, tuple[int, Callable[[], object]]] = {
        "trigger": (3, lambda: account.post("/investigations", {"query": "q"})),
        "trigger with a key": (3, lambda: account.create("q", idempotency_key=f"k{next(keys)}")),
        "trigger with findings": (5, lambda: account.create(findings=[new_finding()])),
        "trigger that waits": (1, lambda: account.create(evidence="pushed")),
        "investigation": (1, lambda: account.get(f"/investigations/{done}")),
        "investigations": (2, lambda: account.get("/investigations")),
        "cancel": (4, lambda: account.delete(f"/investigations/{next(waiting)}")),
        "complete": (4, lambda: account.post(f"/investigations/{next(open_ones)}/complete")),
        "25 findings": (4, lambda: account.post(f"/investigations/{pending}/findings", batch(25))),
        "finding": (1, lambda: account.get(f"/findings/{finding}")),
        "findings": (2, lambda: account.get("/findings")),
        "dismiss": (3, lambda: account.post(next(to_dismiss), {"reason": "resolved"})),
        "report": (3, lambda: account.get(report)),
        "report as a file": (3, lambda: account.get(f"{report}?format=md")),
        "versions": (2, lambda: account.get(f"{report}/versions")),
        "version": (4, lambda: account.get(f"{report}/versions/1")),
        "regenerate": (4, lambda: account.post(f"{report}/regenerate", {"model": next(tiers)})),
        "job": (1, lambda: account.get(f"/jobs/{job}")),
    }
    seen = {}
    for name, (_, request) in requests.items():
        request()
        with counted_calls() as calls:
            request()
        seen[name] = calls
    over = {name: seen[name] for name, (budget, _) in requests.items() if seen[name].total() > budget}
    assert not over
