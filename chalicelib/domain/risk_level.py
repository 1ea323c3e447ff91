"""How much harm the private values of a text could do: said from how many of each kind there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

RiskLevel = Literal["none", "low", "medium", "high"]

# What opens an account, or stays with a person for life.
_GRAVE: Final = frozenset(
    {
        "url_credentials",
        "jwt",
        "secret",
        "iban",
        "payment_card",
        "ssn",
        "national_id",
        "medical_record",
        "account_number",
    }
)
# What says who somebody is, or where to find them.
_PERSONAL: Final = frozenset({"person", "email", "phone", "postal_address", "date_of_birth"})
_MANY: Final = 10


def risk_level(counts: Mapping[str, int]) -> RiskLevel:
    """Return ``high`` for a value that opens an account or is issued once in a life, or for many that name people;
    ``medium`` for some of these; ``low`` for addresses of machines; ``none`` for nothing.
    """
    if any(counts.get(kind) for kind in _GRAVE):
        return "high"
    personal = sum(counts.get(kind, 0) for kind in _PERSONAL)
    if personal:
        return "high" if personal >= _MANY else "medium"
    return "low" if any(counts.values()) else "none"
