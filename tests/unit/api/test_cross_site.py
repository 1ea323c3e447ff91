"""Who may change something with a cookie: pages of this site and of trusted ones."""

from __future__ import annotations

import pytest

from chalicelib.api.cross_site import is_own

HERE = {"host": "api.example.com", "x-forwarded-proto": "https"}
TRUSTED = frozenset({"https://app.example.com"})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "https://api.example.com.evil.example"},
        {"origin": "http://api.example.com"},
        {"origin": "https://api.example.com:8443"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": ""},
        {"x-requested-with": ""},
        {"sec-fetch-site": "cross-site", "x-requested-with": "XMLHttpRequest"},
        {"origin": "https://evil.example", "x-requested-with": "XMLHttpRequest"},
        {"origin": "https://api.example.com", "sec-fetch-site": "cross-site"},
        {"origin": "https://app.example.com.evil.example", "sec-fetch-site": "cross-site"},
    ],
    ids=str,
)
def test_others_change_nothing(headers: dict[str, str]) -> None:
    assert not is_own(HERE | headers, TRUSTED)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://api.example.com"},
        {"sec-fetch-site": "same-origin"},
        # A proxy in front may have changed the host; what the browser says of its page it has not.
        {"sec-fetch-site": "same-origin", "origin": "https://www.example.com"},
        {"sec-fetch-site": "cross-site", "origin": "https://app.example.com"},
        {"x-requested-with": "XMLHttpRequest"},
    ],
    ids=str,
)
def test_pages_of_this_site_and_trusted_ones_do(headers: dict[str, str]) -> None:
    assert is_own(HERE | headers, TRUSTED)


def test_without_tls_the_origin_has_none_either() -> None:
    assert is_own({"host": "127.0.0.1:8000", "origin": "http://127.0.0.1:8000"}, ())
    assert not is_own({"host": "127.0.0.1:8000", "origin": "https://127.0.0.1:8000"}, ())


@pytest.mark.parametrize("origin", ["https://app.example.com", "*"])
def test_every_origin_is_no_trusted_one(origin: str) -> None:
    assert not is_own(HERE | {"origin": origin, "sec-fetch-site": "cross-site"}, {"*"})


def test_a_missing_host_is_nobody_s_origin() -> None:
    assert not is_own({"origin": "https://api.example.com"}, ())
