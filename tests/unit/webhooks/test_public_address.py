"""Which addresses a webhook may be sent to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.webhooks.public_address import is_loopback, is_public, unmapped

# The registries of special addresses (RFC 6890 and what was added since), multicast, and the clouds' metadata.
SPECIAL_V4 = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "168.63.129.16/32",
]
SPECIAL_V6 = [
    "::/96",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "100:0:0:1::/64",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
]


@st.composite
def addresses_in(draw: st.DrawFn, networks: list[str]) -> IPv4Address | IPv6Address:
    network = ip_network(draw(st.sampled_from(networks)))
    return network[draw(st.integers(0, network.num_addresses - 1))]


@pytest.mark.parametrize("network", SPECIAL_V4 + SPECIAL_V6)
def test_special_networks_are_refused_from_end_to_end(network: str) -> None:
    whole = ip_network(network)
    assert not is_public(whole[0])
    assert not is_public(whole[-1])


@given(addresses_in(SPECIAL_V4 + SPECIAL_V6))
def test_nothing_within_a_special_network_is_public(address: IPv4Address | IPv6Address) -> None:
    assert not is_public(address)


@given(addresses_in(SPECIAL_V4))
def test_no_other_form_of_a_special_address_is_public(address: IPv4Address) -> None:
    number = int(address)
    for other in (
        IPv6Address(number),
        IPv6Address(0xFFFF << 32 | number),  # mapped
        IPv6Address((0x64FF9B << 96) | number),  # NAT64
        IPv6Address((0x2002 << 112) | number << 80),  # 6to4
        IPv6Address((0x20010000 << 96) | (number ^ 0xFFFFFFFF)),  # Teredo
    ):
        assert not is_public(other)


@given(st.ip_addresses(v=4))
def test_every_other_ipv4_address_is_public(address: IPv4Address) -> None:
    special = any(address in ip_network(network) for network in SPECIAL_V4)
    assert is_public(address) is not special


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.215.14", "100.63.255.255", "100.128.0.0", "2606:4700:4700::1111", "2a00:1450::1"]
)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(ip_address(address))


def test_a_mapped_address_is_what_it_stands_for() -> None:
    assert is_public(ip_address("::ffff:1.1.1.1"))
    assert unmapped(ip_address("::ffff:1.1.1.1")) == ip_address("1.1.1.1")
    assert is_loopback(ip_address("::ffff:127.0.0.1"))
    assert not is_loopback(ip_address("::ffff:1.1.1.1"))
