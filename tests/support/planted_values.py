"""Private values that tests plant in what is sent in, and the forms in which one could leave all the same."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

PLANTED: Final = {
    "person": "Annegret Kowalczyk",
    "email": "annegret.kowalczyk@klinik-nord.example",
    "phone": "+49 30 90182017",
    "payment_card": "4539 1488 0343 6467",
    "iban": "DE89 3704 0044 0532 0130 00",
    "ssn": "536-90-4399",
    "ip_address": "10.77.31.204",
    "secret": "ghp_a7Fq29XkLmZ04TwBvYcR8sNdPeUh3J6oQiWt",
    "date_of_birth": "14.03.1961",
}
"""One of each of several types."""


def forms(value: str) -> set[bytes]:
    """Return a value as it could stand in what is sent: as it is, escaped, quoted, without its signs, as base64."""
    bare = re.sub(r"[\s-]", "", value)
    texts = {value, value.upper(), value.lower(), bare, bare.lower()}
    texts |= {json.dumps(text)[1:-1] for text in set(texts)} | {quote(text) for text in set(texts)}
    encoded = {text.encode() for text in texts} | {value.encode("utf-16-le")}
    return encoded | {base64.b64encode(value.encode())[:-4]}


def found_in(sent: bytes, values: Iterable[str] = tuple(PLANTED.values())) -> list[str]:
    """Return which of the values stand in what was sent, in whatever form."""
    unescaped = sent.decode("utf-8", "replace")
    unescaped = re.sub(r"\\u([0-9a-fA-F]{4})", lambda code: chr(int(code[1], 16)), unescaped)
    everything = sent + b"\n" + unescaped.encode("utf-8", "surrogatepass")
    return [value for value in values if any(form in everything for form in forms(value))]
