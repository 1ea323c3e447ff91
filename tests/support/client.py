"""A client of a running stack, over HTTP."""

from __future__ import annotations

from typing import Any

import requests

from tests.support.service import new_report
from tests.support.waiting import wait_for

ENDED = ("completed", "failed", "cancelled")


class Client:
    """One caller with one key, who looks at a report ``every`` so many seconds while waiting for it."""

    def __init__(self, url: str, api_key: str, every: float = 0.1) -> None:
        self.url = url
        self.api_key = api_key
        self._every = every

    def request(self, method: str, path: str, **how: Any) -> requests.Response:
        headers = {"X-API-Key": self.api_key, **how.pop("headers", {})}
        return requests.request(method, self.url + path, headers=headers, timeout=30, allow_redirects=False, **how)

    def create(self, title: str = "A title", **fields: Any) -> str:
        answer = self.request("POST", "/api/reports/", json=new_report(title, **fields))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["data"]["report"]["id"])

    def report(self, report_id: str) -> Any:
        answer = self.request("GET", f"/api/reports/{report_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()["report"]

    def wait_for_status(self, report_id: str, *statuses: str, seconds: float = 60) -> Any:
        def reached() -> Any:
            report = self.report(report_id)
            return report if report["status"] in statuses else None

        return wait_for(reached, seconds, f"status {' or '.join(statuses)} of {report_id}", self._every)

    def finished(self, report_id: str, seconds: float = 60) -> Any:
        report = self.wait_for_status(report_id, *ENDED, seconds=seconds)
        assert report["status"] == "completed", report
        return report
