"""Sessions of browsers: Kratos says whose they are, and pages of other sites get nothing done with them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from chalicelib.sessions.kratos_client import forget_sessions
from chalicelib.settings import settings
from tests.conftest import service_here
from tests.model_server import ModelServer
from tests.support.kratos_answers import SECOND_FACTOR_REQUIRED, UNAUTHORIZED, session, session_of
from tests.support.scripted_receiver import ScriptedReceiver, answering
from tests.support.service import Answer, Service, counted_calls, new_report

# All in one process, as they share one service.
pytestmark = pytest.mark.xdist_group("sessions")

COOKIE = "MTcwNTc0NzM3N3xrZXl8-_=="
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}


def saying(content: Any, status: str = "200 OK") -> Any:
    return answering(status, "Content-Type: application/json; charset=utf-8", body=json.dumps(content).encode())


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """One service for all: nobody's session is another's."""
    with pytest.MonkeyPatch.context() as patch, ModelServer() as model, service_here(patch, model) as made:
        yield made


@pytest.fixture(autouse=True)
def settings_as_they_are_now() -> Iterator[None]:
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def identity() -> str:
    return str(uuid.uuid4())


@pytest.fixture
def kratos(service: Service, monkeypatch: pytest.MonkeyPatch, identity: str) -> Iterator[ScriptedReceiver]:
    """A Kratos that knows a session with a second factor."""
    with ScriptedReceiver(saying(session_of(id=identity))) as started:
        monkeypatch.setenv("KRATOS_PUBLIC_URL", f"http://127.0.0.1:{started.port}")
        settings.cache_clear()
        forget_sessions()
        yield started
    forget_sessions()


def with_cookie(
    service: Service,
    method: str,
    path: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    cookie: str = f"csrf_token=x; ory_kratos_session={COOKIE}; theme=dark",
) -> Answer:
    return service.request(method, path, body, {"Cookie": cookie, **(headers or {})}, key=None)


def listed(service: Service, **how: Any) -> Answer:
    return with_cookie(service, "GET", "/api/reports", **how)


class TestWhoItIs:
    def test_a_session_with_its_second_factor_opens_the_reports_of_its_identity(
        self, service: Service, kratos: ScriptedReceiver, identity: str
    ) -> None:
        created = with_cookie(service, "POST", "/api/reports", new_report("Mine"), OWN_PAGE)
        assert created.status == 201
        report_id = created.json()["data"]["report"]["id"]
        assert [r["id"] for r in listed(service).json()["data"]["reports"]] == [report_id]
        assert with_cookie(service, "GET", f"/api/reports/{report_id}").status == 200
        # A key of the same user sees the same, anybody else's does not.
        assert service.get(f"/api/reports/{report_id}", key=service.new_key(identity)).status == 200
        assert service.get(f"/api/reports/{report_id}").status == 404

    def test_only_the_session_is_sent_on(self, service: Service, kratos: ScriptedReceiver) -> None:
        listed(service)
        (asked,) = kratos.requests
        assert asked.line == "GET /sessions/whoami HTTP/1.1"
        assert asked.headers["cookie"] == f"ory_kratos_session={COOKIE}"

    def test_a_session_costs_no_aws_call_and_one_question(self, service: Service, kratos: ScriptedReceiver) -> None:
        with counted_calls() as calls:
            for _ in range(5):
                assert with_cookie(service, "GET", "/api/reports/templates").status == 200
        assert (calls.total(), kratos.connections) == (0, 1)

    @pytest.mark.parametrize(
        ("said", "role"),
        [
            ({"traits": {"role": "admin"}}, "admin"),
            ({"metadata_public": {"role": "admin"}}, "admin"),
            ({"traits": {"role": "user"}}, "user"),
        ],
    )
    def test_the_role_is_the_identity_s(self, service: Service, kratos: ScriptedReceiver, said: Any, role: str) -> None:
        kratos.script = saying(session_of(**said))
        answer = with_cookie(service, "GET", "/api/reports/templates")
        assert answer.json()["data"]["user_role"] == role

    def test_without_kratos_a_cookie_is_nobody_s(self, service: Service) -> None:
        answer = listed(service)
        assert (answer.status, answer.json()) == (401, {"success": False, "error": "Authentication required"})


class TestWhoItIsNot:
    def test_an_unknown_session_is_401(self, service: Service, kratos: ScriptedReceiver) -> None:
        kratos.script = saying(UNAUTHORIZED, "401 Unauthorized")
        answer = listed(service)
        assert (answer.status, answer.json()["error"]) == (401, "Authentication required")

    @pytest.mark.parametrize(
        "answer",
        [saying(session(authenticator_assurance_level="aal1")), saying(SECOND_FACTOR_REQUIRED, "403 Forbidden")],
        ids=["aal1", "kratos wants it"],
    )
    @pytest.mark.parametrize(("method", "path"), [("GET", "/api/reports"), ("POST", "/api/reports")])
    def test_without_the_second_factor_it_is_403(
        self, service: Service, kratos: ScriptedReceiver, answer: Any, method: str, path: str
    ) -> None:
        kratos.script = answer
        body = new_report() if method == "POST" else None
        refused = with_cookie(service, method, path, body, OWN_PAGE)
        assert refused.status == 403
        assert refused.json() == {
            "success": False,
            "error": "AAL2 verification required",
            "code": "aal2_required",
        }

    def test_a_second_factor_that_could_be_used_but_was_not_is_none(
        self, service: Service, kratos: ScriptedReceiver
    ) -> None:
        methods = [{"method": "password", "aal": "aal1"}, {"method": "totp", "aal": "aal2"}]
        kratos.script = saying(session(authenticator_assurance_level="aal1", authentication_methods=methods))
        assert listed(service).status == 403

    @pytest.mark.parametrize("answer", [answering("500 Oops"), saying([]), answering("302 Found", "Location: /")])
    def test_a_kratos_that_does_not_say_is_503_and_never_yes(
        self, service: Service, kratos: ScriptedReceiver, answer: Any
    ) -> None:
        kratos.script = answer
        refused = listed(service)
        assert (refused.status, refused.json()["success"]) == (503, False)
        assert refused.json()["code"] == "session_service_unavailable"
        assert refused.headers["retry-after"] == "5"

    def test_no_kratos_at_all_is_503(self, service: Service, kratos: ScriptedReceiver) -> None:
        kratos.__exit__()
        assert listed(service).status == 503
        assert service.get("/api/reports").status == 200, "keys do not need it"

    def test_an_identity_that_is_no_uuid_is_not_taken_for_the_owner_of_a_key(
        self, service: Service, kratos: ScriptedReceiver
    ) -> None:
        service.create()
        kratos.script = saying(session_of(id="alice"))
        assert listed(service).status == 503

    def test_next_to_a_wrong_key_no_session_counts(self, service: Service, kratos: ScriptedReceiver) -> None:
        for wrong in ({"X-API-Key": "sk_" + "x" * 43}, {"Authorization": "Bearer nonsense"}):
            assert listed(service, headers=wrong).status == 401
        assert kratos.connections == 0

    def test_of_two_sessions_nobody_knows_which_is_meant(self, service: Service, kratos: ScriptedReceiver) -> None:
        two = "ory_kratos_session=first; ory_kratos_session=second"
        assert listed(service, cookie=two).status == 401
        assert kratos.connections == 0

    @pytest.mark.parametrize("path", ["/v1/investigations", "/v1/findings"])
    def test_the_investigation_api_knows_no_sessions(
        self, service: Service, kratos: ScriptedReceiver, path: str
    ) -> None:
        answer = with_cookie(service, "GET", path)
        assert (answer.status, answer.json()["error"]) == (401, "invalid_api_key")


HERE = {"Host": "api.example.com", "X-Forwarded-Proto": "https"}


class TestOtherSites:
    def test_a_page_of_another_site_changes_nothing(
        self, service: Service, kratos: ScriptedReceiver, identity: str
    ) -> None:
        report_id = service.create(key=service.new_key(identity))
        for headers in ({}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "same-site"}):
            for path, body in (("/api/reports", new_report()), (f"/api/reports/{report_id}/cancel", None)):
                refused = with_cookie(service, "POST", path, body, HERE | headers)
                assert (refused.status, refused.json()["code"]) == (403, "cross_site_request")
        assert [r["status"] for r in listed(service).json()["data"]["reports"]] == ["queued"]

    def test_a_page_of_this_site_does(self, service: Service, kratos: ScriptedReceiver, identity: str) -> None:
        for headers in ({"Origin": "https://api.example.com"}, OWN_PAGE, {"X-Requested-With": "XMLHttpRequest"}):
            report_id = service.create(key=service.new_key(identity))
            cancelled = with_cookie(service, "POST", f"/api/reports/{report_id}/cancel", None, HERE | headers)
            assert cancelled.status == 200

    def test_reading_is_open_to_the_cookie_alone(self, service: Service, kratos: ScriptedReceiver) -> None:
        assert listed(service, headers={"Sec-Fetch-Site": "cross-site"}).status == 200

    def test_a_trusted_origin_may_write(
        self, service: Service, kratos: ScriptedReceiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CORS_ORIGINS", "https://app.example.com")
        settings.cache_clear()
        trusted = {"Origin": "https://app.example.com", "Sec-Fetch-Site": "cross-site"}
        assert with_cookie(service, "POST", "/api/reports", new_report(), HERE | trusted).status == 201

    def test_an_api_for_every_origin_trusts_none(
        self, service: Service, kratos: ScriptedReceiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CORS_ORIGINS", "*")
        settings.cache_clear()
        for origin in ("https://app.example.com", "*"):
            other = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
            assert with_cookie(service, "POST", "/api/reports", new_report(), HERE | other).status == 403

    def test_a_key_needs_none_of_this(self, service: Service, kratos: ScriptedReceiver) -> None:
        cross = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        assert service.post("/api/reports", new_report(), headers=cross).status == 201
