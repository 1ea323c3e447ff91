"""Which addresses of others become links."""

from __future__ import annotations

import pytest

from chalicelib.domain.web_address import LONGEST_ADDRESS, is_web_address


@pytest.mark.parametrize("address", ["https://a.example/x?q=1#f", "HTTP://a.example:8080", "https://[2001:db8::1]/"])
def test_an_address_of_the_web_is_one(address: str) -> None:
    assert is_web_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//a.example/x",
        "https:///x",
        "https://user:pw@a.example",
        "https://a.example:99999/",
        "https://a.example/ x",
        'https://a.example/"x',
        "https://a.example/\u202e",
        "https://a.example/\ud800",
        "https://[::1",
        f"https://a.example/{'x' * LONGEST_ADDRESS}",
        "",
        None,
        7,
        ["https://a.example"],
    ],
)
def test_whatever_else_is_none(address: object) -> None:
    assert not is_web_address(address)
