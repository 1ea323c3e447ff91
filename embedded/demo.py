"""One report, from nothing to a file: ``python -m embedded.demo`` (QUERY=… TITLE=… FORMAT=pdf|md|html).

Starts the stack on a free port, asks for a report as a client would, follows it, saves it under out/, fetches
it once more through a presigned link, and stops everything.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from embedded.processes import ROOT, StackError
from embedded.stack import DEFAULT_DIRECTORY, Stack, StopRequested, stop_on_signals

TEMPLATE_ID: Final = "cc030440-0005-470f-8341-6ec798d00445"
TITLE: Final = "Security Analysis Report"
QUERY: Final = (
    "Provide a comprehensive 5000+ word analysis of zero-trust architecture implementation for enterprise networks."
)
FORMATS: Final = ("pdf", "md", "html")
_POLL_SECONDS: Final = 0.5
_PLAIN_SECONDS: Final = 5.0
_FINAL_STATES: Final = frozenset({"completed", "failed", "cancelled"})

_console = Console(highlight=False, soft_wrap=True)


class DemoError(Exception):
    """The demonstration failed; the message says at what."""


def request_body(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the create request: the API page's sample, with what the caller asked for instead.

    Raises:
        DemoError: an unknown FORMAT.
    """
    output_format = environment.get("FORMAT") or "pdf"
    if output_format not in FORMATS:
        raise DemoError(f"FORMAT={output_format} is none of {', '.join(FORMATS)}")
    return {
        "template_id": TEMPLATE_ID,
        "title": environment.get("TITLE") or TITLE,
        "parameters": {"user_query": environment.get("QUERY") or QUERY},
        "output_format": output_format,
    }


def file_name(title: str, extension: str) -> str:
    """Return a file name made of the title's letters and digits."""
    ascii_title = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_title).strip("-")[:80].rstrip("-")
    return f"{slug or 'report'}.{extension}"


class Client:
    """The API as seen by one key."""

    def __init__(self, url: str, api_key: str) -> None:
        self._url = url
        self._api_key = api_key

    def create(self, body: Mapping[str, Any]) -> str:
        """Ask for a report and return its id.

        Raises:
            DemoError: the API refused.
        """
        if shutil.which("curl"):
            answer = self._create_with_curl(body)
        else:
            answer = json.loads(self._call("POST", "/api/reports/", json.dumps(body).encode()))
        if not answer.get("success"):
            raise DemoError(f"the API refused the request: {json.dumps(answer)}")
        return str(answer["data"]["report"]["id"])

    def detail(self, report_id: str) -> dict[str, Any]:
        """Return the report's current state."""
        answer: dict[str, Any] = json.loads(self._call("GET", f"/api/reports/{report_id}"))
        report: dict[str, Any] = answer["report"]
        return report

    def download(self, report: Mapping[str, Any]) -> bytes:
        """Return the finished file, through the API or where the API redirects to."""
        # LocalStack's gateway hands binary files only to clients that name their type.
        accept = str(report["content_type"]).partition(";")[0]
        return self._call("GET", str(report["download_url"]), accept=accept)

    def link(self, report_id: str) -> dict[str, Any]:
        """Return the presigned link and how long it is valid."""
        answer = json.loads(self._call("GET", f"/api/reports/{report_id}/download?delivery=link"))
        data: dict[str, Any] = answer["data"]
        return data

    def _create_with_curl(self, body: Mapping[str, Any]) -> dict[str, Any]:
        url = f"{self._url}/api/reports/"
        content_type = "Content-Type: application/json"
        text = json.dumps(body, indent=2, ensure_ascii=False)
        shown = ["curl", "-X", "POST", url, "-H", content_type, "-H", "X-API-Key: sk_…", "-d", text]
        _console.print(f"\n$ {shlex.join(shown)}\n", style="dim", markup=False)
        # The key goes in by standard input, since other users can read a command line.
        command = ["curl", "-sS", "--noproxy", "*", "-X", "POST", url, "-H", content_type, "-H", "@-", "-d", text]
        done = subprocess.run(
            command, check=False, input=f"X-API-Key: {self._api_key}\n", capture_output=True, text=True
        )
        if done.returncode:
            raise DemoError(f"curl: {done.stderr.strip()}")
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def _call(self, method: str, path: str, body: bytes | None = None, accept: str = "*/*") -> bytes:
        headers = {"X-API-Key": self._api_key, "Content-Type": "application/json", "Accept": accept}
        status, location, content = fetch(method, self._url + path, body, headers)
        if status == 302 and location:
            status, _, content = fetch("GET", location)
        if status >= 400:
            raise DemoError(f"{method} {path} answered {status}: {content[:500].decode('utf-8', 'replace')}")
        return content


def fetch(
    method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, str | None, bytes]:
    """Make one HTTP request without proxies or redirects; return status, Location and body.

    Raises:
        DemoError: nobody answers.
    """
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    try:
        connection.request(method, f"{parts.path}?{parts.query}", body, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Location"), answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise DemoError(f"no answer from {parts.netloc}: {error}") from error
    finally:
        connection.close()


def follow(detail: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Show the report's progress until it is final, and return it then."""
    return _follow_with_bar(detail) if _console.is_terminal else _follow_with_lines(detail)


def _follow_with_bar(detail: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    columns = (
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=_console) as progress:
        task = progress.add_task("queued", total=100)
        while True:
            report = detail()
            progress.update(task, completed=report.get("progress_percentage") or 0, description=_stage(report))
            if report["status"] in _FINAL_STATES:
                return report
            time.sleep(_POLL_SECONDS)


def _follow_with_lines(detail: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    said, said_at = "", 0.0
    while True:
        report = detail()
        line = f"{report.get('progress_percentage') or 0:>3} %  {_stage(report)}"
        final = report["status"] in _FINAL_STATES
        if line != said and (final or time.monotonic() - said_at > _PLAIN_SECONDS):
            _console.print(line, markup=False)
            said, said_at = line, time.monotonic()
        if final:
            return report
        time.sleep(_POLL_SECONDS)


def _stage(report: Mapping[str, Any]) -> str:
    words = f", {report['words_written']:,} words" if report.get("words_written") else ""
    return f"{report.get('progress_message') or report['status']}{words}"


class RunningService(Protocol):
    """A service that runs, and what writes for it."""

    @property
    def url(self) -> str:
        """What the documented paths follow."""

    @property
    def writer(self) -> str:
        """The model and the endpoint that write."""


class Service(RunningService, Protocol):
    """A running service that a report can be asked of."""

    api_key: str


def run(stack: Service) -> None:
    """Write one report on a running service and save it.

    Raises:
        DemoError: the report failed, or something that was promised is not so.
    """
    body = request_body(os.environ)
    client = Client(stack.url, stack.api_key)
    _console.print(f"written by {stack.writer}", markup=False)
    started = time.monotonic()
    report_id = client.create(body)
    report = follow(lambda: client.detail(report_id))
    seconds = time.monotonic() - started
    if report["status"] != "completed":
        raise DemoError(f"the report {report['status']}: {report.get('error_message')}")
    content = client.download(report)
    path = ROOT / "out" / file_name(body["title"], body["output_format"])
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    _summarise(report, path, seconds)
    _show_link(client.link(report_id), content)


def _summarise(report: Mapping[str, Any], path: Path, seconds: float) -> None:
    pages = f"  pages    {report['page_count']}\n" if report.get("page_count") else ""
    _console.print(
        f"\n  file     {path.relative_to(ROOT)}\n{pages}"
        f"  words    {report.get('word_count')}\n"
        f"  model    {report.get('model')}\n"
        f"  seconds  {seconds:.1f}\n",
        markup=False,
    )


def _show_link(link: Mapping[str, Any], content: bytes) -> None:
    status, _, fetched = fetch("GET", link["url"])
    if status != 200 or hashlib.sha256(fetched).digest() != hashlib.sha256(content).digest():
        raise DemoError(f"the presigned link does not give the same file (status {status})")
    minutes = (datetime.fromisoformat(link["expires_at"]) - datetime.now(UTC)).total_seconds() / 60
    _console.print(f"presigned link: {link['url']}", markup=False)
    _console.print(
        f"It works without a key and gave the same {len(fetched):,} bytes (SHA-256 compared). It is valid for "
        f"{minutes:.0f} minutes, here as long as the stack runs; it stops now.\n",
        markup=False,
    )


def main() -> int:
    """Run the demonstration; return the exit status."""
    stop_on_signals()
    logs = DEFAULT_DIRECTORY / "demo" / "logs"
    try:
        request_body(os.environ)
        with Stack(directory=DEFAULT_DIRECTORY / "demo", say=lambda line: _console.print(f"… {line}")) as stack:
            run(stack)
    except (DemoError, StackError) as error:
        _console.print(f"error: {error}\nlogs: {logs.relative_to(ROOT)}", style="red", markup=False)
        return 1
    except StopRequested:
        _console.print("\nstopped")
        return 130
    _console.print("Next: make run starts the service and keeps it running.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
