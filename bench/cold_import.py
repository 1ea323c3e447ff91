"""What the API's cold import costs against importing chalice and boto3 alone, as a ratio in one run.

python bench/cold_import.py [package.zip]

Both sides load from the unzipped package, as Lambda does (its own bytecode, no site-packages), and end
with the clients that the API makes at first use. Each measurement is a fresh interpreter; the sides take
turns, after a round that warms the page cache. Processor time is what is compared: on an idle machine it
is the time that passes, and on a busy one the neighbours are not counted. Then the packages are listed
that the difference is made of. The exit status is 1 where the bound is not kept.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "dist" / "api.zip"
BOUND = 1.4
ROUNDS = 15
# Importing is timed module by module in runs of their own, because timing slows it down.
TRACED_ROUNDS = 5
LISTED = 12

SERVICES = ("dynamodb", "sqs", "s3")
REFERENCE = f"""
import chalice, boto3
for service in {SERVICES!r}:
    boto3.client(service)
"""
API = """
import app
from chalicelib.stores import aws
aws.dynamodb_client(), aws.sqs_client(), aws.s3_client()
"""
# What the first "Create Report" of a process adds, and no other request.
FIRST_BODY = f"{API}\nimport chalicelib.api.create_request"

# As on Lambda: credentials and region in the environment, and no configuration file.
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}
TRACED = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)")


@dataclass(frozen=True)
class Cost:
    """Milliseconds that one process took."""

    processor: float
    passed: float


def fresh_interpreter(package: Path, program: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run ``program`` with the package and the standard library alone; it prints its two times in ms."""
    timed = "\n".join(
        (
            f"import sys, time; sys.path.insert(0, {str(package)!r})",
            "passed, processor = time.perf_counter(), time.process_time()",
            program,
            "print((time.process_time() - processor) * 1000, (time.perf_counter() - passed) * 1000)",
        )
    )
    command = [sys.executable, "-I", "-S", "-B", *options, "-c", timed]
    found = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    if found.returncode != 0:
        raise SystemExit(f"the package does not run on this Python:\n{found.stderr[-2000:]}")
    return found


def cost(package: Path, program: str) -> Cost:
    """Return what one run of ``program`` costs."""
    processor, passed = fresh_interpreter(package, program).stdout.split()
    return Cost(float(processor), float(passed))


def in_turns(package: Path, programs: Mapping[str, str]) -> dict[str, list[Cost]]:
    """Return the costs of each program over ``ROUNDS`` rounds, in which each runs once."""
    for program in programs.values():
        cost(package, program)
    rounds = [{name: cost(package, program) for name, program in programs.items()} for _ in range(ROUNDS)]
    return {name: [measured[name] for measured in rounds] for name in programs}


def self_times(package: Path, program: str) -> Counter[str]:
    """Return the microseconds that importing takes in each top-level package, medians per module."""
    runs: dict[str, list[int]] = {}
    for _ in range(TRACED_ROUNDS):
        for line in fresh_interpreter(package, program, "-X", "importtime").stderr.splitlines():
            if found := TRACED.match(line):
                runs.setdefault(found[2], []).append(int(found[1]))
    times: Counter[str] = Counter()
    for module, measured in runs.items():
        times[module.partition(".")[0]] += int(statistics.median(measured))
    return times


def print_contributors(reference: Counter[str], api: Counter[str]) -> None:
    """Print what the API's import takes more of, the largest first, and what it takes most of at all."""
    more = Counter({name: took - reference[name] for name, took in api.items()})
    print(f"importing, traced (ms): {reference.total() / 1000:.0f} reference, {api.total() / 1000:.0f} API")
    print(f"{'package':24} {'reference':>9} {'API':>9} {'more':>9}")
    listed = dict.fromkeys([*(n for n, _ in more.most_common(LISTED)), *(n for n, _ in api.most_common(LISTED))])
    for name in sorted(listed, key=lambda n: -more[n]):
        print(f"{name:24} {reference[name] / 1000:9.1f} {api[name] / 1000:9.1f} {more[name] / 1000:9.1f}")


def median(costs: Sequence[Cost]) -> Cost:
    """Return the median of each of the two times."""
    return Cost(statistics.median(c.processor for c in costs), statistics.median(c.passed for c in costs))


def main() -> int:
    """Print the ratio and its contributors; return the exit status."""
    archive = Path(sys.argv[1]) if len(sys.argv) > 1 else PACKAGE
    if not archive.is_file():
        print(f"there is no {archive}: make package builds it", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder)
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(package)
        programs = {"chalice, boto3": REFERENCE, "API": API, "API, first body": FIRST_BODY}
        costs = in_turns(package, programs)
        reference_times, api_times = self_times(package, REFERENCE), self_times(package, API)
    medians = {name: median(found) for name, found in costs.items()}
    print(f"{ROUNDS} rounds; medians, each with the clients for {', '.join(SERVICES)}")
    for name, found in medians.items():
        print(f"{name:16} {found.processor:6.0f} ms of processor, {found.passed:6.0f} ms passed")
    print_contributors(reference_times, api_times)
    ratio = medians["API"].processor / medians["chalice, boto3"].processor
    passed = medians["API"].passed / medians["chalice, boto3"].passed
    kept = ratio <= BOUND
    print(f"ratio {ratio:.2f} ({passed:.2f} of the time passed), at most {BOUND}: {'kept' if kept else 'NOT KEPT'}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
