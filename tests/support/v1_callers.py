"""Callers of ``/v1``: one of the service in this process, and one of a running stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import requests

from chalicelib.domain.caller import INVESTIGATION_SCOPES, InvestigationKeyScope
from chalicelib.services.keys import create_key
from tests.support.service import Answer, Service
from tests.support.waiting import wait_for

ENDED: Final = ("completed", "failed", "cancelled")
ENDED_JOB: Final = ("succeeded", "failed")


def new_finding(title: str = "Unknown login on build-01", **fields: Any) -> dict[str, Any]:
    """Return a finding as a team sends it in."""
    finding: dict[str, Any] = {
        "title": title,
        "summary": "The account of a departed employee logged in to build-01 at night.",
        "severity": "high",
        "confidence": 0.9,
        "nodes": [{"node_id": "node-1", "type": "server", "name": "build-01"}],
        "tags": {"team": "platform"},
    }
    return finding | fields


class Account:
    """An account of the service in this process, with a key of its own."""

    def __init__(
        self,
        service: Service,
        name: str = "acme",
        scopes: Sequence[InvestigationKeyScope] = INVESTIGATION_SCOPES,
    ) -> None:
        self.service = service
        self.name = name
        self.key = create_key(name, "test", scopes, kind="pck_live_").secret

    def request(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        sent = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        return self.service.request(method, f"/v1{path}", body, sent, key=None)

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, headers=headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.request("POST", path, body, headers)

    def delete(self, path: str) -> Answer:
        return self.request("DELETE", path)

    def create(self, query: str = "Who got into the build servers?", **fields: Any) -> Any:
        """Trigger an investigation and return the answer's body."""
        answer = self.post("/investigations", {"query": query, **fields})
        assert answer.status == 202, answer.body
        return answer.json()

    def completed(self, *findings: Mapping[str, Any], **fields: Any) -> str:
        """Return the id of an investigation with these findings and a report."""
        created = self.create(findings=list(findings or [new_finding()]), **fields)
        self.service.work()
        assert self.investigation(created["id"])["status"] == "completed"
        return str(created["id"])

    def investigation(self, investigation_id: str) -> Any:
        answer = self.get(f"/investigations/{investigation_id}")
        assert answer.status == 200, answer.body
        return answer.json()

    def report(self, investigation_id: str) -> Any:
        answer = self.get(f"/investigations/{investigation_id}/report")
        assert answer.status == 200, answer.body
        return answer.json()


class RemoteAccount:
    """An account of a running stack, over HTTP."""

    def __init__(self, url: str, key: str, every: float = 0.05) -> None:
        self.url = url
        self.key = key
        self._every = every

    def request(self, method: str, path: str, **how: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.key}", **how.pop("headers", {})}
        return requests.request(
            method, f"{self.url}/v1{path}", headers=headers, timeout=30, allow_redirects=False, **how
        )

    def create(self, query: str = "Who got into the build servers?", **fields: Any) -> str:
        answer = self.request("POST", "/investigations", json={"query": query, **fields})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def completed(self, *findings: Mapping[str, Any], seconds: float = 60) -> str:
        """Return the id of an investigation with these findings and a report."""
        investigation_id = self.create(findings=list(findings or [new_finding()]))
        found = self._wait(f"/investigations/{investigation_id}", ENDED, seconds)
        assert found["status"] == "completed", found
        return investigation_id

    def job_ended(self, job_id: str, seconds: float = 60) -> Any:
        return self._wait(f"/jobs/{job_id}", ENDED_JOB, seconds)

    def report(self, investigation_id: str) -> Any:
        answer = self.request("GET", f"/investigations/{investigation_id}/report")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def _wait(self, path: str, statuses: Sequence[str], seconds: float) -> Any:
        def ended() -> Any:
            answer = self.request("GET", path)
            assert answer.status_code == 200, answer.text
            found = answer.json()
            return found if found["status"] in statuses else None

        return wait_for(ended, seconds, f"the end of {path}", self._every)
