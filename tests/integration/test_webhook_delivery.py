"""A webhook goes to the address that was checked, over verified TLS, within bounds, or not at all."""

from __future__ import annotations

import contextlib
import errno
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from chalicelib.webhooks import delivery_client
from chalicelib.webhooks.delivery_client import Attempt, TimeLimits, deliver
from chalicelib.webhooks.signatures import puck_headers, standard_headers
from chalicelib.webhooks.signing_secrets import new_secret
from chalicelib.webhooks.target import Target, parse_target
from tests.support.certificates import server_context, trusting_context
from tests.support.puck_verifier import is_genuine
from tests.support.scripted_receiver import ScriptedReceiver, answering, silence

NAME = "hooks.localhost"
BODY = b'{"type":"report.completed"}'
OK = answering("200 OK")
SHORT = TimeLimits(lookup=0.5, connect=0.5, total=0.5)


class Dns:
    """A name service that gives these addresses, one list for each question; the last one again and again."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.questions: list[str] = []

    def __call__(self, host: str, port: int, *, type: int) -> list[Any]:  # noqa: A002
        self.questions.append(host)
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [(socket.AF_UNSPEC, type, 6, "", (address, port)) for address in addresses]


@pytest.fixture(autouse=True)
def no_other_lookup(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but the given name service is asked for a name."""
    real = socket.getaddrinfo

    def literals_only(host: Any, *rest: Any, **more: Any) -> Any:
        socket.inet_pton(socket.AF_INET6 if ":" in str(host) else socket.AF_INET, str(host))
        return real(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", literals_only)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trust(authority: trustme.CA) -> ssl.SSLContext:
    return trusting_context(authority)


@pytest.fixture
def receiver(authority: trustme.CA) -> Iterator[ScriptedReceiver]:
    with ScriptedReceiver(OK, tls=server_context(authority, NAME)) as started:
        yield started


def here(port: int, path: str = "/", scheme: str = "https", host: str = NAME) -> Target:
    return parse_target(f"{scheme}://{host}:{port}{path}", allow_loopback=True)


def elsewhere(port: int) -> Target:
    """A target that may not be on this machine, with a port that is."""
    return Target("https", "hooks.example.com", port, "/", None, is_loopback=False)


def timed(call: Callable[[], Attempt]) -> Attempt:
    """Return what ``call`` returns, and hold it to the short limits."""
    started = time.monotonic()
    attempt = call()
    assert time.monotonic() - started < 2.0
    return attempt


def test_a_webhook_arrives_as_it_was_given(receiver: ScriptedReceiver, trust: ssl.SSLContext) -> None:
    target = here(receiver.port, "/in/box?token=a%20b")
    headers = {"Content-Type": "application/json", "webhook-id": "evt_1"}

    attempt = deliver(target, headers, BODY, resolve=Dns(["127.0.0.1"]), tls=trust)

    assert (attempt.status, attempt.error) == (200, "")
    assert 0 <= attempt.duration_ms < 5000
    assert receiver.server_names == [NAME]
    [request] = receiver.requests
    assert request.line == "POST /in/box?token=a%20b HTTP/1.1"
    assert request.body == BODY
    assert request.headers == {
        "host": f"{NAME}:{receiver.port}",
        "content-type": "application/json",
        "webhook-id": "evt_1",
        "content-length": str(len(BODY)),
        "connection": "close",
        "user-agent": "report-service-webhooks/1",
    }


@pytest.mark.parametrize("status", [201, 204, 301, 400, 410, 500, 503])
def test_the_status_is_told_whatever_it_is(receiver: ScriptedReceiver, trust: ssl.SSLContext, status: int) -> None:
    receiver.script = answering(f"{status} Whatever")
    attempt = deliver(here(receiver.port), {}, BODY, resolve=Dns(["127.0.0.1"]), tls=trust)
    assert (attempt.status, attempt.error) == (status, "")


def test_an_interim_answer_is_not_the_answer(receiver: ScriptedReceiver, trust: ssl.SSLContext) -> None:
    receiver.script = lambda connection: connection.sendall(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
    )
    assert deliver(here(receiver.port), {}, BODY, resolve=Dns(["127.0.0.1"]), tls=trust).status == 202


def test_the_receivers_wish_is_told_in_seconds(receiver: ScriptedReceiver, trust: ssl.SSLContext) -> None:
    receiver.script = answering("429 Too Many Requests", "Retry-After: 77")
    attempt = deliver(here(receiver.port), {}, BODY, resolve=Dns(["127.0.0.1"]), tls=trust)
    assert (attempt.status, attempt.wish_seconds) == (429, 77.0)


def test_http_goes_to_loopback_where_that_is_allowed() -> None:
    with ScriptedReceiver(OK) as receiver:
        target = here(receiver.port, scheme="http", host="127.0.0.1")
        assert deliver(target, {}, BODY).status == 200
        assert receiver.requests[0].headers["host"] == f"127.0.0.1:{receiver.port}"


def test_an_address_as_host_is_what_the_certificate_must_name(authority: trustme.CA, trust: ssl.SSLContext) -> None:
    with ScriptedReceiver(OK, tls=server_context(authority, "127.0.0.1")) as receiver:
        assert deliver(here(receiver.port, host="127.0.0.1"), {}, BODY, tls=trust).status == 200


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_an_ipv6_address_as_host_works_too() -> None:
    with ScriptedReceiver(OK, address="::1") as receiver:
        target = here(receiver.port, scheme="http", host="[::1]")
        assert deliver(target, {}, BODY).status == 200
        assert receiver.requests[0].headers["host"] == f"[::1]:{receiver.port}"


# Where it goes


def test_a_name_whose_answer_changes_is_asked_once(receiver: ScriptedReceiver, trust: ssl.SSLContext) -> None:
    dns = Dns(["127.0.0.1"], ["127.0.0.2"])
    with ScriptedReceiver(OK, address="127.0.0.2") as other:
        attempt = deliver(here(receiver.port), {}, BODY, resolve=dns, tls=trust)

    assert attempt.status == 200
    assert dns.questions == [NAME]
    assert other.connections == 0


def test_a_name_that_moved_inside_since_it_was_subscribed_is_refused(receiver: ScriptedReceiver) -> None:
    attempt = deliver(elsewhere(receiver.port), {}, BODY, resolve=Dns(["127.0.0.1"]))
    assert (attempt.status, attempt.error) == (None, "address_refused")
    assert receiver.connections == 0


def test_one_private_address_among_public_ones_is_enough_to_refuse(receiver: ScriptedReceiver) -> None:
    dns = Dns(["93.184.215.14", "127.0.0.1"])
    assert deliver(elsewhere(receiver.port), {}, BODY, resolve=dns).error == "address_refused"
    assert receiver.connections == 0


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "0.0.0.0",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "fd00:ec2::254",
        "fe80::1%lo",
        "ff02::1",
    ],
)
def test_no_name_leads_to_an_address_that_is_not_public(address: str) -> None:
    assert deliver(elsewhere(443), {}, BODY, resolve=Dns([address]), limits=SHORT).error == "address_refused"


def test_a_loopback_name_leads_nowhere_else() -> None:
    assert deliver(here(443), {}, BODY, resolve=Dns(["93.184.215.14"]), limits=SHORT).error == "address_refused"


def test_a_redirect_to_a_private_address_is_not_followed(receiver: ScriptedReceiver, trust: ssl.SSLContext) -> None:
    with ScriptedReceiver(OK) as inside:
        receiver.script = answering("307 Temporary Redirect", f"Location: http://127.0.0.1:{inside.port}/secret")
        attempt = deliver(here(receiver.port), {}, BODY, resolve=Dns(["127.0.0.1"]), tls=trust)
    assert attempt.status == 307
    assert inside.connections == 0


def test_proxies_of_the_environment_are_ignored(
    receiver: ScriptedReceiver, trust: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedReceiver(OK) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            monkeypatch.setenv(name.lower(), f"http://127.0.0.1:{proxy.port}")
        attempt = deliver(here(receiver.port), {}, BODY, resolve=Dns(["127.0.0.1"]), tls=trust)
    assert attempt.status == 200
    assert proxy.connections == 0


def test_cookies_are_not_kept(receiver: ScriptedReceiver, trust: ssl.SSLContext) -> None:
    receiver.script = answering("200 OK", "Set-Cookie: seen=1; Path=/")
    for _ in range(2):
        deliver(here(receiver.port), {}, BODY, resolve=Dns(["127.0.0.1"]), tls=trust)
    assert len(receiver.requests) == 2
    assert not any("cookie" in request.headers for request in receiver.requests)


def test_an_address_that_takes_no_connection_is_followed_by_the_next(
    receiver: ScriptedReceiver, trust: ssl.SSLContext
) -> None:
    dns = Dns(["127.0.0.2", "127.0.0.1"])
    assert deliver(here(receiver.port), {}, BODY, resolve=dns, tls=trust).status == 200


def test_a_machine_without_ipv6_goes_on_to_the_next_address(
    receiver: ScriptedReceiver, trust: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.socket

    def only_ipv4(family: int = -1, *rest: Any, **more: Any) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return real(family, *rest, **more)

    monkeypatch.setattr("chalicelib.webhooks.delivery_client.socket.socket", only_ipv4)
    dns = Dns(["::1", "127.0.0.1"])
    assert deliver(here(receiver.port), {}, BODY, resolve=dns, tls=trust).status == 200


@pytest.fixture
def stuck(receiver: ScriptedReceiver) -> Iterator[str]:
    """An address at which the receiver's port takes no connection and refuses none."""
    address = "127.0.0.2"
    with socket.create_server((address, receiver.port), backlog=0), contextlib.ExitStack() as waiting:
        for _ in range(10):
            connection = waiting.enter_context(socket.socket())
            connection.settimeout(0.1)
            try:
                connection.connect((address, receiver.port))
            except TimeoutError:
                break
        else:
            pytest.fail("the queue of connections did not fill up")
        yield address


def test_an_address_that_does_not_answer_is_left_for_the_next_in_time(
    receiver: ScriptedReceiver, trust: ssl.SSLContext, stuck: str
) -> None:
    limits = TimeLimits(lookup=1, connect=0.6, total=10)
    attempt = deliver(here(receiver.port), {}, BODY, resolve=Dns([stuck, "127.0.0.1"]), tls=trust, limits=limits)
    assert attempt.status == 200
    assert 250 <= attempt.duration_ms < 3000


def test_a_connection_that_does_not_come_about_ends(receiver: ScriptedReceiver, stuck: str) -> None:
    limits = TimeLimits(lookup=1, connect=0.3, total=10)
    attempt = timed(lambda: deliver(here(receiver.port), {}, BODY, resolve=Dns([stuck]), limits=limits))
    assert (attempt.status, attempt.error) == (None, "timeout")


# Who it goes to


def test_a_certificate_for_another_name_is_refused(authority: trustme.CA, trust: ssl.SSLContext) -> None:
    with ScriptedReceiver(OK, tls=server_context(authority, "other.localhost")) as receiver:
        attempt = deliver(here(receiver.port), {}, BODY, resolve=Dns(["127.0.0.1"]), tls=trust)
    assert (attempt.status, attempt.error) == (None, "certificate_refused")
    assert receiver.requests == []


def test_a_certificate_of_an_unknown_authority_is_refused(receiver: ScriptedReceiver) -> None:
    attempt = deliver(here(receiver.port), {}, BODY, resolve=Dns(["127.0.0.1"]))
    assert attempt.error == "certificate_refused"
    assert receiver.requests == []


def test_a_certificate_that_is_over_is_refused(authority: trustme.CA, trust: ssl.SSLContext) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    authority.issue_cert(NAME, not_before=yesterday - timedelta(days=1), not_after=yesterday).configure_cert(context)
    with ScriptedReceiver(OK, tls=context) as receiver:
        attempt = deliver(here(receiver.port), {}, BODY, resolve=Dns(["127.0.0.1"]), tls=trust)
    assert attempt.error == "certificate_refused"


def test_a_receiver_without_tls_gets_nothing(trust: ssl.SSLContext) -> None:
    with ScriptedReceiver(OK) as receiver:
        attempt = deliver(here(receiver.port), {}, BODY, resolve=Dns(["127.0.0.1"]), tls=trust, limits=SHORT)
    assert attempt.error in ("tls_failed", "timeout")
    assert not any(BODY in request.body for request in receiver.requests)


# What goes wrong


def test_a_port_that_nobody_listens_on_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    attempt = deliver(here(port), {}, BODY, resolve=Dns(["127.0.0.1"]))
    assert (attempt.status, attempt.error) == (None, "connection_refused")


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), "name_not_found"),
        (socket.gaierror(socket.EAI_AGAIN, "try again"), "name_lookup_failed"),
        (UnicodeError("label too long"), "name_lookup_failed"),
    ],
)
def test_a_name_that_is_not_found_is_told(failure: Exception, expected: str) -> None:
    def resolve(host: str, port: int, *, type: int) -> list[Any]:  # noqa: A002
        raise failure

    assert deliver(elsewhere(443), {}, BODY, resolve=resolve).error == expected


def test_a_name_without_addresses_is_not_found() -> None:
    assert deliver(elsewhere(443), {}, BODY, resolve=Dns([])).error == "name_not_found"


def test_a_name_service_that_does_not_answer_is_left_alone() -> None:
    over = threading.Event()

    def resolve(host: str, port: int, *, type: int) -> list[Any]:  # noqa: A002
        over.wait(10)
        return []

    attempt = timed(lambda: deliver(elsewhere(443), {}, BODY, resolve=resolve, limits=SHORT))
    over.set()
    assert attempt.error == "timeout"


def test_an_answer_that_is_no_http_is_told(receiver: ScriptedReceiver, trust: ssl.SSLContext) -> None:
    receiver.script = lambda connection: connection.sendall(b"220 mail.example.com ESMTP\r\n")
    attempt = deliver(here(receiver.port), {}, BODY, resolve=Dns(["127.0.0.1"]), tls=trust)
    assert (attempt.status, attempt.error) == (None, "bad_answer")


ANSWER_PARTS = (
    b"HTTP/1.1 ",
    b"HTTP/1.0 200 OK\r\n",
    b"100 Continue\r\n",
    b"200 OK\r\n",
    b"999999 \r\n",
    b"-1\r\n",
    b"Content-Length: ",
    b"Transfer-Encoding: chunked\r\n",
    b"Retry-After: ",
    b"Tue, 20 Jan 2026 12:01:00 +99999999999999999999\r\n",
    b": \r\n",
    b" folded\r\n",
    b"\r\n",
    b"\n",
    b"5\r\n",
    b"zz\r\n",
    b"\0\xff",
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(ANSWER_PARTS) | st.binary(max_size=5), max_size=12).map(b"".join))
def test_no_answer_breaks_the_client(answer: bytes) -> None:
    with ScriptedReceiver(lambda connection: connection.sendall(answer)) as receiver:
        attempt = deliver(here(receiver.port, scheme="http", host="127.0.0.1"), {}, BODY)
    assert (attempt.status is None) is (attempt.error != "")


def test_a_connection_that_is_closed_without_an_answer_is_told(
    receiver: ScriptedReceiver, trust: ssl.SSLContext
) -> None:
    receiver.script = lambda _connection: None
    attempt = deliver(here(receiver.port), {}, BODY, resolve=Dns(["127.0.0.1"]), tls=trust)
    assert attempt.error in ("bad_answer", "connection_failed")


# Bounds


@pytest.mark.parametrize("dripped", [b"HTTP", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 10_000])
def test_an_answer_that_drips_ends(receiver: ScriptedReceiver, trust: ssl.SSLContext, dripped: bytes) -> None:
    receiver.script = receiver.dripping(dripped, seconds_apart=0.01)
    attempt = timed(lambda: deliver(here(receiver.port), {}, BODY, resolve=Dns(["127.0.0.1"]), tls=trust, limits=SHORT))
    assert (attempt.status, attempt.error) == (None, "timeout")


def test_a_body_that_drips_does_not_take_back_the_status(receiver: ScriptedReceiver, trust: ssl.SSLContext) -> None:
    def script(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        receiver.dripping(b"x")(connection)

    receiver.script = script
    attempt = timed(lambda: deliver(here(receiver.port), {}, BODY, resolve=Dns(["127.0.0.1"]), tls=trust, limits=SHORT))
    assert (attempt.status, attempt.error) == (200, "")


def test_a_receiver_that_says_nothing_ends(receiver: ScriptedReceiver, trust: ssl.SSLContext) -> None:
    receiver.script = silence
    attempt = timed(lambda: deliver(here(receiver.port), {}, BODY, resolve=Dns(["127.0.0.1"]), tls=trust, limits=SHORT))
    assert attempt.error == "timeout"


def test_a_handshake_that_never_ends_is_ended(trust: ssl.SSLContext) -> None:
    with ScriptedReceiver(silence, reads=False) as receiver:
        receiver.script = receiver.dripping(b"\x16\x03\x03\x3f\xff" + b"\0" * 1000)
        target = here(receiver.port)
        attempt = timed(lambda: deliver(target, {}, BODY, resolve=Dns(["127.0.0.1"]), tls=trust, limits=SHORT))
    assert attempt.error in ("timeout", "tls_failed")


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n",
    ],
)
def test_of_a_huge_answer_only_the_beginning_is_read(
    receiver: ScriptedReceiver, trust: ssl.SSLContext, head: bytes
) -> None:
    left = threading.Event()

    def script(connection: socket.socket) -> None:
        connection.sendall(head)
        try:
            while True:
                connection.sendall(b"x" * 65536)
        except OSError:
            left.set()

    receiver.script = script
    attempt = deliver(here(receiver.port), {}, BODY, resolve=Dns(["127.0.0.1"]), tls=trust)
    assert (attempt.status, attempt.error) == (200, "")
    assert attempt.duration_ms < 5000
    assert left.wait(5)


def test_endless_headers_are_no_answer(receiver: ScriptedReceiver, trust: ssl.SSLContext) -> None:
    def script(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"X-Header: " + b"y" * 1000 + b"\r\n")

    receiver.script = script
    attempt = deliver(here(receiver.port), {}, BODY, resolve=Dns(["127.0.0.1"]), tls=trust)
    assert (attempt.status, attempt.error) == (None, "bad_answer")


def test_a_body_that_is_too_long_is_an_error_of_the_caller() -> None:
    with pytest.raises(ValueError, match="at most"):
        deliver(elsewhere(443), {}, b"x" * (delivery_client.MAX_BODY_BYTES + 1))


def test_a_header_cannot_begin_another_one(receiver: ScriptedReceiver, trust: ssl.SSLContext) -> None:
    with pytest.raises(ValueError, match="Invalid header"):
        deliver(here(receiver.port), {"X-A": "1\r\nX-B: 2"}, BODY, resolve=Dns(["127.0.0.1"]), tls=trust)


# What the receiver verifies


def test_a_received_webhook_verifies_with_the_standard_library(
    receiver: ScriptedReceiver, trust: ssl.SSLContext
) -> None:
    secret, body = new_secret(), json.dumps({"type": "report.completed", "title": "Prüfung 東京"}).encode()
    headers = standard_headers("evt_1", datetime.now(UTC), body, [secret])
    deliver(here(receiver.port), headers, body, resolve=Dns(["127.0.0.1"]), tls=trust)

    [request] = receiver.requests
    assert Webhook(secret).verify(request.body, request.headers)["title"] == "Prüfung 東京"
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(request.body, request.headers)


def test_a_received_investigation_webhook_verifies_by_its_documentation(
    receiver: ScriptedReceiver, trust: ssl.SSLContext
) -> None:
    secret = new_secret()
    headers = puck_headers("evt_1", "investigation.completed", "dlv_1", datetime.now(UTC), BODY, [secret])
    deliver(here(receiver.port), headers, BODY, resolve=Dns(["127.0.0.1"]), tls=trust)

    [request] = receiver.requests
    assert is_genuine(secret, request.headers, request.body, time.time())
    assert not is_genuine(new_secret(), request.headers, request.body, time.time())
