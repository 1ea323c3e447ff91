"""Who gets where: every route with every kind of credential, and the answer that each of them must get.

The two tables are the specification. A route of the app without a row fails the test, and so does a row whose
answers are others. Beyond the statuses: who is refused changes nothing, and nobody but the owner is answered with
anything of the owner's.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import pytest

from app import app
from chalicelib.domain.caller import INVESTIGATION_SCOPES, SCOPES
from chalicelib.domain.clock import now, stamp
from chalicelib.domain.report import Artifact, Outcome
from chalicelib.domain.webhook import DeliveryAttempt
from chalicelib.services import audit, claims
from chalicelib.services.fail_report import fail_report
from chalicelib.services.keys import create_key, revoke_key
from chalicelib.sessions.kratos_client import forget_sessions
from chalicelib.settings import settings
from chalicelib.stores.permit_queue import Permit
from chalicelib.stores.stores import stores
from tests.conftest import service_here
from tests.model_server import ModelServer
from tests.support.honey_jars import form
from tests.support.kratos_answers import UNAUTHORIZED, session, session_of
from tests.support.scripted_receiver import ScriptedReceiver, answering
from tests.support.service import Answer, Service, new_report
from tests.support.table_state import Items, Kept, items_now, keep, put_back
from tests.support.v1_callers import Account, new_finding

# Columns of /api: no credentials; a key that nobody has; a text that is no key; keys of the owner that have expired
# or were revoked; a key of /v1; another tenant's key with every scope; the owner's keys with one scope each; the
# owner's session with and without a second factor; another tenant's session; one that Kratos does not know; one
# that Kratos says nothing of; the owner's, sent by a page of another site.
API: Final = """
                                                          none wrong form expired revoked v1   other read write admin aal2 aal1 other_session unknown down cross_site
GET /api/audit                                            401  401   401  401     401     401  200   403  403   200   403  403  403           401     503  403
GET /api/keys                                             401  401   401  401     401     401  200   403  403   200   200  403  200           401     503  200
POST /api/keys                                            401  401   401  401     401     401  201   403  403   201   201  403  201           401     503  403
GET /api/keys/verify                                      401  401   401  401     401     401  200   200  200   200   400  403  400           401     503  400
GET /api/keys/{key_id}                                    401  401   401  401     401     401  404   403  403   200   200  403  404           401     503  200
PUT /api/keys/{key_id}                                    401  401   401  401     401     401  404   403  403   200   200  403  404           401     503  403
DELETE /api/keys/{key_id}                                 401  401   401  401     401     401  404   403  403   200   200  403  404           401     503  403
POST /api/keys/{key_id}/rotate                            401  401   401  401     401     401  404   403  403   200   200  403  404           401     503  403
GET /api/keys/{key_id}/usage                              401  401   401  401     401     401  404   403  403   200   200  403  404           401     503  200
GET /api/knowledge/honey-jars                             401  401   401  401     401     401  200   200  403   200   200  403  200           401     503  200
POST /api/knowledge/honey-jars                            401  401   401  401     401     401  201   403  403   201   201  403  201           401     503  403
GET /api/knowledge/honey-jars/{jar_id}                    401  401   401  401     401     401  404   200  403   200   200  403  404           401     503  200
PUT /api/knowledge/honey-jars/{jar_id}                    401  401   401  401     401     401  404   403  403   200   200  403  404           401     503  403
DELETE /api/knowledge/honey-jars/{jar_id}                 401  401   401  401     401     401  404   403  403   200   200  403  404           401     503  403
GET /api/knowledge/honey-jars/{jar_id}/documents          401  401   401  401     401     401  404   200  403   200   200  403  404           401     503  200
POST /api/knowledge/honey-jars/{jar_id}/documents         401  401   401  401     401     401  404   403  403   201   201  403  404           401     503  403
POST /api/knowledge/honey-jars/{jar_id}/documents/upload  401  401   401  401     401     401  404   403  403   201   201  403  404           401     503  403
POST /api/knowledge/honey-jars/{jar_id}/documents/uploads
                                                          401  401   401  401     401     401  404   403  403   201   201  403  404           401     503  403
GET /api/knowledge/honey-jars/{jar_id}/documents/{document_id}
                                                          401  401   401  401     401     401  404   200  403   200   200  403  404           401     503  200
DELETE /api/knowledge/honey-jars/{jar_id}/documents/{document_id}
                                                          401  401   401  401     401     401  404   403  403   200   200  403  404           401     503  403
POST /api/knowledge/honey-jars/{jar_id}/documents/{document_id}/complete
                                                          401  401   401  401     401     401  404   403  403   202   202  403  404           401     503  403
POST /api/knowledge/search                                401  401   401  401     401     401  404   200  403   200   200  403  404           401     503  403
GET /api/pii/patterns                                     401  401   401  401     401     401  200   200  403   200   200  403  200           401     503  200
POST /api/pii/detect                                      401  401   401  401     401     401  200   200  403   200   200  403  200           401     503  403
GET /api/reports                                          401  401   401  401     401     401  200   200  403   200   200  403  200           401     503  200
POST /api/reports                                         401  401   401  401     401     401  201   201  403   201   201  403  201           401     503  403
POST /api/reports/estimate                                401  401   401  401     401     401  200   200  403   200   200  403  200           401     503  403
GET /api/reports/public/queue/status                      200  200   200  200     200     200  200   200  200   200   200  200  200           200     200  200
GET /api/reports/queue/status                             200  200   200  200     200     200  200   200  200   200   200  200  200           200     200  200
GET /api/reports/templates                                401  401   401  401     401     401  200   200  403   200   200  403  200           401     503  200
GET /api/reports/{report_id}                              401  401   401  401     401     401  404   200  403   200   200  403  404           401     503  200
POST /api/reports/{report_id}/cancel                      401  401   401  401     401     401  404   200  403   200   200  403  404           401     503  403
GET /api/reports/{report_id}/download                     401  401   401  401     401     401  404   200  403   200   200  403  404           401     503  200
POST /api/reports/{report_id}/retry                       401  401   401  401     401     401  404   200  403   200   200  403  404           401     503  403
GET /api/webhooks                                         401  401   401  401     401     401  200   200  403   200   200  403  200           401     503  200
POST /api/webhooks                                        401  401   401  401     401     401  201   403  403   201   201  403  201           401     503  403
GET /api/webhooks/{webhook_id}                            401  401   401  401     401     401  404   200  403   200   200  403  404           401     503  200
PATCH /api/webhooks/{webhook_id}                          401  401   401  401     401     401  404   403  403   200   200  403  404           401     503  403
DELETE /api/webhooks/{webhook_id}                         401  401   401  401     401     401  404   403  403   200   200  403  404           401     503  403
GET /api/webhooks/{webhook_id}/deliveries                 401  401   401  401     401     401  404   200  403   200   200  403  404           401     503  200
POST /api/webhooks/{webhook_id}/deliveries/{delivery_id}/replay
                                                          401  401   401  401     401     401  404   403  403   202   202  403  404           401     503  403
POST /api/webhooks/{webhook_id}/rotate                    401  401   401  401     401     401  404   403  403   201   201  403  404           401     503  403
POST /api/webhooks/{webhook_id}/test                      401  401   401  401     401     401  404   403  403   202   202  403  404           401     503  403
"""  # noqa: E501 - a table

# Columns of /v1: as above; a key of /api; a session with a second factor; another account's key with every scope; a
# test key of the same account; then keys of the account with one scope each: investigations:trigger and :read,
# findings:read, :write and :dismiss, reports:read, webhooks:manage.
V1: Final = """
                                                          none wrong form expired revoked sk   session other test trigger inv_read f_read f_write f_dismiss rep_read hooks
GET /v1/findings                                          401  401   401  401     401     401  401     200   200  403     403      200    403     403       403      403
GET /v1/findings/{finding_id}                             401  401   401  401     401     401  401     404   404  403     403      200    403     403       403      403
POST /v1/findings/{finding_id}/dismiss                    401  401   401  401     401     401  401     404   404  403     403      403    403     200       403      403
GET /v1/investigations                                    401  401   401  401     401     401  401     200   200  403     200      403    403     403       403      403
POST /v1/investigations                                   401  401   401  401     401     401  401     202   202  202     403      403    403     403       403      403
GET /v1/investigations/{investigation_id}                 401  401   401  401     401     401  401     404   404  403     200      403    403     403       403      403
DELETE /v1/investigations/{investigation_id}              401  401   401  401     401     401  401     404   404  200     403      403    403     403       403      403
POST /v1/investigations/{investigation_id}/complete       401  401   401  401     401     401  401     404   404  403     403      403    202     403       403      403
POST /v1/investigations/{investigation_id}/findings       401  401   401  401     401     401  401     404   404  403     403      403    201     403       403      403
POST /v1/investigations/{investigation_id}/findings/import
                                                          401  401   401  401     401     401  401     404   404  403     403      403    201     403       403      403
POST /v1/investigations/{investigation_id}/findings/uploads
                                                          401  401   401  401     401     401  401     404   404  403     403      403    201     403       403      403
GET /v1/investigations/{investigation_id}/report          401  401   401  401     401     401  401     404   404  403     403      403    403     403       200      403
POST /v1/investigations/{investigation_id}/report/regenerate
                                                          401  401   401  401     401     401  401     404   404  403     403      403    403     403       202      403
GET /v1/investigations/{investigation_id}/report/versions
                                                          401  401   401  401     401     401  401     404   404  403     403      403    403     403       200      403
GET /v1/investigations/{investigation_id}/report/versions/{version}
                                                          401  401   401  401     401     401  401     404   404  403     403      403    403     403       200      403
GET /v1/jobs/{job_id}                                     401  401   401  401     401     401  401     404   404  403     403      403    403     403       200      403
GET /v1/webhooks/subscriptions                            401  401   401  401     401     401  401     200   200  403     403      403    403     403       403      200
POST /v1/webhooks/subscriptions                           401  401   401  401     401     401  401     201   201  403     403      403    403     403       403      201
GET /v1/webhooks/subscriptions/{subscription_id}          401  401   401  401     401     401  401     404   404  403     403      403    403     403       403      200
PATCH /v1/webhooks/subscriptions/{subscription_id}        401  401   401  401     401     401  401     404   404  403     403      403    403     403       403      200
DELETE /v1/webhooks/subscriptions/{subscription_id}       401  401   401  401     401     401  401     404   404  403     403      403    403     403       403      200
GET /v1/webhooks/subscriptions/{subscription_id}/deliveries
                                                          401  401   401  401     401     401  401     404   404  403     403      403    403     403       403      200
POST /v1/webhooks/subscriptions/{subscription_id}/deliveries/{delivery_id}/replay
                                                          401  401   401  401     401     401  401     404   404  403     403      403    403     403       403      202
POST /v1/webhooks/subscriptions/{subscription_id}/rotate  401  401   401  401     401     401  401     404   404  403     403      403    403     403       403      201
POST /v1/webhooks/subscriptions/{subscription_id}/test    401  401   401  401     401     401  401     404   404  403     403      403    403     403       403      202
"""  # noqa: E501 - a table

# Whose answers may tell of what is the owner's.
OWN_COLUMNS: Final = frozenset({"read", "write", "admin", "aal2", "cross_site"} | {
    "trigger", "inv_read", "f_read", "f_write", "f_dismiss", "rep_read", "hooks"
})  # fmt: skip

OWNER, STRANGER = str(uuid.uuid4()), str(uuid.uuid4())
ACCOUNT: Final = "acme"
MARK: Final = "Nordlicht"
HOOK: Final = f"https://hooks.example.com/{MARK}"
JARS: Final = "/api/knowledge/honey-jars"
OWN_PAGE: Final = {"Sec-Fetch-Site": "same-origin"}

# All in one process: what they share takes longer to make than most of them take.
pytestmark = pytest.mark.xdist_group("isolation matrix")

# What a refusal says, beside its status: the one text, or code, that the contracts have for it.
REFUSALS: Final[Mapping[str, Mapping[int, frozenset[str]]]] = {
    "/api": {
        401: frozenset({"Authentication required"}),
        403: frozenset({"Insufficient permissions", "AAL2 verification required", "Cross-site request refused"}),
        404: frozenset(
            {"Report not found", "API key not found", "Webhook not found", "Delivery not found", "Honey jar not found"}
        ),
        503: frozenset({"Session service unavailable"}),
    },
    "/v1": {
        401: frozenset({"invalid_api_key"}),
        403: frozenset({"insufficient_scope"}),
        404: frozenset({"not_found"}),
    },
}

Row = dict[str, int]
Sent = tuple[str, Any]
"""Path and body of a request."""


def rows(table: str) -> dict[str, Row]:
    """Return the table: method and route → column → status."""
    names, *cells = table.split("\n")[1].split(), *table.split("\n")[2:]
    found: dict[str, Row] = {}
    words = " ".join(cells).split()
    while words:
        route, statuses = f"{words[0]} {words[1]}", words[2 : 2 + len(names)]
        assert route not in found, f"{route} has two rows"
        found[route] = dict(zip(names, map(int, statuses), strict=True))
        words = words[2 + len(names) :]
    return found


TABLE: Final = rows(API) | rows(V1)


@dataclass
class World:
    """A deployment with an owner's things in it, and everybody's credentials."""

    service: Service
    credentials: dict[str, dict[str, str]]
    reader: str
    admin: str
    account: Account
    done_report: str = ""
    done_investigation: str = ""
    before: Kept = field(default_factory=dict)

    def send(self, method: str, sent: Sent, column: str) -> Answer:
        path, body = sent
        # A form comes with its type; everything else is JSON.
        content, kind = body if isinstance(body, tuple) else (body, "application/json")
        if content is not None and not isinstance(content, bytes):
            content = json.dumps(content).encode()
        headers = {**self.credentials[column], "Content-Type": kind}
        return self.service.request(method, path, content, headers, key=None)

    # The owner's things

    def queued(self) -> str:
        return self.service.create(MARK, key=self.reader)

    def failed(self) -> str:
        report_id = self.queued()
        claimed = claims.claim_next(Permit("normal", report_id))
        assert claimed is not None
        fail_report(claimed, "no model", now())
        return claimed.id

    def key(self) -> str:
        return create_key(OWNER, MARK, ["read"]).record.id

    def jar(self) -> str:
        made = self.service.post(JARS, {"name": MARK}, key=self.admin)
        return str(made.json()["data"]["honey_jar"]["id"])

    def document(self) -> str:
        jar = self.jar()
        content, kind = form({f"{MARK}.txt": b"text"})
        made = self.service.request("POST", f"{JARS}/{jar}/documents", content, {"Content-Type": kind}, key=self.admin)
        return f"{jar}/documents/{made.json()['data']['document']['id']}"

    def webhook(self) -> str:
        made = self.service.post("/api/webhooks", {"url": HOOK, "events": ["report.completed"]}, key=self.admin)
        return str(made.json()["data"]["webhook"]["id"])

    def delivery(self) -> str:
        webhook = self.webhook()
        sent = self.service.post(f"/api/webhooks/{webhook}/test", key=self.admin)
        return self._ended(webhook, sent.json()["data"]["delivery"]["id"])

    @staticmethod
    def _ended(subscription: str, delivery: str) -> str:
        """Return the path to a delivery that has failed: one under way is not sent again."""
        found = stores().webhooks.delivery(subscription, delivery)
        assert found is not None
        assert stores().webhooks.end(found, DeliveryAttempt(stamp(now()), 404, "", 1), "failed", "rejected")
        return f"{subscription}/deliveries/{delivery}"

    def pending(self) -> str:
        return str(self.account.create(MARK, evidence="pushed")["id"])

    def finding(self) -> str:
        made = self.account.post(f"/investigations/{self.pending()}/findings", {"findings": [new_finding(MARK)]})
        return str(made.json()["findings"][0]["id"])

    def subscription(self) -> str:
        wanted = {"url": HOOK, "events": ["investigation.completed"]}
        return str(self.account.post("/webhooks/subscriptions", wanted).json()["id"])

    def subscription_delivery(self) -> str:
        subscription = self.subscription()
        sent = self.account.post(f"/webhooks/subscriptions/{subscription}/test")
        return self._ended(subscription, sent.json()["id"])

    def job(self) -> str:
        return str(self.account.investigation(self.done_investigation)["job_id"])


NEW_FILE: Final = form({"new.txt": b"new"})
NEW_HOOK: Final = {"url": "https://hooks.example.com/new", "events": ["report.completed"]}
NEW_SUBSCRIPTION: Final = {"url": "https://hooks.example.com/new", "events": ["investigation.completed"]}

# What is sent to a route; what it is about is made anew for each request that may change it.
REQUESTS: Final[Mapping[str, Callable[[World], Sent]]] = {
    "GET /api/audit": lambda w: ("/api/audit", None),
    "GET /api/keys": lambda w: ("/api/keys", None),
    "POST /api/keys": lambda w: ("/api/keys", {"name": "new", "scopes": ["read"]}),
    "GET /api/keys/verify": lambda w: ("/api/keys/verify", None),
    "GET /api/keys/{key_id}": lambda w: (f"/api/keys/{w.key()}", None),
    "PUT /api/keys/{key_id}": lambda w: (f"/api/keys/{w.key()}", {"name": "renamed"}),
    "DELETE /api/keys/{key_id}": lambda w: (f"/api/keys/{w.key()}", None),
    "POST /api/keys/{key_id}/rotate": lambda w: (f"/api/keys/{w.key()}/rotate", None),
    "GET /api/keys/{key_id}/usage": lambda w: (f"/api/keys/{w.key()}/usage", None),
    "GET /api/knowledge/honey-jars": lambda w: (JARS, None),
    "POST /api/knowledge/honey-jars": lambda w: (JARS, {"name": "new"}),
    "GET /api/knowledge/honey-jars/{jar_id}": lambda w: (f"{JARS}/{w.jar()}", None),
    "PUT /api/knowledge/honey-jars/{jar_id}": lambda w: (f"{JARS}/{w.jar()}", {"name": "renamed"}),
    "DELETE /api/knowledge/honey-jars/{jar_id}": lambda w: (f"{JARS}/{w.jar()}", None),
    "GET /api/knowledge/honey-jars/{jar_id}/documents": lambda w: (f"{JARS}/{w.jar()}/documents", None),
    "POST /api/knowledge/honey-jars/{jar_id}/documents": lambda w: (f"{JARS}/{w.jar()}/documents", NEW_FILE),
    "POST /api/knowledge/honey-jars/{jar_id}/documents/upload": lambda w: (
        f"{JARS}/{w.jar()}/documents/upload",
        NEW_FILE,
    ),
    "POST /api/knowledge/honey-jars/{jar_id}/documents/uploads": lambda w: (
        f"{JARS}/{w.jar()}/documents/uploads",
        {"filename": "new.txt", "size_bytes": 3},
    ),
    "GET /api/knowledge/honey-jars/{jar_id}/documents/{document_id}": lambda w: (f"{JARS}/{w.document()}", None),
    "DELETE /api/knowledge/honey-jars/{jar_id}/documents/{document_id}": lambda w: (f"{JARS}/{w.document()}", None),
    "POST /api/knowledge/honey-jars/{jar_id}/documents/{document_id}/complete": lambda w: (
        f"{JARS}/{w.document()}/complete",
        None,
    ),
    "POST /api/knowledge/search": lambda w: (
        "/api/knowledge/search",
        {"query": MARK, "honey_jar_ids": [w.jar()]},
    ),
    "GET /api/reports": lambda w: ("/api/reports", None),
    "POST /api/reports": lambda w: ("/api/reports", new_report()),
    "GET /api/pii/patterns": lambda w: ("/api/pii/patterns", None),
    "POST /api/pii/detect": lambda w: ("/api/pii/detect", {"text": "Write to a.kern@example.org"}),
    "POST /api/reports/estimate": lambda w: ("/api/reports/estimate", new_report()),
    "GET /api/reports/public/queue/status": lambda w: ("/api/reports/public/queue/status", None),
    "GET /api/reports/queue/status": lambda w: ("/api/reports/queue/status", None),
    "GET /api/reports/templates": lambda w: ("/api/reports/templates", None),
    "GET /api/reports/{report_id}": lambda w: (f"/api/reports/{w.done_report}", None),
    "POST /api/reports/{report_id}/cancel": lambda w: (f"/api/reports/{w.queued()}/cancel", None),
    "GET /api/reports/{report_id}/download": lambda w: (f"/api/reports/{w.done_report}/download", None),
    "POST /api/reports/{report_id}/retry": lambda w: (f"/api/reports/{w.failed()}/retry", None),
    "GET /api/webhooks": lambda w: ("/api/webhooks", None),
    "POST /api/webhooks": lambda w: ("/api/webhooks", NEW_HOOK),
    "GET /api/webhooks/{webhook_id}": lambda w: (f"/api/webhooks/{w.webhook()}", None),
    "PATCH /api/webhooks/{webhook_id}": lambda w: (f"/api/webhooks/{w.webhook()}", {"active": False}),
    "DELETE /api/webhooks/{webhook_id}": lambda w: (f"/api/webhooks/{w.webhook()}", None),
    "GET /api/webhooks/{webhook_id}/deliveries": lambda w: (f"/api/webhooks/{w.webhook()}/deliveries", None),
    "POST /api/webhooks/{webhook_id}/deliveries/{delivery_id}/replay": lambda w: (
        f"/api/webhooks/{w.delivery()}/replay",
        None,
    ),
    "POST /api/webhooks/{webhook_id}/rotate": lambda w: (f"/api/webhooks/{w.webhook()}/rotate", None),
    "POST /api/webhooks/{webhook_id}/test": lambda w: (f"/api/webhooks/{w.webhook()}/test", None),
    "GET /v1/findings": lambda w: ("/v1/findings", None),
    "GET /v1/findings/{finding_id}": lambda w: (f"/v1/findings/{w.finding()}", None),
    "POST /v1/findings/{finding_id}/dismiss": lambda w: (f"/v1/findings/{w.finding()}/dismiss", {"reason": "resolved"}),
    "GET /v1/investigations": lambda w: ("/v1/investigations", None),
    "POST /v1/investigations": lambda w: ("/v1/investigations", {"query": "Who was it?"}),
    "GET /v1/investigations/{investigation_id}": lambda w: (f"/v1/investigations/{w.done_investigation}", None),
    "DELETE /v1/investigations/{investigation_id}": lambda w: (f"/v1/investigations/{w.pending()}", None),
    "POST /v1/investigations/{investigation_id}/complete": lambda w: (
        f"/v1/investigations/{w.pending()}/complete",
        None,
    ),
    "POST /v1/investigations/{investigation_id}/findings": lambda w: (
        f"/v1/investigations/{w.pending()}/findings",
        {"findings": [new_finding()]},
    ),
    "POST /v1/investigations/{investigation_id}/findings/import": lambda w: (
        f"/v1/investigations/{w.pending()}/findings/import?format=json",
        {"findings": [new_finding()]},
    ),
    "POST /v1/investigations/{investigation_id}/findings/uploads": lambda w: (
        f"/v1/investigations/{w.pending()}/findings/uploads",
        {"size_bytes": 10},
    ),
    "GET /v1/investigations/{investigation_id}/report": lambda w: (
        f"/v1/investigations/{w.done_investigation}/report",
        None,
    ),
    "POST /v1/investigations/{investigation_id}/report/regenerate": lambda w: (
        f"/v1/investigations/{w.done_investigation}/report/regenerate",
        None,
    ),
    "GET /v1/investigations/{investigation_id}/report/versions": lambda w: (
        f"/v1/investigations/{w.done_investigation}/report/versions",
        None,
    ),
    "GET /v1/investigations/{investigation_id}/report/versions/{version}": lambda w: (
        f"/v1/investigations/{w.done_investigation}/report/versions/1",
        None,
    ),
    "GET /v1/jobs/{job_id}": lambda w: (f"/v1/jobs/{w.job()}", None),
    "GET /v1/webhooks/subscriptions": lambda w: ("/v1/webhooks/subscriptions", None),
    "POST /v1/webhooks/subscriptions": lambda w: ("/v1/webhooks/subscriptions", NEW_SUBSCRIPTION),
    "GET /v1/webhooks/subscriptions/{subscription_id}": lambda w: (
        f"/v1/webhooks/subscriptions/{w.subscription()}",
        None,
    ),
    "PATCH /v1/webhooks/subscriptions/{subscription_id}": lambda w: (
        f"/v1/webhooks/subscriptions/{w.subscription()}",
        {"active": False},
    ),
    "DELETE /v1/webhooks/subscriptions/{subscription_id}": lambda w: (
        f"/v1/webhooks/subscriptions/{w.subscription()}",
        None,
    ),
    "GET /v1/webhooks/subscriptions/{subscription_id}/deliveries": lambda w: (
        f"/v1/webhooks/subscriptions/{w.subscription()}/deliveries",
        None,
    ),
    "POST /v1/webhooks/subscriptions/{subscription_id}/deliveries/{delivery_id}/replay": lambda w: (
        f"/v1/webhooks/subscriptions/{w.subscription_delivery()}/replay",
        None,
    ),
    "POST /v1/webhooks/subscriptions/{subscription_id}/rotate": lambda w: (
        f"/v1/webhooks/subscriptions/{w.subscription()}/rotate",
        None,
    ),
    "POST /v1/webhooks/subscriptions/{subscription_id}/test": lambda w: (
        f"/v1/webhooks/subscriptions/{w.subscription()}/test",
        None,
    ),
}


def x_api_key(secret: str) -> dict[str, str]:
    return {"X-API-Key": secret}


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def cookie(name: str) -> dict[str, str]:
    return {"Cookie": f"ory_kratos_session={name}", **OWN_PAGE}


def revoked(secret: str) -> str:
    revoke_key(secret)
    return secret


def session_credentials() -> dict[str, dict[str, str]]:
    names = ("aal2", "aal1", "other_session", "unknown", "down")
    return {name: cookie(name) for name in names} | {"cross_site": {**cookie("aal2"), "Sec-Fetch-Site": "cross-site"}}


def api_credentials() -> dict[str, dict[str, str]]:
    past = timedelta(seconds=-1)
    return {
        "none": {},
        "wrong": x_api_key("sk_" + "x" * 43),
        "form": bearer("sk-not a key"),
        "expired": x_api_key(create_key(OWNER, MARK, SCOPES, past).secret),
        "revoked": bearer(revoked(create_key(OWNER, MARK, SCOPES).secret)),
        "v1": bearer(create_key(OWNER, MARK, INVESTIGATION_SCOPES, kind="pck_live_").secret),
        "other": x_api_key(create_key(STRANGER, "other", SCOPES).secret),
        **{scope: x_api_key(create_key(OWNER, MARK, [scope]).secret) for scope in SCOPES},
        **session_credentials(),
    }


def v1_credentials() -> dict[str, dict[str, str]]:
    names = ("trigger", "inv_read", "f_read", "f_write", "f_dismiss", "rep_read", "hooks")

    def key(owner: str, *scopes: Any, kind: Any = "pck_live_", ends: timedelta | None = None) -> str:
        return create_key(owner, MARK, scopes or INVESTIGATION_SCOPES, ends, kind=kind).secret

    return {
        "none": {},
        "wrong": bearer("pck_live_" + "x" * 43),
        "form": bearer("live"),
        "expired": bearer(key(ACCOUNT, ends=timedelta(seconds=-1))),
        "revoked": bearer(revoked(key(ACCOUNT))),
        "sk": bearer(key(ACCOUNT, "read", "write", "admin", kind="sk_")),
        "session": cookie("aal2"),
        "other": bearer(key("globex")),
        "test": bearer(key(ACCOUNT, kind="pck_test_")),
        **{
            name: bearer(key(ACCOUNT, scope))
            for name, scope in zip(
                names,
                (
                    "investigations:trigger",
                    "investigations:read",
                    "findings:read",
                    "findings:write",
                    "findings:dismiss",
                    "reports:read",
                    "webhooks:manage",
                ),
                strict=True,
            )
        },
    }


def kratos_script(kratos: ScriptedReceiver) -> Callable[[Any], None]:
    """Answer as Kratos does to the sessions of the table."""

    def say(content: Any, status: str = "200 OK") -> Any:
        return answering(status, "Content-Type: application/json", body=json.dumps(content).encode())

    answers = {
        "aal2": say(session_of(id=OWNER)),
        "aal1": say(session(authenticator_assurance_level="aal1", identity={"id": OWNER})),
        "other_session": say(session_of(id=STRANGER)),
        "unknown": say(UNAUTHORIZED, "401 Unauthorized"),
        "down": answering("500 Oops"),
    }
    return lambda connection: answers[kratos.requests[-1].headers["cookie"].partition("=")[2]](connection)


def completed(world: World) -> str:
    """Return a report of the owner's with a document that nobody had to write."""
    report_id = world.service.create(MARK, key=world.reader, output_format="md")
    claimed = claims.claim_next(Permit("normal", report_id))
    assert claimed is not None
    file = stores().artifacts.put_at(f"reports/{report_id}/{MARK}.md", MARK.encode(), "text/markdown")
    artifact = Artifact(file.key, "text/markdown; charset=utf-8", file.size_bytes, file.sha256)
    stores().reports.complete(claimed, Outcome(artifact, "tree", 1, "m", "technical", {"calls": 1}), now())
    return claimed.id


@pytest.fixture(scope="module")
def worlds() -> Iterator[dict[str, World]]:
    with (
        pytest.MonkeyPatch.context() as patch,
        ModelServer() as model,
        service_here(patch, model) as service,
        ScriptedReceiver(answering("500 Oops")) as kratos,
    ):
        kratos.script = kratos_script(kratos)
        patch.setenv("KRATOS_PUBLIC_URL", f"http://127.0.0.1:{kratos.port}")
        # What a narrative says is tested elsewhere; without a model it is there at once.
        for name in ("LLM_BASE_URL", "LLM_MODEL"):
            patch.setenv(name, "")
        settings.cache_clear()
        forget_sessions()
        # How denials are counted is tested elsewhere; counting each of them would take most of the time.
        patch.setattr(audit, "COUNTED_OF_ALL", 20)
        api, v1 = api_credentials(), v1_credentials()
        account = Account(service, ACCOUNT)
        # Test keys see what is theirs alone: what the account has is made with a live one.
        account.key = create_key(ACCOUNT, MARK, INVESTIGATION_SCOPES, kind="pck_live_").secret
        made = {
            prefix: World(service, credentials, api["read"]["X-API-Key"], api["admin"]["X-API-Key"], account)
            for prefix, credentials in (("/api", api), ("/v1", v1))
        }
        done_report, done_investigation = completed(made["/api"]), account.completed(new_finding(MARK))
        before = keep()
        for world in made.values():
            world.done_report, world.done_investigation, world.before = done_report, done_investigation, before
        yield made
    forget_sessions()


def things(world: World) -> Items:
    """Return what only the owner may change: everything but what is counted, audited and limited."""
    given = settings()
    tables = (given.reports_table, given.investigations_table, given.webhooks_table, given.knowledge_table)
    kept = items_now((*tables, given.access_table))
    return {key: item for key, item in kept.items() if key[0] != given.access_table or key[1].startswith(("K#", "O#"))}


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    served = {f"{method} {path}" for path, methods in app.routes.items() for method in methods}
    assert served == set(TABLE), "a new route needs a row, which says who gets where"
    assert set(REQUESTS) == set(TABLE)


def test_there_are_sixteen_kinds_of_credentials_and_each_scope_is_one() -> None:
    assert {len(row) for row in TABLE.values()} == {16}, "docs/security.md says so"
    assert set(SCOPES) <= set(rows(API)["GET /api/keys"])
    assert len(rows(V1)["GET /v1/findings"]) == 9 + len(INVESTIGATION_SCOPES)


@pytest.mark.parametrize("route", TABLE)
def test_who_gets_where(worlds: dict[str, World], route: str) -> None:
    method, path = route.split(" ")
    world = worlds[f"/{path.split('/')[1]}"]
    row, request = TABLE[route], REQUESTS[route]
    refused = [column for column, status in row.items() if status >= 400]
    sent, answers = request(world), {}
    was = things(world)
    for column in refused:
        answers[column] = world.send(method, sent, column)
    assert things(world) == was, "somebody who was refused changed something"
    for column in row.keys() - set(refused):
        answers[column] = world.send(method, sent if method == "GET" else request(world), column)
    put_back(world.before)
    assert {column: answers[column].status for column in row} == row
    texts = REFUSALS[f"/{path.split('/')[1]}"]
    for column in refused:
        error = answers[column].json()["error"]
        assert row[column] == 400 or error in texts[row[column]], (column, error)
    ids = [part for part in sent[0].split("?")[0].split("/") if any(c.isdigit() for c in part) and len(part) > 3]
    for column in row.keys() - OWN_COLUMNS:
        told = answers[column].body.decode()
        assert not [word for word in (MARK, OWNER, *ids) if word in told], (column, told)


# What leaves no entry: a price is told, a place for a file is given out, a document that was announced (which left one)
# has come, a search.
UNNOTED: Final = frozenset(
    {
        "POST /api/reports/estimate",
        "POST /v1/investigations/{investigation_id}/findings/uploads",
        "POST /api/knowledge/honey-jars/{jar_id}/documents/{document_id}/complete",
        "POST /api/knowledge/search",
        "POST /api/pii/detect",
    }
)
CHANGES: Final = [route for route in TABLE if not route.startswith("GET ") and route not in UNNOTED]
# The documents themselves.
READINGS: Final = [
    "GET /api/reports/{report_id}/download",
    "GET /v1/investigations/{investigation_id}/report",
    "GET /v1/investigations/{investigation_id}/report/versions/{version}",
]


def shown_things(world: World) -> Any:
    """Return what only the owner may change, of investigations as it is shown: findings are stored before that."""
    fields = ("id", "status", "finding_count", "job_id", "report_version", "stale")
    listed = world.account.get("/investigations").json()["investigations"]
    investigations = [[one[name] for name in fields] for one in listed]
    stored = {key: item for key, item in things(world).items() if not key[1].startswith("I#")}
    return stored, investigations, world.account.get("/findings").json()


@pytest.mark.parametrize("route", CHANGES + READINGS)
def test_nothing_is_done_that_the_audit_does_not_take(
    worlds: dict[str, World], route: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    method, path = route.split(" ")
    world = worlds[f"/{path.split('/')[1]}"]
    column = next(column for column, status in TABLE[route].items() if status < 300 and column in OWN_COLUMNS)
    sent = REQUESTS[route](world)
    was = shown_things(world)
    with monkeypatch.context() as patch:
        patch.setattr(stores().audit._table, "name", "no-such-table")
        refused = world.send(method, sent, column)
    is_now = shown_things(world)
    done = world.send(method, sent, column)
    put_back(world.before)
    assert refused.status == 500
    assert is_now == was
    assert done.status == TABLE[route][column]
