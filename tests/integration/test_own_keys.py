"""``/api/keys``: what somebody does with the keys that are theirs, and that no key makes a stronger one."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.clock import now, stamp
from chalicelib.services import keys, own_keys
from chalicelib.services.keys import caller_of, create_key, forget_keys
from chalicelib.settings import settings
from chalicelib.stores import aws
from chalicelib.stores.dynamodb import Table
from chalicelib.stores.stores import stores
from tests.support.service import Answer, Service, counted_calls
from tests.support.tables import made_resources


@pytest.fixture(scope="module", autouse=True)
def _resources() -> Iterator[None]:
    with made_resources():
        yield


@pytest.fixture
def service() -> Iterator[Service]:
    yield Service()
    settings.cache_clear()


@pytest.fixture
def owner() -> str:
    """An owner whom no other test knows."""
    return f"carol-{secrets.token_hex(4)}"


@pytest.fixture
def admin(service: Service, owner: str) -> str:
    """The secret of an admin key, the only key of its owner."""
    return create_key(owner, "first", ["admin"], timedelta(days=30)).secret


def make(service: Service, key: str, **fields: Any) -> Answer:
    headers = fields.pop("headers", {})
    return service.post("/api/keys", {"name": "laptop", "scopes": ["read"], **fields}, key=key, headers=headers)


def made(service: Service, key: str, **fields: Any) -> tuple[str, str]:
    """Make a key and return its secret and id."""
    answer = make(service, key, **fields)
    assert answer.status == 201, answer.body
    data = answer.json()["data"]
    return data["secret"], data["key"]["id"]


def opens(service: Service, key: str) -> int:
    forget_keys()
    return service.get("/api/reports/templates", key=key).status


class TestMaking:
    def test_a_key_is_shown_once_and_opens_its_owners_reports(self, service: Service, admin: str) -> None:
        answer = make(service, admin, description="Of the build", expires_in_days=7, rate_limit_per_minute=5)
        assert answer.status == 201
        body = answer.json()
        secret, key = body["secret"], body["data"]["key"]
        assert secret.startswith("sk_")
        assert len(secret) == 46
        assert (key["name"], key["scopes"], key["kind"]) == ("laptop", ["read"], "reports")
        assert (key["description"], key["rate_limit_per_minute"], key["is_active"]) == ("Of the build", 5, True)
        assert opens(service, secret) == 200
        for path in ("/api/keys", f"/api/keys/{key['id']}"):
            assert secret.encode() not in service.get(path, key=admin).body
        stored = aws.dynamodb_client().scan(TableName=settings().access_table)["Items"]
        assert secret not in json.dumps(stored, default=str)

    def test_making_one_takes_two_calls(self, service: Service, admin: str) -> None:
        made(service, admin)
        with counted_calls() as calls:
            make(service, admin)
        assert calls == {"Query": 1, "TransactWriteItems": 1}

    def test_a_wrong_request_is_400(self, service: Service, admin: str) -> None:
        wrong: list[dict[str, Any]] = [
            {"name": ""},
            {"name": "x" * 101},
            {"scopes": []},
            {"scopes": ["root"]},
            {"scopes": ["reports:read"]},
            {"scopes": "read"},
            {"expires_in_days": 366},
            {"expires_in_days": 0},
            {"rate_limit_per_minute": 0},
            {"kind": "other"},
            {"environment": "test"},
            {"kind": "investigations", "scopes": ["read"]},
        ]
        for fields in wrong:
            answer = make(service, admin, **fields)
            assert answer.status == 400, fields
            assert answer.json()["details"], fields

    def test_without_an_end_of_its_own_it_ends_with_its_parent(self, service: Service, admin: str) -> None:
        parent = service.get("/api/keys/verify", key=admin).json()["data"]["key"]
        _, child = made(service, admin, expires_in_days=365)
        shown = service.get(f"/api/keys/{child}", key=admin).json()["data"]["key"]
        assert (shown["expires_at"], shown["parent_id"]) == (parent["expires_at"], parent["id"])

    @pytest.mark.parametrize("environment", ["live", "test"])
    def test_keys_to_investigations_have_their_own_scopes_and_data(
        self, service: Service, admin: str, environment: str
    ) -> None:
        fields = {"kind": "investigations", "environment": environment, "scopes": ["investigations:trigger"]}
        secret, _ = made(service, admin, **fields)
        assert secret.startswith(f"pck_{environment}_")
        headers = {"Authorization": f"Bearer {secret}"}
        answer = service.post("/v1/investigations", {"query": "Who?"}, headers=headers, key=None)
        assert answer.status == 202
        other, _ = made(service, admin, **fields | {"environment": "live", "scopes": ["investigations:read"]})
        seen = service.get("/v1/investigations", headers={"Authorization": f"Bearer {other}"}, key=None).json()
        assert len(seen["investigations"]) == (1 if environment == "live" else 0)


class TestStrength:
    def test_only_admin_keys_manage_keys(self, service: Service) -> None:
        key = service.new_key("carol", ("read", "write"))
        for method, path in [
            ("GET", "/api/keys"),
            ("POST", "/api/keys"),
            ("GET", "/api/keys/ak_1"),
            ("PUT", "/api/keys/ak_1"),
            ("DELETE", "/api/keys/ak_1"),
            ("POST", "/api/keys/ak_1/rotate"),
            ("GET", "/api/keys/ak_1/usage"),
        ]:
            assert service.request(method, path, {"name": "x"}, key=key).status == 403
        assert service.get("/api/keys/verify", key=key).status == 200

    def test_a_limited_key_makes_no_less_limited_one(self, service: Service, admin: str) -> None:
        limited, _ = made(service, admin, scopes=["admin"], rate_limit_per_minute=20)
        assert make(service, limited, rate_limit_per_minute=21).status == 403
        answer = make(service, limited)
        assert answer.json()["data"]["key"]["rate_limit_per_minute"] == 20

    def test_a_key_that_ends_rotates_none_that_lasts_longer(self, service: Service, owner: str, admin: str) -> None:
        longer = create_key(owner, "for ever", ["admin"])
        assert service.post(f"/api/keys/{longer.record.id}/rotate", key=admin).status == 403
        assert service.request("PUT", f"/api/keys/{longer.record.id}", {"name": "x"}, key=admin).status == 403

    def test_a_session_of_a_user_makes_no_admin_key(self, service: Service) -> None:
        from chalicelib.domain.caller import Caller

        session = Caller("dave", "", frozenset({"read", "write"}), kind="session", aal2=True, teams=("blue",))
        new = own_keys.NewKey("k", ("read", "write"), "sk_", timedelta(days=1))
        record = own_keys.create_own_key(session, new).record
        assert (tuple(record.teams), record.parent) == (("blue",), "")
        admin = own_keys.NewKey("k", ("admin",), "sk_", timedelta(days=1))
        with pytest.raises(own_keys.StrongerKeyError):
            own_keys.create_own_key(session, admin)

    def test_a_key_that_was_revoked_elsewhere_makes_none(self, service: Service, admin: str) -> None:
        caller = caller_of(admin)
        assert caller is not None
        own_keys.revoke_own_key(caller, caller.key_id)
        # This process may still take it for a valid one.
        with pytest.raises(own_keys.StrongerKeyError):
            own_keys.create_own_key(caller, own_keys.NewKey("k", ("read",), "sk_", timedelta(days=1)))


class TestNumber:
    def test_ten_may_be_active_however_many_ask_at_once(self, service: Service, admin: str) -> None:
        with ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(lambda _: make(service, admin).status, range(14)))
        listed = service.get("/api/keys?active_only=true", key=admin).json()["data"]
        assert listed["pagination"]["total"] == 10
        assert statuses.count(201) == 9
        assert set(statuses) <= {201, 409, 503}

    def test_a_revoked_one_makes_room(self, service: Service, admin: str) -> None:
        ids = [made(service, admin)[1] for _ in range(9)]
        assert make(service, admin).status == 409
        assert service.request("DELETE", f"/api/keys/{ids[0]}", key=admin).status == 200
        made(service, admin)

    def test_the_oldest_that_have_ended_make_room_in_the_list(
        self, service: Service, owner: str, admin: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(own_keys, "MAX_LISTED", 5)
        oldest = create_key(owner, "oldest", ["read"], timedelta(days=-1))
        for number in range(3):
            create_key(owner, f"ended {number}", ["read"], timedelta(days=-1))
        refused = make(service, admin)
        assert refused.status == 409, "requests that made the others may still be sent again"
        past = stamp(now() - timedelta(days=3))
        table = Table(settings().access_table)
        for key in ((f"O#{owner}", oldest.record.id), (f"K#{oldest.record.hash}", "key")):
            table.update(key, assign={"created_at": past})
        _, made_id = made(service, admin)
        listed = service.get("/api/keys?per_page=100", key=admin).json()["data"]["keys"]
        assert len(listed) == 5
        assert listed[0]["id"] == made_id
        assert oldest.record.id not in {key["id"] for key in listed}
        assert table.get((f"K#{oldest.record.hash}", "key")) is None

    def test_the_list_has_pages(self, service: Service, admin: str) -> None:
        ids = [made(service, admin, name=f"key {number}")[1] for number in range(4)]
        page = service.get("/api/keys?page=2&per_page=2", key=admin).json()["data"]
        assert [key["id"] for key in page["keys"]] == [ids[1], ids[0]]
        assert page["pagination"] == {"page": 2, "per_page": 2, "total": 5, "pages": 3}
        for wrong in ("page=0", "per_page=101", "active_only=maybe"):
            assert service.get(f"/api/keys?{wrong}", key=admin).status == 400


class TestChanging:
    def test_name_scopes_and_limit_can_be_changed(self, service: Service, admin: str) -> None:
        secret, key_id = made(service, admin, scopes=["read", "write"])
        body = {"name": "new name", "scopes": ["write"], "rate_limit_per_minute": 7}
        changed = service.request("PUT", f"/api/keys/{key_id}", body, key=admin).json()["data"]["key"]
        assert (changed["name"], changed["scopes"], changed["rate_limit_per_minute"]) == ("new name", ["write"], 7)
        assert opens(service, secret) == 403

    def test_what_a_key_loses_its_children_lose(self, service: Service, admin: str) -> None:
        parent, parent_id = made(service, admin, scopes=["admin"])
        _, child_id = made(service, parent, scopes=["read", "write"])
        orphan, orphan_id = made(service, parent, scopes=["write"])
        service.request("PUT", f"/api/keys/{parent_id}", {"scopes": ["read"], "rate_limit_per_minute": 3}, key=admin)
        shown = service.get(f"/api/keys/{child_id}", key=admin).json()["data"]["key"]
        assert (shown["scopes"], shown["rate_limit_per_minute"]) == (["read"], 3)
        assert not service.get(f"/api/keys/{orphan_id}", key=admin).json()["data"]["key"]["is_active"]
        assert opens(service, orphan) == 401
        answer = service.request("PUT", f"/api/keys/{child_id}", {"scopes": ["write"]}, key=admin)
        assert answer.status == 403, "not more than its parent has"

    def test_a_key_with_very_many_children_that_have_ended_can_be_changed(
        self, service: Service, owner: str, admin: str
    ) -> None:
        parent, parent_id = made(service, admin, scopes=["admin"])
        _, child_id = made(service, parent)
        for number in range(40):
            ended = create_key(owner, f"ended {number}", ["read"], timedelta(days=-1)).record
            stores().keys.add(replace(ended, id=f"ak_{secrets.token_hex(12)}", hash=ended.id, parent=parent_id))
        fields = {"rate_limit_per_minute": 3}
        assert service.request("PUT", f"/api/keys/{parent_id}", fields, key=admin).status == 200
        shown = service.get(f"/api/keys/{child_id}", key=admin).json()["data"]["key"]
        assert shown["rate_limit_per_minute"] == 3

    def test_rotating_gives_a_new_secret_and_ends_the_old_one(self, service: Service, admin: str) -> None:
        secret, key_id = made(service, admin)
        rotated = service.post(f"/api/keys/{key_id}/rotate", key=admin).json()["data"]
        assert rotated["key"]["id"] == key_id
        assert rotated["key"]["rotated_at"]
        assert opens(service, secret) == 401
        assert opens(service, rotated["secret"]) == 200

    def test_revoking_ends_a_key_and_all_that_came_of_it(self, service: Service, admin: str) -> None:
        parent, parent_id = made(service, admin, scopes=["admin"])
        child, _ = made(service, parent, scopes=["admin"])
        grandchild, _ = made(service, child)
        assert service.request("DELETE", f"/api/keys/{parent_id}", key=admin).status == 200
        assert [opens(service, key) for key in (admin, parent, child, grandchild)] == [200, 401, 401, 401]
        assert service.request("DELETE", f"/api/keys/{parent_id}", key=admin).status == 200
        assert service.post(f"/api/keys/{parent_id}/rotate", key=admin).status == 400

    def test_anothers_key_is_404(self, service: Service, admin: str) -> None:
        other = create_key("erin", "hers", ["admin"])
        for method, path in [("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/rotate"), ("GET", "/usage")]:
            path = f"/api/keys/{other.record.id}{path}"
            assert service.request(method, path, {"name": "mine"}, key=admin).status == 404
        assert opens(service, other.secret) == 200


class TestVerifying:
    def test_a_key_that_was_revoked_elsewhere_is_not_valid(self, service: Service, admin: str) -> None:
        secret, key_id = made(service, admin)
        assert service.get("/api/keys/verify", key=secret).json()["data"]["key"]["id"] == key_id
        known = dict(keys._known)
        service.request("DELETE", f"/api/keys/{key_id}", key=admin)
        keys._known.update(known)  # as another process still has it
        assert service.get("/api/reports/templates", key=secret).status == 200
        assert service.get("/api/keys/verify", key=secret).status == 401


class TestUsage:
    def test_requests_are_counted_without_a_write_each(self, service: Service, admin: str) -> None:
        secret, key_id = made(service, admin)
        opens(service, secret)
        with counted_calls() as calls:
            for _ in range(5):
                service.get("/api/reports/templates", key=secret)
        assert calls.total() == 0
        usage = service.get(f"/api/keys/{key_id}/usage?days=3", key=admin).json()["data"]
        assert usage["total_requests"] == 6
        assert [row["requests"] for row in usage["daily"]] == [0, 0, 6]
        assert usage["daily"][-1]["date"] == stamp(now())[:10]

    def test_a_limits_write_takes_them_along(
        self, service: Service, admin: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from chalicelib.services.key_usage import forget_usage

        monkeypatch.setenv("RATE_LIMIT_LIST", "100/minute")
        settings.cache_clear()
        secret, key_id = made(service, admin)
        for path in ("/api/reports/templates", "/api/reports", "/api/reports"):
            service.get(path, key=secret)
        forget_usage()  # as if the process had ended
        usage = service.get(f"/api/keys/{key_id}/usage", key=admin).json()["data"]
        assert usage["total_requests"] == 3

    def test_wrong_days_are_400(self, service: Service, admin: str) -> None:
        for days in ("0", "31", "x"):
            assert service.get(f"/api/keys/ak_1/usage?days={days}", key=admin).status == 400


class TestIdempotency:
    def test_the_same_request_makes_one_key_and_shows_its_secret_once(self, service: Service, admin: str) -> None:
        headers = {"Idempotency-Key": "a-1"}
        first, again = (make(service, admin, headers=headers) for _ in range(2))
        assert (first.status, again.status) == (201, 201)
        assert again.json()["data"]["key"] == first.json()["data"]["key"]
        assert first.json()["secret"]
        assert again.json()["secret"] is None
        assert again.headers["idempotency-replayed"] == "true"
        assert make(service, admin, headers=headers, name="another").status == 409

    def test_two_at_once_make_one(self, service: Service, admin: str) -> None:
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: make(service, admin, headers={"Idempotency-Key": "b"}), range(4)))
        assert {answer.status for answer in answers} == {201}
        assert len({answer.json()["data"]["key"]["id"] for answer in answers}) == 1
        assert sum(answer.json()["secret"] is not None for answer in answers) == 1

    def test_a_rotation_is_done_once(self, service: Service, admin: str) -> None:
        _, key_id = made(service, admin)
        headers = {"Idempotency-Key": "c"}
        first, again = (service.post(f"/api/keys/{key_id}/rotate", key=admin, headers=headers) for _ in range(2))
        assert first.json()["secret"]
        assert again.json()["secret"] is None
        assert opens(service, first.json()["secret"]) == 200

    def test_a_day_later_the_name_is_free_again(self, service: Service, owner: str, admin: str) -> None:
        headers = {"Idempotency-Key": "d"}
        first, key_id = made(service, admin, headers=headers)
        a_day_ago = stamp(now() - timedelta(hours=24, seconds=1))
        Table(settings().access_table).update((f"O#{owner}", key_id), assign={"created_at": a_day_ago})
        second, other_id = made(service, admin, headers=headers, name="another")
        assert other_id != key_id
        assert second not in (None, first)
        again = make(service, admin, headers=headers, name="another").json()["data"]
        assert (again["key"]["id"], again["secret"]) == (other_id, None)
