"""A real scan, from its SARIF file to a cited narrative: ``python -m embedded.demo_investigation``.

Starts the stack on a free port, opens an investigation as a client would, imports the findings, closes the
evidence, follows the job, saves the report as JSON and PDF under out/, prints the narrative, and stops everything.

``SARIF=…`` takes another file, ``QUERY=…`` asks something else of it, ``DEPTH=quick|standard|deep`` looks closer.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from rich.console import Console

from chalicelib.domain.wording import counted
from embedded.demo import DemoError, RunningService, fetch, file_name, follow
from embedded.processes import ROOT, StackError
from embedded.stack import DEFAULT_DIRECTORY, Stack, StopRequested, stop_on_signals

EXAMPLE: Final = ROOT / "examples" / "setuptools-scan" / "bandit.sarif"
EXAMPLE_QUERY: Final = "What does the scan of setuptools 84.2.1 show, how bad is it, and what should be fixed first?"
QUERY: Final = "What does the scan show, how bad is it, and what should be fixed first?"
DEPTHS: Final = ("quick", "standard", "deep")
# What one request carries; more is uploaded first.
_IN_A_REQUEST: Final = 4 * 1024 * 1024
_STATUS_OF_JOB: Final = {"succeeded": "completed"}

_console = Console(highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class Case:
    """What is investigated: a scanner's file, a question about it, and how deep to look."""

    sarif: Path
    query: str
    depth: str


def chosen_case(environment: Mapping[str, str]) -> Case:
    """Return the case that the caller's environment names; without any, the example.

    Raises:
        DemoError: there is no such file or depth.
    """
    sarif = Path(environment.get("SARIF") or EXAMPLE)
    if not sarif.is_file():
        raise DemoError(f"SARIF={sarif} is no file")
    depth = environment.get("DEPTH") or "standard"
    if depth not in DEPTHS:
        raise DemoError(f"DEPTH={depth} is none of {', '.join(DEPTHS)}")
    query = environment.get("QUERY") or (EXAMPLE_QUERY if sarif == EXAMPLE else QUERY)
    return Case(sarif, query, depth)


class Client:
    """The investigation API as seen by one key."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._key = key

    def create(self, case: Case) -> str:
        """Open an investigation that waits for its findings; return its id."""
        body = {"query": case.query, "depth": case.depth, "evidence": "pushed"}
        return str(self._json("POST", "/v1/investigations", body)["id"])

    def import_sarif(self, investigation_id: str, content: bytes) -> dict[str, Any]:
        """Hand in a scanner's file; return what became of it."""
        path = f"/v1/investigations/{investigation_id}/findings"
        if len(content) <= _IN_A_REQUEST:
            answer: dict[str, Any] = json.loads(self._call("POST", f"{path}/import", content, "application/sarif+json"))
            return answer
        upload = self._json("POST", f"{path}/uploads", {"size_bytes": len(content)})
        status, _, said = fetch(upload["method"], upload["url"], content, upload["headers"])
        if status != 200:
            raise DemoError(f"the upload answered {status}: {said[:500].decode('utf-8', 'replace')}")
        return self._json("POST", f"{path}/import", {"upload_id": upload["upload_id"], "format": "sarif"})

    def complete(self, investigation_id: str) -> str:
        """Close the evidence; return the id of the job that writes the report."""
        return str(self._json("POST", f"/v1/investigations/{investigation_id}/complete")["job_id"])

    def job(self, job_id: str) -> dict[str, Any]:
        """Return where a job stands, in the words in which a report's progress is followed."""
        job = self._json("GET", f"/v1/jobs/{job_id}")
        return {
            "status": _STATUS_OF_JOB.get(job["status"], job["status"]),
            "progress_percentage": job["progress"],
            "progress_message": job["message"],
            "error_message": job["error"],
        }

    def report(self, investigation_id: str) -> tuple[dict[str, Any], bytes]:
        """Return the report, and it as a PDF."""
        path = f"/v1/investigations/{investigation_id}/report"
        report = self._json("GET", path)
        # LocalStack's gateway hands binary files only to clients that name their type.
        return report, self._call("GET", f"{path}?format=pdf", accept="application/pdf")

    def _json(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        sent = None if body is None else json.dumps(body).encode()
        answer: dict[str, Any] = json.loads(self._call(method, path, sent))
        return answer

    def _call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> bytes:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": content_type, "Accept": accept}
        status, location, content = fetch(method, self._url + path, body, headers)
        if status == 302 and location:
            status, _, content = fetch("GET", location)
        if status >= 400:
            raise DemoError(f"{method} {path} answered {status}: {content[:500].decode('utf-8', 'replace')}")
        return content


class Service(RunningService, Protocol):
    """A running service that can investigate."""

    investigations_key: str


def run(stack: Service, case: Case, directory: Path = ROOT / "out") -> dict[str, Any]:
    """Investigate a case on a running service, save its report in ``directory`` and return it.

    Raises:
        DemoError: something failed.
    """
    client = Client(stack.url, stack.investigations_key)
    content = case.sarif.read_bytes()
    _say(f"written by {stack.writer}")
    _say(f"asking    {case.query}")
    started = time.monotonic()
    investigation_id = client.create(case)
    imported = client.import_sarif(investigation_id, content)
    _say(f"imported  {_short(case.sarif)}: {imported['created']} findings in {time.monotonic() - started:.1f} seconds")
    for notice in imported["notices"]:
        _say(f"          {notice}")
    job_id = client.complete(investigation_id)
    job = follow(lambda: client.job(job_id))
    seconds = time.monotonic() - started
    if job["status"] != "completed":
        raise DemoError(f"the job {job['status']}: {job['error_message']}")
    report, pdf = client.report(investigation_id)
    name = file_name(f"investigation {case.sarif.parent.name} {case.sarif.stem}", "json").removesuffix(".json")
    files = {f"{name}.json": json.dumps(report, indent=2, ensure_ascii=False).encode(), f"{name}.pdf": pdf}
    directory.mkdir(exist_ok=True)
    for file, saved in files.items():
        (directory / file).write_bytes(saved)
    _show(report, [directory / file for file in files], seconds)
    return report


def _show(report: Mapping[str, Any], files: list[Path], seconds: float) -> None:
    _say(f"\n{report['narrative']}\n")
    _say("Recommended actions")
    for action in report["recommended_actions"]:
        _say(f"  {action['priority']}. {action['action']} ({counted(len(action['finding_ids']), 'finding')})")
    counts = Counter(finding["severity"] for finding in report["findings_summary"])
    found = ", ".join(f"{counts[severity]} {severity}" for severity in ("critical", "high", "medium", "low"))
    check = report["citation_check"]
    model = report["model_name"] or "no model: it was written by rules"
    _say(
        f"\n  files      {', '.join(_short(file) for file in files)}\n"
        f"  severity   {report['severity']}\n"
        f"  findings   {found}\n"
        f"  endpoints  {len(report['endpoints'])}\n"
        f"  citations  {check['supported']} of {check['claims']} claims are supported by the findings they cite\n"
        f"  model      {model}{', degraded' if report['degraded'] else ''}\n"
        f"  seconds    {seconds:.1f}\n"
    )


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def _say(line: str) -> None:
    _console.print(line, markup=False)


def main() -> int:
    """Run the demonstration; return the exit status."""
    stop_on_signals()
    directory = DEFAULT_DIRECTORY / "demo"
    try:
        case = chosen_case(os.environ)
        with Stack(directory=directory, say=lambda line: _console.print(f"… {line}")) as stack:
            run(stack, case)
    except (DemoError, StackError) as error:
        _console.print(f"error: {error}\nlogs: {_short(directory / 'logs')}", style="red", markup=False)
        return 1
    except StopRequested:
        _say("\nstopped")
        return 130
    _say("Next: make run starts the service; docs/investigations.md shows what else it can be asked.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
