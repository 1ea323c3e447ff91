"""Webhooks of a running stack, received and verified as a client of either API does it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import requests
from standardwebhooks import Webhook

from tests.conftest import RunningStack
from tests.support.puck_verifier import is_genuine
from tests.support.scripted_receiver import ReceivedRequest, ScriptedReceiver, answering
from tests.support.v1_callers import RemoteAccount, new_finding
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.xdist_group("webhooks on a stack"), pytest.mark.timeout(180)]


def received(receiver: ScriptedReceiver, event: str) -> ReceivedRequest:
    def found() -> ReceivedRequest | None:
        return next((r for r in list(receiver.requests) if event in r.body.decode()), None)

    request = wait_for(found, 30, event)
    assert request is not None
    return request


def test_a_finished_report_arrives_signed_with_a_link_to_its_document(shared_stack: RunningStack) -> None:
    client = shared_stack.client
    with ScriptedReceiver(answering("200 OK")) as receiver:
        body: dict[str, Any] = {"url": f"http://127.0.0.1:{receiver.port}/", "events": ["report.completed"]}
        answer = client.request("POST", "/api/webhooks", json=body)
        assert answer.status_code == 201, answer.text
        made = answer.json()["data"]
        report_id = client.create("Told when it is done")
        request = received(receiver, report_id)
        event = Webhook(made["secret"]).verify(request.body, request.headers)
        link = event["data"]["download"]["url"]
        assert client.request("DELETE", f"/api/webhooks/{made['webhook']['id']}").status_code == 200
    document = requests.get(link, timeout=10)
    assert document.status_code == 200
    assert len(document.content) == event["data"]["file_size_bytes"]


def test_a_finished_investigation_arrives_in_its_own_scheme(shared_stack: RunningStack) -> None:
    account = RemoteAccount(shared_stack.stack.url, shared_stack.stack.investigations_key)
    with ScriptedReceiver(answering("200 OK")) as receiver:
        body = {"url": f"http://127.0.0.1:{receiver.port}/", "events": ["investigation.completed"]}
        answer = account.request("POST", "/webhooks/subscriptions", json=body)
        assert answer.status_code == 201, answer.text
        subscription = answer.json()
        investigation = account.completed(new_finding())
        request = received(receiver, investigation)
        assert is_genuine(subscription["secret"], request.headers, request.body, time.time())
        assert json.loads(request.body)["data"]["investigation_id"] == investigation
        assert account.request("DELETE", f"/webhooks/subscriptions/{subscription['id']}").status_code == 200
