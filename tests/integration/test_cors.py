"""Pages of other origins: they read nothing of ``/api`` unless the deployment lets them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from chalicelib.settings import SettingsError, read_settings, settings
from embedded.gateway_event import Route, http_answer, proxy_event
from tests.conftest import service_here
from tests.model_server import ModelServer
from tests.support.service import Answer, Context, Service

# All in one process, as they share one service.
pytestmark = pytest.mark.xdist_group("cors")

APP = "https://app.example.com"
OTHER = "https://evil.example"


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with pytest.MonkeyPatch.context() as patch, ModelServer() as model, service_here(patch, model) as made:
        yield made


@pytest.fixture
def allow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Set which origins are let in."""

    def setting(origins: str) -> None:
        monkeypatch.setenv("CORS_ORIGINS", origins)
        settings.cache_clear()

    setting("")
    yield setting
    monkeypatch.undo()
    settings.cache_clear()


def preflight(service: Service, path: str, origin: str) -> Answer:
    """Ask as a browser does, through the event of API Gateway: Chalice's own local server would answer itself."""
    asked = [("Origin", origin), ("Access-Control-Request-Method", "POST")]
    event = proxy_event("OPTIONS", path, Route(path, {}), asked, b"", "198.51.100.7")
    answer = http_answer(service.app.app(event, Context()))
    return Answer(answer.status, {name.lower(): value for name, value in answer.headers}, answer.body)


def granted(answer: Answer) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


def test_off_by_default(service: Service, allow: Callable[[str], None]) -> None:
    read = service.get("/api/reports/templates", headers={"Origin": APP})
    asked = preflight(service, "/api/reports", APP)
    assert (read.status, granted(read), read.headers.get("vary")) == (200, {}, None)
    assert (asked.status, granted(asked)) == (405, {})
    assert asked.json()["success"] is False


def test_a_preflight_of_an_allowed_origin_is_told_what_it_may_send(
    service: Service, allow: Callable[[str], None]
) -> None:
    allow(f"{APP}, http://localhost:3000")
    answer = preflight(service, "/api/reports", APP)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == APP
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["access-control-allow-methods"] == "GET, POST"
    allowed = answer.headers["access-control-allow-headers"].lower().split(", ")
    assert {"authorization", "content-type", "idempotency-key", "x-api-key", "x-requested-with"} <= set(allowed)
    assert answer.headers["vary"] == "Origin"


def test_answers_to_an_allowed_origin_may_be_read_by_its_pages(service: Service, allow: Callable[[str], None]) -> None:
    allow(APP)
    report_id = service.create()
    for path, status in (
        ("/api/reports", 200),
        ("/api/reports/nope", 404),
        (f"/api/reports/{report_id}/download", 400),
    ):
        answer = service.get(path, headers={"Origin": APP})
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (status, APP)
        exposed = answer.headers["access-control-expose-headers"].split(", ")
        assert {"X-Request-Id", "X-RateLimit-Remaining", "Idempotency-Replayed"} <= set(exposed)
    refused = service.get("/api/reports", headers={"Origin": APP}, key=None)
    assert (refused.status, refused.headers["access-control-allow-origin"]) == (401, APP)


@pytest.mark.parametrize("origin", [OTHER, "null", f"{APP}.evil.example", "https://APP.example.com", "*", ""])
def test_other_origins_get_nothing(service: Service, allow: Callable[[str], None], origin: str) -> None:
    allow(APP)
    for answer in (
        service.get("/api/reports", headers={"Origin": origin}),
        preflight(service, "/api/reports", origin),
    ):
        assert granted(answer).keys() <= {
            "access-control-allow-methods",
            "access-control-allow-headers",
            "access-control-max-age",
        }
        # A cache must not hand this answer to a page that may read it, or the other way round.
        assert answer.headers["vary"] == "Origin"


def test_every_origin_gets_answers_without_cookies(service: Service, allow: Callable[[str], None]) -> None:
    allow("*")
    for answer in (service.get("/api/reports", headers={"Origin": OTHER}), preflight(service, "/api/reports", OTHER)):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers


def test_the_investigation_api_is_for_no_pages(service: Service, allow: Callable[[str], None]) -> None:
    allow(APP)
    for answer in (
        service.get("/v1/investigations", headers={"Origin": APP}),
        preflight(service, "/v1/investigations", APP),
    ):
        assert granted(answer) == {}


@pytest.mark.parametrize(
    "wrong", ["app.example.com", f"{APP}/", f"{APP}/path", "null", f"*,{APP}", "ftp://x", "https://*"]
)
def test_what_is_no_origin_is_no_setting(wrong: str) -> None:
    with pytest.raises(SettingsError, match="CORS_ORIGINS"):
        read_settings({"CORS_ORIGINS": wrong})


@pytest.mark.parametrize("wrong", ["kratos", "ftp://kratos", "https://user:pass@kratos", "https://kratos?x=1"])
def test_what_is_no_address_is_no_kratos(wrong: str) -> None:
    with pytest.raises(SettingsError, match="KRATOS_PUBLIC_URL"):
        read_settings({"KRATOS_PUBLIC_URL": wrong})
