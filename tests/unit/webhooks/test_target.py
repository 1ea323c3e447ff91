"""Which URLs can be subscribed, and what the others are told."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.webhooks.public_address import is_public
from chalicelib.webhooks.target import MAX_URL_CHARACTERS, PORTS, TargetError, parse_target


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("https://example.com", "https://example.com/"),
        ("https://example.com:443/hooks", "https://example.com/hooks"),
        ("https://example.com:8443/hooks?a=b&c=%20", "https://example.com:8443/hooks?a=b&c=%20"),
        ("https://example.com?a=b", "https://example.com/?a=b"),
        ("HTTPS://EXAMPLE.com/Path", "https://example.com/Path"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://faß.example/", "https://xn--fa-hia.example/"),
        ("https://例え。テスト/", "https://xn--r8jz45g.xn--zckzah/"),
        ("https://1.1.1.1/x", "https://1.1.1.1/x"),
        ("https://[2606:4700:4700:0::1111]:8443/x", "https://[2606:4700:4700::1111]:8443/x"),
        ("https://[::ffff:1.1.1.1]/", "https://1.1.1.1/"),
        ("https://example.com//double/../x", "https://example.com//double/../x"),
    ],
)
def test_a_url_is_brought_into_its_normal_form(url: str, normal: str) -> None:
    target = parse_target(url)
    assert target.url == normal
    assert not target.is_loopback
    assert parse_target(normal) == target


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "malformed"),
        ("example.com/hooks", "malformed"),
        ("https:/example.com", "malformed"),
        ("https://", "malformed"),
        ("https:///path", "malformed"),
        ("https://example.com:/x", "malformed"),
        ("https://example.com:4a3/", "malformed"),
        ("https://[::1", "malformed"),
        ("https://exa mple.com/", "malformed"),
        ("https://example.com/\r\nX-Evil: 1", "malformed"),
        ("https://example.com/\ttab", "malformed"),
        (" https://example.com/", "malformed"),
        ("https://example.com\\@evil.example/", "malformed"),
        ("https://example.com/größe", "malformed"),
        ("https://example.com/\ud800", "malformed"),
        ("http://example.com/", "scheme"),
        ("ftp://example.com/", "scheme"),
        ("file://example.com/etc/passwd", "scheme"),
        ("gopher://example.com/", "scheme"),
        ("https://user@example.com/", "user_info"),
        ("https://user:password@example.com/", "user_info"),
        ("https://example.com@127.0.0.1/", "user_info"),
        ("https://example.com/#part", "fragment"),
        ("https://example.com/#", "fragment"),
        ("https://example.com:80/", "port"),
        ("https://example.com:22/", "port"),
        ("https://example.com:0/", "port"),
        ("https://example.com:65536/", "port"),
        ("https://example.com./", "host"),
        ("https://example..com/", "host"),
        ("https://-example.com/", "host"),
        ("https://exam_ple.com/", "host"),
        ("https://%65xample.com/", "host"),
        ("https://a" + ".a" * 127 + "/", "host"),
        ("https://" + "a" * 64 + ".example/", "host"),
        ("https://a℀b.example/", "host"),
        ("https://localhost/", "host"),
        ("https://intranet/", "host"),
        ("https://printer.local/", "host"),
        ("https://metadata.google.internal/", "host"),
        ("https://hooks.localhost/", "host"),
        ("https://example.onion/", "host"),
        (f"https://example.com/{'a' * MAX_URL_CHARACTERS}", "too_long"),
    ],
)
def test_a_url_that_breaks_a_rule_is_told_which(url: str, reason: str) -> None:
    with pytest.raises(TargetError) as refused:
        parse_target(url)
    assert refused.value.reason == reason
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0X7F.1",
        "017700000001",
        "0177.0.0.1",
        "127.0.0.01",
        "127.0.0.1.",
        "1.1.1.1.1",
        "256.1.1.1",
        "%31%32%37.0.0.1",
        "example.0x",
        "１２７.0.0.1",
        "127。0。0。1",
        "①②⑦.0.0.1",
        "0.0.0.0",
        "0",
        "10.1.2.3",
        "169.254.169.254",
        "168.63.129.16",
        "100.100.100.200",
        "224.0.0.1",
        "255.255.255.255",
        "[::]",
        "[::1]",
        "[::127.0.0.1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::127.0.0.1]",
        "[64:ff9b:1::10.0.0.1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[fe80::1%25eth0]",
        "[fe80::1%eth0]",
        "[ff02::1]",
        "[2606:4700:4700::1111%eth0]",
        "[2606:4700:4700::1111%25eth0]",
        "[1.1.1.1]",
        "[]",
    ],
)
def test_no_way_to_write_an_address_leads_inside(host: str) -> None:
    with pytest.raises(TargetError) as refused:
        parse_target(f"https://{host}/")
    assert refused.value.reason in ("address", "host")


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:3000/hooks",
        "http://127.0.0.1/",
        "http://127.8.9.10:1/",
        "http://[::1]:8080/x",
        "http://[::ffff:127.0.0.1]:8080/x",
        "https://hooks.localhost:54321/",
    ],
)
def test_loopback_is_a_target_only_where_it_is_allowed(url: str) -> None:
    assert parse_target(url, allow_loopback=True).is_loopback
    with pytest.raises(TargetError):
        parse_target(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "https://example.com:3000/",
        "https://10.0.0.1/",
        "https://0.0.0.0/",
        "http://2130706433/",
        "http://localhost.example.com:8080/",
        "http://notlocalhost:8080/",
    ],
)
def test_to_allow_loopback_allows_nothing_else(url: str) -> None:
    with pytest.raises(TargetError):
        parse_target(url, allow_loopback=True)


def test_the_receivers_token_does_not_show_in_logs() -> None:
    assert "token" not in repr(parse_target("https://example.com/hooks/token?token=1"))


@given(st.text(max_size=60) | st.text("htps:/@[].0123456789xabcdef%#?-", max_size=40).map("https://".__add__))
@example("https://[")
@example("https://xn--/")
@example("https://xn--a.xn--b")
@example("https://１")
def test_whatever_is_given_is_a_safe_target_or_refused(text: str) -> None:
    try:
        target = parse_target(text)
    except TargetError:
        return
    assert target.scheme == "https"
    assert target.port in PORTS
    assert target.host.isascii()
    assert target.path.startswith("/")
    assert target.path.isprintable()
    assert parse_target(target.url) == target
    if target.address is not None:
        assert is_public(ip_address(target.host))
