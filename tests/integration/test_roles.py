"""Templates for admins: others see nothing of them, and make nothing of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from chalicelib.domain import template
from chalicelib.domain.clock import now
from chalicelib.domain.template import CONVERSATIONAL
from chalicelib.services import claims
from chalicelib.services.fail_report import fail_report
from chalicelib.stores.permit_queue import Permit
from tests.conftest import service_here
from tests.model_server import ModelServer
from tests.support.service import Service, new_report

# All in one process, as they share one service.
pytestmark = pytest.mark.xdist_group("roles")

FOR_ADMINS = replace(
    CONVERSATIONAL,
    id="5e3f1c0a-1111-4222-8333-444455556666",
    name="Key audit",
    category="security",
    required_role="admin",
)
RETIRED = replace(FOR_ADMINS, id="5e3f1c0a-1111-4222-8333-777788889999", name="Retired", is_active=False)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with pytest.MonkeyPatch.context() as patch, ModelServer() as model, service_here(patch, model) as made:
        patch.setattr(template, "BUILT_IN", (CONVERSATIONAL, FOR_ADMINS, RETIRED))
        yield made


@pytest.fixture(scope="module")
def admin(service: Service) -> str:
    return service.new_key("alice", ("admin",))


def names(service: Service, key: str, category: str = "") -> list[str]:
    data = service.get(f"/api/reports/templates?category={category}", key=key).json()["data"]
    assert data["count"] == len(data["templates"])
    return [t["name"] for t in data["templates"]]


def ordered(template_id: str) -> dict[str, object]:
    return new_report(template_id=template_id)


def test_only_admins_see_it(service: Service, admin: str) -> None:
    assert names(service, service.key) == ["Bee Conversational Report"]
    assert names(service, service.key, "security") == []
    assert names(service, admin) == ["Bee Conversational Report", "Key audit"]
    assert names(service, admin, "security") == ["Key audit"]


@pytest.mark.parametrize("path", ["/api/reports", "/api/reports/estimate"])
def test_others_make_nothing_of_it(service: Service, path: str) -> None:
    answer = service.post(path, ordered(FOR_ADMINS.id))
    assert (answer.status, answer.json()) == (403, {"success": False, "error": "Insufficient permissions"})


def test_admins_do(service: Service, admin: str) -> None:
    created = service.post("/api/reports", ordered(FOR_ADMINS.id), key=admin)
    assert (created.status, service.post("/api/reports", ordered(RETIRED.id), key=admin).status) == (201, 404)


def test_what_an_admin_made_is_retried_by_admins_alone(service: Service, admin: str) -> None:
    created = service.post("/api/reports", ordered(FOR_ADMINS.id) | {"priority": "urgent"}, key=admin)
    report_id = created.json()["data"]["report"]["id"]
    claimed = claims.claim_next(Permit("urgent", report_id))
    assert claimed is not None
    fail_report(claimed, "no model", now())
    refused = service.post(f"/api/reports/{report_id}/retry")
    assert (refused.status, refused.json()["error"]) == (403, "Insufficient permissions")
    assert service.report(report_id)["status"] == "failed"
    assert service.post(f"/api/reports/{report_id}/retry", key=admin).status == 200
