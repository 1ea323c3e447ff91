"""Which IP addresses a webhook may be sent to: those that the public internet routes to one host.

``ipaddress.is_global`` alone is not enough: what it knows differs between releases of Python, and it calls
multicast and the forms that carry another address inside (6to4, NAT64, IPv4-compatible) global.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

Address = IPv4Address | IPv6Address

_REFUSED_V4: Final = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments, among them the addresses of NAT64 translators
    IPv4Network("192.88.99.0/24"),  # 6to4 relays
    IPv4Network("168.63.129.16/32"),  # the metadata service of Azure
)
# Only this block holds addresses of single hosts; NAT64, mapped, site-local and multicast lie outside of it.
_UNICAST_V6: Final = IPv6Network("2000::/3")
_REFUSED_V6: Final = (
    IPv6Network("2001::/23"),  # protocol assignments, among them Teredo and ORCHID
    IPv6Network("2001:db8::/32"),  # documentation
    IPv6Network("2002::/16"),  # 6to4
    IPv6Network("3fff::/20"),  # documentation
)


def unmapped(address: Address) -> Address:
    """Return the IPv4 address that an IPv4-mapped IPv6 address stands for, or the address itself."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def is_public(address: Address) -> bool:
    """Return whether a webhook may be sent to an address; a mapped one is judged by what it stands for."""
    plain = unmapped(address)
    if not plain.is_global or plain.is_multicast:
        return False
    if isinstance(plain, IPv4Address):
        return not any(plain in network for network in _REFUSED_V4)
    return plain in _UNICAST_V6 and not any(plain in network for network in _REFUSED_V6)


def is_loopback(address: Address) -> bool:
    """Return whether an address is this machine's own; a mapped one is judged by what it stands for."""
    return unmapped(address).is_loopback
