"""The URL that a webhook is sent to, checked as far as that goes without asking the DNS.

The addresses behind a name are checked when something is sent (``delivery_client``), because they change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final, Literal

from chalicelib.webhooks.public_address import Address, is_loopback, is_public, unmapped

MAX_URL_CHARACTERS: Final = 2048
PORTS: Final = (443, 8443)

Scheme = Literal["http", "https"]
Reason = Literal["too_long", "malformed", "scheme", "user_info", "fragment", "host", "address", "port"]

_DEFAULT_PORTS: Final[dict[Scheme, int]] = {"http": 80, "https": 443}
_MAX_HOST_CHARACTERS: Final = 253

# What no URL holds unescaped; a library that drops or rewrites them would see another URL than we do.
_FORBIDDEN: Final = re.compile(r'[\x00-\x20\x7f-\xa0\u2028\u2029\ud800-\udfff\\<>"^`{|}]')
_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^#]*)(#.*)?")
_AUTHORITY: Final = re.compile(r"(?:\[([^\[\]]*)\]|([^:\[\]]+))(?::([0-9]{1,5}))?")
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# URL parsers take a host whose last label looks like this for an IPv4 address.
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PRIVATE_ENDINGS: Final = (".localhost", ".local", ".internal", ".home.arpa", ".onion")


class TargetError(ValueError):
    """A URL that no webhook is sent to; its text is a sentence for whoever gave it.

    ``reason`` names the rule that it breaks.
    """

    def __init__(self, reason: Reason, sentence: str) -> None:
        super().__init__(sentence)
        self.reason: Reason = reason


@dataclass(frozen=True)
class Target:
    """Where a webhook goes.

    ``host`` is a name in ASCII or an address without brackets; ``address`` is set where it is an address.
    ``path`` includes the query; it may hold the receiver's own token, so it is kept out of ``repr``.
    ``is_loopback`` marks a target on this machine, for development.
    """

    scheme: Scheme
    host: str
    port: int
    path: str = field(repr=False)
    address: Address | None
    is_loopback: bool

    @property
    def authority(self) -> str:
        """Host and port as the ``Host`` header names them: the scheme's own port is left out."""
        host = f"[{self.host}]" if isinstance(self.address, IPv6Address) else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL in its normal form."""
        return f"{self.scheme}://{self.authority}{self.path}"


def parse_target(url: str, *, allow_loopback: bool = False) -> Target:
    """Return the target that a URL names.

    Args:
        url: what the subscriber gave.
        allow_loopback: whether http and https to this machine, on any port, are allowed, too.

    Raises:
        TargetError: no webhook may be sent there.
    """
    scheme, authority, path = _parts(url)
    host, port = _host_and_port(authority)
    address = _address(host)
    name = host if address is None else str(address)
    here = is_loopback(address) if address is not None else _is_local_name(name)
    target = Target(
        scheme=scheme,
        host=name,
        port=_DEFAULT_PORTS[scheme] if port is None else port,
        path=path,
        address=address,
        is_loopback=here and allow_loopback,
    )
    if not target.is_loopback:
        _check_public(target)
    return target


def _parts(url: str) -> tuple[Scheme, str, str]:
    """Return scheme, authority, and path with query."""
    if len(url) > MAX_URL_CHARACTERS:
        raise TargetError("too_long", f"A webhook URL has at most {MAX_URL_CHARACTERS} characters.")
    match = None if _FORBIDDEN.search(url) else _URL.fullmatch(url)
    if match is None:
        raise TargetError("malformed", "This is not a URL such as https://example.com/hooks.")
    scheme, authority, path, fragment = match.groups()
    if fragment is not None:
        raise TargetError("fragment", "A webhook URL has no fragment (#…).")
    if "@" in authority:
        raise TargetError("user_info", "A webhook URL holds no user name or password.")
    if not path.isascii():
        raise TargetError("malformed", "Percent-encode the characters of path and query that are not ASCII.")
    return _scheme(scheme), authority, path if path.startswith("/") else f"/{path}"


def _scheme(text: str) -> Scheme:
    match text.lower():
        case "https":
            return "https"
        case "http":
            return "http"
    raise TargetError("scheme", "A webhook URL begins with https://.")


def _host_and_port(authority: str) -> tuple[str, int | None]:
    """Return the host (an IPv6 address in brackets, anything else in lower-case ASCII) and the port, if given."""
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise TargetError("malformed", "This is not a URL such as https://example.com/hooks.")
    literal, name, digits = match.groups()
    port = None if digits is None else int(digits)
    if port is not None and not 1 <= port <= 65535:
        raise TargetError("port", "A port is a number from 1 to 65535.")
    return (f"[{literal}]" if literal is not None else _ascii_name(name)), port


def _ascii_name(name: str) -> str:
    """Return a name in lower-case ASCII, as the DNS and certificates have it."""
    if len(name) > _MAX_HOST_CHARACTERS:
        raise TargetError("host", f"A host name has at most {_MAX_HOST_CHARACTERS} characters.")
    if name.isascii():
        return name.lower()
    import idna  # Python's own codec knows the rules of 2003, which lead some names to another host

    try:
        return idna.encode(name, uts46=True, std3_rules=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        raise TargetError("host", "The host name is not a valid international domain name.") from None


def _address(host: str) -> Address | None:
    """Return the address that a host is, or None for a name."""
    if host.startswith("["):
        try:
            return unmapped(_ipv6(host[1:-1]))
        except AddressValueError:
            raise TargetError("address", "Between the brackets there is no IPv6 address.") from None
    if _NUMBER.fullmatch(host.rpartition(".")[2]) is None:
        _check_name(host)
        return None
    try:
        return IPv4Address(host)
    except AddressValueError:
        raise TargetError("address", "Write an IPv4 address as four decimal numbers without leading zeros.") from None


def _ipv6(text: str) -> IPv6Address:
    if "%" in text:
        raise AddressValueError("a zone has no meaning outside of its machine")
    return IPv6Address(text)


def _check_name(name: str) -> None:
    if len(name) > _MAX_HOST_CHARACTERS or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise TargetError("host", "The host name is not valid: letters, digits and hyphens between single dots.")


def _is_local_name(name: str) -> bool:
    return name == "localhost" or name.endswith(".localhost")


def _check_public(target: Target) -> None:
    if target.scheme != "https":
        raise TargetError("scheme", "A webhook URL begins with https://.")
    if target.port not in PORTS:
        raise TargetError("port", f"Webhooks are sent to the ports {' and '.join(map(str, PORTS))} only.")
    if target.address is None:
        if "." not in target.host or target.host.endswith(_PRIVATE_ENDINGS):
            raise TargetError("host", "The host name has no meaning on the public internet.")
    elif not is_public(target.address):
        raise TargetError("address", "Webhooks are sent to public internet addresses only.")
