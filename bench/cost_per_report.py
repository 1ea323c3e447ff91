"""What 1,000 reports cost on AWS, from the calls that one report really makes; and what stands there costs a month.

The life of one report (created, asked after, written by the scripted model, downloaded) runs through the app's own
routes and handlers over an emulator. Every call is priced as AWS bills it (bench/costs). What cannot be counted here,
such as how long a real model writes, is an assumption: each is printed, and can be changed (--help).
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import boto3
from moto import mock_aws

from bench.costs.bill import Line, Usage, bill, read_prices, times, together, total
from bench.costs.dynamodb_units import item_size
from bench.costs.metered_calls import Metered, metered_calls
from chalicelib.domain.clock import now
from chalicelib.services import claims
from chalicelib.services.claims import Claim, claim_next
from chalicelib.settings import settings
from chalicelib.stores import aws
from chalicelib.stores.permit_queue import to_permit
from chalicelib.stores.report_store import report_key
from chalicelib.stores.stores import stores
from embedded.emulator_corrections import apply_corrections
from embedded.resources import create_resources, load_declaration
from tests.model_server import ModelServer
from tests.support.service import Service, forget_everything

TERRAFORM = Path(__file__).resolve().parent.parent / "infra" / "terraform"
GB = 1_000_000_000
SECONDS_A_MONTH = 730 * 3600
# A mapping keeps this many long polls open on its queue, each of this many seconds.
POLLERS, POLL_SECONDS = 5, 20
# START, END and REPORT of one invocation; one line of the gateway's access log; what CloudWatch adds to each event.
PLATFORM_LOG_BYTES, ACCESS_LOG_BYTES, EVENT_BYTES = 500, 450, 26
# Level, time and request id before each line of ours.
LINE_PREFIX_BYTES = 75
# What an index stores for each entry, besides the entry.
INDEX_OVERHEAD_BYTES = 100
RESPONSE_HEADER_BYTES = 400


@dataclass(frozen=True)
class Assumptions:
    """What is not counted but assumed."""

    polls: int = field(default=20, metadata={"help": "times a client asks for a report's detail"})
    words: int = field(default=2000, metadata={"help": "words asked for"})
    writing_seconds: float = field(default=90.0, metadata={"help": "time a generator spends on a report"})
    api_seconds: float = field(default=0.1, metadata={"help": "time of one request in its function"})
    sweep_seconds: float = field(default=0.5, metadata={"help": "time of one sweep"})


@dataclass(frozen=True)
class Memory:
    """Memory of the functions in MB, as Terraform sets it by default."""

    api: int
    download: int
    generator: int
    housekeeping: int


class _LogSize(logging.Handler):
    """Adds up what our own log lines would take in CloudWatch."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.bytes += len(self.format(record).encode()) + LINE_PREFIX_BYTES + EVENT_BYTES


class Life:
    """One report from its creation to its download, metered."""

    def __init__(self, service: Service, assumed: Assumptions) -> None:
        self._service = service
        self._assumed = assumed
        self._response_bytes = 0
        self._created: list[str] = []
        self.requests = 0
        self.steps: dict[str, Metered] = {}

    def run(self) -> str:
        """Run it, and return the report's id."""
        query = f"Write a {self._assumed.words} word analysis of zero-trust architecture for enterprise networks."
        self._step("create", lambda: self._create(query))
        report_id = self._created[-1]
        self._step("poll while waiting", lambda: self._get(f"/api/reports/{report_id}"))
        bodies = self._service.permits("normal")
        self._step("write", lambda: self._service.deliver("normal", bodies[0]))
        for number in range(1, self._assumed.polls):
            self._step(f"poll {number}", lambda: self._get(f"/api/reports/{report_id}"))
        self._step("download", lambda: self._get(f"/api/reports/{report_id}/download"))
        return report_id

    @property
    def usage(self) -> dict[str, float]:
        """What the calls and answers used."""
        return together(*(step.units for step in self.steps.values())) | {
            "api_requests": self.requests,
            "data_out_gb": self._response_bytes / GB,
        }

    def _step(self, name: str, do: Callable[[], object]) -> None:
        with metered_calls() as metered:
            do()
        self.steps[name] = metered

    def _create(self, query: str) -> None:
        description = "What the board asked for, in a sentence of ordinary length."
        asked: dict[str, Any] = {"parameters": {"user_query": query}, "description": description}
        self._created.append(self._service.create("Zero-trust architecture", output_format="pdf", **asked))
        self.requests += 1

    def _get(self, path: str) -> None:
        answer = self._service.get(path)
        assert answer.status == 200, answer.body
        self.requests += 1
        self._response_bytes += len(answer.body) + RESPONSE_HEADER_BYTES


def measured_lease(service: Service, assumed: Assumptions) -> dict[str, float]:
    """Return what keeping the lease costs while a model writes, which the scripted one does in an instant."""
    service.create("Lease", description="A sentence of ordinary length, again.")
    report = claim_next(to_permit(service.permits("normal")[0], "normal"))
    assert report is not None
    with metered_calls() as renewal:
        Claim(report, lambda: 900).progress(50, "writing section 3", 900)
    with metered_calls() as look:
        stores().reports.get(report.id)
    looks = assumed.writing_seconds / claims._CHECK_SECONDS
    renewals = assumed.writing_seconds / claims._RENEW_SECONDS
    stores().reports.cancel(report, now())
    return together(times(renewal.units, renewals), times(look.units, looks))


def measured_sweep(service: Service) -> dict[str, float]:
    """Return what one sweep uses that finds everything in order."""
    service.sweep()
    with metered_calls() as metered:
        service.sweep()
    return metered.units


def per_report(life: Life, lease: Usage, log_bytes: float, assumed: Assumptions, memory: Memory) -> dict[str, float]:
    """Return everything that one report uses."""
    # One of the requests is the download, which has a function of its own.
    api_time = assumed.api_seconds * ((life.requests - 1) * memory.api + memory.download) / 1024
    writing_time = assumed.writing_seconds * memory.generator / 1024
    invocations = life.requests + 1
    logs = log_bytes + invocations * PLATFORM_LOG_BYTES + life.requests * ACCESS_LOG_BYTES
    around = {
        # The mapping receives the permit and deletes it.
        "sqs_requests": 2,
        "lambda_requests": invocations,
        "lambda_gb_seconds": api_time + writing_time,
        "log_gb": logs / GB,
        # X-Ray's default rule records less once there is more than one request a second.
        "traces": invocations,
    }
    return together(life.usage, lease, around)


def per_month(sweep: Usage, assumed: Assumptions, memory: Memory) -> dict[str, float]:
    """Return what is used in a month without a single report."""
    sweeps = SECONDS_A_MONTH / 60
    declared = load_declaration()
    # Each queue of reports and its dead letters have a reader, every other queue has one.
    mappings = 2 * len(declared["queues"]) + len(declared["webhook_queues"]) + len(declared["knowledge_queues"])
    around = {
        "sqs_requests": mappings * POLLERS * SECONDS_A_MONTH / POLL_SECONDS,
        "lambda_requests": sweeps,
        "lambda_gb_seconds": sweeps * assumed.sweep_seconds * memory.housekeeping / 1024,
        "log_gb": sweeps * PLATFORM_LOG_BYTES / GB,
        "traces": sweeps,
        "alarm_months": alarms(),
        "kms_key_months": len(declared["keys"]),
        "metric_months": 1,
        "dashboard_months": 1,
    }
    return together(times(sweep, sweeps), around)


def kept(report_id: str) -> dict[str, float]:
    """Return what one finished report takes up for a month."""
    pk, sk = report_key(report_id)
    table = settings().reports_table
    client = boto3.client("dynamodb")
    item = client.get_item(TableName=table, Key={"pk": {"S": pk}, "sk": {"S": sk}})["Item"]
    in_table = item_size(item)
    for index in client.describe_table(TableName=table)["Table"]["GlobalSecondaryIndexes"]:
        names = {key["AttributeName"] for key in index["KeySchema"]}
        if names <= set(item):
            held = names | {"pk", "sk", *index["Projection"].get("NonKeyAttributes", [])}
            in_table += item_size({n: v for n, v in item.items() if n in held}) + INDEX_OVERHEAD_BYTES
    listed = aws.s3_client().list_objects_v2(Bucket=settings().artifacts_bucket, Prefix=f"reports/{report_id}/")
    return {
        "dynamodb_gb_months": in_table / GB,
        "dynamodb_recovery_gb_months": in_table / GB,
        "s3_gb_months": sum(found["Size"] for found in listed["Contents"]) / GB,
    }


def terraform_text(name: str) -> str:
    """Return one of Terraform's files."""
    return (TERRAFORM / name).read_text("utf-8")


def default_memory() -> Memory:
    """Return the functions' memory, as declared."""
    block = terraform_text("variables.tf").partition('variable "memory_mb"')[2].partition("\n}\n")[0]
    found = {name: int(size) for name, size in re.findall(r"(\w+) += optional\(number, (\d+)\)", block)}
    return Memory(**{field.name: found[field.name] for field in fields(Memory)})


def alarms() -> int:
    """Return how many alarms Terraform makes."""
    declared = load_declaration()
    numbers = {
        "local.declared.queues": len(declared["queues"]),
        "local.declared.webhook_queues": len(declared["webhook_queues"]),
        "local.declared.schedules": len(declared["schedules"]),
        "local.declared.knowledge_queues": len(declared["knowledge_queues"]),
        # The routes, a reader for each queue, the dead letters, and what the schedules call.
        "local.functions": 2
        + sum(len(declared[kind]) for kind in ("queues", "webhook_queues", "knowledge_queues", "schedules", "routes")),
    }
    blocks = re.findall(
        r'^resource "aws_cloudwatch_metric_alarm" .*?^}', terraform_text("alarms.tf"), re.DOTALL | re.MULTILINE
    )
    return sum(numbers[found[1]] if (found := re.search(r"for_each = (\S+)", b)) else 1 for b in blocks)


@contextmanager
def emulated_service(model: ModelServer) -> Iterator[Service]:
    """Serve the real app over moto in this process, with nothing of the caller's accounts."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "LLM_"))]:
        del os.environ[name]
    os.environ.update(
        AWS_ACCESS_KEY_ID="testing",
        AWS_SECRET_ACCESS_KEY="testing",
        AWS_DEFAULT_REGION="us-east-1",
        AWS_EC2_METADATA_DISABLED="true",
        LLM_BASE_URL=model.base_url,
        LLM_MODEL="scripted-model",
    )
    apply_corrections()
    with mock_aws():
        os.environ.update(create_resources(boto3, "bench"))
        forget_everything()
        yield Service()


def show(title: str, lines: list[Line]) -> None:
    """Print a bill; what is under a hundredth of a cent is summed up in one line."""
    print(f"\n{title}")
    small = [line for line in lines if line.dollars < 0.0001]
    for line in lines:
        if line not in small:
            print(f"  {line.name:48} {line.units:14,.6g} {line.dollars:9.4f}")
    if small:
        print(f"  {'(less than 0.0001 each)':48} {'':14} {total(small):9.4f}")
    print(f"  {'together':48} {'':14} {total(lines):9.4f}")


def arguments() -> Assumptions:
    """Return the assumptions, as the command line changes them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    for assumption in fields(Assumptions):
        name = f"--{assumption.name.replace('_', '-')}"
        default = assumption.default
        parser.add_argument(name, type=type(default), default=default, help=assumption.metadata["help"])
    return Assumptions(**vars(parser.parse_args()))


def main() -> None:
    """Measure, and print the bills."""
    assumed, memory, prices = arguments(), default_memory(), read_prices()
    log = _LogSize()
    logging.getLogger("chalicelib").addHandler(log)
    logging.getLogger("chalicelib").propagate = False
    with ModelServer() as model, emulated_service(model) as service:
        # The first life warms what a busy deployment has warm: keys, figures, connections.
        Life(service, replace(assumed, polls=2)).run()
        log.bytes = 0
        life = Life(service, assumed)
        report_id = life.run()
        lines_of_ours = log.bytes
        lease = measured_lease(service, assumed)
        sweep = measured_sweep(service)
        report = stores().reports.get(report_id)
        storage = kept(report_id)
    assert report is not None
    assert report.outcome is not None

    print(
        f"List prices of {prices.region}, {prices.as_of}, in US dollars, without free tiers. Check them before relying."
    )
    print("Assumed: " + ", ".join(f"{f.name} {getattr(assumed, f.name):g}" for f in fields(Assumptions)))
    print("Memory (MB): " + ", ".join(f"{f.name} {getattr(memory, f.name)}" for f in fields(Memory)))
    for name in ("create", "poll while waiting", "poll 1", "write", "download"):
        step = life.steps[name]
        calls = ", ".join(f"{call} {count}" for call, count in sorted(step.calls.items()))
        print(f"  {name:18} {step.calls.total():3} calls: {calls}")
    each = per_report(life, lease, lines_of_ours, assumed, memory)
    show("1,000 reports", bill(times(each, 1000), prices.prices))
    show("a month without a report", bill(per_month(sweep, assumed, memory), prices.prices))
    show("keeping 1,000 reports for a month", bill(times(storage, 1000), prices.prices))
    usage = report.outcome.usage
    print(
        f"\nThe model is paid apart: this report of {report.outcome.word_count} words took {usage['calls']} requests,"
    )
    print(f"{usage['tokens_in']} tokens in and {usage['tokens_out']} out (as the scripted model counts them).")


if __name__ == "__main__":
    main()
