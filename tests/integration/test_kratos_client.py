"""Kratos says who a cookie belongs to; whatever it does not say is not assumed."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
import trustme
from ory_client.models.error_authenticator_assurance_level_not_satisfied import (
    ErrorAuthenticatorAssuranceLevelNotSatisfied,
)
from ory_client.models.generic_error import GenericError
from ory_client.models.session import Session as DocumentedSession

from chalicelib.sessions import kratos_client
from chalicelib.sessions.kratos_client import (
    CACHE_SECONDS,
    SecondFactorRequiredError,
    Session,
    SessionServiceDownError,
    forget_sessions,
    whoami,
)
from tests.support.certificates import server_context, trusting_context
from tests.support.kratos_answers import (
    IDENTITY_ID,
    SECOND_FACTOR_REQUIRED,
    UNAUTHORIZED,
    in_seconds,
    session,
    session_of,
)
from tests.support.scripted_receiver import Script, ScriptedReceiver, answering, silence

COOKIE = "MTcwNTc0NzM3N3xrZXl8-_=="
ALICE = Session(identity_id=IDENTITY_ID, aal="aal2", role="user", teams=("blue", "red"))


def saying(content: Any, status: str = "200 OK") -> Script:
    return answering(status, "Content-Type: application/json; charset=utf-8", body=json.dumps(content).encode())


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    forget_sessions()
    yield
    forget_sessions()


@pytest.fixture
def kratos() -> Iterator[ScriptedReceiver]:
    with ScriptedReceiver(saying(session())) as started:
        yield started


def asked(kratos: ScriptedReceiver, cookie: str = COOKIE, timeout: float = 5.0) -> Session | None:
    return whoami(f"http://127.0.0.1:{kratos.port}", cookie, timeout=timeout)


# The answers that the tests use are what Kratos documents.


@pytest.mark.parametrize("answer", [session(), session_of(metadata_public={"role": "admin"})])
def test_the_sessions_here_are_documented_ones(answer: dict[str, Any]) -> None:
    documented = DocumentedSession.from_dict(answer)
    assert documented is not None
    assert documented.additional_properties == {}
    assert documented.identity is not None
    assert documented.identity.additional_properties == {}
    assert documented.authenticator_assurance_level == "aal2"


@pytest.mark.parametrize("answer", [UNAUTHORIZED, SECOND_FACTOR_REQUIRED])
def test_the_refusals_here_are_documented_ones(answer: dict[str, Any]) -> None:
    refusal = GenericError.from_dict(answer["error"])
    assert refusal is not None
    assert refusal.code in (401, 403)
    assert refusal.additional_properties == {}


def test_the_demand_for_a_second_factor_is_the_documented_one() -> None:
    demand = ErrorAuthenticatorAssuranceLevelNotSatisfied.from_dict(SECOND_FACTOR_REQUIRED)
    assert demand is not None
    assert demand.error is not None
    assert demand.error.id == "session_aal2_required"
    assert demand.additional_properties == {}


# Who it is


def test_a_session_is_its_identity_with_level_role_and_teams(kratos: ScriptedReceiver) -> None:
    assert asked(kratos) == ALICE


def test_kratos_gets_that_cookie_and_nothing_else(kratos: ScriptedReceiver) -> None:
    asked(kratos)
    [request] = kratos.requests
    assert request.line == "GET /sessions/whoami HTTP/1.1"
    assert request.headers == {
        "host": f"127.0.0.1:{kratos.port}",
        "cookie": f"ory_kratos_session={COOKIE}",
        "accept": "application/json",
        "accept-encoding": "identity",
        "connection": "close",
    }


def test_kratos_may_live_below_a_path(kratos: ScriptedReceiver) -> None:
    whoami(f"http://127.0.0.1:{kratos.port}/kratos/public/", COOKIE, timeout=5)
    assert kratos.requests[0].line == "GET /kratos/public/sessions/whoami HTTP/1.1"


def test_kratos_is_asked_over_verified_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    with ScriptedReceiver(saying(session()), tls=server_context(authority, "localhost")) as kratos:
        url = f"https://localhost:{kratos.port}"
        with pytest.raises(SessionServiceDownError, match="SSLCertVerificationError"):
            whoami(url, COOKIE, timeout=5)
        assert kratos.requests == []

        monkeypatch.setattr(kratos_client, "_system_trust", lambda: trusting_context(authority))
        assert whoami(url, COOKIE, timeout=5) == ALICE


@pytest.mark.parametrize("level", ["aal1", "aal2", "aal3"])
def test_the_level_is_the_sessions_own(kratos: ScriptedReceiver, level: str) -> None:
    kratos.script = saying(session(authenticator_assurance_level=level))
    found = asked(kratos)
    assert found is not None
    assert found.aal == level


@pytest.mark.parametrize(
    ("identity", "role"),
    [
        ({"traits": {"role": "admin"}}, "admin"),
        ({"traits": {"role": "user"}, "metadata_public": {"role": "admin"}}, "admin"),
        ({"traits": {"role": "Admin"}}, "user"),
        ({"traits": {"role": ["admin"]}}, "user"),
        ({"traits": {"role": None}, "metadata_public": {}}, "user"),
        ({"traits": {}, "metadata_admin": {"role": "admin"}}, "user"),
        ({"traits": None}, "user"),
    ],
)
def test_an_admin_is_who_traits_or_public_metadata_call_so(
    kratos: ScriptedReceiver, identity: dict[str, Any], role: str
) -> None:
    kratos.script = saying(session_of(**identity))
    found = asked(kratos)
    assert found is not None
    assert found.role == role


@pytest.mark.parametrize(
    ("given", "teams"),
    [(None, ()), ("blue", ()), ({"blue": 1}, ()), (["blue", 7, None, "", "blue", "red"], ("blue", "red"))],
)
def test_teams_are_the_names_in_the_traits(kratos: ScriptedReceiver, given: Any, teams: tuple[str, ...]) -> None:
    kratos.script = saying(session_of(traits={"teams": given}))
    found = asked(kratos)
    assert found is not None
    assert found.teams == teams


# Who it is not


@pytest.mark.parametrize(
    "answer",
    [
        saying(UNAUTHORIZED, "401 Unauthorized"),
        answering("401 Unauthorized"),
        saying(session(active=False)),
        saying(session(expires_at=in_seconds(-1))),
        saying(session_of(state="inactive")),
    ],
)
def test_without_a_session_it_is_nobody(kratos: ScriptedReceiver, answer: Script) -> None:
    kratos.script = answer
    assert asked(kratos) is None


@pytest.mark.parametrize("cookie", ["", "a b", "a;b", 'a"b', "a,b", "a\\b", "a\r\nX-Evil: 1", "a\0", "ü", "a" * 4097])
def test_what_cannot_be_a_cookie_is_nobody_and_is_not_sent(kratos: ScriptedReceiver, cookie: str) -> None:
    assert asked(kratos, cookie) is None
    assert kratos.connections == 0


def test_a_session_that_lacks_its_second_factor_is_told_apart(kratos: ScriptedReceiver) -> None:
    kratos.script = saying(SECOND_FACTOR_REQUIRED, "403 Forbidden")
    with pytest.raises(SecondFactorRequiredError):
        asked(kratos)


# When Kratos does not say


@pytest.mark.parametrize(
    "answer",
    [
        saying({"error": {"code": 403, "status": "Forbidden", "message": "no"}}, "403 Forbidden"),
        saying({"error": "no"}, "403 Forbidden"),
        answering("403 Forbidden"),
        saying(session(), "201 Created"),
        saying({}, "404 Not Found"),
        saying({}, "429 Too Many Requests"),
        saying(session(), "500 Internal Server Error"),
        answering("503 Service Unavailable"),
        answering("302 Found", "Location: /login"),
        answering("200 OK"),
        answering("200 OK", body=b"<html>welcome</html>"),
        answering("200 OK", body=b"[" * 100_000),
        answering("200 OK", body=b"\xff\xfe"),
        answering("200 OK", body=json.dumps(session()).encode()[:-20]),
        saying([]),
        saying(None),
        saying("session"),
        saying({}),
        saying(session(active="yes")),
        saying(session(active=None)),
        saying(session(identity=None)),
        saying(session(identity=[])),
        saying(session_of(id="")),
        saying(session_of(id=7)),
        saying(session_of(traits=["admin"])),
        saying(session(authenticator_assurance_level=None)),
        saying(session(expires_at="soon")),
        saying(session(expires_at=7)),
        lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"),
        lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"),
        lambda _connection: None,
    ],
)
def test_any_other_answer_is_no_answer(kratos: ScriptedReceiver, answer: Script) -> None:
    kratos.script = answer
    with pytest.raises(SessionServiceDownError):
        asked(kratos)


def test_a_redirect_is_not_followed(kratos: ScriptedReceiver) -> None:
    with ScriptedReceiver(saying(session())) as other:
        kratos.script = answering("307 Temporary Redirect", f"Location: http://127.0.0.1:{other.port}/")
        with pytest.raises(SessionServiceDownError):
            asked(kratos)
        assert other.connections == 0


def test_proxies_of_the_environment_get_no_cookie(kratos: ScriptedReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedReceiver(saying(session())) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert asked(kratos) == ALICE
        assert proxy.connections == 0


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(SessionServiceDownError, match="ConnectionRefusedError"):
        whoami(f"http://127.0.0.1:{port}", COOKIE, timeout=5)


@pytest.mark.parametrize("base_url", ["", "kratos", "http://", "http://kratos.invalid:99999"])
def test_an_address_that_leads_nowhere_is_down(base_url: str) -> None:
    with pytest.raises(SessionServiceDownError):
        whoami(base_url, COOKIE, timeout=2)


@pytest.mark.parametrize("way", ["silence", "dripping head", "dripping body"])
def test_a_slow_kratos_is_down_in_time(kratos: ScriptedReceiver, way: str) -> None:
    kratos.script = {
        "silence": silence,
        "dripping head": kratos.dripping(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 10_000, seconds_apart=0.01),
        "dripping body": kratos.dripping(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 10_000, seconds_apart=0.01),
    }[way]
    started = time.monotonic()
    with pytest.raises(SessionServiceDownError, match="TimeoutError"):
        asked(kratos, timeout=0.4)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("length", [b"", b"Content-Length: 99999999999999\r\n"])
def test_an_endless_answer_is_not_read(kratos: ScriptedReceiver, length: bytes) -> None:
    def script(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n")
        while True:
            connection.sendall(b" " * 65536)

    kratos.script = script
    with pytest.raises(SessionServiceDownError):
        asked(kratos)


# What is remembered


def test_a_confirmed_session_is_asked_for_once_in_half_a_minute(
    kratos: ScriptedReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = time.time()
    for seconds, questions in ((0, 1), (CACHE_SECONDS - 1, 1), (CACHE_SECONDS + 1, 2), (CACHE_SECONDS + 2, 2)):
        monkeypatch.setattr(kratos_client, "_now", lambda at=started + seconds: at)
        assert asked(kratos) == ALICE
        assert kratos.connections == questions


def test_a_session_is_not_remembered_beyond_its_end(kratos: ScriptedReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    kratos.script = saying(session(expires_at=in_seconds(10)))
    assert asked(kratos) == ALICE
    kratos.script = saying(UNAUTHORIZED, "401 Unauthorized")
    assert asked(kratos) == ALICE
    ended = time.time() + 11
    monkeypatch.setattr(kratos_client, "_now", lambda: ended)
    assert asked(kratos) is None


def test_a_clock_that_was_set_back_makes_no_session_last(
    kratos: ScriptedReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(kratos)
    before = time.time() - 3600
    monkeypatch.setattr(kratos_client, "_now", lambda: before)
    asked(kratos)
    assert kratos.connections == 2


@pytest.mark.parametrize(
    "answer",
    [saying(UNAUTHORIZED, "401 Unauthorized"), answering("500 Oops"), saying(SECOND_FACTOR_REQUIRED, "403 Forbidden")],
)
def test_only_confirmed_sessions_are_remembered(kratos: ScriptedReceiver, answer: Script) -> None:
    kratos.script = answer
    for _ in range(2):
        try:
            assert asked(kratos) is None
        except (SessionServiceDownError, SecondFactorRequiredError):
            continue
    assert kratos.connections == 2
    kratos.script = saying(session())
    assert asked(kratos) == ALICE


def test_another_cookie_or_another_kratos_is_another_question(kratos: ScriptedReceiver) -> None:
    asked(kratos)
    asked(kratos, COOKIE + "x")
    whoami(f"http://127.0.0.1:{kratos.port}/other", COOKIE, timeout=5)
    assert len(kratos.requests) == 3


def test_no_cookie_lies_in_memory_as_it_was_sent(kratos: ScriptedReceiver) -> None:
    asked(kratos)
    assert kratos_client._known
    assert COOKIE not in repr(kratos_client._known)
    assert COOKIE.encode() not in b"".join(kratos_client._known)
