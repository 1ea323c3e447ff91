"""Finds IP and MAC addresses."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from chalicelib.privacy.detect import Detection
from chalicelib.privacy.pii_type import PiiType
from chalicelib.privacy.prepared_text import PreparedText

_IPV4 = re.compile(r"[0-9][0-9]{0,2}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}")
_COLON_RUN = re.compile(r":(?=[0-9A-Fa-f:])[0-9A-Fa-f:]{1,60}(?:\.[0-9]{1,3}){0,3}")
_MAC = re.compile(
    r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}|(?:[0-9a-f]{2}-){5}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}", re.I
)
# Anchored at a rare character; the two digits before it are looked at afterwards.
_MAC_DASHES = re.compile(r"-[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){4}")
_MAC_DOTS = re.compile(r"\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}")
_HEX = frozenset("0123456789abcdefABCDEF")
_LONGEST_GROUP = 4

# Four numbers that are no address after one of these words.
_NOT_AN_ADDRESS = re.compile(
    r"(?:\bv|versions?|ver\.?|version:|release|firmware|build|revision|rev\.?|sections?|sec\.|§§?|rules?|chapters?|"
    r"clauses?|"
    r"paragraphs?|controls?|items?|oids?|appendix|annex|tables?|figures?|articles?|kapitel|abschnitt|benchmark|"
    r"requirements?|step|level|or|and|to|,)[ =:]*\Z"
)
_NUMBERED = re.compile(
    r"(?:\bv|version|release|firmware|build|revision|section|rule|chapter|clause|control|oid|benchmark|requirement)"
)
_ORDINARY_NETWORKS = frozenset({"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "0.0.0.0/0", "169.254.0.0/16"})


def addresses(prepared: PreparedText) -> Iterator[Detection]:
    """Yield IP and MAC addresses that may belong to somebody: no loopback, netmask or version number."""
    yield from _ipv4(prepared)
    yield from _with_colons(prepared)
    yield from _macs(prepared)


def _ipv4(prepared: PreparedText) -> Iterator[Detection]:
    text = prepared.text
    for match in prepared.at_digits(_IPV4):
        start, end = match.span()
        if not _stands_alone(text, start, end):
            continue
        value = match.group()
        if _is_somebodys(value) and not _is_network(text, value, end) and not _is_numbering(prepared, start):
            yield Detection(PiiType.IP, start, end, value, 0.9)


def _stands_alone(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start], text[end : end + 2]
    if before and (before.isalnum() or before in "._:"):
        return before == ":" and text[start - 2 : start - 1] != ":"
    return not (after[:1].isalnum() or after[:1] == "_" or (after[:1] in ".-" and after[1:].isdigit()))


def _is_somebodys(value: str) -> bool:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    if address.version == 4 and value.startswith("255."):
        return False
    return not (address.is_loopback or address.is_unspecified)


def _is_network(text: str, value: str, end: int) -> bool:
    suffix = re.match(r"/[0-9]{1,2}", text[end : end + 3])
    return bool(suffix) and value + (suffix.group() if suffix else "") in _ORDINARY_NETWORKS


def _is_numbering(prepared: PreparedText, start: int) -> bool:
    """Tell whether the words before say that this is a version, section or the like."""
    if not _NOT_AN_ADDRESS.search(prepared.before(start, 16)):
        return False
    clause = re.split(r"[.;\n] ", prepared.before(start, 40))[-1]
    return bool(_NUMBERED.search(clause))


def _with_colons(prepared: PreparedText) -> Iterator[Detection]:
    """Yield IPv6 and MAC addresses written with colons."""
    text = prepared.text
    last_end = 0
    for match in _COLON_RUN.finditer(text):
        start = match.start()
        while start > last_end and match.start() - start < _LONGEST_GROUP and text[start - 1] in _HEX:
            start -= 1
        end = match.end()
        last_end = end
        if not prepared.starts_word(start) or not prepared.ends_word(end):
            continue
        value = text[start:end].rstrip(":") if not text[start:end].endswith("::") else text[start:end]
        end = start + len(value)
        if _MAC.fullmatch(value):
            yield Detection(PiiType.MAC, start, end, value, 0.95)
        elif _is_ipv6(value):
            yield Detection(PiiType.IP, start, end, value, 0.9)


def _is_ipv6(value: str) -> bool:
    # Times and ratios are hexadecimal as well: an address has eight groups, or a gap and some digits.
    if value.count(":") < 2 or not any(character.isdigit() for character in value):
        return False
    return _is_somebodys(value) and value.strip(":") != "" and (value.count(":") >= 7 or len(value) > 4)


def _macs(prepared: PreparedText) -> Iterator[Detection]:
    for pattern, lead in ((_MAC_DASHES, 2), (_MAC_DOTS, 4)):
        for match in pattern.finditer(prepared.text):
            start, end = match.start() - lead, match.end()
            value = prepared.text[max(0, start) : end]
            if start >= 0 and _MAC.fullmatch(value) and prepared.starts_word(start) and prepared.ends_word(end):
                if lead == 4 and not (any(c.isalpha() for c in value) or value.startswith("00")):
                    continue
                yield Detection(PiiType.MAC, start, end, value, 0.95)
