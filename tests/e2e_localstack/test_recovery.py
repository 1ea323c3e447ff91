"""Workers that crash, hang or vanish, and permits that get lost: what brings each report to its end.

All of it waits for the clocks of queues, functions and the schedule, so all scenarios begin together, each with a
priority of its own. In the first phase the sweep is paused: what happens there, deliveries alone have done.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import psutil
import pytest

from tests.e2e_localstack.conftest import Deployed
from tests.model_server.script import Received
from tests.support.model_calls import part_of
from tests.support.service import PRIORITIES
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.localstack, pytest.mark.timeout(600)]

# The requests to the model that a report makes at once, which is llm_concurrency in localstack-e2e.tfvars.
AT_ONCE = 4
FINISHED_FIRST = 2
# A permit is delivered twice (max_receive_count), each time hidden for visibility_seconds.
DELIVERIES_SECONDS = 120
SWEEP_SECONDS = 100


@dataclass(frozen=True)
class Begun:
    """A report in its scenario's first phase: its parts that were finished before the trouble began."""

    report_id: str
    subject: str
    finished: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Scenarios:
    """The outcomes of the first phase, and in which status it left the reports that only a sweep can rescue."""

    crashing: Future[Begun]
    stopped: Future[Begun]
    abandoned: Future[Begun]
    permitless: Future[Begun]
    before_the_sweep: tuple[str, str]


@pytest.fixture(scope="module")
def scenarios(deployed: Deployed) -> Scenarios:
    _warm_up(deployed)
    deployed.controls.pause_delivery("reports-urgent", dead=True)
    with deployed.controls.sweep_paused():
        with ThreadPoolExecutor(4) as pool:
            crashing = pool.submit(_crash_always, deployed, "lighthouses")
            stopped = pool.submit(_stop_until_the_timeout, deployed, "windmills")
            abandoned = pool.submit(_kill_and_lose_the_permit, deployed, "aqueducts")
            permitless = pool.submit(_lose_the_permit, deployed, "railways")
        left = tuple(deployed.client.report(b.result().report_id)["status"] for b in (abandoned, permitless))
    return Scenarios(crashing, stopped, abandoned, permitless, (left[0], left[1]))


def test_a_report_that_always_crashes_its_worker_fails_and_leaves_a_dead_letter(
    deployed: Deployed, scenarios: Scenarios
) -> None:
    crashing = scenarios.crashing.result()
    report = deployed.client.wait_for_status(crashing.report_id, "failed", seconds=SWEEP_SECONDS)
    assert "its worker stopped without a result 2 times" in report["error_message"]
    assert deployed.controls.dead_reports("reports-urgent") == [crashing.report_id]
    deployed.controls.resume_delivery("reports-urgent", dead=True)
    wait_for(lambda: deployed.controls.count("reports-urgent", dead=True) == 0, 60, "the end of the dead letter")
    assert deployed.client.report(crashing.report_id)["status"] == "failed"


def test_a_function_killed_by_its_timeout_is_resumed_by_the_next_delivery(
    deployed: Deployed, scenarios: Scenarios
) -> None:
    # It was completed while the sweep was paused.
    stopped = scenarios.stopped.result()
    assert deployed.client.report(stopped.report_id)["attempt"] == 2
    assert_nothing_was_written_twice(deployed, stopped)


def test_the_schedule_rescues_a_report_that_its_worker_abandoned(deployed: Deployed, scenarios: Scenarios) -> None:
    abandoned = scenarios.abandoned.result()
    assert scenarios.before_the_sweep[0] == "processing"
    assert deployed.client.finished(abandoned.report_id, seconds=SWEEP_SECONDS)["attempt"] == 2
    assert_nothing_was_written_twice(deployed, abandoned)


def test_the_schedule_rescues_a_report_whose_permit_is_lost(deployed: Deployed, scenarios: Scenarios) -> None:
    permitless = scenarios.permitless.result()
    assert scenarios.before_the_sweep[1] == "queued"
    assert deployed.client.finished(permitless.report_id, seconds=SWEEP_SECONDS)["attempt"] == 1


def assert_nothing_was_written_twice(deployed: Deployed, begun: Begun) -> None:
    asked = [part_of(request) for request in parts_about(deployed, begun.subject)]
    assert len(begun.finished) == FINISHED_FIRST
    assert {part: asked.count(part) for part in begun.finished} == dict.fromkeys(begun.finished, 1)


def requests_about(deployed: Deployed, subject: str) -> list[Received]:
    return [request for request in deployed.model.requests() if subject in request.prompt]


def parts_about(deployed: Deployed, subject: str) -> list[Received]:
    return [request for request in requests_about(deployed, subject) if part_of(request)]


def _warm_up(deployed: Deployed) -> None:
    """Have every generator running, so that the time of imports is not part of the scenarios."""
    for report_id in [_create(deployed, "warming up", priority) for priority in PRIORITIES]:
        deployed.client.finished(report_id, seconds=120)


def _create(deployed: Deployed, subject: str, priority: str) -> str:
    query = f"Write a 3000 word analysis of {subject}."
    return deployed.client.create(subject, priority=priority, output_format="md", parameters={"user_query": query})


def _begin(deployed: Deployed, subject: str, priority: str) -> Begun:
    """Have a report written up to the point where some parts are stored and the model is silent about the next."""
    deployed.model.fault("slow", match=subject, texts_only=True, times=FINISHED_FIRST, tokens_per_second=1e6)
    deployed.model.fault("hang", match=subject, texts_only=True, times=AT_ONCE)
    report_id = _create(deployed, subject, priority)

    wait_for(
        lambda: len(parts_about(deployed, subject)) == FINISHED_FIRST + AT_ONCE,
        60,
        f"the silence of the model about {subject}",
    )
    wait_for(
        lambda: f"writing {FINISHED_FIRST + 1} of " in (deployed.client.report(report_id)["progress_message"] or ""),
        10,
        f"the first parts on {subject} to be stored",
    )
    answered = [r for r in parts_about(deployed, subject) if r.outcome == "answered"]
    return Begun(report_id, subject, frozenset(part for r in answered if (part := part_of(r))))


def _crash_always(deployed: Deployed, subject: str) -> Begun:
    """Kill the worker whenever it asks the model, until the permit is in the dead letters."""
    deployed.model.fault("hang", match=subject, times=None)
    report_id = _create(deployed, subject, "urgent")
    killed = 0

    def is_dead() -> bool:
        nonlocal killed
        asked = len(requests_about(deployed, subject))
        if asked > killed:
            killed = asked
            deployed.controls.kill("generate_urgent")
        return deployed.controls.dead_reports("reports-urgent") == [report_id]

    wait_for(is_dead, DELIVERIES_SECONDS, "the death of the permit", every=0.2)
    return Begun(report_id, subject)


def _stop_until_the_timeout(deployed: Deployed, subject: str) -> Begun:
    """Stop the worker in its tracks: nobody renews its lease, and it runs into its function's timeout."""
    begun = _begin(deployed, subject, "high")
    (worker,) = deployed.controls.processes("generate_high")
    worker.suspend()
    wait_for(lambda: not psutil.pid_exists(worker.pid), 60, "the function's timeout")
    deployed.client.finished(begun.report_id, seconds=DELIVERIES_SECONDS)
    return begun


def _kill_and_lose_the_permit(deployed: Deployed, subject: str) -> Begun:
    begun = _begin(deployed, subject, "normal")
    deployed.controls.kill("generate_normal")
    deployed.controls.purge("reports-normal")
    assert deployed.controls.count("reports-normal") == 0
    return begun


def _lose_the_permit(deployed: Deployed, subject: str) -> Begun:
    deployed.controls.pause_delivery("reports-low")
    report_id = _create(deployed, subject, "low")
    deployed.controls.purge("reports-low")
    deployed.controls.resume_delivery("reports-low")
    return Begun(report_id, subject)
