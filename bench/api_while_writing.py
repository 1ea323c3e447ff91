"""How much slower the API answers while reports are being written by the embedded model, as a ratio in one run.

Starts the whole embedded stack, times detail, list and create requests while it is idle, then again while two
reports are written (the model server is niced), and prints both p95s and their ratio. Uses the embedded model
where it is installed (make demo installs it); else names what is missing.
"""

from __future__ import annotations

import http.client
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from embedded.stack import Stack
from tests.support.no_limits import NO_LIMITS

REQUESTS = 300
QUERY = "Write a 2000 word analysis of zero-trust architecture for enterprise networks."


class Api:
    """A client with one kept-alive connection."""

    def __init__(self, stack: Stack) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", int(stack.url.rpartition(":")[2]))
        self._headers = {"X-API-Key": stack.api_key, "Content-Type": "application/json"}

    def call(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, object]]:
        self._connection.request(method, path, json.dumps(body) if body else None, self._headers)
        answer = self._connection.getresponse()
        return answer.status, json.loads(answer.read())

    def create(self, query: str, priority: str = "normal") -> str:
        body = {
            "template_id": "cc030440-0005-470f-8341-6ec798d00445",
            "title": "Bench",
            "priority": priority,
            "parameters": {"user_query": query},
            "output_format": "md",
        }
        status, answer = self.call("POST", "/api/reports/", body)
        assert status == 201, answer
        return answer["data"]["report"]["id"]  # type: ignore[index, no-any-return]

    def status(self, report_id: str) -> str:
        return self.call("GET", f"/api/reports/{report_id}")[1]["report"]["status"]  # type: ignore[index, no-any-return]


def p95(api: Api, report_id: str) -> dict[str, float]:
    """Return the 95th percentile in ms of each kind of request, over ``REQUESTS`` of each."""
    paths = {
        "detail": f"/api/reports/{report_id}",
        "list": "/api/reports/?limit=20",
        "templates": "/api/reports/templates",
    }
    found = {}
    for name, path in paths.items():
        times = []
        for _ in range(REQUESTS):
            start = time.perf_counter()
            status, _answer = api.call("GET", path)
            times.append((time.perf_counter() - start) * 1000)
            assert status == 200
        found[name] = statistics.quantiles(times, n=100)[94]
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Stack(env=NO_LIMITS, directory=Path(folder)) as stack:
        print(f"writes with {stack.writer}")
        api = Api(stack)
        first = api.create("Write a 100 word overview of backups.")
        while api.status(first) not in ("completed", "failed"):
            time.sleep(0.2)
        idle = p95(api, first)
        writing = [api.create(QUERY) for _ in range(2)]
        while any(api.status(r) == "queued" for r in writing):
            time.sleep(0.1)
        busy = p95(api, first)
        still = sum(api.status(r) == "processing" for r in writing)
    print(f"reports still being written at the end: {still} of 2")
    print(f"{'p95 of':12} {'idle':>9} {'writing':>9} {'ratio':>6}")
    for name, value in idle.items():
        print(f"{name:12} {value:6.1f} ms {busy[name]:6.1f} ms {busy[name] / value:6.2f}")


if __name__ == "__main__":
    main()
